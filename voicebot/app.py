"""The composition root: puts a server together from a configuration."""

import asyncio
import collections
import contextlib
import datetime
import os
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from voicebot import __version__
from voicebot.acd import Agent, AgentStatus
from voicebot.calls.call import Call
from voicebot.calls.callbacks import Callbacks, Rules
from voicebot.calls.exchange import Exchange
from voicebot.calls.floor import DialFailed, Floor
from voicebot.calls.inbound import Entrance, Reception
from voicebot.calls.queues import queue_specs
from voicebot.calls.tolls import Tolls
from voicebot.commands import Commands
from voicebot.config import Config, dial_uri
from voicebot.dialplan.prompts import constant_prompts
from voicebot.dialplan.schema import Dialplan
from voicebot.engines import engines_of
from voicebot.phones import Phones
from voicebot.reloading import Dialplans
from voicebot.runtime.control.compiling import CompileError
from voicebot.runtime.control.media import MediaPlane
from voicebot.runtime.control.open_files import provide
from voicebot.runtime.control.pace import keep_pace
from voicebot.runtime.control.ports import PortPool
from voicebot.runtime.control.prompts import PromptIndex, RenderError
from voicebot.runtime.control.socket import ControlError, ControlSocket
from voicebot.runtime.control.speech import Engine, SpeechPool, VoiceChoice, all_started
from voicebot.runtime.net.capture import Capture, Homer
from voicebot.runtime.net.signalling import SipSignalling
from voicebot.runtime.net.sip_shell import BindError
from voicebot.runtime.net.sip_streams import StreamLimits
from voicebot.runtime.net.sources import SourceLimits
from voicebot.runtime.net.tls import TlsError
from voicebot.runtime.net.web import ServiceError
from voicebot.sdp import Codec
from voicebot.sip import Realm, Request, SessionTimers
from voicebot.sip import events as sip
from voicebot.sip.address import Address
from voicebot.sip.captured import SipMessage
from voicebot.sip.guard import Guard, Known
from voicebot.speech.errors import SpeechError
from voicebot.storage import StorageError, Writer
from voicebot.trunks import Trunks, client_certificates, line_key

WORKERS_START_WITHIN = 60.0  # seconds; pocketsphinx reads its dictionary in two
STUN_WITHIN = 2.0  # seconds for the first answer; calls are taken without it, too
RETRY_AFTER = 30  # seconds, in the 503 of a server that is full or stops

CODECS: tuple[Codec, ...] = ("PCMU", "PCMA", "G722", "OPUS")

log = structlog.get_logger("server")


class StartError(Exception):
    """The server cannot start; the text is one line for the person who can mend it."""


class Server:
    """A running hotline. `start`, then `stop`; both in the control process's loop."""

    def __init__(
        self,
        config: Config,
        dialplans: Mapping[str, Dialplan],
        *,
        recognisers: Mapping[str, Engine],
        voices: Mapping[str, VoiceChoice],
        on_progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.config = config
        self.dialplans = dialplans
        self._recognisers = recognisers
        self._voices = voices
        self._on_progress = on_progress
        self._ready = False
        self._draining = False
        self._lag = LagMeter()
        limits = config.limits
        self._tolls = Tolls(
            limits.dialled_per_caller_and_day,
            limits.dialled_per_day,
            lambda day, caller, count: self.store.dialled(day, caller, count),
        )

    async def start(self) -> None:
        """Bind, render prompts, start workers, open the storage; calls are answered when this returns.

        Raises StartError.
        """
        config = self.config
        try:
            config.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"{config.data}: {error.strerror}; the data folder must be writable (--data DIR)"
            ) from error
        provide(config.limits.connections, config.limits.calls)
        self.phones = Phones(config)
        self.capture = Capture(self._keep_ladder, homer=_homer(config))
        try:  # early: a port that is taken is told before anything is rendered
            self.signalling = SipSignalling(
                user_agent=f"voicebot/{__version__}",
                public_address=config.sip.public_address,
                stun=config.sip.stun,
                local_networks=config.sip.local_networks,
                authenticate=self._authenticate,
                way=lambda uri, trunk: self.trunks.way(uri, trunk),
                credentials=lambda invite, source: self.trunks.credentials(invite, source),
                on_event=self._on_event,
                session_timers=SessionTimers(config.sip.session_expires, config.sip.min_session_expires),
                capture=self.capture,
                tls=config.sip.tls,
                client_certificates=client_certificates(config),
                limits=StreamLimits(config.limits.connections, config.limits.connections_per_address),
                registrar=self.phones.registrar,
            )
            self.sources = SourceLimits(self._messages_per_second, _tell_flood)
            self.signalling.shell.admits = self.sources.admits
            self.signalling.shell.knows = self._knows
            self.guard = Guard(self._agreed, config.guard, _tell_ban)
            self.signalling.endpoint.guard = self.guard
            self.signalling.shell.kept = self.phones.sources
            self.bound = self.signalling.bind(
                [Address(listen.transport, listen.host, listen.port) for listen in config.sip.listen]
            )
        except (BindError, TlsError) as error:
            raise StartError(str(error)) from error
        self.signalling.drain(RETRY_AFTER)
        self.trunks = Trunks(config, self.signalling, line_key(config.data))
        self.prompts = PromptIndex(config.data / "cache" / "prompts", config.prompts)
        spoken = [item for dialplan in self.dialplans.values() for item in constant_prompts(dialplan)]
        self.control = ControlSocket(config.data, Commands(self).table())
        try:
            await self.control.open()
            rendered = await self.prompts.render(spoken, self._voices, self._on_progress)
        except (ControlError, RenderError) as error:
            await self.stop()
            raise StartError(str(error)) from error
        self._on_progress("starting media and speech workers ...")
        cores = os.cpu_count() or 1
        self.media = MediaPlane(config.media.workers or max(1, cores // 4), PortPool(*config.media.ports))
        self.speech = SpeechPool(
            config.speech.workers or max(1, cores // 2),
            recognisers=self._recognisers,
            voices=self._voices,
            prompt_path=self.prompts.path,
            media_workers=self.media.workers,
        )
        self.media.on_worker_start = self.speech.attach_media
        workers = [*self.media.workers, *self.speech.workers]
        for worker in workers:
            worker.start()
        try:
            await all_started(workers, WORKERS_START_WITHIN)
        except TimeoutError as error:
            await self.stop()
            raise StartError("a worker process does not start; the log above says why") from error
        try:
            self.store = Writer(config.storage.database, on_problem=self._storage_problem)
        except StorageError as error:
            await self.stop()
            raise StartError(str(error)) from error
        if self.store.dialled_so_far is not None:
            self._tolls.restore(*self.store.dialled_so_far)
        if self.store.lost_calls:
            log.warning("calls of a lost server were closed", calls=self.store.lost_calls)
        self.exchange = Exchange(
            self.signalling,
            self.media,
            tuple(codec for name in config.media.codecs for codec in CODECS if codec == name),
            config.media.rtp_timeout_seconds,
            self._target,
            self._gate,
            routes=lambda call, uri: self.trunks.routes(call.trunk, uri),
            srtp=lambda call, route: self.trunks.srtp(call.trunk, route),
            follow=config.media.codec_order == "peer",
        )
        self.hotlines = Dialplans(
            config,
            self.prompts,
            self.store,
            voices_for=self._voices_for,
            in_use=lambda: self.reception.dialplans.values(),
            on_change=self._reconfigure,
            environment=os.environ,
        )
        self.floor = Floor(self.exchange, random.SystemRandom(), self._agents())
        rules = config.callbacks
        new_uid = Uids()
        self.callbacks = Callbacks(
            self.floor,
            self.exchange,
            self.speech,
            self.store,
            self.prompts.sounds,
            new_uid,
            Rules(rules.attempts, rules.retry_seconds, rules.ring_seconds, rules.keep_hours * 3600.0),
        )
        self.reception = Reception(
            self.exchange,
            self.floor,
            self.callbacks,
            self.speech,
            self.store,
            self.prompts.sounds,
            entrance=self._entrance,
            new_uid=new_uid,
            recordings=config.storage.recordings,
            recorded=config.storage.recording,
            call_seconds=config.limits.call_seconds,
            services=lambda dialplan: self.hotlines.services(dialplan),
            recognisers={language: engine.engine for language, engine in self._recognisers.items()},
        )
        try:
            self.hotlines.begin(self.dialplans, rendered)
        except (ServiceError, OSError) as error:
            await self.stop()
            raise StartError(str(error)) from error
        self.exchange.on_incoming = self.reception.incoming
        self.exchange.phones = self.phones.of
        keep_pace()
        self.hotlines.start()
        self._lag.start()
        self._ready = True
        if self.store.open_callbacks:
            log.info("callbacks of an earlier run go on", callbacks=len(self.store.open_callbacks))
            self.callbacks.restore(self.store.open_callbacks)
        await self.signalling.address_learned(STUN_WITHIN)
        self.signalling.drain(None)
        self.trunks.start()
        self.phones.start(self.signalling, self._agent_reachable)

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Refuse new calls, let running ones finish, hang up the rest, write all records, end the workers.

        `hurry`: when it is set, running calls are hung up at once.
        """
        self._draining = True
        self.signalling.drain(RETRY_AFTER)
        with contextlib.suppress(AttributeError):
            await self.control.close()
        if self._ready:
            log.info("stopping", calls=len(self.reception.calls), drain=self.config.shutdown.drain_seconds)
            await self.trunks.stop()
            await self.phones.stop()
            await self.reception.drain(self.config.shutdown.drain_seconds, hurry)
            await self.callbacks.close()
            await self.floor.close()
            await self.exchange.close()
            await self.hotlines.close()
            await asyncio.sleep(0.1)  # the last datagrams, and the answers to our BYEs
            self.capture.close()
            if not await asyncio.get_running_loop().run_in_executor(None, self.store.close):
                log.error("not every record could be written")
            self._lag.stop()
        with contextlib.suppress(AttributeError):
            for worker in [*self.media.workers, *self.speech.workers]:
                worker.stop()
        await self.signalling.close()

    @property
    def ready(self) -> bool:
        """Return whether calls are answered."""
        return self._ready and not self._draining

    def workers(self) -> list[dict[str, object]]:
        """Return the state of every worker process, with the counters of its last heartbeat."""
        return [
            {
                "name": worker.name,
                "pid": worker.pid,
                "alive": worker.alive,
                "restarts": worker.restarts,
                "counters": dict(worker.counters),
            }
            for worker in (*self.media.workers, *self.speech.workers)
        ]

    def forget_lag(self) -> None:
        """Measure the loop's lag anew from now on."""
        self._lag.forget()

    def metrics(self) -> Mapping[str, float]:
        """Return what a person or a benchmark wants to know of the running server."""
        held = self.signalling.endpoint.held
        return {
            "calls": len(self.reception.calls),
            "legs": self.media.legs,
            "media_ports": self.media.ports,
            "sip_sessions": held.sessions,
            "sip_dialogs": held.dialogs,
            "sip_transactions": held.transactions,
            "sip_connections": len(self.signalling.shell.streams),
            **{f"sip_{name}": count for name, count in self.signalling.shell.streams.counters.items()},
            "sip_flood_dropped": self.sources.dropped,
            "sip_refused_late": self.signalling.endpoint.counters.get("refused_late", 0),
            "loop_lag_max_ms": self._lag.worst * 1000,
            "loop_lag_p99_ms": self._lag.percentile(0.99) * 1000,
        }

    # --- decisions that the configuration makes -------------------------------------------------------------------------

    def _messages_per_second(self, host: str) -> float:
        limits = self.config.limits
        if self._knows(host):
            return limits.messages_per_second_per_trunk_address
        return limits.messages_per_second_per_address

    def _knows(self, host: str) -> bool:
        """Say whether it is a trunk's, or one behind which phones have registered: there may be many."""
        known = self.trunks.owns(host) or self.phones.knows(host)
        return known or self.guard.has_shown_password(host, self.signalling.shell.now())

    def _on_event(self, event: sip.Event) -> None:
        if self.trunks.on_event(event) or self.phones.on_event(event):
            return
        if self._ready:
            self.exchange.on_event(event)
        elif isinstance(event, sip.IncomingCall):
            self.signalling.reject(event.session, 503, headers=[("Retry-After", str(RETRY_AFTER))])

    def _entrance(self, event: sip.IncomingCall) -> Entrance:
        trunk = self.trunks.trunk_for(event.request, event.source)
        name, dialplan = (trunk.name, trunk.dialplan) if trunk is not None else ("registrar", None)
        dialplan = dialplan or self.phones.dialplan_for(event.user)
        if dialplan is None:
            return Entrance(None, refusal=403)
        self.trunks.calls_in[name] += 1
        full = len(self.reception.calls) >= self.config.limits.calls and event.replaces is None
        if self._draining or (full and not self.reception.make_room()):
            return Entrance(None, trunk=name, refusal=503, retry_after=RETRY_AFTER)
        trusted = trunk is not None and trunk.trust
        return Entrance(self.hotlines.choose(dialplan), dialplan, name, trusted=trusted)

    def _authenticate(self, request: Request, source: Address) -> Realm | None:
        phones = self.phones.realm
        if request.method == "REGISTER":
            return phones
        trunk = self.trunks.trunk_for(request, source)
        if trunk is None:
            return phones if self.phones.take_calls else None
        if not trunk.auth:
            return None
        auth = self.config.sip.auth
        users = {**auth.users, **(phones.passwords if phones is not None else {})}
        return Realm(auth.realm, users, auth.algorithms)

    def _agent_reachable(self, agent: str, reachable: bool) -> None:
        if reachable:
            self.floor.log_in(agent)
        else:
            self.floor.log_out(agent)

    def _agreed(self, request: Request, source: Address) -> Known | None:
        agreed = self.trunks.agreed(request, source)
        return agreed or (Known() if self.phones.knows(source.host) else None)

    def _gate(self, call: Call, to: str) -> str:
        trunks = self.config.trunks
        uri = dial_uri(to, trunks.get(call.trunk), self.config.agents, trunks)
        if uri is None:
            log.warning("a number may not be dialled: see `dial` of the trunk", call=call.uid)
            raise DialFailed("declined", 403)
        return uri

    def _target(self, call: Call, to: str) -> str:
        uri = self._gate(call, to)
        if uri not in {agent.uri for agent in self.config.agents.values()}:
            problem = self._tolls.problem(call.from_number, datetime.date.today(), f"{call.uid} {uri}")
            if problem:
                log.warning("a number may not be dialled any more today", call=call.uid, limit=problem)
                raise DialFailed("declined", 403)
        return uri

    def _agents(self) -> list[Agent]:
        now = asyncio.get_running_loop().time()
        return [
            Agent(
                name,
                agent.uri,
                dict(agent.skills),
                AgentStatus.FREE if self.phones.reachable(agent.uri) else AgentStatus.LOGGED_OUT,
                idle_since=now,
            )
            for name, agent in self.config.agents.items()
        ]

    def _reconfigure(self) -> None:
        """Queues are those of all versions that have calls; where names are the same the running one's counts."""
        versions = [version.dialplan for version in self.hotlines.versions.kept()]
        self.floor.reconfigure(self._agents(), list(queue_specs(versions)))

    async def _voices_for(self, languages: Sequence[str]) -> Mapping[str, VoiceChoice]:
        """Return who speaks; a language that is new here gets its recogniser and its voice. Raises CompileError."""
        new = [language for language in languages if language not in self._voices]
        if new:
            try:
                engines = await asyncio.to_thread(engines_of, self.config, new)
            except SpeechError as error:
                raise CompileError(str(error)) from error
            self._voices = {**self._voices, **engines.voices}
            self._recognisers = {**self._recognisers, **engines.recognisers}
            self.speech.add(engines.recognisers, engines.voices)
            self.reception.recognisers = {name: item.engine for name, item in self._recognisers.items()}
        return self._voices

    def _keep_ladder(self, call: str, messages: Sequence[SipMessage]) -> None:
        self.store.ladder(call, messages)

    def _storage_problem(self, problem: str) -> None:
        if problem:
            log.error("storage problem", problem=problem)
        else:
            log.info("storage works again")


class LagMeter:
    """How late the control loop is: the delays of a timer that is due every 50 ms."""

    PERIOD = 0.05
    KEPT = 12_000  # delays: ten minutes

    def __init__(self) -> None:
        self.worst = 0.0
        self._delays: collections.deque[float] = collections.deque(maxlen=self.KEPT)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.PERIOD
        self._timer = loop.call_at(due, self._tick, due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def percentile(self, share: float) -> float:
        """Return the delay, in seconds, that this share of those of the last ten minutes did not exceed."""
        ordered = sorted(self._delays)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def forget(self) -> None:
        """Measure anew from now on."""
        self.worst = 0.0
        self._delays.clear()

    def _tick(self, due: float) -> None:
        delay = asyncio.get_running_loop().time() - due
        self._delays.append(delay)
        self.worst = max(self.worst, delay)
        self.start()


def _tell_ban(host: str, user: str) -> None:
    if user:
        log.warning(
            "a user gives wrong passwords and is not listened to for a while", address=host, user=user[:80]
        )
    else:
        log.warning("an address is not listened to for a while: it scans or guesses passwords", address=host)


def _homer(config: Config) -> Homer | None:
    told = config.homer
    return None if told is None else Homer(told.address, told.capture_id, told.password)


def _tell_flood(host: str) -> None:
    log.warning("an address sends more SIP messages than `limits` lets it: they are dropped", source=host)


class Uids:
    """Names calls: sortable by time, and easy to read out over a telephone. No two calls of a process share a name."""

    def __init__(self) -> None:
        self._second = 0  # Unix time
        self._prefix = ""
        self._used: set[str] = set()  # within this second

    def __call__(self) -> str:
        if (second := int(time.time())) != self._second:
            self._second, self._used = second, set()
            self._prefix = f"{datetime.datetime.fromtimestamp(second, datetime.UTC):%Y%m%d-%H%M%S}"
        while (token := secrets.token_hex(3)) in self._used:
            pass
        self._used.add(token)
        return f"{self._prefix}-{token}"
