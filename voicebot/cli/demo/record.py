"""What the server wrote of the call: shown as it is written, and checked when the call is over."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voicebot.cli.calls import as_data
from voicebot.cli.demo.checks import Checks
from voicebot.cli.demo.screen import Screen
from voicebot.cli.demo.story import Understood
from voicebot.media.wav import AudioFileError
from voicebot.phone.hearing import speech_level_db
from voicebot.storage import CallRecord, Reader, StorageError

_LOOKED_AT_EVERY = 0.3
_WRITTEN_WITHIN = 6.0
_AUDIBLE_DB = -40.0


class RecordWatch:
    """Follows the record of the call that `caller` (a number used once) makes."""

    def __init__(self, database: str, caller: str, screen: Screen) -> None:
        self._database = database
        self._caller = caller
        self._screen = screen
        self._shown = 0
        self.record: CallRecord | None = None

    async def follow(self) -> None:
        """Show every event of the server's timeline until cancelled."""
        while True:
            await asyncio.sleep(_LOOKED_AT_EVERY)
            await self.look()

    async def finished(self) -> CallRecord | None:
        """Wait until the record is complete; return what there is."""
        deadline = asyncio.get_running_loop().time() + _WRITTEN_WITHIN
        while asyncio.get_running_loop().time() < deadline:
            await self.look()
            if self.record is not None and self.record.ended_at is not None:
                break
            await asyncio.sleep(_LOOKED_AT_EVERY)
        return self.record

    async def look(self) -> None:
        self.record = await asyncio.get_running_loop().run_in_executor(None, self._read) or self.record
        if self.record is not None:
            for event in self.record.events[self._shown :]:
                self._screen.server_event(event)
            self._shown = len(self.record.events)

    def _read(self) -> CallRecord | None:
        try:
            reader = Reader(self._database)
            try:
                found = reader.calls(limit=1, from_number=self._caller)
                return reader.call(found[0].uid) if found else None
            finally:
                reader.close()
        except StorageError:
            return None  # not written yet


def check_record(
    record: CallRecord | None,
    understood: Sequence[Understood],
    pin: str,
    agent: str,
    checks: Checks,
    language: str = "en",
) -> None:
    """Enter what the record must say. `agent` "": the caller wanted none."""
    if record is None or record.ended_at is None:
        checks.note("record: complete", good=False, detail="the call has no finished record")
        return
    facts = {
        "language": (record.language, language),
        "queue": (record.queue, "agents" if agent else ""),
        "agent": (record.agent, agent),
        "ended by": (record.ended_by, "bot"),
        "cause": (record.release_cause, "normal"),
        "disposition": (record.disposition, "answered"),
    }
    wrong = [
        f"{name} {is_!r} instead of {wanted!r}" for name, (is_, wanted) in facts.items() if is_ != wanted
    ]
    talked = record.talk_seconds > 0 or not agent
    if not talked or record.answered_at is None or not record.dialplan_version:
        wrong.append("talk time, time of answer or version of the dialplan is missing")
    checks.note("record: complete", not wrong, "; ".join(wrong) or f"call {record.uid}")
    for each in understood:
        good = any(each.matches(event) for event in record.events)
        checks.note(f"understood: {each.what}", good, "" if good else "the record does not say so")
    if pin:
        written = json.dumps(as_data(record, events=True), ensure_ascii=False, default=str)
        checks.note("record: the keyed code is not in it", pin not in written)


def check_recording(record: CallRecord | None, data: Path, checks: Checks) -> Path | None:
    """Enter that the recording is stereo with speech on both sides; return where it lies."""
    name = "recording: stereo, both sides heard"
    if record is None or not record.recording:
        checks.note(name, good=False, detail="the record names no recording")
        return None
    path = data / record.recording
    try:
        left, right = _channels(path)
    except AudioFileError as error:
        checks.note(name, good=False, detail=str(error))
        return None
    levels = speech_level_db(left), speech_level_db(right)
    checks.note(name, min(levels) > _AUDIBLE_DB, f"{levels[0]:.0f} dB and {levels[1]:.0f} dB")
    return path


def _channels(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import wave

    try:
        with wave.open(str(path), "rb") as wav:
            if wav.getnchannels() != 2 or wav.getsampwidth() != 2 or wav.getframerate() != 8000:
                raise AudioFileError(f"{path}: is not stereo, 16 bit, 8 kHz")
            samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").reshape(-1, 2)
    except (OSError, EOFError, wave.Error) as error:
        raise AudioFileError(f"{path}: cannot be read: {error}") from error
    return samples[:, 0].astype(np.int16), samples[:, 1].astype(np.int16)
