"""One Play command: waiting for its prompts, playing, pausing and stopping by reflex."""

from collections.abc import Sequence

from voicebot.media.inner import Inner
from voicebot.media.playout import Clip, LiveClip, Playout
from voicebot.wire import Play

_STARVED_TICKS = 250  # 5 s
RESUME_AFTER = 0.700  # seconds after the onset that paused a reversible play


class Playback:
    """The play of a leg, whose frames are those of `playout`; what it tells control lies with `Plays`."""

    __slots__ = (
        "barge_in",
        "empty",
        "held",
        "missing",
        "play",
        "playout",
        "resume_at",
        "started",
        "streams",
    )

    def __init__(self, command: Play, missing: set[str], streams: tuple[int, ...]) -> None:
        self.play = command.play
        self.barge_in = command.barge_in
        self.missing = missing  # paths that are still being loaded
        self.streams = streams
        self.started = False  # its first frame was sent
        self.held = False  # paused by command: no reflex resumes it
        self.resume_at: float | None = None  # paused by an onset until then
        self.playout: Playout | None = None
        self.empty = 0  # ticks in a row without a frame

    def accept(self, items: Sequence[Clip | LiveClip], loop: bool) -> None:
        """Everything is loaded: play from the next tick on."""
        self.playout = Playout(items, loop)
        self.playout.paused = self.held

    @property
    def accepted(self) -> bool:
        return self.playout is not None

    @property
    def position(self) -> float:
        return self.playout.position if self.playout is not None else 0.0

    @property
    def paused(self) -> bool:
        return self.held or self.resume_at is not None

    def starves(self) -> bool:
        """Count a tick without a frame; has live speech been missing for so long that it will not come?"""
        if self.playout is None or self.paused:
            return False
        self.empty += 1
        return self.empty > _STARVED_TICKS

    def pause_on_onset(self, onset_at: float) -> bool:
        """Pause until RESUME_AFTER; False when it was paused already, or nothing was heard of it yet."""
        if self.paused or not self.started:
            return False
        self.resume_at = onset_at + RESUME_AFTER
        self._set(True)
        return True

    def hold(self) -> bool:
        """Pause until `release`; False when it was held already."""
        changed, self.held, self.resume_at = not self.paused, True, None
        self._set(True)
        return changed

    def release(self) -> bool:
        """Go on; False when it was not paused."""
        changed = self.paused
        self.held, self.resume_at = False, None
        self._set(False)
        return changed

    def _set(self, paused: bool) -> None:
        if self.playout is not None:
            self.playout.paused = paused

    def change_codec(self, codec: Inner) -> None:
        if self.playout is not None:
            self.playout.change_codec(codec)
