"""Names that point nowhere: flows, queues, intents, services, hours, slots, variables."""

from collections.abc import Iterator

from voicebot.dialplan.expressions import HEADERS, ROOTS, Expression, Reference, Template
from voicebot.dialplan.fields import Named, Value, walk
from voicebot.dialplan.inputs import Choice, Handler, Link
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, Position, finding, nearest
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.http import Http, Request
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.record_message import RecordMessage
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.targets import Step

CALL = ("from", "from_name", "to", "uid", "language", "priority", "headers")
QUEUE = ("ewt", "waited", "position")
ERROR = ("kind", "status")
TRANSFER = ("exit", "status", "reason")


def check_names(dialplan: Dialplan) -> Iterator[Finding]:
    yield from _unknown("VB101", "flow", dialplan.hotline.start, dialplan.flows)
    for item in everything(dialplan):
        if isinstance(item, Step):
            yield from _step_names(dialplan, item)
        elif isinstance(item, (Choice, Link, Handler)) and item.intent is not None:
            yield from _unknown("VB103", "intent", item.intent, dialplan.intents)
    for queue in dialplan.queues.values():
        if queue.overflow is not None:
            yield from _unknown("VB102", "queue", queue.overflow, dialplan.queues)
    known = {
        id(step_name)
        for item in everything(dialplan)
        for step_name in (
            getattr(item, "intent", None),
            item.name if isinstance(item, QueueStep) else None,
            item.service if isinstance(item, Request) else None,
            item.queue if isinstance(item, Callback) else None,
        )
        if isinstance(step_name, Named)
    }
    for item in everything(dialplan):
        if isinstance(item, Named) and id(item) not in known:
            yield from _unknown("VB101", "flow", item, dialplan.flows)


def _step_names(dialplan: Dialplan, step: Step) -> Iterator[Finding]:
    if isinstance(step, QueueStep):
        yield from _unknown("VB102", "queue", step.name, dialplan.queues)
    if isinstance(step, Callback) and step.queue is not None:
        yield from _unknown("VB102", "queue", step.queue, dialplan.queues)
    if isinstance(step, Request):
        yield from _unknown("VB104", "service", step.service, dialplan.services)


def _unknown(code: str, what: str, name: Named, known: object) -> Iterator[Finding]:
    assert hasattr(known, "__iter__")
    names = list(known)
    if name.name not in names:
        hint = nearest(name.name, names) or (
            f"there are {', '.join(names)}" if names else f"there is no {what}"
        )
        yield finding(code, name.position, f"there is no {what} {name.name!r}", hint)


def everything(dialplan: Dialplan) -> tuple[object, ...]:
    """Return every object inside flows, handlers and links."""

    def find() -> tuple[object, ...]:
        return tuple(walk((dict(dialplan.flows), dict(dialplan.handlers), dialplan.links)))

    return dialplan.memo.get(everything, find)


# --- variables -----------------------------------------------------------------------------------------------------


def check_variables(dialplan: Dialplan) -> Iterator[Finding]:
    """Unknown hours, and variables that nothing sets. Whether one is set on every path is not decided here."""
    written = written_variables(dialplan)
    for position, expression in expressions_of(dialplan):
        for name in sorted(expression.hours):
            yield from _unknown("VB105", "entry of hours", Named(name, position), dialplan.hours)
        for reference in sorted(expression.references, key=lambda item: item.path):
            yield from _reference(dialplan, reference, position, written)


def written_variables(dialplan: Dialplan) -> set[str]:
    """Return every variable that something sets somewhere."""
    return dialplan.memo.get(written_variables, lambda: _written(dialplan))


def _written(dialplan: Dialplan) -> set[str]:
    written = {f"call.{name}" for name in CALL} | {f"queue.{name}" for name in QUEUE}
    written |= {f"transfer.{name}" for name in TRANSFER}
    written |= {f"error.{name}" for name in ERROR} | {f"var.{name}" for name in dialplan.variables}
    for item in everything(dialplan):
        match item:
            case Collect(slot=slot):
                written.add(f"slot.{slot}")
            case Set(values=assigned):
                written |= set(assigned)
            case Choice(set=dict() as assigned) | Handler(set=dict() as assigned):
                written |= set(assigned)
            case Http(save=str() as save) | RecordMessage(save=str() as save):
                written.add(save)
            case _:
                pass
    return written


def _reference(
    dialplan: Dialplan, reference: Reference, position: Position, written: set[str]
) -> Iterator[Finding]:
    root = reference.path[0]
    if root not in ROOTS:
        if root not in written:
            known = [*ROOTS, *(name for name in written if "." not in name)]
            hint = (
                nearest(root, known)
                or "variables are call.X, slot.X, queue.X, transfer.X, var.X, error.X and saved results"
            )
            yield finding("VB106", position, f"nothing saves {root!r}", hint)
        return
    if len(reference.path) == 1:
        yield finding("VB106", position, f"{root} is a group of variables", f"write {root}.NAME")
        return
    name = f"{root}.{reference.path[1]}"
    if reference.path[:2] == HEADERS and not reference.guarded:
        yield _header(reference, position)
    if name in written:
        return
    if root == "slot":
        yield finding("VB107", position, f"nothing fills {name}", nearest(name, written))
    elif not reference.guarded:
        yield finding("VB106", position, f"nothing sets {name}", nearest(name, written))


def _header(reference: Reference, position: Position) -> Finding:
    if len(reference.path) == 2:
        return finding("VB106", position, "call.headers is a map", "write call.headers['NAME']")
    name = reference.path[2]
    return finding(
        "VB108",
        position,
        f"a call may come without the header {name!r}",
        f"write call.headers['{name}'] | default('')",
    )


def expressions_of(dialplan: Dialplan) -> Iterator[tuple[Position, Expression]]:
    """Yield every expression with the place of the text, step or value that it stands in."""
    for queue in dialplan.queues.values():
        for template in queue.require:
            yield from ((queue.position, piece) for piece in _pieces(template))
    yield from expressions_in(
        (dict(dialplan.flows), dict(dialplan.handlers), dialplan.links), Position(dialplan.path)
    )


def expressions_in(
    value: object, position: Position, stop: tuple[type, ...] = ()
) -> Iterator[tuple[Position, Expression]]:
    """Yield every expression inside `value` with its nearest position, not going into objects of `stop`."""
    if value is None or isinstance(value, (str, int, Position, *stop)):
        return
    own = getattr(value, "position", None)
    position = own if isinstance(own, Position) else position
    if isinstance(value, Expression):
        yield position, value
    elif isinstance(value, Template):
        yield from ((position, piece) for piece in _pieces(value))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from expressions_in(item, position, stop)
    elif isinstance(value, dict):
        for item in value.values():
            yield from expressions_in(item, position, stop)
    elif isinstance(value, Value):
        yield from expressions_in(value.content, position, stop)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from expressions_in(getattr(value, name), position, stop)


def _pieces(template: Template) -> Iterator[Expression]:
    return (piece for piece in template.pieces if isinstance(piece, Expression))
