"""What callers will notice of an edit: two dialplans that are loaded -> plain sentences, with the lines in both files.

Comments, formatting and the order of flows, queues and handlers are no difference. A step is compared with the one of its
flow that is most like it; what a question offers is compared by key and phrase, what it leads to by the graph's edges.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

from voicebot.dialplan.fields import Named, keys_of, walk
from voicebot.dialplan.hours import Hours
from voicebot.dialplan.inputs import Choice, Handler, Link, Phrase
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Mapping as MapNode
from voicebot.dialplan.source import Node, Position
from voicebot.dialplan.targets import Step, Steps
from voicebot.dialplan.texts import Text
from voicebot.dialplan.tools.edges import ANYWHERE, Edge, graph_of
from voicebot.dialplan.tools.wording import bare, days, of_field, spoken, written


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different. `old` and `new`: where it stands, None where it does not."""

    kind: str  # prompt, key, phrase, flow, way, step, option, queue, hours ...
    text: str
    old: Position | None = None
    new: Position | None = None

    def __str__(self) -> str:
        return f"{_place(self.old)} -> {_place(self.new)}: {self.text}"


def _place(position: Position | None) -> str:
    return "(none)" if position is None else f"{position.file}:{position.line}"


@dataclass(frozen=True, slots=True)
class Version:
    """A dialplan, and the trees of its file and of those that it includes: names of its sections have their lines there."""

    dialplan: Dialplan
    tree: Node | None = None
    included: tuple[Node, ...] = ()

    def place(self, section: str, name: str = "") -> Position:
        """Return where a section or an entry of it stands; the file's beginning where neither is written."""
        for tree in (self.tree, *self.included):
            inside = tree.get(section) if isinstance(tree, MapNode) else None
            where = inside if name else tree
            key = where.key(name or section) if isinstance(where, MapNode) else None
            if key is not None:
                return key.position
        return Position(self.dialplan.path)


def difference(old: Version, new: Version) -> tuple[Change, ...]:
    """Return every change, by section and in the order of the old file."""
    before, after = old.dialplan, new.dialplan
    found = [
        *_hotline(old, new),
        *_flows(before, after),
        *_handlers(old, new),
        *_ways(before, after),
        *_phrases(before, after),
        *_hours(old, new),
        *_named("queue", "queues", before.queues, after.queues, old, new),
        *_named("service", "services", before.services, after.services, old, new),
        *_named("type", "types", before.types, after.types, old, new),
        *_named("variable", "vars", before.variables, after.variables, old, new),
    ]
    return tuple(dict.fromkeys(found))


# --- top level ----------------------------------------------------------------------------------------------------


def _hotline(old: Version, new: Version) -> Iterator[Change]:
    for name in ("languages", "timezone", "start", "answer"):
        one, other = getattr(old.dialplan.hotline, name), getattr(new.dialplan.hotline, name)
        if bare(one) != bare(other):
            text = f"the hotline's {name} was {written(one)} and is {written(other)}"
            yield Change("hotline", text, old.place("hotline"), new.place("hotline"))
    defaults = old.dialplan.defaults, new.dialplan.defaults
    yield from _options("option", "defaults", *defaults, old.place("defaults"), new.place("defaults"))


def _named(
    kind: str, section: str, before: Mapping[str, Any], after: Mapping[str, Any], old: Version, new: Version
) -> Iterator[Change]:
    """Entries of a section by name: gone, new, changed key by key."""
    for name, one in before.items():
        at, now_at = old.place(section, name), new.place(section, name)
        other = after.get(name)
        if name not in after:
            yield Change(kind, f"the {kind} {name} is gone", at, None)
        elif is_dataclass(one) and keys_of(type(one)):
            yield from _options(kind, f"the {kind} {name}", one, other, at, now_at)
        elif bare(one) != bare(other):
            yield Change(kind, f"the {kind} {name} was {written(one)} and is {written(other)}", at, now_at)
    for name in after:
        if name not in before:
            yield Change(kind, f"the {kind} {name} is new", None, new.place(section, name))


def _hours(old: Version, new: Version) -> Iterator[Change]:
    """Hours, day by day."""
    before, after = old.dialplan.hours, new.dialplan.hours
    for name in dict.fromkeys([*before, *after]):
        at = old.place("hours", name) if name in before else None
        now_at = new.place("hours", name) if name in after else None
        if at is None or now_at is None:
            yield Change("hours", f"the hours {name} are {'new' if at is None else 'gone'}", at, now_at)
            continue
        yield from _days(name, before[name], after[name], at, now_at)


def _days(name: str, old: Hours, new: Hours, at: Position, now_at: Position) -> Iterator[Change]:
    before, after = days(old), days(new)
    for day in dict.fromkeys([*before, *after]):
        one, other = before.get(day, "not named"), after.get(day, "not named")
        if one != other:
            yield Change("hours", f"the hours {name}, {day}: was {one} and is {other}", at, now_at)


def _phrases(old: Dialplan, new: Dialplan) -> Iterator[Change]:
    for name, intent in old.intents.items():
        if name not in new.intents:
            yield Change("phrase", f"the intent {name} is gone", intent.position, None)
            continue
        other = new.intents[name]
        yield from _said(f"the intent {name}", intent.phrases, other.phrases, intent.position, other.position)
    for name, intent in new.intents.items():
        if name not in old.intents:
            yield Change("phrase", f"the intent {name} is new", None, intent.position)


def _said(
    what: str,
    old: Mapping[str, tuple[Phrase, ...]],
    new: Mapping[str, tuple[Phrase, ...]],
    at: Position,
    now_at: Position,
) -> Iterator[Change]:
    for language in dict.fromkeys([*old, *new]):
        before = {item.source: item.position for item in old.get(language, ())}
        after = {item.source: item.position for item in new.get(language, ())}
        for source, position in before.items():
            if source not in after:
                yield Change(
                    "phrase", f'{what} ({language}) is no longer meant by "{source}"', position, now_at
                )
        for source, position in after.items():
            if source not in before:
                yield Change("phrase", f'{what} ({language}) is now meant by "{source}"', at, position)


# --- flows and steps ----------------------------------------------------------------------------------------------


def _flows(old: Dialplan, new: Dialplan) -> Iterator[Change]:
    for name, flow in old.flows.items():
        if name not in new.flows:
            yield Change("flow", f"the flow {name} is gone", flow.position, None)
        else:
            yield from _steps(name, list(flow.every_step()), list(new.flows[name].every_step()))
    for name, flow in new.flows.items():
        if name not in old.flows:
            yield Change("flow", f"the flow {name} is new", None, flow.position)


def _steps(flow: str, old: list[Step], new: list[Step]) -> Iterator[Change]:
    """Compare two flows step by step: the same steps first, then those of one verb in their order."""
    matcher = difflib.SequenceMatcher(None, [_face(s) for s in old], [_face(s) for s in new], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        rest = list(new[j1:j2])
        for step in old[i1:i2]:
            twin = next((item for item in rest if item.verb == step.verb), None)
            if twin is not None:
                rest.remove(twin)
                yield from _step(flow, step, twin)
            elif not _is_way(step):
                yield Change("step", f"{flow}: {_told(step)} is gone", step.position, None)
        for step in rest:
            if not _is_way(step):
                yield Change("step", f"{flow}: {_told(step)} is new", None, step.position)


def _face(step: Step) -> object:
    """Return what a step is by itself: steps inside of it are compared as steps of their own."""
    own = [bare(getattr(step, f.name)) for f in fields(step) if f.name not in ("id", "position")]
    return (step.verb, repr(own))


def _is_way(step: Step) -> bool:
    return step.verb in ("goto", "call", "return", "hangup", "if")  # the ways tell of them


def _told(step: Step) -> str:
    for item in walk(step):
        if isinstance(item, Text):
            return f"{step.verb} {written(item)}"
    return f"the step {step.verb}"


def _step(flow: str, old: Step, new: Step) -> Iterator[Change]:
    at, now_at = old.position, new.position
    for field in fields(old):
        name = field.name
        one, other = getattr(old, name), getattr(new, name)
        if name in ("id", "position") or bare(one) == bare(other):
            continue
        what = f"{flow}, {old.verb}: {name}"
        if isinstance(one, Text) or isinstance(other, Text):
            yield from _text(what, one, other, at, now_at)
        elif name in ("choices", "links"):
            yield from _choices(f"{flow}, {old.verb}", one, other)
        elif name == "slots":
            for slot, twin in zip(one, other, strict=False):
                yield from _step(flow, slot, twin)
            if len(one) != len(other):
                yield Change("option", f"{what}: there were {len(one)} and are {len(other)}", at, now_at)
        elif name in _EVENTS:
            yield from _events(f"{flow}, {old.verb}", one, other, at, now_at)
        elif not _leads(one) and not _leads(other):
            text = f"{what} was {of_field(field, one)} and is {of_field(field, other)}"
            yield Change("option", text, at, now_at)


_EVENTS = ("noinput", "nomatch", "help", "repeat", "operator", "error")


def _leads(value: object) -> bool:
    """Return whether a value is a way: the graph's edges tell of it."""
    if isinstance(value, dict):
        return bool(value) and all(_leads(item) for item in value.values())
    return isinstance(value, (Named, Steps))


def _text(what: str, old: Text | None, new: Text | None, at: Position, now_at: Position) -> Iterator[Change]:
    at = old.position if old is not None else at
    now_at = new.position if new is not None else now_at
    if old is None or new is None:
        yield Change("prompt", f"{what} was {written(old)} and is {written(new)}", at, now_at)
        return
    if old.every or new.every:
        if bare(old.items) != bare(new.items):
            yield Change("prompt", f"{what} was {written(old)} and is {written(new)}", at, now_at)
        return
    before = {item.language: spoken(item.sentences) for item in old.items}
    after = {item.language: spoken(item.sentences) for item in new.items}
    for language in dict.fromkeys([*before, *after]):
        one, other = before.get(language), after.get(language)
        if one != other:
            name = f" ({language})" if language else ""
            yield Change("prompt", f"{what}{name} was {written(one)} and is {written(other)}", at, now_at)


def _choices(what: str, old: tuple[Choice | Link, ...], new: tuple[Choice | Link, ...]) -> Iterator[Change]:
    """Keys and phrases: moved to another choice, gone, new. A choice is known by its intent, phrases or way."""
    twins = dict(_pairs(old, new))
    for item in old:
        twin = twins.get(id(item))
        if twin is None:
            yield Change("key", f"{what}: {_offer(item)} is gone", item.position, None)
            continue
        if item.dtmf != twin.dtmf:
            moved = (
                f"the key of {_offer(item, key=False)} was {written(item.dtmf)} and is {written(twin.dtmf)}"
            )
            yield Change("key", f"{what}: {moved}", item.position, twin.position)
        yield from _said(
            f"{what}: {_offer(item)}", item.phrases or {}, twin.phrases or {}, item.position, twin.position
        )
        for name in ("intent", "set", "say", "event"):
            one, other = getattr(item, name, None), getattr(twin, name, None)
            if bare(one) != bare(other):
                text = f"{what}: {name} of {_offer(item)} was {written(one)} and is {written(other)}"
                yield Change("option", text, item.position, twin.position)
    for item in new:
        if all(item is not twin for twin in twins.values()):
            yield Change("key", f"{what}: {_offer(item)} is new", None, item.position)


def _pairs(
    old: tuple[Choice | Link, ...], new: tuple[Choice | Link, ...]
) -> Iterator[tuple[int, Choice | Link]]:
    rest = list(new)
    waiting = list(old)
    tests: list[Callable[[Choice | Link, Choice | Link], bool]] = [
        lambda a, b: bare(a) == bare(b),
        lambda a, b: a.intent is not None and bare(a.intent) == bare(b.intent),
        lambda a, b: bool(a.phrases) and bare(a.phrases) == bare(b.phrases),
        lambda a, b: a.dtmf is not None and a.dtmf == b.dtmf,
        lambda a, b: isinstance(a.goto, Named) and bare(a.goto) == bare(b.goto),
    ]
    for same in tests:
        for item in list(waiting):
            twin = next((other for other in rest if same(item, other)), None)
            if twin is not None:
                waiting.remove(item)
                rest.remove(twin)
                yield id(item), twin


def _offer(item: Choice | Link, *, key: bool = True) -> str:
    parts = [f"the key {item.dtmf}" if key and item.dtmf else ""]
    parts.append(f"the intent {item.intent.name}" if item.intent is not None else "")
    phrases = [phrase.source for group in (item.phrases or {}).values() for phrase in group]
    parts.append(f'"{phrases[0]}"' if phrases else "")
    return ", ".join(filter(None, parts)) or "a choice"


# --- handlers, options, ways --------------------------------------------------------------------------------------


def _handlers(old: Version, new: Version) -> Iterator[Change]:
    before, after = old.dialplan.handlers, new.dialplan.handlers
    for event in dict.fromkeys([*before, *after]):
        top, now = old.place("handlers", event), new.place("handlers", event)
        yield from _events("everywhere", before.get(event, ()), after.get(event, ()), top, now)
    yield from _choices("everywhere", old.dialplan.links, new.dialplan.links)


def _events(
    what: str, old: tuple[Handler, ...], new: tuple[Handler, ...], at: Position, now_at: Position
) -> Iterator[Change]:
    before = {(item.count, item.dtmf, bare(item.intent)): item for item in old}
    after = {(item.count, item.dtmf, bare(item.intent)): item for item in new}
    for name, one in before.items():
        other = after.get(name)
        if other is None:
            if one.way is None:  # the ways tell of those that lead somewhere
                yield Change("handler", f"{what}: {_event(one)} is gone", one.position, now_at)
            continue
        if bare(one.say) != bare(other.say):
            yield from _text(f"{what}, {_event(one)}: say", one.say, other.say, one.position, other.position)
        for key in ("reprompt", "input", "set", "play"):
            mine, its = getattr(one, key), getattr(other, key)
            if bare(mine) != bare(its):
                text = f"{what}, {_event(one)}: {key} was {written(mine)} and is {written(its)}"
                yield Change("handler", text, one.position, other.position)
    for name, other in after.items():
        if name not in before and other.way is None:
            yield Change("handler", f"{what}: {_event(other)} is new", at, other.position)


def _event(item: Handler) -> str:
    key = f" (key {item.dtmf})" if item.dtmf else ""
    return f"{item.event} {item.count}{key}"


def _options(
    kind: str, what: str, old: object, new: object, at: Position, now_at: Position
) -> Iterator[Change]:
    for name, field in keys_of(type(old)).items():
        one, other = getattr(old, field.name), getattr(new, field.name)
        if bare(one) != bare(other):
            text = f"{what}: {name} was {of_field(field, one)} and is {of_field(field, other)}"
            yield Change(kind, text, at, now_at)


def _ways(old: Dialplan, new: Dialplan) -> Iterator[Change]:
    """Ways that closed, opened or were turned elsewhere, between flows that are in both."""
    before, after = _edges(old), _edges(new)
    closed = [e for way, e in before.items() if way not in after and e.source in (ANYWHERE, *new.flows)]
    opened = [e for way, e in after.items() if way not in before and e.source in (ANYWHERE, *old.flows)]
    for edge in closed:
        if _take(opened, partial(_is_same_branch, edge)) is not None:
            continue  # only its condition changed, and the step tells that
        turned = _take(opened, partial(_has_same_reason, edge))
        label = _unkeyed(edge)
        if turned is not None:
            text = f"{_from(edge.source)}, {label}: it led to {_to(edge)} and leads to {_to(turned)}"
            yield Change("way", text, edge.position, turned.position)
        else:
            yield Change(
                "way", f"{_from(edge.source)}{_by(label)} no longer leads to {_to(edge)}", edge.position
            )
    for edge in opened:
        text = f"{_from(edge.source)}{_by(_unkeyed(edge))} now leads to {_to(edge)}"
        yield Change("way", text, None, edge.position)


def _take(edges: list[Edge], fits: Callable[[Edge], bool]) -> Edge | None:
    """Remove and return the first edge that fits."""
    found = next((edge for edge in edges if fits(edge)), None)
    if found is not None:
        edges.remove(found)
    return found


def _is_same_branch(one: Edge, other: Edge) -> bool:
    ends = (one.source, one.target, one.kind) == (other.source, other.target, other.kind)
    return ends and one.reason.taken == other.reason.taken == "then"


def _has_same_reason(one: Edge, other: Edge) -> bool:
    return one.source == other.source and _unkeyed(one) == _unkeyed(other) != ""


def _edges(dialplan: Dialplan) -> dict[tuple[str, str, str, str], Edge]:
    return {(e.source, _to(e), e.kind, _unkeyed(e)): e for e in graph_of(dialplan).edges}


def _unkeyed(edge: Edge) -> str:
    """Return the label without its key: that a key moved is told once."""
    key = f"[{edge.reason.keys}] "
    return edge.label.replace(key, "") if edge.reason.keys else edge.label


def _from(source: str) -> str:
    return "everywhere" if source == ANYWHERE else source


def _by(label: str) -> str:
    return f", {label}:" if label else ""


def _to(edge: Edge) -> str:
    """Return where a way leads; why a call is ended is not a way."""
    return edge.target.removeprefix("end:").partition(":")[0]
