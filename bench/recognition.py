"""Measure the embedded English recogniser: `python -m bench.recognition [--held-out] [--every N]`.

Synthetic callers speak over a telephone line to the questions of `dialplans/demo.yaml` and to a few larger ones: what is
in the grammar, what is not, noises. The recogniser gets what the media worker would send: 300 ms before the onset, 60 ms
at a time, one decoder for a caller's call. An answer counts as right if the question's matcher takes from it the meaning
that it takes from the text; below the dialplan's `reject` it counts as rejected.

The callers are espeak voices, and flite's if flite is installed (`apt-get install flite`; only here): made of recordings,
these are the better stand-in for people. What is measured with `--held-out` was never looked at while tuning: other
voices, phrases, names, digit strings, and sentences outside of the grammar.
"""

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from voicebot.dialplan.dialog import options_of
from voicebot.dialplan.loader import load
from voicebot.dialplan.matchers import Meant, Option, QuestionMatcher
from voicebot.dialplan.slots import SlotRule
from voicebot.media.g711 import PCMU
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.speech import levels
from voicebot.speech.asr import Recogniser, open_recogniser
from voicebot.speech.resample import resample, to_int16
from voicebot.speech.tts import open_synthesiser, speak_8k

HZ = 8000
PIECE = 480  # samples: 60 ms, as the speech worker decodes
PRE_ROLL = 0.3  # seconds before the onset that the media worker sends
AFTER = 0.7  # seconds of silence after which a turn ends
REJECT, CONFIRM = 0.35, 0.7
LINES = {"clean": None, "20 dB": 20.0, "15 dB": 15.0}  # signal to white noise

FLITE = shutil.which("flite")


@dataclass(frozen=True)
class Material:
    """What one set of callers says. Keys of `said`, `loose` and `outside` are questions."""

    espeak: Sequence[str]
    flite: Sequence[str]
    said: Mapping[str, Sequence[str]]
    loose: Mapping[str, Sequence[str]]  # a phrase of the grammar with other words round it
    outside: Mapping[str, Sequence[str]]


TUNING = Material(
    espeak=("en-us", "en-us+m3", "en-us+f3", "gmw/en"),
    flite=("slt", "kal16"),
    said={
        "language": ("english", "english please"),
        "main": (
            "opening hours", "what are your opening hours", "account balance", "check my balance", "lost card",
            "i lost my credit card", "my card was stolen", "branch office", "agent", "speak to an agent", "repeat that",
        ),
        "account": ("current account", "savings account"),
        "yes or no": ("yes", "no", "yes please", "no thanks", "yeah", "that is correct"),
        "four digits": ("four seven one one", "nine zero two six", "three eight five oh", "one two three four"),
        "one to five": ("five", "one"),
        "names": ("alice martin", "brian cooper", "diana hughes", "edward collins"),
        "clinic": ("book an appointment", "cancel my appointment", "test results", "speak to a nurse", "directions"),
    },
    loose={
        "main": ("uh lost card", "i'd like to speak to an agent please", "can i check my balance"),
        "yes or no": ("um yes",),
    },
    outside={
        "main": (
            "i want to order a pizza", "my dog is very hungry", "good morning how are you", "seventeen",
            "the weather is nice today",
        ),
        "yes or no": ("i want to order a pizza", "tomorrow morning", "banana"),
        "four digits": ("i do not have a code", "my dog is very hungry"),
        "names": ("good morning how are you", "mister anderson"),
        "clinic": ("seventeen", "can you give me the train times"),
    },
)  # fmt: skip
HELD_OUT = Material(
    espeak=("en-us+m7", "gmw/en+f2", "en-us+f5", "en-gb-scotland"),
    flite=("rms", "awb"),
    said={
        "language": ("english",),
        "main": (
            "when are you open", "opening times", "what is my account balance", "how much money do i have",
            "i have lost my card", "my credit card is stolen", "harbour branch", "operator", "customer service",
            "say that again", "what can i say", "connect me to the branch office",
        ),
        "account": ("checking account", "savings account"),
        "yes or no": ("yep", "nope", "sure", "wrong", "yes", "no", "of course", "no thank you"),
        "four digits": ("eight two six nine", "five five oh seven", "zero one six three", "seven four nine two"),
        "one to five": ("three", "four", "two"),
        "names": ("george patel", "hannah wright", "oliver kim", "sophie turner", "victor lopez"),
        "clinic": (
            "repeat prescription", "change my appointment", "billing", "opening hours", "talk to a doctor",
            "vaccination",
        ),
    },
    loose={
        "main": ("um agent please", "i need my account balance", "hello i lost my card"),
        "clinic": ("i'd like to book an appointment", "can i cancel my appointment please"),
        "yes or no": ("well no",),
    },
    outside={
        "main": (
            "where did you buy that hat", "please hold the line", "twenty three", "my name is peter",
            "it rained all week in london",
        ),
        "yes or no": ("where did you buy that hat", "peter", "next tuesday at noon"),
        "four digits": ("where did you buy that hat", "you should have it on file"),
        "names": ("it rained all week in london", "i would rather not say"),
        "clinic": ("how long is a piece of string", "green apples"),
    },
)  # fmt: skip

CLINIC = (
    "[book|make] an appointment", "cancel [my] appointment", "change [my] appointment", "[my] test results",
    "[order a] repeat prescription", "[speak to|talk to] a nurse", "[speak to|talk to] a doctor", "opening hours",
    "directions [to the clinic]", "billing [questions]", "insurance", "emergency", "x ray", "blood test", "vaccination",
    "travel advice", "dentist", "physiotherapy", "parking", "reception",
)  # fmt: skip
NAMES = (
    "alice martin", "brian cooper", "carla jensen", "diana hughes", "edward collins", "fiona campbell", "george patel",
    "hannah wright", "ivan petrov", "julia schmidt", "kevin o'neill", "laura bennett", "martin alvarez", "nina rossi",
    "oliver kim", "paula jordan", "quentin moore", "rachel green", "sophie turner", "thomas walker", "ursula meyer",
    "victor lopez", "wendy carter", "xavier dubois", "yvonne clark", "zachary adams", "peter johnson", "mary davis",
    "simon lee", "emma brooks",
)  # fmt: skip


def questions() -> dict[str, QuestionMatcher]:
    """Return what the demo asks, with its links, a menu of twenty, and thirty names."""
    plan = load(Path(__file__).parents[1] / "dialplans" / "demo.yaml")
    links = options_of(plan.all_links(), plan, "link")

    def step(flow: str, verb: str) -> Any:
        return next(item for item in plan.flows[flow].steps if type(item).verb == verb)

    def ask(options: Iterable[Option] = (), slot: SlotRule | None = None) -> QuestionMatcher:
        everything = {item.key: item for item in (*options, *links)}

        def book(language: str) -> PhraseBook:
            phrases = {key: dict(item.phrases).get(language, ()) for key, item in everything.items()}
            return PhraseBook(language, phrases)

        return QuestionMatcher(everything, ["en"], ["speech"], book, reject=0.0, slot=slot)

    def choose(phrases: Sequence[str]) -> QuestionMatcher:
        return ask(
            Option(f"choice{at}", None, phrases=(("en", (phrase,)),)) for at, phrase in enumerate(phrases)
        )

    account = step("balance", "collect")
    return {
        "language": ask(options_of(step("welcome", "menu").choices, plan, "choice")),
        "main": ask(options_of(step("main", "menu").choices, plan, "choice")),
        "account": ask(slot=SlotRule.of("choice", {}, values=account.values)),
        "yes or no": ask(slot=SlotRule.of("boolean", {})),
        "four digits": ask(slot=SlotRule.of("digits", {}, length=4)),
        "one to five": ask(slot=SlotRule.of("integer", {}, bounds=(1.0, 5.0))),
        "names": choose(NAMES),
        "clinic": choose(CLINIC),
    }


def meaning(matcher: QuestionMatcher, text: str, confidence: float) -> tuple[object, float]:
    """Return what the dialplan takes from a result, and how sure it is; (None, 0.0) = no match."""
    if not text:
        return None, 0.0
    found = matcher.judge([Entry("speech", text, "en", confidence)], closed=True)
    if found.completeness not in (Completeness.MATCH, Completeness.FINAL) or not isinstance(
        found.meaning, Meant
    ):
        return None, 0.0
    meant = found.meaning
    return (meant.option.key if meant.option else ("value", meant.value)), meant.confidence


# --- callers -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def spoken(family: str, voice: str, text: str) -> NDArray[np.int16]:
    """Return clean speech at 8 kHz, at the active level of telephone speech."""
    if family == "espeak":
        return speak_8k(open_synthesiser("espeak"), text, voice)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run([str(FLITE), "-voice", voice, "-t", text, "-o", file.name], check=True)
        with wave.open(io.BytesIO(Path(file.name).read_bytes())) as clip:
            samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2")
            rate = clip.getframerate()
    return levels.at_level(levels.trimmed(resample(samples, rate, HZ), HZ), HZ)


def noises(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Return sounds that set off a voice activity detector, or might."""
    at = np.arange(HZ) / HZ
    decay = np.exp(-np.arange(1600) / 350)
    burst = rng.standard_normal(1600) * decay * 6000
    cough = np.concatenate([burst, np.zeros(800), burst[::-1][:800] * 0.3, burst])
    hum = np.sum([np.sin(2 * np.pi * 50 * k * at) / k for k in (1, 2, 3, 5)], axis=0) * 1500
    breath = np.convolve(rng.standard_normal(8000), np.ones(4) / 4, "same") * np.hanning(8000) * 800
    return {"cough": cough, "hum": hum, "breath": breath, "silence": np.zeros(HZ)}


def over_the_line(
    speech: NDArray[Any], line: str, gain: float, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Return what the recogniser gets: the pre-roll, the speech, silence, all with the line's noise, in mu-law."""
    clip = np.concatenate([np.zeros(int(PRE_ROLL * HZ)), speech, np.zeros(int(AFTER * HZ))])
    snr = LINES[line]
    if snr is not None:
        clip = clip + rng.standard_normal(len(clip)) * levels.ACTIVE_LEVEL / 10 ** (snr / 20)
    return PCMU.decode(PCMU.encode(to_int16(clip * gain)))


# --- measuring ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """One utterance. `kind`: said, loose, outside or noise. `right` is about its meaning."""

    family: str
    voice: str
    line: str
    question: str
    kind: str
    said: str
    text: str
    heard: float  # the recogniser's confidence
    right: bool
    meant: bool
    confidence: float  # the dialplan's, 0.0 without a meaning
    first: bool


@dataclass
class Cost:
    audio: float = 0.0
    cpu: float = 0.0
    finish: list[float] = field(default_factory=list)


Opener = Callable[[], Recogniser]


def calls(material: Material, lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        for voice in material.espeak:
            yield "espeak", voice, line
        for voice in material.flite if FLITE else ():
            yield "flite", voice, line


def utterances(material: Material) -> list[tuple[str, str, str]]:
    """Return (question, kind, what is said) in the order of every call: mixed, but always the same."""
    found = [
        (question, kind, text)
        for kind, sets in (("said", material.said), ("loose", material.loose), ("outside", material.outside))
        for question, texts in sets.items()
        for text in texts
    ]
    found += [
        (q, "noise", n) for q in ("main", "yes or no", "four digits") for n in ("cough", "hum", "breath")
    ]
    found += [("main", "noise", "silence")]
    return sorted(found, key=lambda item: hashlib.md5("/".join(item).encode()).digest())


def measure(
    material: Material, opener: Opener, lines: Sequence[str] = tuple(LINES), every: int = 1
) -> tuple[list[Trial], Cost]:
    """Make the calls; `every`: take only each so many of the utterances."""
    matchers = questions()
    trials, cost = [], Cost()
    for number, (family, voice, line) in enumerate(calls(material, lines)):
        rng = np.random.default_rng(number)
        gain = (1.0, 0.4, 1.6)[number % 3]
        recogniser = opener()
        for index, (question, kind, text) in enumerate(utterances(material)[number % every :: every]):
            speech = noises(rng)[text] if kind == "noise" else spoken(family, voice, text)
            audio = over_the_line(speech, line, gain, rng)
            matcher = matchers[question]
            began = time.process_time()
            recogniser.start(matcher.phrases("en"))
            for at in range(0, len(audio), PIECE):
                recogniser.feed(audio[at : at + PIECE])
                recogniser.partial()
            ending = time.perf_counter()
            result = recogniser.finish()
            cost.finish.append(time.perf_counter() - ending)
            cost.cpu += time.process_time() - began
            cost.audio += len(audio) / HZ
            wanted = None if kind in ("outside", "noise") else meaning(matcher, text, 1.0)[0]
            got, confidence = meaning(matcher, result.text, result.confidence)
            trials.append(
                Trial(
                    family, voice, line, question, kind, text, result.text, result.confidence,
                    got is not None and got == wanted, got is not None, confidence, index == 0,
                )
            )  # fmt: skip
    return trials, cost


# --- the result ----------------------------------------------------------------------------------------------------------


def table(trials: Sequence[Trial], title: str) -> Table:
    """Return the trials by line, callers and kind. "right" and "wrong" count from `REJECT` on, "sure" from `CONFIRM` on."""
    result = Table(title=title)
    for heading in ("line", "callers", "what", "n", "right", "wrong", "rejected", "sure right", "sure wrong"):
        result.add_column(heading, justify="left" if heading in ("line", "callers", "what") else "right")
    rows: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        rows.setdefault((trial.line, trial.family, _kind(trial)), []).append(trial)
    for key, row in rows.items():
        right = [trial.confidence for trial in row if trial.right]
        wrong = [trial.confidence for trial in row if trial.meant and not trial.right]
        taken_right, taken_wrong = _from(right, REJECT), _from(wrong, REJECT)
        numbers = (
            len(row), taken_right, taken_wrong, len(row) - taken_right - taken_wrong,
            _from(right, CONFIRM), _from(wrong, CONFIRM),
        )  # fmt: skip
        result.add_row(*key, *map(str, numbers))
    return result


def _kind(trial: Trial) -> str:
    if trial.kind != "said":
        return {"loose": "phrase in a sentence", "outside": "not in the grammar", "noise": "noise"}[
            trial.kind
        ]
    return trial.question if trial.question in ("yes or no", "four digits") else "phrases and names"


def _from(confidences: Sequence[float], bound: float) -> int:
    return sum(confidence >= bound for confidence in confidences)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recognition", description=__doc__)
    parser.add_argument("--held-out", action="store_true", help="the material that was not tuned on")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth utterance of a call")
    options = parser.parse_args()
    material = HELD_OUT if options.held_out else TUNING
    trials, cost = measure(material, lambda: open_recogniser("pocketsphinx", "en"), every=options.every)
    console = Console() if sys.stdout.isatty() else Console(width=130)
    console.print(table(trials, "held-out material" if options.held_out else "tuning material"))
    finish = sorted(cost.finish)
    console.print(
        f"{cost.audio:.0f} s of audio, {cost.cpu / cost.audio:.3f} CPU seconds a second; "
        f"finish: median {finish[len(finish) // 2] * 1000:.1f} ms, longest {finish[-1] * 1000:.1f} ms"
    )
    if not FLITE:
        console.print("flite is not installed: espeak's voices only")


if __name__ == "__main__":
    main()
