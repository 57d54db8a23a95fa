"""Whom a dialplan calls: numbers and times that are written out, and whether the configuration lets them be dialled."""

import datetime
from collections.abc import Iterator

from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.expressions import ROOTS, Expression, Template, TemplateFault, parse_expression
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.source import Finding, finding, nearest
from voicebot.dialplan.steps.callback import NUMBER, SOON, Callback
from voicebot.dialplan.steps.transfer import Transfer


def check_literals(dialplan: Dialplan) -> Iterator[Finding]:
    """VB109: the number or the time of a callback, or a transfer's target, that is a text and can be none."""
    for item in everything(dialplan):
        match item:
            case Callback(number=number, at=at):
                if (text := _literal(number)) is not None and not NUMBER.fullmatch(text):
                    hint = _quoted(text) or "write digits, with or without + in front"
                    message = f"{text!r} is no number that can be called back"
                    yield finding("VB109", item.position, message, hint)
                if (text := _literal(at)) is not None and not _is_time(text):
                    hint = _quoted(text) or 'write asap, or a time as "2026-11-24 10:00"'
                    yield finding("VB109", item.position, f"{text!r} is no time", hint)
            case Transfer(to=to):
                if (text := _literal(to)) is not None and (hint := _quoted(text)):
                    yield finding("VB109", item.position, f"{text!r} is nobody who can be called", hint)
            case _:
                pass


def check_dialled(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB135: somebody whom no agent is and no trunk dials."""
    if around.dials is None:
        return
    for item in everything(dialplan):
        match item:
            case Transfer(to=to):
                text = _literal(to)
                if text is None or around.dials(text) or _quoted(text):
                    continue
                if text[:1].isalpha() and ":" not in text:
                    message = f"there is no agent {text!r}"
                    hint = nearest(text, around.agents or ()) or "agents are declared in the configuration"
                else:
                    message = f"no trunk lets {text!r} be dialled"
                    hint = "let a pattern under `dial` of the trunk fit it"
                yield finding("VB135", item.position, message, hint, "warning")
            case Callback(number=number):
                text = _literal(number)
                if text is not None and NUMBER.fullmatch(text) and not around.dials(text):
                    message = f"no trunk lets {text!r} be dialled"
                    hint = "let a pattern under `dial` of the trunk fit it"
                    yield finding("VB135", item.position, message, hint, "warning")
            case _:
                pass


def _literal(template: Template | None) -> str | None:
    """Return the text of a template without expressions, as the step takes it."""
    if template is None or not template.constant:
        return None
    return "".join(piece for piece in template.pieces if isinstance(piece, str)).strip()


def _quoted(text: str) -> str:
    """Return what to write instead if `text` is an expression that lacks its braces, else ""."""
    try:
        expression: Expression = parse_expression(text)
    except TemplateFault:
        return ""
    variables = any(len(item.path) > 1 and item.path[0] in ROOTS for item in expression.references)
    return f'write "{{{{ {text} }}}}"' if variables or expression.hours else ""


def _is_time(text: str) -> bool:
    try:
        return text == SOON or bool(datetime.datetime.fromisoformat(text))
    except ValueError:
        return False
