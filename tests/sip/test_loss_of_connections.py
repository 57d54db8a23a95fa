"""Over TCP nothing is repeated: whenever the connection is cut, between messages or in one, both sides come to an end."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.sip.flows import answering
from tests.sip.harness import CALLEE, OFFER, Pair, Side, ring
from voicebot.sip import Address, Answered, Cancelled, Ended, Established, IncomingCall, Rejected
from voicebot.sip.framing import StreamFramer

HOUR = 3600.0


@dataclass
class Connected(Pair):
    """Both sides speak over one connection. `cut_at`: the message with which it breaks. `part`: how much of that arrives.

    `returns`: whether a new one can be made; otherwise each later request fails as the shell tells it.
    """

    cut_at: int = -1
    part: float = 0.0
    returns: bool = True
    framers: dict[Address, StreamFramer] = field(default_factory=dict)
    broken: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in self.sides:
            side.address = side.address._replace(transport="tcp")
            self.framers[side.address] = StreamFramer()

    def call_over_tcp(self) -> int:
        return self.caller.endpoint.invite(
            f"sip:bot@{CALLEE.host_port};transport=tcp",
            "sip:alice@example.com",
            OFFER,
            self.now,
            destination=self.callee.address,
        )

    def _carry(self, index: int, data: bytes, source: Address, goal: Address) -> None:
        [side] = [side for side in self.sides if side.address == goal]
        if index == self.cut_at:
            self.framers[goal].feed(data[: int(len(data) * self.part)])
            self.framers = {address: StreamFramer() for address in self.framers}
            self.broken = True
            if self.returns:
                return
        if self.broken and not self.returns:
            [sender] = [side for side in self.sides if side.address == source]
            sender.endpoint.transport_failed(data, self.now)
            return
        self._deliver(index, data, source, side)

    def _deliver(self, index: int, data: bytes, source: Address, side: Side) -> None:
        for message in self.framers[side.address].feed(data):
            assert isinstance(message, bytes)
            self.wire.append((self.now + self.delay, index, side, message, source))


def caller_hangs_up(pair: Connected) -> None:
    answering(pair)
    call = pair.call_over_tcp()
    pair.run(60)
    pair.caller.endpoint.bye(call, pair.now)


def callee_hangs_up(pair: Connected) -> None:
    answering(pair)
    pair.call_over_tcp()
    pair.run(60)
    for incoming in pair.callee.all(IncomingCall):
        pair.callee.endpoint.bye(incoming.session, pair.now)


def caller_gives_up(pair: Connected) -> None:
    pair.callee.on(IncomingCall, ring())
    call = pair.call_over_tcp()
    pair.run(5)
    pair.caller.endpoint.cancel(call, pair.now)


FLOWS: list[Callable[[Connected], None]] = [caller_hangs_up, callee_hangs_up, caller_gives_up]


def play(flow: Callable[[Connected], None], cut_at: int, part: float, *, returns: bool) -> Connected:
    pair = Connected(cut_at=cut_at, part=part, returns=returns)
    flow(pair)
    pair.run(2 * HOUR)
    for side in (pair.caller, pair.callee):
        begun = len(side.all(IncomingCall)) if side is pair.callee else 1
        last = [event for event in side.events if isinstance(event, Ended | Rejected | Cancelled)]
        assert len(last) == begun, (side.address, side.events)
        if any(isinstance(event, Answered | Established) for event in side.events):
            assert isinstance(last[0], Ended)
    pair.assert_nothing_held()
    return pair


@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("flow", FLOWS)
def test_a_call_comes_to_its_end_wherever_its_connection_is_cut(
    flow: Callable[[Connected], None], returns: bool
) -> None:
    whole = play(flow, -1, 0.0, returns=True)
    assert len(whole.log) >= 5
    for cut_at in range(len(whole.log)):
        for part in (0.0, 0.5, 0.99):
            play(flow, cut_at, part, returns=returns)


def test_a_call_whose_connection_lasts_has_no_message_twice() -> None:
    pair = play(caller_hangs_up, -1, 0.0, returns=True)
    assert len(set(pair.log)) == len(pair.log)
