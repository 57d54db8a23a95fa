"""SIGTERM lets running calls finish and refuses new ones; after a crash, open calls are closed at the next start."""

import asyncio
import re
import socket
from collections.abc import Callable

from tests.live.hotline import Hotline, wait_until
from tests.robustness import wire
from tests.robustness.conftest import calling, is_served, play
from voicebot.storage import Reader

Make = Callable[..., Hotline]


def refusal(port: int) -> bytes:
    """Send an INVITE; return its final response."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.settimeout(2.0)
        ours.sendto(
            wire.invite(port, "latecomer", ours=f"127.0.0.1:{ours.getsockname()[1]}"), ("127.0.0.1", port)
        )
        while (answer := ours.recv(65535)).startswith(b"SIP/2.0 1"):
            pass
        return answer


def test_after_sigterm_new_calls_get_503_and_running_ones_finish(own_hotline: Make) -> None:
    hotline = own_hotline(shutdown={"drain_seconds": 12})
    hotline.start()

    async def story() -> None:
        async with calling(hotline) as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            hotline.terminate()
            assert await call.until(lambda: "no new calls" in hotline.log_text(), 3.0)
            answer = await asyncio.to_thread(refusal, hotline.port)
            assert answer.startswith(b"SIP/2.0 503 ")
            assert re.search(rb"(?im)^retry-after: *\d+", answer)
            await is_served(call)

    play(hotline, story())
    assert hotline.wait() == 0
    (record,) = hotline.calls()
    assert (record["ended_by"], record["disposition"]) == ("bot", "answered")
    reader = Reader(f"sqlite:///{hotline.data / 'voicebot.db'}")
    ladder = [(item.sent, item.data.split(b" ", 2)[:2]) for item in reader.ladder(str(record["uid"]))]
    reader.close()
    assert ladder[0] == (False, [b"INVITE", f"sip:700@127.0.0.1:{hotline.port}".encode()])
    assert (True, [b"SIP/2.0", b"200"]) in ladder
    assert [first for sent, (first, _) in ladder if sent][-1] == b"BYE"
    assert "Traceback" not in hotline.log_text()


def test_a_call_that_outlasts_the_drain_is_hung_up_and_recorded(own_hotline: Make) -> None:
    hotline = own_hotline(shutdown={"drain_seconds": 1})
    hotline.start()

    async def story() -> None:
        async with calling(hotline) as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            hotline.terminate()
            assert await call.ended(5.0)
            assert call.ended_by_peer

    play(hotline, story())
    assert hotline.wait() == 0
    (record,) = hotline.calls()
    assert (record["release_cause"], record["ended_by"]) == ("server_shutdown", "server")


def test_calls_of_a_killed_server_are_closed_at_the_next_start(own_hotline: Make) -> None:
    hotline = own_hotline()
    hotline.start()

    async def story() -> None:
        async with calling(hotline) as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            await asyncio.sleep(0.3)  # what has happened is written in batches of some 50 ms
            hotline.kill()

    play(hotline, story())
    (record,) = hotline.calls()
    assert record["ended_at"] is None
    hotline.start()
    (record,) = hotline.calls()
    assert record["release_cause"] == "server_lost"
    assert record["ended_at"] is not None
    assert record["answered_at"] is not None
    hotline.stop()


def test_no_worker_outlives_a_killed_server(own_hotline: Make) -> None:
    hotline = own_hotline()
    hotline.start()
    workers = hotline.workers("media_worker") + hotline.workers("speech_worker")
    assert len(workers) >= 2
    hotline.kill()
    wait_until(lambda: not any(alive(pid) for pid in workers), 5.0, "the workers end")


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as status:
            return status.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
