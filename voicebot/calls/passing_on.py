"""An agent passes the caller on: whom the agent's phone named is called on its behalf (RFC 3515, RFC 5589)."""

import asyncio
from typing import TYPE_CHECKING

from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Leg
from voicebot.calls.referral import Referral

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine

RINGS_FOR = 60.0  # seconds


async def pass_on(line: "TelephoneLine", agent: Leg, referral: Referral) -> Leg | None:
    """Call whom the agent named, and tell the agent's phone how it goes. Returns the leg that the caller now talks to.

    None: nobody was reached; agent and caller are as they were. Being cancelled gives up the call.
    """
    call, telephones = line.call, line.telephones
    exit, status, leg = "transferred", 200, None
    try:
        uri = _uri(line, agent, referral)
        telephones.answer_refer(agent, 202)
        headers = [("Referred-By", referral.referred_by)]
        if referral.replaces:
            headers.append(("Replaces", referral.replaces))
        async with asyncio.timeout(RINGS_FOR):
            leg = await telephones.dial(
                call,
                uri,
                name=referral.user or referral.target,
                headers=headers,
                on_ringing=lambda: telephones.notify_refer(agent, 180),
            )
    except TimeoutError:
        exit, status = "timeout", 408
    except DialFailed as failure:
        exit, status = failure.exit, failure.status if failure.status >= 300 else 503
        telephones.answer_refer(agent, 603)  # counts only if the target may not be called at all
    telephones.notify_refer(agent, status)
    call.trace("agent_transfer", agent=agent.name, to=referral.user, exit=exit, status=status)
    return leg


def _uri(line: "TelephoneLine", agent: Leg, referral: Referral) -> str:
    """Return what to call, if it may be called: as it stands, or its number by way of the trunk. Raises DialFailed."""
    if referral.replaces and (ours := line.telephones.own_uri(agent, referral.replaces)) is not None:
        return ours  # the agent's other call goes through this server: its far end is who the caller is to talk to
    try:
        return line.telephones.target(line.call, referral.target)
    except DialFailed:
        return line.telephones.target(line.call, referral.user)
