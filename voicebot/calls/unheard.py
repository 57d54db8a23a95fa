"""A leg whose peer is not heard while audio from another address comes: told, so that an admin sees which address it is."""

import structlog

from voicebot.calls.call import Call
from voicebot.calls.leg import Leg
from voicebot.wire import Unheard

log = structlog.get_logger("calls")


def tell_unheard(call: Call, leg: Leg, message: Unheard) -> None:
    """Say in the log and in the timeline which packets are dropped, and what the SDP says."""
    call.trace("unheard", leg=leg.name, source=message.source, told=message.told)
    log.warning(
        "no audio came from the peer, and packets from elsewhere were dropped",
        call=call.uid,
        leg=leg.name,
        source=message.source,
        sdp_says=message.told,
    )
