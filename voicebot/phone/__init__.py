"""The test phone: a SIP phone that speaks, keys, listens and tells by ear what it heard. A process of its own."""

from voicebot.phone.call import PhoneCall, PhoneEvent
from voicebot.phone.ear import Clip, Ear, Heard, hears_voice
from voicebot.phone.errors import CallFailed, PhoneError
from voicebot.phone.phone import Phone
from voicebot.phone.rtp_line import Wire
from voicebot.phone.ticker import Ticker
from voicebot.phone.timeline import HeardTimeline, ReceivedPacket, Timeline

__all__ = [
    "CallFailed",
    "Clip",
    "Ear",
    "Heard",
    "HeardTimeline",
    "Phone",
    "PhoneCall",
    "PhoneError",
    "PhoneEvent",
    "ReceivedPacket",
    "Ticker",
    "Timeline",
    "Wire",
    "hears_voice",
]
