"""`voicebot talk`: the bot in a terminal. What is typed is said; the trace stands beside it."""

import asyncio
import datetime
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from voicebot.cli.options import ConfigOption, configuration, give_up
from voicebot.cli.talk_voice import converse
from voicebot.cli.test import dialplans, people_of
from voicebot.config import Config, Overrides
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import AGENT_BEHAVIOURS, ANY_REQUEST, Stub, StubAnswer
from voicebot.phone.errors import PhoneError
from voicebot.phone.live import DefaultSoundCard
from voicebot.sim.caller import Caller, Listens
from voicebot.sim.hotline import Hotline, Person, Scenario
from voicebot.sim.loop import VirtualTimeLoop
from voicebot.sim.media import SimLeg
from voicebot.sim.store import Event
from voicebot.sim.telephones import Behaviour
from voicebot.sim.transcript import LineOfEvents
from voicebot.sim.typed import HELP, RealTimeCaller, TypedCaller
from voicebot.speech.errors import SpeechError

_PROMPTS = {"question": "you> ", "message": "message> ", "queue": "(queue) you> "}
_LEFT = 0.55  # of the terminal's width: the conversation


def talk(
    dialplan: Annotated[
        Path | None, typer.Argument(metavar="[DIALPLAN]", help="The first of config.yaml if none is named.")
    ] = None,
    agent: Annotated[
        list[str] | None,
        typer.Option(
            "--agent", metavar="NAME=HOW", help=f"How an agent behaves: {', '.join(AGENT_BEHAVIOURS)}."
        ),
    ] = None,
    stub: Annotated[
        list[str] | None,
        typer.Option(
            "--stub", metavar="SERVICE=JSON", help="What a web service answers; else it is unreachable."
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help='What time it is: "2026-11-24 10:00"; now, if not given.'),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Let prompts take their time; type into them to interrupt.")
    ] = False,
    voice: Annotated[
        bool, typer.Option("--voice", help="Speak into the microphone; a real server answers.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Talk to a dialplan by typing: /1 is a key, /hangup hangs up, an empty line is silence.

    No telephone, no audio and no time is needed: the same simulator runs as in `voicebot test`. With --voice it is a
    real call to a server of its own on this machine.
    """
    settings = configuration(config, Overrides())
    plan = dialplans([dialplan] if dialplan is not None else None, settings)[0]
    if voice:
        if agent or stub or at or real_time:
            give_up("--voice calls a real server: --agent, --stub, --at and --real-time are for typing")
        _by_voice(settings, plan, Screen(Console(emoji=False, highlight=False)))
        return
    scenario = Scenario((), _time(at, plan), _agents(agent or []), _stubs(stub or [], plan))
    screen = Screen(Console(emoji=False, highlight=False))
    screen.note(HELP)
    speak = _in_real_time if real_time else _in_virtual_time
    try:
        problem = speak(plan, people_of(settings), scenario, screen)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    if problem:
        give_up(problem, 1)


class Screen:
    """The conversation on the left, the trace on the right."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lines = LineOfEvents()

    def event(self, event: Event) -> None:
        """Show one event of the timeline, if it is for people."""
        line = self._lines.of(event)
        if line is None:
            return
        where = f" :{line.line}" if line.line else ""
        if line.who == "bot":
            self._row(Text(f"bot: {line.what}", style="cyan"), Text(where, style="dim"))
        else:
            self._row(Text(""), Text(f"{line.who} {line.what}{where}", style="dim"))

    def note(self, text: str) -> None:
        self.console.print(text, style="yellow", markup=False)

    def _row(self, left: Text, right: Text) -> None:
        table = Table.grid(padding=(0, 2))
        width = int(self.console.width * _LEFT)
        table.add_column(width=width, overflow="fold")
        table.add_column(width=self.console.width - width - 2, overflow="fold")
        table.add_row(left, right)
        self.console.print(table)

    def read(self, what: Listens) -> str | None:
        """Let the person type a line; None at the end of the input."""
        try:
            line = input(_PROMPTS[what])
        except EOFError:
            return None
        if not sys.stdin.isatty():
            self.console.print(line, style="green", markup=False)
        return line


def _by_voice(settings: Config, plan: Dialplan, screen: Screen) -> None:
    try:
        card = DefaultSoundCard()
        asyncio.run(
            converse(settings, plan, card, typed=_lines(), on_event=screen.event, on_note=screen.note)
        )
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except (PhoneError, SpeechError) as error:
        give_up(f"{error}; or type instead, without --voice")


def _in_virtual_time(plan: Dialplan, people: dict[str, Person], scenario: Scenario, screen: Screen) -> str:
    def person(leg: SimLeg, hang_up: Callable[[], None]) -> Caller:
        return TypedCaller(leg, [], hang_up, read=screen.read, on_error=screen.note)

    hotline = Hotline(plan, people, on_event=screen.event)
    return hotline.run_with(scenario, person, VirtualTimeLoop()).problem


def _in_real_time(plan: Dialplan, people: dict[str, Person], scenario: Scenario, screen: Screen) -> str:
    loop = asyncio.SelectorEventLoop()

    def person(leg: SimLeg, hang_up: Callable[[], None]) -> Caller:
        caller = RealTimeCaller(leg, (), hang_up)

        def take(line: str | None) -> None:
            try:
                caller.typed(line)
            except ValueError as error:
                screen.note(str(error))

        def read_lines() -> None:
            for line in _lines():
                if loop.is_closed():
                    return
                loop.call_soon_threadsafe(take, line)

        threading.Thread(target=read_lines, name="keyboard", daemon=True).start()
        return caller

    return Hotline(plan, people, on_event=screen.event).run_with(scenario, person, loop).problem


def _lines() -> Iterator[str | None]:
    yield from (line.rstrip("\n") for line in sys.stdin)
    yield None


def _time(text: str | None, plan: Dialplan) -> datetime.datetime:
    if text is None:
        return datetime.datetime.now(plan.hotline.timezone).replace(tzinfo=None)
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        give_up(f'{text!r} is no date and time: write "2026-11-24 10:00"')


def _agents(given: list[str]) -> dict[str, Behaviour]:
    found: dict[str, Behaviour] = {}
    for item in given:
        name, _, how = item.partition("=")
        if not name or (how or "answers") not in AGENT_BEHAVIOURS:
            give_up(f"--agent {item}: write NAME=HOW, where HOW is one of {', '.join(AGENT_BEHAVIOURS)}")
        found[name] = cast(Behaviour, how or "answers")
    return found


def _stubs(given: list[str], plan: Dialplan) -> dict[str, Stub]:
    found: dict[str, Stub] = {}
    for item in given:
        name, _, body = item.partition("=")
        if name not in plan.services:
            give_up(f"--stub {item}: the dialplan has no service {name!r}")
        try:
            found[name] = {ANY_REQUEST: StubAnswer(200, json.loads(body))}
        except json.JSONDecodeError:
            give_up(f"--stub {name}: what follows the = is not JSON")
    return found
