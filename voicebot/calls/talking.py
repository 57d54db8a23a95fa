"""The talk: caller and agent bridged, until the agent's leg is over, or the agent has passed the caller on."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from voicebot.calls.leg import Leg, Playing
from voicebot.calls.passing_on import pass_on
from voicebot.calls.racing import first_of
from voicebot.calls.referral import Referral
from voicebot.wire import PromptItem

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine


async def talk(line: "TelephoneLine", other: Leg, on_left: Callable[[], None] = lambda: None) -> None:
    """Bridge the caller with `other` until that leg is over, and with whom it passes the caller on to.

    Every leg is ended whichever way this returns. `on_left` is called when the first one has left and the caller is
    still there.
    """
    talking: Leg | None = other
    while talking is not None:
        talking = await _Talk(line, talking, on_left).run()
        on_left = _nothing
    line.caller.take_keys()  # what was keyed during the talk was for the agent


def _nothing() -> None:
    """Who comes next belongs to no queue."""


def _not_told(held: bool) -> None:
    """Nobody waits for it."""


class _Talk:
    """The talk with one leg. While whom it passes the caller on to still rings, the two stay connected."""

    def __init__(self, line: "TelephoneLine", other: Leg, on_left: Callable[[], None]) -> None:
        self._line = line
        self._other = other
        self._on_left = on_left
        self._loop = asyncio.get_running_loop()
        self._passing: asyncio.Task[Leg | None] | None = None
        self._referred: asyncio.Future[None] = self._loop.create_future()
        self._bridged_at: float | None = None
        self._music: Playing | None = None  # while the other one has us on hold

    async def run(self) -> Leg | None:
        """Return the leg that comes next, if any."""
        other, call = self._other, self._line.call
        started_at = self._loop.time()
        other.on_refer, other.on_held = self._refer, self._hold
        following: Leg | None = None
        try:
            self._bridge()
            while not other.gone.done() and following is None:
                following = await self._news()
            if following is None:
                self._unbridge()
                seconds = round(self._loop.time() - started_at, 2)
                call.trace("agent_left", agent=other.name, cause=other.gone.result().cause, seconds=seconds)
                self._on_left()
                following = await self._outcome()
            else:
                self._unbridge()
                self._line.telephones.hang_up(other)
                seconds = round(self._loop.time() - started_at, 2)
                call.trace("agent_left", agent=other.name, cause="transferred", seconds=seconds)
                self._on_left()
            return following
        except BaseException:
            await self._give_up(following)
            raise
        finally:
            other.on_refer, other.on_held = None, _not_told
            self._unbridge()
            self._line.telephones.hang_up(other)

    def _refer(self, referral: Referral) -> None:
        if self._passing is None or self._passing.done():
            self._passing = self._loop.create_task(pass_on(self._line, self._other, referral))
            if not self._referred.done():
                self._referred.set_result(None)
        else:  # of one without news (RFC 4488) the endpoint does not know that it still goes on
            self._line.telephones.answer_refer(self._other, 491)

    async def _news(self) -> Leg | None:
        """Wait until the agent has left, asks for a transfer, or the transfer is decided; return its leg."""
        passed_on = () if self._passing is None else (self._passing,)
        await first_of(self._other.gone, self._referred, *passed_on)
        if self._referred.done():
            self._referred = self._loop.create_future()
        if self._passing is None or not self._passing.done():
            return None
        passing, self._passing = self._passing, None
        return passing.result()

    async def _outcome(self) -> Leg | None:
        """The agent has hung up: the caller hears it ring until somebody else answers, or nobody does."""
        if self._passing is None:
            return None
        sounds = self._line.sounds
        ringback = self._line.caller.play([PromptItem(str(sounds.ringback))], loop=True)
        try:
            return await asyncio.shield(self._passing)
        finally:
            ringback.stop()

    async def _give_up(self, following: Leg | None) -> None:
        """The caller has hung up."""
        passing = self._passing
        if passing is not None:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)
            if not passing.cancelled() and passing.exception() is None:
                following = following or passing.result()
        if following is not None:
            self._line.telephones.hang_up(following)

    def _bridge(self) -> None:
        caller, other = self._line.caller, self._other
        if not other.gone.done() and caller.media is not None and other.media is not None:
            self._bridged_at = self._loop.time()
            caller.media.bridge(other.media.id)
            caller.on_info_key, other.on_info_key = other.media.send_keys, caller.media.send_keys
            self._line.call.trace("bridged", agent=other.name)
            if other.held:
                self._hold(True)

    def _hold(self, held: bool) -> None:
        """The agent speaks with somebody else meanwhile: the caller hears music of ours, whatever that phone still sends."""
        if self._bridged_at is None:
            return
        self._line.call.trace("agent_held" if held else "agent_resumed", agent=self._other.name)
        if held:
            self._music = self._line.caller.play(self._line.music(None), loop=True)
        else:
            self._stop_music()

    def _stop_music(self) -> None:
        if self._music is not None:
            self._music.stop()
            self._music = None

    def _unbridge(self) -> None:
        if self._bridged_at is not None:
            self._line.call.talk_seconds += self._loop.time() - self._bridged_at
            self._bridged_at = None
            self._stop_music()
            self._line.caller.on_info_key = self._other.on_info_key = None
            if self._line.caller.media is not None:
                self._line.caller.media.unbridge()
