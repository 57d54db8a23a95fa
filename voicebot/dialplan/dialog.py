"""An input step's dialogue: ask, judge, confirm, reprompt, handle events, until there is an answer.

Counting (principle 6): arriving at a step zeroes its counts, a reprompt does not; each event counts alone. Confirmations
and "which of the two?" are asked at most twice; what is not clearly agreed to then is a `nomatch` of the step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from voicebot.dialplan.builtin import builtin
from voicebot.dialplan.control import StepError
from voicebot.dialplan.inputs import (
    Choice,
    Confidence,
    Handler,
    InputStep,
    Link,
    Options,
    Phrases,
    input_options,
    option,
)
from voicebot.dialplan.line import Entry, Failed, Heard, InputOptions, NoInput, NoMatch, Question, Spoken
from voicebot.dialplan.matchers import Meant, Option, QuestionMatcher
from voicebot.dialplan.optionset import OptionSet
from voicebot.dialplan.run import Run
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.slots import SlotRule

CONFIRMATIONS = 2  # times that a confirmation is asked
YES_OR_NO = SlotRule.of("boolean", {})


class Exhausted(Exception):
    """`max_attempts` of a slot are spent."""


@dataclass(frozen=True, slots=True)
class Reprompt:
    """The prompt is asked again, after `before`."""

    mode: str
    before: tuple[Spoken, ...] = ()


ASK_AGAIN = Reprompt("full")


class Done(Exception):
    """A handler has ended the step: the call goes on after it."""


def options_of(items: Iterable[Choice | Link], dialplan: Dialplan, prefix: str) -> list[Option]:
    """Return choices or links as the matcher takes them."""
    found = []
    for number, item in enumerate(items):
        intent = dialplan.intents.get(item.intent.name) if item.intent is not None else None
        phrases: Phrases = {}
        for source in (item.phrases, intent.phrases if intent else None):
            for language, templates in (source or {}).items():
                phrases[language] = (*phrases.get(language, ()), *templates)
        spoken = tuple((lang, tuple(p.source for p in templates)) for lang, templates in phrases.items())
        found.append(
            Option(
                f"{prefix}{number}",
                item,
                item.dtmf,
                spoken,
                link=isinstance(item, Link),
                intent=intent.name if intent else "",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Manners:
    """How a step asks: its input options, and where it has none the dialplan's defaults."""

    line: InputOptions
    confidence: Confidence
    takes: tuple[str, ...]
    sensitive: bool


class Asked(NamedTuple):
    """What is the same each time that a step asks. `options`: all, its own choices first; `links`: those that are links."""

    manners: Manners
    options: OptionSet
    links: OptionSet


def asked_by(dialplan: Dialplan, step: InputStep, choices: Sequence[Choice] = ()) -> Asked:
    """Return how a step asks, and what may be answered."""

    def make() -> Asked:
        layers: tuple[Options, ...] = (step, dialplan.defaults)
        manners = Manners(
            input_options(*layers),
            option("confidence", *layers) or Confidence(),
            option("input", *layers) or ("speech", "dtmf"),
            bool(option("sensitive", *layers)),
        )
        links = options_of((*step.all_links(), *dialplan.all_links()), dialplan, "link")
        own = options_of(choices, dialplan, "choice")
        return Asked(manners, OptionSet([*own, *links]), OptionSet(links))

    return dialplan.memo.get((type(step), step.id), make)


class Dialog:
    """One arrival at an input step."""

    def __init__(
        self,
        run: Run,
        step: InputStep,
        choices: Sequence[Choice] = (),
        *,
        slot: SlotRule | None = None,
        attempts: int | None = None,
        sensitive: bool = False,
    ) -> None:
        """`attempts`: noinput, nomatch and refusals together, then Exhausted (None: handlers decide)."""
        self._run = run
        self._step = step
        self._slot = slot
        self._attempts = attempts
        self._manners, self._options, self._links = asked_by(run.dialplan, step, choices)
        self.sensitive = sensitive or self._manners.sensitive
        self.bounds = self._manners.confidence
        self._takes = self._manners.takes
        self._counts: dict[str, int] = {}
        self._spent = 0
        self._next = ASK_AGAIN

    async def answer(self) -> Meant:
        """Ask until there is an answer. Raises Leave, Done, Exhausted or StepError."""
        while True:
            prompt = (*self._next.before, *self._prompt(self._next.mode))
            before = None if self._run.language_chosen else self._run.language
            answer = await self._ask(prompt, self._options, self._slot)
            meant = await self._settle(answer) if isinstance(answer, Meant) else None
            if meant is None and before is not None and self._run.language_chosen:
                self._run.forget_language(before)  # the match that chose it was none
            if meant is None:
                event = "noinput" if isinstance(answer, NoInput) else "nomatch"
                self._next = await self._failed(event)
            elif meant.option is not None and meant.option.link:
                self._next = await self._link(meant.option)
            else:
                return meant

    async def refused(self) -> None:
        """The caller said no to the read-back: the next `answer` asks anew."""
        self._spend()
        self._next = ASK_AGAIN

    async def yes_or_no(self, prompt: tuple[Spoken, ...]) -> bool:
        """Ask a confirmation; anything but a clear yes is a no."""
        for _ in range(CONFIRMATIONS):
            answer = await self._ask(prompt, self._links, YES_OR_NO)
            if isinstance(answer, Meant):
                if answer.option is None:
                    return answer.value is True
                await self._link(answer.option)
            else:
                prompt = (*prompt, *self._run.phrase("yes_or_no"))
        return False

    # --- one question ----------------------------------------------------------------------------------------------

    def _prompt(self, mode: str) -> tuple[Spoken, ...]:
        if mode == "none":
            return ()
        text = self._step.brief if mode == "brief" and self._step.brief is not None else self._step.prompt
        return self._run.spoken(text)

    async def _ask(
        self, prompt: tuple[Spoken, ...], options: OptionSet, slot: SlotRule | None
    ) -> Meant | NoInput | NoMatch:
        run = self._run
        languages = run.listening()
        if slot is None:  # empty phrases would mean free speech: nothing is listened for that cannot be meant
            languages = options.spoken_of(languages)
        matcher = QuestionMatcher(
            options.by_key,
            languages,
            self._takes,
            options.book,
            reject=self.bounds.reject,
            margin=self.bounds.margin,
            slot=slot,
        )
        question = Question(self._step.id, prompt, matcher, languages, self._manners.line, self.sensitive)
        answer = await run.line.ask(question)
        if isinstance(answer, Failed):
            raise StepError(answer.kind)
        if not isinstance(answer, Heard):
            self._trace_nothing(answer)
            return answer
        run.heard_from_caller()
        meant = answer.judgement.meaning
        if not isinstance(meant, Meant):
            raise TypeError("the line returned a judgement of another matcher")
        if meant.option is None and self._slot is not None and slot is not self._slot:
            meant = meant._replace(tier="confirmation")
        self._trace_heard(meant, answer.entries)
        if meant.language and not run.language_chosen:
            run.choose_language(meant.language)
        return meant

    async def _settle(self, meant: Meant) -> Meant | None:
        """Return what is meant once doubts are asked about; None when they were not removed. Slots have their own."""
        if meant.option is None:
            return meant
        if meant.tied:
            return await self._which(meant.tied)
        if meant.keyed or meant.confidence >= self.bounds.confirm:
            return meant
        label = meant.option.label(self._run.language)
        return meant if await self.yes_or_no(self._run.phrase("right", label=label)) else None

    async def _which(self, tied: tuple[Option, ...]) -> Meant | None:
        language = self._run.language
        labels = [item.label(language) for item in tied]
        first = builtin("comma", language).join(labels[:-1])
        prompt = self._run.phrase("or", first=first, last=labels[-1])
        options = OptionSet([*tied, *(item for item in self._links.options if item not in tied)])
        answer = await self._ask(prompt, options, None)
        return answer if isinstance(answer, Meant) and not answer.tied else None

    # --- events ----------------------------------------------------------------------------------------------------

    def _spend(self) -> None:
        self._spent += 1
        if self._attempts is not None and self._spent >= self._attempts:
            raise Exhausted

    async def _failed(self, event: str) -> Reprompt:
        await self._run.count_event()
        self._spend()
        return await self._event(event, counted=True)

    async def _event(self, event: str, *, counted: bool = False) -> Reprompt:
        run = self._run
        if not counted:
            await run.count_event()
        count = self._counts[event] = self._counts.get(event, 0) + 1
        handler = run.handler(event, count, self._step.handlers_of(event))
        if handler is None:
            before = run.phrase("nomatch") if event == "nomatch" else ()
            return Reprompt("brief" if event == "nomatch" else "full", before)
        return await self._handle(handler, count)

    async def _handle(self, handler: Handler, count: int) -> Reprompt:
        run = self._run
        run.trace_handler(handler, count)
        if handler.set:
            run.assign(handler.set)
        if handler.input is not None:
            self._takes = handler.input
        speech = run.handler_speech(handler)
        way = handler.way
        if way is not None:
            await run.say(speech)
            await run.take(way)
            raise Done
        if handler.call is not None:
            await run.say(speech)
            await run.call(handler.call.name)
            speech = ()
        return Reprompt(handler.reprompt or "brief", speech)

    async def _link(self, chosen: Option) -> Reprompt:
        """Follow a link: leave, raise its event, or make a digression and ask again."""
        link = chosen.action
        assert isinstance(link, Link)
        if link.event is not None:
            return await self._event(link.event)
        await self._run.go(link.goto)
        if link.call is None:
            raise Done
        await self._run.call(link.call.name)
        return Reprompt("brief")

    # --- the timeline ----------------------------------------------------------------------------------------------

    def _trace_heard(self, meant: Meant, entries: Sequence[Entry]) -> None:
        fields: dict[str, object] = {"tier": meant.tier}
        option = meant.option
        secret = self.sensitive and (option is None or not option.link)
        if option is not None:
            if option.intent:
                fields["intent"] = option.intent
            if isinstance(option.action, Choice | Link):
                fields |= self._run.place(option.action.position, "choice_")
            if option.link:
                fields["link"] = True
        if secret:
            fields["sensitive"] = True
        else:
            fields["keys" if meant.keyed else "text"] = meant.text
        if not meant.keyed:
            fields |= {"language": meant.language, "confidence": round(meant.confidence, 3)}
            fields |= self._judged(entries, secret=secret)
            if meant.template and not secret:
                fields |= {"template": meant.template, "score": round(meant.score, 3)}
            if meant.tied:
                fields["tied"] = [item.intent or item.label(meant.language) for item in meant.tied]
        self._run.trace("keys" if meant.keyed else "heard", **fields)

    def _judged(self, entries: Sequence[Entry], *, secret: bool) -> dict[str, object]:
        """Return the bounds, how sure the recogniser was, and what those of other languages have heard instead."""
        spoken = [entry for entry in entries if entry.kind == "speech"]
        if not spoken:
            return {}
        bounds = self.bounds
        fields: dict[str, object] = {
            "recognised": round(min(entry.confidence for entry in spoken), 3),
            "bounds": {"reject": bounds.reject, "confirm": bounds.confirm, "margin": bounds.margin},
        }
        others = [
            {"language": language, "text": text, "confidence": round(confidence, 3)}
            for entry in spoken
            for language, text, confidence in entry.alternatives
        ]
        if others and not secret:
            fields["others"] = others
        return fields

    def _trace_nothing(self, answer: NoInput | NoMatch) -> None:
        if isinstance(answer, NoInput):
            self._run.trace("noinput", count=self._counts.get("noinput", 0) + 1)
            return
        fields: dict[str, object] = {"count": self._counts.get("nomatch", 0) + 1}
        if self.sensitive:
            fields["sensitive"] = True
        else:
            fields["text"] = " ".join(item.text for item in answer.entries if item.kind == "speech")
            fields["keys"] = "".join(item.text for item in answer.entries if item.kind == "keys")
        if spoken := [item.language for item in answer.entries if item.kind == "speech"]:
            fields["language"] = spoken[-1]
        fields |= self._judged(answer.entries, secret=self.sensitive)
        self._run.trace("nomatch", **fields)
