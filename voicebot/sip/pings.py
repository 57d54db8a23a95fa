"""OPTIONS outside of dialogs: is a peer there? (RFC 3261 section 11)"""

from voicebot.sip.address import Address
from voicebot.sip.core import Core, safe_headers
from voicebot.sip.events import PingAnswered
from voicebot.sip.header import NameAddress
from voicebot.sip.message import HeaderList, Request, Response
from voicebot.sip.transaction_layer import Client
from voicebot.sip.uri import Uri
from voicebot.sip.validation import ACCEPT


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
        local: Address | None,
        headers: HeaderList,
    ) -> int:
        """Ask; PingAnswered with the returned number follows. Raises SipError for a name that was not resolved."""
        core = self._core
        goal = destination or core.destination(target, None)
        lines = [
            ("via", core.via(goal, local)),
            ("max-forwards", "70"),
            *safe_headers(headers),
            ("from", str(NameAddress(from_).with_tag(core.token()))),
            ("to", f"<{target}>"),
            ("call-id", core.token()),
            ("cseq", "1 OPTIONS"),
            core.contact_header(goal, local),
            ACCEPT,
            ("user-agent", core.user_agent),
        ]
        self._sent += 1
        ping = self._sent

        def on_response(_client: Client, response: Response, _now: float) -> None:
            if response.status >= 200:
                core.emit(PingAnswered(ping, response.status, response.local))

        core.transactions.start_client(Request("OPTIONS", str(target), lines), goal, local, on_response, now)
        return ping
