"""A call: what one caller lives through. Its identity, its counters, its legs, and its timeline."""

import itertools
from dataclasses import dataclass, field
from typing import Literal

from voicebot.calls.leg import Leg
from voicebot.calls.protocols import Store


@dataclass(slots=True)
class Call:
    """One call in progress. `headers` are the INVITE's that the dialplan may read, by lower-case name."""

    uid: str
    from_number: str
    to_number: str
    store: Store
    trunk: str = ""
    from_name: str = ""  # the display name of the caller
    headers: dict[str, str] = field(default_factory=dict)
    direction: Literal["in", "out"] = "in"
    rounds: int = 0  # how often it has come back to us, see loops.py
    language: str = ""
    queue: str = ""
    queue_seconds: float = 0.0
    agent: str = ""
    talk_seconds: float = 0.0
    recording: str = ""
    recording_problem: str = ""
    release_cause: str = ""
    ended_by: str = ""
    caller: Leg | None = None
    plays: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    streams: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    utterances: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def trace(self, event: str, **fields: object) -> None:
        """Add an event to the timeline."""
        self.store.event(self.uid, event, fields)

    def releases(self, cause: str, by: str) -> None:
        """Note why the call ends and who ends it; the first cause counts."""
        if not self.release_cause:
            self.release_cause, self.ended_by = cause, by
