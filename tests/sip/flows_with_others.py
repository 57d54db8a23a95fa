"""Flows with a registrar, a proxy on the way or a third party, and requests besides the call: INFO, OPTIONS."""

from collections.abc import Iterator

from tests.sip.flows import ALICE, REALM, Flows, answering, both_established, standing
from tests.sip.harness import (
    CALLEE,
    OFFER,
    THIRD,
    Carried,
    Pair,
    accept,
    answer_refer,
    end_replaced,
    reject,
    ring,
)
from voicebot.sip import (
    Account,
    Address,
    Answered,
    Ended,
    Endpoint,
    IncomingCall,
    InfoReceived,
    Offer,
    OfferAnswered,
    PingAnswered,
    ReferProgress,
    ReferReceived,
    RegistrationChanged,
    RegistrationDue,
    Rejected,
    Request,
    SessionTimers,
    Uri,
)
from voicebot.sip.message import parse
from voicebot.sip.registrar import Policy
from voicebot.sip.replaces import Replaces

FLOWS = Flows()
ALICE_URI = "sip:alice@example.com"


@FLOWS.add()
def redirected(pair: Pair) -> Iterator[None]:
    """The callee says where else to call; the caller does."""

    def follow(endpoint: Endpoint, refusal: Rejected, now: float) -> None:
        contact = dict(refusal.headers)["contact"].strip("<>")
        endpoint.invite(contact, ALICE_URI, OFFER, now)

    pair.callee.on(IncomingCall, reject(302, ("contact", f"<sip:other@{THIRD.host_port}>")))
    pair.caller.on(Rejected, follow)
    pair.third.on(IncomingCall, accept())
    pair.call()
    pair.run(80)
    pair.caller.endpoint.bye(pair.caller.one(Answered).session, pair.now)
    yield
    assert (pair.caller.one(Rejected).status, pair.caller.one(Rejected).why) == (302, "refused")
    assert pair.third.one(Ended).by_peer


@FLOWS.add()
def informed(pair: Pair) -> Iterator[None]:
    call, session = standing(pair)
    assert pair.caller.endpoint.info(call, "application/dtmf-relay", b"Signal=5", pair.now)
    assert pair.callee.endpoint.info(session, "text/plain", b"x", pair.now)
    pair.run(40)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    both_established(pair)
    assert pair.callee.one(InfoReceived).body == b"Signal=5"
    assert pair.caller.one(InfoReceived).body == b"x"
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def pinged(pair: Pair) -> Iterator[None]:
    for side, goal in ((pair.caller, CALLEE), (pair.callee, pair.caller.address)):
        side.endpoint.options(f"sip:{goal.host_port}", "sip:a@example.com", pair.now)
        side.endpoint.options(f"sip:{goal.host_port}", "sip:a@example.com", pair.now)
    yield
    for side in (pair.caller, pair.callee):
        assert [event.status for event in side.all(PingAnswered)] == [200, 200]


@FLOWS.add(realm=REALM, policy=Policy())
def registered(pair: Pair) -> Iterator[None]:
    """With a challenge; refreshed; and removed."""
    pair.caller.on(
        RegistrationDue, lambda endpoint, due, now: endpoint.begin_registration(due.registration, CALLEE, now)
    )
    account = Account(ALICE_URI, f"sip:{CALLEE.host_port}", ALICE, "l", 300)
    number = pair.caller.endpoint.register(account, pair.now)
    pair.run(290)
    [phone] = pair.callee.endpoint.bindings("alice", pair.now)
    assert phone.source == pair.caller.address
    pair.caller.endpoint.unregister(number, pair.now)
    yield
    states = [event.state for event in pair.caller.all(RegistrationChanged)]
    assert (states[0], states[-1]) == ("registered", "gone")
    assert set(states[:-1]) == {"registered"}
    assert len(states) == 3, "it was refreshed once"
    assert pair.callee.endpoint.bindings("alice", pair.now) == ()


@FLOWS.add(timers=SessionTimers(90))
def refreshed_by_reinvite(pair: Pair) -> Iterator[None]:
    """RFC 4028 with a peer that does not allow UPDATE."""
    pair.intercept = lambda data, source, goal: [(data.replace(b" UPDATE,", b""), goal)]
    answering(pair)
    call = pair.call()
    pair.run(300)
    pair.caller.endpoint.bye(call, pair.now)
    yield
    assert sum(line.startswith("INVITE ") for line in pair.start_lines()) > 2
    assert not pair.caller.one(Ended).by_peer
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def forked(pair: Pair) -> Iterator[None]:
    """A proxy rings two phones, and both are answered: the first has the call, the other is hung up."""
    proxied = f" sip:bot@{CALLEE.host_port} SIP/2.0".encode()

    def fork(data: bytes, source: Address, goal: Address) -> Carried:
        return [(data, CALLEE), (data, THIRD)] if proxied in data.split(b"\r\n", 1)[0] else None

    pair.intercept = fork
    answering(pair)
    pair.third.on(IncomingCall, ring(), accept())
    call = pair.call()
    pair.run(80)
    standing = [side for side in (pair.callee, pair.third) if not side.all(Ended)]
    assert len(standing) == 1
    pair.caller.endpoint.bye(call, pair.now)
    yield
    pair.caller.one(Answered)
    assert all(side.one(Ended).by_peer for side in (pair.callee, pair.third))


@FLOWS.add()
def handed_over(pair: Pair) -> Iterator[None]:
    """Attended transfer (RFC 5589 section 7): the callee joins its caller with the third, by REFER with Replaces."""
    target = f"sip:{THIRD.host_port}"

    def follow(endpoint: Endpoint, refer: ReferReceived, now: float) -> None:
        value = Uri.parse(refer.refer_to).headers.removeprefix("Replaces=")
        value = value.replace("%3B", ";").replace("%3D", "=")
        assert Replaces.parse(value)
        endpoint.invite(target, ALICE_URI, OFFER, now, headers=[("Replaces", value)])

    def tell(endpoint: Endpoint, answered: Answered, now: float) -> None:
        if answered.session != call:
            assert endpoint.notify_refer(call, 200, now)

    def leave(endpoint: Endpoint, progress: ReferProgress, now: float) -> None:
        if progress.final:
            assert progress.status == 200
            endpoint.bye(progress.session, now)

    pair.third.on(IncomingCall, accept(), end_replaced())
    pair.callee.on(ReferProgress, leave)
    pair.caller.on(ReferReceived, answer_refer(202), follow)
    call, session = standing(pair)
    pair.caller.on(Answered, tell)
    asked = pair.callee.endpoint.invite(target, "sip:bot@example.com", OFFER, pair.now)
    pair.run(40)
    assert pair.callee.endpoint.refer(session, target, pair.now, replacing=asked)
    pair.run(80)
    [new] = [event.session for event in pair.caller.all(Answered) if event.session != call]
    assert [event.session for event in pair.caller.all(Ended)] == [call]
    pair.caller.endpoint.bye(new, pair.now)
    yield
    assert sorted(event.session for event in pair.callee.all(Ended)) == sorted([session, asked])
    assert len(pair.third.all(Ended)) == 2


@FLOWS.add()
def challenged_in_the_call(pair: Pair) -> Iterator[None]:
    """A proxy on the way asks for a password for each kind of request within the call, with nonces of its own."""
    serials = iter(range(1, 1000))
    refused: set[str] = set()

    def challenge(data: bytes, source: Address, goal: Address) -> Carried:
        request = parse(data)
        if source != pair.caller.address or not isinstance(request, Request) or not request.to.tag:
            return None
        if request.method == "ACK" and f"{request.via.branch} {request.cseq.number}" in refused:
            return []
        if request.method == "ACK" or f'"{request.method}' in (request.first("proxy-authorization") or ""):
            return None
        refused.add(f"{request.via.branch} {request.cseq.number}")
        stale = f'stale=true, nonce="{request.method}{next(serials)}"'
        nonce = f'Digest realm="lab", {stale}, qop="auth"'
        return [(request.response(407, headers=[("proxy-authenticate", nonce)]).to_bytes(), source)]

    pair.intercept = challenge
    pair.callee.on(ReferReceived, answer_refer(202))
    call, _ = standing(pair, ALICE)
    endpoint = pair.caller.endpoint
    assert endpoint.info(call, "application/dtmf-relay", b"Signal=5", pair.now)
    pair.run(40)
    assert endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    assert endpoint.update(call, OFFER, pair.now)
    pair.run(40)
    assert endpoint.refer(call, f"sip:{THIRD.host_port}", pair.now)
    pair.run(40)
    assert endpoint.bye(call, pair.now)
    yield
    assert next(serials) > 5, "INFO, re-INVITE, UPDATE, REFER and BYE were challenged"
    pair.callee.one(InfoReceived)
    assert [event.kind for event in pair.callee.all(Offer)] == ["reinvite", "update"]
    assert len(pair.caller.all(OfferAnswered)) == 2
    pair.callee.one(ReferReceived)
    assert pair.callee.one(Ended).by_peer
    assert not pair.caller.one(Ended).by_peer
