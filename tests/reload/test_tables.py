"""Versions and a server's state, as an admin reads them."""

import datetime
import io

from rich.console import Console

from voicebot.cli.dialplans import Row, as_data, table
from voicebot.cli.status import show
from voicebot.storage import DialplanVersion, Outcomes

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)
OLD = Row(DialplanVersion("main", "a1", START, START, "start"), Outcomes(90, 63, 20, 18, 9), "running")
NEW = Row(
    DialplanVersion("main", "b2b2b2b2b2b2", START, None, "reload", "ann"),
    Outcomes(10, 9, 1, 1, 0, 2),
    "canary",
    0.1,
)


def lines(wide: bool) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200 if wide else 80).print(table([NEW, OLD], datetime.UTC, wide=wide))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_both_versions_stand_side_by_side_with_their_rates() -> None:
    assert lines(wide=True) == [
        "name version since calls completed human left errors why",
        "main b2b2b2b2b2b2 canary 10 % 11-24 02:00 10 +2 9 90% 1 1 10% 0 reload (ann)",
        "main a1 running 11-24 02:00 90 63 70% 20 18 20% 9 start",
    ]


def test_eighty_columns_are_enough() -> None:
    assert lines(wide=False) == [
        "name version since calls completed human left errors",
        "main b2b2b2b2b2b2 canary 10 % 11-24 02:00 10 +2 9 90% 1 1 10% 0",
        "main a1 running 11-24 02:00 90 63 70% 20 18 20% 9",
    ]


def test_json_has_the_rate_and_instants() -> None:
    data = as_data(OLD)
    assert (data["completion_rate"], data["first_served_at"]) == (0.7, "2026-11-24T02:00:00.000Z")
    assert as_data(Row(DialplanVersion("main", "c3", START), Outcomes()))["completion_rate"] is None


def test_status_tells_versions_queues_and_workers() -> None:
    answer = {
        "ready": True,
        "pid": 7,
        "metrics": {"calls": 2, "legs": 3, "loop_lag_p99_ms": 1.25, "loop_lag_max_ms": 4.0},
        "dialplans": [
            {"name": "main", "version": "b2b2b2b2b2b2", "standing": "canary", "share": 0.1, "calls": 1}
        ],
        "queues": [{"name": "cards", "waiting": 1, "longest_wait": 12.0, "talking": 0}],
        "agents": [{"name": "alice", "status": "free", "calls": 4}],
        "workers": [{"name": "media_worker-0", "pid": 8, "alive": True, "restarts": 0}],
    }
    out = io.StringIO()
    show(answer, Console(file=out, width=100))
    text = " ".join(out.getvalue().split())
    assert text.startswith("server 7: 2 calls 3 legs, loop lag p99 1.2 ms, worst 4.0 ms")
    for part in (
        "main b2b2b2b2b2b2 canary 10 % 1",
        "cards 1 12.0 s 0",
        "alice free 4",
        "media_worker-0 8 alive 0",
    ):
        assert part in text
    show({**answer, "ready": False, "metrics": {}}, Console(file=out, width=100))
    assert "it starts or stops" in out.getvalue()
