"""`tests` of a dialplan: read and validated. Running them is the simulator's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from voicebot.dialplan.fields import Reader, duration, key, list_of, map_of, one_of, string, value
from voicebot.dialplan.inputs import keys
from voicebot.dialplan.schema import CallerTest
from voicebot.dialplan.source import Mapping, Node, Scalar, plain


def _act(reader: Reader, node: Node) -> tuple[str, Any]:
    """One thing that the caller does."""
    if isinstance(node, Scalar):
        return one_of("unclear", "hangup")(reader, node), None
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        reader.refuse(node, "VB023", "one of say, dtmf, silence, unclear, hangup is expected")
    name, content = node.entries[0]
    verb: str = one_of("say", "dtmf", "silence", "unclear", "hangup")(reader, name)
    kinds = {"say": string, "dtmf": keys, "silence": duration(), "unclear": value, "hangup": value}
    return verb, kinds[verb](reader, content)


def _caller(reader: Reader, node: Node) -> Any:
    if isinstance(node, Scalar):
        return one_of("silence", "mumble")(reader, node)
    return list_of(_act)(reader, node)


def _at(reader: Reader, node: Node) -> str:
    text = string(reader, node)
    try:
        datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        reader.refuse(node, "VB026", f"{text!r} is no date and time", 'write "2026-11-24 10:00"')
    return text


@dataclass(frozen=True, kw_only=True)
class _Expect:
    heard: tuple[str, ...] = key(list_of(string, single=True), ())
    not_heard: tuple[str, ...] = key(list_of(string, single=True), ())
    flow: tuple[str, ...] = key(list_of(string, single=True), ())
    exit: str | None = key(string)
    slot: dict[str, Any] | None = key(map_of(value))
    within: float | None = key(duration())


@dataclass(frozen=True, kw_only=True)
class _Case:
    name: str = key(string, required=True)
    caller: Any = key(_caller, required=True)
    at: str | None = key(_at)
    agents: dict[str, str] | None = key(map_of(one_of("answers", "busy", "no_answer", "declines")))
    stub: dict[str, Any] | None = key(map_of(value))
    expect: _Expect = key(lambda reader, node: reader.build(_Expect, node), required=True)


def case(reader: Reader, node: Node) -> CallerTest:
    """The kind of one entry of `tests`."""
    found = reader.build(_Case, node)
    return CallerTest(found.name, node.position, plain(node))
