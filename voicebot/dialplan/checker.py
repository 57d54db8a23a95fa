"""What a dialplan that reads well may still have wrong. Each code has a page in docs/findings.

A finding's code, severity and place are stable; the entries of `CHECKS` are independent of each other.
"""

from collections.abc import Callable, Iterator

from voicebot.dialplan.checks import (
    audio,
    clock,
    dialling,
    flows,
    hearing,
    led_on,
    meaning,
    names,
    reach,
    runnable,
    staff,
    unhandled,
    unset,
)
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding

Check = Callable[[Dialplan, Around], Iterator[Finding]]


def _alone(check: Callable[[Dialplan], Iterator[Finding]]) -> Check:
    return lambda dialplan, around: check(dialplan)


CHECKS: dict[str, Check] = {
    "names": _alone(names.check_names),
    "variables": _alone(names.check_variables),
    "unset": _alone(unset.check_unset),
    "ends": _alone(flows.check_ends),
    "returns": _alone(flows.check_returns),
    "unreachable": _alone(flows.check_unreachable),
    "callers": reach.check_callers,
    "time": reach.check_time,
    "nobody_there": reach.check_nobody_there,
    "led_on": _alone(led_on.check_led_on),
    "silent_after": _alone(led_on.check_silent_after),
    "translations": _alone(meaning.check_translations),
    "choices": _alone(meaning.check_choices),
    "slots": _alone(meaning.check_slots),
    "sensitive": _alone(meaning.check_sensitive),
    "secrets": _alone(meaning.check_secrets),
    "runnable": _alone(runnable.check_runnable),
    "errors": _alone(unhandled.check_unhandled),
    "sounds": hearing.check_sounds,
    "words": hearing.check_words,
    "staff": staff.check_staff,
    "audio": audio.check_audio,
    "clock": _alone(clock.check_tests),
    "literals": _alone(dialling.check_literals),
    "dialled": dialling.check_dialled,
}


def check_dialplan(dialplan: Dialplan, around: Around) -> list[Finding]:
    """Return every finding, in no order."""
    return [item for check in CHECKS.values() for item in check(dialplan, around)]
