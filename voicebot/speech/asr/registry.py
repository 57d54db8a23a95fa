"""Which engine hears which language, and how to open it."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from voicebot.speech.asr.models import find_models
from voicebot.speech.asr.recogniser import Recogniser
from voicebot.speech.errors import EngineProblem


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine for a language: "vosk" with its model's folder, or "pocketsphinx" with ""."""

    engine: str
    model: str = ""


def available(directory: Path) -> dict[str, Choice]:
    """Return language -> the best that is installed: a vosk model under `directory`, else pocketsphinx (English only).

    Loads nothing. Folders that cannot be used are left out; `find_models` says why.
    """
    found: dict[str, Choice] = {}
    if importlib.util.find_spec("pocketsphinx"):
        found["en"] = Choice("pocketsphinx")
    if importlib.util.find_spec("vosk"):
        models, _ = find_models(directory)
        found |= {language: Choice("vosk", str(model.path.absolute())) for language, model in models.items()}
    return found


def open_recogniser(engine: str, language: str, model: str = "", state: str = "") -> Recogniser:
    """Return a recogniser for one caller and one language. Raises EngineProblem or ModelProblem."""
    if engine == "vosk":
        from voicebot.speech.asr.vosk_engine import Vosk

        return Vosk(model)
    if engine != "pocketsphinx":
        raise EngineProblem(f'there is no recogniser "{engine}"; there are: pocketsphinx, vosk')
    if language != "en":
        raise EngineProblem(f"pocketsphinx hears English only, not {language}: put a vosk model into models/")
    from voicebot.speech.asr.pocketsphinx_engine import PocketSphinx

    return PocketSphinx(state)
