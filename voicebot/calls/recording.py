"""The recording of a call: in parts where it was switched off in between, silent where it is paused or sensitive."""

import asyncio
import os
from pathlib import Path
from typing import Literal

from voicebot.calls.call import Call
from voicebot.calls.leg import Leg
from voicebot.wire import RecordingEnded

UNMASK_AFTER = 0.5  # seconds after a sensitive question: the end of the last tone must not be recorded


class CallRecording:
    """Records the caller's leg. Unless `allowed`, nothing is ever recorded."""

    def __init__(self, call: Call, caller: Leg, folder: Path, *, allowed: bool) -> None:
        self._call = call
        self._caller = caller
        self._folder = folder
        self._allowed = allowed
        self._parts = 0
        self._path: str | None = None  # of the part that is being recorded
        self._paused = False
        self._masked = False
        self._sensitive = 0  # questions and texts that are in progress
        self._unmask: asyncio.TimerHandle | None = None
        caller.on_recording = self._ended

    def control(self, mode: Literal["start", "pause", "resume", "off"]) -> None:
        """Do what a `record` step says. `resume` starts a recording that was not started (`mode: on_demand`)."""
        if not self._allowed:
            return
        if mode == "off":
            self._stop()
        elif mode == "pause":
            self._paused = True
            self._set_mask()
        else:
            self._paused = False
            self._set_mask()
            self._start()
        self._call.trace("recording", mode=mode, path=self._path or "")

    def begin_sensitive(self) -> None:
        """From now on nothing that is said or keyed may be in a recording."""
        self._sensitive += 1
        self._set_mask()

    def end_sensitive(self) -> None:
        """One sensitive question or text is over."""
        self._sensitive -= 1
        if not self._sensitive and not self._paused:
            self._cancel_unmask()
            self._unmask = asyncio.get_running_loop().call_later(UNMASK_AFTER, self._set_mask)

    def _set_mask(self) -> None:
        self._cancel_unmask()
        masked = self._paused or self._sensitive > 0
        if masked != self._masked and self._caller.media is not None:
            self._masked = masked
            self._caller.media.mask_recording(masked)

    def _cancel_unmask(self) -> None:
        if self._unmask is not None:
            self._unmask.cancel()
            self._unmask = None

    def _start(self) -> None:
        if self._path is not None or self._caller.media is None:
            return
        self._parts += 1
        part = "" if self._parts == 1 else f"-part-{self._parts}"
        self._path = os.path.join(self._folder, f"{self._call.uid}{part}.wav")
        self._call.recording = self._call.recording or self._path
        self._caller.media.record(self._path)

    def _stop(self) -> None:
        path, self._path = self._path, None
        if path is not None and self._caller.media is not None:
            self._caller.media.end_recording(path)

    def _ended(self, message: RecordingEnded) -> None:
        if message.path == self._path:
            self._path = None
        if message.problem:
            self._call.recording_problem = message.problem
            self._call.trace("recording", mode="ended", problem=message.problem, path=message.path)
