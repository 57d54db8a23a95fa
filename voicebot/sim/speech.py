"""Speech without audio: what a simulated caller says is heard as it was written."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from voicebot.calls.protocols import MediaLeg, OnMessage, PlayItem
from voicebot.dialplan.line import Spoken
from voicebot.wire import Final, Hypothesis, Partial, PromptItem, StreamItem

SECONDS_PER_CHARACTER = 0.06
SECONDS_PER_HAN = 0.25
CONFIDENCE = 0.95  # of what is heard, if nothing else is said


_BEFORE_HAN = "\u2e80"


@lru_cache(maxsize=4096)
def seconds_of(text: str) -> float:
    """Return how long it takes to say `text`, roughly as the embedded voices do."""
    return 0.2 + sum(
        SECONDS_PER_HAN if character > _BEFORE_HAN else SECONDS_PER_CHARACTER for character in text
    )


def language_of(text: str) -> str:
    """Return the language that `text` is spoken in, by its script."""
    return "zh" if max(text, default="") > _BEFORE_HAN else "en"


@dataclass(slots=True)
class _Turn:
    on_message: OnMessage
    languages: tuple[str, ...]
    text: str = ""
    confidence: float = 0.0


@dataclass(slots=True)
class SimSpeech:
    """Implements `calls.protocols.Speech`. `confidence` is that of everything heard."""

    recognised: tuple[str, ...] = ("en", "zh")
    confidence: float = CONFIDENCE
    phrases: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    _turns: dict[tuple[str, int], _Turn] = field(default_factory=dict)
    _streams: dict[int, str] = field(default_factory=dict)

    def languages(self) -> tuple[str, ...]:
        return self.recognised

    def start_turn(
        self,
        call: str,
        turn: int,
        phrases: Mapping[str, tuple[str, ...]],
        on_message: OnMessage,
        *,
        sensitive: bool,
    ) -> int:
        self.phrases[call] = phrases
        self._turns[call, turn] = _Turn(on_message, tuple(phrases))
        return 0

    def forget_turn(self, call: str, turn: int) -> None:
        self._turns.pop((call, turn), None)

    def play_items(
        self, call: str, leg: MediaLeg, codec: str, speech: Sequence[Spoken], streams: Iterator[int]
    ) -> tuple[PlayItem, ...]:
        items: list[PlayItem] = []
        for spoken in speech:
            if spoken.constant or spoken.file:
                items.append(_prompt(spoken.text or f"[{spoken.file}]"))
            else:
                stream = next(streams)
                self._streams[stream] = spoken.text
                items.append(StreamItem(stream))
        return tuple(items)

    def cancel(self, call: str, items: Sequence[PlayItem]) -> None:
        pass

    def end_call(self, call: str) -> None:
        self.ended.append(call)
        self.phrases.pop(call, None)

    # --- for SimLeg ---------------------------------------------------------------------------------------------------

    def text_of(self, item: PlayItem) -> str:
        """Return what a play item says."""
        if isinstance(item, PromptItem):
            return item.path
        return self._streams.get(item.stream, "") if isinstance(item, StreamItem) else ""

    def hear(self, call: str, turn: int, text: str, confidence: float | None = None) -> None:
        """The caller has said `text` in this turn; it is heard with `confidence`."""
        entry = self._turns.get((call, turn))
        if entry is not None:
            entry.text = f"{entry.text} {text}".strip()
            entry.confidence = self.confidence if confidence is None else confidence
            entry.on_message(Partial(call, turn, 0.0, self._hypotheses(entry)))

    def audio_ended(self, call: str, turn: int) -> None:
        entry = self._turns.pop((call, turn), None)
        if entry is not None:
            final = Final(call, turn, 0.0, self._hypotheses(entry))
            asyncio.get_running_loop().call_soon(entry.on_message, final)

    def _hypotheses(self, entry: _Turn) -> tuple[Hypothesis, ...]:
        """Whoever listens in the language of the text hears it; the others hear nothing."""
        if not entry.text:
            return _silence(entry.languages)
        language = language_of(entry.text)
        return tuple(
            Hypothesis(name, entry.text, entry.confidence) if name == language else Hypothesis(name, "", 0.0)
            for name in entry.languages
        )


@lru_cache(maxsize=4096)
def _prompt(text: str) -> PromptItem:
    return PromptItem(text)


@lru_cache(maxsize=64)
def _silence(languages: tuple[str, ...]) -> tuple[Hypothesis, ...]:
    return tuple(Hypothesis(name, "", 0.0) for name in languages)
