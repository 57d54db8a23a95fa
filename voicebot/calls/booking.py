"""A booked callback: who is called back, by which queue, and how far it has come; as storage keeps it."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from voicebot.dialplan.line import Spoken

State = Literal["waiting", "called", "given_up", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Booking:
    """One caller to be called back.

    `booked_by` is the uid of the call that booked it, `hotline` the number that was called then. `since` is the place in
    the queue: that of a caller who waits since then; `due_at`: not before. `attempts`: times that the number was
    dialled, counted before it is. Instants are wall time, aware: a booking outlives the process. `whisper` is what the agent hears, as (text, language, voice).
    """

    uid: str
    booked_by: str
    number: str
    hotline: str
    trunk: str
    queue: str
    language: str
    since: datetime.datetime
    due_at: datetime.datetime
    priority: int | None = None
    require: tuple[str, ...] = ()
    whisper: tuple[tuple[str, str, str | None], ...] = ()
    attempts: int = 0
    state: State = "waiting"

    def attempted(self) -> "Booking":
        return replace(self, attempts=self.attempts + 1)

    def now(self, state: State) -> "Booking":
        return replace(self, state=state)

    def speech(self) -> tuple[Spoken, ...]:
        """Return the whisper. It is spoken live: its dialplan may be gone when the call is made."""
        return tuple(Spoken(text, language, voice, constant=False) for text, language, voice in self.whisper)

    def stored(self) -> Mapping[str, object]:
        """Return what `Store.callback` keeps."""
        data: dict[str, object] = {field.name: getattr(self, field.name) for field in fields(self)}
        data |= {"since": self.since.isoformat(), "due_at": self.due_at.isoformat()}
        return {"state": self.state, "booked_by": self.booked_by, "data": data}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Booking":
        """Return what `stored` gave to storage. Raises ValueError if it is not that."""
        try:
            return cls(
                **{
                    **data,
                    "since": datetime.datetime.fromisoformat(data["since"]),
                    "due_at": datetime.datetime.fromisoformat(data["due_at"]),
                    "require": tuple(data["require"]),
                    "whisper": tuple((text, language, voice) for text, language, voice in data["whisper"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a booking: {error}") from error
