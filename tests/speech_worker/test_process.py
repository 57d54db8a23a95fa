"""One real worker process, as control starts it."""

import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from voicebot.speech.tts import open_synthesiser, speak_8k
from voicebot.wire import (
    AttachMedia,
    Audio,
    AudioEnd,
    Final,
    Heartbeat,
    Message,
    Speak,
    StartTurn,
    StreamChunk,
    TurnGrammar,
)
from voicebot.wire.channel import Channel, pair

DEADLINE = 15.0


def until(channel: Channel, wanted: type[Message]) -> Message:
    """Return the next message of a kind; other kinds are passed over."""
    end = time.monotonic() + DEADLINE
    while (left := end - time.monotonic()) > 0:
        select.select([channel], [], [], left)
        while (received := channel.receive()) is not None:
            if isinstance(received[0], wanted):
                return received[0]
    raise AssertionError(f"no {wanted.__name__} within {DEADLINE} s")


@pytest.fixture
def worker() -> Iterator[tuple[Channel, Channel, "subprocess.Popen[bytes]"]]:
    ours, theirs = pair()
    audio, speech = pair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "voicebot.runtime.speech_worker", str(theirs.fileno()), "0"],
            pass_fds=(theirs.fileno(),),
            stderr=subprocess.PIPE,
        )
    control, media = Channel(ours), Channel(audio)
    with speech:
        control.send(AttachMedia(3), (speech,))
    yield control, media, process
    control.close()
    media.close()
    process.wait(DEADLINE)
    assert process.stderr is not None
    process.stderr.close()


def test_a_worker_hears_speaks_survives_signals_and_ends_with_control(
    worker: tuple[Channel, Channel, "subprocess.Popen[bytes]"],
) -> None:
    control, media, process = worker
    beat = until(control, Heartbeat)
    assert isinstance(beat, Heartbeat)
    assert beat.worker == "speech-0"
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)

    control.send(StartTurn("c1", 1, (TurnGrammar("en", "pocketsphinx", "", ("english", "opening hours")),)))
    speech = speak_8k(open_synthesiser("espeak"), "english", "en-gb")
    line = np.concatenate([np.zeros(2400, np.int16), speech, np.zeros(2400, np.int16)])
    for at in range(0, len(line), 160):
        media.send(Audio("c1", 1, 1, 100.0 + at / 8000, 8000, line[at : at + 160].tobytes()))
    media.send(AudioEnd("c1", 1, 1, 103.0))
    final = until(control, Final)
    assert isinstance(final, Final)
    assert final.hypotheses[0].text == "english"
    assert final.hypotheses[0].state

    control.send(Speak("c1", 7, 3, "espeak", "en-us", "One moment please.", "PCMU"))
    chunk = until(media, StreamChunk)
    assert isinstance(chunk, StreamChunk)
    assert (chunk.call, chunk.stream) == ("c1", 7)
    assert len(chunk.payload) > 0

    control.close()
    assert process.wait(DEADLINE) == 0
