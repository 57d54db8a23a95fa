"""Which version of a dialplan answers the next call, and which versions are still needed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from voicebot.calls.protocols import Services
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.sources import Sources
from voicebot.runtime.control.prompts import Rendered

Share = float  # of new calls, more than 0 and less than 1


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One version of a dialplan, with all that its calls need. `packed`: its files as they are kept."""

    dialplan: Dialplan
    sources: Sources
    packed: bytes
    rendered: Rendered
    services: Services

    @property
    def id(self) -> str:
        return self.dialplan.version


@dataclass(slots=True)
class Served:
    """A dialplan of the configuration: the running version, and a canary that gets a share of the new calls.

    The share is exact: with 10 % every tenth call is the canary's, the fifth one first.
    """

    name: str
    path: Path
    running: Version
    canary: Version | None = None
    share: Share = 0.0
    _due: float = 0.5

    def choose(self) -> Version:
        """Return the version for a new call."""
        if self.canary is None:
            return self.running
        self._due += self.share
        if self._due < 1.0 - 1e-9:
            return self.running
        self._due -= 1.0
        return self.canary

    def run(self, version: Version) -> None:
        """All new calls are this version's."""
        self.running, self.canary, self.share = version, None, 0.0

    def try_out(self, version: Version, share: Share) -> None:
        """This share of the new calls is this version's."""
        self.canary, self.share, self._due = version, share, 0.5

    def withdraw(self) -> Version | None:
        """End the canary; return what it was."""
        version, self.canary, self.share = self.canary, None, 0.0
        return version

    @property
    def versions(self) -> tuple[Version, ...]:
        return (self.running,) if self.canary is None else (self.running, self.canary)


Standing = Literal["running", "canary", "ending"]


@dataclass(slots=True)
class Versions:
    """All versions that a call may need. `in_use` returns the dialplans of the calls that go on."""

    served: dict[str, Served]
    in_use: Callable[[], Iterable[Dialplan]]
    _kept: list[Version] = field(default_factory=list)

    def kept(self) -> tuple[Version, ...]:
        """Return every version that answers or has calls; what is running comes last."""
        return tuple(self._kept)

    def of(self, dialplan: Dialplan) -> Version:
        """Return the version that a call has."""
        return next(version for version in self._kept if version.dialplan is dialplan)

    def sweep(self) -> tuple[Version, ...]:
        """Forget the versions that nobody needs any more; return them."""
        answering = [version for served in self.served.values() for version in reversed(served.versions)]
        used = {id(dialplan) for dialplan in self.in_use()}
        ending = [v for v in self._kept if v not in answering and id(v.dialplan) in used]
        gone = tuple(v for v in self._kept if v not in answering and v not in ending)
        self._kept = [*ending, *answering]
        return gone

    def stale(self) -> bool:
        """Return whether a version that answers no new calls has lost its last one."""
        answering = {version for served in self.served.values() for version in served.versions}
        ending = [version for version in self._kept if version not in answering]
        if not ending:
            return False
        used = {id(dialplan) for dialplan in self.in_use()}
        return any(id(version.dialplan) not in used for version in ending)

    def standing(self, version: Version) -> Standing:
        for served in self.served.values():
            if served.running is version:
                return "running"
            if served.canary is version:
                return "canary"
        return "ending"
