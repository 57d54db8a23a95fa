"""One call's run through a dialplan, as its steps see it: speaking, variables, leaving, errors and the guards."""

import datetime
import os
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from voicebot.dialplan.builtin import CONSTANT, CONSTANT_IF_OFFERED, builtin, fill
from voicebot.dialplan.control import End, Goto, Return, StepError
from voicebot.dialplan.expressions import Expression, ExpressionError, Reference
from voicebot.dialplan.fields import Named, Value
from voicebot.dialplan.inputs import Files, Handler
from voicebot.dialplan.line import BargeIn, Line, Spoken
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Position
from voicebot.dialplan.targets import Step, Target, Way
from voicebot.dialplan.texts import Text
from voicebot.dialplan.variables import Variables, references_in

MAX_DEPTH = 16  # flows that were called and have not returned
MAX_STEPS = 200  # without any input of the caller
MAX_ERRORS = 3  # events `error` of one call
LONGEST_VALUE = 200  # characters of a value in the timeline


class Run:
    """What a call is going through. One at a time: nothing here is shared between calls."""

    def __init__(self, dialplan: Dialplan, line: Line, call: Mapping[str, object]) -> None:
        self.dialplan = dialplan
        self.line = line
        self.language = dialplan.hotline.languages[0]
        self.language_chosen = False
        self.step: Step | None = None
        self._where: Mapping[str, object] = {}  # of that step, for the timeline
        self._depth = 0
        self._steps = 0
        self._events = 0
        self._errors = 0
        self._error_flow = ""  # the target of the error handler that ran last, while the call is in it
        self._handling_error = False
        self.variables = Variables(
            zone=dialplan.hotline.timezone or ZoneInfo("UTC"),
            hours=dialplan.hours,
            clock=line.now,
            call={
                "priority": 0,
                "headers": {},
                "from_name": "",
                **call,
                "language": self.language,
            },
            var=dialplan.variables,
        )

    # --- languages -------------------------------------------------------------------------------------------------

    def listening(self) -> tuple[str, ...]:
        """Return the languages that are listened for now."""
        return (self.language,) if self.language_chosen else self.dialplan.hotline.languages

    def choose_language(self, language: str) -> None:
        """Set `call.language`."""
        if language not in self.dialplan.hotline.languages:
            raise StepError("language")
        if language != self.language or not self.language_chosen:
            self.trace("language", language=language)
        self._speak(language)
        self.language_chosen = True

    def forget_language(self, first: str) -> None:
        """Listen for every language again; `first` is spoken until one is chosen."""
        self._speak(first)
        self.language_chosen = False
        self.trace("language", language="detect")

    def _speak(self, language: str) -> None:
        self.language = self.variables.call["language"] = language

    # --- speaking --------------------------------------------------------------------------------------------------

    def spoken(self, text: Text, *, voice: str | None = None, sensitive: bool = False) -> tuple[Spoken, ...]:
        """Return what is to be heard, in the caller's language. Raises ExpressionError."""
        key = (text.position, self.language, voice)  # of a text of the dialplan
        constant = self.dialplan.memo.get(key, lambda: self._constant(text, voice))
        if constant is not None:
            return constant
        pieces: list[Spoken] = []
        for item in text.in_language(self.language):
            language = item.language or self.language
            for sentence in item.sentences:
                if sentence.constant:
                    pieces.append(Spoken(sentence.source, language, voice))
                    continue
                secret = sensitive or self.variables.is_sensitive(sentence.references)
                words = sentence.speech(self.variables, language)
                pieces.append(Spoken(words, language, voice, constant=False, sensitive=secret))
        return tuple(pieces)

    def _constant(self, text: Text, voice: str | None) -> tuple[Spoken, ...] | None:
        """Return what is to be heard if there is no variable in it, else None."""
        pieces = [
            (sentence, item.language or self.language)
            for item in text.in_language(self.language)
            for sentence in item.sentences
        ]
        if not all(sentence.constant for sentence, _ in pieces):
            return None
        return tuple(Spoken(sentence.source, language, voice) for sentence, language in pieces)

    def phrase(self, name: str, *, sensitive: bool = False, **values: str) -> tuple[Spoken, ...]:
        """Return a built-in text."""
        if not values:
            constant = name in CONSTANT or name in CONSTANT_IF_OFFERED
            return (Spoken(builtin(name, self.language), self.language, constant=constant),)
        words = fill(name, self.language, **values)
        return (Spoken(words, self.language, constant=False, sensitive=sensitive),)

    def file(self, files: Files) -> tuple[Spoken, ...]:
        """Return an audio file."""
        return (Spoken("", self.language, file=files.in_language(self.language)),)

    async def say(self, speech: Iterable[Spoken], barge_in: BargeIn | None = None) -> None:
        pieces = tuple(speech)
        if pieces:
            await self.line.say(pieces, barge_in=barge_in or self.dialplan.defaults.barge_in or "immediate")

    # --- variables -------------------------------------------------------------------------------------------------

    def assign(self, values: Mapping[str, Value]) -> None:
        """Do what `set` says. `call.language` is checked; what comes from something sensitive is so too."""
        for name, value in values.items():
            content = self.variables.render(value, self.language)
            if name == "call.language":
                self.choose_language(str(content))
                continue
            secret = self.is_sensitive(references_in(value))
            self.variables.assign(name, content, sensitive=secret)
            if name == "call.priority" and (isinstance(content, bool) or not isinstance(content, int)):
                raise StepError("priority")
            shown = {} if secret else {"value": content}
            self.trace("set", name=name, **shown)

    def is_sensitive(self, references: Iterable[Reference]) -> bool:
        return self.variables.is_sensitive(references)

    # --- going on --------------------------------------------------------------------------------------------------

    async def enter(self, flow: str) -> None:
        """Run a flow, and those that it goes to, until one returns."""
        while True:
            try:
                await self.steps(self.dialplan.flows[flow].steps)
            except Goto as jump:
                self.trace("goto", flow=jump.flow)
                if jump.flow != self._error_flow:
                    self._error_flow = ""
                flow = jump.flow
            except Return:
                return
            else:
                raise AssertionError(
                    f"the end of flow {flow} was reached"
                )  # the checker proves that it cannot be

    async def call(self, flow: str) -> None:
        """Run a flow as a subroutine."""
        if self._depth >= MAX_DEPTH:
            await self.give_up("loop")
        self._depth += 1
        try:
            self.trace("call", flow=flow)
            await self.enter(flow)
            self.trace("return")
        finally:
            self._depth -= 1

    async def go(self, target: Target | None) -> None:
        """Go to a target; returns where the step is done afterwards."""
        if target is None:
            return
        if isinstance(target, Named):
            raise Goto(target.name)
        await self.steps(target.steps)

    async def take(self, way: Way) -> None:
        """Take the way that a choice or handler names."""
        if way.kind == "call" and way.flow is not None:
            await self.call(way.flow.name)
        elif way.kind == "goto" and way.flow is not None:
            raise Goto(way.flow.name)
        elif way.kind == "steps" and way.steps is not None:
            await self.steps(way.steps.steps)

    async def steps(self, steps: Iterable[Step]) -> None:
        """Run steps in order, each with its errors handled."""
        for step in steps:
            self._steps += 1
            if self._steps > MAX_STEPS:
                await self.give_up("loop")
            outer = self.step, self._where
            try:
                self.arrive(step)
                self.trace("step", verb=step.verb)
                await step.run(self)
            except (StepError, ExpressionError) as error:
                await self._error(step, error)
            finally:
                self.step, self._where = outer

    def arrive(self, step: Step | None) -> None:
        """From now on the timeline speaks of `step`."""
        self.step = step
        self._where = {} if step is None else {"step": step.id, **self.place(step.position)}

    def heard_from_caller(self) -> None:
        """The caller did something: the guard against loops starts anew."""
        self._steps = 0

    # --- events ----------------------------------------------------------------------------------------------------

    async def count_event(self) -> None:
        """Count one event of the call; too many of them end it."""
        self._events += 1
        if self._events >= self.dialplan.defaults.max_events:
            await self.give_up("loop")

    def handler(self, event: str, count: int, own: tuple[Handler, ...] = ()) -> Handler | None:
        """Return the entry whose count is the highest that is reached; ties go to the step's own, then the first."""
        entries = [*own, *self.dialplan.handlers.get(event, ())]
        reached = [entry for entry in entries if entry.count <= count]
        return max(reached, key=lambda entry: entry.count, default=None)

    async def _error(self, step: Step, error: StepError | ExpressionError) -> None:
        status = error.status if isinstance(error, StepError) else 0
        self._errors += 1
        self.variables.error = {"kind": error.kind, "status": status}
        self.trace("error", kind=error.kind, status=status, count=self._errors)
        if self._errors >= MAX_ERRORS or self._error_flow or self._handling_error:
            await self.give_up("loop")
        await self.count_event()
        own: tuple[Handler, ...] = getattr(step, "error", ())
        handler = self.handler("error", self._errors, own)
        if handler is None or handler.goto is None:
            await self.give_up("error")
            return
        self.trace_handler(handler, self._errors)
        self._handling_error = True
        try:
            if handler.set:
                self.assign(handler.set)
            await self.say(self.handler_speech(handler))
            if isinstance(handler.goto, Named):
                self._error_flow = handler.goto.name
            await self.go(handler.goto)
        except (StepError, ExpressionError):
            await self.give_up("loop")
        finally:
            self._handling_error = False

    def handler_speech(self, handler: Handler) -> tuple[Spoken, ...]:
        said = self.spoken(handler.say) if handler.say is not None else ()
        played = self.file(handler.play) if handler.play is not None else ()
        return (*said, *played)

    async def give_up(self, reason: str) -> None:
        """Apologise and end the call. Always raises End."""
        self.trace("give_up", reason=reason)
        await self.line.say(self.phrase("apology"), barge_in="none")
        raise End(reason)

    # --- the timeline ----------------------------------------------------------------------------------------------

    def trace(self, event: str, **fields: object) -> None:
        """Add an event to the timeline, with the step and the line of the dialplan."""
        self.line.trace(event, {**self._where, **fields})

    def place(self, position: Position, prefix: str = "") -> dict[str, object]:
        """Return the line, and the file if it is an included one, as a path from the main file's folder.

        Of what is no step, and so may share its line with others, the column as well.
        """
        place: dict[str, object] = {f"{prefix}line": position.line}
        if prefix:
            place[f"{prefix}column"] = position.column
        if position.file != self.dialplan.path:
            folder = os.path.dirname(self.dialplan.path)
            place[f"{prefix}file"] = os.path.relpath(position.file, folder or ".")
        return place

    def trace_handler(self, handler: Handler, count: int) -> None:
        place = self.place(handler.position, "handler_")
        self.trace("handler", event_name=handler.event, count=count, **place)

    def trace_branch(self, expression: Expression, taken: str) -> None:
        """Note which way an `if` or `switch` takes, and why: the condition, and the values of what it reads.

        A condition on something sensitive is not told: `slot.pin == '4931'`, taken, would tell the code.
        """
        if self.is_sensitive(expression.references):
            self.trace("branch", taken=taken, sensitive=True)
            return
        values: dict[str, object] = {}
        for reference in expression.references:
            try:
                value = self.variables.lookup(reference.path)
            except ExpressionError:
                values[reference.name] = None
                continue
            values[reference.name] = _short(value)
        told = {"values": values} if values else {}
        self.trace("branch", taken=taken, when=expression.source, **told)


def _short(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    text = (
        str(value) if isinstance(value, str | datetime.date | datetime.time) else f"({type(value).__name__})"
    )
    return text[:LONGEST_VALUE]
