"""Tests of the file that depend on the hour at which they run."""

from collections.abc import Iterator, Sequence

from voicebot.dialplan.checks.names import expressions_in
from voicebot.dialplan.inputs import Handler, InputStep
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding
from voicebot.dialplan.steps.branch import If, Switch
from voicebot.dialplan.steps.queue import QueueStep
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.targets import Step, Steps
from voicebot.dialplan.testcases import CallerTest


def check_clock(dialplan: Dialplan) -> Iterator[Finding]:
    """VB170: a test that is certain to ask whether hours are open, and has no `at`."""
    for test in dialplan.tests:
        if test.at is None and (flow := _asks_the_clock(dialplan, test)):
            message = f"the test {test.name!r} comes to open() in the flow {flow!r} and has no `at`"
            yield finding("VB170", test.position, message, 'add at: "2026-11-24 10:00"', "warning")


def _asks_the_clock(dialplan: Dialplan, test: CallerTest) -> str:
    """Return the first flow that the test certainly enters and that begins with a question to the clock."""
    for name in (dialplan.hotline.start.name, *test.expect.flow):
        flow = dialplan.flows.get(name)
        if flow is not None and _certainly(flow.steps):
            return name
    return ""


def _certainly(steps: Sequence[Step]) -> bool:
    """Say whether hours are asked for before anything can lead elsewhere."""
    for step in steps:
        asked = expressions_in(step, step.position, stop=(Steps, Handler))
        if any(expression.hours for _, expression in asked):
            return True
        if isinstance(step, (InputStep, If, Switch, QueueStep, Transfer)) or step.waits:
            return False
    return False
