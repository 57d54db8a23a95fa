"""Recognition by ear: which of the known clips were spoken in the audio that a phone received.

The clips are the texts that a hotline may say, rendered by the phone itself in the hotline's voice. Synthesis repeats
itself closely and G.711 changes little, so a clip is either heard closely or not at all: another text in the same
voice, another voice, noise and silence all lie far above the limits. Measured on the demo's prompts: true ones cost at
most 0.010 and 0.027 in their worst word (0.025 and 0.06 with 3 % of the packets lost), texts that differ in one word 0.08
and more in that word; words that differ in one sound ("hours", "ours") are the same to this ear.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES, SAMPLE_RATE
from voicebot.phone import matching
from voicebot.phone.features import HOP_SAMPLES, HOP_SECONDS, Features, features
from voicebot.phone.matching import Alignment
from voicebot.speech.levels import ACTIVE_LEVEL, active_level

LARGEST_COST = 0.035
LARGEST_WORST = 0.065
_VOICE_COST, _VOICE_WORST = (
    0.060,
    0.150,
)  # for one known voice across a bridge, which nothing similar competes with
_SEARCH_COST = 0.10  # of the coarse search
_VOICED_NORM = 60.0  # of a frame's features: what is quieter is a pause
_PAUSE_FRAMES = 25  # a shorter pause does not divide speech
_SHORTEST_SPEECH = 12  # frames: clicks and breaths are none
_SHORTEST_PART = 80  # frames: less of a clip than this is not recognised when it was cut short
_ONSET_SLACK = 15  # frames
_JOINED_FRAMES = 100  # parts with shorter pauses between them may be parts of one clip
_NEVER = 1e6
_LEVEL_TOLERANCE = 1.2  # a line that changes the level by more than this factor is corrected
_LARGEST_GAIN = 8.0
_FRAMES_A_TICK = FRAME_SAMPLES // HOP_SAMPLES


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


class _Known(NamedTuple):
    clip: Clip
    rows: Features
    coarse: Features


class Ear:
    """Knows clips. Clips that sound alike are told apart as far as a person could; of equals the longer is heard."""

    def __init__(self, clips: Iterable[Clip]) -> None:
        self._known = [
            _Known(clip, rows, matching.coarse(rows))
            for clip, rows in ((clip, features(clip.samples)) for clip in clips)
            if len(rows)
        ]

    @property
    def clips(self) -> list[Clip]:
        """Return what it knows."""
        return [known.clip for known in self._known]

    def listen(
        self, samples: NDArray[np.int16], missing: NDArray[np.bool_] | None = None
    ) -> tuple[Heard, ...]:
        """Return what is spoken in `samples` (8 kHz), in order: known clips, and speech that is none of them.

        `missing`: for each 20 ms of `samples`, whether its packet was lost.
        """
        heard = features(samples)
        gaps = _gaps(missing, len(heard))
        voiced = speech_stretches(heard)
        heard = _at_level(heard, samples, voiced)
        found = _without_overlaps(self._whole_clips(heard, gaps, voiced))
        taken = np.zeros(len(heard), bool)
        for _, alignment, _ in found:
            taken[alignment.start : alignment.end] = True
        result = [_heard(clip, alignment, complete=True) for clip, alignment, _ in found]
        for group in _groups(_remaining(voiced, taken)):
            result += self._rest(heard, group)
        return tuple(sorted(result, key=lambda each: each.start))

    def _whole_clips(
        self, heard: Features, gaps: NDArray[np.bool_], voiced: Sequence[tuple[int, int]]
    ) -> list[tuple[Clip, Alignment, float]]:
        found = []
        for low, high in _search_windows(voiced, len(heard)):
            window = heard[low:high]
            rough = matching.coarse(window)
            for clip, rows, clip_rough in self._known:
                for start, end in matching.places(clip_rough, rough, _SEARCH_COST):
                    lost = gaps[low:high][start:end]
                    alignment = _moved(matching.align(rows, window[start:end], lost), low + start)
                    if acceptable(alignment):
                        found.append((clip, alignment, len(rows) * (LARGEST_COST - alignment.cost)))
        return found

    def _rest(self, heard: Features, parts: Sequence[tuple[int, int]]) -> list[Heard]:
        """Tell what parts without a whole clip are, the pauses between them being short."""
        result: list[Heard] = []
        first = 0
        while first < len(parts):
            start = parts[first][0]
            for last in range(len(parts), first, -1):
                cut = self._cut_short(heard[start : parts[last - 1][1]], start)
                if cut is not None:
                    result.append(cut)
                    first = last
                    break
            else:
                result.append(_unknown(*parts[first]))
                first += 1
        return result

    def _cut_short(self, heard: Features, at: int) -> Heard | None:
        """Return the one clip whose beginning is the whole of `heard`."""
        if len(heard) < _SHORTEST_PART:
            return None
        rough = matching.coarse(heard)
        candidates: list[tuple[Alignment, Clip]] = []
        for clip, rows, clip_rough in self._known:
            begins = matching.cheapest_beginning(clip_rough, rough, _SHORTEST_PART // 4)
            if begins is None or begins[0] > _SEARCH_COST:
                continue
            between = matching.distances(rows, heard)
            between[0, _ONSET_SLACK:] = _NEVER
            costs = matching.table(between)
            reached = costs[_SHORTEST_PART:, -1] / np.arange(_SHORTEST_PART + 1, len(rows) + 1)
            if not len(reached):
                continue
            row = int(np.argmin(reached)) + _SHORTEST_PART
            alignment = matching.trace(between, costs, row, len(heard) - 1)
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
    heard = _at_level(heard, samples, speech_stretches(heard), active_level(clip, SAMPLE_RATE))
    alignments = [
        _moved(matching.align(rows, heard[start:end]), start)
        for start, end in matching.places(matching.coarse(rows), matching.coarse(heard), _SEARCH_COST)
    ]
    good = [each for each in alignments if each.cost <= _VOICE_COST and each.worst <= _VOICE_WORST]
    return _heard(Clip("", "", clip), min(good), complete=True) if good else None


def _gaps(missing: NDArray[np.bool_] | None, frames: int) -> NDArray[np.bool_]:
    """Return which feature frames have lost audio in them: a frame is longer than its step."""
    gaps = np.zeros(frames, bool)
    for tick in np.flatnonzero(missing) if missing is not None else ():
        gaps[max(0, (tick - 1) * _FRAMES_A_TICK - 1) : (tick + 2) * _FRAMES_A_TICK] = True
    return gaps


def _at_level(
    heard: Features,
    samples: NDArray[np.int16],
    voiced: Sequence[tuple[int, int]],
    level: float = ACTIVE_LEVEL,
) -> Features:
    """Return the features as if the line had not changed the level of speech."""
    for start, end in _search_windows(voiced, len(heard)):
        part = samples[start * HOP_SAMPLES : (end + 3) * HOP_SAMPLES]
        present = active_level(part, SAMPLE_RATE)
        gain = min(max(level / max(present, 1.0), 1 / _LARGEST_GAIN), _LARGEST_GAIN)
        if present and not 1 / _LEVEL_TOLERANCE < gain < _LEVEL_TOLERANCE:
            corrected = features(np.clip(part * gain, -32768, 32767).astype(np.int16))
            heard[start : start + len(corrected)] = corrected[: len(heard) - start]
    return heard


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


def _groups(parts: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Put parts with short pauses between them together."""
    groups: list[list[tuple[int, int]]] = []
    for start, end in sorted(parts):
        if groups and start - groups[-1][-1][1] < _JOINED_FRAMES:
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return groups


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
