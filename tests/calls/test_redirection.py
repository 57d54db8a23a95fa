"""Redirected calls: followed in order, bounded, and never past the gate of what may be dialled."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.calls.server import AGENT, Server, play
from tests.calls.sip_pipe import TestPhone
from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Leg
from voicebot.calls.redirection import targets_of
from voicebot.config import Trunk, dial_uri
from voicebot.sip import Address, Uri
from voicebot.sip import events as sip

ELSEWHERE = Address("udp", "192.0.2.4", 5060)


def test_contacts_are_tried_by_their_q_and_bare_of_parameters() -> None:
    headers = [
        (
            "contact",
            '<sip:6002@192.0.2.4;transport=tcp?Route=x>;q=0.2, "Bob, B." <sip:6003@[2001:db8::1]:5080>;q=0.7',
        ),
        ("expires", "5"),
        ("contact", "<tel:+49301234>;q=0.5"),
        (
            "contact",
            "<mailto:bob@example.com>, <sip:nobody.example.com>, rubbish, <sip:6002@192.0.2.4>;q=0.1",
        ),
    ]
    assert targets_of(headers) == ["sip:6003@[2001:db8::1]:5080", "tel:+49301234", "sip:6002@192.0.2.4"]


@given(st.text(max_size=80))
def test_whatever_a_contact_says_it_gives_targets_or_none(value: str) -> None:
    for target in targets_of([("contact", value)]):
        assert "\r" not in target
        assert "\n" not in target
        assert str(Uri.parse(target)) == target


def redirect(phone: TestPhone, *contacts: str) -> None:
    """Let the phone answer every call with 302 and these contacts."""

    def take(event: sip.Event) -> None:
        if isinstance(event, sip.IncomingCall):
            phone.incoming.append(event.session)
            headers = [("Contact", contact) for contact in contacts]
            phone.endpoint.reject(event.session, 302, asyncio.get_running_loop().time(), headers=headers)

    phone.on_event = take


def dialled(
    tmp_path: Path,
    prepare: Callable[[Server, TestPhone], None],
    *,
    may: Callable[[str], bool] = lambda to: True,
    resolve: Callable[[str], str | None] = lambda to: to,
) -> tuple[Leg | DialFailed, Server, TestPhone]:
    """Call the agent; return what came of it. `may`: what the trunk lets through; `resolve`: to which URI."""
    outcome: list[Leg | DialFailed] = []
    phones: list[TestPhone] = []

    async def story(server: Server) -> None:
        elsewhere = TestPhone(server.pipe, ELSEWHERE)
        phones.append(elsewhere)
        prepare(server, elsewhere)

        def gate(_call: Call, to: str) -> str:
            uri = resolve(to)
            if uri is None or not may(to):
                raise DialFailed("declined", 403)
            return uri

        server.exchange.resolve = gate
        session = server.phone.call()
        await asyncio.sleep(1.0)
        call, _ = server.reception.calls["call-1"]
        try:
            leg = await server.exchange.dial(call, f"sip:6001@{AGENT.host_port}", name="alice")
            outcome.append(leg)
            server.exchange.hang_up(leg)
        except DialFailed as failure:
            outcome.append(failure)
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story)
    return outcome[0], server, phones[0]


def test_a_redirected_call_goes_on_there(tmp_path: Path) -> None:
    outcome, _, elsewhere = dialled(
        tmp_path,
        lambda server, _: redirect(server.agent, "<sip:6002@192.0.2.4>;q=0.5", "<sip:666@192.0.2.9>"),
        may=lambda uri: uri == "sip:6002@192.0.2.4",
    )
    assert isinstance(outcome, Leg)
    assert len(elsewhere.incoming) == 1


def test_a_redirection_to_what_may_not_be_dialled_fails(tmp_path: Path) -> None:
    outcome, _, elsewhere = dialled(
        tmp_path, lambda server, _: redirect(server.agent, "<sip:6002@192.0.2.4>"), may=lambda uri: False
    )
    assert isinstance(outcome, DialFailed)
    assert (outcome.exit, outcome.status) == ("declined", 302)
    assert elsewhere.incoming == []


def test_two_phones_that_redirect_to_each_other_end_it(tmp_path: Path) -> None:
    def prepare(server: Server, elsewhere: TestPhone) -> None:
        redirect(server.agent, "<sip:6002@192.0.2.4>")
        redirect(elsewhere, f"<sip:6001@{AGENT.host_port}>")

    outcome, server, elsewhere = dialled(tmp_path, prepare, may=lambda uri: True)
    assert isinstance(outcome, DialFailed)
    assert (len(server.agent.incoming), len(elsewhere.incoming)) == (1, 1)


def test_endless_redirection_is_bounded(tmp_path: Path) -> None:
    numbers = iter(range(7000, 8000))

    def prepare(server: Server, elsewhere: TestPhone) -> None:
        redirect(server.agent, "<sip:6999@192.0.2.4>")

        def take(event: sip.Event) -> None:
            if isinstance(event, sip.IncomingCall):
                elsewhere.incoming.append(event.session)
                headers = [("Contact", f"<sip:{next(numbers)}@192.0.2.4>")]
                now = asyncio.get_running_loop().time()
                elsewhere.endpoint.reject(event.session, 302, now, headers=headers)

        elsewhere.on_event = take

    outcome, _, elsewhere = dialled(tmp_path, prepare, may=lambda uri: True)
    assert isinstance(outcome, DialFailed)
    assert len(elsewhere.incoming) == 5


def test_a_number_at_a_pbx_that_is_known_by_another_name_goes_by_the_trunk(tmp_path: Path) -> None:
    trunk = Trunk("office", "main", host="192.0.2.4", dial=("6XXX",))

    def prepare(server: Server, elsewhere: TestPhone) -> None:
        redirect(server.agent, "<sip:6002@pbx.example.com;user=phone>", "<sip:9002@pbx.example.com>")

    outcome, _, elsewhere = dialled(tmp_path, prepare, resolve=lambda to: dial_uri(to, trunk, {}))
    assert isinstance(outcome, Leg)
    assert len(elsewhere.incoming) == 1


def test_a_telephone_number_is_followed_however_it_is_written(tmp_path: Path) -> None:
    trunk = Trunk("office", "main", host="192.0.2.4", dial=("+49.",))
    outcome, _, elsewhere = dialled(
        tmp_path,
        lambda server, _: redirect(server.agent, "<tel:+49-30-1234;phone-context=x>"),
        resolve=lambda to: dial_uri(to, trunk, {}),
    )
    assert isinstance(outcome, Leg)
    assert len(elsewhere.incoming) == 1


def test_the_second_contact_is_rung_when_the_first_is_busy(tmp_path: Path) -> None:
    def prepare(server: Server, elsewhere: TestPhone) -> None:
        redirect(server.agent, "<sip:6003@192.0.2.4>;q=0.9", "<sip:6002@192.0.2.4>;q=0.1")
        elsewhere.behaviour = "busy"

    outcome, _, elsewhere = dialled(tmp_path, prepare, may=lambda uri: True)
    assert isinstance(outcome, DialFailed)
    assert (outcome.exit, len(elsewhere.incoming)) == ("busy", 2)
