"""Records and web services in memory."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from voicebot.dialplan.line import FetchRequest, FetchResult


@dataclass(slots=True)
class SimServices:
    """Implements `calls.protocols.Services`: `answers` by (service, "METHOD /path"), each after `delay` seconds."""

    answers: dict[tuple[str, str], FetchResult] = field(default_factory=dict)
    delay: float = 0.1
    requests: list[FetchRequest] = field(default_factory=list)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        key = (request.service, f"{request.method} {request.path}")
        return self.answers.get(key, FetchResult(0, kind="unreachable"))


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
