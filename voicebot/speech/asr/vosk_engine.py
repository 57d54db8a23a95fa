"""vosk: any language for which a model lies in `models/`.

The library answers much bad input with a crash, so everything is checked before it gets there: the model's folder
(`models.check_model`), the grammar's words, the audio's rate and type. A model is loaded once per process and shared by
its recognisers. A vosk grammar is a bigram model of the phrases' words, not a list of phrases: what was heard is matched
against the phrases afterwards.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicebot.speech.asr import jsgf
from voicebot.speech.asr.models import VoskModel, check_model
from voicebot.speech.asr.recogniser import NOTHING, TELEPHONE_HZ, Result, TimedWord
from voicebot.speech.errors import EngineProblem, ModelProblem
from voicebot.speech.resample import StreamResampler

_UNKNOWN = "[unk]"
_MOST_SENTENCES = 300  # of one expansion; beyond, its pairs of words stand for it
_SILENT = -1  # vosk's log level: warnings name words of the grammar


@lru_cache(maxsize=8)
def _load(path: Path) -> tuple[Any, VoskModel]:
    description = check_model(path)
    try:
        import vosk
    except ImportError as error:
        raise EngineProblem("vosk is not installed: pip install 'voicebot[vosk]'") from error
    vosk.SetLogLevel(_SILENT)
    try:
        model = vosk.Model(model_path=str(path))
    except Exception as error:  # vosk raises nothing more special
        raise ModelProblem(f"vosk cannot load {path}: {error}; unpack the model again") from error
    return model, description


class Vosk:
    """A `Recogniser`. It does not adapt, so `state()` is empty."""

    def __init__(self, model: str | Path) -> None:
        """Raises ModelProblem or EngineProblem."""
        self._model, self._description = _load(Path(model).absolute())
        self._resampler = StreamResampler(TELEPHONE_HZ, self._description.sample_rate)
        self._recogniser: Any = None
        self._phrases: tuple[str, ...] | None = None
        self._network: jsgf.Network | None = None
        self._finished: list[TimedWord] = []
        self._fed = 0  # samples in the recogniser's life: its clock goes on from turn to turn
        self._began = 0.0  # its clock, in seconds, when the turn began
        self._joins = "" if self._description.language == "zh" else " "

    def start(self, phrases: tuple[str, ...]) -> None:
        """Models with a static graph hear free speech and match it against the phrases."""
        trees = [jsgf.parse(phrase) for phrase in phrases]
        if phrases and self._description.takes_grammars:
            grammar, trees = self._grammar(trees)
            if not grammar:
                raise EngineProblem(
                    f"the model {self._description.path.name} knows none of the phrases' words"
                )
        else:
            grammar = []
        if self._recogniser is None or phrases != self._phrases:
            self._recogniser = self._open(grammar)
            self._network = jsgf.Network(trees, han=True) if phrases else None
            self._phrases = phrases
            self._fed = 0
        else:
            self._recogniser.Reset()
        self._finished = []
        self._began = self._fed / self._description.sample_rate
        self._resampler = StreamResampler(TELEPHONE_HZ, self._description.sample_rate)

    def feed(self, samples: NDArray[np.int16]) -> None:
        if self._recogniser is None:
            raise EngineProblem("audio without a turn")
        self._accept(self._resampler.feed(samples))

    def partial(self) -> Result:
        """Return the hypothesis, also when it is only the beginning of a phrase. vosk rates none: confidence 0.5."""
        if self._recogniser is None:
            return NOTHING
        running = json.loads(self._recogniser.PartialResult()).get("partial", "").split()
        words = [word.text for word in self._finished] + [word for word in running if word != _UNKNOWN]
        return Result(self._joins.join(words), 0.5) if words else NOTHING

    def finish(self) -> Result:
        if self._recogniser is None:
            return NOTHING
        self._accept(self._resampler.flush())
        self._keep(self._recogniser.FinalResult())
        words, self._finished = tuple(self._finished), []
        heard = [word.text for word in words]
        if not words or _UNKNOWN in heard:
            return NOTHING
        if self._network is not None and not self._network.fit([jsgf.fold(word) for word in heard]).exact:
            return NOTHING
        return Result(self._joins.join(heard), min(word.confidence for word in words), words)

    def seed(self, state: str) -> None:
        """It learns nothing of a caller, so there is nothing to forget."""

    def state(self) -> str:
        return ""

    def _accept(self, samples: NDArray[np.int16]) -> None:
        self._fed += len(samples)
        if len(samples) and self._recogniser.AcceptWaveform(samples.tobytes()):
            self._keep(self._recogniser.Result())

    def _keep(self, result: str) -> None:
        """Collect the words of a finished stretch of speech; vosk ends one by itself at a pause."""
        for word in json.loads(result).get("result", ()):
            confidence = float(np.clip(word["conf"], 0.0, 1.0))
            start, end = word["start"] - self._began, word["end"] - self._began
            self._finished.append(TimedWord(word["word"], start, end, confidence))

    def _open(self, grammar: list[str]) -> Any:
        import vosk

        rate = float(self._description.sample_rate)
        try:
            if grammar:
                # Escaped Chinese is taken for unknown words; an empty list or no JSON crashes the process.
                text = json.dumps([*grammar, _UNKNOWN], ensure_ascii=False)
                recogniser = vosk.KaldiRecognizer(self._model, rate, text)
            else:
                recogniser = vosk.KaldiRecognizer(self._model, rate)
        except Exception as error:  # vosk raises nothing more special
            raise EngineProblem(
                f"vosk cannot use {self._description.path}: unpack the model again"
            ) from error
        recogniser.SetWords(True)
        return recogniser

    def _grammar(self, trees: list[jsgf.Node]) -> tuple[list[str], list[jsgf.Node]]:
        """Return the sentences in the model's own words, and the trees that it knows."""
        grammar: dict[str, None] = {}
        kept: list[jsgf.Node] = []
        for tree in trees:
            sentences = jsgf.sentences(tree, _MOST_SENTENCES)
            if sentences is None:
                network = jsgf.Network([tree])
                sentences = [(word,) for word in sorted(network.vocabulary())] + sorted(network.pairs())
            split = [self._split(sentence) for sentence in sentences]
            known = [words for words in split if words]
            if known:
                kept.append(tree)
                grammar.update(dict.fromkeys(" ".join(words) for words in known))
        return list(grammar), kept

    def _split(self, sentence: tuple[str, ...]) -> list[str]:
        """Return the sentence in the model's words; empty if it lacks one.

        Han characters are cut greedily, the longest word first: the model's own word boundaries are not the author's.
        """
        found: list[str] = []
        for run in _runs(sentence):
            while run:
                for length in range(len(run), 0, -1):
                    if self._knows(run[:length]):
                        found.append(run[:length])
                        run = run[length:]
                        break
                    if not jsgf.is_han(run[0]):
                        return []
                else:
                    return []
        return found

    def _knows(self, word: str) -> bool:
        return bool(self._model.vosk_model_find_word(word) >= 0)


def _runs(sentence: tuple[str, ...]) -> list[str]:
    """Join neighbouring Han pieces to one run; other words stand alone."""
    runs: list[str] = []
    for word in sentence:
        for piece in jsgf.split_han(word):
            if runs and jsgf.is_han(piece) and jsgf.is_han(runs[-1][0]):
                runs[-1] += piece
            else:
                runs.append(piece)
    return runs
