"""Messages from and to media workers, grouped by who sends them to whom; `speech_messages` has the others. Field order is the wire format: append, never reorder."""

from dataclasses import field
from typing import Literal

from voicebot.wire.base import Message, message

Codec = Literal["PCMU", "PCMA", "G722", "OPUS"]
# How a leg keeps its audio: L16 is int16 at 16 kHz, for every codec but G.711.
Inner = Literal["PCMU", "PCMA", "L16"]
BargeIn = Literal["reversible", "immediate", "none"]


# --- control -> media worker: legs -------------------------------------------------------------------------------


@message
class OpenLeg(Message):
    """A leg exists from now on. Two bound, non-blocking UDP sockets come with it: RTP, then RTCP."""

    call: str
    leg: int


@message
class SrtpKeys(Message):
    """What encrypts a leg: the suite as SDES names it, each key with its salt (30 bytes)."""

    suite: str
    send_key: bytes = field(repr=False)
    receive_key: bytes = field(repr=False)


@message
class ConfigureLeg(Message):
    """What the last offer/answer settled. Media may flow both ways from now on as `send` and `receive` say.

    `remote_host` and `remote_port` are the SDP's; `source_host` is where the peer's signalling comes from: the stream
    latches on the first valid packet from one of the two addresses (from any 127.x and the SDP's port, if the signalling
    comes from 127.x), and moves only after another ConfigureLeg.
    `payload_type` and `event_payload_type` (None: it takes no events) are the peer's numbers, which we send;
    `receive_payload_type` (-1: the same) and `receive_event_payload_type` are those that we told the peer, and
    `alternatives` others that it may use: (number, encoding's name). `event_clock_rate` is 8000 or 48000, both ways.
    `rtcp_port` 0: the one after `remote_port`. `srtp` None: nothing is encrypted.
    `timeout` in seconds: with no packet for so long a MediaTimeout is sent (0 = never; not while held).
    """

    call: str
    leg: int
    codec: Codec
    payload_type: int
    event_payload_type: int | None
    receive_event_payload_type: int
    remote_host: str
    remote_port: int
    source_host: str
    send: bool = True
    receive: bool = True
    ptime_ms: int = 20
    timeout: float = 0.0
    receive_payload_type: int = -1
    event_clock_rate: int = 8000
    alternatives: tuple[tuple[int, str], ...] = ()
    rtcp_mux: bool = False
    rtcp_port: int = 0
    srtp: SrtpKeys | None = None


@message
class CloseLeg(Message):
    """Stop everything on the leg and close its sockets. Answered by LegClosed."""

    call: str
    leg: int


# --- control -> media worker: playout -----------------------------------------------------------------------------


@message
class PromptItem(Message):
    """A rendered prompt or audio file: WAV, 16-bit mono, 8 kHz, absolute path. Loaded and encoded once per inner format."""

    path: str


@message
class StreamItem(Message):
    """Live speech that a speech worker sends as StreamChunk under this number."""

    stream: int


@message
class SilenceItem(Message):
    milliseconds: int


@message
class Play(Message):
    """Play the items one after the other; a play that is running on the leg ends first (cause "replaced").

    `barge_in`: "none" ignores onset and keys; "immediate" stops on the caller's onset (cause "speech") and on a key
    (cause "key"); "reversible" stops on a key and pauses on onset (PlayPaused), resuming by itself 700 ms after the
    onset unless Stop comes first. `loop`: start again after the last item, until stopped.
    """

    call: str
    leg: int
    play: int
    items: tuple[PromptItem | StreamItem | SilenceItem, ...]
    barge_in: BargeIn = "immediate"
    loop: bool = False


@message
class Pause(Message):
    call: str
    leg: int
    play: int


@message
class Resume(Message):
    call: str
    leg: int
    play: int


@message
class Stop(Message):
    call: str
    leg: int
    play: int


@message
class SendKeys(Message):
    """Send telephone events (RFC 4733): 0-9 * # A-D, `duration_ms` each, with `gap_ms` between them."""

    call: str
    leg: int
    keys: str
    duration_ms: int = 100
    gap_ms: int = 80


# --- control -> media worker: listening, bridging, recording ----------------------------------------------------------


@message
class Listen(Message):
    """Run the VAD on what the caller says and send edges for `turn`.

    With `speech` >= 0 the audio goes to that speech worker too: at onset 300 ms of pre-roll, then all audio until
    EndListen. -1: edges only. A Listen while one is active replaces it.
    """

    call: str
    leg: int
    turn: int
    speech: int


@message
class EndListen(Message):
    """Stop listening. If audio was sent in this turn, AudioEnd follows it to the speech worker."""

    call: str
    leg: int
    turn: int


@message
class Bridge(Message):
    """Join the media of two legs, `when_heard` at the first packet of `other`. Plays on both end ("replaced"); keys pass."""

    call: str
    leg: int
    other: int
    when_heard: bool = False


@message
class Unbridge(Message):
    call: str
    leg: int


@message
class Record(Message):
    """Record the leg to a WAV file at 8 kHz: left what it says (received), right what it hears (sent).

    Several may run at once, each to its own path: the call's recording, and a message that the caller leaves.
    """

    call: str
    leg: int
    path: str


@message
class MaskRecording(Message):
    """While `on`, the recording is silence on both channels: time goes on, sensitive speech and keys do not enter."""

    call: str
    leg: int
    on: bool


@message
class EndRecording(Message):
    call: str
    leg: int
    path: str


@message
class AttachSpeech(Message):
    """A SOCK_SEQPACKET end to speech worker `worker` comes with it; it replaces an earlier one of that number."""

    worker: int


# --- media worker -> control ------------------------------------------------------------------------------------------


@message
class SpeechStarted(Message):
    """VAD onset. `at` is the instant of the first voiced frame in media time."""

    call: str
    leg: int
    turn: int
    at: float


@message
class SpeechStopped(Message):
    """VAD offset. `at` is the end of the last voiced frame, so it lies before the message by the VAD's hangover."""

    call: str
    leg: int
    turn: int
    at: float


@message
class Key(Message):
    """A key was pressed: sent once, at the first packet of the event, whatever is being played or listened to."""

    call: str
    leg: int
    key: str
    at: float


@message
class PlayStarted(Message):
    """The first packet of the play has left."""

    call: str
    leg: int
    play: int
    at: float


@message
class PlayPaused(Message):
    """`position` in seconds of what was heard so far. Sent again with paused False when it resumes."""

    call: str
    leg: int
    play: int
    at: float
    position: float
    paused: bool = True


@message
class PlayEnded(Message):
    """`cause`: done, key, speech, stopped, replaced, closed, or failed (then `problem` says why, for an admin)."""

    call: str
    leg: int
    play: int
    at: float
    cause: str
    position: float
    problem: str = ""


@message
class MediaTimeout(Message):
    call: str
    leg: int
    at: float


@message
class Unheard(Message):
    """Nothing of the peer has come for some seconds, and audio from elsewhere was dropped: told once for each leg.

    `source` is the last address that it came from, `told` where the SDP says that the peer is: "host:port" each.
    """

    call: str
    leg: int
    at: float
    source: str
    told: str


@message
class RecordingEnded(Message):
    """`problem` is empty, or why the recording ended early or has holes (disk full, lag)."""

    call: str
    leg: int
    path: str
    seconds: float
    problem: str = ""


@message
class LegClosed(Message):
    """The leg's counters: packets sent, received, lost, late, duplicate, reordered, dropped ..., jitter in ms."""

    call: str
    leg: int
    counters: dict[str, float] = field(default_factory=dict)


@message
class Heartbeat(Message):
    """Once a second from every worker. Counters are totals since the worker started."""

    worker: str
    at: float
    counters: dict[str, float] = field(default_factory=dict)


@message
class Log(Message):
    """A log line of a worker; control writes it. Never what callers say or key."""

    level: str
    event: str
    fields: dict[str, str | int | float | bool | None] = field(default_factory=dict)


# --- media worker <-> speech worker -----------------------------------------------------------------------------------


@message
class Audio(Message):
    """The caller's audio of one turn: int16 little-endian mono at `sample_rate`. `at` is the first sample's instant."""

    call: str
    leg: int
    turn: int
    at: float
    sample_rate: int
    pcm: bytes


@message
class AudioEnd(Message):
    """No more audio in this turn. `lagging`: some audio could not be handed over, the result may lack words."""

    call: str
    leg: int
    turn: int
    at: float
    lagging: bool = False


@message
class StreamChunk(Message):
    """A piece of live speech in the leg's inner format; `last` ends the stream."""

    call: str
    stream: int
    payload: bytes
    last: bool = False
    codec: Inner = "PCMU"


@message
class Credit(Message):
    """The media worker will take so many more milliseconds of this stream (at most 1 s ahead of what was played)."""

    call: str
    stream: int
    milliseconds: int
