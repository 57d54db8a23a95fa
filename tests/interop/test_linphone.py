"""Linphone calls the hotline, and registers at it."""

from pathlib import Path

import numpy as np
import pytest

from tests.interop.conftest import office_config
from tests.interop.linphone import Linphone
from tests.interop.report import features_of
from tests.interop.rtp_gaps import capturing
from tests.live.hotline import Config, Hotline, events, free_port, keys_of, wait_until

pytestmark = pytest.mark.usefixtures("linphone_program")
feature = features_of("Linphone")


@pytest.fixture(scope="module")
def config() -> Config:
    return office_config()


@feature("calls; is sent the prompt; keys (RFC 4733)")
def test_a_call_is_prompted_and_its_keys_understood(hotline: Hotline, tmp_path: Path) -> None:
    """It cannot record: that the prompt is spoken is in the record, that it is sent is seen on the wire."""
    with (
        capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture,
        Linphone(tmp_path / "phone", "caller", free_port()) as caller,
    ):
        call = caller.dial(hotline.uri("701"))
        wait_until(lambda: bool(hotline.calls()), 5.0, "the call is there")
        caller.keys("271828")
        wait_until(lambda: caller.over(call), 15.0, "the hotline has hung up")
    record = hotline.new_record()
    assert keys_of(record) == "271828"
    said = ["Please key in your number.", "Your number was heard."]
    assert [each["text"] for each in events(record, "said")] == said
    assert record["ended_by"] == "bot"
    (stream,) = capture.streams()
    assert len(stream.times) > 100
    assert stream.lost == 0


@feature("hold and resume")
def test_nothing_is_sent_while_it_holds(hotline: Hotline, tmp_path: Path) -> None:
    with (
        capturing(tmp_path / "sent.rtp", hotline.rtp_ports) as capture,
        Linphone(tmp_path / "phone", "caller", free_port()) as caller,
    ):
        call = caller.dial(hotline.uri())
        wait_until(lambda: hotline.closed() < len(hotline.calls()), 5.0, "the call is there")
        caller.command(f"call-pause {call}")
        caller.wait_for(call, "Paused")
        wait_until(lambda: bool(events(hotline.latest_call(), "held")), 5.0, "it is held")
        caller.command(f"call-resume {call}")
        caller.wait_for(call, "StreamsRunning")
        wait_until(lambda: bool(events(hotline.latest_call(), "resumed")), 5.0, "it is resumed")
        caller.command(f"terminate {call}")
    record = hotline.new_record()
    assert record["ended_by"] == "caller"
    (held,), (resumed,) = events(record, "held"), events(record, "resumed")
    (stream,) = capture.streams()
    gap = float(np.diff(np.array(stream.times)).max())
    assert gap == pytest.approx(resumed["offset"] - held["offset"], abs=0.3)


@feature("registers at the hotline, and is rung as the agent")
def test_it_registers_and_is_rung(hotline: Hotline, tmp_path: Path) -> None:
    with Linphone(tmp_path / "agent", "6001", free_port()) as agent:
        agent.register("6001", f"127.0.0.1:{hotline.port}", "hush6001")
        wait_until(agent.registered, 10.0, "registered")
        with Linphone(tmp_path / "caller", "caller", free_port()) as caller:
            call = caller.dial(hotline.uri("702"))
            agent.answer()
            wait_until(lambda: bool(events(hotline.latest_call(), "bridged")), 5.0, "both are connected")
            caller.command(f"terminate {call}")
            wait_until(lambda: agent.over(1), 5.0, "the agent's call is over")
    record = hotline.new_record()
    assert (record["agent"], record["ended_by"]) == ("one", "caller")
