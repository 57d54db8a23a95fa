"""One call as the endpoint sees it: its stage, its dialog, and what it waits for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from voicebot.sip.address import Address
from voicebot.sip.dialog import Dialog, DialogId
from voicebot.sip.digest import ClientAuthentication
from voicebot.sip.errors import Why
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Message, Request, Response
from voicebot.sip.scheduler import Entry
from voicebot.sip.timers import T1
from voicebot.sip.transaction_layer import Client, Server

Place = tuple[str, int | None]  # host and port of a URI


class Stage(Enum):
    INCOMING = "a received INVITE waits for our decision"
    CALLING = "our INVITE has no final response"
    ACCEPTED = "our 2xx waits for its ACK, or their late offer for our answer"
    CONFIRMED = "the call stands"
    LEFT = "the peer hung up; how the transfer that it was asked for ended may still come"
    ENDING = "our BYE has no final response"
    ENDED = "over"


class Wait(Enum):
    """What a session's timers are for."""

    __hash__ = object.__hash__  # members are compared by identity; Enum's own hash is written in Python

    REPEAT_2XX = "send the 2xx again"
    NO_ACK = "the ACK did not come"
    RING_REFRESH = "tell the caller again that it rings"
    RING_LIMIT = "it rings for too long"
    CANCEL_TIMEOUT = "no final response after a CANCEL"
    NO_ANSWER_TO_OFFER = "our user did not answer a late offer"
    REINVITE_AGAIN = "after a 491"
    NEXT_ADDRESS = "the peer's first address is silent"
    REFER_LIMIT = "a transfer without news"
    SESSION_EXPIRES = "nobody has refreshed the session"
    REPEAT_PROVISIONAL = "no PRACK yet"
    REFRESH = "we are to refresh the session"
    LAST_NOTIFY = "the peer hung up before it told how a transfer ended"


@dataclass(slots=True, eq=False)
class Unacknowledged:
    """A 2xx to an INVITE that is repeated until its ACK comes (RFC 3261 section 13.3.1.4)."""

    server: Server
    response: Response
    sequence: int
    offered: bool
    interval: float = T1


@dataclass(slots=True, eq=False)
class Unpracked:
    """A reliable provisional response that is repeated until its PRACK comes (RFC 3262 section 3)."""

    server: Server
    response: Response
    rseq: int
    until: float
    interval: float = T1


@dataclass(slots=True, eq=False)
class EarlyDialog:
    """One of the dialogs that a forked INVITE makes before it is answered. `rseq`: the last reliable response of it.

    `settled`: a reliable response has answered our offer. `ours`: our answer to what an UPDATE offered since.
    """

    dialog: Dialog
    rseq: int = 0
    settled: bool = False
    ours: bytes = b""


@dataclass(slots=True, eq=False)
class OutgoingCall:
    """What an INVITE is built from, as often as it must be sent again with credentials."""

    target: str
    from_: NameAddress
    to: NameAddress
    call_id: str
    headers: HeaderList
    max_forwards: str
    sdp: bytes | None
    destination: Address
    alternatives: tuple[Address, ...] = ()
    impatient: bool = False  # a last address that is silent is given up as early as the others
    # INVITEs that went to addresses that were silent, and where: whoever stirs after all is told that nobody waits.
    left: dict[Client, Address] = field(default_factory=dict)
    sequence: int = 0
    provisional: bool = False
    early: dict[str, EarlyDialog] = field(default_factory=dict)  # by the peer's tag
    early_sdp: dict[str, bytes] = field(default_factory=dict)
    cancel_wanted: bool = False
    cancel_sent: bool = False
    cancel_headers: HeaderList = ()


@dataclass(slots=True, eq=False)
class Session:
    id: int
    stage: Stage
    peer: Address
    local: Address | None
    authentication: ClientAuthentication
    on_wait: Callable[["Session", Wait, float], None]
    dialog: Dialog | None = None
    behind: Place | None = None  # what the peer calls its own address, though it is reached at `peer`
    dialog_ids: set[DialogId] = field(default_factory=set)
    outgoing: OutgoingCall | None = None
    invite_server: Server | None = None
    invite_client: Client | None = None
    offer_server: Server | None = None
    update_sent: bool = False  # an UPDATE of ours with an offer has no answer yet
    late_2xx: Response | None = None
    unacknowledged: Unacknowledged | None = None
    # ACKs that were sent, by the peer's tag and CSeq: each repeated 2xx gets its own again.
    acks: dict[tuple[str, int], tuple[bytes, Address]] = field(default_factory=dict)
    bye_headers: HeaderList | None = None
    end_cause: str = ""
    reinvite_sdp: bytes = b""
    ring_status: int = 0
    # Reliable provisional responses of ours, see reliable.py.
    rseq: int = 0
    unpracked: Unpracked | None = None
    settled_early: bool = False  # a reliable response has carried our description, and its PRACK has come
    accept_waiting: tuple[bytes, HeaderList] | None = None  # the 2xx that waits for a PRACK
    challenge_failed: Why | None = None  # of the last request in the dialog that was challenged in vain
    refer_pending: bool = False
    refer_accepted: bool = False
    refer_told: bool = False
    left: Request | None = None
    refer_server: Server | None = None
    refer_event: str = ""
    # The session timer, see session_timer.py.
    expires: int = 0
    refreshes: bool = False
    min_expires: int = 0
    expires_raised: int = 0
    refreshing: bool = False  # the re-INVITE under way is only a refresh
    sdp: bytes = b""  # our description that is in force
    peer_allows: frozenset[str] = frozenset()
    waits: dict[Wait, float] = field(default_factory=dict)
    entry: Entry | None = None

    @property
    def open(self) -> bool:
        return self.stage not in (Stage.LEFT, Stage.ENDING, Stage.ENDED)

    def note_allowed(self, message: Message) -> None:
        """Keep what the peer's Allow says, if it has one."""
        if message.has("allow"):
            self.peer_allows = message.tokens("allow")

    def next_timer(self) -> float | None:
        return min(self.waits.values(), default=None)

    def handle_timer(self, now: float) -> None:
        for wait, due in sorted(self.waits.items(), key=lambda item: item[1]):
            if due <= now and self.waits.get(wait) == due:
                del self.waits[wait]
                self.on_wait(self, wait, now)

    def stop(self, *waits: Wait) -> None:
        for wait in waits:
            self.waits.pop(wait, None)
