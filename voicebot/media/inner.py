"""The formats in which a leg's audio lies between the wire and everything else: G.711 as it came, or wide samples.

Whatever a frame goes through (jitter buffer, concealment, playout, bridge) needs only what `Inner` says. A leg with
G.711 keeps its payload bytes; one with G.722 or Opus has linear samples at 16 kHz (L16), which `coders` makes.
"""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from voicebot.media import SAMPLE_RATE, g711
from voicebot.media.resampling import resample, to_int16

WIDE_RATE = 16000


class Inner(Protocol):
    """One format. `width` is bytes for each tick of the 8 kHz timeline, `silence` the byte that says nothing."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def silence(self) -> int: ...

    @property
    def index(self) -> int:
        """Return the law's row in `g711.DECODERS`; 0 where there is none."""

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return a whole piece of audio as samples at 8 kHz."""

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Return a whole piece of audio, given at 8 kHz."""

    def quiet(self, samples: int) -> bytes:
        """Return so many ticks of silence."""

    def softer(self, payload: bytes, decibel: float) -> bytes:
        """Return the audio quieter by so many dB."""


class Linear16:
    """L16: int16, little-endian, mono at 16 kHz."""

    name = "L16"
    width = 4
    silence = 0
    index = 0

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        return to_int16(resample(np.frombuffer(payload, "<i2"), WIDE_RATE, SAMPLE_RATE))

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        return to_int16(resample(samples, SAMPLE_RATE, WIDE_RATE)).astype("<i2", copy=False).tobytes()

    def quiet(self, samples: int) -> bytes:
        return bytes(self.width * samples)

    def softer(self, payload: bytes, decibel: float) -> bytes:
        samples = np.frombuffer(payload, "<i2") * 10 ** (-decibel / 20)
        return samples.astype("<i2").tobytes()


L16 = Linear16()
INNER: dict[str, Inner] = {**g711.CODECS, L16.name: L16}


def inner_of(codec: str) -> Inner:
    """Return the format in which a leg with that codec keeps its audio."""
    return g711.CODECS.get(codec, L16)


def inner_name(codec: str) -> Literal["PCMU", "PCMA", "L16"]:
    """Return the name of `inner_of(codec)`."""
    return "PCMU" if codec == "PCMU" else "PCMA" if codec == "PCMA" else "L16"


def convert(payload: bytes, source: Inner, target: Inner) -> bytes:
    """Return a whole piece of audio in another format."""
    if source is target:
        return payload
    table = g711.TRANSCODE.get((source.name, target.name))
    return payload.translate(table) if table is not None else target.encode(source.decode(payload))
