"""G.711 by table: mu-law and A-law, whole ticks at once, and byte-to-byte tables for transcoding and gain.

A received frame stays bytes as long as possible: `bytes.translate` with a table of this module transcodes or attenuates
20 ms in 0.1 us, and both directions of a transcoding go through 16-bit linear, as ITU-T G.711 section 3 has it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CodecName = Literal["PCMU", "PCMA"]

_ULAW_BIAS = 132
_ULAW_CLIP = 32635


def _ulaw_decoder() -> NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + _ULAW_BIAS) << ((code & 0x70) >> 4)) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_decoder() -> NDArray[np.int16]:
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    mantissa = (code & 0x0F) << 4
    magnitude = np.where(segment == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _linear() -> NDArray[np.int64]:
    """Return the sample value of every index of an encoding table: index = the sample seen as unsigned 16 bits."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int64)


def _ulaw_encoder() -> NDArray[np.uint8]:
    linear = _linear()
    magnitude = np.minimum(np.abs(linear), _ULAW_CLIP) + _ULAW_BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    mantissa = (magnitude >> (segment + 3)) & 0x0F
    sign = np.where(linear < 0, 0x80, 0)
    codes: NDArray[np.uint8] = (~(sign | (segment << 4) | mantissa) & 0xFF).astype(np.uint8)
    return codes


def _alaw_encoder() -> NDArray[np.uint8]:
    linear = _linear()
    magnitude = np.where(linear >= 0, linear, -linear - 1) >> 3
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    mantissa = (magnitude >> np.maximum(segment, 1)) & 0x0F
    mask = np.where(linear >= 0, 0xD5, 0x55)
    codes: NDArray[np.uint8] = (((segment << 4) | mantissa) ^ mask).astype(np.uint8)
    return codes


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """One law. `decoder` has 256 entries, `encoder` 65536 (by the sample's unsigned 16 bits).

    `index` is the law's row in `DECODERS`; `silence` is the byte of digital silence.
    """

    name: CodecName
    index: int
    payload_type: int  # the static number of RFC 3551 section 6
    silence: int
    decoder: NDArray[np.int16]
    encoder: NDArray[np.uint8]

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Return the samples of `payload`, shape (len(payload),)."""
        return self.decoder[np.frombuffer(payload, np.uint8)]

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Return one byte a sample; `samples` is one-dimensional, 16-bit linear."""
        return self.encoder[np.ascontiguousarray(samples).view(np.uint16)].tobytes()

    @property
    def width(self) -> int:
        """Return the bytes of a sample."""
        return 1

    def softer(self, payload: bytes, decibel: float) -> bytes:
        """Return the payload quieter by so many dB."""
        return payload.translate(_attenuation(self.name, decibel))

    def quiet(self, samples: int) -> bytes:
        """Return so many samples of digital silence."""
        return bytes((self.silence,)) * samples


PCMU = Codec("PCMU", 0, 0, 0xFF, _ulaw_decoder(), _ulaw_encoder())
PCMA = Codec("PCMA", 1, 8, 0xD5, _alaw_decoder(), _alaw_encoder())
CODECS: dict[str, Codec] = {"PCMU": PCMU, "PCMA": PCMA}

DECODERS: NDArray[np.int16] = np.concatenate([PCMU.decoder, PCMA.decoder])
"""Both decoding tables one after the other, so that one `take` decodes a tick of legs with different laws."""


def decode_ulaw(payloads: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Decode one tick of G.711 mu-law (ITU-T G.711 table 2a).

    `payloads` has shape (legs, samples): 160 samples for 20 ms at 8 kHz. Returns the same shape, 16-bit linear, mono.
    """
    return PCMU.decoder[payloads]


def decode_alaw(payloads: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Decode one tick of G.711 A-law (ITU-T G.711 table 1a); shapes as in `decode_ulaw`."""
    return PCMA.decoder[payloads]


def decode_mixed(payloads: NDArray[np.uint8], laws: NDArray[np.uint16]) -> NDArray[np.int16]:
    """Decode one tick of legs with different laws.

    `payloads` has shape (legs, samples), `laws` shape (legs,) holds `Codec.index` of each. Returns (legs, samples).
    """
    return np.take(DECODERS, payloads + (laws << 8)[:, None])


def encode_ulaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Encode 16-bit linear samples of any shape, C-contiguous, to mu-law of the same shape."""
    return PCMU.encoder[samples.view(np.uint16)]


def encode_alaw(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Encode 16-bit linear samples of any shape, C-contiguous, to A-law of the same shape."""
    return PCMA.encoder[samples.view(np.uint16)]


def _byte_table(source: Codec, target: Codec, gain: float = 1.0) -> bytes:
    return target.encode(np.round(source.decoder * gain).astype(np.int16))


TRANSCODE: dict[tuple[str, str], bytes] = {
    (source.name, target.name): _byte_table(source, target)
    for source in CODECS.values()
    for target in CODECS.values()
    if source is not target
}
"""`payload.translate(TRANSCODE["PCMU", "PCMA"])` turns a payload of one law into the other."""


@lru_cache(maxsize=16)
def _attenuation(name: str, decibel: float) -> bytes:
    return _byte_table(CODECS[name], CODECS[name], 10 ** (-decibel / 20))
