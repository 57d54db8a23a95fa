"""What input steps share: options, phrases, choices, links and handlers."""

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

from voicebot.dialplan.fields import (
    Kind,
    Named,
    Reader,
    Refused,
    Value,
    boolean,
    duration,
    integer,
    key,
    list_of,
    number,
    one_of,
    pointer,
    string,
    value,
)
from voicebot.dialplan.line import BargeIn, InputOptions
from voicebot.dialplan.source import Mapping, Node, Position, Scalar, describe, nearest
from voicebot.dialplan.source import Sequence as ListNode
from voicebot.dialplan.targets import Step, Target, Way, flow_name, target, way_to
from voicebot.dialplan.texts import Text, text
from voicebot.nlu.templates import TemplateError, parse_template

Event = Literal["noinput", "nomatch", "help", "repeat", "operator", "error", "hangup"]
EVENTS: tuple[str, ...] = get_args(Event)
LINK_EVENTS = ("operator", "help", "repeat")
BARGE_INS = ("reversible", "immediate", "none")

_KEYS = re.compile(r"[0-9*#A-D]{1,32}")
_HAN = re.compile("[\u3400-\u9fff]")
_HAN_LANGUAGES = ("zh", "yue", "ja")


# --- options -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Confidence:
    """Bounds between refused, confirmed and taken, and how close two choices may be."""

    reject: float = key(number(0, 1), 0.35)
    confirm: float = key(number(0, 1), 0.7)
    margin: float = key(number(0, 1), 0.1)


def confidence(reader: Reader, node: Node) -> Confidence:
    found = reader.build(Confidence, node)
    if found.reject > found.confirm:
        reader.refuse(node, "VB023", "reject is above confirm")
    return found


def term_char(reader: Reader, node: Node) -> str:
    text_ = string(reader, node)
    if not re.fullmatch(r"[0-9*#A-D]?", text_):
        reader.refuse(node, "VB023", "the term_char is one key", '"#", "*", or "" for none')
    return text_


def bare_input(reader: Reader, node: Node) -> tuple[str, ...]:
    found: tuple[str, ...] = list_of(one_of("speech", "dtmf"), single=True, least=1)(reader, node)
    return found


@dataclass(frozen=True, kw_only=True)
class Options:
    """The input options, each None where it is not written."""

    timeout: float | None = key(duration(0.5, 300))
    complete_timeout: float | None = key(duration(0.1, 10))
    incomplete_timeout: float | None = key(duration(0.1, 10))
    max_speech: float | None = key(duration(1, 120))
    interdigit_timeout: float | None = key(duration(0.3, 60))
    term_char: str | None = key(term_char)
    confidence: Confidence | None = key(confidence)
    input: tuple[str, ...] | None = key(bare_input)
    barge_in: BargeIn | None = key(one_of(*BARGE_INS))
    sensitive: bool | None = key(boolean)


@dataclass(frozen=True, kw_only=True)
class Defaults(Options):
    """`defaults` of the dialplan."""

    max_events: int = key(integer(1, 100), 12)


OPTION_NAMES = tuple(field.name for field in fields(Options))


def option(name: str, *layers: Options) -> Any:
    """Return the value of the innermost layer that has one, or None."""
    for layer in layers:
        found = getattr(layer, name)
        if found is not None:
            return found
    return None


def input_options(*layers: Options) -> InputOptions:
    """Return what the line is told, from the layers, innermost first."""
    standard = InputOptions()
    complete = option("complete_timeout", *layers)
    return InputOptions(
        timeout=option("timeout", *layers) or standard.timeout,
        complete_timeout=complete or standard.complete_timeout,
        final_timeout=min(standard.final_timeout, complete or standard.final_timeout),
        incomplete_timeout=option("incomplete_timeout", *layers) or standard.incomplete_timeout,
        max_speech=option("max_speech", *layers) or standard.max_speech,
        interdigit_timeout=option("interdigit_timeout", *layers) or standard.interdigit_timeout,
        term_char=standard.term_char
        if option("term_char", *layers) is None
        else option("term_char", *layers),
        barge_in=option("barge_in", *layers) or standard.barge_in,
    )


# --- phrases -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Phrase:
    """One checked template of a language."""

    source: str
    position: Position


Phrases = dict[str, tuple[Phrase, ...]]  # by language


def phrases(reader: Reader, node: Node) -> Phrases:
    """A list (each item goes to the languages of its script), or lists by language."""
    if isinstance(node, Mapping):
        return _phrases_by_language(reader, node)
    if isinstance(node, Scalar):
        node = ListNode(node.position, (node,))
    found: dict[str, list[Phrase]] = {}
    good = True
    for item in node.items:
        try:
            source = string(reader, item)
        except Refused:
            good = False
            continue
        han = bool(_HAN.search(source))
        fitting = [
            lang
            for lang in reader.languages
            if len(reader.languages) == 1 or lang.startswith(_HAN_LANGUAGES) == han
        ]
        if not fitting:
            reader.note(item.position, "VB025", "no language of the hotline is written so")
            good = False
        for language in fitting:
            try:
                found.setdefault(language, []).append(phrase(reader, item, language))
            except Refused:
                good = False
    if not node.items:
        reader.refuse(node, "VB023", "the list of phrases is empty")
    if not good:
        raise Refused
    return {language: tuple(items) for language, items in found.items()}


def _phrases_by_language(reader: Reader, node: Mapping) -> Phrases:
    found: Phrases = {}
    good = True
    for name, items in node.entries:
        if name.text not in reader.languages:
            hint = nearest(name.text, reader.languages) or f"languages: {', '.join(reader.languages)}"
            reader.note(name.position, "VB025", f"{name.text!r} is no language of the hotline", hint)
            good = False
            continue

        def kind(reader: Reader, item: Node, language: str = name.text) -> Phrase:
            return phrase(reader, item, language)

        try:
            found[name.text] = list_of(kind, single=True, least=1)(reader, items)
        except Refused:
            good = False
    if not good or not found:
        raise Refused
    return found


def phrase(reader: Reader, node: Node, language: str) -> Phrase:
    source = string(reader, node)
    try:
        parse_template(source, language)
    except TemplateError as error:
        quoted = isinstance(node, Scalar) and node.quoted
        at = Position(
            node.position.file, node.position.line, node.position.column + error.column - 1 + int(quoted)
        )
        reader.note(at, "VB031", f"the phrase cannot be used: {error.message}")
        raise Refused from None
    return Phrase(source, node.position)


def keys(reader: Reader, node: Node) -> str:
    """A key, or keys in a row: quoted, so that no zero is lost."""
    if isinstance(node, Scalar) and not node.bad and isinstance(node.value, (int, float)):
        reader.refuse(node, "VB009", f"the keys {node.text} stand without quotes", f'write "{node.text}"')
    text_ = string(reader, node)
    if not _KEYS.fullmatch(text_):
        reader.refuse(node, "VB023", f"{text_!r} cannot be keyed", "0-9, * and # can")
    return text_


# --- choices, links, handlers --------------------------------------------------------------------------------------


def assignments(reader: Reader, node: Node) -> dict[str, Value]:
    """The kind of `set`: `call.NAME` or `slot.NAME` to a value."""
    if not isinstance(node, Mapping) or not node.entries:
        reader.refuse(node, "VB021", f"a map of variables is expected, not {describe(node)}")
    found: dict[str, Value] = {}
    good = True
    for name, content in node.entries:
        if not re.fullmatch(r"(call|slot)\.[A-Za-z][A-Za-z0-9_]*", name.text):
            reader.note(
                name.position, "VB028", f"{name.text!r} cannot be set", "set writes call.NAME or slot.NAME"
            )
            good = False
        elif name.text in READ_ONLY:
            reader.note(name.position, "VB028", f"{name.text} belongs to the call and cannot be set")
            good = False
        try:
            found[name.text] = value(reader, content)
        except Refused:
            good = False
    if not good:
        raise Refused
    return found


READ_ONLY = ("call.from", "call.from_name", "call.to", "call.uid", "call.headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing that may be said or keyed."""

    position: Position
    dtmf: str | None = key(keys)
    phrases: Phrases | None = key(phrases)
    intent: Named | None = key(pointer)
    set: dict[str, Value] | None = key(assignments)
    say: Text | None = key(text)
    goto: Target | None = key(target)
    call: Named | None = key(flow_name)

    @property
    def way(self) -> Way:
        return Way("call", flow=self.call) if self.call is not None else way_to(self.goto)


def choice(reader: Reader, node: Node) -> Choice:
    found = reader.build(Choice, node, position=node.position)
    if found.dtmf is None and found.phrases is None and found.intent is None:
        reader.refuse(
            node, "VB022", "the choice can be neither said nor keyed", "give dtmf, phrases or intent"
        )
    if found.goto is not None and found.call is not None:
        reader.refuse(node, "VB023", "a choice has goto or call, not both")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is heard in every input step and while queueing: leaves, or raises an event."""

    position: Position
    intent: Named | None = key(pointer)
    phrases: Phrases | None = key(phrases)
    dtmf: str | None = key(keys)
    goto: Target | None = key(target)
    call: Named | None = key(flow_name)
    event: str | None = key(one_of(*LINK_EVENTS))


def link(reader: Reader, node: Node) -> Link:
    found = reader.build(Link, node, position=node.position)
    if found.dtmf is None and found.phrases is None and found.intent is None:
        reader.refuse(node, "VB022", "the link can be neither said nor keyed", "give intent, phrases or dtmf")
    if sum(item is not None for item in (found.goto, found.call, found.event)) != 1:
        reader.refuse(node, "VB022", "a link has exactly one of goto, call, event")
    return found


def play_files(reader: Reader, node: Node) -> "Files":
    """The kind of an audio file: one, or one by language."""
    if isinstance(node, Scalar):
        return Files(node.position, {"": _file(reader, node)})
    if not isinstance(node, Mapping) or not node.entries:
        reader.refuse(node, "VB021", f"an audio file is expected, not {describe(node)}")
    found: dict[str, str] = {}
    good = True
    for name, item in node.entries:
        if name.text not in reader.languages:
            reader.note(name.position, "VB025", f"{name.text!r} is no language of the hotline")
            good = False
        try:
            found[name.text] = _file(reader, item)
        except Refused:
            good = False
    if not good:
        raise Refused
    return Files(node.position, found)


def _file(reader: Reader, node: Node) -> str:
    path = string(reader, node)
    if path.startswith(("/", "~")) or "\\" in path or ".." in path.split("/") or not path.endswith(".wav"):
        reader.refuse(node, "VB023", f"{path!r} is no audio file", "a .wav, relative to the folder prompts/")
    return path


@dataclass(frozen=True, slots=True)
class Files:
    """Audio files by language; "" = every language."""

    position: Position
    files: MappingType[str, str]

    def in_language(self, language: str) -> str:
        return self.files.get(language) or self.files.get("") or next(iter(self.files.values()))


Reprompt = Literal["full", "brief", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One entry under an event: what is done from its `count`-th time on."""

    position: Position
    event: str
    count: int = key(integer(1, 100), 1)
    set: dict[str, Value] | None = key(assignments)
    say: Text | None = key(text)
    play: Files | None = key(play_files)
    goto: Target | None = key(target)
    call: Named | None = key(flow_name)
    reprompt: Reprompt | None = key(one_of("full", "brief", "none"))
    input: tuple[str, ...] | None = key(bare_input)
    # the short form of a link that raises this event (operator, help, repeat)
    intent: Named | None = key(pointer)
    phrases: Phrases | None = key(phrases)
    dtmf: str | None = key(keys)

    @property
    def way(self) -> Way | None:
        """Return where it leads, or None when the prompt is spoken again."""
        if self.goto is not None:
            return way_to(self.goto)
        if self.call is not None and self.reprompt is None:
            return Way("call", flow=self.call)
        return None

    @property
    def link(self) -> Link | None:
        if self.intent is None and self.phrases is None and self.dtmf is None:
            return None
        return Link(
            position=self.position,
            intent=self.intent,
            phrases=self.phrases,
            dtmf=self.dtmf,
            event=self.event,
        )


def handler(event: str) -> Kind:
    def read(reader: Reader, node: Node) -> Handler:
        if isinstance(node, Scalar):
            reader.refuse(node, "VB021", "a handler is a map", f"write {{goto: {node.text}}}")
        found = reader.build(Handler, node, position=node.position, event=event)
        if found.goto is not None and (found.call is not None or found.reprompt is not None):
            reader.refuse(node, "VB023", "after goto nothing follows: remove call or reprompt")
        if found.link is not None and event not in LINK_EVENTS:
            reader.refuse(
                node, "VB023", f"{event} is not raised by phrases or keys", f"{', '.join(LINK_EVENTS)} are"
            )
        if event == "error" and found.goto is None:
            reader.refuse(node, "VB022", "a handler of error must leave", "give it a goto")
        return found

    return read


def handlers(event: str) -> Kind:
    """The entries of one event."""
    kind = list_of(handler(event), single=True, least=1)

    def read(reader: Reader, node: Node) -> tuple[Handler, ...]:
        found: tuple[Handler, ...] = kind(reader, node)
        seen: set[int] = set()
        for item in found:
            if item.count in seen and item.link is None:
                reader.refuse(node, "VB023", f"two handlers of {event} have the count {item.count}")
            seen.add(item.count)
        return found

    return read


@dataclass(frozen=True, kw_only=True)
class InputStep(Step, Options):
    """Menu, listen, collect, form and confirm: a prompt, and an answer to it."""

    waits: ClassVar[bool] = True

    prompt: Text = key(text, required=True)
    brief: Text | None = key(text)
    links: tuple[Link, ...] = key(list_of(link), ())
    noinput: tuple[Handler, ...] = key(handlers("noinput"), ())
    nomatch: tuple[Handler, ...] = key(handlers("nomatch"), ())
    help: tuple[Handler, ...] = key(handlers("help"), ())
    repeat: tuple[Handler, ...] = key(handlers("repeat"), ())
    operator: tuple[Handler, ...] = key(handlers("operator"), ())
    error: tuple[Handler, ...] = key(handlers("error"), ())

    def handlers_of(self, event: str) -> tuple[Handler, ...]:
        found: tuple[Handler, ...] = getattr(self, event, ())
        return found

    def all_links(self) -> tuple[Link, ...]:
        """Return the links of this step, those that stand in its handlers too."""
        short = [item.link for event in LINK_EVENTS for item in self.handlers_of(event)]
        return (*self.links, *(item for item in short if item is not None))

    def handler_ways(self) -> tuple[Way, ...]:
        """Return where the step's own handlers and links lead."""
        found = [item.way for event in EVENTS for item in self.handlers_of(event)]
        linked = [way_to(item.goto) for item in self.links if item.goto is not None]
        called = [Way("call", flow=item.call) for item in self.links if item.call is not None]
        return (*(way for way in found if way is not None), *linked, *called)
