"""Between 8 and 16 kHz, frame by frame: a leg with a wide codec is heard by the voice detector, recordings and G.711.

Both ways use one low-pass (windowed sinc, 47 taps at 16 kHz, 1.4 ms of delay); what a frame needs of the one before
it is kept.
"""

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES
from voicebot.media.inner import L16
from voicebot.media.resampling import to_int16

_HALF = 23
_TAPS = 2 * _HALF + 1
_CUTOFF = 0.46  # of 8 kHz: 3.7 kHz
_at = np.arange(-_HALF, _HALF + 1)
_LOW_PASS = (_CUTOFF * np.sinc(_CUTOFF * _at) * np.kaiser(_TAPS, 6.0)).astype(np.float32)
_LOW_PASS /= _LOW_PASS.sum()
# The same taps for an input with a zero after every sample: one column for each of the two phases.
_PHASES = np.zeros((_HALF + 1, 2), np.float32)
_PHASES[:, 0] = 2 * _LOW_PASS[0::2][::-1]
_PHASES[1:, 1] = 2 * _LOW_PASS[1::2][::-1]


class Halver:
    """16 kHz to 8 kHz."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = np.zeros(_TAPS - 1, np.float32)

    def feed(self, frame: bytes) -> NDArray[np.int16]:
        """Return 160 samples for a frame of L16."""
        samples = np.concatenate([self._before, np.frombuffer(frame, "<i2").astype(np.float32)])
        self._before = samples[-(_TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(samples, _TAPS)[::2]
        return to_int16(windows @ _LOW_PASS)


class Doubler:
    """8 kHz to 16 kHz."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before = np.zeros(_HALF, np.float32)

    def feed(self, samples: NDArray[np.int16]) -> bytes:
        """Return a frame of L16 for 160 samples."""
        both = np.concatenate([self._before, samples.astype(np.float32)])
        self._before = both[-_HALF:]
        windows = np.lib.stride_tricks.sliding_window_view(both, _HALF + 1)
        phases = windows @ _PHASES
        return to_int16(phases).astype("<i2", copy=False).tobytes()


class Wideband:
    """What a leg with a wide codec has besides. `narrow` is this tick's audio from the peer at 8 kHz."""

    __slots__ = ("_down", "_sent", "_up", "narrow")

    def __init__(self) -> None:
        self._down = Halver()
        self._up = Doubler()
        self._sent = Halver()
        self.narrow: NDArray[np.int16] = np.zeros(FRAME_SAMPLES, np.int16)

    def hear(self, frame: bytes | None) -> None:
        """Take this tick's frame of L16."""
        self.narrow = self._down.feed(L16.quiet(FRAME_SAMPLES) if frame is None else frame)

    def widen(self, samples: NDArray[np.int16]) -> bytes:
        """Return what a peer with G.711 says as a frame of L16."""
        return self._up.feed(samples)

    def recorded(self, frame: bytes) -> NDArray[np.int16]:
        """Return what was sent, for the recording."""
        return self._sent.feed(frame)
