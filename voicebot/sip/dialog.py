"""Dialogs: what two peers agree on beyond one transaction (RFC 3261 section 12)."""

from dataclasses import dataclass

from voicebot.sip.errors import MessageError
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Message, Request, Response
from voicebot.sip.uri import Uri

DialogId = tuple[str, str, str]


@dataclass(slots=True, eq=False)
class Dialog:
    """One dialog. `local` and `remote` are From and To as we send them; the route set is in the order of sending."""

    call_id: str
    local: NameAddress
    remote: NameAddress
    remote_target: Uri
    route_set: tuple[str, ...]
    local_sequence: int
    remote_sequence: int | None

    @property
    def id(self) -> DialogId:
        """Call-ID, our tag, the peer's tag."""
        return (self.call_id, self.local.tag, self.remote.tag)

    @classmethod
    def as_uas(cls, request: Request, local_tag: str, first_sequence: int) -> "Dialog":
        """Section 12.1.1. Raises MessageError if the request has no usable Contact."""
        contact = request.contact
        routes = tuple(request.values("record-route"))
        for route in routes:
            NameAddress.parse(route)
        return cls(
            request.call_id,
            request.to.with_tag(local_tag),
            request.from_,
            contact.uri if contact else request.from_.uri,
            routes,
            first_sequence,
            request.cseq.number,
        )

    @classmethod
    def as_uac(cls, request: Request, response: Response) -> "Dialog":
        """Section 12.1.2. A response must be acknowledged even if its Contact or its routes make no sense."""
        routes = tuple(reversed(response.values("record-route")))
        target = request.target
        try:
            for route in routes:
                NameAddress.parse(route)
            if response.contact is not None:
                target = response.contact.uri
        except MessageError:
            routes = ()
        return cls(
            request.call_id,
            request.from_,
            response.to,
            target,
            routes,
            request.cseq.number,
            None,
        )

    def refresh_target(self, message: Message) -> None:
        """A target refresh request, or the 2xx to one, names a new remote target (section 12.2)."""
        contact = message.contact
        if contact is not None:
            self.remote_target = contact.uri

    def refresh_target_quietly(self, response: Response) -> None:
        """The same for a 2xx to our own request: one with an unusable Contact leaves the target as it was."""
        try:
            self.refresh_target(response)
        except MessageError:
            return

    def accepts(self, request: Request) -> bool:
        """Check and note the peer's CSeq: it must rise (section 12.2.2)."""
        number = request.cseq.number
        if self.remote_sequence is not None and number <= self.remote_sequence:
            return False
        self.remote_sequence = number
        return True

    def next_sequence(self) -> int:
        self.local_sequence += 1
        return self.local_sequence

    @property
    def next_hop(self) -> Uri:
        """The URI that a request is sent to: the first route, else the remote target (section 12.2.1.1)."""
        return NameAddress.parse(self.route_set[0]).uri if self.route_set else self.remote_target

    @property
    def request_uri(self) -> str:
        """The Request-URI within the dialog: the remote target, unless the first route is a strict router's."""
        first = NameAddress.parse(self.route_set[0]).uri if self.route_set else None
        return str(self.remote_target if first is None or first.loose else first)

    def request(
        self, method: str, sequence: int, via: str, headers: HeaderList = (), body: bytes = b""
    ) -> Request:
        """Build a request within the dialog, for a loose or a strict router as the route set begins."""
        uri, routes = self.request_uri, self.route_set
        if routes and not NameAddress.parse(routes[0]).uri.loose:
            routes = (*routes[1:], f"<{self.remote_target}>")
        lines = [("via", via), ("max-forwards", "70")]
        lines += [("route", route) for route in routes]
        lines += [
            ("from", str(self.local)),
            ("to", str(self.remote)),
            ("call-id", self.call_id),
            ("cseq", f"{sequence} {method}"),
        ]
        return Request(method, uri, [*lines, *headers], body)
