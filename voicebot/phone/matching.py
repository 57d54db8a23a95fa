"""Where in what was heard a known clip was spoken: dynamic time warping of the clip against any part of it.

Every frame of the clip is paired with a frame of what was heard, in order. A path may dwell (the clip has frames that
were not heard) or leap (one heard frame is passed over), each at a price: a jitter buffer leaves frames out or makes
some up, and a synthesiser's rhythm is steady to one percent, so that true paths are almost straight.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.phone.features import Features

_PRICE = 0.25  # of a dwell or a leap, in units of the distance between two frames
_QUIET_NORM = 60.0  # frames much weaker than this are all alike
_LOCAL_FRAMES = 24  # 240 ms: about a word
_COARSE = 4  # frames of one step of the search: 40 ms
_FORBIDDEN = np.float32(1e6)


class Alignment(NamedTuple):
    """How a clip lies in what was heard. `start` and `end` are frames of what was heard, end exclusive.

    `cost` is the mean distance of the paired frames, 0 alike to 1 unlike, with the prices of the path; `worst` the
    largest mean over 240 ms of the clip: one other word among many right ones shows there. Frames that are known to be
    missing count for `cost` only.
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


def coarse(rows: Features) -> Features:
    """Return the means of every four frames: what the search compares."""
    whole = len(rows) // _COARSE * _COARSE
    means: Features = rows[:whole].reshape(-1, _COARSE, rows.shape[1]).mean(axis=1)
    return means


def places(clip: Features, heard: Features, limit: float) -> list[tuple[int, int]]:
    """Return windows of frames in which a clip may lie: those where a search costs at most `limit`.

    Both arguments are `coarse`; the windows are in fine frames.
    """
    if len(heard) < len(clip) // 2 or not len(clip):
        return []
    costs = _last_row(distances(clip, heard)) / len(clip)
    found: list[tuple[int, int]] = []
    while True:
        end = int(np.argmin(costs))
        if costs[end] > limit:
            return found
        costs[max(0, end - len(clip) // 2) : end + len(clip) // 2 + 1] = _FORBIDDEN
        margin = 5 + len(clip) // 10
        start = end - len(clip) - margin
        found.append((max(0, start) * _COARSE, (end + margin) * _COARSE))


def cheapest_beginning(clip: Features, heard: Features, shortest: int) -> tuple[float, int] | None:
    """Return what it costs that `heard` is the beginning of `clip`, and how many frames of the clip that is."""
    between = distances(clip, heard)
    costs = table(between)[shortest:, -1] / np.arange(shortest + 1, len(clip) + 1)
    if not len(costs):
        return None
    row = int(np.argmin(costs))
    return float(costs[row]), row + shortest + 1


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


def align(clip: Features, heard: Features, missing: NDArray[np.bool_] | None = None) -> Alignment:
    """Return the cheapest alignment of the whole clip. `missing`: which frames of `heard` are made up."""
    between = distances(clip, heard)
    costs = table(between)
    return trace(between, costs, len(clip) - 1, int(np.argmin(costs[-1])), missing)


def trace(
    between: NDArray[np.float32],
    costs: NDArray[np.float32],
    row: int,
    column: int,
    missing: NDArray[np.bool_] | None = None,
) -> Alignment:
    """Return the path of the clip's first `row` + 1 frames that ends at the heard frame `column`."""
    end, frames, total = column + 1, row + 1, float(costs[row, column])
    paid = np.empty(frames, np.float32)
    path = np.empty(frames, np.intp)
    paid[row], path[row] = between[row, column], column
    while row:
        options = [
            (float(costs[row - 1, column - back]) + price, back)
            for back, price in ((1, 0.0), (0, _PRICE), (2, _PRICE))
            if column >= back
        ]
        _, back = min(options)
        row, column = row - 1, column - back
        paid[row], path[row] = between[row, column], column
    if missing is not None:
        paid[missing[path]] = 0.0
    return Alignment(total / frames, _worst(paid), column, end)


def _worst(paid: NDArray[np.float32]) -> float:
    size = min(_LOCAL_FRAMES, len(paid))
    sums = np.convolve(paid, np.ones(size, np.float32), "valid")
    return float(sums.max() / size)
