"""Reliable provisional responses: 100rel, RSeq, RAck, PRACK (RFC 3262), in both roles."""

import re
from typing import TYPE_CHECKING

from voicebot.sip.ending import settle_open_requests
from voicebot.sip.events import Cancelled, Offer, OfferAnswered
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.session import EarlyDialog, Session, Unpracked, Wait
from voicebot.sip.timers import TIMEOUT
from voicebot.sip.transaction_layer import Server

if TYPE_CHECKING:
    from voicebot.sip.core import Core

MAX_RSEQ = 2**32 - 1
_RACK = re.compile(r"\s*(\d{1,10})\s+(\d{1,10})\s+INVITE\s*", re.ASCII)


# --- we have called (section 4)


def taken(core: "Core", session: Session, early: EarlyDialog, response: Response, now: float) -> bool:
    """Acknowledge a reliable provisional response; False for one that counts for nothing: repeated, or out of order."""
    text = (response.first("rseq") or "").strip()
    if "100rel" not in response.tokens("require") or not (text.isascii() and text.isdigit()):
        return True
    number = int(text[:11])
    if not 0 < number <= MAX_RSEQ or (early.rseq and number != early.rseq + 1):
        return False
    early.rseq = number
    rack = [("rack", f"{number} {response.cseq.number} INVITE")]
    # Whatever the peer says to a PRACK, its INVITE goes on.
    core.request(session, "PRACK", now, lambda _session, _response, _now: None, rack, dialog=early.dialog)
    return True


# --- we are called (section 3)


def is_wanted(request: Request, sdp: bytes | None) -> bool:
    """Say whether a provisional response to `request` is to be reliable: if it must be, or if a description may get lost."""
    if "100rel" in request.tokens("require"):
        return True
    return sdp is not None and "100rel" in request.tokens("supported")


def begin(core: "Core", session: Session) -> HeaderList:
    """Return the header fields that make the next provisional response reliable."""
    session.rseq = session.rseq + 1 if session.rseq else core.rng.getrandbits(31) or 1
    return [("require", "100rel"), ("rseq", str(session.rseq))]


def sent(core: "Core", session: Session, server: Server, response: Response, now: float) -> None:
    """Repeat `response` until its PRACK comes (section 3: T1, doubling)."""
    session.unpracked = Unpracked(server, response, session.rseq, now + TIMEOUT)
    core.wait(session, Wait.REPEAT_PROVISIONAL, now + session.unpracked.interval)


def repeat(core: "Core", session: Session, now: float) -> bool:
    """Send it again; False when 64*T1 are over: the INVITE is to be refused."""
    waiting = session.unpracked
    if waiting is None:
        return True
    if now >= waiting.until:
        session.unpracked = None
        return False
    waiting.server.respond(waiting.response, now)
    waiting.interval *= 2
    core.wait(session, Wait.REPEAT_PROVISIONAL, min(now + waiting.interval, waiting.until))
    return True


def prack_received(core: "Core", session: Session, server: Server, request: Request, now: float) -> bool:
    """Answer a PRACK; True when it acknowledges what we repeat. An offer in it is answered by our user."""
    waiting = session.unpracked
    match = _RACK.fullmatch(request.first("rack") or "")
    if (
        waiting is None
        or match is None
        or (int(match[1]), int(match[2])) != (waiting.rseq, waiting.server.request.cseq.number)
    ):
        core.respond(server, 481, now)
        return False
    session.unpracked = None
    session.stop(Wait.REPEAT_PROVISIONAL)
    given = waiting.response.body
    offered = bool(given) and waiting.server.request.sdp is None
    if given:
        session.settled_early = True
    if request.sdp is not None and not offered:
        session.offer_server = server
        core.emit(Offer(session.id, request.sdp, "prack"))
        return True
    core.respond(server, 200, now)
    if offered:
        core.emit(OfferAnswered(session.id, request.sdp))
    return True


def given_up(core: "Core", session: Session, server: Server, now: float) -> None:
    """The caller does not acknowledge: its INVITE is refused (section 3)."""
    tag = session.dialog.local.tag if session.dialog else ""
    session.invite_server = None
    settle_open_requests(core, session, now)
    core.forget(session)
    core.respond(server, 504, now, to_tag=tag)
    core.emit(Cancelled(session.id, "SIP;cause=504", by_peer=False))
