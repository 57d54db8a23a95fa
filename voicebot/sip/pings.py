"""OPTIONS outside of dialogs: is a peer there? (RFC 3261 section 11)"""

from collections.abc import Sequence

from voicebot.sip.address import Address
from voicebot.sip.core import Core, safe_headers
from voicebot.sip.events import PingAnswered
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.scheduler import Entry
from voicebot.sip.timers import NEXT_ADDRESS
from voicebot.sip.transaction_layer import Client
from voicebot.sip.uri import Uri
from voicebot.sip.validation import ACCEPT


class Ping:
    """One question, asked at one address of the peer after the other until one answers (RFC 3263 section 4.3)."""

    def __init__(
        self,
        core: Core,
        number: int,
        target: Uri,
        from_: Uri,
        goals: Sequence[Address],
        local: Address | None,
        headers: HeaderList,
    ) -> None:
        self.number = number
        self.entry: Entry | None = None
        self._core = core
        self._target = target
        self._from = str(NameAddress(from_).with_tag(core.token()))
        self._call_id = core.token()
        self._goal, *self._left = goals
        self._local = local
        self._headers = safe_headers(headers)
        self._sequence = 0
        self._client: Client | None = None
        self._due: float | None = None

    def next_timer(self) -> float | None:
        return self._due

    def handle_timer(self, now: float) -> None:
        """The address has been silent for long enough."""
        if self._due is not None and self._due <= now:
            self._to_next_address(now)

    def ask(self, now: float) -> None:
        core, goal, local = self._core, self._goal, self._local
        self._sequence += 1
        lines = [
            ("via", core.via(goal, local)),
            ("max-forwards", "70"),
            *self._headers,
            ("from", self._from),
            ("to", f"<{self._target}>"),
            ("call-id", self._call_id),
            ("cseq", f"{self._sequence} OPTIONS"),
            core.contact_header(goal, local),
            ACCEPT,
            ("user-agent", core.user_agent),
        ]
        request = Request("OPTIONS", str(self._target), lines)
        self._due = now + NEXT_ADDRESS if self._left else None
        core.scheduler.schedule(self)
        self._client = core.transactions.start_client(request, goal, local, self._on_response, now)

    def _on_response(self, client: Client, response: Response, now: float) -> None:
        if response.status < 200 or (self._client is not None and client is not self._client):
            return
        if (response.local or response.status == 503) and self._left:
            self._to_next_address(now)
            return
        self._due = None
        self._core.scheduler.cancel(self)
        self._core.emit(PingAnswered(self.number, response.status, response.local))

    def _to_next_address(self, now: float) -> None:
        self._core.transactions.failed(self._goal, now)
        self._core.counters["next_addresses"] += 1
        self._goal = self._left.pop(0)
        self.ask(now)


class Pings:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._sent = 0

    def send(
        self,
        target: Uri,
        from_: Uri,
        now: float,
        destination: Address | None,
        alternatives: Sequence[Address],
        local: Address | None,
        headers: HeaderList,
    ) -> int:
        """Ask; PingAnswered with the returned number follows. Raises SipError for a name that was not resolved."""
        core = self._core
        self._sent += 1
        goals = (destination or core.destination(target, None), *alternatives)
        Ping(core, self._sent, target, from_, goals, local, headers).ask(now)
        return self._sent
