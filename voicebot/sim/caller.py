"""Simulated callers: they act when the call listens, by script or by hand."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from voicebot.dialplan.line import Completeness, Entry, Question
from voicebot.dialplan.testcases import Act, Forever
from voicebot.sim.media import SimLeg
from voicebot.sim.speech import CONFIDENCE, language_of

Listens = Literal["question", "queue", "message"]

REACTION = 0.3  # seconds from the end of a prompt to what the caller does
KEY_GAP = 0.2  # seconds between two keys
MORE_KEYS = 0.6  # seconds after which a caller goes on who has keyed only a part
UNHEARD = 1.0  # seconds after which a caller does something else where nothing listened
MUMBLE_SECONDS = 1.0  # long enough to be no cough


class Caller(Protocol):
    """Who is on the line. The line tells when the call begins to listen, and when it has ceased to."""

    def answered(self) -> None: ...

    def listens(self, what: Listens, question: Question | None = None) -> None: ...

    def listens_no_more(self) -> None: ...

    def quiet(self) -> None:
        """What was played to the caller is over."""


class Done(NamedTuple):
    """What a caller did, and when (loop time). `listened`: something could hear it."""

    at: float
    act: Act
    listened: bool


@dataclass(slots=True)
class ScriptedCaller:
    """Does one act after the other, each as soon as the call listens for it; afterwards is silent.

    `hang_up` ends the caller's leg. An act with `at` does not wait for the end of the prompt.
    """

    leg: SimLeg
    acts: Sequence[Act]
    hang_up: Callable[[], None]
    for_ever: Forever | None = None
    done: list[Done] = field(default_factory=list)
    _next: int = 0
    _scene: Listens | None = None
    _scene_at: float = 0.0
    _question: Question | None = None
    _entries: list[Entry] = field(default_factory=list)
    _busy: bool = False  # speaking, keying, or silent on purpose
    _settling: bool = False  # what was given decides the question: the rest is for the next one
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    # --- what the line tells -------------------------------------------------------------------------------------------

    def answered(self) -> None:
        self._leaves_later()

    def listens(self, what: Listens, question: Question | None = None) -> None:
        self._scene, self._scene_at, self._question = what, self._loop.time(), question
        self._entries = []
        self._settling = False
        self._loop.call_soon(self._consider)

    def listens_no_more(self) -> None:
        self._scene = self._question = None
        self._cancel()

    def quiet(self) -> None:
        self._consider()

    # --- what the caller does ------------------------------------------------------------------------------------------

    def _consider(self) -> None:
        """See what is to be done now, and when."""
        if self._scene is None or self._busy or self._timer is not None or self.leg.closed:
            return
        act = self._current()
        if act is None:
            return
        if act.kind == "silence":
            if self._scene == "queue" or not self.leg.playing:
                self._busy = True
                self._loop.call_later(act.seconds, self._silent_enough)
        elif act.kind == "hangup":
            if act.at is None and (self._scene == "queue" or not self.leg.playing):
                self._timer = self._loop.call_later(REACTION, self._do, act)
        elif act.at is not None:
            self._timer = self._loop.call_at(max(self._scene_at + act.at, self._loop.time()), self._do, act)
        elif self._scene != "queue" and not self.leg.playing and not self._settling:
            self._timer = self._loop.call_later(REACTION, self._do, act)

    def _current(self) -> Act | None:
        if self._next < len(self.acts):
            return self.acts[self._next]
        return Act("unclear") if self.for_ever == "mumble" else None

    def _do(self, act: Act) -> None:
        self._timer = None
        listened = act.kind in ("dtmf", "hangup") or self.leg.listening is not None
        self.done.append(Done(self._loop.time(), act, listened))
        if act.kind == "hangup":
            self.hang_up()
            return
        self._busy = True
        if act.kind == "dtmf":
            self._press(act.text)
            return
        if listened and act.text:
            self._entries.append(
                Entry("speech", act.text, language_of(act.text), act.confidence or CONFIDENCE)
            )
        seconds = None if act.text else MUMBLE_SECONDS
        self.leg.say(
            act.text, seconds, confidence=act.confidence, on_said=lambda: self._said(listened=listened)
        )

    def _press(self, keys: str) -> None:
        if self._entries and self._entries[-1].kind == "keys":
            self._entries[-1] = Entry("keys", self._entries[-1].text + keys[0])
        else:
            self._entries.append(Entry("keys", keys[0]))
        self.leg.press(keys[0])
        if len(keys) > 1:
            self._loop.call_later(KEY_GAP, self._press, keys[1:])
        else:
            self._finished(MORE_KEYS)

    def _said(self, *, listened: bool) -> None:
        pause = UNHEARD
        if listened and self._question is not None:
            pause = self._question.options.incomplete_timeout + REACTION
        self._finished(pause, undecided=not listened)

    def _silent_enough(self) -> None:
        self._finished(undecided=True)

    def _finished(self, pause: float = 0.0, *, undecided: bool = False) -> None:
        """The act is over. The next one follows in the same question only if that one waits for more."""
        self._busy = False
        self._next += 1
        self._leaves_later()
        self._settling = not undecided and self._decides()
        if pause and not self._settling and self._scene is not None and self._timer is None:
            self._timer = self._loop.call_later(pause, self._again)
        else:
            self._consider()

    def _again(self) -> None:
        self._timer = None
        self._consider()

    def _decides(self) -> bool:
        if self._question is None or not self._entries:
            return self._question is not None
        return self._question.matcher.judge(self._entries).completeness is not Completeness.PREFIX

    def _leaves_later(self) -> None:
        """A hang-up with a time is not bound to a question: it comes wherever the call is then."""
        act = self._current()
        if act is not None and act.kind == "hangup" and act.at is not None:
            self._busy = True
            self._loop.call_later(act.at, self._do, act)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
