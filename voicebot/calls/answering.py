"""An incoming call until it is answered: it rings, hears early media, is answered (RFC 3261 section 13.3.1)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from voicebot.calls.leg import Gone
from voicebot.sip import Request

if TYPE_CHECKING:
    from voicebot.calls.exchange import Exchange, Talking


class Door(Protocol):
    """What a dialplan does with a call that is not answered yet. It is refused by hanging up."""

    def early_media(self) -> bool:
        """Let the caller hear us from now on; False where there is no way to before the answer."""

    def ring(self) -> bool:
        """Let the caller's side make a ringing tone; False for one that hears us already, and would hear no other."""

    async def answer(self) -> None:
        """Answer, and return when the caller knows."""


@dataclass(slots=True)
class Unanswered:
    """Implements `Door` for an INVITE. `body` is our answer to its offer, or our offer where it has none.

    `established` waits for the ACK, and says whether it came.
    """

    exchange: "Exchange"
    talking: "Talking"
    request: Request
    body: bytes
    established: Callable[[], Awaitable[bool]]
    _early: bool = False
    _rings: bool = False

    def early_media(self) -> bool:
        if self._early:
            return True
        if self.talking.settled is None and not self._reliable():
            self.ring()  # our offer may stand only in a response that surely arrives (RFC 3261 section 13.2.1)
            return False
        self._early = True
        if self.talking.settled is not None:
            self.exchange.configure(self.talking, self.talking.settled)
        self.exchange.signalling.ring(self.talking.leg.session, 183, self.body)
        return True

    def _reliable(self) -> bool:
        return "100rel" in self.request.tokens("supported") | self.request.tokens("require")

    def ring(self) -> bool:
        if not self._early and not self._rings:
            self._rings = True
            self.exchange.signalling.ring(self.talking.leg.session, 180, None)
        return not self._early

    def open(self) -> None:
        """Send the 200, which has the body of the 183 again (RFC 3261 section 13.2.1)."""
        talking = self.talking
        talking.unanswered = None
        if talking.settled is not None:
            self.exchange.configure(talking, talking.settled)
        self.exchange.signalling.accept(talking.leg.session, self.body)

    async def answer(self) -> None:
        leg = self.talking.leg
        # What was said before may have ended because the caller, or the media, has gone.
        if not leg.gone.done():
            self.open()
            if await self.established():
                return
            leg.end(Gone("no_ack", by_peer=False))
        await asyncio.get_running_loop().create_future()  # a leg that is over cancels what its story awaits
