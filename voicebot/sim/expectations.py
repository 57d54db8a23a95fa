"""What a test expects against what happened in its call."""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from voicebot.dialplan.testcases import Expect
from voicebot.sim.hotline import Outcome
from voicebot.sim.store import Event
from voicebot.sim.troubles import trouble_in

_FLOW_EVENTS = frozenset({"flow", "goto", "call"})
_EXIT_EVENTS = frozenset({"queue_exit", "queue_left", "transfer_exit", "callback_exit"})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that was expected, and what happened instead."""

    expected: str
    happened: str

    def __str__(self) -> str:
        return f"expected {self.expected}; {self.happened}"


def judge(expect: Expect, outcome: Outcome) -> list[Mismatch]:
    """Return everything that is not as it was expected; a call that broke is not as expected, whatever the test says."""
    return [
        *_broken(outcome),
        *_texts(expect, outcome),
        *_flows(expect, outcome.events),
        *_exits(expect, outcome.events),
        *_values("slot", expect.slot or {}, outcome.slots),
        *_values("record", expect.record or {}, outcome.record),
    ]


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return `text` without case, punctuation and repeated spaces, full-width letters as plain ones."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.translate(_UNPUNCTUATED).split())


class _Unpunctuated(dict[int, int]):
    """A table for `str.translate`, filled as characters come up: punctuation, separators and controls are spaces."""

    def __missing__(self, character: int) -> int:
        between = unicodedata.category(chr(character))[0] in "PZC"
        self[character] = found = ord(" ") if between else character
        return found


_UNPUNCTUATED = _Unpunctuated()


def flows_entered(events: Iterable[Event]) -> dict[str, float]:
    """Return when each flow was entered first, in seconds since the answer."""
    entered: dict[str, float] = {}
    for event in events:
        if event.kind in _FLOW_EVENTS:
            entered.setdefault(str(event.data.get("flow", "")), event.at)
    return entered


def _broken(outcome: Outcome) -> list[Mismatch]:
    trouble = trouble_in(outcome)
    text = outcome.problem
    if trouble is not None and trouble.kind != "error":  # an apology for an unhandled error may be expected
        text = trouble.text
    return [Mismatch("a call without trouble", text)] if text else []


def _texts(expect: Expect, outcome: Outcome) -> list[Mismatch]:
    if not expect.heard and not expect.not_heard:
        return []
    said = " ".join(folded(text) for text in outcome.texts_heard)

    def was_said(text: str) -> bool:
        wanted = folded(text)
        if wanted in said or wanted.isascii():
            return wanted in said
        return "".join(wanted.split()) in "".join(said.split())  # between Han characters spaces mean nothing

    missing = [
        Mismatch(f"to hear “{text}”", "it was never said") for text in expect.heard if not was_said(text)
    ]
    return missing + [
        Mismatch(f"not to hear “{text}”", "it was said") for text in expect.not_heard if was_said(text)
    ]


def _flows(expect: Expect, events: Sequence[Event]) -> list[Mismatch]:
    if not expect.flow:
        return []
    entered = flows_entered(events)
    found = []
    for flow in expect.flow:
        if flow not in entered:
            way = " → ".join(entered) or "none"
            found.append(Mismatch(f"to enter the flow {flow}", f"the call entered {way}"))
        elif expect.within is not None and entered[flow] > expect.within:
            found.append(
                Mismatch(
                    f"to enter the flow {flow} within {expect.within:g} s",
                    f"it was entered after {entered[flow]:.1f} s",
                )
            )
    return found


def _exits(expect: Expect, events: Sequence[Event]) -> list[Mismatch]:
    if not expect.exit:
        return []
    taken = dict.fromkeys(str(event.data.get("exit", "")) for event in events if event.kind in _EXIT_EVENTS)
    taken.pop("agent", None)  # the line's word while the agent talks; the step's is agent_done
    happened = f"the exits taken: {', '.join(taken)}" if taken else "no step ended by an exit"
    return [Mismatch(f"the exit {exit}", happened) for exit in expect.exit if exit not in taken]


def _values(what: str, wanted: Mapping[str, object], have: Mapping[str, object]) -> list[Mismatch]:
    found = []
    for name, value in wanted.items():
        if name not in have:
            found.append(Mismatch(f"{what} {name} to be {_shown(value)}", "it has no value"))
        elif not _same(value, have[name]):
            found.append(Mismatch(f"{what} {name} to be {_shown(value)}", f"it is {_shown(have[name])}"))
    return found


def _same(wanted: object, have: object) -> bool:
    if isinstance(wanted, bool) or isinstance(have, bool):
        return wanted is have
    if isinstance(wanted, int | float) and isinstance(have, int | float):
        return math.isclose(wanted, have, rel_tol=1e-9)
    return wanted == have or str(wanted) == str(have)


def _shown(value: object) -> str:
    return (
        f"“{value}”"
        if isinstance(value, str)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )
