"""A SIP phone as a library: places and takes calls, several at once; many phones may live in one process."""

import asyncio
from collections.abc import Callable, Sequence

from voicebot.phone.call import PhoneCall, PhoneEvent
from voicebot.phone.errors import PhoneError
from voicebot.phone.rtp_line import Wire
from voicebot.phone.signalling import Signalling, destination
from voicebot.phone.ticker import Ticker
from voicebot.sip import Address, Credentials, IncomingCall, PingAnswered, SipError, Uri
from voicebot.sip import events as sip


class Phone:
    """Bound to `local_host`:`port` (0: any free port); made within a running asyncio loop.

    `ticker`: share one among the phones of a process. `wire`: what its media pass through. `on_event` hears of
    everything as it happens. Raises PhoneError when the port is taken.
    """

    def __init__(
        self,
        local_host: str = "127.0.0.1",
        port: int = 0,
        *,
        user: str = "tester",
        credentials: Credentials | None = None,
        ticker: Ticker | None = None,
        wire: Wire | None = None,
        on_event: Callable[[PhoneCall, PhoneEvent], None] = lambda call, event: None,
    ) -> None:
        self.user = user
        self.calls: list[PhoneCall] = []
        self.incoming: asyncio.Queue[PhoneCall] = asyncio.Queue()
        self._credentials = credentials
        self._ticker = ticker or Ticker()
        self._wire = wire or Wire()
        self._on_event = on_event
        self._by_session: dict[int, PhoneCall] = {}
        self._pings: dict[int, asyncio.Future[int]] = {}
        self._signalling = Signalling(local_host, port, self._event)

    @property
    def address(self) -> Address:
        return self._signalling.address

    @property
    def uri(self) -> str:
        """How others call this phone."""
        return f"sip:{self.user}@{self.address.host_port}"

    async def dial(
        self, uri: str, *, display_name: str = "", headers: Sequence[tuple[str, str]] = ()
    ) -> PhoneCall:
        """Send the INVITE and return at once; `PhoneCall.answered` waits. Raises PhoneError for an unusable URI."""
        goal = await self._reach(uri)
        call = PhoneCall(self._signalling, self._ticker, self._wire, uri, "out", self._on_event)
        try:
            call.session = self._signalling.endpoint.invite(
                uri,
                self.uri,
                call.offer_body(),
                self._signalling.now,
                display_name=display_name,
                destination=goal,
                credentials=self._credentials,
                headers=headers,
            )
        except SipError as error:
            call.abandon()
            raise PhoneError(f"`{uri}` cannot be called: {error}") from error
        self._by_session[call.session] = call
        self.calls.append(call)
        self._on_event(call, PhoneEvent(self._signalling.now, "calling", uri))
        self._signalling.pump()
        return call

    async def call(self, uri: str, timeout: float = 30.0) -> PhoneCall:
        """Call and wait for the answer. Raises CallFailed when there is none, PhoneError for an unusable URI."""
        call = await self.dial(uri)
        await call.answered(timeout)
        return call

    async def next_call(self, timeout: float) -> PhoneCall:
        """Wait for the next incoming call; it rings until `accept` or `reject`. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self.incoming.get()

    async def ping(self, uri: str, timeout: float = 2.0) -> int:
        """Send OPTIONS; return the status of the answer, 408 when there was none in time. Raises PhoneError."""
        goal = await self._reach(uri)
        try:
            number = self._signalling.endpoint.options(uri, self.uri, self._signalling.now, destination=goal)
        except SipError as error:
            raise PhoneError(f"`{uri}` cannot be asked: {error}") from error
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pings[number] = answer
        self._signalling.pump()
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            return 408
        finally:
            del self._pings[number]

    async def close(self) -> None:
        """Hang up what is up, and let go of the port."""
        for call in self.calls:
            await call.hang_up()
        self._signalling.close()

    async def _reach(self, uri: str) -> Address:
        """Return where requests for `uri` go; over TCP and TLS there is a connection then. Raises PhoneError."""
        goal = await destination(uri)
        await self._signalling.connect(goal, name=Uri.parse(uri).host)
        return goal

    def _event(self, event: sip.Event) -> None:
        if isinstance(event, IncomingCall):
            self._incoming(event)
        elif isinstance(event, PingAnswered):
            answer = self._pings.get(event.ping)
            if answer is not None and not answer.done():
                answer.set_result(event.status)
        else:
            call = self._by_session.get(getattr(event, "session", 0))
            if call is not None:
                call.take(event)

    def _incoming(self, event: IncomingCall) -> None:
        caller = str(event.request.from_.uri)
        call = PhoneCall(self._signalling, self._ticker, self._wire, caller, "in", self._on_event)
        call.session = event.session
        self._by_session[event.session] = call
        self.calls.append(call)
        call.incoming(event.sdp)
        self.incoming.put_nowait(call)
