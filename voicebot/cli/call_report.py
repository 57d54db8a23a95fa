"""What `voicebot call` prints: the call as it happens, a summary, or one JSON document."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from voicebot.cli.timeline import plain
from voicebot.phone.call import PhoneCall, PhoneEvent
from voicebot.phone.ear import Heard
from voicebot.phone.hearing import speech_level_db

_STYLES = {"bot": "cyan", "caller": "green", "agent": "magenta", "call": "dim"}


class Report:
    """Prints lines with the seconds since the first of them."""

    def __init__(self, console: Console) -> None:
        self.heard: list[Heard] = []
        self._console = console
        self._start: float | None = None
        self._now = 0.0
        self._answered_at = 0.0

    def line(self, who: str, what: str, *, style: str = "", at: float | None = None) -> None:
        """Print one line, with the instant of the last event or another one."""
        instant = self._now if at is None else at
        start = instant if self._start is None else self._start
        text = Text.assemble((f"{instant - start:7.1f} s  ", "dim"), (f"{who:<8}", _STYLES.get(who, "")))
        self._console.print(text + Text(plain(what).plain, style=style))

    def on_event(self, call: PhoneCall, event: PhoneEvent) -> None:
        self._event("caller" if call.direction == "out" else "agent", event)

    def on_agent_event(self, call: PhoneCall, event: PhoneEvent) -> None:
        self._event("agent", event)

    def _event(self, who: str, event: PhoneEvent) -> None:
        self._now = event.at
        if self._start is None:
            self._start = event.at
        other = "bot" if who == "caller" else "caller"
        match event.kind:
            case "says":
                self.line(who, f"“{event.text}”")
            case "keys":
                self.line(who, f"keys {event.text}")
            case "key":
                self.line(other, f"key {event.text}")
            case "speech_begins":
                self.line(other, "speaks ...", style="dim")
            case "speech_ends":
                self.line(other, f"was heard at {event.level_db:.0f} dB", style="dim")
            case "answered":
                self._answered_at = event.at
                self.line("call", f"answered, {event.text}" if who == "caller" else f"{who} answers")
            case kind:
                self.line(
                    "call", f"{kind} {event.text}" if who == "caller" else f"{who}: {kind} {event.text}"
                )

    def on_heard(self, heard: Heard) -> None:
        """Print what was recognised by ear."""
        self.heard.append(heard)
        if heard.text is not None:
            words = f"“{heard.text}”" + ("" if heard.complete else " (cut short)")
            self.line("bot", words, at=self._answered_at + heard.start)

    def impatient(self) -> None:
        self.line("call", "the other side says nothing; going on", style="yellow")

    def summary(self, call: PhoneCall, record: Path | None) -> None:
        """Print how the call was."""
        gaps = call.heard.gaps()
        self._console.print(
            f"\nthe call lasted {_seconds(call):.1f} s, {call.codec}; received {len(call.heard.packets)} packets, "
            f"{call.heard.lost} lost, jitter {call.jitter_ms:.1f} ms, "
            f"largest gap {1000 * float(gaps.max(initial=0.0)):.0f} ms; "
            f"heard at {speech_level_db(call.heard.samples):.0f} dB, said at {speech_level_db(call.said.samples):.0f} dB"
        )
        if record is not None:
            self._console.print(f"recorded in {record} (left: heard, right: said)", markup=False)


def _seconds(call: PhoneCall) -> float:
    return (call.ended_at or 0.0) - call.answered_at if call.answered_at is not None else 0.0


def as_data(call: PhoneCall, heard: list[Heard]) -> dict[str, object]:
    """Return the whole call as JSON data. Instants are seconds since the INVITE; `heard` since the answer."""
    gaps = call.heard.gaps()

    def percentile(share: float) -> float | None:
        return round(1000 * float(np.percentile(gaps, share)), 2) if len(gaps) else None

    return {
        "uri": call.uri,
        "direction": call.direction,
        "answered": call.answered_at is not None,
        "status": call.status or (200 if call.answered_at is not None else 0),
        "seconds_to_answer": round((call.answered_at or call.invited_at) - call.invited_at, 4),
        "seconds": round(_seconds(call), 3),
        "ended_by_other": call.ended_by_peer,
        "codec": call.codec,
        "keys_sent": call.keys_sent,
        "keys_received": call.keys_received,
        "heard": [
            {
                "text": each.text,
                "language": each.language,
                "start": round(each.start, 2),
                "end": round(each.end, 2),
                "complete": each.complete,
            }
            for each in heard
        ],
        "level_heard_db": round(speech_level_db(call.heard.samples), 1),
        "level_said_db": round(speech_level_db(call.said.samples), 1),
        "rtp": {
            "received": len(call.heard.packets),
            "lost": call.heard.lost,
            "jitter_ms": round(call.jitter_ms, 2),
            "gap_p50_ms": percentile(50),
            "gap_p99_ms": percentile(99),
            "gap_max_ms": percentile(100),
        },
        "events": [
            {"at": round(event.at - call.invited_at, 3), "kind": event.kind, "text": event.text}
            for event in call.events
        ],
    }
