"""A callback from booking to talk, with real telephones: baresip books it, is the desk, and is called back."""

from pathlib import Path

import pytest

from tests.interop.audio import AGENT_HZ, CALLER_HZ, seconds_in, tone_wav
from tests.interop.baresip import Baresip
from tests.live.hotline import Config, Hotline, events, free_port


@pytest.fixture(scope="module")
def customer_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def dialplan() -> Path:
    return Path(__file__).parent / "callback.yaml"


@pytest.fixture(scope="module")
def config(agent_port: int, customer_port: int) -> Config:
    trunk = {"networks": ["127.0.0.0/8"], "dialplan": "main", "host": f"127.0.0.1:{customer_port}"}
    return {
        "trunks": {"local": trunk | {"dial": ["555XXXX"]}},
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agent_port}", "skills": {}}},
    }


@pytest.mark.feature("baresip", "books a callback: the desk is rung, the customer dialled, audio both ways")
def test_who_books_a_callback_is_called_back(
    hotline: Hotline, agent_port: int, customer_port: int, baresip_program: str, tmp_path: Path
) -> None:
    says = tone_wav(tmp_path / "desk.wav", AGENT_HZ, 60)
    desk = Baresip(tmp_path / "desk", "6001", says=says, answers=True, port=agent_port)
    says = tone_wav(tmp_path / "customer.wav", CALLER_HZ, 60)
    with Baresip(tmp_path / "customer", "5551234", says=says, port=customer_port) as customer:
        customer.dial(hotline.uri())
        customer.wait_for("CALL_CLOSED", timeout=15)  # "You are booked."
        with desk:
            customer.wait_for("CALL_INCOMING", timeout=40)
            customer.command("accept")
            customer.wait_for("CALL_ESTABLISHED", timeout=5)
            customer.listen(4.0)
            customer.hang_up()
            desk.wait_for("CALL_CLOSED", timeout=5)
    talk = hotline.new_record(calls=2)
    assert (talk["direction"], talk["to_number"], talk["agent"]) == ("out", "5551234", "one")
    order = ("agent_answered", "callback_dialled", "answered", "bridged")
    assert [each["kind"] for each in talk["events"] if each["kind"] in order] == list(order)
    assert events(hotline.call(talk["extra"]["booked_by"]), "said")
    assert seconds_in(desk.heard(), CALLER_HZ) > 3.0
    assert max(seconds_in(each, AGENT_HZ) for each in customer.recordings()) > 3.0
