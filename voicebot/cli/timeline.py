"""A call's timeline as a person reads it: when, who, what."""

import re
from collections.abc import Callable, Iterable, Mapping

from rich.table import Table
from rich.text import Text

from voicebot.storage import TimelineEvent

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
WHO_STYLE = {"bot": "cyan", "caller": "green", "queue": "magenta", "agent": "magenta"}
# Where an event comes from is worth a column in JSON only.
HIDDEN = frozenset(
    {
        *("step", "line", "file", "handler_line", "handler_file", "choice_line", "choice_file"),
        *("handler_column", "choice_column"),
        *(
            "recognised",
            "bounds",
            "others",
            "template",
            "score",
            "when",
            "values",
        ),  # `voicebot why` tells them
    }
)
Data = Mapping[str, object]


def plain(text: str) -> Text:
    """Return text that peers sent, safe for a terminal: no markup, no control characters."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def duration(seconds: float | None) -> str:
    """Return `4.2 s`, `1:12` or `1:02:03`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def offset(seconds: float) -> str:
    """Return `+mm:ss.s`."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"+{tenths // 600:02}:{tenths % 600 / 10:04.1f}"


def timeline(events: Iterable[TimelineEvent]) -> Table:
    """Return one row an event."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for event in events:
        who, what = describe(event)
        table.add_row(offset(event.offset), Text(who, style=WHO_STYLE.get(who, "dim")), plain(what))
    return table


def describe(event: TimelineEvent) -> tuple[str, str]:
    """Return who did it and what it was; an unknown kind is told by its name and its fields."""
    known = _KINDS.get(event.kind)
    if known is None:
        return "", " ".join(filter(None, (event.kind.replace("_", " "), _rest(event.data))))
    who, tell, told = known
    return who, " ".join(filter(None, (tell(event.data), _rest(event.data, told))))


def _rest(data: Data, told: Iterable[str] = ()) -> str:
    """Return the fields that the sentence did not tell."""
    hidden = HIDDEN.union(told)
    return " ".join(
        f"{name}={_value(value)}"
        for name, value in data.items()
        if name not in hidden and value not in ("", None)
    )


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _quoted(data: Data, key: str = "text") -> str:
    return f"“{data[key]}”" if data.get(key) else ""


def _meant(data: Data) -> str:
    """Return `-> balance 82 %`: what was understood, and how surely."""
    intent = data.get("intent")
    confidence = data.get("confidence")
    parts = [f"→ {intent}"] if intent else []
    if isinstance(confidence, int | float):
        parts.append(f"{confidence:.0%}")
    if data.get("link"):
        parts.append("(link)")
    return " ".join(parts)


def _heard(data: Data) -> str:
    said = "said something sensitive" if data.get("sensitive") else _quoted(data)
    return " ".join(filter(None, (said, _meant(data))))


def _keyed(data: Data) -> str:
    keys = "sensitive" if data.get("sensitive") else data.get("keys", "")
    return " ".join(filter(None, (f"keys {keys}", _meant(data))))


def _not_understood(data: Data) -> str:
    keys = f"keys {data['keys']}" if data.get("keys") else ""
    what = "something sensitive" if data.get("sensitive") else " ".join(filter(None, (_quoted(data), keys)))
    return f"{what or 'a sound'}: not understood"


def _step(data: Data) -> str:
    line = f" (line {data['line']})" if data.get("line") else ""
    return f"{data.get('verb', 'step')} {data.get('step', '')}{line}".strip()


def _unheard(data: Data) -> str:
    who = "the caller" if data.get("leg") == "caller" else data.get("leg", "?")
    source, told = data.get("source", "?"), data.get("told", "?")
    return f"no audio came from {who}; packets from {source} were dropped, the SDP says {told}"


def _of(template: str, *keys: str) -> Callable[[Data], str]:
    """Return a sentence about the given fields."""
    return lambda data: template.format(*(_value(data.get(key, "?")) for key in keys))


# kind -> who, the sentence, and the fields that it tells
_KINDS: dict[str, tuple[str, Callable[[Data], str], tuple[str, ...]]] = {
    "answered": ("call", _of("answered"), ()),
    "said": ("bot", _quoted, ("text", "language")),
    "heard": ("caller", _heard, ("text", "intent", "confidence", "link", "sensitive")),
    "keys": ("caller", _keyed, ("keys", "intent", "confidence", "link", "sensitive", "tier")),
    "agent_held": ("agent", _of("{} puts the caller on hold: music", "agent"), ("agent",)),
    "agent_resumed": ("agent", _of("{} is back", "agent"), ("agent",)),
    "early_media": ("call", _of("hears what the far end plays before it answers"), ()),
    "unheard": (
        "call",
        _unheard,
        ("leg", "source", "told"),
    ),
    "gave_way": ("call", _of("the ACK does not come, and the line is wanted"), ()),
    "came_back": ("call", _of("comes back to us again and again ({} times)", "rounds"), ("rounds",)),
    "held": ("caller", _of("puts us on hold"), ()),
    "resumed": ("caller", _of("is back"), ()),
    "late_key": ("caller", _of("keys {}, which ends the answer before", "key"), ("key",)),
    "noinput": ("caller", _of("silent"), ()),
    "nomatch": ("caller", _not_understood, ("text", "keys", "sensitive")),
    "step": ("step", _step, ("verb",)),
    "branch": ("step", _of("takes {}", "taken"), ("taken",)),
    "goto": ("step", _of("goes to {}", "flow"), ("flow",)),
    "handler": ("step", _of("handler of {}", "event_name"), ("event_name",)),
    "language": ("call", _of("language {}", "language"), ("language",)),
    "queue_joined": ("queue", _of("joins {}", "queue"), ("queue",)),
    "queue_position": ("queue", _of("place {} in {}", "position", "queue"), ("position", "queue")),
    "queue_left": ("queue", _of("leaves {}: {}", "queue", "exit"), ("queue", "exit")),
    "agent_ringing": ("agent", _of("{}'s phone rings", "agent"), ("agent", "queue")),
    "agent_answered": ("agent", _of("{} answers", "agent"), ("agent",)),
    "agent_missed": ("agent", _of("{} does not take it: {}", "agent", "cause"), ("agent", "cause")),
    "bridged": ("agent", _of("caller and {} hear each other", "agent"), ("agent",)),
    "agent_left": ("agent", _of("{} leaves: {}", "agent", "cause"), ("agent", "cause")),
    "agent_transfer": (
        "agent",
        _of("{} passes the caller on to {}: {}", "agent", "to", "exit"),
        ("agent", "to", "exit"),
    ),
    "replaced": ("call", _of("{} goes on at the phone of {}", "leg", "by"), ("leg", "by")),
    "route_failed": ("call", _of("not by {}: {} {}", "trunk", "exit", "status"), ("trunk", "exit", "status")),
    "transfer_refused": ("call", _of("transfer {}: {}", "way", "exit"), ("way", "exit")),
    "transfer": ("call", _of("transfer to {}", "to"), ("to",)),
    "callback_exit": ("call", _of("callback: {}", "exit"), ("exit",)),
    "transfer_exit": ("call", _of("transfer: {}", "exit"), ("exit",)),
    "recording": ("call", _of("recording: {}", "mode"), ("mode",)),
    "ended": ("call", _of("ended: {}, by {}", "cause", "by"), ("cause", "by")),
}
