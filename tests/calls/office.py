"""An office around a hotline: the caller's PBX, an agent, a branch and another phone, joined by SIP in memory."""

import asyncio

from tests.calls.server import AGENT, Server
from tests.calls.sip_pipe import TestPhone
from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.sdp import Local, answer_offer, create_offer
from voicebot.sip import Address, Event
from voicebot.sip import events as sip
from voicebot.sip.message import HeaderList
from voicebot.sip.uri import Uri

BRANCH = Address("udp", "192.0.2.4", 5060)
OTHER = Address("udp", "192.0.2.5", 5060)

DIALPLAN = """
dialplan: 1
hotline: {name: test, languages: [en], start: main}
queues: {agents: {ring_timeout: 10s, max_wait: 60s}}
handlers: {error: [{goto: failed}]}
flows:
  main:
    - say: "Welcome."
    - %s
    - say: "After it, {{ transfer.exit }} {{ transfer.reason }}."
    - queue: {name: agents, exits: {agent_done: goodbye, timeout: goodbye, no_agents: goodbye, full: goodbye}}
  goodbye: [{say: "Goodbye."}, {hangup: normal}]
  failed: [{say: "An error."}, {hangup: normal}]
"""
STAY = "exits: {agent_done: [], busy: [], no_answer: [], declined: [], auth_failed: [], unreachable: [], timeout: []}"


def to_branch(mode: str, more: str = "timeout: 20s") -> str:
    step = f'transfer: {{to: "sip:6005@{BRANCH.host}:5060", mode: {mode}, {more}, {STAY}}}'
    return DIALPLAN % step.replace("[]", '[{set: {call.x: "1"}}]')


QUEUE = DIALPLAN % "set: {call.x: 1}"


class Pbx(TestPhone):
    """The caller's telephone system: carries out REFER, unless `refuses` gives the status of its refusal.

    `tells`: the last NOTIFY, None: it sends none. `hangs_up`: its BYE follows the NOTIFY at once. `lets_go`: it has
    nobody in the call any more once it has begun, and says so when it is asked to go on.
    """

    refuses = 0
    tells: int | None = 200
    hangs_up = False
    lets_go = False

    def _take(self, event: Event) -> None:
        super()._take(event)
        if isinstance(event, sip.Offer) and event.sdp is not None:
            settled = answer_offer(self.local, event.sdp)
            self.local = settled.local
            self.answer(event.session, settled.body)
            if self.lets_go:
                self.bye(event.session)
        if isinstance(event, sip.ReferReceived):
            if self.refuses:
                self.endpoint.answer_refer(event.session, self.refuses, self._now())
                return
            self.endpoint.answer_refer(event.session, 202, self._now())
            asyncio.get_running_loop().call_later(1.0, self._carried_out, event)

    def _carried_out(self, event: sip.ReferReceived) -> None:
        uri = Uri.parse(event.refer_to)
        if uri.headers and self.tells == 200:
            value = uri.headers.removeprefix("Replaces=").replace("%3B", ";").replace("%3D", "=")
            self.join(uri, [("Replaces", value)])
        if self.tells is not None:
            self.endpoint.notify_refer(event.session, self.tells, self._now())
        if self.hangs_up:
            self.endpoint.bye(event.session, self._now())
        self.work()

    def join(self, uri: Uri, headers: list[tuple[str, str]]) -> int:
        self.local, offer = create_offer(Local(self.address.host, 4002, 2))
        session = self.endpoint.invite(
            f"sip:{uri.user}@{uri.host}:{uri.port or 5060}",
            "sip:100@example.com",
            offer,
            self._now(),
            destination=Address("udp", uri.host, uri.port or 5060),
            headers=headers,
        )
        self.work()
        return session

    def transfer(self, session: int, to: str, headers: HeaderList = ()) -> None:
        """Ask the far end to go elsewhere, as the phone of an agent does."""
        self.endpoint.give_up_refer(session, self._now())
        self.endpoint.refer(session, to, self._now(), headers)
        self.work()

    def progress(self) -> list[int]:
        return [event.status for event in self.events if isinstance(event, sip.ReferProgress)]


class Branch(Pbx):
    """The transfer's target; it lets a call be replaced, and ends that `moves_within` seconds later, None: never."""

    moves_within: float | None = 0.0

    def _answer(self, event: sip.IncomingCall) -> None:
        super()._answer(event)
        if event.replaces is not None and self.moves_within is not None:
            asyncio.get_running_loop().call_later(self.moves_within, self.bye, event.replaces)

    def _take(self, event: Event) -> None:
        if isinstance(event, sip.IncomingCall) and event.replaces is not None:
            self.events.append(event)
            self._answer(event)
        else:
            super()._take(event)


class Office:
    """The server with a PBX that calls it, a branch, an agent and another phone."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pbx = Pbx(server.pipe)
        self.branch = Branch(server.pipe, BRANCH)
        self.agent = Pbx(server.pipe, AGENT)
        self.other = Branch(server.pipe, OTHER)
        server.exchange.resolve = self._target

    @staticmethod
    def _target(_call: Call, to: str) -> str:
        if to.startswith("sip:9") or "evil" in to or "@" not in to:
            raise DialFailed("declined", 403)
        return to

    async def talk_with_agent(self) -> tuple[int, int]:
        """Let a caller talk with the agent; return the sessions of both phones."""
        call = self.pbx.call()
        await asyncio.sleep(8.0)
        assert self.server.caller.bridged_with is not None
        return call, self.agent.incoming[0]


def told(server: Server, event: str) -> list[dict[str, object]]:
    return [dict(fields) for uid, kind, fields in server.store.events if (uid, kind) == ("call-1", event)]


def heard(server: Server) -> str:
    return " ".join(each.text for each in server.caller.said)
