"""The top level of a dialplan, checked and frozen."""

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import (
    Named,
    Reader,
    boolean,
    duration,
    integer,
    key,
    list_of,
    map_of,
    number,
    one_of,
    pointer,
    string,
    template,
)
from voicebot.dialplan.fields import name as any_name
from voicebot.dialplan.hours import Hours
from voicebot.dialplan.inputs import Defaults, Handler, Link, Phrases
from voicebot.dialplan.optionset import Memo
from voicebot.dialplan.slots import Values
from voicebot.dialplan.source import Finding, Mapping, Node, Position, nearest
from voicebot.dialplan.targets import Flow
from voicebot.dialplan.testcases import CallerTest
from voicebot.nlu.languages import LANGUAGES

STRATEGIES = (
    "longest_idle",
    "ring_all",
    "round_robin",
    "linear",
    "random",
    "fewest_calls",
    "least_talk_time",
)


def language(reader: Reader, node: Node) -> str:
    code = string(reader, node)
    if code not in LANGUAGES:
        hint = nearest(code, LANGUAGES) or f"there are {', '.join(LANGUAGES)}"
        reader.refuse(node, "VB025", f"the language {code!r} is not understood", hint)
    return code


def zone(reader: Reader, node: Node) -> ZoneInfo:
    text = string(reader, node)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reader.refuse(node, "VB023", f"there is no time zone {text!r}", "for example Asia/Shanghai or UTC")


@dataclass(frozen=True)
class Hotline:
    """Who is called. `languages`: the first is spoken until the caller has chosen. `answer`: when the call is answered."""

    name: str = key(any_name, required=True)
    languages: tuple[str, ...] = key(list_of(language, least=1), required=True)
    timezone: ZoneInfo = key(zone, ZoneInfo("UTC"))
    start: Named = key(pointer, required=True)
    answer: Literal["at_once", "by_step"] = key(one_of("at_once", "by_step"), "at_once")


@dataclass(frozen=True)
class Relax:
    after: float = key(duration(), required=True)
    drop: str = key(string, required=True)


@dataclass(frozen=True)
class ServiceLevel:
    target: float = key(number(0, 100), required=True)  # per cent
    seconds: float = key(number(0), required=True)


RETRY_AFTER = 0.2  # seconds, between two attempts of a request


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One entry of `queues`; durations in seconds, None without limit. `require` holds templates (`lang:{{ .. }}`)."""

    name: str
    position: Position
    strategy: str = key(one_of(*STRATEGIES), "longest_idle")
    agents: tuple[str, ...] = key(list_of(any_name, single=True), ())
    require: tuple[Template, ...] = key(list_of(template, single=True), ())
    prefer: tuple[str, ...] = key(list_of(string, single=True), ())
    relax: tuple[Relax, ...] = key(list_of(lambda reader, node: reader.build(Relax, node)), ())
    priority: int = key(integer(-1000, 1000), 0)
    ageing: float | None = key(duration(1))
    service_level: ServiceLevel | None = key(lambda reader, node: reader.build(ServiceLevel, node))
    max_wait: float | None = key(duration(1))
    max_length: int | None = key(integer(1, 10000))
    join_empty: bool = key(boolean, False)
    wrap_up: float = key(duration(0, 3600), 0.0)
    ring_timeout: float = key(duration(3, 180), 20.0)
    sticky: bool | None = key(boolean)
    overflow: Named | None = key(pointer)


def login(reader: Reader, node: Node) -> dict[str, Any]:
    """How a service knows us: {"bearer": TOKEN}, or {"basic": {"user": NAME, "password": PASSWORD}}."""
    entries = node.entries if isinstance(node, Mapping) else ()
    found: dict[str, Any] = {}
    match [(name.text, content) for name, content in entries]:
        case [("bearer", content)]:
            if token := string(reader, content):
                found = {"bearer": token}
        case [("basic", content)]:
            basic: dict[str, str] = map_of(string, one_of("user", "password"))(reader, content)
            if len(basic) == 2:
                found = {"basic": basic}
    if not found:
        reader.refuse(
            node,
            "VB023",
            "auth is bearer: TOKEN or basic: {user, password}",
            'for example {bearer: "${SHOP_TOKEN}"}',
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Service:
    """One entry of `services`. `${NAME}` in its texts is the environment, filled in where requests are made."""

    name: str
    position: Position
    base_url: str = key(string, required=True)
    auth: dict[str, Any] | None = key(login)
    headers: dict[str, str] | None = key(map_of(string))
    timeout: float = key(duration(0.1, 60), 5.0)
    retries: int = key(integer(0, 5), 0)

    def attempts(self, method: str) -> int:
        """Return how often a request is made that finds nothing or a 5xx: only a GET is made again, RETRY_AFTER later."""
        return 1 + (self.retries if method == "GET" else 0)


@dataclass(frozen=True)
class Intent:
    name: str
    position: Position
    phrases: Phrases


_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Dialplan:
    """A dialplan that was read whole and has no error. `version` is a hash of the content of all its files."""

    path: str
    version: str
    hotline: Hotline
    defaults: Defaults = field(default_factory=Defaults)
    variables: MappingType[str, Any] = field(default_factory=dict)
    hours: MappingType[str, Hours] = field(default_factory=dict)
    services: MappingType[str, Service] = field(default_factory=dict)
    queues: MappingType[str, Queue] = field(default_factory=dict)
    intents: MappingType[str, Intent] = field(default_factory=dict)
    types: MappingType[str, Values] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    handlers: MappingType[str, tuple[Handler, ...]] = field(default_factory=dict)
    flows: MappingType[str, Flow] = field(default_factory=dict)
    tests: tuple[CallerTest, ...] = ()
    findings: tuple[Finding, ...] = ()  # warnings and notes
    memo: Memo = field(init=False, default_factory=Memo, compare=False, repr=False)

    def all_links(self) -> tuple[Link, ...]:
        """Return the top-level links, the short forms under `handlers` too."""
        short = [handler.link for handlers in self.handlers.values() for handler in handlers]
        return (*self.links, *(item for item in short if item is not None))
