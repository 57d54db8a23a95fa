"""REGISTER client, in virtual time (RFC 3261 section 10.2; RFC 3327, 3581, 3608)."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sip.peer import OURS, PEER, Peer
from voicebot.sip import (
    Account,
    Credentials,
    PingAnswered,
    RegistrationChanged,
    RegistrationDue,
    Request,
    Uri,
)
from voicebot.sip.digest import Realm, ServerAuthentication
from voicebot.sip.message import HeaderList
from voicebot.sip.registration import TRANSITIONS, Input, State

REALM = Realm("pbx", {"700": "lab700"})
ACCOUNT = Account("sip:700@pbx.example", "sip:pbx.example", Credentials("700", "lab700"), "l1ne", 300)
MOST_WAITED = 1.25  # the chance in a pause


class Registrar:
    """A registrar that a test plays, and one registration of ours at it."""

    def __init__(self, account: Account = ACCOUNT) -> None:
        self.peer = Peer()
        self.digest = ServerAuthentication(b"k" * 32)
        self.number = self.peer.endpoint.register(account, self.peer.now)
        [] = self.peer.advance(0.0)
        self.request = self.located()

    def located(self) -> Request:
        due = self.peer.event(RegistrationDue)
        assert due.registration == self.number
        self.peer.endpoint.begin_registration(due.registration, PEER, self.peer.now)
        return self.sent()

    def sent(self) -> Request:
        [request] = self.peer.sent()
        assert isinstance(request, Request)
        assert request.method == "REGISTER"
        return request

    def reply(self, status: int, *headers: tuple[str, str], seen_at: str = "") -> list[Request]:
        """Answer the last request; return what follows at once."""
        lines: HeaderList = headers
        if status == 401 and not headers:
            lines = self.digest.challenge(REALM, self.peer.now)
        response = self.request.response(status, to_tag="r", headers=lines).to_bytes()
        host, _, port = seen_at.partition(":")
        if seen_at:
            response = response.replace(b";rport", f";received={host};rport={port}".encode(), 1)
        found = self.peer.send_raw(response)
        requests = [each for each in found if isinstance(each, Request)]
        if requests:
            self.request = requests[-1]
        return requests

    def accept(self, seconds: int = 300, *headers: tuple[str, str], seen_at: str = "") -> list[Request]:
        uri = self.request.values("contact")[0].partition(">")[0] + ">"
        contact = ("contact", f"<sip:700@192.0.2.77>;expires=9999, {uri};expires={seconds}")
        return self.reply(200, contact, *headers, seen_at=seen_at)

    def changed(self) -> RegistrationChanged:
        return self.peer.event(RegistrationChanged)

    def wait_for_next(self, longest: float) -> float:
        """Let time pass until the next REGISTER is due; return how long it took."""
        start = self.peer.now
        while (due := self.peer.endpoint.next_timer()) is not None and due <= start + longest:
            self.peer.advance(due - self.peer.now)
            if (event := self.peer.endpoint.next_event()) is not None:
                assert isinstance(event, RegistrationDue)
                self.peer.endpoint.begin_registration(self.number, PEER, self.peer.now)
                self.request = self.sent()
                return self.peer.now - start
        raise AssertionError(f"no REGISTER within {longest} s")


def test_every_row_of_the_table_leads_somewhere_and_nothing_follows_the_end() -> None:
    reached = {state for state, _ in TRANSITIONS.values()} | {State.WAITING}
    assert reached == set(State)
    assert not [row for row in TRANSITIONS if row[0] is State.GONE]
    assert all((state, Input.LEAVE) in TRANSITIONS for state in set(State) - {State.GONE, State.LEAVING})


def test_a_binding_is_made_with_credentials_and_refreshed_before_it_runs_out() -> None:
    registrar = Registrar()
    first = registrar.request
    assert first.uri == "sip:pbx.example"
    assert str(first.to.uri) == str(first.from_.uri) == "sip:700@pbx.example"
    assert first.values("contact") == [f"<sip:700@{OURS.host_port};line=l1ne>;expires=300"]
    assert first.first("supported") == "path"
    [second] = registrar.reply(401)
    assert second.cseq.number == first.cseq.number + 1
    assert (second.call_id, second.from_.tag) == (first.call_id, first.from_.tag)
    assert registrar.digest.check(second, REALM, registrar.peer.now).user == "700"
    assert registrar.accept(200) == []
    changed = registrar.changed()
    assert (changed.state, changed.until) == ("registered", registrar.peer.now + 200)
    waited = registrar.wait_for_next(200)
    assert 0.6 * 200 < waited < 0.8 * 200
    # The refresh carries the answer to the last challenge: one round trip, not two.
    assert registrar.digest.check(registrar.request, REALM, registrar.peer.now).user == "700"
    assert registrar.request.call_id == first.call_id
    registrar.accept()
    assert registrar.changed().state == "registered"


def test_a_registrar_that_finds_the_time_too_brief_gets_what_it_wants() -> None:
    registrar = Registrar()
    [again] = registrar.reply(423, ("min-expires", "1800"))
    assert again.first("expires") == "1800"
    assert registrar.reply(423, ("min-expires", "1800")) == []
    assert registrar.changed().state == "retrying"


def test_a_registrar_that_never_has_enough_time_does_not_keep_us_busy() -> None:
    registrar = Registrar()
    asked = [len(registrar.reply(423, ("min-expires", str(400 + number)))) for number in range(5)]
    assert asked == [1, 1, 0, 0, 0]
    assert registrar.changed().state == "retrying"


def test_a_binding_of_one_second_is_not_refreshed_all_the_time() -> None:
    registrar = Registrar()
    registrar.accept(1)
    assert registrar.changed().state == "registered"
    assert registrar.wait_for_next(60) >= 5.0


def test_a_stale_nonce_is_no_wrong_password_but_there_are_two_tries_only() -> None:
    registrar = Registrar()
    registrar.reply(401)
    for tries in (1, 0):
        stale = registrar.digest.challenge(REALM, registrar.peer.now + 1 - tries, stale=True)
        assert len(registrar.reply(401, *stale)) == tries
    changed = registrar.changed()
    assert (changed.state, "again and again" in changed.problem) == ("refused", True)


@pytest.mark.parametrize("status", [403, 404, 401])
def test_what_is_refused_is_not_hammered(status: int) -> None:
    registrar = Registrar()
    registrar.reply(401)
    tries = 0
    start = registrar.peer.now
    while registrar.peer.now < start + 86_400:
        assert registrar.reply(status) == []
        changed = registrar.changed()
        assert changed.state == "refused"
        assert changed.retry_at is not None
        registrar.wait_for_next(3600 * MOST_WAITED)
        registrar.reply(401)  # a new try begins without the old answer, and is challenged anew
        tries += 1
    assert tries < 36


def test_a_dead_registrar_is_tried_again_with_growing_pauses_and_nobody_in_step() -> None:
    registrar = Registrar()
    waits = []
    for _ in range(10):
        registrar.peer.advance(32.0)
        changed = registrar.changed()
        assert (changed.state, changed.problem) == ("retrying", "no answer")
        assert changed.retry_at is not None
        waits.append(changed.retry_at - registrar.peer.now)
        registrar.wait_for_next(300 * MOST_WAITED)
    assert waits[0] < 7.0 < waits[3]
    assert 200 < waits[-1] <= 300 * MOST_WAITED
    assert len({round(each, 3) for each in waits}) == 10


def test_retry_after_is_respected() -> None:
    registrar = Registrar()
    registrar.reply(503, ("retry-after", "120 (maintenance);duration=60"))
    registrar.changed()
    assert registrar.wait_for_next(200) >= 120


def test_a_registrar_that_cannot_be_found_is_looked_up_again() -> None:
    peer = Peer()
    number = peer.endpoint.register(ACCOUNT, peer.now)
    peer.advance(0.0)
    peer.event(RegistrationDue)
    peer.endpoint.begin_registration(number, None, peer.now, "pbx.example does not resolve")
    changed = peer.event(RegistrationChanged)
    assert (changed.state, changed.problem) == ("retrying", "pbx.example does not resolve")
    peer.advance(10.0)
    peer.event(RegistrationDue)


def test_the_address_that_the_registrar_sees_is_registered_at_once_and_used_from_then_on() -> None:
    registrar = Registrar()
    registrar.reply(401)
    [again] = registrar.accept(300, seen_at="198.51.100.9:40123")
    assert again.values("contact") == [
        "<sip:700@198.51.100.9:40123;line=l1ne>;expires=300",
        f"<sip:700@{OURS.host_port};line=l1ne>;expires=0",
    ]
    registrar.accept(300, seen_at="198.51.100.9:40123")
    assert registrar.changed().state == "registered"
    assert registrar.peer.endpoint.learned(PEER.host) == "198.51.100.9"
    registrar.peer.endpoint.options("sip:6001@192.0.2.1", "sip:700@x", registrar.peer.now)
    [ping] = registrar.peer.sent()
    assert isinstance(ping, Request)
    assert ping.values("contact") == ["<sip:198.51.100.9:40123>"]
    registrar.peer.send_raw(ping.response(200, to_tag="p").to_bytes())
    registrar.peer.event(PingAnswered)
    # The NAT gives us another port: the next refresh finds out, once.
    registrar.wait_for_next(300)
    assert len(registrar.accept(300, seen_at="198.51.100.9:40999")) == 1
    assert registrar.accept(300, seen_at="198.51.100.9:41000") == []


@pytest.mark.parametrize("seen_at", ["nonsense:1", "192.0.2.2:x", "192.0.2.2:0", "192.0.2.2:99999", ":"])
def test_an_address_that_makes_no_sense_is_not_learned(seen_at: str) -> None:
    registrar = Registrar()
    assert registrar.accept(300, seen_at=seen_at) == []
    assert registrar.peer.endpoint.learned(PEER.host) is None


def test_an_outbound_proxy_is_on_the_way_and_a_service_route_is_told() -> None:
    account = Account(
        ACCOUNT.address_of_record,
        ACCOUNT.registrar,
        ACCOUNT.credentials,
        "l",
        routes=("<sip:edge.example;lr>",),
    )
    peer = Peer()
    number = peer.endpoint.register(account, peer.now)
    peer.advance(0.0)
    assert peer.event(RegistrationDue).uri == "sip:edge.example;lr"
    peer.endpoint.begin_registration(number, PEER, peer.now)
    [request] = peer.sent()
    assert isinstance(request, Request)
    assert (request.uri, request.values("route")) == ("sip:pbx.example", ["<sip:edge.example;lr>"])
    service: Sequence[tuple[str, str]] = [("service-route", "<sip:core1;lr>, <sip:core2;lr>")]
    peer.send_raw(request.response(200, to_tag="r", headers=service).to_bytes())
    changed = peer.event(RegistrationChanged)
    assert changed.service_route == ("<sip:core1;lr>", "<sip:core2;lr>")


def test_a_registrar_that_forgot_us_is_no_success() -> None:
    registrar = Registrar()
    registrar.reply(200, ("contact", "<sip:other@192.0.2.9;line=x>;expires=300"))
    assert registrar.changed().state == "retrying"


@pytest.mark.parametrize("challenged", [False, True])
def test_leaving_removes_the_binding(challenged: bool) -> None:
    registrar = Registrar()
    registrar.accept()
    registrar.changed()
    registrar.peer.endpoint.unregister(registrar.number, registrar.peer.now)
    registrar.request = registrar.sent()
    if challenged:
        registrar.reply(401)
        assert registrar.request.has("authorization")
    assert registrar.request.first("expires") == "0"
    assert registrar.request.values("contact") == [f"<sip:700@{OURS.host_port};line=l1ne>;expires=0"]
    registrar.reply(200)
    changed = registrar.changed()
    assert (changed.state, changed.until) == ("gone", None)
    registrar.peer.advance(4000)
    registrar.peer.no_event()


def test_a_binding_whose_refresh_failed_is_removed_all_the_same() -> None:
    registrar = Registrar()
    registrar.accept()
    registrar.changed()
    registrar.wait_for_next(300)
    registrar.reply(500)
    registrar.changed()
    registrar.peer.endpoint.unregister(registrar.number, registrar.peer.now)
    assert registrar.sent().first("expires") == "0"


def test_leaving_before_anything_was_bound_sends_nothing() -> None:
    peer = Peer()
    number = peer.endpoint.register(ACCOUNT, peer.now)
    peer.endpoint.unregister(number, peer.now)
    assert peer.sent() == []
    assert peer.event(RegistrationChanged).state == "gone"


def test_the_password_shows_nowhere() -> None:
    assert "lab700" not in repr(ACCOUNT)


HEADERS = ("contact", "expires", "min-expires", "retry-after", "service-route", "www-authenticate")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([200, 202, 302, 401, 407, 423, 500, 503, 603]),
    st.lists(st.tuples(st.sampled_from(HEADERS), st.text(max_size=60)), max_size=4),
)
def test_whatever_a_registrar_says_the_registration_goes_on(
    status: int, headers: list[tuple[str, str]]
) -> None:
    registrar = Registrar()
    lines = [(name, value.replace("\r", " ").replace("\n", " ")) for name, value in headers]
    if not registrar.reply(status, *lines):
        changed = registrar.changed()
        assert changed.state in ("registered", "retrying", "refused")
        assert all(
            Uri.parse(route.partition("<")[2].partition(">")[0] or route) for route in changed.service_route
        )
        registrar.wait_for_next(100_000)
