"""Codecs that have to be computed: payloads of G.722 and Opus to L16 and back, each leg with a state of its own.

G.722 comes with the package `G722`, Opus with `opuslib-next` (the extra `opus`) and the machine's libopus; where one is
missing, `problem_of` says so and the codec must not be offered.
"""

import ctypes.util
import importlib.util
from typing import Any, Protocol

import numpy as np

from voicebot.media.inner import WIDE_RATE

_LONGEST_OPUS = 120 * WIDE_RATE // 1000  # samples: the longest packet of RFC 6716 section 3.2.5
_OPUS_COMPLEXITY = 2  # of 10: two thirds of the time of 5, a third of 9, hardly a difference at speech
_PACKAGES = {"G722": ("G722", "G722"), "OPUS": ("opuslib_next", "opuslib-next")}


class Coder(Protocol):
    """One leg's codec. `ticks` are ticks of its RTP clock for each tick of 8 kHz."""

    @property
    def name(self) -> str: ...

    @property
    def ticks(self) -> int: ...

    def decode(self, payload: bytes) -> bytes:
        """Return L16, b"" for a payload that is none. Packets in order, each once."""

    def encode(self, frame: bytes) -> bytes:
        """Return the payload of one packet; `frame` is L16 of a packet time that the codec knows."""


class G722Coder:
    """ITU-T G.722 at 64 kbit/s. Its RTP clock is 8000 although it samples at 16 kHz (RFC 3551 section 4.5.2)."""

    name = "G722"
    ticks = 1

    def __init__(self) -> None:
        codec = importlib.import_module("G722").G722
        self._encoder: Any = codec(WIDE_RATE, 64000)
        self._decoder: Any = codec(WIDE_RATE, 64000)

    def decode(self, payload: bytes) -> bytes:
        decoded: bytes = self._decoder.decode(payload).tobytes()
        return decoded

    def encode(self, frame: bytes) -> bytes:
        encoded: bytes = self._encoder.encode(np.frombuffer(frame, "<i2"))
        return encoded


class OpusCoder:
    """Opus (RFC 6716) as one channel at 16 kHz; its RTP clock is always 48000 (RFC 7587 section 4.1)."""

    name = "OPUS"
    ticks = 6

    def __init__(self) -> None:
        library = importlib.import_module("opuslib_next")
        self._error: type[Exception] = library.OpusError
        self._encoder: Any = library.Encoder(WIDE_RATE, 1, "voip")
        self._encoder.complexity = _OPUS_COMPLEXITY
        self._decoder: Any = library.Decoder(WIDE_RATE, 1)

    def decode(self, payload: bytes) -> bytes:
        try:
            decoded: bytes = self._decoder.decode(payload, _LONGEST_OPUS)
        except self._error:
            return b""
        return decoded

    def encode(self, frame: bytes) -> bytes:
        encoded: bytes = self._encoder.encode(frame, len(frame) // 2)
        return encoded


_CODERS: dict[str, type[G722Coder] | type[OpusCoder]] = {"G722": G722Coder, "OPUS": OpusCoder}


def coder_for(codec: str) -> Coder | None:
    """Return a new coder for a leg, None for G.711, which needs none."""
    kind = _CODERS.get(codec)
    return kind() if kind is not None else None


def problem_of(codec: str) -> str:
    """Return why a codec cannot be used on this machine, or ""."""
    if codec not in _PACKAGES:
        return ""
    module, package = _PACKAGES[codec]
    if importlib.util.find_spec(module) is None:
        return f"the package {package} is not installed"
    if codec == "OPUS" and ctypes.util.find_library("opus") is None:  # importing it without would raise
        return "the library libopus is not installed (Debian: apt-get install libopus0)"
    return ""
