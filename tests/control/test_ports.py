"""The port pool: bound before they are named, resting after use, never twice at once."""

import contextlib
import socket

import pytest

from voicebot.calls.protocols import NoMediaPort
from voicebot.runtime.control.ports import REST, PortPool

FIRST = 38100


def test_a_pair_is_an_even_port_and_its_neighbour_both_bound() -> None:
    pool = PortPool(FIRST + 1, FIRST + 11)
    port, rtp, rtcp = pool.acquire("127.0.0.1", 0.0)
    with rtp, rtcp:
        assert port % 2 == 0
        assert rtp.getsockname() == ("127.0.0.1", port)
        assert rtcp.getsockname() == ("127.0.0.1", port + 1)


def test_a_released_port_rests_before_it_is_used_again() -> None:
    pool = PortPool(FIRST, FIRST + 1)
    port, rtp, rtcp = pool.acquire("127.0.0.1", 0.0)
    rtp.close()
    rtcp.close()
    pool.release(port, 100.0)
    with pytest.raises(NoMediaPort):
        pool.acquire("127.0.0.1", 100.0 + REST - 0.1)
    again, rtp, rtcp = pool.acquire("127.0.0.1", 100.0 + REST)
    rtp.close()
    rtcp.close()
    assert again == port


def test_exhaustion_is_an_error_that_says_what_to_widen() -> None:
    pool = PortPool(FIRST, FIRST + 3)
    with contextlib.ExitStack() as open_sockets:
        for _ in range(2):
            _, rtp, rtcp = pool.acquire("127.0.0.1", 0.0)
            open_sockets.enter_context(rtp)
            open_sockets.enter_context(rtcp)
        with pytest.raises(NoMediaPort, match=r"media\.ports"):
            pool.acquire("127.0.0.1", 0.0)


@pytest.mark.parametrize("taken", [0, 1], ids=["rtp", "rtcp"])
def test_a_port_that_another_program_holds_is_skipped(taken: int) -> None:
    pool = PortPool(FIRST, FIRST + 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", FIRST + taken))
        port, rtp, rtcp = pool.acquire("127.0.0.1", 0.0)
    with rtp, rtcp:
        assert port == FIRST + 2
    assert len(pool) == 1, "the taken one is tried again later"
