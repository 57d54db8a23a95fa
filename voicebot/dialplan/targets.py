"""Steps, flows and targets: what runs, and where a choice, exit, branch or handler leads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from voicebot.dialplan.fields import Named, Reader, Refused, pointer, walk
from voicebot.dialplan.source import Mapping, Node, Position, Scalar, describe, nearest
from voicebot.dialplan.source import Sequence as ListNode
from voicebot.dialplan.syntax import unseparated

if TYPE_CHECKING:
    from voicebot.dialplan.run import Run


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `id` is FLOW.N, N counting all steps of the flow in the order of the file, from 1."""

    verb: ClassVar[str] = ""
    waits: ClassVar[bool] = False  # it waits for the caller: the guard against loops starts anew

    id: str
    position: Position

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        """Read the value of the step's key. Raises Refused."""
        return reader.build(cls, node, **given)

    async def run(self, run: "Run") -> None:
        """Do it. Leaves by the exceptions of `control`; hang-up is `asyncio.CancelledError`."""
        raise NotImplementedError(self.verb)

    def ways(self) -> "tuple[Way, ...]":
        """Return every way in which the step can end, for the checker."""
        return (PASS,)


@dataclass(frozen=True, slots=True)
class Steps:
    """A list of steps that stands where a target stands."""

    steps: tuple[Step, ...]


Target = Named | Steps  # a flow's name, or steps after which the step is done


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a step."""

    kind: Literal["pass", "goto", "steps", "call", "return", "end"]
    flow: Named | None = None
    steps: Steps | None = None


PASS = Way("pass")
END = Way("end")


def way_to(target: "Target | None") -> Way:
    """Return the way to a target; None goes on after the step."""
    if target is None:
        return PASS
    return Way("steps", steps=target) if isinstance(target, Steps) else Way("goto", flow=target)


@dataclass(frozen=True, slots=True)
class Flow:
    name: str
    position: Position
    steps: tuple[Step, ...]

    def every_step(self) -> Iterator[Step]:
        """Yield all steps, those inside of targets too."""
        return (item for item in walk(self.steps) if isinstance(item, Step))


# --- reading -------------------------------------------------------------------------------------------------------

VERBS: dict[str, type[Step]] = {}
StepT = TypeVar("StepT", bound=type[Step])


def verb(cls: StepT) -> StepT:
    """Class decorator: the step is known under `cls.verb`."""
    VERBS[cls.verb] = cls
    return cls


@dataclass(slots=True)
class FlowReader(Reader):
    """Reads the steps of one flow and numbers them."""

    flow: str = ""
    count: int = 0


def steps(reader: Reader, node: Node) -> tuple[Step, ...]:
    """The kind of a list of steps."""
    if not isinstance(node, ListNode):
        hint = "put a - before it" if isinstance(node, Mapping) else ""
        reader.refuse(node, "VB021", f"a list of steps is expected, not {describe(node)}", hint)
    found: list[Step] = []
    good = True
    for item in node.items:
        try:
            found.append(_step(reader, item))
        except Refused:
            good = False
    if not good:
        raise Refused
    return tuple(found)


def _step(reader: Reader, node: Node) -> Step:
    if isinstance(node, Scalar) and node.text in VERBS:
        reader.refuse(node, "VB021", "a step is a map", f"write {node.text}: {{}}")
    if not isinstance(node, Mapping):
        parts = unseparated(node.text, *node.position[1:]) if isinstance(node, Scalar) else None
        if parts is not None and parts[0] in VERBS:
            fault = parts[1]
            at = Position(node.position.file, fault.line, fault.column)
            reader.note(at, "VB021", fault.message, fault.hint)
            raise Refused
        reader.refuse(node, "VB021", f"a step is expected, not {describe(node)}")
    if len(node.entries) != 1:
        verbs = [key for key, _ in node.entries if key.text in VERBS]
        if not node.entries:
            reader.refuse(node, "VB021", "the step is empty")
        others = [key for key, _ in node.entries if key.text not in VERBS]
        hint = f"indent {others[0].text!r} below {verbs[0].text!r}" if verbs and others else "one verb a step"
        reader.refuse((others or verbs)[-1], "VB027", "a step has one key, its verb", hint)
    name, value = node.entries[0]
    cls = VERBS.get(name.text)
    if cls is None:
        hint = nearest(name.text, VERBS) or f"steps: {', '.join(sorted(VERBS))}"
        reader.refuse(name, "VB020", f"unknown step {name.text!r}", hint)
    assert isinstance(reader, FlowReader)
    reader.count += 1
    return cls.read(reader, value, id=f"{reader.flow}.{reader.count}", position=name.position)


def target(reader: Reader, node: Node) -> Target:
    """The kind of a TARGET."""
    if isinstance(node, ListNode):
        if not node.items:
            reader.refuse(node, "VB023", "the list of steps is empty", "name a flow, or leave the key out")
        return Steps(steps(reader, node))
    return flow_name(reader, node)


def flow_name(reader: Reader, node: Node) -> Named:
    """The kind of a flow's name."""
    if not isinstance(node, Scalar):
        reader.refuse(node, "VB021", f"a flow's name is expected, not {describe(node)}")
    return pointer(reader, node)


def is_bare(node: Node) -> bool:
    """Return whether a step was written with an empty map: `return: {}`."""
    return isinstance(node, Mapping) and not node.entries
