"""pyttsx3 behind the same Protocol, in a child process of its own.

It drives espeak-ng through a copy of the library that it finds by name, prints to standard output, knows one job at a
time, and may exit the process when something is wrong. None of this can harm anybody from a child. The child
(`pyttsx3_child`) takes one JSON line per job and answers with a JSON line and a WAV file's bytes.
"""

import io
import json
import os
import select
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from typing import Any

import numpy as np

from voicebot.speech.errors import EngineProblem, VoiceUnknown
from voicebot.speech.tts.synthesiser import Clip, VoiceInfo

_ANSWER_WITHIN = 30.0  # seconds; a sentence takes hundredths of one
_ATTEMPTS = 3  # on a busy machine its loop may end before espeak has spoken: the file is empty then
_CHINESE = frozenset({"cmn", "yue", "zh", "hak"})


class Pyttsx3:
    """Voices by espeak's identifiers ("gmw/en-US", "sit/cmn") or language codes ("en-us", "cmn")."""

    name = "pyttsx3"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._voices: tuple[VoiceInfo, ...] = ()
        self._voices = tuple(
            VoiceInfo(str(entry["name"]), tuple(entry["languages"]))
            for entry in self._ask({"voices": True})[0]["voices"]
        )

    def voices(self) -> tuple[VoiceInfo, ...]:
        return self._voices

    def check(self, voice: str) -> None:
        self._resolve(voice)

    def language(self, voice: str) -> str:
        resolved = self._resolve(voice)
        code = resolved.languages[0] if resolved.languages else resolved.name.rpartition("/")[2]
        code = code.lower().partition("-")[0]
        return "zh" if code in _CHINESE else code

    def synthesise(
        self,
        text: str,
        voice: str,
        *,
        words_per_minute: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Clip:
        """`cancelled` is asked before the job only: pyttsx3 hands out whole files."""
        name = self._resolve(voice).name
        if cancelled is not None and cancelled():
            return Clip(np.zeros(0, np.int16), 22050)
        job = {"text": text, "voice": name, "rate": words_per_minute or 165}
        for _ in range(_ATTEMPTS):
            clip = _clip(self._ask(job)[1])
            if len(clip.samples) or not any(char.isalnum() for char in text):
                return clip
        raise EngineProblem("pyttsx3 gave no audio")

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._end()

    def _resolve(self, voice: str) -> VoiceInfo:
        wanted = voice.lower()
        for known in self._voices:
            if known.name.lower() == wanted:
                return known
        for known in self._voices:
            if wanted in (code.lower() for code in known.languages):
                return known
        names = [known.name for known in self._voices] + [
            code for known in self._voices for code in known.languages
        ]
        raise VoiceUnknown("pyttsx3", voice, names)

    def _ask(self, job: dict[str, object]) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            child = self._started()
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(json.dumps(job).encode() + b"\n")
                child.stdin.flush()
                if not select.select([child.stdout], [], [], _ANSWER_WITHIN)[0]:
                    raise EngineProblem("pyttsx3 does not answer")
                head = json.loads(child.stdout.readline())
                data = child.stdout.read(int(head["bytes"]))
            except (OSError, ValueError, KeyError, TypeError) as error:
                code = child.poll()
                self._end()
                raise EngineProblem(f"pyttsx3's process failed (exit code {code})") from error
            except EngineProblem:
                self._end()
                raise
        if head.get("problem"):
            raise EngineProblem(f"pyttsx3: {head['problem']}")
        return head, data

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "voicebot.speech.tts.pyttsx3_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=-1,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _clip(data: bytes) -> Clip:
    try:
        with wave.open(io.BytesIO(data)) as wav:
            if (wav.getnchannels(), wav.getsampwidth()) != (1, 2):
                raise EngineProblem("pyttsx3 did not give 16-bit mono audio")
            return Clip(np.frombuffer(wav.readframes(wav.getnframes()), "<i2"), wav.getframerate())
    except (wave.Error, EOFError) as error:
        raise EngineProblem("pyttsx3 gave no audio") from error
