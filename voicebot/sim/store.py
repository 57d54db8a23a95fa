"""Records in memory."""

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field


@dataclass(slots=True)
class SimStore:
    """Implements `calls.protocols.Store`; everything is committed at once."""

    started: dict[str, Mapping[str, object]] = field(default_factory=dict)
    ended: dict[str, Mapping[str, object]] = field(default_factory=dict)
    events: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None:
        self.started[uid] = fields

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        self.events.append((uid, kind, dict(fields)))
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None:
        self.ended[uid] = fields

    def kinds(self, uid: str) -> list[str]:
        """Return the kinds of a call's events, in order."""
        return [kind for call, kind, _ in self.events if call == uid]
