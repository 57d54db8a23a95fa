"""queue: wait for a human agent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from voicebot.dialplan.builtin import builtin, fill
from voicebot.dialplan.dialog import options_of
from voicebot.dialplan.expressions import Expression, ExpressionError, Template
from voicebot.dialplan.fields import (
    Named,
    Reader,
    boolean,
    duration,
    expression,
    integer,
    key,
    map_of,
    number,
    one_of,
    pointer,
)
from voicebot.dialplan.headers import header_name, header_value, rendered
from voicebot.dialplan.inputs import Handler, Link, keys
from voicebot.dialplan.line import CallbackOffer, QueueResult, QueueView, QueueWait, Spoken
from voicebot.dialplan.matchers import Meant, QuestionMatcher
from voicebot.dialplan.optionset import OptionSet
from voicebot.dialplan.run import Run
from voicebot.dialplan.schema import Dialplan, Queue
from voicebot.dialplan.source import Node, Scalar, describe
from voicebot.dialplan.steps.booking import Offer, show
from voicebot.dialplan.steps.transfer import leave_by
from voicebot.dialplan.targets import Step, Steps, Target, Way, steps, target, verb, way_to
from voicebot.dialplan.texts import Text, text
from voicebot.nlu import spoken

EXITS = ("agent_done", "timeout", "no_agents", "full", "callback_booked")
MUST_BE_NAMED = ("timeout", "no_agents", "full")
OVERFLOWS = MUST_BE_NAMED  # exits by which a caller goes on in the queue that `overflow` names


@dataclass(frozen=True)
class AnnounceWait:
    every: float = key(duration(10, 600), 45.0)
    quantile: float = key(number(0.1, 0.99), 0.8)
    round: float = key(duration(1, 3600), 60.0)


Position = Literal["when_improved", "always", "never"]


def _position(reader: Reader, node: Node) -> Position:
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return "always" if node.value else "never"
    found: Position = one_of("when_improved", "always", "never")(reader, node)
    return found


@dataclass(frozen=True)
class Announce:
    """What a waiting caller is told. `position: true` is every time, `when_improved` only when it got better."""

    position: Position = key(_position, "never")
    ewt: AnnounceWait | None = key(lambda reader, node: reader.build(AnnounceWait, node))
    every: float = key(duration(10, 600), 45.0)


@dataclass(frozen=True)
class OfferCallback:
    when: Expression = key(expression, required=True)
    keep_place: bool = key(boolean, True)
    dtmf: str = key(keys, required=True)


def _music(reader: Reader, node: Node) -> str:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.endswith(".wav"):
        reader.refuse(node, "VB021", f"an audio file of prompts/ is expected, not {describe(node)}")
    return node.value


def _meanwhile(reader: Reader, node: Node) -> Steps:
    return Steps(steps(reader, node))


@verb
@dataclass(frozen=True, kw_only=True)
class QueueStep(Step):
    """Links that lead away are heard while waiting; after a link that does not, the caller queues again."""

    verb: ClassVar[str] = "queue"
    waits: ClassVar[bool] = True

    name: Named = key(pointer, required=True)
    priority: int | None = key(integer(-1000, 1000))
    announce: Announce | None = key(lambda reader, node: reader.build(Announce, node))
    music: str | None = key(_music)
    while_waiting: Steps | None = key(_meanwhile)
    whisper: Text | None = key(text)
    headers: dict[str, Template] | None = key(map_of(header_value, header_name))
    offer_callback: OfferCallback | None = key(lambda reader, node: reader.build(OfferCallback, node))
    max_wait: float | None = key(duration(1))
    exits: dict[str, Target] = key(map_of(target, one_of(*EXITS)), required=True)

    async def run(self, run: Run) -> None:
        name = self.name.name
        tried: set[str] = set()
        while True:
            tried.add(name)
            run.trace("queue", queue=name)
            result = await run.line.wait_in_queue(self.wait_of(run, name))
            if result.exit in (
                "agent_done",
                "callback_booked",
                "link",
            ):  # an empty queue must not disarm the guard against loops
                run.heard_from_caller()
            run.variables.queue["waited"] = round(result.waited)
            run.trace(
                "queue_exit",
                queue=name,
                exit=result.exit,
                waited=round(result.waited, 1),
                agent=result.agent,
            )
            further = run.dialplan.queues[name].overflow
            if result.exit in OVERFLOWS and further is not None and further.name not in tried:
                name = further.name
                continue
            if result.exit == "callback_booked":
                await run.say(run.phrase("callback_booked"), "none")
            if result.exit != "link":
                await leave_by(run, result.exit, self.exits)
                return
            if await self._follow(run, result):
                return

    def wait_of(self, run: Run, name: str) -> QueueWait:
        """Return what the line is told to wait in the queue `name`: the step's own, or one that it overflows to."""
        queue = run.dialplan.queues[name]
        priority: Any = self.priority if self.priority is not None else run.variables.call.get("priority")
        announce = self.announce or Announce()
        links = self._links(run)
        timed = self._timed
        offer = (
            Offer(run, self, self.offer_callback, name, links) if self.offer_callback is not None else None
        )
        return QueueWait(
            self.id,
            name,
            priority=priority or None,
            require=tuple(item.text(run.variables, run.language) for item in queue.require),
            announce_position=_speak_position(run) if announce.position != "never" else None,
            announce_wait=_speak_wait(run, announce.ewt.round) if announce.ewt is not None else None,
            announce_every=announce.ewt.every if announce.ewt is not None else announce.every,
            music=self.music,
            max_wait=self._longest(queue),
            whisper=run.spoken(self.whisper) if self.whisper is not None and not timed else (),
            keys=_matcher(run, links if offer is None else offer.options),
            while_waiting=self._meanwhile(run),
            speak_whisper=self._whisperer(run) if timed else None,
            position_every=announce.every if announce.position == "always" else None,
            quantile=announce.ewt.quantile if announce.ewt is not None else None,
            offer=CallbackOffer(offer.due, offer.talk, offer.takes) if offer is not None else None,
            headers=rendered(self.headers, run.variables, run.language),
        )

    def _longest(self, queue: Queue) -> float | None:
        """Return the longest wait: the step's beats its queue's; a queue that it overflows to has its own first."""
        first, second = self.max_wait, queue.max_wait
        if queue.name != self.name.name:
            first, second = second, first
        return second if first is None else first

    def whispered(self, run: Run) -> tuple[Spoken, ...]:
        """Return the whisper as it is now. What cannot be told is left out: the agent hears none, the call goes on."""
        try:
            return run.spoken(self.whisper) if self.whisper is not None else ()
        except ExpressionError as error:
            run.trace("error", kind=error.kind, status=0, count=0)
            return ()

    @property
    def _timed(self) -> bool:
        """The whisper tells something that is known only when an agent answers."""
        return self.whisper is not None and any(item.path[0] == "queue" for item in self.whisper.references)

    def _whisperer(self, run: Run) -> Callable[[QueueView], tuple[Spoken, ...]]:
        def whisper(view: QueueView) -> tuple[Spoken, ...]:
            show(run, view)
            return self.whispered(run)

        return whisper

    def _meanwhile(self, run: Run) -> Callable[[], Awaitable[None]] | None:
        waiting = self.while_waiting
        if waiting is None:
            return None

        async def play() -> None:
            await run.steps(waiting.steps)

        return play

    def _links(self, run: Run) -> OptionSet:
        return run.dialplan.memo.get("links while queueing", lambda: _leading_links(run.dialplan))

    async def _follow(self, run: Run, result: QueueResult) -> bool:
        """Follow a link; return whether the step is done."""
        meant = result.judgement.meaning if result.judgement is not None else None
        if not isinstance(meant, Meant) or meant.option is None or not isinstance(meant.option.action, Link):
            raise TypeError("the line returned a link that is none")
        link = meant.option.action
        run.trace("keys" if meant.keyed else "heard", link=True, text=meant.text, tier=meant.tier)
        if link.event is None:
            if link.call is not None:
                await run.call(link.call.name)
                return False
            await run.go(link.goto)
            return True
        await run.count_event()
        handler: Handler | None = run.handler(link.event, 1)
        if handler is None:
            return False
        run.trace_handler(handler, 1)
        if handler.set:
            run.assign(handler.set)
        await run.say(run.handler_speech(handler))
        if handler.way is None:
            return False
        await run.take(handler.way)
        return True

    def ways(self) -> tuple[Way, ...]:
        return tuple(way_to(item) for item in self.exits.values())


def _leading_links(dialplan: Dialplan) -> OptionSet:
    leading = [link for link in dialplan.all_links() if link.event in (None, "operator")]
    return OptionSet(options_of(leading, dialplan, "link"))


def _matcher(run: Run, options: OptionSet) -> QuestionMatcher | None:
    """Return what is heard while waiting: keys only."""
    if not options.options:
        return None
    return QuestionMatcher(options.by_key, run.listening(), ("dtmf",), options.book)


LAST_RENDERED_POSITION = 10
LAST_RENDERED_MINUTES = 10


def position_speech(position: int, language: str) -> Spoken:
    """Return how a place in the queue is told; the first ten are rendered when the dialplan loads."""
    if position <= 1:
        return Spoken(builtin("next", language), language)
    words = fill("position", language, value=spoken.number(position, language))
    return Spoken(words, language, constant=position <= LAST_RENDERED_POSITION)


def wait_speech(seconds: float, round_to: float, language: str) -> Spoken:
    """Return how an estimated wait is told, rounded up to a multiple of `round_to` seconds."""
    rounded = -(-seconds // round_to) * round_to
    if rounded < 60:
        return Spoken(builtin("short_wait", language), language)
    words = fill("wait", language, value=spoken.duration(rounded, language))
    whole = rounded % 60 == 0 and rounded <= 60 * LAST_RENDERED_MINUTES
    return Spoken(words, language, constant=whole)


def _speak_position(run: Run) -> Callable[[int], tuple[Spoken, ...]]:
    return lambda position: (position_speech(position, run.language),)


def _speak_wait(run: Run, round_to: float) -> Callable[[float], tuple[Spoken, ...]]:
    return lambda seconds: (wait_speech(seconds, round_to, run.language),)
