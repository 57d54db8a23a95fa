"""New calls wait until running ones are served; who waits for too long is refused."""

from voicebot.runtime.net import door
from voicebot.runtime.net.door import PATIENCE, Door, is_late
from voicebot.sip import Address

PEER = Address("udp", "192.0.2.1", 5060)


def knock(at: Door, data: bytes, now: float = 0.0) -> bool:
    return at.takes(data, PEER, None, now)


def test_only_what_may_begin_or_give_up_a_call_waits() -> None:
    made = Door()
    assert knock(made, b"INVITE sip:a@b SIP/2.0\r\n")
    assert knock(made, b"CANCEL sip:a@b SIP/2.0\r\n")
    for served_at_once in (
        b"ACK sip:a@b SIP/2.0\r\n",
        b"BYE sip:a@b SIP/2.0",
        b"SIP/2.0 200 OK",
        b"",
        b"\r\n",
    ):
        assert not knock(made, served_at_once)
    assert len(made) == 2


def test_a_cancel_does_not_overtake_its_invite() -> None:
    made = Door()
    for data in (b"INVITE 1", b"CANCEL 1", b"INVITE 2"):
        knock(made, data)
    heard = []
    while (waiting := made.next()) is not None:
        heard.append(waiting.data)
    assert heard == [b"INVITE 1", b"CANCEL 1", b"INVITE 2"]


def test_who_waited_for_longer_than_our_patience_is_late() -> None:
    made = Door()
    knock(made, b"INVITE ", now=100.0)
    waiting = made.next()
    assert waiting is not None
    assert not is_late(waiting, 100.0 + PATIENCE - 0.001)
    assert is_late(waiting, 100.0 + PATIENCE + 0.001)


def test_a_flood_of_invites_does_not_fill_the_memory() -> None:
    made = Door()
    for _ in range(door.WAITING + 5):
        knock(made, b"INVITE ")
    assert len(made) == door.WAITING
    assert made.turned_away == 5
