"""Why the bot did what it did: a call's timeline, turn by turn, with the lines of the dialplan that were at work."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from voicebot.cli.timeline import describe
from voicebot.dialplan.dialog import asked_by
from voicebot.dialplan.fields import walk
from voicebot.dialplan.inputs import Choice, InputStep, Link
from voicebot.dialplan.matchers import Option
from voicebot.dialplan.optionset import book_of
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.sources import Sources
from voicebot.storage import CallRecord, TimelineEvent

INPUTS = ("heard", "keys", "noinput", "nomatch")
RULES = (
    *(
        "step",
        "branch",
        "handler",
        "slot",
        "set",
        "goto",
        "call",
        "return",
        "language",
        "flow",
        "error",
        "give_up",
    ),
    *("queue", "queue_exit", "queue_joined", "queue_left", "agent_answered", "agent_missed", "transfer"),
    *("callback_exit", "callback_booked", "agent_transfer", "replaced", "transfer_refused", "unheard"),
    *("transfer_exit", "http", "notify", "record", "record_message", "hangup", "ended"),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an option was worth for the words that were heard, on its own. `tier` "": it does not fit at all."""

    name: str
    tier: str
    score: float
    template: str
    line: str
    chosen: bool = False
    link: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that the dialplan did, and the line that says so."""

    offset: float
    text: str
    place: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One input of the caller (None before the first), what was said before it, how it was judged, what followed."""

    number: int
    offset: float
    question: str
    said: Sequence[str]
    heard: str
    judged: Sequence[str]
    candidates: Sequence[Candidate]
    rules: Sequence[Rule]


@dataclass(slots=True)
class _Open:
    input: TimelineEvent | None
    said: list[str] = field(default_factory=list)
    after: list[TimelineEvent] = field(default_factory=list)


class Explanation:
    """Tells a call's turns. `sources` and `dialplan` are those of the version that answered it, where they were kept."""

    def __init__(self, record: CallRecord, sources: Sources | None, dialplan: Dialplan | None) -> None:
        self._record = record
        self._sources = sources
        self._dialplan = dialplan
        self._steps: dict[str, InputStep] = {}
        if dialplan is not None:
            inside = walk((dict(dialplan.flows), dict(dialplan.handlers)))
            self._steps = {step.id: step for step in inside if isinstance(step, InputStep)}

    def turns(self) -> list[Turn]:
        """Return the turns in order; the first, number 0, is what happened before the caller did anything."""
        opened = [_Open(None)]
        waiting: list[str] = []
        for event in self._record.events:
            if event.kind in INPUTS:
                opened.append(_Open(event, waiting))
                waiting = []
            elif event.kind == "said":
                waiting.append(str(event.data.get("text", "")))
            elif event.kind in RULES:
                opened[-1].after.append(event)
        opened[0].said = []
        turns = [self._turn(number, item) for number, item in enumerate(opened)]
        return turns if turns[0].rules else turns[1:]

    # --- one turn -----------------------------------------------------------------------------------------------------

    def _turn(self, number: int, item: _Open) -> Turn:
        rules = [self._rule(event) for event in item.after]
        event = item.input
        if event is None:
            return Turn(number, 0.0, "", item.said, "the call begins", (), (), rules)
        place, line = self._place(event.data)
        question = " ".join(filter(None, (str(event.data.get("step", "")), place, line and f"`{line}`")))
        return Turn(
            number,
            event.offset,
            question,
            item.said,
            describe(event)[1],
            tuple(self._judged(event)),
            self._candidates(event),
            rules,
        )

    def _judged(self, event: TimelineEvent) -> Iterable[str]:
        data = event.data
        if event.kind == "noinput":
            yield "neither speech nor a key within the step's timeout"
            return
        if language := data.get("language"):
            engines = self._record.extra.get("recognisers")
            engine = engines.get(language) if isinstance(engines, Mapping) else None
            yield f"recogniser: {language}" + (f" by {engine}" if engine else "")
        others = data.get("others")
        for other in others if isinstance(others, list) else ():
            yield f"{other['language']} heard “{other['text']}”, {other['confidence']:.0%}"
        bounds = data.get("bounds")
        recognised = data.get("recognised")
        if isinstance(bounds, Mapping) and isinstance(recognised, int | float):
            yield (
                f"recognised {recognised:.0%}; under {bounds['reject']:.0%} is nomatch, under {bounds['confirm']:.0%}"
                f" is confirmed, closer than {bounds['margin']:.0%} is asked"
            )
        yield from self._verdict(event, bounds if isinstance(bounds, Mapping) else None)

    def _verdict(self, event: TimelineEvent, bounds: Mapping[str, float] | None) -> Iterable[str]:
        data = event.data
        recognised, confidence = _number(data.get("recognised")), _number(data.get("confidence"))
        if event.kind == "nomatch":
            if not data.get("text") and not data.get("keys") and not data.get("sensitive"):
                yield "no word of the grammar was recognised"
            elif bounds and recognised is not None and recognised < bounds["reject"]:
                yield "refused: the recogniser was not sure enough"
            else:
                yield "refused: it fits nothing that this question accepts"
            return
        if tier := data.get("tier"):
            template = f" `{data['template']}`" if data.get("template") else ""
            score = _number(data.get("score"))
            worth = f", score {score:.2f}" if score is not None else ""
            yield f"tier: {tier}{template}{worth}"
        tied = data.get("tied")
        if isinstance(tied, list) and tied:
            yield f"several fit equally well, so it was asked: {', '.join(map(str, tied))}"
        elif (
            bounds
            and confidence is not None
            and confidence < bounds["confirm"]
            and data.get("tier") not in ("slot", "confirmation")
        ):
            yield f"{confidence:.0%} is unsure, so it was confirmed"
        place, line = self._place(data, "choice_")
        if place:
            yield f"taken: {'link' if data.get('link') else 'choice'} at {place} `{line}`"

    def _candidates(self, event: TimelineEvent) -> tuple[Candidate, ...]:
        """Judge the words again, each option on its own."""
        text, language = event.data.get("text"), event.data.get("language")
        step = self._steps.get(str(event.data.get("step", "")))
        if not text or not language or step is None or self._dialplan is None or event.kind == "keys":
            return ()
        options = asked_by(self._dialplan, step, getattr(step, "choices", ())).options
        found = [self._candidate(option, str(text), str(language), event.data) for option in options.options]
        return tuple(sorted((item for item in found if item is not None), key=lambda item: -item.score))

    def _candidate(
        self, option: Option, text: str, language: str, data: Mapping[str, object]
    ) -> Candidate | None:
        if not dict(option.phrases).get(language):
            return None
        assert isinstance(option.action, Choice | Link)
        position = option.action.position
        best = next(iter(book_of([option], language).match(text)), None)
        return Candidate(
            option.intent or option.label(language),
            best.tier if best else "",
            best.score if best else 0.0,
            best.template if best else "",
            f"{posixpath.basename(position.file)}:{position.line}",
            chosen=data.get("choice_line") == position.line,
            link=option.link,
        )

    # --- what followed ------------------------------------------------------------------------------------------------

    def _rule(self, event: TimelineEvent) -> Rule:
        data = event.data
        prefix = "handler_" if event.kind == "handler" else ""
        place, line = self._place(data, prefix)
        if event.kind == "step":
            return Rule(event.offset, f"{data.get('verb')} {data.get('step')}", place, line)
        if event.kind == "branch":
            return Rule(event.offset, _branch(data), place, line)
        if event.kind == "handler":
            return Rule(
                event.offset, f"handler of {data.get('event_name')}, {data.get('count')}", place, line
            )
        if event.kind == "slot":
            value = "sensitive" if data.get("sensitive") else data.get("value")
            told = "not filled" if data.get("failed") else f"= {value}"
            return Rule(event.offset, f"slot {data.get('name')} {told}", place, line)
        return Rule(event.offset, describe(event)[1], place, line)

    def _place(self, data: Mapping[str, object], prefix: str = "") -> tuple[str, str]:
        """Return `demo.yaml:14` and the text of that line; empty where they are not known."""
        number = data.get(f"{prefix}line")
        if not isinstance(number, int):
            return "", ""
        if self._sources is None:
            return f"line {number}", ""
        main = self._sources.main
        file = data.get(f"{prefix}file")
        name = posixpath.normpath(posixpath.join(posixpath.dirname(main), str(file))) if file else main
        return f"{name}:{number}", self._sources.line(name, number)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _branch(data: Mapping[str, object]) -> str:
    if data.get("sensitive"):
        taken = f" takes {data['taken']}" if data.get("taken") else ""
        return f"a condition on something sensitive{taken}"
    values = data.get("values")
    known = values if isinstance(values, Mapping) else {}
    told = ", ".join(f"{name} = {'unset' if value is None else value}" for name, value in known.items())
    when = f"`{data['when']}`" if data.get("when") else "the condition"
    return f"{when} takes {data.get('taken')}" + (f" ({told})" if told else "")
