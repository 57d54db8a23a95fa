"""The command: puts server, phones and story together, and judges."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from voicebot.cli.calls import as_data, call_view
from voicebot.cli.demo import story
from voicebot.cli.demo.agent import AgentDesk
from voicebot.cli.demo.caller import Caller
from voicebot.cli.demo.checks import Checks, Stopped
from voicebot.cli.demo.faults import FAULTS, Cuttable, Muted, swap_prompts
from voicebot.cli.demo.record import RecordWatch, check_record, check_recording
from voicebot.cli.demo.screen import Aside, Screen
from voicebot.cli.demo.server import AGENT, DemoServer, write_config
from voicebot.cli.demo.texts import Texts
from voicebot.cli.options import FOUND, ConfigOption, DataOption, JsonOption, configuration, give_up
from voicebot.cli.prompts_by_ear import prompt_clips
from voicebot.config import Config, Overrides
from voicebot.dialplan.loader import DialplanError, load
from voicebot.engines import Engines, engines_for
from voicebot.phone.ear import Clip, Ear
from voicebot.phone.errors import CallFailed, PhoneError
from voicebot.phone.phone import Phone
from voicebot.phone.rtp_line import Wire
from voicebot.phone.ticker import Ticker
from voicebot.phone.voice import AGENT_VOICES, CALLER_VOICES, speak
from voicebot.speech.errors import SpeechError
from voicebot.storage import CallRecord

_HANGS_UP_WITHIN = 6.0
_AGENT_WITHIN = 120.0


def demo(
    config: ConfigOption = None,
    data: DataOption = None,
    quick: Annotated[bool, typer.Option("--quick", help="The short call: language, agent, survey.")] = False,
    fault: Annotated[
        str | None, typer.Option(metavar="|".join(FAULTS), help="Break something, to see that it is noticed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Place a real call to the demo hotline and judge it by ear.

    Starts the server on loopback, calls it with a synthetic caller, lets an agent's phone answer, and prints the call
    as it happens. Exit code 0: every part really happened; 1: not, and which part; 2: wrong use or configuration.
    """
    if fault is not None and fault not in FAULTS:
        give_up(f"--fault is one of {', '.join(FAULTS)}")
    settings = configuration(config, Overrides(data=data))
    console = Console(emoji=False, highlight=False, quiet=as_json)
    folder = data or settings.data / "demo"
    if fault is not None:  # a fault spoils the cache of prompts: never that of the next honest run
        folder = folder / f"fault-{fault}"
    try:
        outcome = asyncio.run(Demo(settings, folder, console, quick=quick, fault=fault or "").run())
    except (PhoneError, SpeechError) as error:
        give_up(str(error), FOUND)
    except DialplanError as error:
        give_up(str(error))
    except KeyboardInterrupt as error:
        raise typer.Exit(FOUND) from error
    if as_json:
        typer.echo(json.dumps(outcome.as_data(), ensure_ascii=False, indent=2, default=str))
    raise typer.Exit(FOUND if outcome.checks.failed else 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    checks: Checks
    record: CallRecord | None
    seconds: float

    def as_data(self) -> dict[str, object]:
        return {
            "good": not self.checks.failed,
            "checks": [
                {"name": check.name, "good": check.good, "detail": check.detail} for check in self.checks.done
            ],
            "record": as_data(self.record, events=True) if self.record is not None else None,
            "seconds": round(self.seconds, 1),
        }


class Demo:
    """One run."""

    def __init__(self, settings: Config, data: Path, console: Console, *, quick: bool, fault: str) -> None:
        self._settings = settings
        self._data = data.absolute()
        self._quick = quick
        self._fault = fault
        self._swapped = False
        self._database = f"sqlite:///{self._data / 'voicebot.db'}"
        self._screen = Screen(console)
        self._checks = Checks()
        self._dialplan_path = next(iter(settings.dialplans.values()))
        self._texts = Texts(load(self._dialplan_path, prompts=settings.prompts))
        self._texts.require(story.LANGUAGE, "zh")
        self._engines: Engines = engines_for(settings, [self._texts.dialplan])

    async def run(self) -> Outcome:
        """Start everything, make the call, judge it, stop everything. Raises PhoneError, SpeechError."""
        began = time.monotonic()
        ticker = Ticker()
        wire = Cuttable()
        caller_wire: Wire = Muted() if self._fault == "mute" else Wire()
        caller = Phone(
            user=f"demo-{secrets.token_hex(3)}",
            ticker=ticker,
            wire=caller_wire,
            on_event=lambda call, event: self._screen.signalling(event),
        )
        agent = Phone(user=AGENT, ticker=ticker, wire=wire)
        server: DemoServer | None = None
        try:
            path = write_config(self._settings, self._engines, self._dialplan_path, self._data, agent.uri)
            server = DemoServer(path, self._data)
            console = self._screen.console
            if not console.is_terminal:
                console.print("starting the hotline; the first time all its prompts are rendered ...")
            with console.status("starting the hotline ...") as status:
                ear, clips = await self._prepare(server, status)
            record = await self._call(server, caller, agent, wire, ear, clips)
        finally:
            await caller.close()
            await agent.close()
            if server is not None:
                await server.stop()
            if self._swapped:
                self._swap_prompts()
        recording = check_recording(record, self._data, self._checks)
        self._judge(record, recording, server)
        return Outcome(self._checks, record, time.monotonic() - began)

    async def _prepare(self, server: DemoServer, status: Status) -> tuple[Ear, dict[str, Clip]]:
        """Start the server, and meanwhile learn how its texts sound."""

        def progress(text: str) -> None:
            status.update(f"starting the hotline: {text}")

        starting = asyncio.get_running_loop().create_task(server.start(progress))
        loop = asyncio.get_running_loop()
        try:
            clips = await loop.run_in_executor(None, self._render)
            prompts = await loop.run_in_executor(None, prompt_clips, [self._texts.dialplan], self._engines)
            ear = Ear([*prompts, clips["balance"], clips["balance in Chinese"]])
        finally:
            await starting
        if self._fault == "swap-prompts":
            self._swap_prompts()
        return ear, clips

    def _swap_prompts(self) -> None:
        """Exchange the main menu's prompt and what is said before the queue; the second time they are back."""
        first, second = story.menu(self._texts)[0], self._texts.at("human", 0, story.LANGUAGE)[0][1]
        swap_prompts(self._data / "cache" / "prompts", self._engines, story.LANGUAGE, first, second)
        self._swapped = not self._swapped

    def _render(self) -> dict[str, Clip]:
        """Render what is no constant text: the live sentence, the whisper, and the people's own words."""
        bot = self._engines.voices[story.LANGUAGE]
        chinese = self._engines.voices["zh"]

        def clip(text: str, voice: str, engine: str = "espeak", language: str = story.LANGUAGE) -> Clip:
            return Clip(text, language, speak(text, voice, engine))

        balance, in_chinese = (
            self._texts.at("balance", 2, code, place=1)[0][1] for code in (story.LANGUAGE, "zh")
        )
        return {
            "balance": clip(balance, bot.voice, bot.engine),
            "balance in Chinese": clip(in_chinese, chinese.voice, chinese.engine, "zh"),
            "whisper": clip(story.whisper(self._texts), bot.voice, bot.engine),
            "greeting": clip(story.GREETING, AGENT_VOICES[story.LANGUAGE]),
            "reply": clip(story.REPLY, CALLER_VOICES[story.LANGUAGE]),
        }

    async def _call(
        self,
        server: DemoServer,
        caller: Phone,
        agent: Phone,
        wire: Cuttable,
        ear: Ear,
        clips: dict[str, Clip],
    ) -> CallRecord | None:
        loop = asyncio.get_running_loop()
        desk = AgentDesk(
            agent,
            self._screen,
            self._checks,
            clips["greeting"],
            clips["reply"],
            clips["whisper"],
            wire,
            cut=self._fault == "cut-bridge",
        )
        self._screen.begin()
        second = loop.create_task(self._second_call(server, ear)) if not self._quick else None
        try:
            call = await caller.call(server.uri, timeout=10.0)
        except CallFailed as error:
            self._checks.note("the hotline answers", good=False, detail=str(error))
            if second is not None:
                second.cancel()
                await asyncio.gather(second, return_exceptions=True)
            return None
        self._checks.note("the hotline answers", good=True)
        watch = RecordWatch(self._database, caller.user, self._screen)
        helpers = [loop.create_task(watch.follow()), loop.create_task(desk.take_one_call(_AGENT_WITHIN))]
        repairs = frozenset(self._texts.handler_texts(story.LANGUAGE))
        talker = Caller(call, ear, repairs, self._screen, self._checks, story.LANGUAGE)
        understood: list[story.Understood] = []
        try:
            understood += await story.opening(talker, self._texts)
            middle = story.straight_to_an_agent if self._quick else story.balance_by_speech_and_keys
            understood += await middle(talker, self._texts)
            await story.the_agent(talker, self._texts, clips["greeting"])
            understood += await story.the_end(talker, self._texts)
            ended = await call.ended(_HANGS_UP_WITHIN) and call.ended_by_peer
            self._checks.note("the hotline hangs up", ended)
        except Stopped:
            self._screen.note("stopped here: what follows depends on it", "yellow")
        finally:
            await call.hang_up()
            if desk.call is not None:
                await desk.call.hang_up()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        if second is not None:
            self._checks.done += (await second).done
        record = await watch.finished()
        check_record(record, understood, "" if self._quick else story.PIN, AGENT, self._checks)
        return record

    async def _second_call(self, server: DemoServer, ear: Ear) -> Checks:
        """Place a Chinese call by keys beside the first one; return what was found."""
        checks = Checks("beside it, in Chinese by keys: ")
        screen = Aside(self._screen.console)
        phone = Phone(user=f"demo-{secrets.token_hex(3)}")
        understood: list[story.Understood] = []
        try:
            call = await phone.call(server.uri, timeout=10.0)
            talker = Caller(call, ear, frozenset(), screen, checks, "zh")
            understood += await story.in_chinese_by_keys(talker, self._texts)
            checks.note("the hotline hangs up", await call.ended(_HANGS_UP_WITHIN) and call.ended_by_peer)
        except CallFailed as error:
            checks.note("the hotline answers", good=False, detail=str(error))
        except Stopped:
            self._screen.note("the Chinese call beside this one has stopped", "yellow")
        finally:
            await phone.close()
        record = await RecordWatch(self._database, phone.user, screen).finished()
        check_record(record, understood, story.PIN, "", checks, "zh")
        if not checks.failed:
            self._screen.note("meanwhile: another caller was served in Chinese, by keys")
        return checks

    def _judge(self, record: CallRecord | None, recording: Path | None, server: DemoServer) -> None:
        console = self._screen.console
        if record is not None:
            console.print()
            console.print(call_view(record))
        console.print("\nWhat was checked:")
        self._checks.show(self._screen)
        failed = self._checks.failed
        if recording is not None:
            console.print(
                f"\nThe stereo recording (left: caller, right: hotline and agent): {recording}", markup=False
            )
        if failed:
            console.print(
                f"{len(failed)} of {len(self._checks.done)} expectations were not met; the server's log: {server.log}",
                style="red",
                markup=False,
            )
        else:
            console.print("Every part of the call really happened.", style="green")
