"""docs/interop.md: what a run may write over."""

from types import SimpleNamespace
from typing import Any

from tests.interop.report import Report


def told(**outcomes: str) -> Report:
    """Return the report of a run with one test for each outcome: passed, failed, skipped."""
    report = Report()
    report.version("Asterisk", "22.1")
    for feature, outcome in outcomes.items():
        marker = SimpleNamespace(args=("Asterisk", feature), kwargs={})
        item: Any = SimpleNamespace(nodeid=feature, get_closest_marker=lambda _name, marker=marker: marker)
        result: Any = SimpleNamespace(
            when="call",
            passed=outcome == "passed",
            skipped=outcome == "skipped",
            longrepr=("file", 1, "Skipped: it is not installed"),
        )
        report.take(item, result)
    return report


def test_what_a_peer_that_is_not_there_would_wipe_out_is_named() -> None:
    old = told(transfer="failed", hold="passed", opus="skipped").text()
    now = told(hold="skipped", transfer="passed", opus="skipped")
    assert now.lost(old) == ["Asterisk: hold"]
    assert told(transfer="passed").lost(old) == [], "a line whose test is gone is not missed"
    assert now.lost("") == []


def test_the_worst_of_several_tests_of_a_line_counts() -> None:
    report = told(hold="passed")
    assert "| **Asterisk 22.1** | hold | works |" in report.table()
    assert report.ended == {"hold"}
