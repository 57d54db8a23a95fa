"""Which engines there are, and how to open one."""

import importlib.metadata
import importlib.util

from voicebot.speech.errors import EngineProblem
from voicebot.speech.tts.synthesiser import Synthesiser

# engine -> (distribution whose version decides how it sounds, module to look for, how to get it)
_ENGINES = {
    "espeak": ("espeakng-loader", "espeakng_loader", "pip install espeakng-loader"),
    "pyttsx3": ("pyttsx3", "pyttsx3", "pip install 'voicebot[pyttsx3]'"),
}


def engines() -> tuple[str, ...]:
    """Return the engines that are installed. Loads none of them."""
    return tuple(name for name, (_, module, _) in _ENGINES.items() if importlib.util.find_spec(module))


def engine_version(engine: str) -> str:
    """Return the version of the engine's package, for names of cached prompts. Loads nothing. Raises EngineProblem."""
    distribution, _, remedy = _known(engine)
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError as error:
        raise EngineProblem(f"the voice engine {engine} is not installed: {remedy}") from error


def open_synthesiser(engine: str) -> Synthesiser:
    """Load an engine ("espeak" or "pyttsx3"). Raises EngineProblem, saying what to install."""
    engine_version(engine)
    if engine == "espeak":
        from voicebot.speech.tts.espeak import Espeak

        return Espeak()
    from voicebot.speech.tts.pyttsx3_engine import Pyttsx3

    return Pyttsx3()


def _known(engine: str) -> tuple[str, str, str]:
    if engine not in _ENGINES:
        raise EngineProblem(f'there is no voice engine "{engine}"; there are: {", ".join(_ENGINES)}')
    return _ENGINES[engine]
