"""Flows with peers and proxies that do what our own side never does: offers in odd places, forks with early media, routes.

Each is played by two of our endpoints, with somebody between them who changes what the one sends.
"""

from collections.abc import Iterator

from tests.sip.flows import Flows, both_established, standing
from tests.sip.harness import ANSWER, CALLEE, CALLER, OFFER, THIRD, Carried, Pair, accept, ring
from voicebot.sip import (
    Address,
    Answered,
    Cancelled,
    Ended,
    Established,
    IncomingCall,
    Offer,
    OfferAnswered,
    PingAnswered,
    Progress,
    Request,
    Response,
)
from voicebot.sip.message import parse

FLOWS = Flows()


def with_body(request: Request, body: bytes) -> bytes:
    """Return the request with another description, or none."""
    kind = [("content-type", "application/sdp")] if body else []
    headers = [(name, value) for name, value in request.headers if not name.startswith("content-")]
    return Request(request.method, request.uri, [*headers, *kind], body).to_bytes()


@FLOWS.add()
def reinvited_without_offer(pair: Pair) -> Iterator[None]:
    """The caller wants the callee's offer in the 200, and answers in the ACK (RFC 3261 section 14.1)."""

    def late(data: bytes, source: Address, goal: Address) -> Carried:
        request = parse(data)
        if not isinstance(request, Request):
            return None
        bodies = {"INVITE": b"", "ACK": OFFER}
        return [(with_body(request, bodies[request.method]), goal)] if request.method in bodies else None

    call, _ = standing(pair)
    pair.intercept = late
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    assert pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.callee.one(Offer).sdp is None
    assert pair.caller.one(OfferAnswered).sdp == ANSWER
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def early_media_without_offer(pair: Pair) -> Iterator[None]:
    """The callee's offer is in its reliable 183, the caller's answer in the PRACK (RFC 3262 section 5)."""

    def late(data: bytes, source: Address, goal: Address) -> Carried:
        request = parse(data)
        bodies = {"INVITE": b"", "PRACK": ANSWER}
        if isinstance(request, Request) and request.method in bodies:
            return [(with_body(request, bodies[request.method]), goal)]
        return None

    pair.intercept = late
    pair.callee.on(IncomingCall, ring(183, OFFER))
    pair.callee.on(OfferAnswered, lambda endpoint, told, now: endpoint.accept(told.session, b"", now))
    call = pair.call()
    pair.run(60)
    assert pair.caller.endpoint.bye(call, pair.now)
    yield
    assert pair.callee.one(IncomingCall).sdp is None
    assert pair.caller.one(Progress).sdp == OFFER
    assert pair.callee.one(OfferAnswered).sdp == ANSWER
    pair.caller.one(Answered)
    pair.callee.one(Established)
    assert pair.callee.one(Ended).by_peer


@FLOWS.add()
def forked_with_early_media(pair: Pair) -> Iterator[None]:
    """Two phones play something before both are answered: two early dialogs, each with its PRACKs; one call."""
    proxied = f" sip:bot@{CALLEE.host_port} SIP/2.0".encode()

    def fork(data: bytes, source: Address, goal: Address) -> Carried:
        return [(data, CALLEE), (data, THIRD)] if proxied in data.split(b"\r\n", 1)[0] else None

    pair.intercept = fork
    for side in (pair.callee, pair.third):
        side.on(IncomingCall, ring(183, ANSWER), accept())
    call = pair.call()
    pair.run(80)
    assert pair.caller.endpoint.bye(call, pair.now)
    yield
    pair.caller.one(Answered)
    # Whose 183 comes after the other's 200 gets no PRACK any more, and refuses; a proxy would have cancelled it.
    ends = [side.one(Ended if side.all(Established) else Cancelled) for side in (pair.callee, pair.third)]
    assert [each.by_peer for each in ends if isinstance(each, Ended)] in ([True], [True, True])


def routed(pair: Pair, parameters: str) -> Iterator[None]:
    """A proxy stays in the way of the call by Record-Route; whatever is sent within the call goes through it."""
    route = f"<sip:{THIRD.host_port}{parameters}>"
    passed: list[str] = []

    def proxy(data: bytes, source: Address, goal: Address) -> Carried:
        request = parse(data)
        if not isinstance(request, Request):
            return None
        if goal != THIRD:
            assert request.method == "INVITE"
            assert not request.to.tag
            return [(with_headers(request, request.uri, [("record-route", route)]), goal)]
        first, *rest = request.values("route")
        passed.append(request.method)
        # A strict router finds itself in the Request-URI and its next hop in the Route; a loose one itself in the Route.
        uri = request.uri if ";lr" in parameters else first.strip("<>")
        assert ";lr" not in parameters or first == route
        left = [("route", value) for value in rest]
        return [(with_headers(request, uri, left), CALLEE if source == CALLER else CALLER)]

    pair.intercept = proxy
    call, session = standing(pair)
    assert pair.caller.endpoint.reinvite(call, OFFER, pair.now)
    pair.run(40)
    assert pair.callee.endpoint.update(session, ANSWER, pair.now)
    pair.run(40)
    assert pair.callee.endpoint.bye(session, pair.now)
    yield
    both_established(pair)
    assert {"ACK", "INVITE", "UPDATE", "BYE"} <= set(passed)
    assert pair.caller.one(OfferAnswered).sdp == ANSWER
    assert pair.callee.one(OfferAnswered).sdp == OFFER
    assert pair.caller.one(Ended).by_peer


def with_headers(request: Request, uri: str, added: list[tuple[str, str]]) -> bytes:
    headers = [(name, value) for name, value in request.headers if name != "route"]
    return Request(request.method, uri, [*added, *headers], request.body).to_bytes()


@FLOWS.add()
def routed_loosely(pair: Pair) -> Iterator[None]:
    yield from routed(pair, ";lr")


@FLOWS.add()
def routed_strictly(pair: Pair) -> Iterator[None]:
    """RFC 3261 section 12.2.1.1: the Request-URI is the proxy's, the callee's Contact the last Route."""
    yield from routed(pair, "")


@FLOWS.add()
def refused_besides_calls(pair: Pair) -> Iterator[None]:
    """What is not served is refused once, and leaves nothing: MESSAGE, SUBSCRIBE, a NOTIFY that nobody asked for."""
    kinds = {"one": "MESSAGE", "two": "SUBSCRIBE", "three": "NOTIFY"}

    def other_kind(data: bytes, source: Address, goal: Address) -> Carried:
        """An OPTIONS is one of these on the wire, and an OPTIONS again when its answer comes back."""
        message = parse(data)
        assert message is not None
        kind = kinds[message.to.uri.user or ""]
        said, meant = ("OPTIONS", kind) if isinstance(message, Request) else (kind, "OPTIONS")
        headers = [
            (name, value.replace(said, meant) if name == "cseq" else value) for name, value in message.headers
        ]
        if isinstance(message, Request):
            return [(Request(kind, message.uri, headers).to_bytes(), goal)]
        return [(Response(message.status, message.reason, headers).to_bytes(), goal)]

    pair.intercept = other_kind
    for name in kinds:
        pair.caller.endpoint.options(f"sip:{name}@{CALLEE.host_port}", "sip:a@example.com", pair.now)
    yield
    found = sorted(event.status for event in pair.caller.all(PingAnswered))
    assert found == [405, 405, 489]
    assert not pair.callee.events
