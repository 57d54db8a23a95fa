"""Many callers in a process of their own: `python -m bench.callers URI --calls N ...`, driven by `bench.crowd`.

Prints one JSON object a line. Callers that hold: `up` when all are answered or refused; `measure` on stdin begins the
measurement, `stop` ends it with `done`. Callers that hang up at once: `done` when all are over.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from bench.figures import spread
from bench.rtp_peers import Peer, Peers, total
from voicebot.phone.signalling import Signalling, destination
from voicebot.sdp import Local, SdpError, accept_answer, create_offer
from voicebot.sip import events as sip

_ANSWERED_WITHIN = 10.0
_OVER_WITHIN = 10.0


Fact = Callable[["Call"], bool]


class Call:
    """One caller's call."""

    def __init__(self, peer: Peer, local: Local, invited_at: float) -> None:
        self.peer = peer
        self.local = local
        self.invited_at = invited_at
        self.answered_in: float | None = None  # seconds from INVITE to 200
        self.refused = 0
        self.over = False


class Callers:
    """`short`: hang up on the answer, send no media."""

    def __init__(self, uri: str, host: str, audio: bytes, *, short: bool) -> None:
        self.calls: dict[int, Call] = {}
        self.peers = Peers()
        self._uri = uri
        self._audio = audio
        self._short = short
        self._signalling = Signalling(host, 0, self._event)

    async def dial(self, number: int, rate: float) -> None:
        """Place so many calls, so many a second, and wait until each was answered or refused (`short`: is over)."""
        loop = asyncio.get_running_loop()
        goal = await destination(self._uri)
        start = loop.time()
        host = self._signalling.address.host
        for index in range(number):
            await asyncio.sleep(start + index / rate - loop.time())
            peer = Peer(host, self._audio, index * len(self._audio) // number)
            local, offer = create_offer(Local(host, peer.port, index + 1))
            now = loop.time()
            session = self._signalling.endpoint.invite(
                self._uri, f"sip:caller{index}@{host}", offer, now, destination=goal
            )
            self.calls[session] = Call(peer, local, now)
            if not self._short:
                self.peers.add(peer)
            self._signalling.pump()
        if self._short:
            await self._until(lambda call: call.over, _ANSWERED_WITHIN)
        else:
            await self._until(lambda call: call.answered_in is not None or call.over, _ANSWERED_WITHIN)

    async def hang_up(self) -> None:
        now = asyncio.get_running_loop().time()
        for session, call in self.calls.items():
            if not call.over and call.answered_in is not None:
                self._signalling.endpoint.bye(session, now)
        self._signalling.pump()
        await self._until(lambda call: call.over or call.answered_in is None, _OVER_WITHIN)

    def answers(self) -> dict[str, object]:
        """Return how the calls were answered."""
        calls = self.calls.values()
        refusals = [call.refused for call in calls if call.refused]
        answered = [call.answered_in for call in calls if call.answered_in is not None]
        return {"answered_in": answered, "refused": refusals, "calls": len(calls)}

    def close(self) -> None:
        self.peers.close()
        self._signalling.close()

    async def _until(self, fact: Fact, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        while not all(map(fact, self.calls.values())) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)

    def _event(self, event: sip.Event) -> None:
        now = asyncio.get_running_loop().time()
        call = self.calls.get(getattr(event, "session", 0))
        if call is None:
            return
        if isinstance(event, sip.Answered):
            call.answered_in = now - call.invited_at
            self._answered(event, call, now)
        elif isinstance(event, sip.Rejected):
            call.refused, call.over = event.status, True
            call.peer.close()
        elif isinstance(event, sip.Ended):
            call.over = True
            if self._short:
                call.peer.close()

    def _answered(self, event: sip.Answered, call: Call, now: float) -> None:
        try:
            media = accept_answer(call.local, event.sdp or b"").media
        except SdpError:
            media = None
        if media is None or self._short:
            self._signalling.endpoint.bye(event.session, now)
        else:
            call.peer.start(media.remote_host, media.remote_port)


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


async def main(options: argparse.Namespace) -> None:
    audio = options.audio.read_bytes() if options.audio else b"\xff" * 8000
    callers = Callers(options.uri, options.host, audio, short=options.short)
    try:
        await callers.dial(options.calls, options.rate)
        if not options.short:
            tell("up", **callers.answers())
            await _commanded("measure")
            for peer in callers.peers.all:
                peer.forget()
            callers.peers.latest = 0.0
            start = asyncio.get_running_loop().time()
            await _commanded("stop")
            seconds = asyncio.get_running_loop().time() - start
            streams = total([peer.figures() for peer in callers.peers.all])
            lost_there = sum(peer.reported_lost for peer in callers.peers.all)
            late = callers.peers.latest
            ended = sum(call.over and not call.refused for call in callers.calls.values())
            await callers.hang_up()
            tell(
                "done",
                seconds=seconds,
                received=streams.received,
                lost=streams.lost,
                skipped=streams.skipped,
                gaps=spread("gaps", streams.gaps, (50, 99)).values,
                reported_lost=lost_there,
                callers_late_ms=late * 1000,
                ended_early=ended,
            )
        else:
            tell("done", **callers.answers())
    finally:
        callers.close()


async def _commanded(word: str) -> None:
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    if line.strip() != word:
        raise SystemExit(f"expected `{word}` on stdin")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--host", default="127.0.0.9", help="the callers' address")
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--rate", type=float, default=20.0, help="new calls a second")
    parser.add_argument("--audio", type=Path, help="G.711 mu-law, raw, that every caller sends in a circle")
    parser.add_argument("--short", action="store_true", help="hang up on the answer")
    asyncio.run(main(parser.parse_args()))
