"""Recognition by ear: which of the known clips were spoken in the audio that a phone received.

The clips are the texts that a hotline may say, rendered by the phone itself in the hotline's voice. Synthesis repeats
itself to about one percent of time, G.711 and a few lost packets change little, so a clip is either heard closely or not
at all: another text in the same voice, another voice, noise and silence all lie far above the limits (measured on the
demo's prompts: true ones cost at most 0.04 and 0.09 in their worst word at 3 % loss; texts that differ in one word cost
0.05 to 0.10, and 0.12 and more in that word).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.phone import matching
from voicebot.phone.features import HOP_SECONDS, Features, features
from voicebot.phone.matching import Alignment

LARGEST_COST = 0.060
LARGEST_WORST = 0.115
_SEARCH_COST = 0.12  # of the coarse search
_VOICED_NORM = 60.0  # of a frame's features: what is quieter is a pause
_PAUSE_FRAMES = 25  # a shorter pause does not divide speech
_SHORTEST_SPEECH = 12  # frames: clicks and breaths are none
_SHORTEST_PART = 80  # frames: less of a clip than this is not recognised when it was cut short
_ONSET_SLACK = 15  # frames


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A known text and how it sounds: int16 mono at 8 kHz."""

    text: str
    language: str
    samples: NDArray[np.int16]


class Heard(NamedTuple):
    """Speech from `start` to `end` seconds of the audio. `text` None: none of the known clips.

    `complete` is False when the clip broke off (barge-in); `cost` and `worst` as in `matching.Alignment`.
    """

    text: str | None
    language: str
    start: float
    end: float
    complete: bool = True
    cost: float = 1.0
    worst: float = 1.0


class Ear:
    """Knows clips. Clips that sound alike are told apart as far as a person could; of equals the longer is heard."""

    def __init__(self, clips: Iterable[Clip]) -> None:
        known = [(clip, features(clip.samples)) for clip in clips]
        self._known: list[tuple[Clip, Features]] = [(clip, rows) for clip, rows in known if len(rows)]

    def listen(self, samples: NDArray[np.int16]) -> tuple[Heard, ...]:
        """Return what is spoken in `samples` (8 kHz), in order: known clips, and speech that is none of them."""
        heard = features(samples)
        voiced = speech_stretches(heard)
        found = _without_overlaps(self._whole_clips(heard, voiced))
        taken = np.zeros(len(heard), bool)
        for _, alignment, _ in found:
            taken[alignment.start : alignment.end] = True
        result = [_heard(clip, alignment, complete=True) for clip, alignment, _ in found]
        for start, end in _remaining(voiced, taken):
            result.append(self._cut_short(heard[start:end], start) or _unknown(start, end))
        return tuple(sorted(result, key=lambda each: each.start))

    def _whole_clips(
        self, heard: Features, voiced: Sequence[tuple[int, int]]
    ) -> list[tuple[Clip, Alignment, float]]:
        found = []
        for clip, rows in self._known:
            for low, high in _search_windows(voiced, len(heard)):
                for start, end in matching.places(rows, heard[low:high], _SEARCH_COST):
                    alignment = _moved(matching.align(rows, heard[low + start : low + end]), low + start)
                    if acceptable(alignment):
                        found.append((clip, alignment, len(rows) * (LARGEST_COST - alignment.cost)))
        return found

    def _cut_short(self, heard: Features, at: int) -> Heard | None:
        """Return the one clip whose beginning is the whole of `heard`."""
        if len(heard) < _SHORTEST_PART:
            return None
        candidates: list[tuple[Alignment, Clip]] = []
        for clip, rows in self._known:
            between = matching.distances(rows, heard)
            between[0, _ONSET_SLACK:] = 1e6
            costs = matching.table(between)
            column = len(heard) - 1
            lengths = np.arange(1, len(rows) + 1)
            reached = costs[_SHORTEST_PART:, column] / lengths[_SHORTEST_PART:]
            if not len(reached):
                continue
            row = int(np.argmin(reached)) + _SHORTEST_PART
            alignment = matching.trace(between, costs, row, column)
            if acceptable(alignment):
                candidates.append((alignment, clip))
        if not candidates:
            return None
        alignment, clip = min(candidates, key=lambda each: each[0].cost)
        rivals = {other.text for rival, other in candidates if rival.cost < alignment.cost + 0.02}
        if len(rivals) > 1:
            return None  # they begin alike, and it broke off before they differ
        return _heard(clip, _moved(alignment, at), complete=False)


def hears_voice(samples: NDArray[np.int16], clip: NDArray[np.int16]) -> Heard | None:
    """Return where `clip` is heard as a whole in `samples` (both 8 kHz), the closest place, or None.

    For the two directions of a bridge: the clip is what the other party said into its phone.
    """
    rows, heard = features(clip), features(samples)
    if not len(rows):
        return None
    alignments = [
        _moved(matching.align(rows, heard[start:end]), start)
        for start, end in matching.places(rows, heard, _SEARCH_COST)
    ]
    good = [alignment for alignment in alignments if acceptable(alignment)]
    return _heard(Clip("", "", clip), min(good), complete=True) if good else None


def acceptable(alignment: Alignment) -> bool:
    return alignment.cost <= LARGEST_COST and alignment.worst <= LARGEST_WORST


def speech_stretches(heard: Features) -> list[tuple[int, int]]:
    """Return the stretches of frames with sound in them, divided by pauses of a quarter of a second and more."""
    loud = np.flatnonzero(np.linalg.norm(heard, axis=1) > _VOICED_NORM)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > _PAUSE_FRAMES)
    starts = loud[np.concatenate([[0], breaks + 1])]
    ends = loud[np.concatenate([breaks, [len(loud) - 1]])] + 1
    return [
        (int(start), int(end))
        for start, end in zip(starts, ends, strict=True)
        if end - start >= _SHORTEST_SPEECH
    ]


def _search_windows(voiced: Sequence[tuple[int, int]], frames: int) -> list[tuple[int, int]]:
    """Return windows that hold all speech: the pauses of several seconds between them need no search."""
    windows: list[tuple[int, int]] = []
    for start, end in voiced:
        if windows and start - windows[-1][1] < 200:
            windows[-1] = (windows[-1][0], min(frames, end + 50))
        else:
            windows.append((max(0, start - 50), min(frames, end + 50)))
    return windows


def _without_overlaps(
    found: list[tuple[Clip, Alignment, float]],
) -> list[tuple[Clip, Alignment, float]]:
    """Keep what explains most: a short clip is also heard inside a longer one that ends with the same words."""
    kept: list[tuple[Clip, Alignment, float]] = []
    for clip, alignment, weight in sorted(found, key=lambda each: -each[2]):
        shared = max(
            (min(alignment.end, other.end) - max(alignment.start, other.start) for _, other, _ in kept),
            default=0,
        )
        if shared <= 0.2 * (alignment.end - alignment.start):
            kept.append((clip, alignment, weight))
    return kept


def _remaining(voiced: Sequence[tuple[int, int]], taken: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the parts of the voiced stretches that no clip explains."""
    parts = []
    for start, end in voiced:
        free = np.flatnonzero(~taken[start:end])
        if not len(free):
            continue
        groups = np.split(free, np.flatnonzero(np.diff(free) > 1) + 1)
        parts += [
            (start + int(group[0]), start + int(group[-1]) + 1)
            for group in groups
            if len(group) >= 2 * _SHORTEST_SPEECH
        ]
    return parts


def _moved(alignment: Alignment, by: int) -> Alignment:
    return alignment._replace(start=alignment.start + by, end=alignment.end + by)


def _heard(clip: Clip, alignment: Alignment, *, complete: bool) -> Heard:
    return Heard(
        clip.text,
        clip.language,
        alignment.start * HOP_SECONDS,
        alignment.end * HOP_SECONDS,
        complete,
        alignment.cost,
        alignment.worst,
    )


def _unknown(start: int, end: int) -> Heard:
    return Heard(None, "", start * HOP_SECONDS, end * HOP_SECONDS)
