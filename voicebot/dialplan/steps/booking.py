"""Offering a callback to a waiting caller: the offer, and the number, which is read back before it counts.

The questions are the bot's own (`builtin`). Links of the dialplan are heard in the offer; nothing here raises events, so
that a caller who says nothing goes on waiting, and loses nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from voicebot.dialplan.builtin import CALL_ME_BACK
from voicebot.dialplan.expressions import ExpressionError
from voicebot.dialplan.inputs import input_options
from voicebot.dialplan.line import CallbackRequest, Heard, Judgement, Question, QueueView, Spoken
from voicebot.dialplan.matchers import Meant, Option, QuestionMatcher
from voicebot.dialplan.optionset import OptionSet
from voicebot.dialplan.run import Run
from voicebot.dialplan.slots import SlotRule
from voicebot.nlu import spoken
from voicebot.nlu.slots.base import SlotError

if TYPE_CHECKING:
    from voicebot.dialplan.steps.queue import OfferCallback, QueueStep

NOTHING = OptionSet([])
TRIES = 3  # times that a number is asked for


class Offer:
    """Implements the functions of `line.CallbackOffer` for one arrival at a queue."""

    def __init__(
        self, run: Run, step: "QueueStep", offer: "OfferCallback", queue: str, links: OptionSet
    ) -> None:
        self._run = run
        self._step = step
        self._offer = offer
        self._queue = queue
        self.options = run.dialplan.memo.get(
            ("callback offer", step.id), lambda: _options(offer, links, run.dialplan.hotline.languages)
        )

    def due(self, view: QueueView) -> bool:
        show(self._run, view)
        try:
            return bool(self._offer.when.evaluate(self._run.variables, self._run.language))
        except ExpressionError:  # nobody can tell how long it takes
            return False

    def takes(self, judgement: Judgement) -> bool:
        return isinstance(judgement.meaning, Meant) and judgement.meaning.option is self.options.options[0]

    async def talk(self, chosen: bool) -> CallbackRequest | Judgement | None:
        run = self._run
        if not chosen:
            run.trace("callback_offered", queue=self._queue)
            heard = await self._ask(
                run.phrase("callback_offer", key=_key(self._offer.dtmf, run.language)), self.options
            )
            if heard is None or not isinstance(heard.meaning, Meant) or heard.meaning.tied:
                return None
            if not self.takes(heard):
                return heard
        number = await self._number()
        return None if number is None else self._request(number)

    async def _number(self) -> str | None:
        """Return the number that the caller has confirmed."""
        run = self._run
        number = str(run.variables.call.get("from", ""))
        if self._callable(number) and await self._agreed(number):
            return number
        rule = SlotRule.of("phone", {})
        for _ in range(TRIES):
            heard = await self._ask(run.phrase("callback_number"), NOTHING, rule)
            number = str(heard.meaning.value) if heard and isinstance(heard.meaning, Meant) else ""
            if not number:
                continue
            if not self._callable(number):
                await run.say(run.phrase("callback_refused"))
            elif await self._agreed(number):
                return number
        return None

    def _callable(self, number: str) -> bool:
        return self._run.line.may_call(number) and _speakable(number, self._run.language) is not None

    async def _agreed(self, number: str) -> bool:
        run = self._run
        value = _speakable(number, run.language) or ""
        heard = await self._ask(
            run.phrase("callback_confirm", value=value), NOTHING, SlotRule.of("boolean", {})
        )
        return heard is not None and isinstance(heard.meaning, Meant) and heard.meaning.value is True

    async def _ask(
        self, prompt: tuple[Spoken, ...], options: OptionSet, slot: SlotRule | None = None
    ) -> Judgement | None:
        """Ask once; None for silence and for what is not understood. What was said is not in the timeline."""
        run = self._run
        languages = run.listening()
        matcher = QuestionMatcher(options.by_key, languages, ("speech", "dtmf"), options.book, slot=slot)
        answer = await run.line.ask(
            Question(self._step.id, prompt, matcher, languages, input_options(run.dialplan.defaults))
        )
        if not isinstance(answer, Heard):
            run.trace("callback_question", answered=False)
            return None
        run.heard_from_caller()
        run.trace("callback_question", answered=True)
        meant = answer.judgement.meaning
        if isinstance(meant, Meant) and meant.language and not run.language_chosen:
            run.choose_language(meant.language)
        return answer.judgement

    def _request(self, number: str) -> CallbackRequest:
        wait = self._step.wait_of(self._run, self._queue)
        return CallbackRequest(
            number,
            self._queue,
            self._run.language,
            priority=wait.priority,
            require=wait.require,
            whisper=agent_hears(self._run, number, self._step.whispered(self._run)),
            keep_place=self._offer.keep_place,
        )


def _key(keys: str, language: str) -> str:
    """Return how the keys of an offer are called out."""
    named = {"*": ("star", "星号"), "#": ("hash", "井号")}
    return " ".join(
        named[key][language == "zh"] if key in named else spoken.digits(key, language) for key in keys
    )


def _options(offer: "OfferCallback", links: OptionSet, languages: Sequence[str]) -> OptionSet:
    phrases = tuple((language, CALL_ME_BACK[language]) for language in languages)
    return OptionSet([Option("callback", offer, offer.dtmf, phrases), *links.options])


def agent_hears(run: Run, number: str, whisper: tuple[Spoken, ...] = ()) -> tuple[Spoken, ...]:
    """Return what the agent hears before the caller is dialled."""
    value = _speakable(number, run.language) or ""
    kept = tuple(item for item in whisper if not item.sensitive and item.file is None)
    return (*run.phrase("callback_agent", value=value), *kept)


def show(run: Run, view: QueueView) -> None:
    """Let `queue.*` tell what the queue tells; what nobody knows is unset."""
    queue = run.variables.queue
    known = {"waited": round(view.waited), "position": view.position or None, "ewt": view.ewt}
    for name, value in known.items():
        if value is None:
            queue.pop(name, None)
        else:
            queue[name] = value if isinstance(value, int) else round(value)


def _speakable(number: str, language: str) -> str | None:
    try:
        return SlotRule.of("phone", {}).speak(number, language)
    except (SlotError, ValueError):
        return None
