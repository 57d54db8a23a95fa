"""The records of calls: one writer thread, a reader, and a record derived from a call's events.

Nothing is redacted here: callers of the writer never hand over what a sensitive slot holds.
"""

from voicebot.storage.database import StorageError
from voicebot.storage.reader import Reader
from voicebot.storage.record import CallRecord, DialplanVersion, Outcomes, StoredCallback, TimelineEvent
from voicebot.storage.writer import Writer

__all__ = [
    "CallRecord",
    "DialplanVersion",
    "Outcomes",
    "Reader",
    "StorageError",
    "StoredCallback",
    "TimelineEvent",
    "Writer",
]
