"""Where a caller is not heard since its audio comes from elsewhere, the call's timeline and the log tell the addresses."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from tests.calls.server import Server, play
from voicebot.wire import Unheard


def test_the_addresses_are_told_in_the_timeline_and_in_the_log(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        session = server.phone.call()
        await asyncio.sleep(3.0)
        (talking,) = server.exchange.legs.values()
        talking.leg.on_message(Unheard("call-1", 1, 3.0, "127.0.0.1:5004", "192.0.2.2:5004"))
        server.phone.bye(session)
        await asyncio.sleep(1.0)

    with capture_logs() as lines:
        server = play(tmp_path, story)
    told = [data for _, kind, data in server.store.events if kind == "unheard"]
    assert told == [{"leg": "caller", "source": "127.0.0.1:5004", "told": "192.0.2.2:5004"}]
    [line] = [line for line in lines if line["log_level"] == "warning"]
    assert (line["call"], line["source"], line["sdp_says"]) == ("call-1", "127.0.0.1:5004", "192.0.2.2:5004")
