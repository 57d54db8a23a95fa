"""The one thread that writes. Its callers never wait: they hand over and go on.

Whatever is handed over within BATCH_SECONDS is committed together; a future is done after its item's commit. A
database that is locked or gone is tried again with growing pauses while events wait in a queue of bounded length;
what no longer fits is dropped, counted and reported, and its future, if it has one, fails with StorageError.
"""

import datetime
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from voicebot.sip.captured import SipMessage
from voicebot.storage.database import StorageError, connect, prepare, why
from voicebot.storage.rows import (
    Booked,
    Dialled,
    Ended,
    Happened,
    Ladder,
    Rows,
    Serves,
    Started,
    Told,
    close_open_calls,
    dialled_so_far,
    open_callbacks,
    write,
)

BATCH_SECONDS = 0.02  # a ring waits for two commits; one commit costs 0.5 ms of CPU
BATCH_ITEMS = 1000
CAPACITY = 50_000  # items in memory while the database is away: about 40 MB, minutes of 200 busy calls
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
AWAY = (OperationalError, InterfaceError, NoConnection)  # locked, full, gone: worth another try


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class Writer:
    """Opens the database at once (raises StorageError), closes calls that a crash left open, then starts its thread.

    `on_problem` is called from any thread, with one line for an admin, when writing begins to fail, when it works
    again (""), and when something had to be dropped. `clock` and `wall` are for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        on_problem: Callable[[str], None] = lambda problem: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime.datetime] = _now,
        capacity: int = CAPACITY,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._engine = connect(url)
        self._on_problem = on_problem
        self._clock = clock
        self._wall = wall
        self._retry_seconds = retry_seconds
        self._capacity = capacity
        self._items: deque[Told] = deque()
        self._lock = threading.Lock()  # of what is handed over and `_closing`
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._started: dict[str, float] = {}  # of calls in progress: when they began, monotonic
        self._give_up_at = 0.0  # when closing
        self._dropped = 0
        prepare(self._engine)
        try:
            self.lost_calls = close_open_calls(self._engine)
            self.open_callbacks = open_callbacks(self._engine)
            self.dialled_so_far = dialled_so_far(self._engine)
        except SQLAlchemyError as error:
            raise StorageError(why(self._engine.url, error)) from error
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)
        self._thread.start()

    # --- any thread ---------------------------------------------------------------------------------------------------

    def call_started(self, uid: str, fields: Mapping[str, object]) -> None:
        """Begin a record. Fields are named as the columns; others are kept in `extra`."""
        self._started[uid] = self._clock()
        self._hand_over(Started(self._wall(), uid, dict(fields)))

    def event(self, uid: str, kind: str, fields: Mapping[str, object]) -> None:
        """Add to the call's timeline."""
        self._hand_over(Happened(self._wall(), uid, kind, dict(fields), self._offset(uid)))

    def event_committed(self, uid: str, kind: str, fields: Mapping[str, object]) -> "Future[None]":
        """The same; the future is done when it is committed, or fails with StorageError."""
        done: Future[None] = Future()
        self._hand_over(Happened(self._wall(), uid, kind, dict(fields), self._offset(uid), done))
        return done

    def call_ended(self, uid: str, fields: Mapping[str, object]) -> None:
        """End a record: `fields` beat what the events tell."""
        now = self._clock()
        offset = round(now - self._started.pop(uid, now), 3)
        self._hand_over(Ended(self._wall(), uid, dict(fields), offset))

    def version_serves(
        self, name: str, version: str, sources: bytes, *, running: bool, why: str, who: str = ""
    ) -> "Future[None]":
        """Keep a version of the dialplan `name`: all new calls are its from now on (`running`), or a share of them."""
        return self._promised(Serves(self._wall(), Future(), name, version, sources, running, why, who))

    def ladder(self, uid: str, messages: Sequence[SipMessage]) -> None:
        """Keep the SIP messages of a call, without their secrets."""
        self._hand_over(Ladder(uid, messages))

    def callback(self, uid: str, fields: Mapping[str, object]) -> "Future[None]":
        """Keep a booking as it is now: `state`, `booked_by`, and `data` as JSON takes it."""
        return self._promised(Booked(self._wall(), Future(), uid, dict(fields)))

    def dialled(self, day: datetime.date, caller: str, count: int) -> None:
        """Keep how many numbers were dialled for a caller on a day so far."""
        self._hand_over(Dialled(day, caller, count))

    @property
    def dropped(self) -> int:
        """Return how many items were lost since the start."""
        return self._dropped

    @property
    def backlog(self) -> int:
        """Return how many items wait to be written."""
        return len(self._items)

    def close(self, timeout: float = 10.0) -> bool:
        """Write what was handed over and stop; False if that did not succeed within `timeout` seconds."""
        self._give_up_at = time.monotonic() + timeout * 4 / 5
        with self._lock:
            self._closing.set()
        self._wake.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        self._engine.dispose()
        return True

    def _offset(self, uid: str) -> float:
        now = self._clock()
        return round(now - self._started.get(uid, now), 3)

    def _promised(self, item: Serves | Booked) -> "Future[None]":
        self._hand_over(item)
        return item.done

    def _hand_over(self, item: Told) -> None:
        with self._lock:
            reason = ""
            if self._closing.is_set():
                reason = "the records are closed"
            elif len(self._items) >= self._capacity:
                reason = "the queue to the database is full"
            else:
                self._items.append(item)
        if reason:
            self._drop(item, reason)
        elif not self._wake.is_set():
            self._wake.set()

    def _drop(self, item: Told, reason: str) -> None:
        self._dropped += 1
        problem = f"{reason}: {self._dropped} items of call records are lost so far"
        if self._dropped.bit_count() == 1:  # 1, 2, 4, 8 ...: told often enough
            self._on_problem(problem)
        _settle(item.done, StorageError(reason))

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        rows = Rows()
        while self._items or not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self._closing.wait(BATCH_SECONDS)  # one wake-up for all that comes meanwhile
            while self._items:
                batch = [self._items.popleft() for _ in range(min(len(self._items), BATCH_ITEMS))]
                try:
                    for item in batch:
                        rows.prepare(item)
                    self._write(batch)
                except (
                    Exception
                ) as error:  # the edge of the thread: one batch that nobody foresaw must not end all records
                    for item in batch:
                        if item.done is None or not item.done.done():
                            self._drop(item, f"records could not be written ({type(error).__name__})")

    def _write(self, batch: Sequence[Told]) -> None:
        attempt = 0
        while True:
            try:
                with self._engine.begin() as connection:
                    write(connection, batch)
                break
            except AWAY as error:
                if attempt == 0:
                    self._on_problem(why(self._engine.url, error))
                if self._closing.is_set() and time.monotonic() >= self._give_up_at:
                    for item in batch:
                        self._drop(item, "the server stops and the database is still away")
                    return
                pause = self._retry_seconds[min(attempt, len(self._retry_seconds) - 1)]
                attempt += 1
                time.sleep(min(pause, self._retry_seconds[0]) if self._closing.is_set() else pause)
            except SQLAlchemyError as error:
                if len(batch) > 1:
                    for item in batch:  # one of them can never be written: the others shall not suffer
                        self._write([item])
                    return
                self._drop(batch[0], why(self._engine.url, error))
                return
        if attempt:
            self._on_problem("")
        for item in batch:
            _settle(item.done, None)


def _settle(future: "Future[None] | None", error: StorageError | None) -> None:
    if future is None:
        return
    try:
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
    except InvalidStateError:
        pass  # whoever waited for it has given up and cancelled it
