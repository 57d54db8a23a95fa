"""What an examination saw. All instants are seconds of one monotonic clock."""

from dataclasses import dataclass, field
from typing import NamedTuple

from voicebot.media.rtcp import ReportBlock
from voicebot.sip import Address
from voicebot.sip.message import Request, Response


class Heard(NamedTuple):
    """One RTP packet as it arrived."""

    at: float
    host: str
    port: int
    payload_type: int
    sequence_number: int
    rtp_timestamp: int
    ssrc: int
    payload: bytes


class Reported(NamedTuple):
    """What the peer's RTCP says of our audio; `round_trip` in seconds, None where it does not show."""

    at: float
    block: ReportBlock
    round_trip: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """An offer of ours within the call and its final response; `status` 0: none came in time."""

    status: int
    answer: bytes | None = None
    asked_at: float = 0.0
    answered_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Echo:
    """Our chirp came back `delay` seconds after it was sent; `exact`: byte for byte, so nobody has transcoded it."""

    delay: float
    exact: bool


@dataclass(slots=True)
class Evidence:
    """Filled while the call goes on; what could not be tried keeps its default.

    `provisionals` and `final` are the responses to the INVITE with their arrival; a 401 or 407 that was answered is in
    `challenges`. `transports`: "" for one that answers, else why not. `large`: the status of a request of `large_bytes`,
    0 for silence, None: not sent. `sent` are our audio packets. `cut_short`: why the examination ended early.
    """

    own: Address
    peer: Address
    certificate: str = ""
    pings: list[float] = field(default_factory=list)
    options: Response | None = None
    transports: dict[str, str] = field(default_factory=dict)
    large: int | None = None
    large_bytes: int = 0
    invited_at: float = 0.0
    offer: bytes = b""
    challenges: list[Response] = field(default_factory=list)
    credentials: bool = False
    provisionals: list[tuple[float, Response]] = field(default_factory=list)
    final: tuple[float, Response] | None = None
    too_brief: list[Response] = field(default_factory=list)  # 422
    unusable: str = ""  # why the answer's SDP cannot be used
    answer: bytes | None = None
    heard: list[Heard] = field(default_factory=list)
    sent_audio: int = 0
    event_payload_type: int | None = None
    audio_payload_type: int | None = None
    keys_sent: str = ""
    keys_heard: str = ""
    reports: list[Reported] = field(default_factory=list)
    echo: Echo | None = None
    chirped: bool = False
    hold: Change | None = None
    held: tuple[float, float] | None = None  # when nothing should have come
    resume: Change | None = None
    resumed: tuple[float, float] | None = None
    update: Change | None = None
    refer: int | None = None  # the last status of the transfer
    refer_told: bool = False  # whether a NOTIFY said so
    ended_by_peer: float | None = None
    hung_up_at: float | None = None
    cut_short: str = ""
    requests: list[Request] = field(default_factory=list)  # of the peer, in the call

    @property
    def answered(self) -> Response | None:
        """The 2xx to the INVITE."""
        return self.final[1] if self.final is not None and self.final[1].status < 300 else None

    @property
    def answered_at(self) -> float:
        return self.final[0] if self.final is not None else 0.0

    @property
    def software(self) -> str:
        """What the PBX calls itself, "" where it does not say."""
        responses = [each for each in (self.options, self.final and self.final[1], *self.challenges) if each]
        names = [each.first(name) for each in responses for name in ("server", "user-agent")]
        return next((name for name in names if name), "")
