"""Which engine recognises and speaks each language of the dialplans, by configuration and by what is installed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from voicebot.config import Config
from voicebot.config.model import Recogniser
from voicebot.dialplan.schema import Dialplan
from voicebot.runtime.control.speech import Engine, VoiceChoice
from voicebot.speech.asr.models import check_model, find_models
from voicebot.speech.asr.registry import Choice, available
from voicebot.speech.errors import EngineProblem, SpeechError
from voicebot.speech.tts import engine_version, engines

DEFAULT_VOICES = {"en": "en-us", "zh": "cmn"}


@dataclass(frozen=True, slots=True)
class Engines:
    """`notes` are lines for the admin, such as a language that nothing recognises."""

    recognisers: Mapping[str, Engine]
    voices: Mapping[str, VoiceChoice]
    notes: tuple[str, ...] = ()


def engines_for(config: Config, dialplans: Iterable[Dialplan]) -> Engines:
    """Choose engines for every language of `dialplans`. Loads none. Raises SpeechError, saying what to do."""
    return engines_of(config, (code for dialplan in dialplans for code in dialplan.hotline.languages))


def engines_of(config: Config, languages: Iterable[str]) -> Engines:
    """Choose engines for languages, as `engines_for` does."""
    found = available(config.speech.models)
    _, problems = find_models(config.speech.models)
    recognisers: dict[str, Engine] = {}
    voices: dict[str, VoiceChoice] = {}
    notes = list(problems)
    for language in dict.fromkeys(languages):
        wanted = config.speech.asr.get(language, Recogniser())
        recogniser = _recogniser(language, wanted, found)
        if recogniser is not None:
            recognisers[language] = recogniser
        elif wanted.engine != "none":
            notes.append(
                f"no recogniser for {language}: its callers are led by keys. To let them speak, put a vosk model for "
                f"{language} into {config.speech.models} (models/README.md)"
            )
        voice = config.speech.tts.get(language)
        engine = "espeak" if voice is None or voice.engine == "auto" else voice.engine
        if engine not in engines():
            raise EngineProblem(
                f"the voice engine {engine} is not installed; there are: {', '.join(engines())}"
            )
        engine_version(engine)
        voices[language] = VoiceChoice(engine, (voice.voice if voice else None) or DEFAULT_VOICES[language])
    return Engines(recognisers, voices, tuple(notes))


def _recogniser(language: str, wanted: Recogniser, found: Mapping[str, Choice]) -> Engine | None:
    """Return what recognises a language; None if nothing does, or nothing shall."""
    if wanted.engine == "none":
        return None
    if wanted.model is not None:
        check_model(wanted.model)
        return Engine("vosk", str(wanted.model))
    if wanted.engine == "pocketsphinx" and language == "en":
        return Engine("pocketsphinx")
    best = found.get(language)
    if wanted.engine != "auto" and (best is None or best.engine != wanted.engine):
        why = (
            "it knows English only"
            if wanted.engine == "pocketsphinx"
            else "models/ holds no vosk model for it"
        )
        raise SpeechError(f"speech.asr.{language}: {wanted.engine} cannot recognise {language} here: {why}")
    return None if best is None else Engine(best.engine, best.model)
