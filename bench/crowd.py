"""The measuring side of `bench.callers`: starts the process, tells it when to measure, and takes its results."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bench.figures import voiced_part
from voicebot.media.g711 import PCMU
from voicebot.phone.voice import CALLER_VOICES, speak

_SECOND = 8000  # samples


@dataclass(frozen=True, slots=True)
class Answers:
    """How calls were answered: seconds from INVITE to 200 of those that were, status of those that were not."""

    calls: int
    answered_in: Sequence[float]
    refused: Sequence[int]

    @property
    def failed(self) -> int:
        return self.calls - len(self.answered_in)


class CrowdError(Exception):
    """The callers' process failed."""


class Crowd:
    """Callers that hold their calls, between `async with` and its end."""

    def __init__(
        self, uri: str, calls: int, *, rate: float = 20.0, audio: Path, host: str = "127.0.0.9"
    ) -> None:
        self._arguments = [
            uri,
            "--calls",
            str(calls),
            "--rate",
            str(rate),
            "--audio",
            str(audio),
            "--host",
            host,
        ]
        self._process: asyncio.subprocess.Process | None = None
        self.answers = Answers(0, (), ())

    async def __aenter__(self) -> "Crowd":
        """Returns when all calls are answered or refused."""
        self._process = await _start(self._arguments)
        self.answers = _answers(await _read(self._process))
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def measure(self) -> None:
        """What is received from now on counts."""
        self._tell("measure")

    async def stop(self) -> dict[str, Any]:
        """End the measurement, hang up, and return what the callers received."""
        assert self._process is not None
        self._tell("stop")
        return await _read(self._process)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    def _tell(self, word: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())


async def short_calls(uri: str, calls: int, rate: float) -> Answers:
    """Place calls that hang up as soon as they are answered; return when all are over."""
    process = await _start([uri, "--calls", str(calls), "--rate", str(rate), "--short"])
    answers = _answers(await _read(process))
    await process.wait()
    return answers


def listeners_audio(folder: Path) -> Path:
    """Write ten seconds of a quiet telephone line, noise at -62 dBFS that is nobody's voice; return the file."""
    noise = np.random.default_rng(1).normal(0.0, 26.0, 10 * _SECOND)
    return _write(folder / "listener.ulaw", noise)


def talkers_audio(folder: Path) -> Path:
    """Write a caller who says a phrase of the menu every six seconds; return the file."""
    phrase = voiced_part(speak("opening hours", CALLER_VOICES["en"]))
    noise = np.random.default_rng(2).normal(0.0, 26.0, 6 * _SECOND)
    noise[_SECOND : _SECOND + len(phrase)] += phrase
    return _write(folder / "talker.ulaw", noise)


def _write(path: Path, samples: np.ndarray[Any, np.dtype[np.float64]]) -> Path:
    path.write_bytes(PCMU.encode(np.clip(samples, -32768, 32767).astype(np.int16)))
    return path


async def _start(arguments: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.callers",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )


async def _read(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise CrowdError("the callers' process ended; what it said stands above")
    answer: dict[str, Any] = json.loads(line)
    return answer


def _answers(told: dict[str, Any]) -> Answers:
    return Answers(told["calls"], told["answered_in"], told["refused"])
