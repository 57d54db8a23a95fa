"""A person on a call of the test phone: the microphone goes into the call, the call to the ears.

A sound card has a clock and a thread of its own, so both directions pass through short buffers: what a card is ahead
or behind is dropped or filled with silence, and never adds up to a delay.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voicebot.media import FRAME_SAMPLES
from voicebot.phone.call import PhoneCall
from voicebot.phone.errors import PhoneError

_HELD_FRAMES = 10  # 200 ms: what a card asks for at once, and then some
# Takes a frame from the microphone, returns one for the ears: int16 mono, 8 kHz, 160 samples each.
Exchange = Callable[[NDArray[np.int16]], NDArray[np.int16]]


class SoundCard(Protocol):
    """Calls `exchange` from a thread of its own for every 20 ms until it is closed."""

    def open(self, exchange: Exchange) -> None:
        """Raises PhoneError when there is no microphone or no loudspeaker."""

    def close(self) -> None: ...


class Live:
    """Joins a call that is up with a sound card, both ways, until `close`. Made in the call's loop."""

    def __init__(self, call: PhoneCall, card: SoundCard) -> None:
        """Raises PhoneError when there is no sound card."""
        self._call = call
        self._card = card
        self._loop = asyncio.get_running_loop()
        self._to_ears: list[
            NDArray[np.int16]
        ] = []  # appended and taken at the ends only: safe between two threads
        call.on_frame = self._heard
        card.open(self._exchange)

    def close(self) -> None:
        self._call.on_frame = None
        self._card.close()

    def _heard(self, frame: NDArray[np.int16]) -> None:
        self._to_ears.append(frame)

    def _exchange(self, frame: NDArray[np.int16]) -> NDArray[np.int16]:
        """Runs in the card's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._call.speak_on, frame.copy(), _HELD_FRAMES)
        while len(self._to_ears) > _HELD_FRAMES:
            self._to_ears.pop(0)
        return self._to_ears.pop(0) if self._to_ears else np.zeros(FRAME_SAMPLES, np.int16)


class DefaultSoundCard:
    """The system's default microphone and loudspeaker, through PortAudio (the package sounddevice)."""

    def __init__(self) -> None:
        """Raises PhoneError when this machine cannot have one, before anything else is started."""
        try:
            import sounddevice  # an extra: most servers have no sound card
        except ImportError as error:
            raise PhoneError('sounddevice is not installed: pip install "voicebot[voice]"') from error
        except OSError as error:  # the package is there, the library is not
            raise PhoneError("PortAudio is missing: apt-get install libportaudio2") from error
        self._library: Any = sounddevice
        self._stream: Any = None
        try:
            for kind in ("input", "output"):
                sounddevice.query_devices(kind=kind)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise PhoneError("this machine has no microphone and loudspeaker") from error

    def open(self, exchange: Exchange) -> None:
        def callback(heard: Any, spoken: Any, _frames: int, _time: Any, _status: Any) -> None:
            spoken[:, 0] = exchange(heard[:, 0])

        try:
            self._stream = self._library.Stream(
                samplerate=8000, blocksize=FRAME_SAMPLES, channels=1, dtype="int16", callback=callback
            )
            self._stream.start()
        except (self._library.PortAudioError, ValueError) as error:
            raise PhoneError(f"the sound card cannot be opened for 8 kHz, mono: {error}") from error

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
