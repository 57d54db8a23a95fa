"""The arithmetic of the benchmarks: pure, times in seconds unless a name says otherwise."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

VOICED = 180.0  # rms on the int16 scale, -45 dBFS: a quieter frame is a pause
AUDIBLE = 100.0  # rms: a bot's packet that is quieter is silence
FRAME = 160  # samples of a packet: 20 ms at 8 kHz


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: `values` by what they are (`value`, `p50`, `max` ...), all in `unit`."""

    name: str
    unit: str
    values: Mapping[str, float]

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "unit": self.unit, **self.values}

    def text(self) -> str:
        """Return the values for a person to read."""
        parts = [
            _number(value) if name == "value" else f"{name} {_number(value)}"
            for name, value in self.values.items()
        ]
        return "  ".join(parts)


def single(name: str, value: float, unit: str = "", digits: int = 4) -> Figure:
    return Figure(name, unit, {"value": round(value, digits)})


def spread(name: str, seconds: Sequence[float], percents: Sequence[float] = (50, 95)) -> Figure:
    """Return percentiles and maximum in milliseconds, and how many values they are of."""
    values: dict[str, float] = {
        f"p{percent:g}": round(percentile(seconds, percent) * 1000, 2) for percent in percents
    }
    values["max"] = round(max(seconds, default=math.nan) * 1000, 2)
    return Figure(name, "ms", {**values, "n": len(seconds)})


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all do not exceed (nearest rank); nan of nothing."""
    if not len(values):
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """What became of one RTP stream, as its receiver sees it."""

    received: int
    lost: int  # sequence numbers that never came
    skipped: int  # frames of 20 ms that the sender left out: a hole in the timestamps, none in the numbers
    gaps: tuple[float, ...]  # between the arrivals of one packet and the next


def stream_figures(
    arrivals: Sequence[float], sequence_numbers: Sequence[int], rtp_timestamps: Sequence[int]
) -> StreamFigures:
    """Judge a stream of 20 ms packets, in the order of arrival; numbers and timestamps may wrap (RFC 3550 A.1, A.3)."""
    if not arrivals:
        return StreamFigures(0, 0, 0, ())
    numbers = unwrapped(sequence_numbers, 16)
    timestamps = unwrapped(rtp_timestamps, 32)
    distinct = len(set(numbers))
    expected = max(numbers) - min(numbers) + 1
    frames = (max(timestamps) - min(timestamps)) // FRAME + 1
    gaps = tuple(later - earlier for earlier, later in pairwise(arrivals))
    return StreamFigures(len(arrivals), expected - distinct, max(0, frames - expected), gaps)


def unwrapped(values: Sequence[int], bits: int) -> list[int]:
    """Return counters of so many bits as numbers that go on over the wrap, forwards or a little backwards."""
    whole = 1 << bits
    result: list[int] = []
    for value in values:
        if not result:
            result.append(value)
            continue
        step = (value - result[-1]) % whole
        result.append(result[-1] + (step if step < whole // 2 else step - whole))
    return result


def voiced_part(samples: NDArray[np.int16], level: float = VOICED) -> NDArray[np.int16]:
    """Return `samples` from the first to the last frame of 20 ms with a voice in it; nothing if there is none."""
    whole = len(samples) // FRAME * FRAME
    frames = samples[:whole].astype(np.float64).reshape(-1, FRAME)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) >= level) if whole else np.zeros(0, np.intp)
    return samples[loud[0] * FRAME : (loud[-1] + 1) * FRAME] if len(loud) else samples[:0]


def silent_from(
    arrivals: Sequence[float], levels: Sequence[float], since: float, *, quiet: float = 0.25
) -> float | None:
    """Return when a voice that was heard at the instant `since` fell silent for at least `quiet` seconds.

    It is the arrival of the first silent packet. None when nobody spoke then, or went on until the packets end.
    """
    packets = list(zip(arrivals, levels, strict=True))
    speaking = any(level >= AUDIBLE for at, level in packets if since - quiet / 2 <= at <= since)
    if not speaking:
        return None
    silent: float | None = None
    for at, level in packets:
        if at < since:
            continue
        if level >= AUDIBLE:
            silent = None
        elif silent is None:
            silent = at
        if silent is not None and at - silent >= quiet:
            return silent
    return None


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
