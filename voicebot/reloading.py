"""Dialplans while they answer calls: new versions come, share the calls, are promoted, and are taken back.

A child checks, compiles and renders (`runtime.control.compiling`); then one reference is swapped. Running calls keep the
version that they have; a version is forgotten when its last call is over. One change at a time.
"""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from voicebot.config import Config
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, texts_of
from voicebot.dialplan.sources import Sources, read_sources
from voicebot.runtime.control.compiling import Compiled, CompileError, Compiler
from voicebot.runtime.control.prompts import PromptIndex, Rendered
from voicebot.runtime.control.socket import ControlError
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.runtime.control.versions import Served, Version, Versions
from voicebot.runtime.net.web import ServiceError, WebServices
from voicebot.runtime.render.around import dialled_of, has_dictionary, skills_of
from voicebot.storage import Reader, StorageError, Writer

SWEEP = 1.0  # seconds
WRITTEN_WITHIN = 5.0  # seconds that a rollback waits for storage to hold what runs now
STILL = 0.5  # seconds that a file must not change before it is read: editors write more than once

log = structlog.get_logger("dialplan")

Stamp = tuple[tuple[int, int], ...]  # (mtime in ns, size) of each watched file
NewLanguages = Callable[[Sequence[str]], Awaitable[Mapping[str, VoiceChoice]]]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a wish for another version. `done` false: it was refused, and everything stays as it was."""

    name: str
    done: bool
    text: str
    version: str = ""
    before: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    def as_data(self) -> dict[str, object]:
        return {
            "name": self.name,
            "done": self.done,
            "text": self.text,
            "version": self.version,
            "before": self.before,
            "findings": texts_of(self.findings),
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class _Watched:
    files: tuple[Path, ...]
    seen: Stamp
    changed_at: float | None = None


@dataclass(slots=True)
class Dialplans:
    """The dialplans of a server. `voices_for` chooses who speaks, and lets new languages in; raises CompileError.

    `on_change` is called when the set of versions has changed: queues follow.
    """

    config: Config
    index: PromptIndex
    store: Writer
    voices_for: NewLanguages
    in_use: Callable[[], Iterable[Dialplan]]
    on_change: Callable[[], None]
    environment: Mapping[str, str]
    versions: Versions = field(init=False)
    _compiler: Compiler = field(init=False)
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _written: "Future[None] | None" = None  # what was handed to storage last
    _watcher: "asyncio.Task[None] | None" = None
    _closing: "set[asyncio.Task[None]]" = field(default_factory=set)

    def __post_init__(self) -> None:
        self._compiler = Compiler(
            self.config.prompts,
            self.index.cache,
            skills_of(self.config),
            dictionary=has_dictionary(self.config.speech.models),
            dialled=dialled_of(self.config),
        )

    # --- for calls ------------------------------------------------------------------------------------------------------

    def begin(self, dialplans: Mapping[str, Dialplan], rendered: Rendered) -> None:
        """Serve these. Raises ServiceError, OSError."""
        served = {}
        for name, dialplan in dialplans.items():
            sources, files = read_sources(Path(dialplan.path))
            services = WebServices(dialplan.services, self.environment)
            served[name] = Served(
                name, Path(dialplan.path), Version(dialplan, sources, sources.pack(), rendered, services)
            )
            self._watched[name] = _Watched(files, _stamp(files))
        self.versions = Versions(served, self.in_use)
        self._settle()
        for name, item in served.items():
            self._keep(name, item.running, running=True, why="start", who="")

    def choose(self, name: str) -> Dialplan:
        """Return the dialplan of a new call."""
        return self.versions.served[name].choose().dialplan

    def services(self, dialplan: Dialplan) -> WebServices:
        services = self.versions.of(dialplan).services
        assert isinstance(services, WebServices)
        return services

    # --- changes --------------------------------------------------------------------------------------------------------

    async def reload(self, name: str, *, share: float | None = None, why: str, who: str = "") -> Change:
        """Take the file as it is now: for all new calls, or for a share of them."""
        async with self._one:
            return await self._take(self._served(name).path, name, share, why, who)

    async def promote(self, name: str, *, who: str = "") -> Change:
        """Give all new calls to the canary. Raises ControlError if there is none."""
        async with self._one:
            served = self._served(name)
            before, version = served.running, served.canary
            if version is None:
                raise ControlError(f"{name} has no canary")
            served.run(version)
            self._settle()
            self._keep(name, version, running=True, why="promoted", who=who)
            return _done(name, f"{version.id} answers all new calls", version, before)

    async def rollback(self, name: str, *, who: str = "") -> Change:
        """Withdraw the canary; without one, serve the version before, from storage. Raises ControlError."""
        async with self._one:
            served = self._served(name)
            before = served.running
            canary = served.withdraw()
            if canary is not None:
                self._settle()
                text = f"the canary {canary.id} is withdrawn, {before.id} answers all new calls"
                return _done(name, text + await self._differs(served), before, canary)
            if self._written is not None:
                with contextlib.suppress(TimeoutError, StorageError):
                    async with asyncio.timeout(WRITTEN_WITHIN):
                        await asyncio.shield(asyncio.wrap_future(self._written))
            packed = await asyncio.to_thread(self._previous, name, before.id)
            folder = self.config.data / "cache" / "dialplans" / f"rollback-{os.getpid()}"
            try:
                path = await asyncio.to_thread(Sources.unpack(packed).write, folder)
                change = await self._take(path, name, None, "rollback", who)
            except (OSError, ValueError) as error:
                raise ControlError(f"the version before cannot be restored: {error}") from error
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            if not change.done:
                return change
            return _done(name, change.text + await self._differs(served), served.running, before)

    def _previous(self, name: str, version: str) -> bytes:
        """Return the files of the version that ran before this one. In a thread. Raises ControlError."""
        reader = Reader(self.config.storage.database)
        try:
            ran = [item for item in reader.versions(name) if item.running_since and item.version != version]
            packed = reader.sources(name, ran[0].version) if ran else None
        except StorageError as error:
            raise ControlError(str(error)) from error
        finally:
            reader.close()
        if packed is None:
            raise ControlError(f"{name} has run in no other version")
        return packed

    async def _differs(self, served: Served) -> str:
        """Return a warning if the file is not what runs: a restart would take it."""
        try:
            sources, _ = await asyncio.to_thread(read_sources, served.path)
        except OSError:
            return f"; {served.path} cannot be read any more"
        if sources.files == served.running.sources.files:
            return ""
        return f"; {served.path} still differs, and is what the next reload or start takes"

    async def _take(self, path: Path, name: str, share: float | None, why: str, who: str) -> Change:
        begin = time.monotonic()
        served = self._served(name)
        before = served.running
        if why != "rollback":
            await self._look(name)
        try:
            checked, compiled = await self._compiler.compile(path, self.voices_for)
            if why != "rollback" and checked.files != self._watched[name].files:
                self._watched[name].files = checked.files
                await self._look(name)
            if compiled is None:
                return _refused(name, before, "it does not check", checked.findings)
            if share is not None and compiled.dialplan.version == before.id:
                return _done(name, f"{before.id} runs already: there is nothing to try out", before, before)
            version = self._version(compiled)
        except (CompileError, ServiceError) as error:
            return _refused(name, before, str(error), ())
        if share is None:
            served.run(version)
        else:
            served.try_out(version, share)
        self._settle()
        self._keep(name, version, running=share is None, why=why, who=who)
        what = "all new calls" if share is None else f"{share * 100:g} % of the new calls"
        seconds = time.monotonic() - begin
        log.info(
            "dialplan taken",
            name=name,
            version=version.id,
            share=share or 1.0,
            why=why,
            seconds=round(seconds, 2),
        )
        return _done(name, f"{version.id} answers {what}", version, before, checked.findings, seconds)

    def _version(self, compiled: Compiled) -> Version:
        services = WebServices(compiled.dialplan.services, self.environment)
        return Version(compiled.dialplan, compiled.sources, compiled.packed, compiled.rendered, services)

    def _served(self, name: str) -> Served:
        served = self.versions.served.get(name)
        if served is None:
            raise ControlError(f"there is no dialplan {name}; there are {', '.join(self.versions.served)}")
        return served

    def _keep(self, name: str, version: Version, *, running: bool, why: str, who: str) -> None:
        self._written = self.store.version_serves(
            name, version.id, version.packed, running=running, why=why, who=who
        )

    def _settle(self) -> None:
        """Forget what nobody needs, and let prompts and queues follow."""
        gone = self.versions.sweep()
        self.index.use(version.rendered for version in self.versions.kept())
        for version in gone:
            if isinstance(version.services, WebServices):
                closing = asyncio.get_running_loop().create_task(version.services.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
        self.on_change()

    # --- files that change ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch the files, if the configuration wants it, and to forget old versions."""
        self._watcher = asyncio.get_running_loop().create_task(self._watch(), name="dialplans")

    async def close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await self._compiler.close()
        for version in self.versions.kept():
            if isinstance(version.services, WebServices):
                await version.services.close()
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self._round()
            except Exception:  # the edge of a round: the next one comes, whatever broke this one
                log.exception("watching the dialplans failed")

    async def _round(self) -> None:
        if self.versions.stale():
            self._settle()
        if not self.config.reload.watch:
            return
        for name in self.versions.served:
            if await self._changed(name) and await self._news(name):
                tell(await self.reload(name, share=self.config.canaries.get(name), why="file changed"))

    async def _changed(self, name: str) -> bool:
        """Say whether the files have changed, and stand still since."""
        watched = self._watched[name]
        stamp = await asyncio.to_thread(_stamp, watched.files)
        now = time.monotonic()
        if stamp != watched.seen:
            watched.seen, watched.changed_at = stamp, now
            return False
        return watched.changed_at is not None and now - watched.changed_at >= STILL

    async def _news(self, name: str) -> bool:
        """Say whether the files hold something else than what was served last: to touch a file changes nothing."""
        served = self._served(name)
        self._watched[name].changed_at = None
        try:
            sources, _ = await asyncio.to_thread(read_sources, served.path)
        except OSError:
            return True  # checking says what is wrong
        return sources != (served.canary or served.running).sources

    async def _look(self, name: str) -> None:
        """What is read now is known."""
        watched = self._watched[name]
        watched.seen, watched.changed_at = await asyncio.to_thread(_stamp, watched.files), None


def tell(change: Change) -> None:
    """Put a change into the log; a finding is a line of its own."""
    if change.done:
        return
    log.error(
        "dialplan refused, the running version stays",
        name=change.name,
        running=change.before,
        why=change.text,
    )
    for line in texts_of(item for item in change.findings if item.severity == "error"):
        log.error("finding", name=change.name, finding=line)


def _stamp(files: Iterable[Path]) -> Stamp:
    found = []
    for file in files:
        try:
            status = file.stat()
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append((0, -1))
    return tuple(found)


def _done(
    name: str,
    text: str,
    version: Version,
    before: Version,
    findings: tuple[Finding, ...] = (),
    seconds: float = 0.0,
) -> Change:
    return Change(name, True, text, version.id, before.id, findings, seconds)


def _refused(name: str, before: Version, why: str, findings: tuple[Finding, ...]) -> Change:
    return Change(name, False, f"refused, {before.id} stays: {why}", before=before.id, findings=findings)
