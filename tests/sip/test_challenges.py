"""Who answers challenges to several requests of one call: what a PBX sees whose nonces are good for one request only."""

from collections.abc import Callable

import pytest

from tests.sip.peer import PEER, SDP, Peer
from voicebot.sip import (
    Address,
    Answered,
    Credentials,
    Ended,
    OfferRejected,
    Progress,
    ReferProgress,
    Rejected,
    Request,
)
from voicebot.sip.digest import ClientAuthentication, Realm, ServerAuthentication, parse_parameters
from voicebot.sip.message import HeaderList, Response, parse

ALICE = Credentials("alice", "secret")
REALM = Realm("pbx", {"alice": "secret"})
CONTACT = ("contact", "<sip:agent@192.0.2.1:5060>")


class Pbx:
    """It asks for a password at every request, with a nonce that it has not given before and without `stale`."""

    def __init__(self, alternatives: tuple[Address, ...] = (), record_route: HeaderList = ()) -> None:
        self.peer = Peer()
        self.digest = ServerAuthentication(b"k" * 32)
        self.headers: HeaderList = (CONTACT, *record_route)
        self.session = self.peer.endpoint.invite(
            "sip:agent@192.0.2.1",
            "sip:bot@x",
            b"offer",
            self.peer.now,
            credentials=ALICE,
            destination=PEER,
            alternatives=alternatives,
        )

    def asked(self) -> Request:
        """Return the request that we sent last."""
        found = [message for message in self.peer.sent() if isinstance(message, Request)]
        return found[-1]

    def reply(self, request: Request, status: int, headers: HeaderList = (), body: bytes = b"") -> None:
        lines = [*self.headers, *headers, *([("content-type", "application/sdp")] if body else [])]
        response = request.response(status, to_tag="t1", headers=lines, body=body)
        self.peer.endpoint.receive(response.to_bytes(), PEER, self.peer.now)

    def challenge(self, request: Request) -> Request:
        """Ask; return the request with the answer, which has to be right."""
        self.peer.now += 1.0
        self.reply(request, 401, self.digest.challenge(REALM, self.peer.now))
        again = self.asked()
        assert again.method == request.method
        assert self.digest.check(again, REALM, self.peer.now).user == "alice"
        return again

    def answer(self) -> None:
        self.reply(self.challenge(self.asked()), 200, body=SDP.encode())
        self.peer.event(Answered)
        self.peer.sent()


def refer(pbx: Pbx) -> None:
    pbx.peer.endpoint.refer(pbx.session, "sip:6001@192.0.2.1", pbx.peer.now)


def reinvite(pbx: Pbx) -> None:
    pbx.peer.endpoint.reinvite(pbx.session, b"offer", pbx.peer.now)


def update(pbx: Pbx) -> None:
    pbx.peer.endpoint.update(pbx.session, b"offer", pbx.peer.now)


def info(pbx: Pbx) -> None:
    pbx.peer.endpoint.info(pbx.session, "application/dtmf-relay", b"Signal=1", pbx.peer.now)


@pytest.mark.parametrize("status", [401, 403, 488, 603])
@pytest.mark.parametrize("request_of_ours", [refer, reinvite, update, info])
def test_a_request_that_was_challenged_and_refused_takes_no_try_from_the_bye(
    request_of_ours: Callable[[Pbx], None], status: int
) -> None:
    pbx = Pbx()
    pbx.answer()
    request_of_ours(pbx)
    again = pbx.challenge(pbx.asked())
    pbx.reply(again, status, pbx.digest.challenge(REALM, pbx.peer.now + 0.5) if status == 401 else ())
    while isinstance(pbx.peer.endpoint.next_event(), (ReferProgress, OfferRejected)):
        pass
    pbx.peer.sent()
    pbx.peer.endpoint.bye(pbx.session, pbx.peer.now)
    pbx.reply(pbx.challenge(pbx.asked()), 200)
    assert pbx.peer.event(Ended).cause == ""


def test_each_of_the_addresses_of_a_peer_may_challenge_for_itself() -> None:
    """RFC 3263 section 4.3: the second one has never heard of the nonce of the first."""
    second = Address("udp", "192.0.2.9", 5060)
    pbx = Pbx(alternatives=(second,))
    pbx.reply(pbx.challenge(pbx.asked()), 503)
    [datagram] = [each for each in pbx.peer.endpoint.datagrams_to_send() if each.destination == second]
    invite = parse(datagram.data)
    assert isinstance(invite, Request)
    pbx.reply(pbx.challenge(invite), 200, body=SDP.encode())
    pbx.peer.event(Answered)


def test_a_422_between_two_challenges_is_no_wrong_password() -> None:
    pbx = Pbx()
    pbx.reply(pbx.challenge(pbx.asked()), 422, [("min-se", "3600")])
    longer = pbx.challenge(pbx.asked())
    assert longer.first("session-expires") == "3600"
    pbx.reply(longer, 200, body=SDP.encode())
    pbx.peer.event(Answered)


def test_a_pbx_that_never_stops_asking_is_left_also_if_it_rings_in_between() -> None:
    """A PRACK is a request of its own, with tries of its own: it begins none for the INVITE."""
    pbx, asked = Pbx(), 0
    while (
        found := [each for each in pbx.peer.sent() if isinstance(each, Request) and each.method == "INVITE"]
    ) and asked < 50:
        asked += 1
        pbx.reply(found[0], 183, [("require", "100rel"), ("rseq", str(asked))])
        pbx.reply(pbx.challenge(pbx.asked()), 200)
        pbx.peer.now += 1.0
        pbx.reply(found[0], 401, pbx.digest.challenge(REALM, pbx.peer.now, stale=True))
        pbx.peer.event(Progress)
    assert asked == 3
    assert pbx.peer.event(Rejected).why == "tries_exhausted"


def test_the_uri_of_an_answer_is_that_of_the_request_line_also_through_a_strict_router() -> None:
    """RFC 3261 section 22.4: the router that asks sees its own URI there (section 12.2.1.1)."""
    pbx = Pbx(record_route=[("record-route", "<sip:192.0.2.1:5060>")])
    pbx.answer()
    pbx.peer.endpoint.bye(pbx.session, pbx.peer.now)
    bye = pbx.challenge(pbx.asked())
    given = parse_parameters(bye.first("authorization") or "")["uri"]
    assert given == bye.uri == "sip:192.0.2.1:5060"


def test_nonces_that_are_used_no_more_are_forgotten() -> None:
    """An account registers for years, each time with another nonce."""
    client = ClientAuthentication(ALICE)
    for number in range(50):
        line = f'Digest realm="pbx", nonce="n{number}", qop="auth"'
        client.challenged(Response(401, "Unauthorized", [("www-authenticate", line)]))
        client.headers("REGISTER", "sip:pbx", "c")
        client.begin_anew()
    assert len(client._counts) == 1
