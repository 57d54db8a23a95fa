"""SDP and offer/answer (RFC 8866, RFC 3264), pure.

As answerer: `answer_offer(local, offer)`. As offerer: `create_offer(local)`, then `accept_answer(local, answer)`.
All return our side of the leg anew; keep it for the next exchange.
"""

from voicebot.sdp.crypto import KEY_BYTES, SUITES
from voicebot.sdp.description import Description, Direction, MediaDescription, Origin, RtpMap, SdpError
from voicebot.sdp.media import Codec, Media, Srtp
from voicebot.sdp.negotiation import (
    Local,
    NotAcceptable,
    Settled,
    SrtpPolicy,
    accept_answer,
    answer_offer,
    create_offer,
    withdraw_offer,
)

__all__ = [
    "KEY_BYTES",
    "SUITES",
    "Codec",
    "Description",
    "Direction",
    "Local",
    "Media",
    "MediaDescription",
    "NotAcceptable",
    "Origin",
    "RtpMap",
    "SdpError",
    "Settled",
    "Srtp",
    "SrtpPolicy",
    "accept_answer",
    "answer_offer",
    "create_offer",
    "withdraw_offer",
]
