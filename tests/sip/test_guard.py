"""Strangers get a few answers, scanners none, guessers are banned, and whoever is known is served."""

import pytest

from voicebot.sip.address import Address
from voicebot.sip.guard import MOST_HOSTS, STRANGERS_PER_SECOND, Admission, Guard, GuardRules, Known
from voicebot.sip.message import Request, parse

PBX, STRANGER = "192.0.2.1", "203.0.113.9"


def request(method: str = "INVITE", agent: str = "a phone", user: str = "") -> Request:
    text = f"{method} sip:700@x SIP/2.0\r\nUser-Agent: {agent}\r\n"
    text += f'Authorization: Digest username="{user}"\r\n\r\n' if user else "\r\n"
    found = parse(text.encode())
    assert isinstance(found, Request)
    return found


def at(host: str, transport: str = "udp") -> Address:
    return Address(transport, host, 5060)


def guard(rules: GuardRules | None = None, calls_per_second: float | None = None) -> Guard:
    return Guard(lambda _request, source: Known(calls_per_second) if source.host == PBX else None, rules)


def passed(one: Guard, host: str, times: int, now: float, asked: Request | None = None) -> int:
    return sum(one.admit(asked or request(), at(host), now) is Admission.PASS for _ in range(times))


def test_a_stranger_is_answered_ten_times_a_minute_and_others_are_not_charged() -> None:
    one = guard()
    assert passed(one, STRANGER, 1000, 0.0) == 10
    assert passed(one, "203.0.113.10", 1, 0.0) == 1
    assert passed(one, STRANGER, 1000, 60.0) == 10
    assert passed(one, STRANGER, 1000, 66.5) == 1


def test_a_stranger_who_asks_what_is_here_is_not_told() -> None:
    assert passed(guard(), STRANGER, 5, 0.0, request("OPTIONS")) == 0
    assert passed(guard(), STRANGER, 5, 0.0, request("REGISTER")) == 5


def test_who_is_known_is_always_admitted() -> None:
    assert passed(guard(), PBX, 10_000, 0.0) == 10_000


def test_a_known_peer_that_is_faster_than_agreed_is_told_so() -> None:
    one = guard(calls_per_second=5.0)
    assert [one.admit(request(), at(PBX), 0.0) for _ in range(7)] == [Admission.PASS] * 5 + [
        Admission.BUSY
    ] * 2
    assert one.admit(request("OPTIONS"), at(PBX), 0.0) is Admission.PASS
    assert passed(one, PBX, 10, 1.0) == 5


AGENTS = ["friendly-scanner", "sipvicious v0.3", "Sundayddr", "sipcli/v1.8", "sipsak 0.9.8.1"]


@pytest.mark.parametrize("agent", AGENTS)
def test_a_scanner_that_is_connected_gets_nothing_and_its_address_neither_for_ten_minutes(agent: str) -> None:
    one = guard()
    assert one.admit(request("OPTIONS", agent), at(STRANGER, "tcp"), 0.0) is Admission.DROP
    assert one.admit(request(), at(STRANGER), 599.0) is Admission.DROP
    assert one.banned(599.0) == (STRANGER,)
    assert one.admit(request(), at(STRANGER), 601.0) is Admission.PASS
    assert one.banned(601.0) == ()


@pytest.mark.parametrize("agent", AGENTS)
def test_a_scanners_datagrams_have_no_answer_and_its_address_has_only_a_trickle(agent: str) -> None:
    one = guard()
    assert passed(one, STRANGER, 20, 0.0, request("OPTIONS", agent)) == 0
    assert passed(one, STRANGER, 20, 0.0, request("REGISTER", agent)) == 0
    assert one.banned(0.0) == ()
    assert passed(one, STRANGER, 20, 0.0) == 1
    assert passed(one, STRANGER, 20, 6.0) == 1


def test_nobody_is_shut_out_by_datagrams_in_the_name_of_a_scanner() -> None:
    """Ten a second, for a minute: a phone that registers is still asked for its password, and let in with it."""
    one = guard()
    asked = []
    for tick in range(600):
        now = tick / 10
        assert one.admit(request("OPTIONS", "friendly-scanner"), at(STRANGER), now) is Admission.DROP
        if tick % 40 == 30:  # it says it again every 4 s
            asked.append(one.admit(request("REGISTER"), at(STRANGER), now))
    assert asked.count(Admission.PASS) >= 5
    assert passed(one, STRANGER, 10, 60.0, request("REGISTER", user="alice")) == 10
    assert one.banned(60.0) == ()


def test_a_scanner_behind_a_known_address_does_not_cut_off_the_pbx() -> None:
    one = guard()
    assert one.admit(request("OPTIONS", "friendly-scanner"), at(PBX), 0.0) is Admission.DROP
    assert one.admit(request(), at(PBX), 0.0) is Admission.PASS


def test_the_monitoring_of_a_known_address_is_answered() -> None:
    """Nagios and others ask with sipsak."""
    one = guard()
    assert one.admit(request("OPTIONS", "sipsak 0.9.8.1"), at(PBX), 0.0) is Admission.PASS
    assert one.may_answer_nonsense(request("OPTIONS", "sipsak 0.9.8.1"), at(PBX), 0.0)


def test_guessing_passwords_bans_a_strangers_address() -> None:
    one = guard()
    for _ in range(20):
        one.wrong_password(request(), at(STRANGER), "alice", 0.0)
    assert one.admit(request(), at(STRANGER), 1.0) is Admission.PASS
    one.wrong_password(request(), at(STRANGER), "bob", 1.0)
    assert one.admit(request(), at(STRANGER), 2.0) is Admission.DROP
    assert one.admit(request(), at(STRANGER), 602.0) is Admission.PASS


def test_a_user_who_guesses_at_a_known_address_costs_others_there_nothing() -> None:
    """A PBX, or five hundred phones behind one NAT, of which one has a wrong password."""
    told: list[tuple[str, str]] = []
    one = Guard(lambda _request, source: Known(), on_ban=lambda host, user: told.append((host, user)))
    alice, bob = request("REGISTER", user="alice"), request("REGISTER", user="bob")
    for _ in range(21):
        one.wrong_password(alice, at(PBX), "alice", 0.0)
    assert one.admit(alice, at(PBX), 1.0) is Admission.DROP
    assert [one.admit(each, at(PBX), 1.0) for each in (bob, request())] == [Admission.PASS] * 2
    assert one.admit(alice, at("192.0.2.3"), 1.0) is Admission.PASS
    assert one.admit(alice, at(PBX), 601.0) is Admission.PASS
    assert told == [(PBX, "alice")]


def test_an_address_that_is_known_by_now_is_banned_no_more() -> None:
    """Somebody scans from the PBX's address before DNS had told whose it is."""
    known: set[str] = set()
    one = Guard(lambda _request, source: Known() if source.host in known else None)
    one.admit(request(agent="friendly-scanner"), at(PBX, "tls"), 0.0)
    assert one.admit(request(), at(PBX), 1.0) is Admission.DROP
    known.add(PBX)
    assert one.admit(request(), at(PBX), 2.0) is Admission.PASS


def test_a_peer_that_may_be_anywhere_is_a_stranger_until_it_has_shown_its_password() -> None:
    told: list[tuple[str, str]] = []
    agreed = Known(calls_per_second=50.0, by_password=True)
    one = Guard(lambda _request, source: agreed, on_ban=lambda host, user: told.append((host, user)))
    assert passed(one, STRANGER, 1000, 0.0, request("OPTIONS")) == 10, "it is asked whether we are there"
    assert passed(one, STRANGER, 1, 0.0) == 0
    assert sum(one.may_answer_nonsense(request(), at(STRANGER), 0.0) for _ in range(100)) == 0
    for _ in range(21):
        one.wrong_password(request(user="frontdoor"), at(STRANGER), "frontdoor", 0.0)
    assert told == [(STRANGER, "")]
    assert passed(one, STRANGER, 10, 1.0, request(user="frontdoor")) == 0

    assert passed(one, PBX, 1, 0.0, request(user="frontdoor")) == 1
    one.right_password(at(PBX), 0.0)
    assert passed(one, PBX, 100, 1.0) == 50, "as agreed"
    assert passed(one, PBX, 100, 1.0, request("OPTIONS")) == 100
    for _ in range(21):
        one.wrong_password(request(user="frontdoor"), at(PBX), "frontdoor", 1.0)
    assert told[1:] == [(PBX, "frontdoor")]
    assert passed(one, PBX, 100, 3601.0) == 10, "nothing was heard of it for an hour"


def test_of_many_phones_that_come_at_once_from_an_unknown_address_one_gets_in() -> None:
    one = guard()
    assert passed(one, STRANGER, 500, 0.0, request("REGISTER")) == 10
    assert passed(one, STRANGER, 10, 0.1, request("REGISTER", user="alice")) == 10


def test_strangers_with_forged_addresses_are_answered_up_to_a_limit_in_all() -> None:
    one = guard()
    answered = sum(passed(one, f"10.1.{number >> 8}.{number & 255}", 10, 0.0) for number in range(2000))
    assert answered == STRANGERS_PER_SECOND


def test_nonsense_is_answered_to_who_is_known_and_seldom_to_strangers() -> None:
    one = guard()
    assert all(one.may_answer_nonsense(request(), at(PBX), 0.0) for _ in range(100))
    assert sum(one.may_answer_nonsense(request(), at(STRANGER), 0.0) for _ in range(100)) == 10
    assert not one.may_answer_nonsense(request(agent="friendly-scanner"), at("203.0.113.10"), 0.0)


def test_one_customer_of_ipv6_is_one_host() -> None:
    one = guard()
    assert sum(passed(one, f"2001:db8::{number:x}", 1, 0.0) for number in range(1, 100)) == 10
    assert passed(one, "2001:db8:0:1::1", 1, 0.0) == 1


def test_registrations_have_a_rate_of_their_own() -> None:
    one = guard(GuardRules(registers_per_second=3.0))
    assert passed(one, PBX, 100, 0.0, request("REGISTER")) == 3


def test_a_flood_of_addresses_does_not_fill_the_memory() -> None:
    one = guard()
    for number in range(MOST_HOSTS + 1000):
        one.admit(
            request("OPTIONS", "friendly-scanner"),
            at(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "tcp"),
            0.0,
        )
    assert len(one.banned(0.0)) == MOST_HOSTS
