"""The demo on the screen: what the bot was heard to say on the left, what the caller says and keys on the right."""

import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voicebot.cli.timeline import describe, plain
from voicebot.phone.call import PhoneEvent
from voicebot.storage import TimelineEvent

# What the server's timeline tells besides what can be heard: steps, meaning, queue.
_HEARD_ANYWAY = frozenset(
    {"said", "answered", "set", "flow", "call", "return", "noinput", "record", "transfer"}
)


class Screen:
    """Prints lines as they happen, with the seconds since the call began."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._start: float | None = None

    def begin(self) -> None:
        self._start = time.monotonic()
        self.console.print()
        self._row("", Text("the hotline, as heard", "bold"), Text("the caller", "bold"))

    def bot(self, text: str, at: float) -> None:
        """What was heard; `at` is when it began, in seconds of the call."""
        self._row(f"{at:5.1f} s", Text("“" + text + "”", "cyan"), Text())

    def caller(self, text: str) -> None:
        self._row(self._clock(), Text(), Text(text, "green"))

    def agent(self, text: str) -> None:
        self._row(self._clock(), Text("agent's phone: " + text, "magenta"), Text())

    def note(self, text: str, style: str = "dim") -> None:
        self._row(self._clock(), Text(text, style), Text())

    def signalling(self, event: PhoneEvent) -> None:
        """Show the SIP side of the caller's phone."""
        if event.kind in ("calling", "ringing", "answered", "failed", "ended"):
            self._row(self._clock(), Text(), Text(f"{event.kind} {event.text}", "dim"))

    def server_event(self, event: TimelineEvent) -> None:
        """Show what the server's own timeline says."""
        if event.kind in _HEARD_ANYWAY:
            return
        who, what = describe(event)
        side = plain(" ".join(filter(None, (who, what))))
        side.stylize("dim")
        mine, theirs = (Text(), side) if who == "caller" else (side, Text())
        self._row("", Text("  ") + mine, theirs)

    def check(self, good: bool, name: str, detail: str) -> None:
        mark = Text("  ok   ", "green") if good else Text("  FAIL ", "bold red")
        self.console.print(mark + plain(name) + Text(f"  {plain(detail).plain}" if detail else "", "dim"))

    def _clock(self) -> str:
        return "" if self._start is None else f"{time.monotonic() - self._start:5.1f} s"

    def _row(self, clock: str, left: Text, right: Text) -> None:
        width = max(60, min(self.console.width, 120)) - 10
        table = Table.grid(padding=(0, 1))
        table.add_column(width=7, justify="right", style="dim")
        table.add_column(width=int(width * 0.62), overflow="fold")
        table.add_column(width=int(width * 0.38), overflow="fold")
        table.add_row(clock, left, right)
        self.console.print(table)


class Aside(Screen):
    """The screen of another call that goes on meanwhile: nothing of it is shown."""

    def _row(self, clock: str, left: Text, right: Text) -> None:
        return
