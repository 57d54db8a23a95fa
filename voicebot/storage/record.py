"""What a call was, told from its events."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ANSWERED, UNANSWERED = "answered", "unanswered"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened. `offset`: seconds since the call began, monotonic; `at`: wall time, UTC."""

    kind: str
    offset: float
    at: datetime.datetime
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call. Instants are aware, in UTC; `ended_at` is None while it goes on. `extra` has what has no field here."""

    uid: str
    started_at: datetime.datetime
    answered_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    direction: str = "in"
    trunk: str = ""
    from_number: str = ""
    from_uri: str = ""
    to_number: str = ""
    to_uri: str = ""
    sip_call_id: str = ""
    language: str = ""
    dialplan: str = ""
    dialplan_version: str = ""
    disposition: str = ""
    release_cause: str = ""
    ended_by: str = ""
    queue: str = ""
    queue_seconds: float = 0.0
    agent: str = ""
    talk_seconds: float = 0.0
    recording: str = ""
    recording_problem: str = ""
    counters: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    events: tuple[TimelineEvent, ...] = ()

    @property
    def seconds(self) -> float | None:
        """Return how long the call lasted."""
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class DialplanVersion:
    """A version of a dialplan that was served. `running_since` None: only a share of the calls was ever its."""

    name: str
    version: str
    first_served_at: datetime.datetime
    running_since: datetime.datetime | None = None
    why: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """A callback that a caller has booked; `data` is what `Store.callback` was given. Instants are aware, in UTC."""

    uid: str
    booked_by: str  # uid of the call
    state: str
    booked_at: datetime.datetime
    changed_at: datetime.datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How the calls of one version ended. `calls` = completed + abandoned + errors + others; `open` ones besides.

    completed: the bot ended it normally, or the caller has talked to a human (`to_human` of them). abandoned: the
    caller left before either. errors: the call broke, or went round in a loop. others: cut off (too long, shutdown).
    """

    calls: int = 0
    completed: int = 0
    to_human: int = 0
    abandoned: int = 0
    errors: int = 0
    open: int = 0

    @property
    def completion_rate(self) -> float | None:
        """Return the share of ended calls that were completed; None without any."""
        return self.completed / self.calls if self.calls else None


class Telling:
    """What the events of one call tell, one after the other.

    Fields that are given when a call ends beat these; for a call whose server was lost they are all there is.
    """

    __slots__ = ("_bridged_at", "_joined_at", "_last", "_offset", "_queue_seconds", "_talk_seconds", "_told")

    def __init__(self) -> None:
        self._told: dict[str, object] = {}
        self._last: datetime.datetime | None = None
        self._offset = 0.0
        self._joined_at: float | None = None
        self._bridged_at: float | None = None
        self._queue_seconds = self._talk_seconds = 0.0

    def take(self, kind: str, offset: float, at: datetime.datetime, data: Mapping[str, object]) -> None:
        """Take the next event."""
        told = self._told
        self._last, self._offset = at, offset
        match kind:
            case "answered":
                told.setdefault("answered_at", at)
            case "language":
                told["language"] = str(data.get("language", ""))
            case "queue_joined":
                told["queue"] = str(data.get("queue", ""))
                self._joined_at = offset
            case "queue_left":
                self._queue_seconds += 0.0 if self._joined_at is None else offset - self._joined_at
                self._joined_at = None
            case "agent_answered":
                told["agent"] = str(data.get("agent", ""))
            case "bridged":
                self._bridged_at = offset
            case "agent_left":
                self._talk_seconds += 0.0 if self._bridged_at is None else offset - self._bridged_at
                self._bridged_at = None
            case "recording":
                _take(told, data, path="recording", problem="recording_problem")
            case "ended":
                _take(told, data, cause="release_cause", by="ended_by")

    def told(self) -> dict[str, object]:
        """Return the fields of the record that the events tell, by their column's name."""
        told, queue_seconds, talk_seconds = dict(self._told), self._queue_seconds, self._talk_seconds
        if self._last is not None:
            told["ended_at"] = self._last
            # A crash leaves the last wait or talk open: it lasted at least until the last event.
            queue_seconds += 0.0 if self._joined_at is None else self._offset - self._joined_at
            talk_seconds += 0.0 if self._bridged_at is None else self._offset - self._bridged_at
        told["queue_seconds"], told["talk_seconds"] = round(queue_seconds, 3), round(talk_seconds, 3)
        told["disposition"] = ANSWERED if "answered_at" in told else UNANSWERED
        return told


def _take(told: dict[str, object], data: Mapping[str, object], **columns: str) -> None:
    for key, column in columns.items():
        if data.get(key):
            told[column] = str(data[key])


def told_by(events: Iterable[TimelineEvent]) -> dict[str, object]:
    """Return what all events of a call tell."""
    telling = Telling()
    for event in events:
        telling.take(event.kind, event.offset, event.at, event.data)
    return telling.told()
