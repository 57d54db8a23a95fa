"""SIP user agent, sans-IO (RFC 3261 and what the README of the package lists).

`Endpoint` is bytes <-> messages <-> transactions <-> dialogs <-> events. It opens no socket, reads no clock and draws
no random number.
"""

from voicebot.sip.address import Address, Datagram
from voicebot.sip.core import Counters, Limits
from voicebot.sip.digest import Credentials, Realm
from voicebot.sip.endpoint import Endpoint
from voicebot.sip.errors import DigestError, MessageError, SipError, Why
from voicebot.sip.events import (
    Answered,
    BindingsChanged,
    Cancelled,
    Ended,
    Established,
    Event,
    IncomingCall,
    InfoReceived,
    Offer,
    OfferAnswered,
    OfferRejected,
    PingAnswered,
    Progress,
    ReferProgress,
    ReferReceived,
    RegistrationChanged,
    RegistrationDue,
    Rejected,
)
from voicebot.sip.header import NameAddress
from voicebot.sip.message import Request, Response
from voicebot.sip.registrar import Binding, Policy, Registrar
from voicebot.sip.registration import Account
from voicebot.sip.session_timer import SessionTimers
from voicebot.sip.uri import Uri

__all__ = [
    "Account",
    "Address",
    "Answered",
    "Binding",
    "BindingsChanged",
    "Cancelled",
    "Counters",
    "Credentials",
    "Datagram",
    "DigestError",
    "Ended",
    "Endpoint",
    "Established",
    "Event",
    "IncomingCall",
    "InfoReceived",
    "Limits",
    "MessageError",
    "NameAddress",
    "Offer",
    "OfferAnswered",
    "OfferRejected",
    "PingAnswered",
    "Policy",
    "Progress",
    "Realm",
    "ReferProgress",
    "ReferReceived",
    "Registrar",
    "RegistrationChanged",
    "RegistrationDue",
    "Rejected",
    "Request",
    "Response",
    "SessionTimers",
    "SipError",
    "Uri",
    "Why",
]
