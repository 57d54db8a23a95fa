"""Tests of the file: what they expect or send in vain, and the hour that they need and do not name."""

from collections.abc import Iterator, Sequence

from voicebot.dialplan.checks.names import expressions_in
from voicebot.dialplan.expressions import HEADERS, Expression, Template
from voicebot.dialplan.fields import Named, walk
from voicebot.dialplan.inputs import Handler, InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding, nearest
from voicebot.dialplan.steps import callback, queue, transfer
from voicebot.dialplan.steps.branch import If, Switch
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step, Steps
from voicebot.dialplan.testcases import CallerTest

LEFT = "caller_left"  # hung up in it: nothing can be named for that, but a test may expect it
EXITS: dict[type[Step], tuple[str, ...]] = {
    QueueStep: (*queue.EXITS, LEFT),
    Transfer: (*transfer.EXITS, LEFT),
    Callback: callback.EXITS,
}


def check_tests(dialplan: Dialplan) -> Iterator[Finding]:
    """VB101, VB023: a test that expects a flow or an exit that there is not; VB170: one that needs the hour, without `at`.

    VB171: one that sends a header which nothing reads.
    """
    exits = dict.fromkeys(name for names in EXITS.values() for name in names)
    read = _headers_read(dialplan) if any(test.headers for test in dialplan.tests) else set()
    for test in dialplan.tests:
        for flow in test.expect.flow:
            if flow not in dialplan.flows:
                message = f"the test {test.name!r} expects the flow {flow!r}, which does not exist"
                yield finding("VB101", test.position, message, nearest(flow, dialplan.flows))
        for exit in test.expect.exit:
            if exit not in exits:
                message = f"the test {test.name!r} expects the exit {exit!r}, which no step has"
                hint = nearest(exit, exits) or f"one of {', '.join(exits)}"
                yield finding("VB023", test.position, message, hint)
        if test.at is None and (flows := _asks_the_clock(dialplan, test)):
            asked = " or ".join(repr(name) for name in flows)
            message = f"the test {test.name!r} comes to open() in the flow {asked} and has no `at`"
            yield finding("VB170", test.position, message, 'add at: "2026-11-24 10:00"', "warning")
        for header in test.headers or ():
            if header.lower() not in read:
                message = f"the test {test.name!r} sends the header {header!r}, which nothing reads"
                hint = nearest(header.lower(), read) or f"read it: call.headers['{header}'] | default('')"
                yield finding("VB171", test.position, message, hint, "warning")


def _headers_read(dialplan: Dialplan) -> set[str]:
    """Return the headers of the caller's INVITE that the dialplan reads, by lower-case name."""
    items = [item for item in walk(dialplan) if isinstance(item, Template | Expression)]
    paths = [reference.path for item in items for reference in item.references]
    return {path[2] for path in paths if path[:2] == HEADERS and len(path) > 2}


def _asks_the_clock(dialplan: Dialplan, test: CallerTest) -> list[str]:
    """Return the flows of which the test certainly enters one, and that begin with a question to the clock."""
    asking = [name for name, flow in dialplan.flows.items() if _certainly(flow.steps)]
    start = dialplan.hotline.start.name
    if start in asking:
        return [start]
    free = _reached_without(dialplan, asking)
    goals = [{flow} for flow in test.expect.flow if flow in dialplan.flows]
    goals += [_flows_with(dialplan, exit) for exit in test.expect.exit]
    for goal in goals:
        if goal and not goal & free:
            own = [name for name in asking if name in goal]
            return own or [name for name in asking if any(name in _leads(dialplan, item) for item in free)]
    return []


def _reached_without(dialplan: Dialplan, asking: Sequence[str]) -> set[str]:
    """Return the flows that a caller can come to without entering one of `asking`."""
    found: set[str] = set()
    waiting = {dialplan.hotline.start.name}
    while waiting:
        name = waiting.pop()
        if name not in found and name not in asking and name in dialplan.flows:
            found.add(name)
            waiting |= _leads(dialplan, name)
    return found


def _leads(dialplan: Dialplan, name: str) -> set[str]:
    """Return the flows that a flow names; what handlers and links name can follow anywhere."""
    everywhere = (dict(dialplan.handlers), dialplan.links)
    named = {item.name for item in walk((dialplan.flows[name].steps, everywhere)) if isinstance(item, Named)}
    return named & set(dialplan.flows)


def _flows_with(dialplan: Dialplan, exit: str) -> set[str]:
    """Return the flows with a step that can end by `exit`; none where a handler has such a step."""
    if any(exit in EXITS.get(type(item), ()) for item in walk((dict(dialplan.handlers), dialplan.links))):
        return set()
    return {
        name
        for name, flow in dialplan.flows.items()
        if any(exit in EXITS.get(type(step), ()) for step in flow.every_step())
    }


def _certainly(steps: Sequence[Step]) -> bool:
    """Say whether hours are asked for before anything can lead elsewhere."""
    for step in steps:
        asked = expressions_in(step, step.position, stop=(Steps, Handler))
        if any(expression.hours for _, expression in asked):
            return True
        if isinstance(step, (InputStep, If, Switch, QueueStep, Transfer)) or step.waits:
            return False
    return False
