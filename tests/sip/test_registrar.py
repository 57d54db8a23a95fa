"""The registrar, as phones see it and in virtual time (RFC 3261 section 10.3; RFC 3327)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sip.peer import OURS, PEER, Peer
from voicebot.sip import (
    Address,
    BindingsChanged,
    Credentials,
    MessageError,
    Policy,
    Realm,
    Registrar,
    Request,
    Response,
    Uri,
)
from voicebot.sip.digest import ClientAuthentication

REALM = Realm("voicebot", {"alice": "secret", "bob": "hush"})
ELSEWHERE = Address("udp", "198.51.100.7", 40123)
POLICY = Policy(min_expires=60, max_expires=600, contacts=3)


class Phone:
    """One phone of `user`; it answers challenges as phones do."""

    def __init__(self, peer: Peer, user: str = "alice", call_id: str = "reg-1") -> None:
        self.peer, self.user, self.call_id = peer, user, call_id
        self.cseq = 0
        self.digest = ClientAuthentication(Credentials(user, REALM.passwords[user]))

    def register(
        self,
        *contacts: str,
        source: Address = PEER,
        to: str = "",
        cseq: int = 0,
        headers: tuple[str, ...] = (),
    ) -> Response:
        response = self._send(contacts, source, to, cseq, headers)
        if response.status == 401:
            self.digest.challenged(response)
            response = self._send(contacts, source, to, 0, headers)
        if response.status < 300:
            self.digest.begin_anew()
        return response

    def _send(
        self, contacts: tuple[str, ...], source: Address, to: str, cseq: int, headers: tuple[str, ...]
    ) -> Response:
        self.cseq = cseq or self.cseq + 1
        uri = "sip:192.0.2.2"
        answers = [f"{name}: {value}" for name, value in self.digest.headers("REGISTER", uri, "c")]
        text = self.peer.text(
            "REGISTER",
            uri=uri,
            cseq=self.cseq,
            call_id=self.call_id,
            headers=(*headers, *answers, *(f"Contact: {each}" for each in contacts)),
        ).replace(b"Contact: <sip:alice@192.0.2.1:5060>\r\n", b"")
        name = to or f"sip:{self.user}@192.0.2.2"
        text = text.replace(b"To: <sip:bot@192.0.2.2>", f"To: <{name}>".encode())
        [response] = self.peer.send_raw(text, source)
        assert isinstance(response, Response)
        return response


def office(policy: Policy = POLICY, **options: Any) -> Peer:
    options.setdefault("authenticate", lambda request, source: REALM)
    return Peer(registrar=Registrar(policy), **options)


def uris(peer: Peer, user: str = "alice") -> list[str]:
    return [each.uri for each in peer.endpoint.bindings(user, peer.now)]


def test_a_phone_registers_with_its_password_and_is_reached_where_it_came_from() -> None:
    peer = office()
    response = Phone(peer).register("<sip:alice@10.0.0.5:5062;ob>;expires=120", source=ELSEWHERE)
    assert response.status == 200
    assert response.values("contact") == ["<sip:alice@10.0.0.5:5062;ob>;expires=120;q=1"]
    [binding] = peer.endpoint.bindings("alice", peer.now)
    assert (binding.source, binding.local) == (ELSEWHERE, OURS)
    assert peer.event(BindingsChanged).user == "alice"


def test_a_binding_that_is_not_refreshed_runs_out() -> None:
    peer = office()
    Phone(peer).register("<sip:a@h>;expires=120")
    peer.event(BindingsChanged)
    peer.advance(119.0)
    assert uris(peer) == ["sip:a@h"]
    peer.advance(1.0)
    assert uris(peer) == []
    assert peer.event(BindingsChanged).user == "alice"


def test_a_refresh_keeps_the_phone_and_a_zero_removes_it() -> None:
    peer = office()
    phone = Phone(peer)
    for _ in range(3):
        phone.register("<sip:a@h>;expires=60")
        peer.advance(50.0)
    assert uris(peer) == ["sip:a@h"]
    assert phone.register("<sip:a@H;x=y>;expires=0").status == 200
    assert uris(peer) == []


def test_several_phones_of_a_user_are_all_known_the_preferred_first() -> None:
    peer = office()
    Phone(peer, call_id="1").register("<sip:desk@h>;q=0.5")
    Phone(peer, call_id="2").register("<sip:mobile@h>;q=1, <sip:home@h>;q=0.1")
    assert uris(peer) == ["sip:mobile@h", "sip:desk@h", "sip:home@h"]


def test_the_phone_that_was_heard_of_longest_ago_gives_way() -> None:
    peer = office()
    for number in range(4):
        peer.now += 1
        assert Phone(peer, call_id=str(number)).register(f"<sip:p{number}@h>").status == 200
    assert uris(peer) == ["sip:p3@h", "sip:p2@h", "sip:p1@h"]


@pytest.mark.parametrize(
    ("contact", "header", "status", "granted"),
    [
        ("<sip:a@h>;expires=59", "", 423, 0),
        ("<sip:a@h>", "Expires: 30", 423, 0),
        ("<sip:a@h>;expires=60", "Expires: 30", 200, 60),
        ("<sip:a@h>", "Expires: 90", 200, 90),
        ("<sip:a@h>", "", 200, 600),
        ("<sip:a@h>;expires=86400", "", 200, 600),
        ("<sip:a@h>;expires=nonsense", "", 200, 600),
    ],
)
def test_expiry_is_bounded(contact: str, header: str, status: int, granted: int) -> None:
    peer = office()
    response = Phone(peer).register(contact, headers=(header,) if header else ())
    assert response.status == status
    if granted:
        assert response.values("contact") == [f"<sip:a@h>;expires={granted};q=1"]
    else:
        assert (response.first("min-expires"), uris(peer)) == ("60", [])


def test_a_star_removes_all_and_only_as_the_rfc_has_it() -> None:
    peer = office()
    phone = Phone(peer)
    phone.register("<sip:a@h>, <sip:b@h>")
    assert phone.register("*").status == 400
    assert phone.register("*", "<sip:c@h>", headers=("Expires: 0",)).status == 400
    assert len(uris(peer)) == 2
    assert phone.register("*", headers=("Expires: 0",)).status == 200
    assert uris(peer) == []


def test_a_query_tells_and_changes_nothing() -> None:
    peer = office()
    phone = Phone(peer)
    phone.register("<sip:a@h>;expires=100")
    peer.event(BindingsChanged)
    peer.advance(40.0)
    assert phone.register().values("contact") == ["<sip:a@h>;expires=60;q=1"]
    peer.no_event()


def test_a_request_that_was_overtaken_changes_nothing() -> None:
    """RFC 3261 section 10.3 point 7; another Call-ID is a phone that was started anew."""
    peer = office()
    phone = Phone(peer)
    phone.register("<sip:a@h>", cseq=10)
    assert phone.register("<sip:a@h>;expires=0", cseq=9).status == 500
    assert phone.register("*", cseq=8, headers=("Expires: 0",)).status == 500
    assert uris(peer) == ["sip:a@h"]
    assert Phone(peer, call_id="anew").register("<sip:a@h>;expires=0", cseq=1).status == 200
    assert uris(peer) == []


def test_of_a_request_with_one_bad_contact_none_is_taken() -> None:
    peer = office()
    phone = Phone(peer)
    assert phone.register("<sip:a@h>", "<sip:b@h>;expires=5").status == 423
    assert phone.register("<sip:a@h>", "<tel:+123>").status == 400
    assert phone.register("<sip:a@h>", "<sip:").status == 400
    assert phone.register(*(f"<sip:{number}@h>" for number in range(17))).status == 400
    assert uris(peer) == []


def test_nobody_registers_for_another_or_without_a_password() -> None:
    peer = office()
    assert Phone(peer).register("<sip:evil@h>", to="sip:bob@192.0.2.2").status == 403
    assert uris(peer, "bob") == []
    careless = office(authenticate=lambda request, source: None)
    assert Phone(careless).register("<sip:a@h>").status == 403
    without = Peer(authenticate=lambda request, source: REALM)
    assert Phone(without).register("<sip:a@h>").status == 405


def test_the_domain_is_minded_where_one_is_configured() -> None:
    peer = office(Policy(domain="phones.example"))
    assert Phone(peer).register("<sip:a@h>").status == 404
    assert Phone(peer, call_id="2").register("<sip:a@h>", to="sip:alice@PHONES.example").status == 200


def test_a_path_is_kept_and_returned() -> None:
    peer = office()
    lines = ("Supported: path", "Path: <sip:edge1;lr>, <sip:edge2;lr>", "Require: path")
    response = Phone(peer).register("<sip:a@h>", headers=lines)
    assert response.values("path") == ["<sip:edge1;lr>", "<sip:edge2;lr>"]
    [binding] = peer.endpoint.bindings("alice", peer.now)
    assert binding.path == ("<sip:edge1;lr>", "<sip:edge2;lr>")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # The examples of RFC 3261 section 19.1.4.
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", True),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@192.0.2.4", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
        ("sip:carol@chicago.com;maddr=1.2.3.4", "sip:carol@chicago.com", False),
        ("sip:carol@chicago.com?Subject=next", "sip:carol@chicago.com", False),
    ],
)
def test_uris_are_compared_as_the_rfc_has_it(one: str, other: str, same: bool) -> None:
    assert Uri.parse(one).equivalent(Uri.parse(other)) is same
    assert Uri.parse(other).equivalent(Uri.parse(one)) is same


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["", "0", "60", "*", "99999999999"]))
def test_whatever_a_contact_says_it_is_served_or_refused_with_our_error(contact: str, expires: str) -> None:
    registrar = Registrar(POLICY)
    headers = [("to", "<sip:alice@h>"), ("call-id", "1"), ("cseq", "1 REGISTER"), ("contact", contact)]
    request = Request("REGISTER", "sip:h", [*headers, ("expires", expires)])
    try:
        outcome = registrar.register(request, "alice", PEER, OURS, 0.0)
    except MessageError:
        return
    assert outcome.status in (200, 400, 423)
    assert all(0 < each.expires_at <= POLICY.max_expires for each in registrar.bindings("alice", 0.0))
