"""What callers hear, say and key: translations, audio files, keys, slots, and what must stay secret."""

import re
from collections.abc import Iterable, Iterator, Mapping

from voicebot.dialplan.checks.names import everything
from voicebot.dialplan.expressions import Reference, Template
from voicebot.dialplan.fields import Value
from voicebot.dialplan.inputs import Choice, Files, Handler, Link, input_options, option
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.slots import TYPES, SlotRule
from voicebot.dialplan.source import Finding, finding, nearest
from voicebot.dialplan.steps.callback import Callback
from voicebot.dialplan.steps.collect import Collect
from voicebot.dialplan.steps.http import Request
from voicebot.dialplan.steps.menu import Menu
from voicebot.dialplan.steps.notify import Notify
from voicebot.dialplan.steps.queue import MUST_BE_NAMED, QueueStep
from voicebot.dialplan.steps.set import Set
from voicebot.dialplan.steps.transfer import Transfer
from voicebot.dialplan.texts import Text
from voicebot.dialplan.variables import references_in
from voicebot.nlu.slots.base import SlotError


def check_translations(dialplan: Dialplan) -> Iterator[Finding]:
    """VB115: a text without one of the languages; VB116: a choice that cannot be said in one (a warning)."""
    languages = dialplan.hotline.languages
    for item in everything(dialplan):
        if isinstance(item, Text) and (missing := item.missing(languages)):
            hint = "to speak several languages one after the other, write {all: [...]}" if item.mixed else ""
            yield finding("VB115", item.position, f"the translation to {', '.join(missing)} is missing", hint)
        elif isinstance(item, Files) and "" not in item.files:
            missing = tuple(code for code in languages if code not in item.files)
            if missing:
                yield finding("VB115", item.position, f"the audio file for {', '.join(missing)} is missing")
    for intent in dialplan.intents.values():
        missing = tuple(code for code in languages if code not in intent.phrases)
        if missing:
            message = f"the intent {intent.name!r} has no phrases in {', '.join(missing)}"
            yield finding("VB116", intent.position, message, severity="warning")


def check_choices(dialplan: Dialplan) -> Iterator[Finding]:
    """VB120: a key given twice; VB121: one key begins another with no time to press the second."""
    for step in (item for item in everything(dialplan) if isinstance(item, Menu)):
        keyed = [item for item in step.choices if item.dtmf is not None]
        seen: dict[str, Choice] = {}
        for item in keyed:
            assert item.dtmf is not None
            if item.dtmf in seen:
                first = seen[item.dtmf].position.line
                yield finding(
                    "VB120", item.position, f"the key {item.dtmf} is a choice of line {first} already"
                )
            seen.setdefault(item.dtmf, item)
        links = [link for link in (*step.all_links(), *dialplan.all_links()) if link.dtmf is not None]
        yield from _prefixes(dialplan, step, [*keyed, *links])


def _prefixes(dialplan: Dialplan, step: Menu, items: list[Choice | Link]) -> Iterator[Finding]:
    options = input_options(step, dialplan.defaults)
    for item in items:
        for other in items:
            one, two = item.dtmf or "", other.dtmf or ""
            if one == two or not two.startswith(one):
                continue
            written = option("interdigit_timeout", step, dialplan.defaults) is not None
            if not written:
                wait = f"{options.interdigit_timeout:g}s"
                message = f"the key {one} begins {two}: whoever presses {one} waits {wait} for the next key"
                hint = "set interdigit_timeout in the step or in defaults, or choose other keys"
                at = item.position if isinstance(item, Choice) else step.position
                yield finding("VB121", at, message, hint)


def check_slots(dialplan: Dialplan) -> Iterator[Finding]:
    """VB130: an unknown slot type; VB131: what a type makes no sense of; VB132: an exit that must be named."""
    known = (*TYPES, *dialplan.types)
    for item in everything(dialplan):
        if isinstance(item, Collect):
            yield from _slot(dialplan, item, known)
        elif isinstance(item, QueueStep):
            for name in MUST_BE_NAMED:
                if name not in item.exits:
                    hint = f"add {name}: FLOW under exits"
                    yield finding("VB132", item.position, f"the exit {name!r} is not named", hint)
        elif isinstance(item, Transfer) and item.mode != "blind" and "timeout" not in item.exits:
            hint = "add timeout: FLOW under exits"
            yield finding("VB132", item.position, "the exit 'timeout' is not named", hint)


def _slot(dialplan: Dialplan, step: Collect, known: tuple[str, ...]) -> Iterator[Finding]:
    if step.type not in known:
        hint = nearest(step.type, known) or f"there are {', '.join(known)}"
        yield finding("VB130", step.position, f"there is no slot type {step.type!r}", hint)
        return
    try:
        rule = SlotRule.of(
            step.type, dialplan.types, length=step.length, bounds=step.range, values=step.values
        )
    except SlotError as error:
        yield finding("VB190", step.position, f"this version cannot fill the slot: {error}")
        return
    for problem in rule.kind.problems(rule.spec):
        yield finding("VB131", step.position, f"slot {step.slot}: {problem}")


def check_sensitive(dialplan: Dialplan) -> Iterator[Finding]:
    """VB150: something sensitive reaches a URL, a whisper, a dialled number; VB151: a copy; VB152: a notification."""
    secret = {
        f"slot.{item.slot}"
        for item in everything(dialplan)
        if isinstance(item, Collect) and option("sensitive", item, dialplan.defaults)
    }
    secret |= _copies(dialplan, secret)
    for item in everything(dialplan):
        match item:
            case Request():
                for name in ("get", "post", "put", "delete"):
                    path = getattr(item, name)
                    if path is not None and (found := _touches(path.references, secret)):
                        yield finding("VB150", item.position, f"{found} is sensitive and stands in a URL")
                for value in (item.query or {}).values():
                    if found := _touches(references_in(value), secret):
                        yield finding(
                            "VB150",
                            item.position,
                            f"{found} is sensitive and stands in a URL",
                            "send it as json",
                        )
                sent = references_in(item.json) if isinstance(item, Notify) and item.json is not None else ()
                if found := _touches(sent, secret):
                    message = f"{found} is sensitive and is sent with a notification"
                    hint = "whoever gets the webhook could keep it: leave it out"
                    yield finding("VB152", item.position, message, hint, "warning")
            case Set(values=values):
                yield from _copied(item, values, secret)
            case Choice(set=dict() as values) | Handler(set=dict() as values):
                yield from _copied(item, values, secret)
            case Callback(number=Template() as number) if found := _touches(number.references, secret):
                message = f"{found} is sensitive and stands in a number that is dialled"
                yield finding("VB150", item.position, message)
            case QueueStep(whisper=Text() as text) | Transfer(whisper=Text() as text):
                if found := _touches(text.references, secret):
                    yield finding(
                        "VB150", text.position, f"{found} is sensitive and is whispered to an agent"
                    )
            case _:
                pass
        if isinstance(item, (QueueStep, Transfer)):
            for header, content in (item.headers or {}).items():
                if found := _touches(content.references, secret):
                    message = f"{found} is sensitive and stands in the header {header}"
                    yield finding("VB150", item.position, message)
        if isinstance(item, Transfer) and (found := _touches(item.to.references, secret)):
            yield finding(
                "VB150", item.position, f"{found} is sensitive and stands in a number that is dialled"
            )


def check_secrets(dialplan: Dialplan) -> Iterator[Finding]:
    """VB153: a password or token of a service stands in the dialplan, where every version is kept and colleagues read it."""
    for service in dialplan.services.values():
        auth = service.auth or {}
        basic = auth.get("basic")
        login = _LOGIN.match(service.base_url)
        texts: dict[str, object] = {
            "base_url": login.group(1) if login is not None else "",
            "auth.bearer": auth.get("bearer", ""),
            "auth.basic.password": basic.get("password", "") if isinstance(basic, Mapping) else "",
        }
        for header, value in (service.headers or {}).items():
            if _SECRET_HEADER.search(header):
                texts[f"headers.{header}"] = value
        for name, text in texts.items():
            literal = str(text)
            if literal and "${" not in literal:
                message = f"a secret of the service {service.name} stands in the dialplan: {name}"
                yield finding(
                    "VB153", service.position, message, "${NAME} is an environment variable", "warning"
                )


_LOGIN = re.compile(r"https?://[^/@:]*:([^/@]+)@", re.IGNORECASE)
_SECRET_HEADER = re.compile(r"auth|token|secret|password|cookie|api[-_]?key", re.IGNORECASE)


def _copied(item: Set | Choice | Handler, values: dict[str, Value], secret: set[str]) -> Iterator[Finding]:
    for name, value in values.items():
        if found := _touches(references_in(value), secret - {name}):
            message = f"{name} is set from {found}, which is sensitive: it is kept secret as well"
            hint = "where only a part of it is meant, ask for that part in a slot of its own"
            yield finding("VB151", item.position, message, hint, "info")


def _copies(dialplan: Dialplan, secret: set[str]) -> set[str]:
    """Return the variables that are set from something sensitive, directly or through others."""
    assigned = [
        pair
        for item in everything(dialplan)
        for pair in (item.values if isinstance(item, Set) else getattr(item, "set", None) or {}).items()
    ]
    copies: set[str] = set()
    while True:
        more = {name for name, value in assigned if _touches(references_in(value), secret | copies)}
        if more <= copies:
            return copies
        copies |= more


def _touches(references: Iterable[Reference], secret: set[str]) -> str:
    found = sorted(".".join(item.path[:2]) for item in references if ".".join(item.path[:2]) in secret)
    return found[0] if found else ""
