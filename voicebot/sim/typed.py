"""A caller who is typed: in virtual time, which waits for the person at the keys, or in real time, which does not."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from voicebot.dialplan.line import Question
from voicebot.dialplan.testcases import Act
from voicebot.sim.caller import Done, Listens, ScriptedCaller

HELP = (
    "Type what the caller says. /1 or /4711# are keys, /hangup hangs up, /mumble is a voice without words, "
    "an empty line is silence."
)

Read = Callable[[Listens], str | None]  # what the person types; None: no more


def act_of(line: str) -> Act | None:
    """Return what a typed line means; None for silence. Raises ValueError for an unknown command."""
    text = line.strip()
    if not text:
        return None
    if not text.startswith("/"):
        return Act("say", text)
    command = text[1:].strip()
    if re.fullmatch(r"[0-9*#A-D]{1,32}", command):
        return Act("dtmf", command)
    if command in ("hangup", "quit", "q"):
        return Act("hangup")
    if command in ("mumble", "unclear"):
        return Act("unclear")
    raise ValueError(HELP)


@dataclass(slots=True)
class TypedCaller(ScriptedCaller):
    """In virtual time: whenever the call waits for the caller, so does time until the person has typed."""

    read: Read = lambda what: None
    on_error: Callable[[str], None] = lambda text: None
    _silent: bool = False  # until the next question
    _asked_in_queue: bool = False

    def listens(self, what: Listens, question: Question | None = None) -> None:
        self._silent = False
        self._asked_in_queue = False
        ScriptedCaller.listens(self, what, question)

    def _current(self) -> Act | None:
        assert isinstance(self.acts, list)
        if self._next == len(self.acts) and self._waits():
            act = self._typed()
            if act is None:
                return None
            self.acts.append(act)
        return self.acts[self._next] if self._next < len(self.acts) else None

    def _leaves_later(self) -> None:
        """Nothing that is typed is for later."""

    def _waits(self) -> bool:
        """Say whether it is the person's turn."""
        if self._scene is None or self._busy or self._silent or self._timer is not None or self.leg.closed:
            return False
        if self._scene == "queue":
            return not self._asked_in_queue
        return not self.leg.playing and not self._settling

    def _typed(self) -> Act | None:
        assert self._scene is not None
        while True:
            line = self.read(self._scene)
            if line is None:
                return Act("hangup")
            try:
                act = act_of(line)
            except ValueError as error:
                self.on_error(str(error))
                continue
            if self._scene == "queue":
                self._asked_in_queue = True
                at = self._loop.time() - self._scene_at
                if act is not None and act.kind != "hangup":
                    return Act(act.kind, act.text, at=at)
            self._silent = act is None
            return act


@dataclass(slots=True)
class RealTimeCaller(ScriptedCaller):
    """In real time: what is typed is said or keyed at once, into prompts as well."""

    def typed(self, line: str | None) -> None:
        """Take one line; None: no more will come. Raises ValueError for an unknown command."""
        act = Act("hangup") if line is None else act_of(line)
        if act is None or self.leg.closed:
            return
        self.done.append(Done(self._loop.time(), act, listened=True))
        if act.kind == "hangup":
            self.hang_up()
        elif act.kind == "dtmf":
            for key in act.text:
                self.leg.press(key)
        else:
            self.leg.say(act.text, None if act.text else 1.0)
