"""What a caller hears while somebody else is rung: our tone, or what the far end plays before it answers."""

from typing import TYPE_CHECKING

from voicebot.calls.leg import Leg
from voicebot.wire import PromptItem

if TYPE_CHECKING:
    from voicebot.calls.line import TelephoneLine


class Ringback:
    """Begins with our tone. Only the caller hears: who has not answered is told nothing of what the caller says."""

    def __init__(self, line: "TelephoneLine") -> None:
        self._line = line
        self._early: Leg | None = None
        self._play()

    def pass_on(self, leg: Leg) -> None:
        """Let the caller hear the early media of `leg` from its first packet on; of several legs the last one's."""
        caller = self._line.caller
        if caller.media is None or leg.media is None:
            return
        if self._early is not leg:
            self._early = leg
            self._line.call.trace("early_media")
            leg.gone.add_done_callback(lambda _: self._over(leg))
        caller.media.bridge(leg.media.id, when_heard=True)

    def tone(self) -> None:
        """Let the caller hear our tone, whatever it was until now."""
        if self._early is not None:
            self._unbridge()
            self._play()

    def stop(self) -> None:
        self._unbridge()
        self._tone.stop()

    def _over(self, leg: Leg) -> None:
        if self._early is leg:
            self.tone()

    def _play(self) -> None:
        line = self._line
        self._tone = line.caller.play([PromptItem(str(line.sounds.ringback))], loop=True)

    def _unbridge(self) -> None:
        if self._early is not None and self._line.caller.media is not None:
            self._line.caller.media.unbridge()
        self._early = None
