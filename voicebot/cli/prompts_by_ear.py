"""The ear of the commands: what the dialplans of a configuration may say, rendered here as the hotline would."""

from collections.abc import Callable, Iterable

from voicebot.dialplan.prompts import constant_prompts
from voicebot.dialplan.schema import Dialplan
from voicebot.engines import Engines
from voicebot.phone.ear import Clip
from voicebot.phone.voice import speak


def prompt_clips(
    dialplans: Iterable[Dialplan],
    engines: Engines,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Clip]:
    """Render every constant text in memory; nothing is taken from the hotline's cache. Raises PhoneError."""
    wanted = dict.fromkeys(
        (item.language, item.text, item.voice or engines.voices[item.language].voice)
        for dialplan in dialplans
        for item in constant_prompts(dialplan)
        if item.text
    )
    clips = []
    for done, (language, text, voice) in enumerate(wanted):
        on_progress(done, len(wanted))
        samples = speak(text, voice, engines.voices[language].engine)
        if len(samples):
            clips.append(Clip(text, language, samples))
    return clips
