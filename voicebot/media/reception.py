"""What arrives of one stream: order, loss and jitter (RFC 3550 section 6.4.1, appendices A.1, A.3 and A.8)."""

from enum import Enum, auto

from voicebot.media import SAMPLE_RATE

_MAX_DROPOUT = 3000  # RFC 3550 appendix A.1
_MAX_MISORDER = 100
_SEEN_MASK = (1 << (_MAX_MISORDER + 1)) - 1
_MAX_TRANSIT_CHANGE = 5 * SAMPLE_RATE  # a larger one is a new clock, not jitter


class Order(Enum):
    IN_ORDER = auto()
    REORDERED = auto()
    DUPLICATE = auto()
    RESTART = auto()  # the first packet that is taken from a new stream: other SSRC or far sequence number
    INVALID = auto()  # perhaps the start of a new stream; believed when the next packet confirms it


IN_ORDER = Order.IN_ORDER  # to look a member up costs more than the rest of the counting, for every packet


class Reception:
    """Counters of one incoming stream. A change of SSRC or a far jump counts from its second packet on in sequence."""

    __slots__ = (
        "_base",
        "_candidate",
        "_highest",
        "_lost_before",
        "_received_here",
        "_reported_expected",
        "_reported_received",
        "_seen",
        "_transit",
        "duplicate",
        "invalid",
        "jitter",
        "received",
        "reordered",
        "restarts",
        "ssrc",
    )

    def __init__(self) -> None:
        self.ssrc: int | None = None
        self.received = 0
        self.duplicate = 0
        self.reordered = 0
        self.invalid = 0
        self.restarts = 0
        self.jitter = 0.0  # in timestamp units, as in a report block
        self._candidate: tuple[int, int] | None = None
        self._lost_before = 0
        self._start(0, 0)
        self.ssrc = None

    def _start(self, ssrc: int, sequence_number: int) -> None:
        self.ssrc = ssrc
        self._base = self._highest = sequence_number
        self._seen = 1  # bit n: the packet n before the highest has arrived
        self._received_here = 0
        self._reported_expected = self._reported_received = 0
        self._transit: float | None = None

    def accept(self, ssrc: int, sequence_number: int) -> Order:
        """Count one packet and say how it lies in the sequence."""
        if ssrc != self.ssrc:
            return self._other_stream(ssrc, sequence_number)
        ahead = (sequence_number - self._highest) & 0xFFFF
        if ahead == 1 and self._seen == _SEEN_MASK:  # as nearly always: there is nothing to note
            self._highest += 1
            self.received += 1
            self._received_here += 1
            return IN_ORDER
        if 0 < ahead < _MAX_DROPOUT:
            self._highest += ahead
            self._seen = ((self._seen << ahead) | 1) & _SEEN_MASK if ahead <= _MAX_MISORDER else 1
            self.received += 1
            self._received_here += 1
            return IN_ORDER
        behind = (65536 - ahead) & 0xFFFF
        if behind > _MAX_MISORDER:
            return self._other_stream(ssrc, sequence_number)
        if self._seen >> behind & 1:
            self.duplicate += 1
            return Order.DUPLICATE
        self._seen |= 1 << behind
        self._base = min(self._base, self._highest - behind)
        self.received += 1
        self._received_here += 1
        self.reordered += 1
        return Order.REORDERED

    def _other_stream(self, ssrc: int, sequence_number: int) -> Order:
        if self.ssrc is not None and self._candidate != (ssrc, sequence_number):
            self._candidate = (ssrc, (sequence_number + 1) & 0xFFFF)
            self.invalid += 1
            return Order.INVALID
        if self.ssrc is not None:
            self.restarts += 1
        self._candidate = None
        self._lost_before = self.lost
        self._start(ssrc, sequence_number)
        self.received += 1
        self._received_here = 1
        return Order.RESTART

    def measure(self, rtp_timestamp: int, arrival: float) -> None:
        """Update the interarrival jitter (RFC 3550 appendix A.8); `arrival` in seconds of any one clock."""
        before = self._transit
        self._transit = transit = arrival * SAMPLE_RATE - rtp_timestamp
        if before is not None:
            change = transit - before if transit > before else before - transit
            if change < _MAX_TRANSIT_CHANGE:
                self.jitter += (change - self.jitter) / 16

    @property
    def lost(self) -> int:
        """Packets that never arrived, over all streams that this object has seen (never negative)."""
        if self.ssrc is None:
            return self._lost_before
        return self._lost_before + max(0, self._highest - self._base + 1 - self._received_here)

    @property
    def jitter_ms(self) -> float:
        return self.jitter * 1000 / SAMPLE_RATE

    @property
    def highest_sequence_number(self) -> int:
        """The extended highest sequence number: cycles in the upper 16 bits."""
        return self._highest & 0xFFFFFFFF

    def fraction_lost(self) -> int:
        """Return the loss since the last call in 1/256 (RFC 3550 appendix A.3)."""
        expected = self._highest - self._base + 1
        expected_interval = expected - self._reported_expected
        received_interval = self._received_here - self._reported_received
        self._reported_expected, self._reported_received = expected, self._received_here
        lost = expected_interval - received_interval
        return min(255, (lost << 8) // expected_interval) if expected_interval > 0 and lost > 0 else 0
