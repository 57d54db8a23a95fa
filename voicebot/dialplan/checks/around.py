"""What a check may know besides the dialplan: the folder of audio files, the configuration's agents and trunks, the recogniser's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voicebot.dialplan.checks.sounds import Sound, read_sound
from voicebot.dialplan.checks.speaking import Measure

Skills = frozenset[str]


@dataclass(frozen=True, slots=True)
class Around:
    """What is None is not known, and what would need it is not checked.

    `agents`: each agent's skills. `dials(target)`: whether it is an agent, or some trunk lets it be dialled. `is_listed(word, language)`: whether the recogniser's dictionary has the word.
    `measure(text, language)`: seconds of a prompt that is rendered already. `sound(path)`: what an audio file holds, None if
    it cannot be played; the default knows uncompressed samples only, and takes the rest on trust.
    """

    prompts: Path
    agents: Mapping[str, Skills] | None = None
    dials: Callable[[str], bool] | None = None
    is_listed: Callable[[str, str], bool] | None = None
    measure: Measure | None = None
    sound: Callable[[Path], Sound | None] = read_sound
    shared: dict[object, object] = field(default_factory=dict, compare=False)  # what rules of one check share
