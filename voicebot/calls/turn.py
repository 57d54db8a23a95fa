"""Whose turn it is: one question, from its prompt to its answer. Sans-IO, `now` is an argument.

The turn is fed with edges, keys, partial and final transcripts and the end of the prompt, and decides everything else:
all timeouts, how complete the entries are, the verdict of a barge-in. Telephone, simulator and replay feed the same one.

    state       what is going on                            timer
    PROMPTING   the prompt is heard, nothing entered yet    -
    WAITING     the prompt is over                          no input: `timeout`; with a prefix: `interdigit_timeout`
    SPEAKING    between onset and offset                    `max_speech` since the onset
    PAUSED      after the offset, words may still follow    complete / final / incomplete_timeout since the last word
    DECODING    the utterance is closed, its text comes     FINAL_WITHIN: a recogniser that is lost is not waited for
    KEYING      keys that do not yet decide                 `interdigit_timeout`
    DONE        `answer` is set

Rules (dialplan language, principle 5): a key stops the prompt and drops an unfinished hypothesis; finished speech and
keys that are a proper prefix of a match stay, the rest is appended in the order of arrival; `interdigit_timeout`
pauses while the caller speaks. Noise is not an answer: an utterance without words does not restart the silence
that leads to `noinput`, and while the prompt is only paused (reversible barge-in) it goes on.
A caller who puts us on hold is away: nobody listens, no time passes but for a transcript under way; `resume` begins the
wait anew, with what was entered before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from voicebot.dialplan.line import (
    Answer,
    Completeness,
    Entry,
    Failed,
    Heard,
    InputOptions,
    Judgement,
    Matcher,
    NoInput,
    NoMatch,
)

FINAL_WITHIN = 3.0  # seconds for a final transcript; the slowest measured one took 0.1 s
SHORT_NOISE = 0.4  # seconds: an utterance without words that is shorter is a cough or a click, not a mumble
MOST_LOSSES = 3  # recognisers that a question loses before it goes on by keys alone
LEAST_REMAINING = 1.0  # seconds that are left for an answer after such noise


class State(Enum):
    PROMPTING = "prompting"
    WAITING = "waiting"
    SPEAKING = "speaking"
    PAUSED = "paused"
    DECODING = "decoding"
    KEYING = "keying"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StopPrompt:
    """The caller has the turn: what is being played ends now."""


@dataclass(slots=True)
class StartUtterance:
    """Listen for one utterance, numbered `utterance`; edges and transcripts come back with that number."""

    utterance: int


@dataclass(slots=True)
class CloseUtterance:
    """No more audio of this utterance. With `wanted`, its final transcript is waited for."""

    utterance: int
    wanted: bool


_STOP_PROMPT = StopPrompt()
Command = StopPrompt | StartUtterance | CloseUtterance

_MATCHED = (Completeness.MATCH, Completeness.FINAL)


class Turn:
    """One question. Call `start`, then feed it; read `commands()` and `next_timer()` after each input."""

    def __init__(self, matcher: Matcher, options: InputOptions, *, speech: bool) -> None:
        """`speech`: a recogniser listens, and the question takes speech."""
        self.state = State.PROMPTING
        self.answer: Answer | None = None
        self.ended_by_itself = (
            False  # by its last key, without `term_char`, which callers may press nevertheless
        )
        self.utterances = 0
        self._matcher = matcher
        self._options = options
        self._speech = speech
        self._entries: list[Entry] = []
        self._prompt_playing = False
        self._utterance_open = False
        self._onset_at = 0.0
        self._last_voice_at = 0.0
        self._had_words = False
        self._losses = 0
        self._held = False
        self._deaf = False  # nobody recognises this utterance: its end is waited for, its text is not
        self._partial: Completeness = Completeness.NONE
        self._silence_until: float | None = None  # the no-input deadline, kept while noise interrupts it
        self._deadline: float | None = None
        self._commands: list[Command] = []

    # --- outputs ---------------------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        """Return what is to be done, in order, and forget it."""
        commands = self._commands
        if commands:
            self._commands = []
        return commands

    def next_timer(self) -> float | None:
        """Return the instant at which `handle_timer` wants to be called."""
        if self.state is State.DONE or (self._held and self.state is not State.DECODING):
            return None
        return self._deadline

    # --- inputs ----------------------------------------------------------------------------------------------------

    def start(self, now: float, *, prompt: bool, keys: str = "") -> str:
        """Begin. `prompt`: one is about to play. `keys` were pressed before the question was asked (type-ahead).

        Returns the keys that were not needed for an answer.
        """
        self._prompt_playing = prompt
        if not self._speech and not self._matcher.accepts_keys():
            self._finish(Failed("no_recogniser"))
            return keys
        if prompt:
            self.state = State.PROMPTING
            if self._options.barge_in != "none":
                self._listen()
        else:
            self._wait(now, fresh=True)
        for index, key in enumerate(keys):
            if self.state is State.DONE:
                return keys[index:]
            self.key(key, now)
        return ""

    def prompt_ended(self, now: float) -> None:
        """The prompt was heard to its end, or it was stopped, or it could not be played."""
        if not self._prompt_playing:
            return
        self._prompt_playing = False
        if self.state is State.PROMPTING:
            self._wait(now, fresh=True)

    def hold(self) -> None:
        """The caller has put us on hold; what was half said is dropped. May come before `start`."""
        self._held = True
        if self.state in (State.DECODING, State.DONE):
            return
        self._drop_utterance()
        if self.state in (State.SPEAKING, State.PAUSED):
            keyed = bool(self._entries) and self._entries[-1].kind == "keys"
            self.state = State.PROMPTING if self._prompt_playing else State.KEYING if keyed else State.WAITING

    def resume(self, now: float) -> None:
        """The caller is back."""
        self._held = False
        if self.state is State.PROMPTING:
            if self._options.barge_in != "none":
                self._listen()
        elif self.state is State.WAITING and not self._entries:
            self._wait(now, fresh=True)
        elif self.state in (State.WAITING, State.KEYING):
            self._listen()
            self._deadline = now + self._options.interdigit_timeout

    def speech_started(self, utterance: int, at: float, now: float) -> None:
        """VAD onset at `at`. The media plane has stopped or paused the prompt itself, if that was armed."""
        if not self._current(utterance):
            return
        if self.state in (State.PROMPTING, State.WAITING, State.KEYING):
            self._onset_at = at
            self._partial = Completeness.NONE
            self._had_words = False
            if self._options.barge_in != "reversible":
                self._stop_prompt()
        elif self.state is not State.PAUSED:
            return
        self._last_voice_at = at
        self.state = State.SPEAKING
        self._deadline = self._onset_at + self._options.max_speech

    def speech_stopped(self, utterance: int, at: float, now: float) -> None:
        """VAD offset; `at` is the end of the last voiced frame."""
        if self._current(utterance) and self.state is State.SPEAKING:
            self._last_voice_at = at
            self.state = State.PAUSED
            self._set_pause()

    def partial(self, utterance: int, entry: Entry, now: float) -> None:
        """What is heard so far."""
        if not self._current(utterance) or self.state not in (State.SPEAKING, State.PAUSED):
            return
        self._had_words = self._had_words or bool(entry.text)
        self._partial = self._judge([*self._entries, entry]).completeness if entry.text else Completeness.NONE
        if self._partial is not Completeness.NONE:
            self._stop_prompt()
        if self.state is State.PAUSED:
            self._set_pause()

    def final(self, utterance: int, entry: Entry, now: float) -> None:
        """The text of the utterance that was closed; empty text = no words of the grammar."""
        if utterance != self.utterances or self.state is not State.DECODING:
            return
        if entry.text:
            judgement = self._judge([*self._entries, entry], closed=False)
            if judgement.completeness in _MATCHED:
                self._stop_prompt()
                self._finish(Heard((*self._entries, entry), judgement, entry.language))
                return
            if judgement.completeness is Completeness.PREFIX:
                self._stop_prompt()
                self._entries.append(entry)
                self._listen()
                self.state = State.WAITING
                self._deadline = now + self._options.interdigit_timeout
                return
        if self._prompt_playing:  # reversible: not for us, and the prompt goes on
            self.state = State.PROMPTING
            self._deadline = None
            self._listen()
            return
        if (
            self._entries and self._entries[-1].kind == "keys"
        ):  # keys win over speech that does not fit to them
            self._listen()
            self.state = State.KEYING
            self._deadline = now + self._options.interdigit_timeout
            return
        spoken = self._last_voice_at - self._onset_at
        if not entry.text and not self._had_words and spoken < SHORT_NOISE and not self._entries:
            self._wait(now, fresh=False)
            return
        self._finish(NoMatch((*self._entries, entry) if entry.text else tuple(self._entries)))

    def lost(self, now: float) -> None:
        """The recogniser of this utterance is gone: the caller may finish the sentence, then is asked again."""
        if self.state in (State.SPEAKING, State.PAUSED):
            self._deaf = True
            if self.state is State.PAUSED:
                self._set_pause()
        elif self.state is State.DECODING:
            self._stop_prompt()
            self._finish(NoMatch(tuple(self._entries)))
        elif self.state is not State.DONE and self._utterance_open:
            self._utterance_open = False
            self._losses += 1
            if self._losses > MOST_LOSSES:
                self._speech = False
                if not self._matcher.accepts_keys():
                    self._finish(Failed("no_recogniser"))
            self._listen()

    def key(self, key: str, now: float) -> None:
        """A key was pressed. DTMF always wins over speech."""
        if self.state is State.DONE:
            return
        if self._prompt_playing and self._options.barge_in == "none":
            return
        self._stop_prompt()
        if not self._matcher.accepts_keys():
            return
        if self.state in (State.SPEAKING, State.PAUSED, State.DECODING):
            self._drop_utterance()
            self._listen()
        entries = self._with_key(key)
        judgement = self._judge(entries)
        if key == self._options.term_char and judgement.completeness is Completeness.NONE:
            self._close()
            return
        self._entries = entries
        self.ended_by_itself = key != self._options.term_char
        if judgement.completeness is Completeness.FINAL:
            self._finish(Heard(tuple(entries), judgement))
        elif judgement.completeness is Completeness.NONE:
            self._finish(NoMatch(tuple(entries)))
        else:
            self.state = State.KEYING
            self._deadline = now + self._options.interdigit_timeout

    def handle_timer(self, now: float) -> None:
        """The deadline of `next_timer` has passed."""
        deadline = self.next_timer()
        if deadline is None or now < deadline:
            return
        if self.state is State.KEYING or (self.state is State.WAITING and self._entries):
            self._close()
        elif self.state is State.WAITING:
            self._finish(NoInput())
        elif self.state in (State.SPEAKING, State.PAUSED):
            if self.state is State.SPEAKING:
                self._last_voice_at = now
            if self._deaf:
                self._stop_prompt()
                self._finish(NoMatch(tuple(self._entries)))
                return
            self._commands.append(CloseUtterance(self.utterances, wanted=True))
            self._utterance_open = False
            self.state = State.DECODING
            self._deadline = now + FINAL_WITHIN
        elif self.state is State.DECODING:
            self._finish(NoMatch(tuple(self._entries)))

    # --- rules -----------------------------------------------------------------------------------------------------

    def _judge(self, entries: Sequence[Entry], *, closed: bool = False) -> Judgement:
        return self._matcher.judge(entries, closed=closed)

    def _current(self, utterance: int) -> bool:
        return self._utterance_open and utterance == self.utterances

    def _listen(self) -> None:
        """Open the next utterance, unless one is open."""
        if self._speech and not self._utterance_open and not self._held:
            self.utterances += 1
            self._utterance_open = True
            self._deaf = False
            self._commands.append(StartUtterance(self.utterances))

    def _drop_utterance(self) -> None:
        if self._utterance_open:
            self._commands.append(CloseUtterance(self.utterances, wanted=False))
        self._utterance_open = False

    def _stop_prompt(self) -> None:
        if self._prompt_playing:
            self._prompt_playing = False
            self._commands.append(_STOP_PROMPT)

    def _wait(self, now: float, *, fresh: bool) -> None:
        """Wait for the caller in silence. `fresh`: the whole time; else what noise has left of it."""
        if fresh or self._silence_until is None:
            self._silence_until = now + self._options.timeout
        self.state = State.WAITING
        self._deadline = max(self._silence_until, now if fresh else now + LEAST_REMAINING)
        self._listen()

    def _set_pause(self) -> None:
        """Set the end of the utterance by what is still to be expected after what was heard."""
        if self._deaf:
            self._deadline = self._last_voice_at + self._options.complete_timeout
            return
        silence = self._options.incomplete_timeout
        if self._partial is Completeness.FINAL:
            silence = self._options.final_timeout
        elif self._partial is Completeness.MATCH:
            silence = self._options.complete_timeout
        self._deadline = self._last_voice_at + silence

    def _with_key(self, key: str) -> list[Entry]:
        if self._entries and self._entries[-1].kind == "keys":
            return [*self._entries[:-1], Entry("keys", self._entries[-1].text + key)]
        return [*self._entries, Entry("keys", key)]

    def _close(self) -> None:
        """Nothing more will come: take what there is."""
        self.ended_by_itself = False
        judgement = self._judge(self._entries, closed=True)
        if self._entries and judgement.completeness in _MATCHED:
            language = next((entry.language for entry in self._entries if entry.language), "")
            self._finish(Heard(tuple(self._entries), judgement, language))
        else:
            self._finish(NoMatch(tuple(self._entries)))

    def _finish(self, answer: Answer) -> None:
        self._drop_utterance()
        self.answer = answer
        self.state = State.DONE
        self._deadline = None
