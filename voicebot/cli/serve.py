"""`voicebot serve`: the hotline, until SIGTERM or Ctrl-C."""

import asyncio
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from voicebot.app import Server, StartError
from voicebot.cli import logs
from voicebot.cli.options import ConfigOption, DataOption, configuration, dialplans_of, give_up
from voicebot.config import Config, Overrides, Reload
from voicebot.dialplan.schema import Dialplan
from voicebot.engines import Engines, engines_for
from voicebot.nlu.prepare import prepare
from voicebot.runtime.net import reactor
from voicebot.speech.errors import SpeechError


def serve(
    config: ConfigOption = None,
    listen: Annotated[
        list[str] | None,
        typer.Option("--listen", metavar="udp:HOST:PORT", help="Listen here; may be given several times."),
    ] = None,
    dialplan: Annotated[
        Path | None, typer.Option("--dialplan", metavar="F", help="Answer every call with this dialplan.")
    ] = None,
    data: DataOption = None,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Reload a dialplan whose file changes (reload.watch).")
    ] = True,
) -> None:
    """Start the hotline and leave it on. Options beat config.yaml.

    SIGTERM and Ctrl-C stop it politely: new calls are refused, running ones may finish (shutdown.drain_seconds).
    """
    settings = configuration(config, Overrides(tuple(listen or ()), dialplan, data))
    if not watch:
        settings = replace(settings, reload=Reload(watch=False))
    logs.set_up(settings.log.level)
    dialplans = dialplans_of(settings)
    try:
        engines = engines_for(settings, dialplans.values())
    except SpeechError as error:
        give_up(str(error))
    for note in engines.notes:
        typer.echo(f"note: {note}")
    prepare({code for dialplan in dialplans.values() for code in dialplan.hotline.languages})
    raise typer.Exit(reactor.run(lambda: run_server(settings, dialplans, engines)))


async def run_server(config: Config, dialplans: dict[str, Dialplan], engines: Engines) -> int:
    """Serve until a signal says stop; return the exit code."""
    server = Server(
        config,
        dialplans,
        recognisers=engines.recognisers,
        voices=engines.voices,
        on_progress=lambda text: typer.echo(text),
    )
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    starting = loop.create_task(server.start())
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        await server.stop()
        return 0
    try:
        starting.result()
    except StartError as error:
        typer.echo(str(error), err=True)
        return 2
    except PermissionError as error:  # a file of the data folder, or the folder itself
        told = f"{error.filename}: {error.strerror}: the data folder has to be the user's who runs this"
        typer.echo(told, err=True)
        return 2
    announce(server)
    await stopping
    typer.echo("stopping: no new calls, running ones may finish; once more to hang them up ...")
    hurry = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, hurry.set)
    await server.stop(hurry)
    return 0


def announce(server: Server) -> None:
    """Print the URIs to call. `cli.demo.server` reads them."""
    typer.echo("The hotline is on. Call it at:")
    for address in server.bound:
        host = address.host
        if host in ("0.0.0.0", "::"):
            host = server.config.sip.public_address or _own_address()
        transport = "" if address.transport == "udp" else f";transport={address.transport}"
        typer.echo(f"  sip:700@{f'[{host}]' if ':' in host else host}:{address.port}{transport}")
    typer.echo(
        "Any user part will do. Try: voicebot call sip:700@... --say 'opening hours'    Stop with Ctrl-C."
    )


def _own_address() -> str:
    """Return the address of the interface with the default route; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
