"""Any bytes as a script of what happens to one endpoint: messages of peers, answers, decisions of ours, and time.

Each step is an octet that says what happens, and some more that say how. Whatever the order: nothing is raised, and
when all is hung up and the timers have run, nothing is held.
"""

import random

from tests.sip.peer import OURS, PEER, SDP, Peer
from voicebot.sip import (
    Account,
    Address,
    Answered,
    Credentials,
    Event,
    IncomingCall,
    Offer,
    Realm,
    ReferReceived,
    RegistrationDue,
    Request,
    SipError,
)
from voicebot.sip.registrar import Policy, Registrar

METHODS = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "UPDATE", "PRACK", "NOTIFY", "REFER"),
    *("REGISTER", "SUBSCRIBE", "MESSAGE", "X"),
)
HEADERS = (
    *("Require: 100rel", "Supported: 100rel, timer", "RAck: 1 1 INVITE", "Session-Expires: 90;refresher=uas"),
    *(
        "Session-Expires: 100;refresher=uac",
        "Min-SE: 1800",
        "Allow: INVITE, UPDATE",
        "Contact: *",
        "Contact: <",
    ),
    *("Contact: <sip:a@[::1]:5060;transport=tcp>", "Record-Route: <sip:192.0.2.7;lr>", "Record-Route: <<>"),
    *(
        "Route: <sip:192.0.2.2;lr>",
        "Refer-To: <sip:x@192.0.2.9>",
        "Refer-To: <sip:x@y?Replaces=a>",
        "Refer-Sub: false",
    ),
    *("Event: refer", "Event: keep-alive", "Subscription-State: terminated", "Content-Type: message/sipfrag"),
    *(
        "Content-Type: multipart/mixed; boundary=x",
        "Replaces: c1;to-tag=1;from-tag=a1",
        "Expires: 0",
        "Via: nonsense",
    ),
    *('Authorization: Digest username="a', "Max-Forwards: 0", "Retry-After: 1", "RSeq: 1", "RSeq: 2"),
    *("Require: timer", "Reason: SIP;cause=200", "Content-Length: 9999", " folded", "x"),
)
BODIES = ("", "", SDP, "x", "SIP/2.0 200 OK", "SIP/2.0 180 Ringing\r\n")
STATUSES = (
    100,
    180,
    183,
    199,
    200,
    202,
    302,
    401,
    407,
    408,
    422,
    423,
    481,
    486,
    487,
    491,
    494,
    503,
    600,
    699,
)
REALM = Realm("lab", {"u": "secret"})
CHALLENGE = 'Digest realm="lab", nonce="n", qop="auth"'
MOST_STEPS = 60
MOST_LISTED = 12


class Script:
    """One endpoint, what it sent, and the bytes that say what is next."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.peer = Peer(
            registrar=Registrar(Policy()),
            accept_refer=True,
            authenticate=lambda request, _source: (
                REALM if request.method in ("REGISTER", "MESSAGE") else None
            ),
            credentials=lambda _request, _source: Credentials("u", "secret"),
        )
        self.sessions: list[int] = []
        self.registrations: list[int] = []
        self.tags = [""]
        self.requests: list[Request] = []

    def octet(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def run(self) -> None:
        steps = (self.message, self.raw, self.reply, self.decide, self.pass_time, self.again)
        count = 0
        while self._at < len(self._data) and count < MOST_STEPS:
            steps[self.octet() % len(steps)]()
            self.settle()
            count += 1
        self.end()

    # --- what may happen

    def message(self) -> None:
        """A request of a peer, within a dialog or without."""
        method = METHODS[self.octet() % len(METHODS)]
        how = self.octet()
        headers = [HEADERS[self.octet() % len(HEADERS)] for _ in range(how & 3)]
        data = self.peer.text(
            method,
            to_tag=self.tags[self.octet() % len(self.tags)],
            cseq=self.octet() + 1,
            call_id=f"c{how >> 2 & 3}",
            branch=("", "z9hG4bKsame", "old", "")[how >> 4 & 3],
            headers=tuple(headers),
            body=BODIES[self.octet() % len(BODIES)],
        )
        self.receive(data)

    def raw(self) -> None:
        """Bytes as they stand in the script."""
        size = self.octet() * 4
        self.receive(self._data[self._at : self._at + size])
        self._at += size

    def reply(self) -> None:
        """A response to one of our requests."""
        if not self.requests:
            return
        request = self.requests[self.octet() % len(self.requests)]
        status = STATUSES[self.octet() % len(STATUSES)]
        how = self.octet()
        headers = [("contact", "<sip:p@192.0.2.1>")]
        headers += [
            (name.lower(), value)
            for name, _, value in (
                HEADERS[self.octet() % len(HEADERS)].partition(": ") for _ in range(how & 3)
            )
        ]
        if status in (401, 407):
            headers.append(("www-authenticate" if status == 401 else "proxy-authenticate", CHALLENGE))
        body = BODIES[how >> 2 & 3].encode()
        if body:
            headers.append(("content-type", "application/sdp"))
        tag = f"p{how >> 4 & 3}"
        self.receive(request.response(status, to_tag=tag, headers=headers, body=body).to_bytes())

    def again(self) -> None:
        """One of our own requests comes back to us; or it could not be sent."""
        if self.requests:
            request = self.requests[self.octet() % len(self.requests)]
            if self.octet() & 1:
                self.receive(request.to_bytes())
            else:
                self.peer.endpoint.transport_failed(request.to_bytes(), self.peer.now)

    def pass_time(self) -> None:
        self.settle()
        end = self.peer.now + (0.01, 0.5, 4.0, 40.0)[self.octet() & 3]
        endpoint = self.peer.endpoint
        while (due := endpoint.next_timer()) is not None and due <= end:
            self.peer.now = max(due, self.peer.now)
            endpoint.handle_timer(self.peer.now)
            self.settle()
        self.peer.now = end

    def decide(self) -> None:
        """Our side does something, sensible or not."""
        endpoint, now, sdp = self.peer.endpoint, self.peer.now, SDP.encode()
        what = self.octet()
        session = self.sessions[what % len(self.sessions)] if self.sessions else 0
        match self.octet() % 18:
            case 0 | 1:
                offer = sdp if what & 1 else None
                known = Credentials("u", "secret")
                self.note(endpoint.invite("sip:p@192.0.2.1", "sip:u@a", offer, now, credentials=known))
            case 2:
                endpoint.ring(session, now, 180 + what % 4, sdp if what & 64 else None)
            case 3 | 4:
                endpoint.accept(session, sdp, now)
            case 5:
                endpoint.reject(session, 300 + what, now)
            case 6:
                endpoint.cancel(session, now)
            case 7:
                endpoint.bye(session, now)
            case 8:
                endpoint.answer(session, sdp, now)
            case 9:
                endpoint.reject_offer(session, 488, now)
            case 10:
                endpoint.reinvite(session, sdp, now)
            case 11:
                endpoint.update(session, sdp if what & 1 else None, now)
            case 12:
                endpoint.info(session, "application/dtmf-relay", b"Signal=1", now)
            case 13:
                other = self.sessions[0] if self.sessions and what & 1 else None
                endpoint.refer(session, "sip:t@192.0.2.9", now, replacing=other)
            case 14:
                endpoint.answer_refer(session, 202 if what & 1 else 603, now)
            case 15:
                endpoint.notify_refer(session, 100 + what % 500, now)
            case 16:
                endpoint.options("sip:p@192.0.2.1", "sip:u@a", now)
            case _:
                account = Account("sip:u@a", "sip:192.0.2.1", Credentials("u", "secret"), "l", 300)
                if len(self.registrations) < 2:
                    self.registrations.append(endpoint.register(account, now))

    # --- what follows

    def receive(self, data: bytes) -> None:
        source = PEER if len(data) & 1 else Address("tcp", PEER.host, 40_000)
        self.peer.endpoint.receive(data, source, self.peer.now, OURS)

    def note(self, session: int) -> None:
        self.sessions = [*self.sessions, session][-MOST_LISTED:]

    def settle(self) -> None:
        """Hear the events; keep what was sent for replies to it."""
        endpoint = self.peer.endpoint
        while (event := endpoint.next_event()) is not None:
            self.hear(event)
        for message in self.peer.sent():
            if isinstance(message, Request):
                self.requests = [*self.requests, message][-MOST_LISTED:]
            elif message.to.tag not in self.tags:
                self.tags = [*self.tags, message.to.tag][-MOST_LISTED:]

    def hear(self, event: Event) -> None:
        if isinstance(event, IncomingCall | Offer | Answered | ReferReceived):
            self.note(event.session)
        elif isinstance(event, RegistrationDue):
            destination = PEER if self.octet() & 1 else None
            self.peer.endpoint.begin_registration(event.registration, destination, self.peer.now, "x")

    def end(self) -> None:
        """Hang everything up, let all timers run, and look what is left."""
        endpoint, peer = self.peer.endpoint, self.peer
        for _ in range(2):
            for session in list(endpoint._core.sessions):
                endpoint.reject(session, 480, peer.now)
                endpoint.cancel(session, peer.now)
                endpoint.bye(session, peer.now)
            for registration in self.registrations:
                endpoint.unregister(registration, peer.now)
            self.settle()
            peer.advance(700)
            self.settle()
        held = endpoint.held
        assert (held.sessions, held.dialogs, held.transactions) == (0, 0, 0), held
        assert endpoint.next_timer() is None
        assert endpoint._core.transactions._merged == {}


def play(data: bytes) -> None:
    try:
        Script(data).run()
    except SipError as error:
        raise AssertionError(f"told to a caller who asked for nothing wrong: {error}") from error


def made_up(rng: random.Random, size: int = 400) -> bytes:
    """Return a script in which little is raw bytes."""
    return bytes(
        rng.choice((0, 2, 3, 3, 4, rng.randrange(256))) if rng.random() < 0.4 else rng.randrange(256)
        for _ in range(size)
    )
