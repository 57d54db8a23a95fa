"""What commands about a past call share: its record, and the dialplan as it was then."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from voicebot.cli.options import FOUND, configuration, give_up
from voicebot.config import Config, Overrides
from voicebot.dialplan.loader import check
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.sources import Sources
from voicebot.storage import CallRecord, Reader, StorageError


class StoredCall:
    """A call's record with the files of its dialplan; `sources` None: they were not kept."""

    def __init__(self, record: CallRecord, sources: Sources | None, config: Config) -> None:
        self.record = record
        self.sources = sources
        self.config = config

    def dialplan(self) -> Dialplan | None:
        """Return the dialplan that answered the call; None if it was not kept, or does not check today."""
        if self.sources is None:
            return None
        with tempfile.TemporaryDirectory(prefix="voicebot-") as folder:
            try:
                path = self.sources.write(Path(folder))
            except (OSError, ValueError):
                return None
            return check(path, prompts=self.config.prompts)[0]

    def current(self) -> Path | None:
        """Return the file that the configuration has for this dialplan now."""
        return self.config.dialplans.get(self.record.dialplan)


def stored_call(uid: str, config: Path | None, data: Path | None) -> StoredCall:
    """Find a call; prints why it cannot and exits (1: no such call; 2: no records)."""
    settings = configuration(config, Overrides(data=data))

    def read() -> tuple[CallRecord | None, bytes | None]:
        with Reader(settings.storage.database) as reader:
            record = reader.call(uid)
            if record is None:
                return None, None
            return record, reader.sources(record.dialplan, record.dialplan_version, record.started_at)

    record, packed = _or_give_up(read)
    if record is None:
        give_up(f"no call {uid}, or several that begin so; `voicebot calls` lists them", FOUND)
    try:
        sources = Sources.unpack(packed) if packed is not None else None
    except ValueError:
        sources = None
    return StoredCall(record, sources, settings)


def latest_call(data: Path, caller: str, known: Collection[str] = ()) -> CallRecord | None:
    """Return the latest call from `caller` that a server of our own keeps under `data`; None before it is written.

    `known`: the uids of calls that are not meant.
    """
    try:
        with Reader(f"sqlite:///{data / 'voicebot.db'}") as reader:
            calls = reader.calls(limit=len(known) + 1, from_number=caller)
            found = next((call.uid for call in calls if call.uid not in known), None)
            return reader.call(found) if found is not None else None
    except StorageError:
        return None


def _or_give_up(
    read: Callable[[], tuple[CallRecord | None, bytes | None]],
) -> tuple[CallRecord | None, bytes | None]:
    try:
        return read()
    except StorageError as error:
        give_up(str(error))
