"""`tests` of a dialplan: what a caller does, how agents and services behave, what is expected. The simulator runs them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from voicebot.dialplan.fields import Reader, Refused, duration, key, list_of, map_of, number, one_of, string
from voicebot.dialplan.headers import header_line
from voicebot.dialplan.inputs import keys
from voicebot.dialplan.source import Mapping, Node, Position, Scalar, plain

ActKind = Literal["say", "dtmf", "silence", "unclear", "hangup"]
ACTS: tuple[ActKind, ...] = ("say", "dtmf", "silence", "unclear", "hangup")
Forever = Literal["silence", "mumble"]
AGENT_BEHAVIOURS = ("answers", "busy", "no_answer", "declines", "voicemail")
STUB_AFTER = 0.1  # seconds until a stubbed service answers, if nothing else is said

ANY_REQUEST = "*"

_ROUTE = re.compile(r"(get|post|put|delete) (/\S*)|\*")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that the caller does. `text`: the words, or the keys; `seconds`: how long a silence lasts.

    `at`: seconds after the question began, so that its prompt is interrupted; of a hang-up: after the act before it.
    None: once the prompt was heard. `confidence` is the recogniser's, 0 to 1; None: it is sure.
    """

    kind: ActKind
    text: str = ""
    seconds: float = 0.0
    at: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class StubAnswer:
    """What a stubbed service answers `after` seconds. Status 0: it never does."""

    status: int = 200
    body: object = None
    after: float = STUB_AFTER


RECORDED = (  # what a test may expect of the call's record
    "disposition",
    "release_cause",
    "ended_by",
    "language",
    "queue",
    "agent",
    "from_number",
    "to_number",
)
Stub = dict[str, StubAnswer]  # by "GET /path", or ANY_REQUEST


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What must be true of the call, all of it. `within`: seconds from its begin to the first entry of each `flow`."""

    heard: tuple[str, ...] = key(list_of(string, single=True), ())
    not_heard: tuple[str, ...] = key(list_of(string, single=True), ())
    flow: tuple[str, ...] = key(list_of(string, single=True), ())
    exit: tuple[str, ...] = key(list_of(string, single=True), ())
    slot: dict[str, Any] | None = key(map_of(lambda reader, node: plain(node)))
    within: float | None = key(duration())
    record: dict[str, Any] | None = key(
        map_of(
            lambda reader, node: plain(node),
            one_of(*RECORDED),
        )
    )


@dataclass(frozen=True, kw_only=True)
class CallerTest:
    """One entry of `tests`. `at` is wall time in the hotline's zone; `headers` are the INVITE's, besides the protocol's own."""

    position: Position
    name: str = key(string, required=True)
    caller: tuple[Act, ...] | Forever = key(lambda reader, node: _caller(reader, node), required=True)
    at: datetime | None = key(lambda reader, node: _at(reader, node))
    from_number: str | None = key(lambda reader, node: _party(reader, node), name="from")
    from_name: str = key(header_line, "")
    to_number: str | None = key(lambda reader, node: _party(reader, node), name="to")
    headers: dict[str, str] | None = key(lambda reader, node: _headers(reader, node))
    agents: dict[str, str] | None = key(map_of(one_of(*AGENT_BEHAVIOURS)))
    stub: dict[str, Stub] | None = key(map_of(lambda reader, node: _stub(reader, node)))
    expect: Expect = key(lambda reader, node: _expect(reader, node), required=True)


def case(reader: Reader, node: Node) -> CallerTest:
    """The kind of one entry of `tests`."""
    return reader.build(CallerTest, node, position=node.position)


# --- the caller ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _When:
    at: float | None = key(duration(0, 3600))
    confidence: float | None = key(number(0, 1))


def _act(reader: Reader, node: Node) -> Act:
    """One thing that the caller does: a bare word, or its verb with `at` and `confidence` beside it."""
    if isinstance(node, Scalar):
        word: ActKind = one_of("unclear", "hangup")(reader, node)
        return Act(word)
    verbs = [entry for entry in node.entries if entry[0].text in ACTS] if isinstance(node, Mapping) else []
    if not isinstance(node, Mapping) or len(verbs) != 1:
        reader.refuse(node, "VB023", "one of say, dtmf, silence, unclear, hangup is expected")
    (name, content), verb = verbs[0], verbs[0][0].text
    rest = Mapping(node.position, tuple(entry for entry in node.entries if entry[0] is not name))
    when = reader.build(_When, rest)
    match verb:
        case "say":
            return Act("say", string(reader, content), at=when.at, confidence=when.confidence)
        case "dtmf":
            return Act("dtmf", keys(reader, content), at=when.at)
        case "silence":
            return Act("silence", seconds=duration()(reader, content))
        case "unclear":
            return Act("unclear", at=when.at)
        case _:
            return Act("hangup", at=when.at)


def _caller(reader: Reader, node: Node) -> tuple[Act, ...] | Forever:
    if isinstance(node, Scalar):
        word: Forever = one_of("silence", "mumble")(reader, node)
        return word
    acts: tuple[Act, ...] = list_of(_act)(reader, node)
    return acts


def _at(reader: Reader, node: Node) -> datetime:
    text = string(reader, node)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        reader.refuse(node, "VB026", f"{text!r} is no date and time", 'write "2026-11-24 10:00"')


# --- who calls whom ------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"\+?[0-9*#]{1,64}")
_SEPARATORS = str.maketrans("", "", " -.()/")  # they say nothing, RFC 3966 section 3
_USER = re.compile(r"[^\s:;,@<>\"]{1,64}")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")  # full-width ones look like a number that no call brings
_HEADER = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{2,64}")  # one letter is the short form of another name
_SECRET = frozenset({"authorization", "proxy-authorization"})
_CALL = frozenset({"via", "max-forwards", "from", "to", "call-id", "cseq", "contact", "user-agent"})
_TERMS = frozenset(
    {"allow", "supported", "require", "proxy-require", "session-expires", "min-se", "replaces"}
)
_WAY = frozenset({"route", "record-route"})
_BODY = frozenset({"content-type", "content-length", "content-encoding", "content-disposition"})
_PROTOCOL = _CALL | _TERMS | _WAY | _BODY  # the phone that calls writes these itself


def _party(reader: Reader, node: Node) -> str:
    """A number as `call.from` has it, without what only parts its digits, or the name in its place: `anonymous`."""
    text = string(reader, node)
    number = text.translate(_SEPARATORS)
    if _NUMBER.fullmatch(number):
        return number
    if not _USER.fullmatch(text) or not text.isprintable() or _FOREIGN_DIGIT.search(text):
        reader.refuse(
            node,
            "VB023",
            f"{text!r} is no number to call from or to",
            'for example "+49 30 123", or anonymous',
        )
    return text


def _headers(reader: Reader, node: Node) -> dict[str, str]:
    found: dict[str, str] = map_of(header_line, _header)(reader, node)
    if len({name.lower() for name in found}) < len(found):
        reader.refuse(
            node, "VB023", "a header stands here twice", "write it once, its values joined by commas"
        )
    return found


def _header(reader: Reader, node: Node) -> str:
    """The name of a header that a call may bring, and that its dialplan may read."""
    text = string(reader, node)
    name = text.lower()
    if not _HEADER.fullmatch(text):
        reader.refuse(
            node, "VB023", f"{text!r} is no name of a header", "for example X-Customer or Diversion"
        )
    if name in _SECRET:
        reader.refuse(node, "VB023", f"no dialplan can read the header {text!r}", "leave it out")
    if name in ("from", "to"):
        reader.refuse(node, "VB023", f"{text!r} is no header of a test", f"write {name} beside headers")
    if name in _PROTOCOL:
        reader.refuse(
            node,
            "VB023",
            f"the header {text!r} is written by the phone that calls",
            "X-..., Diversion and others that tell about the call can be sent",
        )
    return text


# --- services ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int = key(lambda reader, node: _status(reader, node), 200)
    body: Any = key(lambda reader, node: plain(node))
    after: float = key(duration(0, 600), STUB_AFTER)


def _status(reader: Reader, node: Node) -> int:
    found = node.value if isinstance(node, Scalar) else None
    if isinstance(found, bool) or not isinstance(found, int) or not 100 <= found <= 599:
        reader.refuse(node, "VB023", "a status of HTTP is expected", "200, 404, 503 ...")
    return found


def _stub(reader: Reader, node: Node) -> Stub:
    """A body that answers every request, `timeout`, or answers by "post /path", "*" for every other."""
    if isinstance(node, Scalar) and node.value == "timeout":
        return {ANY_REQUEST: StubAnswer(0)}
    if not isinstance(node, Mapping) or not any(_ROUTE.fullmatch(name.text) for name, _ in node.entries):
        return {ANY_REQUEST: StubAnswer(200, plain(node))}
    found: Stub = {}
    for name, content in node.entries:
        route = _ROUTE.fullmatch(name.text)
        if route is None:
            reader.refuse(name, "VB023", f"{name.text!r} is no request", 'for example "post /balance"')
        request = f"{route[1].upper()} {route[2]}" if route[1] else ANY_REQUEST
        found[request] = _answer(reader, content)
    return found


def _answer(reader: Reader, node: Node) -> StubAnswer:
    if isinstance(node, Scalar):
        one_of("timeout")(reader, node)
        return StubAnswer(0)
    written = reader.build(_Answer, node)
    return StubAnswer(written.status, written.body, written.after)


# --- expectations --------------------------------------------------------------------------------------------------


def _expect(reader: Reader, node: Node) -> Expect:
    found = reader.build(Expect, node)
    if found.within is not None and not found.flow:
        assert isinstance(node, Mapping)
        at = node.key("within")
        reader.note(
            (at or node).position, "VB022", "within needs a flow", "it is the time until its first entry"
        )
        raise Refused
    return found
