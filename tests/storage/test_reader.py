"""Records are found again."""

import datetime
from pathlib import Path

import pytest

from voicebot.storage import CallRecord, Reader, StorageError, Writer

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    url = f"sqlite:///{tmp_path}/voicebot.db"
    starts = iter(START + datetime.timedelta(minutes=n) for n in range(20))
    writer = Writer(url, wall=lambda: next(starts))
    for number, uid in enumerate(["abc1", "abc2", "xyz", "x"]):
        writer.call_started(uid, {"from_number": str(number), "agent": "alice" if uid == "xyz" else ""})
    assert writer.close()
    return Reader(url)


def uids(records: list[CallRecord]) -> list[str]:
    return [record.uid for record in records]


def test_latest_calls_come_first(reader: Reader) -> None:
    assert uids(reader.calls()) == ["x", "xyz", "abc2", "abc1"]
    assert uids(reader.calls(limit=1)) == ["x"]


def test_calls_are_found_by_time_agent_and_number(reader: Reader) -> None:
    assert uids(reader.calls(since=START + datetime.timedelta(minutes=2))) == ["x", "xyz"]
    assert uids(reader.calls(agent="alice")) == ["xyz"]
    assert uids(reader.calls(from_number="1")) == ["abc2"]


def test_beginning_of_a_uid_is_enough_if_it_is_the_only_one(reader: Reader) -> None:
    for asked, found in (("xy", "xyz"), ("x", "x"), ("abc2", "abc2")):
        record = reader.call(asked)
        assert record is not None
        assert record.uid == found
    for asked in ("abc", "", "%", "nothing"):
        assert reader.call(asked) is None


def test_folder_of_another_user_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refused)  # what is refused to others is not to root
    with pytest.raises(StorageError, match="Permission denied: run this as the user of the server"):
        Reader(f"sqlite:///{tmp_path}/voicebot.db").calls()


def test_reading_where_nothing_was_written_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no records yet"):
        Reader(f"sqlite:///{tmp_path}/none.db").calls()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(StorageError, match="no records yet"):
        Reader(f"sqlite:///{tmp_path}/empty.db").calls()
