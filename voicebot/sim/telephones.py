"""Telephones without SIP: agents and extensions that answer, decline, are busy, or let it ring."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from voicebot.calls.call import Call
from voicebot.calls.floor import DialFailed
from voicebot.calls.leg import Gone, Leg
from voicebot.sim.media import SimLeg, SimMedia

Behaviour = Literal["answers", "busy", "no_answer", "declines", "voicemail"]

PRESSES_AFTER = 1.0  # seconds


@dataclass(slots=True)
class Extension:
    """How one extension behaves: it (or its voicemail) answers after `after` seconds and hangs up after `talks` seconds of talk."""

    behaviour: Behaviour = "answers"
    after: float = 2.0
    talks: float = 20.0


@dataclass(slots=True)
class SimTelephones:
    """Implements `calls.transferring.Telephones`. `rings` notes what happened: (time, URI, what)."""

    media: SimMedia
    extensions: dict[str, Extension] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)  # what a dialplan calls an extension -> its URI
    dials: Callable[[str], bool] | None = None  # what the configuration lets be dialled; None: not known
    undialled: list[str] = field(default_factory=list)  # what it does not, the caller's own number apart
    rings: list[tuple[float, str, str]] = field(default_factory=list)
    referred: list[str] = field(default_factory=list)
    accept_key: str = ""  # what whoever answers presses to take the call; voicemail presses nothing
    on_answer: Callable[[str, Leg], None] = lambda uri, leg: None

    def target(self, call: Call, to: str) -> str:
        known = to in self.names or to == call.from_number
        if self.dials is not None and not known and not self.dials(to):
            self.undialled.append(to)
        return self.names.get(to) or (to if to.startswith("sip:") else f"sip:{to}@sim")

    async def check(self, call: Call, to: str) -> None:
        return None

    async def dial(
        self,
        call: Call,
        uri: str,
        *,
        name: str,
        headers: Sequence[tuple[str, str]] = (),
        on_ringing: Callable[[], None] | None = None,
        on_early_media: Callable[[Leg], None] | None = None,
    ) -> Leg:
        loop = asyncio.get_running_loop()
        extension = self.extensions.get(uri)
        self._note(uri, "rings")
        if extension is None:
            raise DialFailed("unreachable", 404)
        if extension.behaviour == "busy":
            raise DialFailed("busy", 486)
        try:
            if extension.behaviour == "no_answer":
                await asyncio.get_running_loop().create_future()
            await asyncio.sleep(extension.after)
        except asyncio.CancelledError:
            self._note(uri, "cancelled")
            raise
        if extension.behaviour == "declines":
            raise DialFailed("declined", 603)
        leg = Leg(call.uid, name, -1, call.plays)
        leg.media = self.media.open_leg(call.uid, "", leg.on_message)
        self._note(uri, "answered")
        if extension.behaviour == "answers":
            for key in self.accept_key:
                loop.call_later(PRESSES_AFTER, leg.media.press, key)
        loop.call_later(extension.talks, leg.end, Gone("normal", by_peer=True))
        self.on_answer(uri, leg)
        return leg

    def hang_up(self, leg: Leg, cause: str = "normal") -> None:
        leg.end(Gone(cause, by_peer=False))
        if isinstance(leg.media, SimLeg):
            leg.media.close()

    async def refer(
        self, leg: Leg, uri: str, *, headers: Sequence[tuple[str, str]] = (), replacing: Leg | None = None
    ) -> str:
        await asyncio.sleep(0.5)
        if replacing is not None:
            self.referred.append(uri)
            return ""
        extension = self.extensions.get(uri)
        if extension is None:
            raise DialFailed("unreachable", 404)
        if extension.behaviour == "busy":
            raise DialFailed("busy", 486)
        if extension.behaviour == "no_answer":
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(extension.after)
        if extension.behaviour == "declines":
            raise DialFailed("declined", 603)
        self.referred.append(uri)
        return ""

    def answer_refer(self, leg: Leg, status: int) -> None:
        """Simulated phones ask for no transfers."""

    def notify_refer(self, leg: Leg, status: int) -> None:
        """See `answer_refer`."""

    def own_uri(self, leg: Leg, replaces: str) -> str | None:
        return None

    def _note(self, uri: str, what: str) -> None:
        self.rings.append((asyncio.get_running_loop().time(), uri, what))
