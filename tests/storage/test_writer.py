"""Every record is written, whatever happens to the call, the server or the database."""

import datetime
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from voicebot.storage import CallRecord, Reader, StorageError, Writer, database
from voicebot.storage.rows import close_open_calls

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)
DEADLINE = 10.0


class Clock:
    """Monotonic and wall time that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wall(self) -> datetime.datetime:
        return START + datetime.timedelta(seconds=self.now - 1000.0)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/below/voicebot.db"


def path_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


def written(url: str, clock: Clock) -> Writer:
    return Writer(url, clock=clock, wall=clock.wall)


def committed(*futures: "Future[None]") -> bool:
    return not wait(futures, timeout=DEADLINE).not_done


def read(url: str, uid: str) -> CallRecord:
    reader = Reader(url)
    try:
        record = reader.call(uid)
        assert record is not None
        return record
    finally:
        reader.close()


def tell_a_call(writer: Writer, clock: Clock, uid: str = "c1") -> None:
    """A call of 90 seconds that reaches an agent, up to and without its end."""
    writer.call_started(
        uid, {"from_number": "1001", "dialplan": "main", "dialplan_version": "v7", "source": "x"}
    )
    for offset, kind, fields in (
        (0.5, "answered", {}),
        (1.0, "language", {"language": "zh"}),
        (10.0, "queue_joined", {"queue": "cards", "priority": 0}),
        (20.0, "queue_left", {"queue": "cards", "exit": "agent"}),
        (20.0, "agent_answered", {"agent": "alice"}),
        (20.5, "bridged", {"agent": "alice"}),
        (80.5, "agent_left", {"agent": "alice"}),
        (81.0, "recording", {"mode": "ended", "path": "rec/c1.wav", "problem": "disk full"}),
    ):
        clock.now = 1000.0 + offset
        writer.event(uid, kind, fields)


def test_record_and_timeline_come_back_as_they_were_told(url: str) -> None:
    clock = Clock()
    writer = written(url, clock)
    tell_a_call(writer, clock)
    clock.now = 1090.0
    writer.call_ended("c1", {"release_cause": "normal", "ended_by": "caller", "counters": {"lost": 2}})
    assert writer.close()
    record = read(url, "c1")
    assert record.started_at == START
    assert record.answered_at == START + datetime.timedelta(seconds=0.5)
    assert record.seconds == 90.0
    assert (record.from_number, record.dialplan, record.dialplan_version) == ("1001", "main", "v7")
    assert (record.language, record.queue, record.agent) == ("zh", "cards", "alice")
    assert (record.queue_seconds, record.talk_seconds) == (10.0, 60.0)
    assert (record.recording, record.recording_problem) == ("rec/c1.wav", "disk full")
    assert (record.disposition, record.release_cause, record.ended_by) == ("answered", "normal", "caller")
    assert (record.counters, record.extra) == ({"lost": 2}, {"source": "x"})
    assert [(event.kind, event.offset) for event in record.events][:3] == [
        ("answered", 0.5),
        ("language", 1.0),
        ("queue_joined", 10.0),
    ]
    assert record.events[2].data == {"queue": "cards", "priority": 0}


def test_what_is_said_at_the_end_beats_what_the_events_tell(url: str) -> None:
    clock = Clock()
    writer = written(url, clock)
    tell_a_call(writer, clock)
    writer.call_ended("c1", {"language": "en", "queue_seconds": 12.5, "agent": ""})
    assert writer.close()
    record = read(url, "c1")
    assert (record.language, record.queue_seconds, record.agent) == ("en", 12.5, "alice")


def test_a_call_that_ends_in_a_later_batch_keeps_what_was_said_at_its_beginning(url: str) -> None:
    clock = Clock()
    writer = written(url, clock)
    writer.call_started("c1", {"from_number": "1001", "trunk": "lab", "source": "x"})
    assert committed(writer.event_committed("c1", "answered", {}))
    clock.now = 1003.0
    writer.call_ended("c1", {"release_cause": "normal", "counters": {"lost": 2}, "odd": 1})
    assert writer.close()
    record = read(url, "c1")
    assert (record.from_number, record.trunk, record.release_cause) == ("1001", "lab", "normal")
    assert (record.disposition, record.seconds, record.counters) == ("answered", 3.0, {"lost": 2})
    assert record.extra == {"source": "x", "odd": 1}


def test_future_is_done_when_others_can_read_the_event(url: str) -> None:
    writer = Writer(url)
    writer.call_started("c1", {})
    assert committed(writer.event_committed("c1", "queue_joined", {"queue": "cards"}))
    assert [event.kind for event in read(url, "c1").events] == ["queue_joined"]
    assert writer.close()


def test_call_open_at_a_crash_is_closed_from_its_events(url: str) -> None:
    clock = Clock()
    writer = written(url, clock)
    writer.call_started("c1", {"from_number": "1001"})
    clock.now = 1003.0
    writer.event("c1", "answered", {})
    clock.now = 1005.0
    writer.event("c1", "queue_joined", {"queue": "cards"})
    clock.now = 1012.0
    assert committed(writer.event_committed("c1", "queue_position", {"position": 1}))
    # The next start finds what a killed server left behind.
    clock.now = 5000.0
    again = written(url, clock)
    assert again.lost_calls == 1
    record = read(url, "c1")
    assert (record.release_cause, record.disposition, record.ended_by) == (
        "server_lost",
        "answered",
        "server",
    )
    assert record.seconds == 12.0
    assert (record.queue, record.queue_seconds) == ("cards", 7.0)
    assert close_open_calls(database.connect(url)) == 0
    assert again.close()
    assert writer.close()


def test_what_was_committed_survives_sigkill(url: str) -> None:
    server = (
        "import sys, time; from voicebot.storage import Writer; w = Writer(sys.argv[1]);"
        "w.call_started('c1', {'from_number': '1001'}); w.event_committed('c1', 'answered', {}).result(10);"
        "print('committed', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", server, url], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"committed\n"
        process.kill()
    again = Writer(url)
    assert again.lost_calls == 1
    assert again.close()
    record = read(url, "c1")
    assert (record.from_number, record.disposition, record.release_cause) == (
        "1001",
        "answered",
        "server_lost",
    )


def test_call_without_any_event_is_closed_too(url: str) -> None:
    writer = Writer(url)
    writer.call_started("c1", {})
    assert writer.close()
    assert Writer(url).lost_calls == 1
    record = read(url, "c1")
    assert (record.seconds, record.disposition) == (0.0, "unanswered")


def test_locked_database_is_retried_and_nothing_is_lost(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.0)
    problems: list[str] = []
    failing, well = threading.Event(), threading.Event()

    def on_problem(problem: str) -> None:
        problems.append(problem)
        (failing if problem else well).set()

    writer = Writer(url, on_problem=on_problem, retry_seconds=[0.01])
    writer.call_started("c1", {})
    assert committed(writer.event_committed("c1", "first", {}))
    other = sqlite3.connect(path_of(url))
    other.execute("BEGIN EXCLUSIVE")
    second = writer.event_committed("c1", "second", {})
    assert failing.wait(DEADLINE)
    assert not second.done()
    other.rollback()
    other.close()
    assert committed(second)
    assert well.wait(DEADLINE)
    assert "locked" in problems[0]
    assert problems[-1] == ""
    assert [event.kind for event in read(url, "c1").events] == ["first", "second"]
    assert writer.close()


def test_full_queue_drops_and_says_so_but_never_blocks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.0)
    problems: list[str] = []
    failing = threading.Event()

    def on_problem(problem: str) -> None:
        problems.append(problem)
        failing.set()

    writer = Writer(url, on_problem=on_problem, capacity=5, retry_seconds=[0.01])
    other = sqlite3.connect(path_of(url))
    other.execute("BEGIN EXCLUSIVE")
    writer.call_started("c1", {})
    assert failing.wait(DEADLINE)  # the thread holds the first batch; from here on nobody takes items away
    futures = [writer.event_committed("c1", "step", {"n": n}) for n in range(8)]
    failed = [future for future in futures if future.done()]
    assert len(failed) >= 2
    assert isinstance(failed[-1].exception(), StorageError)
    assert writer.dropped == len(failed)
    other.rollback()
    other.close()
    assert writer.close()
    assert len(read(url, "c1").events) == 8 - len(failed)
    assert any("lost so far" in problem for problem in problems)


def test_item_that_cannot_be_written_does_not_hurt_the_others(url: str) -> None:
    problems: list[str] = []
    writer = Writer(url, on_problem=problems.append)
    writer.call_started("c1", {})
    writer.call_started("c1", {})  # the same call again
    writer.call_started("c2", {"answered_at": "not an instant"})
    good = writer.event_committed("c1", "step", {})
    assert committed(good)
    assert good.exception() is None
    assert writer.close()
    assert len(read(url, "c1").events) == 1
    assert writer.dropped == 2
    assert problems


def test_call_whose_beginning_was_dropped_still_has_a_record(url: str) -> None:
    writer = Writer(url)
    writer.event("c9", "answered", {})
    writer.call_ended("c9", {"release_cause": "normal"})
    assert writer.close()
    assert read(url, "c9").release_cause == "normal"


def test_what_peers_send_is_written_whatever_bytes_it_had(url: str) -> None:
    writer = Writer(url)
    writer.call_started("c1", {"from_uri": "sip:\udce9\x00@h", "odd": ("\udce9", {"k\udce9": b"\xff"})})
    assert committed(writer.event_committed("c1", "said", {"text": "您好\udcff", "at": START}))
    assert writer.close()
    record = read(url, "c1")
    assert record.from_uri == "sip:?@h"
    assert record.events[0].data["text"] == "您好?"
    assert writer.dropped == 0


def test_cancelled_future_harms_nobody(url: str) -> None:
    writer = Writer(url)
    writer.call_started("c1", {})
    writer.event_committed("c1", "a", {}).cancel()
    assert committed(writer.event_committed("c1", "b", {}))
    assert writer.close()


def test_after_close_nothing_waits_for_ever(url: str) -> None:
    writer = Writer(url)
    assert writer.close()
    assert isinstance(writer.event_committed("c1", "late", {}).exception(timeout=0), StorageError)


def test_close_gives_up_on_a_database_that_stays_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.0)
    writer = Writer(url, retry_seconds=[0.01])
    other = sqlite3.connect(path_of(url))
    other.execute("BEGIN EXCLUSIVE")
    future = writer.event_committed("c1", "a", {})
    assert writer.close(timeout=0.5)
    assert isinstance(future.exception(timeout=0), StorageError)
    other.close()


def test_database_that_cannot_be_opened_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no database, but long enough to be looked at" * 20)
    with pytest.raises(StorageError, match="file"):
        Writer(f"sqlite:///{tmp_path}/file")
    with pytest.raises(StorageError, match="folder"):
        Writer(f"sqlite:///{tmp_path}/file/below/voicebot.db")


def test_only_the_user_of_the_server_reads_who_called(url: str) -> None:
    clock = Clock()
    ours = written(url, clock)
    assert committed(ours.event_committed("c1", "answered", {}))
    made = list(Path(path_of(url)).parent.iterdir())
    assert {file.stat().st_mode & 0o777 for file in made} == {0o600}, "the journal beside it, too"
    assert ours.close()


def test_database_of_another_user_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "voicebot.db"
    taken.mkdir()  # not to be opened, also for root
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(StorageError, match="another user's: run this as the user of the server"):
        Writer(f"sqlite:///{taken}")


def test_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match="pip install"):
        Writer("postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_newer_database_is_refused_and_an_older_one_is_migrated(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Writer(url).close()
    now = database.VERSION
    monkeypatch.setattr(database, "VERSION", now + 1)
    monkeypatch.setitem(
        database.MIGRATIONS, now, lambda connection: connection.exec_driver_sql("CREATE TABLE added (x)")
    )
    assert Writer(url).close()
    with sqlite3.connect(path_of(url)) as raw:
        assert raw.execute("SELECT version FROM schema_version").fetchall() == [(now + 1,)]
        assert raw.execute("SELECT * FROM added").fetchall() == []
    raw.close()
    monkeypatch.setattr(database, "VERSION", now)
    with pytest.raises(StorageError, match=f"version {now + 1}"):
        Writer(url)


def test_callbacks_that_are_still_to_be_made_are_told_at_the_next_start(url: str) -> None:
    ours = Writer(url)
    ours.callback("cb1", {"state": "waiting", "booked_by": "c1", "data": {"number": "1", "attempts": 0}})
    ours.callback("cb2", {"state": "waiting", "booked_by": "c2", "data": {"number": "2"}})
    ours.callback("cb1", {"state": "waiting", "booked_by": "c1", "data": {"number": "1", "attempts": 1}})
    ours.callback("cb2", {"state": "called", "booked_by": "c2", "data": {"number": "2"}}).result(5.0)
    assert ours.close()
    again = Writer(url)
    assert again.open_callbacks == [{"number": "1", "attempts": 1}]
    assert again.close()


def test_what_was_dialled_on_the_last_day_is_told_at_the_next_start(url: str) -> None:
    monday = datetime.date(2026, 11, 23)
    tuesday = monday + datetime.timedelta(days=1)
    ours = Writer(url)
    assert ours.dialled_so_far is None
    for caller, count in (("100", 1), ("100", 2), ("", 1)):
        ours.dialled(monday, caller, count)
    assert ours.close()
    ours = Writer(url)
    assert ours.dialled_so_far == (monday, {"100": 2, "": 1})
    ours.dialled(tuesday, "sp\udcffoof" + "9" * 300, 1)
    ours.dialled(tuesday, "100", 1)
    assert ours.close()
    with sqlite3.connect(path_of(url)) as raw:
        assert raw.execute("SELECT count(*) FROM dialled").fetchone() == (2,), (
            "yesterday is of no use any more"
        )
    raw.close()
    ours = Writer(url)
    assert ours.dialled_so_far is not None
    assert ours.dialled_so_far[0] == tuesday
    assert ours.dialled_so_far[1]["100"] == 1
    assert ours.close()
