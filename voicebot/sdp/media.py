"""What offer and answer have settled about one leg's audio."""

from dataclasses import dataclass, field
from typing import Literal

from voicebot.sdp.description import Direction, RtpMap

Codec = Literal["PCMU", "PCMA", "G722", "OPUS"]

ENCODINGS: dict[Codec, RtpMap] = {
    "PCMU": RtpMap("PCMU", 8000),
    "PCMA": RtpMap("PCMA", 8000),
    "G722": RtpMap("G722", 8000),  # it samples at 16 kHz; the clock is 8000 by RFC 3551 section 4.5.2
    "OPUS": RtpMap("OPUS", 48000, 2),  # always so, whatever is encoded: RFC 7587 section 7
}
# RFC 3551 table 4: what a payload type means without an rtpmap.
STATIC: dict[int, RtpMap] = {0: ENCODINGS["PCMU"], 8: ENCODINGS["PCMA"], 9: ENCODINGS["G722"]}
# The numbers that we offer for what has no static one; peers are used to them.
DYNAMIC: dict[RtpMap, int] = {
    ENCODINGS["OPUS"]: 107,
    RtpMap("TELEPHONE-EVENT", 8000): 101,
    RtpMap("TELEPHONE-EVENT", 48000): 102,
}
EVENT = "TELEPHONE-EVENT"
EVENT_PAYLOAD_TYPE = 101
PTIME_MS = 20
PTIMES_MS: dict[Codec, tuple[int, ...]] = {
    "PCMU": (10, 20, 30, 40, 50, 60),
    "PCMA": (10, 20, 30, 40, 50, 60),
    "G722": (10, 20, 30, 40, 50, 60),
    "OPUS": (10, 20, 40, 60),  # the frames of RFC 6716 section 2.1.4 that one packet can hold alone
}


@dataclass(frozen=True, slots=True)
class Srtp:
    """The keys of an encrypted stream: master key and salt in one, 30 bytes, as SDES carries them (RFC 4568 section 6.1)."""

    suite: str
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """One audio stream, seen from us.

    `payload_type` and `event_payload_type` are the peer's numbers, which we put into packets (None: the peer takes no
    events). `receive_payload_type` and `receive_event_payload_type` are ours, which the peer puts into packets;
    `alternatives` are further numbers of ours that it may use, with the encoding's name ("PCMA", "TELEPHONE-EVENT").
    `direction` is ours: "recvonly" = we only listen. `ptime_ms` is what the peer is to be sent, 20 if it does not say.
    `held` = the peer has put us on hold. `remote_host` is an IP address or a name, as the peer wrote it.
    `rtcp_port` 0: the one after `remote_port`. `rtcp_mux`: RTCP on the ports of RTP (RFC 5761). `srtp` None: not encrypted.
    """

    codec: Codec
    payload_type: int
    receive_payload_type: int
    event_payload_type: int | None
    receive_event_payload_type: int
    remote_host: str
    remote_port: int
    direction: Direction = "sendrecv"
    ptime_ms: int = PTIME_MS
    event_clock_rate: int = 8000
    alternatives: tuple[tuple[int, str], ...] = ()
    rtcp_mux: bool = False
    rtcp_port: int = 0
    srtp: Srtp | None = None

    @property
    def send(self) -> bool:
        """Whether we may send."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def receive(self) -> bool:
        """Whether the peer may send."""
        return self.direction in ("sendrecv", "recvonly")

    @property
    def held(self) -> bool:
        """Whether the peer does not want to hear us."""
        return not self.send
