"""pocketsphinx: English out of the wheel, small grammars, one decoder for a call and language.

The decoder has no dictionary of its own: a grammar's words are added with their pronunciations as they come (7 ms and
7 MB a decoder instead of 180 ms and 29 MB). Its cepstral means, on which streaming accuracy hangs, start from those of
telephone speech, follow the caller through the turns of the call, and travel in `state()` to another worker.

The bundled model is for 16 kHz, so audio is upsampled. Every call into the library holds the interpreter's lock for as
long as it takes: feed short pieces. Mind that `current_search` before a search is set crashes the process.
"""

import math
from collections.abc import Iterable

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from voicebot.speech import levels
from voicebot.speech.asr import confidence, jsgf, lexicon
from voicebot.speech.asr.leveller import Leveller
from voicebot.speech.asr.recogniser import NOTHING, TELEPHONE_HZ, Result, TimedWord
from voicebot.speech.errors import EngineProblem
from voicebot.speech.resample import StreamResampler

MODEL_HZ = 16000
FRAME_SECONDS = 0.01
# Cepstral means of telephone speech at levels.ACTIVE_LEVEL, upsampled, with LINE_NOISE and more white noise: where a call
# starts from, by the ratio in dB of speech to all of the noise. Means of six synthetic voices, half of it silence.
_TELEPHONE_MEANS = (
    (10.0, (57.9, 21.5, -52.2, 44.8, -38.9, 10.6, 3.1, -23.2, 21.5, -21.4, 11.1, -2.8, -5.2)),
    (15.0, (53.6, 22.8, -50.7, 45.2, -38.1, 9.9, 3.8, -23.8, 21.5, -20.9, 10.7, -2.5, -5.6)),
    (20.0, (49.9, 23.5, -48.9, 45.1, -36.8, 8.6, 4.6, -25.0, 21.0, -20.3, 10.1, -1.8, -6.0)),
    (25.0, (46.7, 23.7, -47.0, 44.4, -35.2, 6.8, 5.6, -26.2, 20.6, -20.0, 9.2, -1.0, -6.3)),
    (30.0, (44.1, 23.3, -44.7, 43.2, -33.5, 5.2, 6.6, -27.3, 20.3, -19.2, 8.4, -0.1, -7.0)),
    (36.7, (40.3, 21.7, -40.5, 40.6, -30.4, 2.1, 8.1, -28.3, 19.3, -16.9, 6.3, 1.9, -8.2)),
)
_CEPSTRA = 13
_BEST_RATIO = _TELEPHONE_MEANS[-1][0]
# Without the pass over the lattice (`bestpath`, 30 ms at the end of a turn) segments have senone scores, which are
# shifted right by 10 bits; the logarithm's base is 1.0001.
_NEPER = 1024 * math.log(1.0001)
# Many a line is digitally silent between words, and the logarithm of nothing ruins the means: a line's noise is added,
# 37 dB below speech. Of 60 menu phrases of six espeak voices 9 are heard without it, 29 with rms 3, 44 with 20, 47 with
# 40 and with 80.
LINE_NOISE = 40.0
_LINE_NOISE = np.random.default_rng(0).normal(0.0, LINE_NOISE, TELEPHONE_HZ)
_MEANS_LIMIT = 200.0

# Heard in every grammar, so that they need not be taken for one of its phrases: they match nothing.
BACK_CHANNELS = {
    "mm": "M", "hmm": "HH M", "mhm": "AH M HH AH M", "uh": "AH", "um": "AH M", "er": "ER", "ah": "AA",
    "huh": "HH AH", "uh-huh": "AH HH AH", "ok": "OW K EY", "oh": "OW", "well": "W EH L",
}  # fmt: skip
_BACK_CHANNEL_SHARE = 0.3
# Any sequence of sounds: what is no phrase of the grammar goes here rather than into one.
_GARBAGE_SHARE = 1e-4
_GARBAGE_PHONE_SHARE = 3e-4
_GARBAGE_PHONES = ("AH", "IY", "S", "N", "T", "AA", "R", "EY")
_GARBAGE = "_"


class PocketSphinx:
    """A `Recogniser` for English."""

    def __init__(self, state: str = "") -> None:
        """Raises EngineProblem if the bundled model cannot be loaded. `state` that cannot be read is ignored."""
        means, gain = _parse_state(state)
        self._seed = means is None
        try:
            self._decoder = pocketsphinx.Decoder(
                lm=None,
                dict=None,
                cmninit=_spelled(means or _means_at(_BEST_RATIO)),
                compallsen=True,
                bestpath=False,
                loglevel="FATAL",
            )
        except RuntimeError as error:
            raise EngineProblem(
                f"pocketsphinx cannot load its model ({error}); reinstall pocketsphinx"
            ) from error
        self._log = self._decoder.get_logmath()
        self._phones: dict[str, int] = {}
        for phone in _GARBAGE_PHONES:
            self._decoder.add_word(_GARBAGE + phone, phone, False)
        self._known: set[str] = set()
        self._network = jsgf.Network([])
        self._phrases: tuple[str, ...] | None = None
        self._grammar = 0
        self._leveller = Leveller(gain)
        self._upsampler = StreamResampler(TELEPHONE_HZ, MODEL_HZ)
        self._decoded = 0
        self._listening = False
        self._learned = gain is not None

    def start(self, phrases: tuple[str, ...]) -> None:
        if self._listening:
            self._end_utterance()
        if not phrases:
            raise EngineProblem("pocketsphinx hears grammars only: free speech needs a vosk model in models/")
        if phrases != self._phrases:
            self._set_grammar(phrases)
        self._leveller.start()
        self._decoded = 0
        self._upsampler = StreamResampler(TELEPHONE_HZ, MODEL_HZ)
        self._decoder.start_utt()
        self._listening = True

    def feed(self, samples: NDArray[np.int16]) -> None:
        if not self._listening:
            raise EngineProblem("audio without a turn")
        self._decode(self._leveller.feed(samples))

    def partial(self) -> Result:
        """Return the hypothesis, also when it is only the beginning of a phrase."""
        if not self._listening:
            return NOTHING
        words = self._words()
        return Result(" ".join(word.text for word in words), _weakest(words), words)

    def finish(self) -> Result:
        """A hypothesis that is no whole phrase of the grammar counts as nothing heard."""
        if not self._listening:
            return NOTHING
        self._decode(self._leveller.flush())
        self._decode_raw(self._upsampler.flush())
        self._end_utterance()
        words = self._words()
        if not words or not self._network.fit([word.text for word in words]).exact:
            return NOTHING
        return Result(" ".join(word.text for word in words), _weakest(words), words)

    def seed(self, state: str) -> None:
        if self._listening:
            self._end_utterance()
        means, gain = _parse_state(state)
        self._seed = means is None
        self._decoder.set_cmn(_spelled(means or _means_at(_BEST_RATIO)))
        self._leveller = Leveller(gain)
        self._learned = gain is not None

    def state(self) -> str:
        if not self._learned:
            return ""
        return f"{self._decoder.get_cmn(False)};{self._leveller.gain:.3f}"

    def _end_utterance(self) -> None:
        self._decoder.end_utt()
        self._decoder.get_cmn(True)  # makes the means of this utterance those with which the next one starts
        self._listening = False
        self._learned = True

    def _decode(self, samples: NDArray[np.int16]) -> None:
        if len(samples):
            if self._seed:
                self._decoder.set_cmn(_spelled(_means_at(_ratio(self._leveller.floor))))
                self._seed = False
            noise = _LINE_NOISE[np.arange(self._decoded, self._decoded + len(samples)) % len(_LINE_NOISE)]
            self._decoded += len(samples)
            self._decode_raw(self._upsampler.feed(samples + noise))

    def _decode_raw(self, samples: NDArray[np.int16]) -> None:
        if not len(samples):
            return
        try:
            self._decoder.process_raw(samples.tobytes())
        except RuntimeError as error:
            self._listening = False
            raise EngineProblem("pocketsphinx failed while decoding") from error

    def _words(self) -> tuple[TimedWord, ...]:
        """Return the words of the best path; none if any of it is a back-channel or garbage."""
        if self._decoder.hyp() is None:
            return ()
        vocabulary = self._network.vocabulary()
        heard: list[confidence.Segment] = []
        for segment in self._decoder.seg():
            text: str = segment.word
            if text[0] in "<[(" or text.startswith("++"):
                continue
            word = text.partition("(")[0]
            if word not in vocabulary:
                return ()
            score = self._log.log(segment.ascore) * _NEPER if segment.ascore > 0 else confidence.IMPOSSIBLE
            start, end = segment.start_frame, segment.end_frame + 1
            heard.append(confidence.Segment(word, start, end, score, self._phones.get(word, 1)))
        if not heard:
            return ()
        utterance = confidence.Utterance(heard, self._leveller.active())
        return tuple(
            TimedWord(item.word, item.start * FRAME_SECONDS, item.end * FRAME_SECONDS, utterance.trust(item))
            for item in heard
        )

    def _set_grammar(self, phrases: tuple[str, ...]) -> None:
        trees = []
        for phrase in phrases:
            tree = jsgf.parse(phrase)
            if all(self._learn(word) for word in set(jsgf.words_of(tree))):
                trees.append(tree)
        if not trees:
            raise EngineProblem("none of the phrases can be pronounced in English")
        network = jsgf.Network(trees)
        self._grammar += 1
        name = f"grammar{self._grammar}"
        try:
            fsg = self._decoder.create_fsg(name, 0, 1, list(self._transitions(network)))
            self._decoder.add_fsg(name, fsg)
            self._decoder.activate_search(name)
        except (ValueError, RuntimeError, KeyError) as error:
            raise EngineProblem(f"pocketsphinx refuses the grammar ({type(error).__name__})") from error
        if self._phrases is not None:
            self._decoder.remove_search(f"grammar{self._grammar - 1}")
        self._network, self._phrases = network, phrases

    def _transitions(
        self, network: jsgf.Network
    ) -> Iterable[tuple[int, int, float] | tuple[int, int, float, str]]:
        for arc in network.arcs:
            if arc.word is None:
                yield arc.source, arc.target, arc.share
            else:
                yield arc.source, arc.target, arc.share, arc.word
        extra = [word for word in BACK_CHANNELS if word not in network.vocabulary()]
        for word in extra:
            self._learn(word)
            yield 0, 1, _BACK_CHANNEL_SHARE / len(extra), word
        garbage = network.states
        yield 0, garbage, _GARBAGE_SHARE
        for phone in _GARBAGE_PHONES:
            yield garbage, garbage, _GARBAGE_PHONE_SHARE, _GARBAGE + phone
        yield garbage, 1, 1.0

    def _learn(self, word: str) -> bool:
        """Teach the decoder a word; False if nobody knows how it sounds."""
        if word in self._known:
            return True
        sounds = (BACK_CHANNELS[word],) if word in BACK_CHANNELS else lexicon.pronunciations(word)
        if not sounds:
            return False
        for index, phones in enumerate(sounds):
            self._decoder.add_word(word if index == 0 else f"{word}({index + 1})", phones, False)
        self._known.add(word)
        self._phones[word] = min(len(phones.split()) for phones in sounds)
        return True


def _weakest(words: tuple[TimedWord, ...]) -> float:
    return min((word.confidence for word in words), default=0.0)


def _spelled(means: tuple[float, ...]) -> str:
    return ",".join(f"{mean:.6g}" for mean in means)


def _ratio(floor: float) -> float:
    """Return speech to noise in dB on a line with noise of rms `floor`, LINE_NOISE included."""
    return 20.0 * math.log10(levels.ACTIVE_LEVEL / math.hypot(floor, LINE_NOISE))


def _means_at(ratio: float) -> tuple[float, ...]:
    ratios = [known for known, _ in _TELEPHONE_MEANS]
    return tuple(
        float(np.interp(ratio, ratios, [means[index] for _, means in _TELEPHONE_MEANS]))
        for index in range(_CEPSTRA)
    )


def _parse_state(state: str) -> tuple[tuple[float, ...] | None, float | None]:
    """Return the means and the gain of `state()`; None and None if they make no sense."""
    means, _, gain = state.partition(";")
    try:
        values = tuple(float(mean) for mean in means.split(","))
        level = float(gain)
    except ValueError:
        return None, None
    sound = len(values) == _CEPSTRA and all(
        math.isfinite(value) and abs(value) < _MEANS_LIMIT for value in values
    )
    return (values, level) if sound and 0.01 <= level <= 100.0 else (None, None)
