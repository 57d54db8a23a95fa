"""A question as the three callers meet it: each arrival unrolled into its reprompts, until something leads away.

The same rules as in `dialog`: counts, the handler that wins, attempts, what the next prompt is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from voicebot.dialplan.checks.callers import Context, Paths, keys_of
from voicebot.dialplan.checks.game import Kind
from voicebot.dialplan.inputs import Choice, Handler, InputStep, Link, Options, input_options, option
from voicebot.dialplan.slots import SlotRule
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.confirm import Confirm
from voicebot.dialplan.steps.form import Form
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.targets import Step, way_to
from voicebot.nlu.slots.base import SlotError

REACTION = 1.5  # seconds until a caller presses the first key or begins to speak, once the prompt is over
KEY = 0.5  # seconds for each key
MUMBLE = 2.0  # seconds of speech that nobody understands
DECODE = 0.7  # seconds until the end of speech is noticed and its text is there
MANY_KEYS = 12  # keys of a slot without a length


@dataclass(slots=True)
class _Asked:
    """What is asked: the answers that keys can give (node, seconds after the prompt), and where attempts end."""

    step: InputStep
    layers: tuple[Options, ...]
    keys: list[tuple[int, float]] = field(default_factory=list)
    attempts: int | None = None
    exhausted: int = 0
    hears: tuple[bool, ...] = (True,)  # by language: whether a recogniser listens


def question(paths: Paths, step: Step, where: Context) -> int:
    """Return the node of the arrival at a question."""
    if isinstance(step, Form):
        return _form(paths, step, where)
    assert isinstance(step, InputStep)
    if isinstance(step, Collect):
        target = step.on_fail
        exhausted = paths.to(target, where) if target is not None else paths.error(step, where)
        return _collect(paths, step, (step, paths.dialplan.defaults), where, exhausted)
    asked = _Asked(step, (step, paths.dialplan.defaults))
    if isinstance(step, Menu):
        _menu(paths, step, asked, where)
    elif isinstance(step, Confirm):
        asked.keys = [(paths.to(target, where), REACTION + KEY) for target in (step.if_yes, step.if_no)]
    return _arrival(paths, asked, where)


def _menu(paths: Paths, step: Menu, asked: _Asked, where: Context) -> None:
    nodes = [paths.way(item.way, where) for item in step.choices]
    written = keys_of((*step.choices, *_links(paths, step)))
    for item, node in zip(step.choices, nodes, strict=True):
        if item.dtmf is not None:
            longer = any(other.startswith(item.dtmf) and other != item.dtmf for _, other in written)
            wait = input_options(*asked.layers).interdigit_timeout if longer else 0.0
            said = paths.speaking.text(item.say)
            asked.keys.append((node, REACTION + KEY * len(item.dtmf) + wait + said))
    items: tuple[Choice | Link, ...] = (*step.choices, *_links(paths, step))
    asked.hears = tuple(
        dict.fromkeys(_can_be_said(paths, items, language) for language in paths.dialplan.hotline.languages)
    )


def _can_be_said(paths: Paths, items: Sequence[Choice | Link], language: str) -> bool:
    for item in items:
        intent = paths.dialplan.intents.get(item.intent.name) if item.intent is not None else None
        if (item.phrases or {}).get(language) or (intent is not None and intent.phrases.get(language)):
            return True
    return False


def _collect(paths: Paths, step: Collect, layers: tuple[Options, ...], where: Context, exhausted: int) -> int:
    asked = _Asked(step, layers, attempts=step.max_attempts, exhausted=exhausted)
    try:
        rule = SlotRule.of(
            step.type, paths.dialplan.types, length=step.length, bounds=step.range, values=step.values
        )
    except SlotError:
        return paths.goal  # a finding already
    if rule.kind.accepts_keys and (rule.spec.type != "choice" or rule.spec.keys):
        _, most = rule.spec.lengths((1, 1 if rule.spec.type in ("choice", "boolean") else MANY_KEYS))
        seconds = REACTION + KEY * most + input_options(*layers).interdigit_timeout
        if step.confirm == "always":
            read_back = paths.speaking.text(step.readback) or paths.speaking.builtin(["readback"])
            seconds += read_back + REACTION + 2 * KEY
        asked.keys = [(where.after, seconds)]
    return _arrival(paths, asked, where)


def _form(paths: Paths, step: Form, where: Context) -> int:
    exhausted = paths.to(step.on_fail, where) if step.on_fail is not None else paths.error(step, where)
    following = where.after
    defaults = paths.dialplan.defaults
    if step.confirm is not None:
        readback = Confirm(id=step.id, position=step.position, prompt=step.confirm)
        asked = _Asked(readback, (readback, defaults), [(following, REACTION + KEY)])
        following = _arrival(paths, asked, replace(where, after=following))
    for slot in reversed([item for item in step.slots if item.required]):
        single = replace(slot, confirm="never" if step.confirm else slot.confirm)
        inner = Context(following, where.mode, where.nested)
        following = _collect(paths, single, (slot, defaults), inner, exhausted)
    if step.prompt is None:
        return following
    opening = paths.game.add(Kind.CHANCE, step)
    paths.game.link(opening, following, paths.speaking.text(step.prompt))
    return opening


# --- one question --------------------------------------------------------------------------------------------------


def _links(paths: Paths, step: InputStep) -> tuple[Link, ...]:
    return (*step.all_links(), *paths.dialplan.all_links())


def _arrival(paths: Paths, asked: _Asked, where: Context) -> int:
    """Return the node where the question is asked for the first time."""
    keys = [*asked.keys, *_link_keys(paths, asked, where)]
    heard = asked.hears if paths.caller == "mumbling" else asked.hears[:1]
    chains = [_Chain(paths, asked, where, keys, hears).build() for hears in heard]
    node = chains[0]
    if len(chains) > 1:
        node = paths.game.add(Kind.CHANCE, asked.step)
        for chain in chains:
            paths.game.link(node, chain)
    paths.arrivals[node] = asked.step
    return node


def _link_keys(paths: Paths, asked: _Asked, where: Context) -> list[tuple[int, float]]:
    """Return where the keys of links lead to that do not come back to the question."""
    found: list[tuple[int, float]] = []
    wait = input_options(*asked.layers).interdigit_timeout
    for link, keys in keys_of(_links(paths, asked.step)):
        assert isinstance(link, Link)
        seconds = REACTION + KEY * len(keys) + wait
        if link.goto is not None:
            found.append((paths.way(way_to(link.goto), where), seconds))
        elif link.call is not None:
            found.append((paths.entry(link.call.name, "bottom"), seconds))
        elif link.event is not None:
            found += _raised(paths, asked, link.event, where, seconds)
    return found


def _raised(
    paths: Paths, asked: _Asked, event: str, where: Context, seconds: float
) -> list[tuple[int, float]]:
    """Return where an event of a link leads, however often it has to be raised."""
    inner = paths.nested(where)
    entries = _entries(paths, asked.step, event)
    if inner is None or not entries:
        return []
    again = paths.speaking.text(asked.step.prompt) + seconds
    for count in range(1, max(entry.count for entry in entries) + 1):
        handler = _winner(entries, count)
        if handler is not None and (way := handler.way) is not None:
            return [(paths.way(way, inner), seconds + paths.speaking.handler(handler) + (count - 1) * again)]
        if handler is not None and handler.call is not None:
            return [(paths.entry(handler.call.name, "bottom"), seconds + (count - 1) * again)]
    return []


def _entries(paths: Paths, step: InputStep, event: str) -> list[Handler]:
    return [*step.handlers_of(event), *paths.dialplan.handlers.get(event, ())]


def _winner(entries: Sequence[Handler], count: int) -> Handler | None:
    reached = [entry for entry in entries if entry.count <= count]
    return max(reached, key=lambda entry: entry.count, default=None)


class _Chain:
    """One question, asked again and again, until what the caller does leads away from it."""

    def __init__(
        self, paths: Paths, asked: _Asked, where: Context, keys: list[tuple[int, float]], hears: bool
    ) -> None:
        self._paths = paths
        self._asked = asked
        self._where = where
        self._keys = keys
        self._hears = hears
        self._options = input_options(*asked.layers)
        self._takes: tuple[str, ...] = option("input", *asked.layers) or ("speech", "dtmf")

    def build(self) -> int:
        paths, game = self._paths, self._paths.game
        first = node = self._node()
        counts = {"noinput": 0, "nomatch": 0}
        before, mode = 0.0, "full"
        for spent in range(1, paths.dialplan.defaults.max_events + 1):
            prompt = before + self._prompt(mode)
            if "dtmf" not in self._takes and not self._hears:
                game.link(node, paths.error(self._asked.step, self._where), 0.0)
                return first
            if paths.caller == "keys" and "dtmf" in self._takes:
                for target, seconds in self._keys:
                    game.link(node, target, prompt + seconds)
            event, wait = self._nothing()
            counts[event] += 1
            passed = prompt + wait
            if self._asked.attempts is not None and spent >= self._asked.attempts:
                game.link(node, self._asked.exhausted, passed, 1)
                return first
            entries = _entries(paths, self._asked.step, event)
            handler = _winner(entries, counts[event])
            if handler is None:
                before, mode = self._unhandled(event)
            else:
                self._takes = handler.input or self._takes
                before, mode = paths.speaking.handler(handler), handler.reprompt or "brief"
                if (way := handler.way) is not None:
                    inner = paths.nested(self._where)
                    target = paths.way(way, inner) if inner is not None else paths.dead
                    game.link(node, target, passed + before, 1)
                    return first
            last = counts[event] >= max((entry.count for entry in entries), default=0)
            if last and self._asked.attempts is None and self._nothing()[0] == event:
                game.link(node, self._again(handler, paths.dead), passed + before, 1)
                return first  # from here on it is the same for ever
            following = self._node()
            game.link(node, self._again(handler, following), passed + SLACK_OF_A_TURN, 1)
            node = following
        game.link(node, paths.dead)
        return first

    def _node(self) -> int:
        kind = Kind.CHOICE if self._paths.caller == "keys" else Kind.CHANCE
        return self._paths.game.add(kind, self._asked.step)

    def _again(self, handler: Handler | None, following: int) -> int:
        """Return the node of the next prompt, after the flow that the handler calls, if it calls one."""
        if handler is None or handler.call is None:
            return following
        return self._paths.call(handler.call, Context(following, self._where.mode, self._where.nested))

    def _prompt(self, mode: str) -> float:
        step, speaking = self._asked.step, self._paths.speaking
        if mode == "none":
            return 0.0
        return speaking.text(step.brief if mode == "brief" and step.brief is not None else step.prompt)

    def _nothing(self) -> tuple[str, float]:
        """Return the event that the caller raises by doing what he does, and how long that takes."""
        options = self._options
        if self._paths.caller == "mumbling" and self._hears and "speech" in self._takes:
            speech = min(MUMBLE, options.max_speech)
            return "nomatch", min(REACTION, options.timeout) + speech + options.incomplete_timeout + DECODE
        return "noinput", options.timeout

    def _unhandled(self, event: str) -> tuple[float, str]:
        if event == "nomatch":
            return self._paths.speaking.builtin(["nomatch"]), "brief"
        return 0.0, "full"


SLACK_OF_A_TURN = 0.2  # seconds between an answer and the next prompt
