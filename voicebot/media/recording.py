"""The stereo recording of a leg: a bounded buffer that the tick fills, and the WAV header that is patched as it grows.

Left is what the leg says, right what it hears, both 8 kHz 16-bit. The thread that writes lives in the media worker.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES, SAMPLE_RATE
from voicebot.media.wav import header

CHANNELS = 2
FRAME_BYTES = FRAME_SAMPLES * CHANNELS * 2
LONGEST_LAG = 5.0  # seconds that may wait for the disk
_MOST_FRAMES = round(LONGEST_LAG * SAMPLE_RATE / FRAME_SAMPLES)
MASKED = bytes(FRAME_BYTES)


def interleave(said: NDArray[np.int16], heard: NDArray[np.int16]) -> bytes:
    """Return the stereo frames of one tick, one leg after the other (FRAME_BYTES each); both have shape (legs, 160)."""
    return np.stack((said, heard), axis=-1).astype("<i2", copy=False).tobytes()


def recording_header(audio_bytes: int) -> bytes:
    """Return the 44 bytes that make a file with so many bytes of audio valid."""
    return header(audio_bytes, SAMPLE_RATE, CHANNELS)


class RecordingBuffer:
    """Frames between the tick and the writer: one side appends, the other takes; neither ever waits.

    Safe for one appending and one taking thread, since a deque's ends are.
    """

    __slots__ = ("_frames", "frames_in", "masked", "overrun")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self.frames_in = 0
        self.masked = False
        self.overrun = False

    def append(self, frame: bytes) -> bool:
        """Take one frame (silence while masked). False: the disk is LONGEST_LAG behind, and the recording over."""
        if self.overrun or len(self._frames) >= _MOST_FRAMES:
            self.overrun = True
            return False
        self._frames.append(MASKED if self.masked else frame)
        self.frames_in += 1
        return True

    def take(self) -> bytes:
        """Return everything that waits to be written."""
        frames = self._frames
        return b"".join([frames.popleft() for _ in range(len(frames))])

    @property
    def seconds(self) -> float:
        return self.frames_in * FRAME_SAMPLES / SAMPLE_RATE
