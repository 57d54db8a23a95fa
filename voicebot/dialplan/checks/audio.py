"""Audio files: those that are missing, that cannot be read, and that nobody would hear."""

from collections.abc import Iterator

from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.inputs import Files
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, Position, finding
from voicebot.dialplan.steps.queue import QueueStep

SILENT = 0.001  # of full scale: a peak under -60 dBFS is not heard on a telephone


def check_audio(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB117: an audio file that is not there; VB118: one that is silent; VB119: one that cannot be read."""
    for file, position in _files(dialplan):
        path = around.prompts / file
        if not path.is_file():
            yield finding("VB117", position, f"there is no audio file {file} in {around.prompts.name}/")
            continue
        sound = around.sound(path)
        if sound is None:
            hint = "a wav file with uncompressed samples is expected"
            yield finding("VB119", position, f"the audio file {file} cannot be read", hint)
        elif sound.peak < SILENT:
            yield finding("VB118", position, f"the audio file {file} is silent", severity="warning")


def _files(dialplan: Dialplan) -> Iterator[tuple[str, Position]]:
    for item in everything(dialplan):
        if isinstance(item, Files):
            for file in dict.fromkeys(item.files.values()):
                yield file, item.position
        elif isinstance(item, QueueStep) and item.music is not None:
            yield item.music, item.position
