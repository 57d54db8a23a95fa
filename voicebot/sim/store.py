"""Records and web services in memory."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from voicebot.dialplan.line import FetchRequest, FetchResult
from voicebot.dialplan.schema import RETRY_AFTER, Service
from voicebot.dialplan.testcases import ANY_REQUEST, Stub, StubAnswer


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
class StubServices:
    """Implements `calls.protocols.Services` by the stubs of a test; `services` are the declared ones.

    A request is made again as `runtime.net.web` makes it. What has no stub is unreachable, and noted in `unstubbed`.
    """

    stubs: Mapping[str, Stub]
    services: Mapping[str, Service] = field(default_factory=dict)
    unstubbed: list[str] = field(default_factory=list)

    async def fetch(self, request: FetchRequest) -> FetchResult:
        answer = self._answer(request)
        if answer is None:
            self.unstubbed.append(f"{request.service}: {request.method.lower()} {request.path}")
            return FetchResult(0, kind="unreachable")
        service = self.services[request.service]
        limit = request.timeout or service.timeout
        result = await _once(answer, limit)
        for _ in range(1, service.attempts(request.method)):
            if result.status and result.status < 500:
                break
            await asyncio.sleep(RETRY_AFTER)
            result = await _once(answer, limit)
        return result

    def _answer(self, request: FetchRequest) -> StubAnswer | None:
        stub = self.stubs.get(request.service, {})
        return stub.get(f"{request.method} {request.path}") or stub.get(ANY_REQUEST)


async def _once(answer: StubAnswer, limit: float) -> FetchResult:
    if not answer.status or answer.after >= limit:
        await asyncio.sleep(limit)
        return FetchResult(0, kind="timeout")
    await asyncio.sleep(answer.after)
    return FetchResult(answer.status, answer.body)


@dataclass(slots=True)
class SimStore:
    """Implements `calls.protocols.Store`; everything is committed at once."""

    started: dict[str, Mapping[str, object]] = field(default_factory=dict)
    ended: dict[str, Mapping[str, object]] = field(default_factory=dict)
    events: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)
    callbacks: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None:
        self.started[uid] = fields

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> None:
        self.events.append((uid, kind, dict(fields)))

    def event_committed(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        self.event(uid, kind, fields)
        return _COMMITTED

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None:
        self.ended[uid] = fields

    def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
        self.callbacks[uid] = dict(fields)
        return _COMMITTED

    def kinds(self, uid: str) -> list[str]:
        """Return the kinds of a call's events, in order."""
        return [kind for call, kind, _ in self.events if call == uid]


@dataclass(slots=True)
class Event:
    """One entry of a call's timeline, simulated or recorded, `at` seconds after the answer.

    No named tuple: that takes twice as long to make and three times as long to read, and a call has fifty of them.
    """

    at: float
    kind: str
    data: Mapping[str, object]


@dataclass(slots=True)
class SimTimeline:
    """Implements `calls.protocols.Store` for the call `uid`, and for no other one that it leads to (callbacks).

    `on_event` hears of each event as it happens.
    """

    uid: str
    loop: asyncio.AbstractEventLoop
    on_event: Callable[[Event], None] | None = None
    events: list[Event] = field(default_factory=list)
    record: Mapping[str, object] = field(default_factory=dict)
    _starts_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._starts_at = self.loop.time()

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None:
        """There is nothing in it that the test did not say."""

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> None:
        if uid == self.uid:
            event = Event(self.loop.time() - self._starts_at, kind, fields)
            self.events.append(event)
            if self.on_event is not None:
                self.on_event(event)

    def event_committed(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        self.event(uid, kind, fields)
        return _COMMITTED

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None:
        if uid == self.uid:
            self.record = fields

    def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
        return _COMMITTED


_COMMITTED: "Future[None]" = Future()
_COMMITTED.set_result(None)
