"""The server of `voicebot test --wire`: the hotline, whose clock, services and agents each test sets before its call.

A process of its own, so that `voicebot serve` has no way to be told a false time. The tests' process writes `given` as
JSON before each call: `at`, `agents` (name to URI), `stub`.
"""

import asyncio
import datetime
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from voicebot.acd import AcdState, Agent
from voicebot.app import Server, StartError
from voicebot.calls.protocols import Services
from voicebot.calls.queues import queue_specs
from voicebot.cli import logs
from voicebot.cli.options import configuration, dialplans_of
from voicebot.cli.serve import announce
from voicebot.config import Config, Overrides
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import CallerTest, StubAnswer
from voicebot.engines import Engines, engines_for
from voicebot.nlu.prepare import prepare
from voicebot.runtime.net import reactor
from voicebot.sim.hotline import NO_TIME_GIVEN, EverySkill
from voicebot.sim.store import StubServices


def write_given(path: Path, test: CallerTest, agents: Mapping[str, str]) -> None:
    """Tell the server what the next call is given. `agents`: the URIs of those who are logged in."""
    stubs = {
        service: {request: [answer.status, answer.body, answer.after] for request, answer in stub.items()}
        for service, stub in (test.stub or {}).items()
    }
    document = {"at": test.at.isoformat() if test.at else None, "agents": dict(agents), "stub": stubs}
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


class Given:
    """What the present call is given. One call at a time."""

    def __init__(self, server: Server, path: Path) -> None:
        self._server = server
        self._path = path
        self._begins = datetime.datetime.now(datetime.UTC)
        self._set_at = 0.0

    def services(self, dialplan: Dialplan) -> Services:
        """A call begins: take what it is given."""
        given: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        loop = asyncio.get_running_loop()
        at = datetime.datetime.fromisoformat(given["at"]) if given["at"] else NO_TIME_GIVEN
        self._begins = at.replace(tzinfo=dialplan.hotline.timezone).astimezone(datetime.UTC)
        self._set_at = loop.time()
        agents = [
            Agent(name, uri, EverySkill(), idle_since=loop.time()) for name, uri in given["agents"].items()
        ]
        self._server.floor.state = AcdState.start(agents, list(queue_specs([dialplan])))
        stubs = {
            service: {request: StubAnswer(*answer) for request, answer in routes.items()}
            for service, routes in given["stub"].items()
        }
        return StubServices(stubs, dialplan.services)

    def now(self) -> datetime.datetime:
        passed = asyncio.get_running_loop().time() - self._set_at
        return self._begins + datetime.timedelta(seconds=passed)


def serve(
    config: Annotated[Path, typer.Option()],
    data: Annotated[Path, typer.Option()],
    given: Annotated[Path, typer.Option()],
) -> None:
    settings = configuration(config, Overrides(data=data))
    logs.set_up(settings.log.level)
    dialplans = dialplans_of(settings)
    engines = engines_for(settings, dialplans.values())
    prepare({code for dialplan in dialplans.values() for code in dialplan.hotline.languages})
    raise typer.Exit(reactor.run(lambda: _serve(settings, dialplans, engines, given)))


async def _serve(config: Config, dialplans: dict[str, Dialplan], engines: Engines, given: Path) -> int:
    server = Server(
        config,
        dialplans,
        recognisers=engines.recognisers,
        voices=engines.voices,
        on_progress=lambda text: typer.echo(text),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        await server.start()
    except StartError as error:
        typer.echo(str(error), err=True)
        return 2
    test = Given(server, given)
    server.reception.services = test.services
    server.reception.clock = test.now
    announce(server)
    await stop.wait()
    await server.stop()
    return 0


if __name__ == "__main__":
    typer.run(serve)
