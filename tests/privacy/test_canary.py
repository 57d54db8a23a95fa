"""A canary, keyed and spoken into sensitive slots and read back, is found in no byte that the server wrote."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.live.hotline import Hotline, events, log_on_failure, running
from voicebot.media.wav import decode_wav
from voicebot.phone import Phone, PhoneCall
from voicebot.phone.voice import speak
from voicebot.speech.asr.registry import open_recogniser

DIALPLAN = Path(__file__).parent / "hotline.yaml"
CARD, PIN = "49315827", "4931"
VOICE = "en-us"
HARMLESS = speak("i lost my card", VOICE)
SPOKEN_PIN = speak("four nine three one", VOICE)
WORDS = "four nine three one"
# As digits that do not stand inside of a longer number (an instant, a uid); apart; as words; as typed keys in JSON.
SIGNS = (
    re.compile(CARD.encode()),
    re.compile(rb"(?<![0-9A-Fa-f.])4931(?![0-9A-Fa-f])"),
    re.compile(rb"4\W{1,4}9\W{1,4}3\W{1,4}1", re.IGNORECASE),
    re.compile(rb"four\W+nine\W+three\W+one", re.IGNORECASE),
    re.compile("\0".join(CARD).encode()),  # UTF-16
)


async def tell(hotline: Hotline) -> PhoneCall:
    """Place the call; return it with all that it heard."""
    phone = Phone()
    call = await phone.call(hotline.uri())
    for act in (HARMLESS, CARD, "1", SPOKEN_PIN, "1", HARMLESS):
        assert await call.other_has_spoken(quiet=0.7), f"the hotline is silent: {call.events}"
        if isinstance(act, str):
            call.send_keys(act)
        else:
            call.say(act)
        await call.said_all()
    assert await call.ended(12.0)
    await phone.close()
    return call


@dataclass(frozen=True)
class Told:
    """A hotline that was called and then stopped; `cached` is what lay in its cache before the call."""

    hotline: Hotline
    call: PhoneCall
    record: dict[str, Any]
    cached: set[Path]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    hotline = Hotline(tmp_path_factory.mktemp("hotline"), DIALPLAN, config={"log": {"level": "debug"}})
    with running(hotline), log_on_failure(hotline):
        cached = set((hotline.data / "cache").rglob("*"))

        async def story() -> PhoneCall:
            async with asyncio.timeout(45.0):
                return await tell(hotline)

        call = asyncio.run(story())
        record = hotline.wait_for_record(1)
    return Told(hotline, call, record, cached)


def test_the_hotline_understood_what_it_keeps_to_itself(told: Told) -> None:
    """Otherwise the other tests would prove nothing."""
    assert any("Both are right" in str(each.get("text")) for each in events(told.record, "said"))
    assert told.record["ended_by"] == "bot"


def test_no_file_holds_the_canary(told: Told) -> None:
    """Log (debug), database with its WAL, caches, records: all that lies in the server's folders."""
    hotline = told.hotline
    files = [path for path in hotline.folder.rglob("*") if path.is_file() and path.suffix != ".wav"]
    assert {hotline.log, hotline.data / "voicebot.db"} <= set(files)
    found = {
        f"{path.name}: {match.group(0)!r} in {data[max(0, match.start() - 60) : match.end() + 30]!r}"
        for path in files
        for data in [path.read_bytes()]
        for sign in SIGNS
        if (match := sign.search(data))
    }
    assert found == set()


def test_the_record_does_not_tell_the_canary(told: Told) -> None:
    record = str(told.record).encode()
    assert [sign.pattern for sign in SIGNS if sign.search(record)] == []


def test_the_readback_is_in_no_cache(told: Told) -> None:
    assert told.cached
    assert set((told.hotline.data / "cache").rglob("*")) == told.cached


def recorded(told: Told) -> NDArray[np.int16]:
    """Return the recording, shape (samples, 2): what was said and what was heard."""
    data = Path(told.record["recording"]).read_bytes()
    decode_wav(data, "the recording")  # it is a sound file
    stereo: NDArray[np.int16] = np.frombuffer(data[44:], "<i2").reshape(-1, 2)
    return stereo


def digits_in(samples: NDArray[np.int16]) -> str:
    """Return the four digits that 8 kHz speech sounds like."""
    recogniser = open_recogniser("pocketsphinx", "en")
    recogniser.start(
        (" ".join(["(zero | oh | one | two | three | four | five | six | seven | eight | nine)"] * 4),)
    )
    padded = np.concatenate([np.zeros(4000, np.int16), samples, np.zeros(4000, np.int16)])
    noise = np.random.default_rng(1).integers(-3, 4, len(padded)).astype(np.int16)
    for start in range(0, len(padded), 160):
        recogniser.feed((padded + noise)[start : start + 160])
    return recogniser.finish().text


def stretches(channel: NDArray[np.int16]) -> list[NDArray[np.int16]]:
    """Return the stretches of sound, divided by half a second of quiet."""
    frames = channel[: len(channel) // 160 * 160].reshape(-1, 160).astype(np.float64)
    loud = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) > 100)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 25) + 1) if len(loud) else []
    return [channel[group[0] * 160 : (group[-1] + 1) * 160] for group in groups]


def test_the_recording_is_silent_while_the_canary_is_told(told: Told) -> None:
    """What is left of the caller are the two harmless sentences; no digits are recognised in either channel."""
    assert digits_in(SPOKEN_PIN) == WORDS, "the recogniser would not hear the canary"
    stereo = recorded(told)
    assert told.call.ended_at is not None
    assert told.call.answered_at is not None
    assert len(stereo) / 8000 == pytest.approx(told.call.ended_at - told.call.answered_at, abs=1.0)
    caller = max((stereo[:, 0], stereo[:, 1]), key=lambda channel: likeness(channel, HARMLESS))
    sounds = [each for each in stretches(caller) if len(each) > 1600]
    assert [len(each) / 8000 for each in sounds] == pytest.approx([len(HARMLESS) / 8000] * 2, abs=0.4)
    for channel in (stereo[:, 0], stereo[:, 1]):
        assert WORDS not in [digits_in(each) for each in stretches(channel)]


def likeness(channel: NDArray[np.int16], speech: NDArray[np.int16]) -> float:
    """Return how well `speech` is found in the channel: the peak of their normalised cross-correlation."""
    size = 1 << (len(channel) + len(speech)).bit_length()
    spectrum = np.fft.rfft(channel.astype(np.float64), size) * np.conj(
        np.fft.rfft(speech.astype(np.float64), size)
    )
    return float(
        np.max(np.abs(np.fft.irfft(spectrum, size))) / (np.linalg.norm(speech.astype(np.float64)) ** 2)
    )
