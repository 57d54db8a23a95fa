"""Sample rate conversion: a windowed-sinc polyphase filter, computed as one matrix product.

With `up / down` the reduced ratio of the rates, `down` input samples make exactly `up` output samples, always with the
same weights. So the filter is a matrix of shape (window, up), and the conversion is the product of the input's
overlapping windows, `down` samples apart, with it. Pass band to 94 % of the lower Nyquist frequency; images and aliases
are below -80 dB (Kaiser window, beta 8).
"""

from functools import lru_cache
from math import ceil, gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray

_HALF_TAPS = 16  # zero crossings of the sinc on each side
_PASS_BAND = 0.94
_KAISER_BETA = 8.0


class _Filter:
    """The weights for one ratio. `reach` is how many input samples an output sample needs on each side."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        divisor = gcd(source_hz, target_hz)
        self.up, self.down = target_hz // divisor, source_hz // divisor
        lower = min(1.0, target_hz / source_hz)
        cutoff = lower * _PASS_BAND
        self.reach = ceil(_HALF_TAPS / lower)
        self.window = self.down + 2 * self.reach
        position = np.arange(self.up)[None, :] * self.down / self.up + self.reach
        distance = np.arange(self.window)[:, None] - position
        inside = np.clip(1.0 - (distance / self.reach) ** 2, 0.0, None)
        weights = cutoff * np.sinc(cutoff * distance) * np.i0(_KAISER_BETA * np.sqrt(inside)) * (inside > 0)
        self.weights: NDArray[np.float32] = (weights / weights.sum(axis=0, keepdims=True)).astype(np.float32)

    def apply(self, padded: NDArray[np.float32], periods: int) -> NDArray[np.float32]:
        """Convert `periods` times `down` samples; `padded` has `reach` more samples before and after them."""
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.down][:periods]
        product: NDArray[np.float32] = windows @ self.weights
        return product.reshape(-1)


@lru_cache(maxsize=16)
def _filter(source_hz: int, target_hz: int) -> _Filter:
    if source_hz <= 0 or target_hz <= 0:
        raise ValueError(f"a sample rate must be positive, not {source_hz} -> {target_hz}")
    return _Filter(source_hz, target_hz)


def to_int16(samples: NDArray[np.floating]) -> NDArray[np.int16]:
    """Round to 16 bit; what is louder than full scale is clipped."""
    rounded: NDArray[np.int16] = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded


def resample(samples: ArrayLike, source_hz: int, target_hz: int) -> NDArray[np.int16]:
    """Convert a whole clip of shape (n,), int16 scale, to ceil(n * target / source) samples, without delay."""
    data = np.asarray(samples, np.float32)
    if source_hz == target_hz or not len(data):
        return to_int16(data)
    ratio = _filter(source_hz, target_hz)
    periods = -(-len(data) // ratio.down)
    after = ratio.reach + periods * ratio.down - len(data) + 1
    converted = ratio.apply(np.pad(data, (ratio.reach, after)), periods)
    return to_int16(converted[: -(-len(data) * ratio.up // ratio.down)])


class StreamResampler:
    """The same conversion block by block: what comes out, joined, equals `resample` of what went in, joined.

    Output lags by the filter's reach (2 ms for 8 -> 16 kHz); `flush` returns the rest and starts a new stream.
    """

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._ratio = _filter(source_hz, target_hz)
        self._same = source_hz == target_hz
        self._pending: NDArray[np.float32] = np.zeros(self._ratio.reach, np.float32)
        self._given = 0
        self._taken = 0

    def feed(self, block: ArrayLike) -> NDArray[np.int16]:
        """Take any number of samples, return those that are ready."""
        data = np.asarray(block, np.float32)
        if self._same:
            return to_int16(data)
        self._given += len(data)
        self._pending = np.concatenate([self._pending, data])
        return to_int16(self._ready())

    def flush(self) -> NDArray[np.int16]:
        if self._same:
            return np.zeros(0, np.int16)
        ratio = self._ratio
        wanted = -(-self._given * ratio.up // ratio.down) - self._taken
        self._pending = np.concatenate([self._pending, np.zeros(ratio.window + ratio.down, np.float32)])
        rest = to_int16(self._ready()[:wanted])
        self._pending = np.zeros(ratio.reach, np.float32)
        self._given = self._taken = 0
        return rest

    def _ready(self) -> NDArray[np.float32]:
        ratio = self._ratio
        periods = (len(self._pending) - 2 * ratio.reach) // ratio.down
        if periods <= 0:
            return np.zeros(0, np.float32)
        converted = ratio.apply(self._pending, periods)
        self._pending = self._pending[periods * ratio.down :]
        self._taken += len(converted)
        return converted
