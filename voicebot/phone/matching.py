"""Where in what was heard a known clip was spoken: dynamic time warping of the clip against any part of it.

Every frame of the clip is paired with a frame of what was heard, in order. A path may dwell (the clip has frames that
were not heard) or leap (one heard frame is passed over), each at a price: a jitter buffer leaves frames out or makes
some up, and a synthesiser's rhythm is steady to one percent, so that true paths are almost straight.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.features import HOP_SECONDS, Features

_PRICE = 0.25  # of a dwell or a leap, in units of the distance between two frames
_QUIET_NORM = 60.0  # frames much weaker than this are all alike
_LOCAL_FRAMES = 24  # 240 ms: about a word
_COARSE = 2  # the search looks at every second frame
_FORBIDDEN = np.float32(1e6)


class Alignment(NamedTuple):
    """How a clip lies in what was heard. `start` and `end` are frames of what was heard, end exclusive.

    `cost` is the mean distance of the paired frames, 0 alike to 1 unlike, with the prices of the path; `worst` the
    largest mean over 240 ms of the clip: one other word among many right ones shows there.
    """

    cost: float
    worst: float
    start: int
    end: int


def distances(clip: Features, heard: Features) -> NDArray[np.float32]:
    """Return shape (clip frames, heard frames): 0 for alike (two silent frames are), near 1 for speech and silence."""
    ours = np.einsum("ij,ij->i", clip, clip)[:, None]
    theirs = np.einsum("ij,ij->i", heard, heard)[None]
    apart = np.maximum(ours + theirs - 2.0 * (clip @ heard.T), 0.0)
    result: NDArray[np.float32] = (apart / (ours + theirs + _QUIET_NORM**2)).astype(np.float32)
    return result


def places(clip: Features, heard: Features, limit: float) -> list[tuple[int, int]]:
    """Return windows of frames of `heard` in which `clip` may lie: those where a coarse search costs at most `limit`."""
    coarse = clip[::_COARSE]
    if len(heard) < len(clip) // 2 or not len(coarse):
        return []
    costs = _last_row(distances(coarse, heard[::_COARSE])) / len(coarse)
    found: list[tuple[int, int]] = []
    reach = len(coarse)
    while True:
        end = int(np.argmin(costs))
        if costs[end] > limit:
            return found
        costs[max(0, end - reach // 2) : end + reach // 2 + 1] = _FORBIDDEN
        margin = 20 + len(clip) // 10
        start = end * _COARSE - len(clip) - margin
        found.append((max(0, start), min(len(heard), end * _COARSE + margin)))


def _last_row(between: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return, for each heard frame, the cost of the cheapest path of the whole clip that ends there."""
    row: NDArray[np.float32] = between[0]
    for each in between[1:]:
        row = _advance(row) + each
    return row


def _advance(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cheapest way to each heard frame from those of the clip's frame before, `row`."""
    priced = row + np.float32(_PRICE)
    best = priced.copy()  # dwell
    np.minimum(best[1:], row[:-1], out=best[1:])
    np.minimum(best[2:], priced[:-2], out=best[2:])  # leap
    return best


def table(between: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cost of the cheapest path to every pair of frames; paths begin at any heard frame."""
    costs = np.empty_like(between)
    costs[0] = between[0]
    for index in range(1, len(between)):
        costs[index] = _advance(costs[index - 1]) + between[index]
    return costs


def align(clip: Features, heard: Features) -> Alignment:
    """Return the cheapest alignment of the whole clip."""
    between = distances(clip, heard)
    costs = table(between)
    return trace(between, costs, len(clip) - 1, int(np.argmin(costs[-1])))


def trace(between: NDArray[np.float32], costs: NDArray[np.float32], row: int, column: int) -> Alignment:
    """Return the path of the clip's first `row` + 1 frames that ends at the heard frame `column`."""
    end, frames, total = column + 1, row + 1, float(costs[row, column])
    paid = np.empty(frames, np.float32)
    paid[row] = between[row, column]
    while row:
        options = [
            (float(costs[row - 1, column - back]) + price, back)
            for back, price in ((1, 0.0), (0, _PRICE), (2, _PRICE))
            if column >= back
        ]
        _, back = min(options)
        row, column = row - 1, column - back
        paid[row] = between[row, column]
    return Alignment(total / frames, _worst(paid), column, end)


def _worst(paid: NDArray[np.float32]) -> float:
    size = min(_LOCAL_FRAMES, len(paid))
    sums = np.convolve(paid, np.ones(size, np.float32), "valid")
    return float(sums.max() / size)


def seconds(frame: int) -> float:
    return frame * HOP_SECONDS
