"""The phones that register with a running server: kept over a restart, held open behind NATs, and found when rung."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from voicebot.calls.forking import Phone
from voicebot.config import Config
from voicebot.config.registering import ANY_DOMAIN
from voicebot.runtime.net.signalling import SipSignalling
from voicebot.sip import (
    Address,
    Binding,
    BindingsChanged,
    Event,
    PingAnswered,
    Policy,
    Realm,
    Registrar,
    SipError,
    Uri,
)

FILE = "phones.json"
SAVED_AFTER = 0.2  # seconds; many phones register at once after a power cut
MOST_PINGS = 10_000  # that wait for an answer

log = structlog.get_logger("phones")


class Phones:
    """Belongs to the control process's loop. `registrar` is None where the configuration has none."""

    def __init__(self, config: Config, *, wall: Callable[[], float] = time.time) -> None:
        """Read which phones were registered when the server stopped."""
        self._config = config.registrar
        self._realm = Realm(config.sip.auth.realm, {}, config.sip.auth.algorithms)
        self._agents = {agent.phone.user: name for name, agent in config.agents.items() if agent.phone}
        self._file = config.data / FILE
        self._wall = wall
        self._domain = (self._config.domain if self._config else None) or ANY_DOMAIN
        self._signalling: SipSignalling | None = None
        self._on_reachable: Callable[[str, bool], None] = lambda agent, reachable: None
        self._reached: dict[str, bool] = {}  # by user
        self._pings: dict[int, str] = {}
        self._silent: set[str] = set()  # contacts that did not answer
        self._saving: asyncio.TimerHandle | None = None
        self._pinging: asyncio.Task[None] | None = None
        self.registrar: Registrar | None = None
        if self._config is not None:
            rules = self._config
            self._realm = Realm(config.sip.auth.realm, rules.users, config.sip.auth.algorithms)
            policy = Policy(
                rules.domain, rules.min_expires_seconds, rules.max_expires_seconds, rules.contacts
            )
            self.registrar = Registrar(policy)
            for user, bindings in load(self._file, time.monotonic(), wall()).items():
                if user in rules.users:
                    self.registrar.restore(user, bindings)
            self._reached = dict.fromkeys(self.registrar.users(), True)
        self._hosts = frozenset(each.host for each in self.sources())

    def start(self, signalling: SipSignalling, on_reachable: Callable[[str, bool], None]) -> None:
        """Begin to hold the phones' way open. `on_reachable(agent, reachable)` is told of each change."""
        self._signalling, self._on_reachable = signalling, on_reachable
        for user, agent in self._agents.items():  # who came or left while the server started
            on_reachable(agent, bool(self._bindings(user)))
        if self._config is not None and self._config.ping_seconds:
            story = self._ask_again_and_again(self._config.ping_seconds)
            self._pinging = asyncio.get_running_loop().create_task(story, name="ping phones")

    async def stop(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
            await asyncio.gather(self._pinging, return_exceptions=True)
        if self._saving is not None:
            self._saving.cancel()
            self._save()

    # --- who may, who is where ------------------------------------------------------------------------------------------

    @property
    def realm(self) -> Realm | None:
        """Whom the registrar lets in; None without a registrar."""
        return None if self.registrar is None else self._realm

    def dialplan_for(self, user: str | None) -> str | None:
        """Return what answers the calls of an authenticated phone."""
        if self._config is None or user not in self._config.users:
            return None
        return self._config.dialplan

    @property
    def take_calls(self) -> bool:
        """Whether phones may call the hotline from wherever they are."""
        return self._config is not None and self._config.dialplan is not None

    def of(self, uri: str) -> Sequence[Phone] | None:
        """Return the phones behind an agent's URI, the preferred first; None if it is not one of ours."""
        user = self._user(uri)
        if user is None:
            return None
        return [Phone(each.uri, each.source, each.local, each.path) for each in self._bindings(user)]

    def reachable(self, agent_uri: str) -> bool:
        """Return whether a phone is there, as far as we know."""
        phones = self.of(agent_uri)
        return phones is None or bool(phones)

    def _user(self, uri: str) -> str | None:
        if self.registrar is None:
            return None
        parsed = Uri.parse(uri)
        return parsed.username if parsed.host == self._domain and parsed.username in self._agents else None

    def _bindings(self, user: str) -> tuple[Binding, ...]:
        return () if self.registrar is None else self.registrar.bindings(user, time.monotonic())

    def sources(self) -> list[Address]:
        """Return where the phones are: connections from there are to be kept."""
        if self.registrar is None:
            return []
        return [each.source for user in self.registrar.users() for each in self._bindings(user)]

    def knows(self, host: str) -> bool:
        """Whether a phone at this address has registered: who else comes from there is no stranger either."""
        return host in self._hosts

    def state(self, agent: str) -> Mapping[str, object] | None:
        """Return what `voicebot status` tells of an agent's phones; None for an agent with a URI of its own."""
        user = next((user for user, name in self._agents.items() if name == agent), None)
        if user is None or self.registrar is None:
            return None
        bindings = self._bindings(user)
        silent = sum(each.uri in self._silent for each in bindings)
        return {"user": user, "registered": len(bindings), "silent": silent}

    # --- events ---------------------------------------------------------------------------------------------------------

    def on_event(self, event: Event) -> bool:
        """Take an event of the endpoint that is about phones; False if it is not."""
        if isinstance(event, BindingsChanged):
            self._changed(event.user)
        elif isinstance(event, PingAnswered) and event.ping in self._pings:
            uri = self._pings.pop(event.ping)
            (self._silent.add if event.local else self._silent.discard)(uri)
        else:
            return False
        return True

    def _changed(self, user: str) -> None:
        reachable = bool(self._bindings(user))
        self._hosts = frozenset(each.host for each in self.sources())
        if reachable != self._reached.get(user, False):
            self._reached[user] = reachable
            agent = self._agents.get(user, "")
            log.info("a phone has registered" if reachable else "no phone is left", user=user, agent=agent)
            if agent:
                self._on_reachable(agent, reachable)
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SAVED_AFTER, self._save)

    # --- held open ------------------------------------------------------------------------------------------------------

    async def _ask_again_and_again(self, seconds: float) -> None:
        """OPTIONS to each phone: its NAT keeps the way to it, and we hear whether it is there."""
        while True:
            await asyncio.sleep(seconds)
            if self.registrar is None or self._signalling is None:
                return
            known = [each for user in self.registrar.users() for each in self._bindings(user)]
            self._silent &= {each.uri for each in known}
            for binding in known[: MOST_PINGS - len(self._pings)]:
                try:
                    ping = self._signalling.ping(binding.uri, binding.source, binding.local, binding.path)
                except SipError:
                    continue
                self._pings[ping] = binding.uri

    # --- kept -----------------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        self._saving = None
        if self.registrar is None:
            return
        bindings = {user: self._bindings(user) for user in self.registrar.users()}
        try:
            save(self._file, bindings, time.monotonic(), self._wall())
        except OSError as error:
            log.error("registered phones are not kept over a restart", problem=error.strerror)


def save(file: Path, bindings: Mapping[str, Sequence[Binding]], now: float, wall: float) -> None:
    """Write all bindings, mode 0600, whole or not at all. `now` monotonic, `wall` in seconds since the epoch."""
    rows = {user: [_row(each, now, wall) for each in phones] for user, phones in bindings.items()}
    beside = file.with_suffix(".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(rows, stream)
    beside.replace(file)


def load(file: Path, now: float, wall: float) -> dict[str, list[Binding]]:
    """Return the bindings that have not run out meanwhile; none if the file is not there or makes no sense.

    A phone on a TCP or TLS connection is not reached any more: it registers anew when it notices.
    """
    try:
        rows = json.loads(file.read_text("utf-8"))
        found = {str(user): [_binding(row, now, wall) for row in phones] for user, phones in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SipError):
        log.warning("the registered phones of the last run cannot be read", file=str(file))
        return {}
    alive = {
        user: [each for each in phones if each.expires_at > now and each.source.transport == "udp"]
        for user, phones in found.items()
    }
    return {user: phones for user, phones in alive.items() if phones}


def _row(binding: Binding, now: float, wall: float) -> dict[str, object]:
    return {
        "uri": binding.uri,
        "source": str(binding.source),
        "local": None if binding.local is None else str(binding.local),
        "expires_at": wall + binding.expires_at - now,
        "q": binding.q,
        "call_id": binding.call_id,
        "sequence": binding.sequence,
        "path": list(binding.path),
        "user_agent": binding.user_agent,
    }


def _binding(row: Mapping[str, Any], now: float, wall: float) -> Binding:
    Uri.parse(row["uri"])
    local = row["local"]
    return Binding(
        str(row["uri"]),
        Address.parse(row["source"]),
        None if local is None else Address.parse(local),
        now + float(row["expires_at"]) - wall,
        float(row["q"]),
        str(row["call_id"]),
        int(row["sequence"]),
        tuple(str(route) for route in row["path"]),
        str(row["user_agent"]),
    )
