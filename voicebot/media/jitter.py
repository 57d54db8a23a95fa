"""The jitter buffer: packets in any order and rhythm -> exactly one frame of 20 ms per tick.

It works on timestamps, so a peer may use any ptime. Its depth is what lies in it after a frame was taken:

- A frame that has not arrived is concealed. If nothing later has arrived either, the playout point stays: should the
  packet come late, it is played after all and the depth has grown by a frame. If later packets are there, or come
  next, the concealed time counts as theirs and the depth stays.
- When for a whole window more lay in the buffer than was needed, one frame is skipped, a quiet one if one comes soon.
  Windows grow when a skip turns out to have been wrong. Clock drift of the peer is served by the same two rules.
- After a pause of the peer, a jump of its timestamps or another SSRC the playout point is set anew.
"""

from collections import deque
from collections.abc import Callable

from voicebot.media import FRAME_SAMPLES
from voicebot.media.concealment import conceal
from voicebot.media.inner import Inner
from voicebot.media.reception import IN_ORDER, Order, Reception

LONGEST_DEPTH = 6 * FRAME_SAMPLES  # 120 ms
_JUMP = 16000  # 2 s: timestamps that move further start a new playout
_HELD_PACKETS = 100  # more than this is a flood
_OVERLONG_POPS = 10  # 200 ms above LONGEST_DEPTH are borne: our own stalls are caught up in less
_LATE_IN_A_ROW = 5
_WINDOW = 250  # frames: 5 s
_SHORT_WINDOW = 25
_LONGEST_WINDOW = 1000
_PATIENCE = 50  # frames to wait for a quiet one
_PAUSE = 3  # starved frames after which what comes is a new talkspurt


class JitterBuffer:
    """One leg's buffer. `pop` has to be called once every 20 ms, `push` for every audio packet."""

    __slots__ = (
        "_codec",
        "_end",
        "_excess",
        "_frame_bytes",
        "_held",
        "_last",
        "_late_run",
        "_least",
        "_next",
        "_overlong",
        "_pops",
        "_run",
        "_shrunk_at",
        "_starved",
        "_target",
        "_total_pops",
        "_waited",
        "_width",
        "_window",
        "concealed",
        "decode",
        "late",
        "reception",
        "skipped",
        "taken_at",
    )

    def __init__(self, codec: Inner) -> None:
        self.reception = Reception()
        self.late = 0  # packets that came after their time
        self.concealed = 0  # frames that were made up
        self.skipped = 0  # frames that were left out to become shorter
        self.decode: Callable[[bytes], bytes] | None = None  # what comes, to the codec's format
        self.taken_at = -1  # timestamp of the packet that was the last frame as it was; -1: no such
        self._codec = codec
        self._width = codec.width
        self._frame_bytes = FRAME_SAMPLES * codec.width
        self._target = FRAME_SAMPLES
        self._window = _WINDOW
        self._total_pops = 0
        self._shrunk_at = -_LONGEST_WINDOW
        self._least = 0
        self._last: deque[bytes] = deque(maxlen=3)  # frames, for `conceal`
        self.restart()

    def restart(self) -> None:
        """Forget the audio that lies here; what comes next sets the playout point."""
        self._held: dict[int, bytes] = {}  # by extended timestamp
        self._next: int | None = None
        self._end = 0
        self._waited = 0
        self._starved = 0  # frames concealed without moving the playout point
        self._run = 0  # frames concealed in a row
        self._late_run = 0
        self._overlong = 0
        self._excess = 0
        self._forget_window()

    @property
    def depth_ms(self) -> float:
        """What lies in the buffer now."""
        first = self._next if self._next is not None else min(self._held, default=self._end)
        return max(0, self._end - first) / 8

    def change_codec(self, codec: Inner) -> None:
        if codec is not self._codec:
            self._codec = codec
            self._width = codec.width
            self._frame_bytes = FRAME_SAMPLES * codec.width
            self._last.clear()
            self.restart()

    def push(
        self, sequence_number: int, rtp_timestamp: int, ssrc: int, payload: bytes, arrival: float
    ) -> None:
        """Take one audio packet; `arrival` in seconds, for the jitter figure only."""
        reception = self.reception
        order = reception.accept(ssrc, sequence_number)
        if order is IN_ORDER:
            reception.measure(rtp_timestamp, arrival)
        elif order is Order.RESTART:
            self.restart()
            reception.measure(rtp_timestamp, arrival)
        elif order is not Order.REORDERED:
            return
        if self.decode is not None and payload:
            payload = self.decode(payload)
        if not payload:
            return
        held, last_end = self._held, self._end
        if (rtp_timestamp == last_end and len(held) < _HELD_PACKETS) or (not held and self._next is None):
            at = rtp_timestamp
        else:
            at = last_end + ((rtp_timestamp - last_end + 0x80000000) & 0xFFFFFFFF) - 0x80000000
            if not -_JUMP < at - last_end < _JUMP or len(held) >= _HELD_PACKETS:
                self.restart()
                at = rtp_timestamp
            elif self._next is not None and at < self._next:
                self._came_late(at, payload)
                return
        self._late_run = 0
        held = self._held
        held[at] = payload
        end = at + len(payload) // self._width
        if end > self._end or len(held) == 1:
            self._end = end

    def _came_late(self, at: int, payload: bytes) -> None:
        self.late += 1
        self._late_run += 1
        if self._late_run > _LATE_IN_A_ROW:
            self.restart()
            self._held[at] = payload
            self._end = at + len(payload) // self._width

    def pop(self, quiet: bool = False) -> bytes | None:
        """Return the next 20 ms (160 bytes of G.711), concealed if need be, or None when there is nothing to hear.

        `quiet`: the frame before this one was quiet, so that skipping one will hardly be heard.
        """
        following = self._next
        if following is None:
            following = self._start()
            if following is None:
                return None
        self._total_pops += 1
        if self._excess:
            following = self._skip(following, quiet)
        frame = self._held.pop(following, None)
        if frame is None or len(frame) != self._frame_bytes:
            self.taken_at = -1
            frame = self._assemble(following, frame)
            if frame is None:
                return None
        else:
            self._next = following + FRAME_SAMPLES
            self.taken_at = following & 0xFFFFFFFF
            if self._starved:
                self._deepen()
            self._run = 0
        if not self._run:
            self._last.append(frame)
        depth = self._end - following - FRAME_SAMPLES
        if depth < self._least:
            self._least = depth
        self._pops += 1
        if self._pops >= _SHORT_WINDOW:
            self._review()
        if depth > LONGEST_DEPTH:
            self._overlong += 1
            if self._overlong > _OVERLONG_POPS:
                self._jump_to_depth()
        elif self._overlong:
            self._overlong = 0
        return frame

    def _start(self) -> int | None:
        """Begin a talkspurt: wait until the target depth is there, then start so far behind the newest packet."""
        if not self._held:
            return None
        self._waited += 1
        if (
            self._end - min(self._held) < self._target
            and self._waited * FRAME_SAMPLES < self._target + FRAME_SAMPLES
        ):
            return None
        behind = max(self._target, FRAME_SAMPLES)
        late_enough = [at for at in self._held if self._end - at <= behind]
        start = min(late_enough, default=max(self._held))
        self._held = {at: payload for at, payload in self._held.items() if at >= start}
        self._next = start
        self._waited = self._starved = 0
        self._forget_window()
        return start

    def _assemble(self, following: int, first: bytes | None) -> bytes | None:
        """Build a frame where the packet at the playout point is missing or not 20 ms long."""
        held = self._held
        if first is not None:
            held[following] = first
        if not held:
            return self._starve()
        earliest = min(held)
        if earliest > following and self._starved:
            if self._starved >= _PAUSE:
                self._next, self._starved = None, 0
                return self.pop()
            following = min(earliest, following + self._starved * FRAME_SAMPLES)
        at, need, missing, parts = following, FRAME_SAMPLES, 0, []
        while need:
            piece = held.pop(at, None)
            if piece is None:
                if not held:
                    break
                hole = min(need, min(held) - at)
                if hole <= 0:  # packets that overlap what was played
                    del held[min(held)]
                    continue
                parts.append(self._made_up(hole))
                at, need, missing = at + hole, need - hole, missing + hole
                continue
            ticks = len(piece) // self._width
            if ticks > need:
                held[at + need] = piece[need * self._width :]
                piece, ticks = piece[: need * self._width], need
            parts.append(piece)
            at, need = at + ticks, need - ticks
        if need:  # the rest of this frame has not come yet; after a pause it never will
            if parts and self._starved < _PAUSE:
                held[following] = b"".join(parts)
            self._next = following
            return self._starve()
        self._next = at
        if not missing and self._starved:
            self._deepen()
        self._starved = 0  # what was concealed before counts for what was missing
        if missing < FRAME_SAMPLES:
            self._run = 0
        return b"".join(parts)

    def _deepen(self) -> None:
        """The packet that was missed has come after all: the next talkspurt starts a frame deeper."""
        self._starved = 0
        self._target = min(self._target + FRAME_SAMPLES, LONGEST_DEPTH)

    def _starve(self) -> bytes | None:
        self._starved += 1
        self._run += 1
        if self._total_pops - self._shrunk_at < 2 * self._window:
            self._window = min(2 * self._window, _LONGEST_WINDOW)
            self._shrunk_at = -_LONGEST_WINDOW
        self._forget_window()
        frame = conceal(b"".join(self._last), self._run, FRAME_SAMPLES, self._codec)
        if frame is not None:
            self.concealed += 1
        return frame

    def _made_up(self, samples: int) -> bytes:
        self._run += 1
        self.concealed += 1
        frame = conceal(b"".join(self._last), self._run, samples, self._codec)
        return frame if frame is not None else self._codec.quiet(samples)

    def _forget_window(self) -> None:
        self._pops = 0
        self._least = 1 << 30

    def _review(self) -> None:
        """Ask for a skip when more lay here than was needed, the whole window long."""
        long_enough = self._pops >= self._window
        if self._least >= 3 * FRAME_SAMPLES or (long_enough and self._least >= FRAME_SAMPLES):
            self._excess = self._excess or 1
            long_enough = True
        if long_enough:
            self._window = max(_WINDOW, self._window // 2)
            self._forget_window()

    def _skip(self, following: int, quiet: bool) -> int:
        """Leave a frame out if now is a good moment; return the playout point."""
        self._excess += 1
        if not quiet and self._excess <= _PATIENCE:
            return following
        self._excess = 0
        if (
            self._end - following < 2 * FRAME_SAMPLES
            or len(self._held.get(following, b"")) != self._frame_bytes
        ):
            return following
        del self._held[following]
        self.skipped += 1
        self._target = max(FRAME_SAMPLES, self._target - FRAME_SAMPLES)
        self._shrunk_at = self._total_pops
        self._forget_window()
        self._next = following + FRAME_SAMPLES
        return following + FRAME_SAMPLES

    def _jump_to_depth(self) -> None:
        """Become half as deep as allowed at once: a burst after a long silence of the network, or a flood."""
        following = self._next
        assert following is not None
        keep_from = self._end - LONGEST_DEPTH // 2
        kept = [at for at in self._held if at >= keep_from]
        start = min(kept, default=max(self._held))
        self.skipped += max(0, start - following) // FRAME_SAMPLES
        self._held = {at: payload for at, payload in self._held.items() if at >= start}
        self._next = start
        self._overlong = 0
        self._forget_window()
