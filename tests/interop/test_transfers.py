"""Transfers through Asterisk 22, and phones that transfer a caller: baresip (blind), Linphone (attended)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.asterisk_pbx import Asterisk
from tests.interop.audio import AGENT_HZ, seconds_in
from tests.live.hotline import Hotline, events, free_port, log_on_failure, running, wait_until

DIALPLAN = Path(__file__).parent / "transfers.yaml"


def feature(name: str) -> pytest.MarkDecorator:
    return pytest.mark.feature("Asterisk", name)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def asterisk(
    asterisk_folder: Path, port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asterisk]:
    with Asterisk(asterisk_folder, tmp_path_factory.mktemp("asterisk"), port) as each:
        yield each


@pytest.fixture(scope="module")
def hotline(asterisk: Asterisk, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    pbx = f"127.0.0.1:{asterisk.port}"
    config = {
        "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "host": pbx, "dial": ["6XXX"]}},
    }
    with running(Hotline(tmp_path_factory.mktemp("hotline"), DIALPLAN, port=port, config=config)) as each:
        yield each


@pytest.fixture(autouse=True)
def told(hotline: Hotline, asterisk: Asterisk) -> Iterator[None]:
    with log_on_failure(hotline):
        try:
            yield
        except AssertionError:
            print(asterisk.log_text()[-4000:])
            raise
        wait_until(lambda: asterisk.channels() == 0, 8.0, "no channel of Asterisk is left")


def closed_records(hotline: Hotline) -> int:
    return sum(1 for each in hotline.calls() if each["ended_at"])


@feature("attended transfer (REFER with Replaces) to an extension that answers")
@pytest.mark.parametrize("number", ["711", "712"])
def test_an_attended_transfer_leaves_caller_and_extension_alone(
    number: str, hotline: Hotline, asterisk: Asterisk
) -> None:
    before = closed_records(hotline)
    call = asterisk.originate(number, "w:2|d:6002|w:8", name=f"attended-{number}")
    record = hotline.wait_for_record(before + 1, 20.0)
    assert record["release_cause"] == "transferred"
    assert [each["exit"] for each in events(record, "transfer_exit")] == ["transferred"]
    call.wait()
    assert seconds_in(call.heard, AGENT_HZ) > 2.0


@feature(
    "attended transfer to an extension that is busy, missing, refuses, or never answers: the caller is told"
)
@pytest.mark.parametrize(
    ("extension", "exit", "status"),
    [("6009", "busy", 486), ("6404", "unreachable", 404), ("6006", "declined", 403), ("6008", "timeout", 0)],
)
@pytest.mark.parametrize("number", ["711", "714"])
def test_a_transfer_that_fails_gives_the_caller_back(
    number: str, extension: str, exit: str, status: int, hotline: Hotline, asterisk: Asterisk
) -> None:
    before = closed_records(hotline)
    asterisk.originate(number, f"w:2|d:{extension}|w:14", name=f"fails-{number}-{extension}").wait()
    record = hotline.wait_for_record(before + 1)
    (end,) = events(record, "transfer_exit")
    assert (end["exit"], end["status"]) == (exit, status)
    assert any("could not be reached" in each["text"] for each in events(record, "said"))
    assert record["ended_by"] == "bot"
