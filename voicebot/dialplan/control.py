"""How a step leaves the place where it stands. None of these is an error; the interpreter catches each."""

from dataclasses import dataclass


class Leave(Exception):
    """Base: the steps after this one are not run."""


@dataclass
class Goto(Leave):
    """Go on in another flow; the call stack stays."""

    flow: str


class Return(Leave):
    """Go back to after the `call` that came here."""


@dataclass
class End(Leave):
    """The call ends from our side."""

    reason: str


@dataclass
class StepError(Exception):
    """The event `error` at the step that runs. Holds no value of any variable."""

    kind: str
    status: int = 0
    detail: str = ""
