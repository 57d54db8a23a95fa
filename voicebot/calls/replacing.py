"""A new dialog takes the place of a leg's (RFC 3891): somebody transferred the person, or took the call elsewhere.

The leg, its media and the story that uses it go on; only the far end changes.
"""

import dataclasses
from typing import TYPE_CHECKING

import structlog

from voicebot.calls.leg import Leg
from voicebot.sdp import NotAcceptable, SdpError, answer_offer, create_offer
from voicebot.sip import events as sip

if TYPE_CHECKING:
    from voicebot.calls.exchange import Exchange

SDP_SESSIONS_FROM = 2_000_000  # o= session ids of replacing dialogs count from here, by session

log = structlog.get_logger("calls")


def take_over(exchange: "Exchange", event: sip.IncomingCall) -> Leg | None:
    """Accept the INVITE for the leg whose session it replaces, and end that session. None: it is refused."""
    assert event.replaces is not None
    talking = exchange.legs.get(event.replaces)
    if talking is None or talking.leg.gone.done():
        exchange.signalling.reject(event.session, 603)
        return None
    leg = talking.leg
    local = dataclasses.replace(
        talking.local,
        session_id=SDP_SESSIONS_FROM + event.session,
        direction="sendrecv",
        version=0,
        previous=None,
        offered=None,
    )
    try:
        settled = answer_offer(local, event.sdp) if event.sdp is not None else None
    except SdpError as error:
        status = 488 if isinstance(error, NotAcceptable) else 400
        log.warning("a replacing call is refused", call=leg.call, status=status, problem=str(error))
        exchange.signalling.reject(event.session, status)
        return None
    del exchange.legs[event.replaces]
    exchange.legs[event.session] = talking
    leg.session, talking.source_host = event.session, event.source.host
    exchange.signalling.belongs(leg.session, leg.call)
    leg.learn(event.request)
    if settled is None:
        talking.local, body = create_offer(local)
    else:
        exchange.configure(talking, settled)
        body = settled.body
    exchange.signalling.accept(event.session, body)
    if talking.referred is not None and not talking.referred.done():
        lost = sip.ReferProgress(event.replaces, 481, "Replaced", True, "unreachable")
        talking.referred.set_result(lost)
    if talking.answered is not None and not talking.answered.done():
        exchange.signalling.cancel(event.replaces, elsewhere=True)  # it still rang
        talking.answered.set_result(None)
    else:
        exchange.signalling.bye(event.replaces)
    return leg
