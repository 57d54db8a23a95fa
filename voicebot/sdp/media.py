"""What offer and answer have settled about one leg's audio."""

from dataclasses import dataclass
from typing import Literal

from voicebot.sdp.description import Direction

Codec = Literal["PCMU", "PCMA"]

STATIC_PAYLOAD_TYPES: dict[Codec, int] = {"PCMU": 0, "PCMA": 8}
CLOCK_RATE = 8000
# The number that we offer for telephone-event/8000; peers are used to it.
EVENT_PAYLOAD_TYPE = 101
# A media worker's tick; other packet times are not sent.
PTIME_MS = 20


@dataclass(frozen=True, slots=True)
class Media:
    """One audio stream, seen from us.

    `payload_type` and `event_payload_type` are the peer's numbers, which we put into packets (None: the peer takes no
    events). `receive_payload_type` and `receive_event_payload_type` are ours, which the peer puts into packets.
    `direction` is ours: "recvonly" = we only listen. `ptime_ms` is what the peer likes to receive, 20 if it does not
    say. `held` = the peer has put us on hold. `remote_host` is an IP address or a name, as the peer wrote it.
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
