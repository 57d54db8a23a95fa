"""A test as it is written in a dialplan: an entry of `tests`, ready to paste."""

import json
from collections.abc import Iterable

from voicebot.dialplan.testcases import Act, CallerTest, Stub, StubAnswer


def written(test: CallerTest) -> str:
    """Return the entry, indented as below `tests:`."""
    lines = [f"name: {_text(test.name)}"]
    if test.at is not None:
        lines.append(f'at: "{test.at:%Y-%m-%d %H:%M}"')
    caller = test.caller if isinstance(test.caller, str) else _list(map(_act, test.caller))
    lines.append(f"caller: {caller}")
    if test.agents:
        lines.append(f"agents: {_map((_text(name), how) for name, how in test.agents.items())}")
    if test.stub:
        lines.append(f"stub: {_map((_text(name), _stub(stub)) for name, stub in test.stub.items())}")
    expect = [
        (name, _list(map(_text, values)))
        for name in ("heard", "not_heard", "flow", "exit")
        if (values := getattr(test.expect, name))
    ]
    lines.append(f"expect: {_map(expect)}")
    return "  - " + "\n    ".join(lines) + "\n"


def _act(act: Act) -> str:
    match act.kind:
        case "silence":
            return _map([("silence", _seconds(act.seconds))])
        case "say" | "dtmf":
            content = _text(act.text)
        case _:
            content = "{}"
            if act.at is None:
                return act.kind
    rest = [("at", _seconds(act.at))] if act.at is not None else []
    if act.confidence is not None:
        rest.append(("confidence", f"{act.confidence:g}"))
    return _map([(act.kind, content), *rest])


def _stub(stub: Stub) -> str:
    return _map((_text(_route(request)), _answer(answer)) for request, answer in stub.items())


def _route(request: str) -> str:
    method, space, path = request.partition(" ")
    return f"{method.lower()}{space}{path}"


def _answer(answer: StubAnswer) -> str:
    if not answer.status:
        return "timeout"
    parts = [("status", str(answer.status))]
    if answer.body is not None:
        parts.append(("body", json.dumps(answer.body, ensure_ascii=False)))
    return _map([*parts, ("after", _seconds(answer.after))])


def _seconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms" if seconds != int(seconds) else f"{int(seconds)}s"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _map(pairs: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in pairs) + "}"


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"
