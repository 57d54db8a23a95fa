"""`voicebot call`: a phone on the command line. Calls or answers, speaks, keys, and tells what it hears."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from typer.core import TyperCommand

from voicebot.cli.call_report import Report, as_data
from voicebot.cli.options import (
    FOUND,
    ConfigOption,
    DataOption,
    JsonOption,
    configuration,
    dialplans_of,
    give_up,
)
from voicebot.cli.prompts_by_ear import prompt_clips
from voicebot.config import Overrides
from voicebot.engines import engines_for
from voicebot.media.telephone_event import KEYS
from voicebot.media.wav import AudioFileError, encode_wav, read_wav
from voicebot.phone.call import PhoneCall
from voicebot.phone.ear import Clip, Ear
from voicebot.phone.errors import CallFailed, PhoneError
from voicebot.phone.listening import LiveEar
from voicebot.phone.phone import Phone
from voicebot.phone.script import Action, perform
from voicebot.phone.signalling import destination, local_host
from voicebot.phone.voice import AGENT_VOICES, CALLER_VOICES, speak
from voicebot.speech.errors import SpeechError

AT_ONCE = 1.0  # seconds: a call that its caller ends so soon was given up before it was answered
GREETING = "Hello, this is the agent's test phone."
_ORDER = "voicebot.call.order"
_ACTIONS = ("--say", "--interrupt", "--wav", "--dtmf", "--pause")


class InOrder(TyperCommand):
    """Keeps the order of the options: first say, then key, is not the same as first key, then say."""

    def parse_args(
        self, ctx: Any, args: list[str]
    ) -> list[str]:  # typer brings its own click, or takes click's
        given: list[str] = []
        tokens = iter(args)
        flags = {name for option in self.params if getattr(option, "is_flag", False) for name in option.opts}
        for token in tokens:
            name, equals, _ = token.partition("=")
            if name in _ACTIONS:
                given.append(name)
            if name.startswith("-") and not equals and name not in flags:
                next(tokens, None)
        ctx.meta[_ORDER] = given
        return super().parse_args(ctx, args)


def call(
    context: typer.Context,
    uri: Annotated[
        str | None, typer.Argument(metavar="[URI]", help="Whom to call: sip:700@127.0.0.1:5060.")
    ] = None,
    say: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="Say this.")] = None,
    interrupt: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Say this into what the other side says.")
    ] = None,
    wav: Annotated[list[Path] | None, typer.Option(metavar="F", help="Play this audio file.")] = None,
    dtmf: Annotated[list[str] | None, typer.Option(metavar="KEYS", help="Send these keys.")] = None,
    pause: Annotated[list[float] | None, typer.Option(metavar="SECONDS", help="Wait.")] = None,
    answer_on: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=1, max=65535, help="Be the phone at this UDP port, and answer."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="With --answer-on: the address to listen on.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="F", help="Write a stereo WAV: left heard, right said.")
    ] = None,
    lang: Annotated[str, typer.Option(metavar="en|zh", help="The language of --say.")] = "en",
    voice: Annotated[
        str | None, typer.Option(metavar="V", help="espeak's voice for --say: en-us+m3, cmn ...")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="Hang up after so long; how long to wait.")] = 120.0,
    user: Annotated[str, typer.Option("--from", metavar="USER", help="Who calls.")] = "tester",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Place a call with the test phone, or answer one (--answer-on), and print what happens.

    --say, --wav, --dtmf, --pause and --interrupt may be given several times and are done in their order, each when the
    other side has finished speaking (--interrupt: while it speaks). Then the phone listens until the other side hangs
    up or --seconds are over. Where there is a config.yaml, the phone recognises by ear which of its dialplans' prompts
    it hears. Who answers goes on waiting after a call that is over within a second. Exit code 0: the call was answered; 1: it was not.
    """
    if uri is None and answer_on is None:
        give_up("say whom to call (sip:700@127.0.0.1:5060), or on which port to answer (--answer-on 6001)")
    if lang not in CALLER_VOICES:
        give_up(f"--lang is one of {', '.join(CALLER_VOICES)}")
    report = Report(Console(emoji=False, highlight=False, soft_wrap=True, quiet=as_json))
    given: dict[str, Sequence[Any]] = {
        "--say": say or (),
        "--interrupt": interrupt or (),
        "--wav": wav or (),
        "--dtmf": dtmf or (),
        "--pause": pause or (),
    }
    answering = uri is None
    voices = AGENT_VOICES if answering else CALLER_VOICES
    try:
        actions = _actions(context.meta.get(_ORDER, []), given, voice or voices[lang])
        ear = Ear(_clips(config, data))
        if answering:
            assert answer_on is not None
            story = _answer(report, ear, host or "127.0.0.1", answer_on, user, actions, seconds)
        else:
            assert uri is not None
            story = _call(report, ear, uri, user, actions, seconds, answer_on)
        phone_call = asyncio.run(story)
    except CallFailed as error:
        report.line("call", f"not answered: {error}", style="red")
        if as_json:
            typer.echo(json.dumps({"answered": False, "status": error.status, "reason": error.reason}))
        raise typer.Exit(FOUND) from error
    except (PhoneError, AudioFileError) as error:
        give_up(str(error))
    except KeyboardInterrupt as error:
        raise typer.Exit(FOUND) from error
    if record is not None:
        _write_recording(record, phone_call)
    if as_json:
        typer.echo(json.dumps(as_data(phone_call, report.heard), ensure_ascii=False, indent=2))
    else:
        report.summary(phone_call, record)


def _actions(order: Sequence[str], given: dict[str, Sequence[Any]], voice: str) -> list[Action]:
    """Return what to do, in the order of the command line. Raises PhoneError, AudioFileError."""
    if len(order) != sum(map(len, given.values())):  # called without InOrder: kind by kind
        order = [name for name, values in given.items() for _ in values]
    left = {name: iter(values) for name, values in given.items()}
    actions = []
    for name in order:
        value = next(left[name])
        if name in ("--say", "--interrupt"):
            actions.append(Action("say" if name == "--say" else "interrupt", value, speak(value, voice)))
        elif name == "--wav":
            actions.append(Action("wav", Path(value).name, read_wav(value)))
        elif name == "--pause":
            actions.append(Action("pause", seconds=float(value)))
        else:
            strange = sorted(set(value.upper()) - set(KEYS))
            if strange or not value:
                raise PhoneError(f"--dtmf takes the keys {KEYS}, not {' '.join(strange) or 'nothing'}")
            actions.append(Action("keys", value.upper()))
    return actions


def _clips(config: Path | None, data: Path | None) -> list[Clip]:
    """Return what can be recognised by ear: nothing where there is no configuration."""
    if config is None and not Path("config.yaml").exists():
        return []
    settings = configuration(config, Overrides(data=data))
    dialplans = list(dialplans_of(settings).values())
    try:
        return prompt_clips(dialplans, engines_for(settings, dialplans))
    except SpeechError as error:
        give_up(str(error))


async def _call(
    report: Report,
    ear: Ear,
    uri: str,
    user: str,
    actions: Sequence[Action],
    seconds: float,
    answer_on: int | None,
) -> PhoneCall:
    own = local_host(await destination(uri))
    phone = Phone(own, user=user, on_event=report.on_event)
    agent: Phone | None = None
    helpers: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    try:
        if answer_on is not None:
            agent = Phone(own, answer_on, user="agent", on_event=report.on_agent_event)
            helpers.append(loop.create_task(_agent(agent, seconds)))
        placed = await phone.call(uri, timeout=seconds)
        await _talk(report, ear, placed, actions, seconds)
        return placed
    finally:
        for helper in helpers:
            helper.cancel()
        await phone.close()
        if agent is not None:
            await agent.close()


async def _agent(phone: Phone, seconds: float) -> None:
    """Answer every call to the agent's phone with a greeting."""
    greeting = speak(GREETING, AGENT_VOICES["en"])
    with contextlib.suppress(TimeoutError):
        while True:
            incoming = await phone.next_call(seconds)
            incoming.accept()
            if await incoming.connected(5.0):
                incoming.say(greeting, GREETING)


async def _answer(
    report: Report, ear: Ear, host: str, port: int, user: str, actions: Sequence[Action], seconds: float
) -> PhoneCall:
    """Wait for a call, and talk. One that is over as it begins (its caller had given up) is not the one waited for."""
    phone = Phone(host, port, user=user, on_event=report.on_event)
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    missed: PhoneCall | None = None
    try:
        report.line("call", f"waiting for a call at {phone.uri}")
        while True:
            try:
                incoming = await phone.next_call(until - loop.time())
            except TimeoutError as error:
                if missed is None:
                    raise CallFailed(408, f"no call came within {seconds:g} s") from error
                if missed.answered_at is None:
                    raise CallFailed(408, "the caller was gone before it was connected") from error
                return missed
            incoming.accept()
            if await incoming.connected(5.0):
                await _talk(report, ear, incoming, actions, seconds, at_once=True)
                if not _over_at_once(incoming):
                    return incoming
            missed = incoming
            report.line("call", "that call was over as it began; waiting for the next one")
    finally:
        await phone.close()


def _over_at_once(call: PhoneCall) -> bool:
    """Whether the other side ended a call before there was anything to hear."""
    lasted = (call.ended_at or 0.0) - (call.answered_at or 0.0)
    return call.ended_by_peer and lasted < AT_ONCE


async def _talk(
    report: Report,
    ear: Ear,
    phone_call: PhoneCall,
    actions: Sequence[Action],
    seconds: float,
    *,
    at_once: bool = False,
) -> None:
    listening = asyncio.get_running_loop().create_task(
        LiveEar(ear, phone_call, report.on_heard).follow(), name="ear"
    )
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await perform(phone_call, actions, at_once=at_once, on_impatient=report.impatient)
            await phone_call.ended(seconds)
    await phone_call.hang_up()
    await listening


def _write_recording(path: Path, phone_call: PhoneCall) -> None:
    heard, said = phone_call.heard.samples, phone_call.said.samples
    length = min(len(heard), len(said))
    try:
        path.write_bytes(encode_wav(np.stack([heard[:length], said[:length]], axis=1)))
    except OSError as error:
        give_up(f"{path} cannot be written: {error.strerror}; choose another file for --record")
