"""The story of an incoming call, top to bottom: answer, run the dialplan, hang up, write the record."""

import asyncio
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import structlog

from voicebot.calls.answering import Unanswered
from voicebot.calls.call import Call
from voicebot.calls.callbacks import Callbacks
from voicebot.calls.exchange import Exchange, Talking
from voicebot.calls.floor import Floor
from voicebot.calls.identity import headers_of, identity_of, number_of, shown
from voicebot.calls.leg import Gone, Leg
from voicebot.calls.line import Sounds, TelephoneLine, utc_now
from voicebot.calls.loops import MOST_ROUNDS, NAMED_BY, tell_loop
from voicebot.calls.protocols import NoMediaPort, Services, Speech, Store
from voicebot.calls.racing import first_of
from voicebot.calls.replacing import take_over
from voicebot.calls.room import Unacknowledged
from voicebot.calls.story import HANGUP_HANDLERS_WITHIN, converse, summary
from voicebot.dialplan.interpreter import Interpreter
from voicebot.dialplan.schema import Dialplan
from voicebot.sdp import NotAcceptable, SdpError, answer_offer, create_offer
from voicebot.sip import events as sip
from voicebot.sip.header import readable

ESTABLISHED_WITHIN = 35.0  # seconds for the ACK: more than 64*T1, when the endpoint gives up by itself

log = structlog.get_logger("calls")


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where an incoming call goes: the dialplan of the trunk that it came by. `refusal` is a status instead."""

    dialplan: Dialplan | None
    dialplan_name: str = ""
    trunk: str = ""
    refusal: int = 0
    retry_after: int = 0
    trusted: bool = False  # what the peer asserts of the caller is believed


@dataclass(slots=True)
class Reception:
    """Takes incoming calls. `entrance` decides where one goes; `new_uid` names it, and begins with the date.

    `recordings`: the folder of recordings and messages, by year, month and day; `recorded`: whether calls may be at all.
    `clock` is the wall time that dialplans go by.
    """

    exchange: Exchange
    floor: Floor
    callbacks: Callbacks
    speech: Speech
    store: Store
    sounds: Sounds
    entrance: Callable[[sip.IncomingCall], Entrance]
    new_uid: Callable[[], str]
    recordings: Path
    recorded: bool
    call_seconds: float
    services: Callable[[Dialplan], Services]
    clock: Callable[[], datetime.datetime] = utc_now
    recognisers: Mapping[str, str] = field(default_factory=dict)  # language -> engine, for the record
    calls: "dict[str, tuple[Call, asyncio.Task[None]]]" = field(default_factory=dict)
    dialplans: dict[str, Dialplan] = field(default_factory=dict)  # of the calls in progress, by uid
    _unacknowledged: Unacknowledged = field(default_factory=Unacknowledged)

    def make_room(self) -> bool:
        """End a call that nobody seems to be in, for another; False if there is none such."""
        return self._unacknowledged.give_way(asyncio.get_running_loop().time())

    def incoming(self, event: sip.IncomingCall) -> None:
        """An INVITE has come: refuse it, or begin its story."""
        entrance = self.entrance(event)
        if event.replaces is not None and entrance.refusal in (0, 503):  # no new call: limits do not count
            leg = take_over(self.exchange, event)
            if leg is not None and leg.call in self.calls:
                by = readable(event.request.from_.uri.username)
                self.calls[leg.call][0].trace("replaced", leg=leg.name, by=by)
            return
        if entrance.dialplan is None:
            headers = [("Retry-After", str(entrance.retry_after))] if entrance.retry_after else []
            log.info("call refused", source=event.source.host, status=entrance.refusal)
            self.exchange.signalling.reject(event.session, entrance.refusal, headers=headers)
            return
        signalling = self.exchange.signalling
        identity = identity_of(event.request, trusted=entrance.trusted)
        call = Call(
            self.new_uid(),
            identity.number,
            number_of(event.request.target),
            self.store,
            entrance.trunk,
            identity.name,
            headers_of(event.request),
        )
        if (parent := self.calls.get(call.headers.get(NAMED_BY, ""))) is not None:
            call.rounds = parent[0].rounds + 1
            if call.rounds > MOST_ROUNDS:
                tell_loop(parent[0])
                signalling.reject(event.session, 482)
                return
        self.exchange.loops.arrived(call, event.source, asyncio.get_running_loop().time())
        leg = Leg(call.uid, "caller", event.session, call.plays)
        call.caller = leg
        leg.learn(event.request)
        leg.on_held = partial(_note_hold, call)
        try:
            talking = self._take(call, leg, event, at_once=entrance.dialplan.hotline.answer == "at_once")
        except NoMediaPort as error:
            log.error("call refused", call=call.uid, status=503, problem=str(error))
            signalling.reject(event.session, 503, headers=[("Retry-After", "10")])
            return
        except SdpError as error:
            status = 488 if isinstance(error, NotAcceptable) else 400
            log.warning("call refused", call=call.uid, status=status, problem=str(error))
            self.exchange.drop(leg)
            signalling.reject(event.session, status)
            return
        story = asyncio.get_running_loop().create_task(
            self._story(call, leg, talking, entrance, event), name=f"call {call.uid}"
        )
        self.calls[call.uid] = (call, story)
        self.dialplans[call.uid] = entrance.dialplan
        story.add_done_callback(lambda _: self._over(call.uid))

    def _over(self, uid: str) -> None:
        del self.calls[uid], self.dialplans[uid]

    def _take(self, call: Call, leg: Leg, event: sip.IncomingCall, *, at_once: bool) -> Talking:
        """Open the caller's leg and answer the call, or leave that to the dialplan."""
        local = self.exchange.open_media(call, leg, event.source.host, self.exchange.srtp(call, None))
        talking = self.exchange.register(leg, local, event.source.host)
        if event.sdp is None:
            talking.local, body = create_offer(local)
        else:
            talking.settled = answer_offer(local, event.sdp)
            talking.local, body = talking.settled.local, talking.settled.body
        talking.established = asyncio.get_running_loop().create_future()
        door = Unanswered(
            self.exchange, talking, event.request, body, partial(self._established, call, talking)
        )
        if at_once:
            door.open()
        else:
            talking.unanswered = door
        return talking

    async def _story(
        self, call: Call, leg: Leg, talking: Talking, entrance: Entrance, event: sip.IncomingCall
    ) -> None:
        assert entrance.dialplan is not None
        self.store.call_started(
            call.uid,
            {
                "direction": "in",
                "from_number": call.from_number,
                "to_number": call.to_number,
                "from_uri": shown(event.request.from_.uri),
                "to_uri": shown(event.request.target),
                "sip_call_id": readable(event.request.call_id),
                "trunk": entrance.trunk,
                "source": str(event.source),
                "dialplan": entrance.dialplan_name,
                "dialplan_version": entrance.dialplan.version,
                "recognisers": dict(self.recognisers),
            },
        )
        log.info("call begins", call=call.uid, trunk=entrance.trunk, dialplan=entrance.dialplan_name)
        try:
            door = talking.unanswered
            if door is not None or await self._established(call, talking):
                if door is None:
                    call.trace("answered")
                line = TelephoneLine(
                    call,
                    leg,
                    speech=self.speech,
                    floor=self.floor,
                    callbacks=self.callbacks,
                    telephones=self.exchange,
                    services=self.services(entrance.dialplan),
                    sounds=self.sounds,
                    folder=_folder(self.recordings, call.uid[:8]),
                    recorded=self.recorded,
                    clock=self.clock,
                    door=door,
                )
                interpreter = Interpreter(entrance.dialplan, line, call=variables(call))
                await converse(call, leg, interpreter, self.call_seconds)
            elif leg.gone.done() and leg.gone.result().cause != "no_ack":
                gone = leg.gone.result()
                if talking.established is not None and talking.established.done():
                    call.trace("answered")  # its BYE stands for the ACK
                call.releases(gone.cause, "caller" if gone.by_peer else "server")
            else:
                call.releases("no_ack", "caller")
        except asyncio.CancelledError:
            call.releases("server_shutdown", "server")
            raise
        except Exception:  # the edge of a call: it ends this one call, and is told with the call's id
            log.exception("call failed", call=call.uid)
            call.releases("error", "server")
        finally:
            self.exchange.hang_up(leg, call.release_cause or "normal")
            try:
                await asyncio.shield(leg.close_media())
            finally:
                self._write_record(call, leg)

    async def _established(self, call: Call, talking: Talking) -> bool:
        """Wait for the ACK: then the path to the caller stands, and no first word is lost."""
        assert talking.established is not None
        self._unacknowledged.begin(call, talking.leg, asyncio.get_running_loop().time())
        try:
            await first_of(talking.established, talking.leg.gone, timeout=ESTABLISHED_WITHIN)
        finally:
            self._unacknowledged.over(call)
        return talking.established.done() and not talking.leg.gone.done()

    def _write_record(self, call: Call, leg: Leg) -> None:
        """The call is over, however it ended: what is known of it now is what will be known."""
        self.speech.end_call(call.uid)
        if call.recording and leg.gone.done() and leg.gone.result().cause == "media_lost":
            call.recording_problem = call.recording_problem or "ended early: the media worker was lost"
        call.trace("ended", cause=call.release_cause, by=call.ended_by)
        self.store.call_ended(call.uid, summary(call, leg.counters))
        self.exchange.signalling.call_over(call.uid)
        log.info("call ends", call=call.uid, cause=call.release_cause, by=call.ended_by)

    async def drain(self, within: float, hurry: asyncio.Event | None = None) -> None:
        """Let running calls finish for `within` seconds or until `hurry` is set, then hang up the rest.

        Returns when all records are written.
        """
        stories = [story for _, story in self.calls.values()]
        if stories:
            loop = asyncio.get_running_loop()
            hurried = loop.create_task(hurry.wait()) if hurry is not None else None
            over = asyncio.gather(*stories, return_exceptions=True)
            waits: set[asyncio.Future[Any]] = {asyncio.shield(over), *([hurried] if hurried else [])}
            await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if hurried is not None:
                hurried.cancel()
        for call, story in list(self.calls.values()):
            if not story.done() and call.caller is not None:
                call.releases("server_shutdown", "server")
                call.caller.end(Gone("server_shutdown", by_peer=False))
                self.exchange.signalling.bye(call.caller.session, cause="server_shutdown")
        remaining = [story for _, story in self.calls.values()]
        if remaining:
            await asyncio.wait(remaining, timeout=HANGUP_HANDLERS_WITHIN + 3.0)


@lru_cache(8)
def _folder(recordings: Path, day: str) -> Path:
    """Return the folder of a day, YYYYMMDD."""
    return recordings / day[:4] / day[4:6] / day[6:]


def _note_hold(call: Call, held: bool) -> None:
    call.trace("held" if held else "resumed")


def variables(call: Call) -> Mapping[str, object]:
    """Return what the dialplan knows as `call.*` at the beginning."""
    return {
        "from": call.from_number,
        "from_name": call.from_name,
        "to": call.to_number,
        "uid": call.uid,
        "headers": dict(call.headers),
    }
