"""Transfers: by bridge (the target's leg joins ours), blind (REFER), attended (REFER with Replaces, else bridge), auto.

Whatever fails, the caller's dialog stands and the caller goes on in the dialplan (RFC 5589 sections 6.3 and 7.5).
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed, ReferRefused
from voicebot.calls.leg import Leg
from voicebot.calls.offering import accepted
from voicebot.calls.ringback import Ringback
from voicebot.calls.talking import talk
from voicebot.dialplan.line import TransferRequest, TransferResult

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine

REPLACED_WITHIN = 8.0  # seconds for the caller's peer to join the two; they talk through us meanwhile
LET_GO_WITHIN = (
    5.0  # seconds for the target to end the call that was replaced, with a BYE lost more than once
)
TARGET_FAULTS = (
    "unreachable",
    "auth_failed",
)  # exits that say: we could not reach it, the caller's own PBX may


class Telephones(Protocol):
    """Outgoing legs and transfers."""

    def target(self, call: Call, to: str) -> str:
        """Return the SIP URI for an extension, number or URI of the dialplan. Raises DialFailed if it may not be dialled."""

    async def dial(
        self,
        call: Call,
        uri: str,
        *,
        name: str,
        headers: Sequence[tuple[str, str]] = (),
        on_ringing: Callable[[], None] | None = None,
        on_early_media: Callable[[Leg], None] | None = None,
    ) -> Leg:
        """Place a leg and wait until it is answered. Raises DialFailed; being cancelled cancels the INVITE.

        `on_early_media` is called whenever a leg that is not answered yet begins to be heard; without it none is.
        """

    def hang_up(self, leg: Leg, cause: str = "normal") -> None:
        """End a leg in whatever state it is. Idempotent."""

    async def refer(
        self, leg: Leg, uri: str, *, headers: Sequence[tuple[str, str]] = (), replacing: Leg | None = None
    ) -> str:
        """Transfer the leg's peer to `uri`, in the place of `replacing` if given, and follow it to its end (RFC 3515).

        `headers` are for the peer's INVITE, if it puts them there.
        Returns "", or "unconfirmed" when the peer hung up without telling how it went. Raises DialFailed when the
        target was not reached, ReferRefused when the peer does not transfer.
        """

    def answer_refer(self, leg: Leg, status: int) -> None:
        """Accept (202) or decline the transfer that the leg's peer asks for; only the first answer counts."""

    def notify_refer(self, leg: Leg, status: int) -> None:
        """Tell the leg's peer how the accepted transfer goes; a status >= 200 is the last."""

    def own_uri(self, leg: Leg, replaces: str) -> str | None:
        """Return our own URI if a Replaces value names another dialog between us and the leg's peer, else None."""


async def transfer(line: "TelephoneLine", request: TransferRequest) -> TransferResult:
    """Return by which exit the transfer ended; the caller is still there, unless it is `transferred`."""
    modes = {"bridge": _bridge, "blind": _blind, "attended": _attended, "auto": _auto}
    try:
        uri = line.telephones.target(line.call, request.to)
        return await modes[request.mode](line, uri, request)
    except DialFailed as failure:
        return TransferResult(failure.exit, failure.status, failure.reason)


async def _bridge(line: "TelephoneLine", uri: str, request: TransferRequest) -> TransferResult:
    leg = await _call_target(line, uri, request)
    return await _talk(line, leg, request)


async def _blind(line: "TelephoneLine", uri: str, request: TransferRequest) -> TransferResult:
    try:
        async with asyncio.timeout(request.timeout):
            headers = tuple(request.headers.items())
            reason = await line.telephones.refer(line.caller, uri, headers=headers)
    except TimeoutError:
        return TransferResult("timeout", reason="no_news")
    return _leave(line, reason)


async def _attended(line: "TelephoneLine", uri: str, request: TransferRequest) -> TransferResult:
    """Call the target, then leave the path if the caller's peer can join the two; else they talk through us."""
    leg = await _call_target(line, uri, request)
    if not line.caller.refers or not line.caller.replaces:
        return await _talk(line, leg, request)
    try:
        if line.caller.media is not None and leg.media is not None:
            line.caller.media.bridge(leg.media.id)
        async with asyncio.timeout(REPLACED_WITHIN):
            reason = await line.telephones.refer(line.caller, uri, replacing=leg)
    except (DialFailed, TimeoutError) as failure:
        _refused(line, "attended", failure)
        return await _talk(line, leg, request)
    except BaseException:
        line.telephones.hang_up(leg)
        raise
    if line.caller.media is not None:
        line.caller.media.unbridge()
    _let_go(line, leg)
    return _leave(line, reason)


def _let_go(line: "TelephoneLine", leg: Leg) -> None:
    """Leave it to the target to end the call with us that was replaced (RFC 3891 section 3); in time we do.

    Asterisk reports success before it has moved the call: a BYE of ours meanwhile would end what it moves.
    """
    hang_up = partial(line.telephones.hang_up, leg)
    limit = asyncio.get_running_loop().call_later(LET_GO_WITHIN, hang_up)
    leg.gone.add_done_callback(lambda _: limit.cancel())
    leg.gone.add_done_callback(lambda _: hang_up())


async def _auto(line: "TelephoneLine", uri: str, request: TransferRequest) -> TransferResult:
    """The ladder: attended, blind, bridge. Who has taken or declined the call is not rung again.

    A peer that can transfer, but not with Replaces, is asked for a blind transfer first, unless there is something to
    whisper or a key to wait for; a target that only we cannot reach is left to the caller's own PBX.
    """
    caller = line.caller
    plain = not request.whisper and request.accept_key is None
    if caller.refers and not caller.replaces and plain:
        try:
            return await _blind(line, uri, request)
        except ReferRefused as refusal:
            _refused(line, "blind", refusal)
        return await _bridge(line, uri, request)
    try:
        return await _attended(line, uri, request)
    except DialFailed as failure:
        if failure.exit not in TARGET_FAULTS or not caller.refers:
            raise
        _refused(line, "attended", failure)
    return await _blind(line, uri, request)


async def _call_target(line: "TelephoneLine", uri: str, request: TransferRequest) -> Leg:
    """Ring the target until it has taken the call; the caller hears it ring, or what it plays. Raises DialFailed."""
    ringback = Ringback(line)
    try:
        async with asyncio.timeout(request.timeout):
            leg = await line.telephones.dial(
                line.call,
                uri,
                name=request.to,
                headers=tuple(request.headers.items()),
                on_early_media=ringback.pass_on if request.early_media == "pass" else None,
            )
        if request.whisper or request.accept_key is not None:
            ringback.tone()  # who has answered is not connected yet
        taken = await accepted(line, leg, request.whisper, request.accept_key)
    except TimeoutError as error:
        raise DialFailed("timeout") from error
    finally:
        ringback.stop()
    if not taken:
        raise DialFailed("declined", reason="not_accepted")
    return leg


async def _talk(line: "TelephoneLine", leg: Leg, request: TransferRequest) -> TransferResult:
    line.call.agent = line.call.agent or request.to
    await talk(line, leg)
    return TransferResult("agent_done", 200)


def _leave(line: "TelephoneLine", reason: str) -> TransferResult:
    """The caller is elsewhere: the transferor hangs up at once (RFC 5589 section 6.1)."""
    line.call.releases("transferred", "bot")
    line.telephones.hang_up(line.caller, "transferred")
    return TransferResult("transferred", 200, reason)


def _refused(line: "TelephoneLine", way: str, failure: Exception) -> None:
    """Tell the timeline why a rung of the ladder did not hold."""
    told = failure if isinstance(failure, DialFailed) else DialFailed("timeout", reason="no_news")
    line.call.trace("transfer_refused", way=way, exit=told.exit, status=told.status, reason=told.reason)
