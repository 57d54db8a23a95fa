"""Messages from control to speech workers, and back. Field order is the wire format: append, never reorder."""

from voicebot.wire.base import Message, message
from voicebot.wire.messages import Inner

# --- control -> speech worker -----------------------------------------------------------------------------------------


@message
class AttachMedia(Message):
    """A SOCK_SEQPACKET end to media worker `worker` comes with it; it replaces an earlier one of that number."""

    worker: int


@message
class TurnGrammar(Message):
    """What may be said in one language: JSGF expansions (`a b [c] (d | e)`), words as the dialplan spells them.

    `engine` is "pocketsphinx" or "vosk"; `model` a vosk model's folder, else empty. No phrases: free speech, where the
    engine can. `state` is what an earlier worker learned of this caller (Hypothesis.state), or empty.
    """

    language: str
    engine: str
    model: str
    phrases: tuple[str, ...]
    state: str = ""


@message
class StartTurn(Message):
    """Get ready to recognise one turn; sent before the media worker's Listen. Several grammars listen at once.

    `sensitive`: keep no audio and log no text, not even in a debug build.
    """

    call: str
    turn: int
    grammars: tuple[TurnGrammar, ...]
    sensitive: bool = False


@message
class Speak(Message):
    """Synthesise `text` live and stream it to media worker `media` in `codec`."""

    call: str
    stream: int
    media: int
    engine: str
    voice: str
    text: str
    codec: Inner
    sensitive: bool = False


@message
class CancelSpeech(Message):
    call: str
    stream: int


@message
class EndCall(Message):
    """The call is over: forget its decoders and streams."""

    call: str


# --- speech worker -> control -----------------------------------------------------------------------------------------


@message
class Hypothesis(Message):
    """What was heard in one language. `confidence` in 0..1; "" with 0.0 = nothing of the grammar was heard.

    `words` are (word, start, end, confidence) with seconds from the start of the turn's audio, where the engine tells.
    """

    language: str
    text: str
    confidence: float
    words: tuple[tuple[str, float, float, float], ...] = ()
    state: str = ""


@message
class Partial(Message):
    """What is heard so far; sent when it changes. `at` is the media time up to which audio was decoded."""

    call: str
    turn: int
    at: float
    hypotheses: tuple[Hypothesis, ...]


@message
class Final(Message):
    """The result of a turn, after AudioEnd. Hypotheses in the order of the grammars."""

    call: str
    turn: int
    at: float
    hypotheses: tuple[Hypothesis, ...]
    lagging: bool = False


@message
class SpeechProblem(Message):
    """Turn or stream (the other is 0) cannot be served; `problem` for an admin, without what the caller said."""

    call: str
    turn: int
    stream: int
    problem: str
