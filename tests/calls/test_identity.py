"""Who calls, by From or by what a trusted network asserts; headers in and out; names in any script."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.calls.server import AGENT, Server, play
from tests.calls.sip_pipe import HOTLINE
from voicebot.calls.identity import Identity, headers_of, identity_of, number_of
from voicebot.calls.inbound import Entrance
from voicebot.sip import MessageError, Request, Uri
from voicebot.sip import events as sip
from voicebot.sip.message import parse


def invite(*headers: str, from_: str = '"张三" <sip:100@pbx.example.com>;tag=a') -> Request:
    lines = ["INVITE sip:700@192.0.2.1 SIP/2.0", f"From: {from_}", *headers, "", ""]
    message = parse("\r\n".join(lines).encode("utf-8", "surrogateescape"))
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("headers", "asserted"),
    [
        (
            ('P-Asserted-Identity: "O\'Neil, J." <sip:+4930123@carrier.example>',),
            Identity("+4930123", "O'Neil, J."),
        ),
        (("P-Asserted-Identity: <tel:+4930124>, <sip:x@y.example>",), Identity("+4930124")),
        (("P-Asserted-Identity: <mailto:x>", "P-Asserted-Identity: <sip:200@y.example>"), Identity("200")),
        (('Remote-Party-ID: "王五" <sip:201@y.example>;party=calling;screen=yes',), Identity("201", "王五")),
        (("P-Asserted-Identity: rubbish <",), Identity("100", "张三")),
        ((), Identity("100", "张三")),
    ],
)
def test_what_a_trusted_peer_asserts_counts_and_of_others_only_from(
    headers: tuple[str, ...], asserted: Identity
) -> None:
    assert identity_of(invite(*headers), trusted=True) == asserted
    assert identity_of(invite(*headers), trusted=False) == Identity("100", "张三")


@pytest.mark.parametrize(
    ("uri", "number"),
    [
        ("tel:+49-(30)-12.34;phone-context=example.com", "+49301234"),
        ("sip:+49-30-1234;npdi;rn=+4930@carrier.example;user=phone", "+49301234"),
        ("sip:+49-(30)-1234@carrier.example;user=phone", "+49301234"),
        ("sip:%2B49301234@carrier.example", "+49301234"),
        ("sip:anna-maria.huber@pbx.example.com", "anna-maria.huber"),
        ("sip:alice;day=tuesday@pbx.example.com", "alice;day=tuesday"),
        ("sip:1-2@pbx.example.com", "1-2"),
    ],
)
def test_a_number_is_known_by_its_digits_however_it_is_written(uri: str, number: str) -> None:
    """RFC 3966 sections 3 and 5.1.1, RFC 3261 section 19.1.6: whom we know, count and call back is the number alone."""
    assert number_of(Uri.parse(uri)) == number
    assert identity_of(invite(from_=f"<{uri}>;tag=a"), trusted=False) == Identity(number)


def test_headers_are_joined_readable_and_without_credentials() -> None:
    found = headers_of(
        invite(
            "Diversion: <sip:1@a>;reason=busy",
            "X-Tag: caf\udce9",
            "diversion: <sip:2@a>",
            'Authorization: Digest username="700", response="secret"',
            "User-to-User: 56a390f3;encoding=hex",
        )
    )
    assert found["diversion"] == "<sip:1@a>;reason=busy, <sip:2@a>"
    assert found["x-tag"] == "café"
    assert found["user-to-user"] == "56a390f3;encoding=hex"
    assert "secret" not in str(found)


@given(st.text(max_size=100))
def test_whatever_an_assertion_says_somebody_calls(value: str) -> None:
    line = " ".join(f"P-Asserted-Identity: {value}".split())
    try:
        request = invite(line)
    except MessageError:
        return
    assert identity_of(request, trusted=True).number.isprintable()


def test_an_agents_phone_shows_the_callers_name_and_gets_the_headers(tmp_path: Path) -> None:
    rung: list[Request] = []

    async def story(server: Server) -> None:
        server.reception.entrance = lambda event: Entrance(server.dialplan, "main", "lan", trusted=True)
        answer = server.agent.on_event

        def take(event: sip.Event) -> None:
            if isinstance(event, sip.IncomingCall):
                rung.append(event.request)
            answer(event)

        server.agent.on_event = take
        phone = server.phone
        session = phone.endpoint.invite(
            f"sip:700:swordfish@{HOTLINE.host_port};x=1",
            "sip:100:swordfish@example.com",
            b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n",
            asyncio.get_running_loop().time(),
            display_name="nobody",
            destination=HOTLINE,
            headers=[("P-Asserted-Identity", '"张三 \\"San\\"" <sip:+861391234@carrier.example>')],
        )
        phone.work()
        await asyncio.sleep(1.0)
        call, _ = server.reception.calls["call-1"]
        leg = await server.exchange.dial(
            call, f"sip:6001@{AGENT.host_port}", name="alice", headers=[("X-Order", "4711 测试")]
        )
        server.exchange.hang_up(leg)
        phone.bye(session)
        await asyncio.sleep(1.0)

    server = play(tmp_path, story)
    started = server.store.started["call-1"]
    assert started["from_number"] == "+861391234"
    uris = (started["from_uri"], started["to_uri"])
    assert uris == ("sip:100@example.com", f"sip:700@{HOTLINE.host_port};x=1"), "without the passwords"
    assert rung[0].from_.display_name == '张三 "San"'
    assert rung[0].from_.uri.user == "+861391234"
    assert rung[0].first("x-order") == "4711 测试"
