"""One stream of live speech: synthesised sentence by sentence, sent only as far ahead as the media worker allows."""

from collections import deque

import numpy as np

from voicebot.media.inner import INNER
from voicebot.speech.tts import Synthesiser, speak_8k
from voicebot.speech.tts.text import sentences
from voicebot.wire import Speak, StreamChunk

INITIAL = 8000  # samples that may be sent before the first Credit comes: 1 s. Later credit includes them.
CHUNK = 1600  # samples: 200 ms
_PAUSE = 0.25  # seconds between sentences
_PER_MS = 8


class Speaking:
    """`step` does one small piece of work and returns the chunk to send, if one is due."""

    def __init__(self, message: Speak, synthesiser: Synthesiser) -> None:
        """Raises VoiceUnknown before anything is spoken."""
        synthesiser.check(message.voice)
        self.message = message
        self._synthesiser = synthesiser
        self._sentences = deque(sentences(message.text))
        self._codec = INNER[message.codec]
        self._ready = b""
        self._sent = 0
        self._granted = 0
        self._first = True
        self.over = False

    def grant(self, milliseconds: int) -> None:
        self._granted += max(0, milliseconds) * _PER_MS

    @property
    def has_work(self) -> bool:
        return not self.over and (self._allowed > 0 or not (self._ready or self._sentences))

    def step(self) -> StreamChunk | None:
        """Synthesise the next sentence when none is ready, else cut the next chunk. Raises SpeechError."""
        width = self._codec.width
        if len(self._ready) < CHUNK * width and self._sentences:
            self._synthesise()
            return None
        size = min(CHUNK, self._allowed, len(self._ready) // width)
        payload, self._ready = self._ready[: size * width], self._ready[size * width :]
        self._sent += size
        self.over = not (self._ready or self._sentences)
        return StreamChunk(
            self.message.call, self.message.stream, payload, last=self.over, codec=self.message.codec
        )

    @property
    def _allowed(self) -> int:
        return max(INITIAL, self._granted) - self._sent

    def _synthesise(self) -> None:
        samples = speak_8k(self._synthesiser, self._sentences.popleft(), self.message.voice)
        if not len(samples):
            return
        if not self._first:
            samples = np.concatenate([np.zeros(int(_PAUSE * 8000), np.int16), samples])
        self._first = False
        self._ready += self._codec.encode(samples)
