"""What a dialplan that reads well may still have wrong. Each code is documented in docs/dialplan.md.

A finding's code, severity and place are stable; the functions of `CHECKS` are independent of each other.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from voicebot.dialplan.checks import flows, meaning, names, runnable, unset
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding

Check = Callable[[Dialplan], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    names.check_names,
    names.check_variables,
    unset.check_unset,
    flows.check_flows,
    meaning.check_translations,
    meaning.check_choices,
    meaning.check_slots,
    meaning.check_sensitive,
    runnable.check_runnable,
)


def check_dialplan(dialplan: Dialplan, prompts: Path) -> list[Finding]:
    """Return every finding. `prompts` is the folder of the audio files."""
    found = [item for check in CHECKS for item in check(dialplan)]
    return [*found, *meaning.check_files(dialplan, prompts)]
