"""Transfers: to an extension by bridge (its leg joins ours) or blind (REFER: the caller's peer dials it)."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Gone, Leg
from voicebot.calls.waiting import talk
from voicebot.dialplan.line import TransferRequest, TransferResult
from voicebot.wire import PromptItem

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine

REFERRED_BYE_AFTER = 2.0  # seconds that a transferred caller's peer has to hang up our dialog before we do


class Telephones(Protocol):
    """Outgoing legs and transfers."""

    def target(self, call: Call, to: str) -> str:
        """Return the SIP URI for an extension, number or URI of the dialplan. Raises DialFailed if it may not be dialled."""

    async def dial(self, call: Call, uri: str, *, name: str) -> Leg:
        """Place a leg and wait until it is answered. Raises DialFailed; being cancelled cancels the INVITE."""

    def hang_up(self, leg: Leg, cause: str = "normal") -> None:
        """End a leg in whatever state it is. Idempotent."""

    async def refer(self, leg: Leg, uri: str) -> None:
        """Transfer the leg's peer to `uri`, and follow it to its end (RFC 3515). Raises DialFailed."""


async def transfer(line: "TelephoneLine", request: TransferRequest) -> TransferResult:
    """Return by which exit the transfer ended; the caller is still there, unless it is `transferred`."""
    call = line.call
    try:
        uri = line.telephones.target(call, request.to)
        if request.mode == "blind":
            result = await _blind(line, uri, request.timeout)
        else:
            result = await _bridge(line, uri, request)
    except DialFailed as failure:
        result = TransferResult(failure.exit, failure.status)
    return result


async def _bridge(line: "TelephoneLine", uri: str, request: TransferRequest) -> TransferResult:
    ringback = line.caller.play([PromptItem(str(line.sounds.ringback))], loop=True)
    try:
        async with asyncio.timeout(request.timeout):
            leg = await line.telephones.dial(line.call, uri, name=request.to)
    except TimeoutError:
        return TransferResult("timeout")
    finally:
        ringback.stop()
    line.call.agent = line.call.agent or request.to
    await talk(line, leg, request.whisper)
    return TransferResult("agent_done", 200)


async def _blind(line: "TelephoneLine", uri: str, timeout: float) -> TransferResult:
    caller = line.caller
    try:
        async with asyncio.timeout(timeout):
            await line.telephones.refer(caller, uri)
    except TimeoutError:
        return TransferResult("timeout")
    line.call.releases("transferred", "bot")
    try:
        async with asyncio.timeout(REFERRED_BYE_AFTER):
            await asyncio.shield(caller.gone)
    except TimeoutError:
        line.telephones.hang_up(caller)
        caller.end(Gone("transferred", by_peer=False))
    return TransferResult("transferred", 200)
