"""`voicebot callbacks` tells who is to be called back, and not by which number."""

import datetime
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from voicebot.calls.booking import Booking
from voicebot.cli.main import app
from voicebot.storage import Writer

DUE = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)
BOOKING = Booking("cb1", "call1", "13912345678", "4000", "lab", "cards", "zh", DUE, DUE, attempts=1)
CONFIG = """\
sip: {listen: ["udp:127.0.0.1:0"]}
trunks: {lab: {networks: ["127.0.0.0/8"], dialplan: main}}
dialplans: {main: plan.yaml}
callbacks: {attempts: 5}
storage: {database: "sqlite:///voicebot.db", recordings: recordings}
api: {listen: "127.0.0.1:0"}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIG, encoding="utf-8")


def booked(*bookings: Booking) -> None:
    Path("data").mkdir(exist_ok=True)
    writer = Writer("sqlite:///data/voicebot.db")
    for booking in bookings:
        writer.callback(booking.uid, booking.stored()).result(5.0)
    assert writer.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["callbacks", *arguments], env={"COLUMNS": "120"})


def test_those_that_wait_are_listed_with_the_end_of_their_number() -> None:
    booked(
        BOOKING,
        Booking("cb2", "call2", "13500001111", "4000", "lab", "cards", "en", DUE, DUE, state="called"),
    )
    result = run()
    assert result.exit_code == 0
    (told,) = [line.split() for line in result.stdout.splitlines() if "call" in line and "number" not in line]
    assert told[2:8] == ["…678", "cards", "1", "of", "5", "waiting"]
    assert told[-1] == "call1"
    assert "139123" not in result.stdout
    assert "call2" not in result.stdout
    assert "…111" in run("--all").stdout


def test_json_has_the_instants_and_no_whole_number() -> None:
    booked(BOOKING)
    (item,) = json.loads(run("--json").stdout)
    assert (item["uid"], item["number"], item["due_at"]) == ("cb1", "…678", "2026-11-24T02:00:00Z")
    assert (item["state"], item["attempts"], item["queue"], item["booked_by"]) == (
        "waiting",
        1,
        "cards",
        "call1",
    )


def test_a_database_without_callbacks_and_none_at_all_are_told() -> None:
    assert run().exit_code == 2
    booked()
    assert run().stdout == "No callbacks are waiting; --all lists those that were made.\n"
    assert run("--all").stdout == "No callbacks.\n"


def test_one_that_cannot_be_read_hides_no_other() -> None:
    booked(BOOKING)
    writer = Writer("sqlite:///data/voicebot.db")
    writer.callback("odd", {"state": "waiting", "booked_by": "c", "data": {"number": "13800138000"}}).result(
        5.0
    )
    assert writer.close()
    result = run()
    assert "…678" in result.stdout
    assert result.stderr.startswith("callback odd cannot be read: ")
    assert "138" not in result.stderr
