"""What the checks may know besides the dialplan: the same for `voicebot check`, for the start and for a reload."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from voicebot.config import Config
from voicebot.config.dialling import agent_forms, leads_on, may_dial
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.sounds import Sound
from voicebot.media.wav import AudioFileError, read_wav
from voicebot.speech.asr.lexicon import is_listed
from voicebot.speech.asr.registry import available

Dialled = Mapping[str, Sequence[str]]


def around_of(config: Config, prompts: Path | None = None) -> Around:
    """Return what a configuration tells the checks. `prompts`: another folder of audio files than its own."""
    known = prompts or config.prompts, skills_of(config), has_dictionary(config.speech.models)
    return around(*known, dialled_of(config))


def around(
    prompts: Path, agents: Mapping[str, Iterable[str]], dictionary: bool, dialled: Dialled | None = None
) -> Around:
    """`agents`: the skills of each; `dictionary`: whether the English recogniser's can be looked up in.

    `dialled`: see `dialled_of`.
    """
    skills = {name: frozenset(known) for name, known in agents.items()}
    dials = None if dialled is None else partial(_dials, dialled)
    return Around(prompts, skills or None, dials, _listed if dictionary else None, sound=_sound)


def skills_of(config: Config) -> dict[str, list[str]]:
    return {name: sorted(agent.skills) for name, agent in config.agents.items()}


def dialled_of(config: Config) -> Dialled:
    """Return who may be called: agents by `names`, extensions and URIs, numbers by the `patterns` of some trunk that leads on; numbers for `emergency`."""
    names = {
        text for agent in config.agents.values() for text in (agent.name, agent.uri, *agent_forms(agent.uri))
    }
    patterns = {
        pattern
        for trunk in config.trunks.values()
        for pattern in trunk.dial
        if "@" in pattern or leads_on(pattern, trunk, config.trunks)
    }
    emergency = {number for trunk in config.trunks.values() for number in trunk.emergency}
    return {"names": sorted(names), "patterns": sorted(patterns), "emergency": sorted(emergency)}


def _dials(dialled: Dialled, target: str) -> bool:
    return target in dialled["names"] or may_dial(target, dialled["patterns"], emergency=dialled["emergency"])


def has_dictionary(models: Path) -> bool:
    """Return whether English is recognised by the one engine whose dictionary is a list of words."""
    english = available(models).get("en")
    return english is not None and english.engine == "pocketsphinx"


def _listed(word: str, language: str) -> bool:
    return language != "en" or is_listed(word)


def _sound(path: Path) -> Sound | None:
    try:
        samples = read_wav(path)
    except AudioFileError:
        return None
    return Sound(len(samples) / 8000, float(abs(samples.astype(int)).max(initial=0)) / 32768)
