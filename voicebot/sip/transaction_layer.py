"""The transactions of an endpoint: matching (RFC 3261 section 17.1.3, 17.2.3), limits, and their way to the outbox."""

from collections.abc import Callable
from dataclasses import dataclass

from voicebot.sip.address import DEFAULT_PORT, Address, literal
from voicebot.sip.header import MAGIC_COOKIE
from voicebot.sip.message import Request, Response
from voicebot.sip.scheduler import Entry, Scheduler
from voicebot.sip.spent import LastWord, Spent
from voicebot.sip.transaction import State, Transaction
from voicebot.sip.transaction_client import ClientTransaction, NonInviteClientTransaction
from voicebot.sip.transaction_invite_client import InviteClientTransaction
from voicebot.sip.transaction_invite_server import InviteServerTransaction
from voicebot.sip.transaction_server import NonInviteServerTransaction, ServerTransaction

ServerKey = tuple[str, ...]
MergeKey = tuple[str, str, str]
OnResponse = Callable[["Client", Response, float], None]
Send = Callable[[bytes, Address, Address | None], None]
# (a request, where it goes, from where) -> the same, or as it travels over another transport
BySize = Callable[[Request, Address, Address | None], tuple[Request, Address]]


SUSPECTED_FOR = 60.0  # seconds
SUSPECTS = 1_000  # addresses


@dataclass(slots=True, eq=False)
class Client:
    """A client transaction, where its messages go, and who hears of its responses."""

    transaction: ClientTransaction
    destination: Address
    local: Address | None
    on_response: OnResponse
    layer: "TransactionLayer"
    entry: Entry | None = None
    # The request as it goes over UDP, if it was too large for that, should TCP be refused (section 18.1.1).
    over_udp: tuple[Request, Address] | None = None
    # When an INVITE whose final response nobody waits for any more is over: a peer that said 100 may never say another word.
    until: float | None = None

    @property
    def request(self) -> Request:
        return self.transaction.request

    def next_timer(self) -> float | None:
        due = self.transaction.next_timer()
        return due if self.until is None else self.until if due is None else min(due, self.until)

    def handle_timer(self, now: float) -> None:
        self.transaction.handle_timer(now)
        if self.until is not None and self.until <= now:
            self.until = None
            if isinstance(self.transaction, InviteClientTransaction):
                self.transaction.abandon(now)
        self.layer.settle_client(self, now)

    def give_up(self, now: float) -> None:
        """Nobody wants the call of an INVITE that is still unheard: it is not sent again."""
        if isinstance(self.transaction, InviteClientTransaction):
            self.transaction.give_up(now)
            self.layer.settle_client(self, now)

    def let_go(self, until: float) -> None:
        """Nobody waits for the answer: it still gets its ACK until then, and afterwards nothing is held."""
        if not self.transaction.terminated:
            self.until = until
            self.layer.schedule(self)


@dataclass(slots=True, eq=False)
class Server:
    """A server transaction and where its responses go."""

    transaction: ServerTransaction
    destination: Address
    local: Address | None
    source: Address
    key: ServerKey
    merge_key: MergeKey | None
    layer: "TransactionLayer"
    # The number of the session that an INVITE belongs to; 0 for none.
    session: int = 0
    entry: Entry | None = None

    @property
    def request(self) -> Request:
        return self.transaction.request

    @property
    def answered(self) -> bool:
        return self.transaction.answered

    def next_timer(self) -> float | None:
        return self.transaction.next_timer()

    def handle_timer(self, now: float) -> None:
        self.transaction.handle_timer(now)
        self.layer.settle_server(self)

    def respond(self, response: Response, now: float) -> None:
        self.transaction.respond(response, now)
        self.layer.settle_server(self)


class TransactionLayer:
    """Both tables. `send(data, destination, local)` is the endpoint's outbox."""

    def __init__(self, send: Send, scheduler: Scheduler, by_size: BySize) -> None:
        self._send = send
        self._by_size = by_size
        self._scheduler = scheduler
        self.clients: dict[tuple[str, str], Client] = {}
        self.servers: dict[ServerKey, Server] = {}
        self._merged: dict[MergeKey, Server] = {}
        # Those that only wait for repetitions: servers, the requests they had, clients.
        self._spent_servers, self._spent_requests, self._spent_clients = Spent(), Spent(), Spent()
        # When an address last failed to answer, or said 503 (RFC 3263 section 4.3); none that answered since.
        self._failed_at: dict[Address, float] = {}

    def __len__(self) -> int:
        return len(self.clients) + len(self.servers) + len(self._spent_clients) + len(self._spent_servers)

    # --- as a client

    def start_client(
        self,
        request: Request,
        destination: Address,
        local: Address | None,
        on_response: OnResponse,
        now: float,
    ) -> Client:
        sent, goal = self._by_size(request, destination, local)
        client = Client(_client_transaction(sent, goal, now), goal, local, on_response, self)
        if sent is not request:
            client.over_udp = (request, destination)
        self.clients[(request.via.branch, request.method)] = client
        self.settle_client(client, now)
        return client

    def schedule(self, client: Client) -> None:
        self._scheduler.schedule(client)

    def failed(self, destination: Address, now: float) -> None:
        """Note that an address does not serve."""
        self._failed_at.pop(destination, None)
        self._failed_at[destination] = now
        if len(self._failed_at) > SUSPECTS:
            del self._failed_at[next(iter(self._failed_at))]

    def suspect(self, destination: Address, now: float) -> bool:
        """Return whether an address failed lately: others of the same peer are tried before it."""
        return now - self._failed_at.get(destination, -SUSPECTED_FOR) < SUSPECTED_FOR

    def awaits_answer(self, request: Request) -> bool:
        """Say whether a request of ours is still open, and wanted."""
        client = self.clients.get((request.via.branch, request.method))
        return client is not None and client.transaction.state is not State.GIVEN_UP

    def transport_failed(self, request: Request, now: float) -> None:
        """A request of ours cannot be sent: over UDP once more, or the transaction fails (section 17.1.4, 18.1.1)."""
        client = self.clients.get((request.via.branch, request.method))
        if client is None:
            return
        if client.over_udp is not None and client.transaction.state in (State.CALLING, State.TRYING):
            request, client.destination = client.over_udp
            client.over_udp = None
            client.transaction = _client_transaction(request, client.destination, now)
        else:
            client.transaction.transport_failed(now)
        self.settle_client(client, now)

    def receive_response(self, response: Response, now: float) -> bool:
        """Give a response to its transaction; False when there is none."""
        key = (response.via.branch, response.cseq.method)
        client = self.clients.get(key)
        if client is None:
            return key in self._spent_clients
        client.transaction.receive(response, now)
        self.settle_client(client, now)
        return True

    def settle_client(self, client: Client, now: float) -> None:
        """Send and deliver what the transaction has produced; forget it when it is over."""
        transaction = client.transaction
        for data in transaction.datagrams_to_send():
            self._send(data, client.destination, client.local)
        spent = transaction.state is transaction.SPENT
        if spent or transaction.terminated:
            key = (client.request.via.branch, client.request.method)
            if self.clients.pop(key, None) is not None and spent:
                self._spend(self._spent_clients, key, transaction)
            self._scheduler.cancel(client)
        else:
            self._scheduler.schedule(client)
        for response in transaction.responses():
            if response.local or response.status == 503:
                self.failed(client.destination, now)
            elif self._failed_at:
                self._failed_at.pop(client.destination, None)
            client.on_response(client, response, now)

    # --- as a server

    def is_repetition(self, request: Request, source: Address, local: Address | None, now: float) -> bool:
        """Say whether a request came before; if so, it gets what its transaction has for it (section 17.2.3).

        Over a stream nobody repeats a request but whose connection is gone: what is still said goes over the new one.
        """
        key = server_key(request)
        server = self.servers.get(key)
        if server is not None:
            if source.transport != "udp" and source.transport == server.source.transport:
                server.destination, server.local = source, local
            server.transaction.receive_again(now)
            self.settle_server(server)
            return True
        if key not in self._spent_servers:
            return False
        word = self._spent_servers.word(key)
        if word is not None:
            self._send(*word)
        return True

    def find_acknowledged(self, ack: Request) -> Server | None:
        """Return the INVITE's transaction that an ACK belongs to, unless it had one before."""
        return self.servers.get(server_key(ack))

    def find_cancelled(self, cancel: Request) -> Server | None:
        """Return the INVITE's transaction that a CANCEL can end (section 9.2)."""
        return self.servers.get(server_key(cancel, "INVITE"))

    def comes_too_late(self, cancel: Request) -> bool:
        """Say whether a CANCEL means an INVITE whose final response has had its ACK."""
        return server_key(cancel, "INVITE") in self._spent_servers

    def is_merged(self, server: Server) -> bool:
        """Say whether another copy of its request came before, by another way (section 8.2.2.2)."""
        return server.merge_key is not None and self._merged.get(server.merge_key) is not server

    def acknowledged(self, server: Server) -> None:
        """The ACK of a 2xx has come: its user will not repeat it."""
        if server.key in self.servers:
            self._end_server(server, spent=True)

    def start_server(self, request: Request, source: Address, local: Address | None, now: float) -> Server:
        kind = InviteServerTransaction if request.method == "INVITE" else NonInviteServerTransaction
        transaction = kind(request, now, reliable=source.transport != "udp")
        merge_key = None if request.to.tag else _merge_key(request)
        server = Server(
            transaction,
            response_destination(request, source),
            local,
            source,
            server_key(request),
            merge_key,
            self,
        )
        self.servers[server.key] = server
        if merge_key is not None and merge_key not in self._spent_requests:
            self._merged.setdefault(merge_key, server)
        self.settle_server(server)
        return server

    def settle_server(self, server: Server) -> None:
        transaction = server.transaction
        for data in transaction.datagrams_to_send():
            self._send(data, server.destination, server.local)
        if transaction.state is transaction.SPENT or transaction.terminated:
            self._end_server(server, spent=not transaction.terminated)
        else:
            self._scheduler.schedule(server)

    def _end_server(self, server: Server, *, spent: bool) -> None:
        """Forget a transaction; when it is `spent`, all but its keys and its last word."""
        transaction = server.transaction
        known = self.servers.pop(server.key, None) is not None
        self._scheduler.cancel(server)
        if known and spent:
            data = transaction.last_word
            word = LastWord(data, server.destination, server.local) if data else None
            self._spend(self._spent_servers, server.key, transaction, word)
        if server.merge_key is not None and self._merged.get(server.merge_key) is server:
            del self._merged[server.merge_key]
            if known and spent:
                self._spend(self._spent_requests, server.merge_key, transaction)

    def _spend(
        self, among: Spent, key: tuple[str, ...], transaction: Transaction, word: LastWord | None = None
    ) -> None:
        until = transaction.next_timer()
        if until is not None:
            among.add(key, until, word)
            self._scheduler.schedule(among)


def _client_transaction(request: Request, destination: Address, now: float) -> ClientTransaction:
    kind = InviteClientTransaction if request.method == "INVITE" else NonInviteClientTransaction
    return kind(request, now, reliable=destination.transport != "udp")


def server_key(request: Request, method: str = "") -> ServerKey:
    """Return what a request's retransmissions have in common, and an ACK with its INVITE (section 17.2.3).

    With `method` "INVITE" a CANCEL finds what it cancels. Call-ID is more than the section asks for: there are peers that
    use one branch for all their requests.
    """
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    branch = via.branch
    if branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE:
        return (method, branch, via.sent_by, request.call_id)
    # A peer of RFC 2543 age, or one that forgot the rest of it: its branch says nothing.
    cseq = str(request.cseq.number)
    return (method, request.uri, request.from_.tag, request.call_id, cseq, str(via))


def response_destination(request: Request, source: Address) -> Address:
    """Return where responses go (section 18.2.2; RFC 3581 section 4). A maddr is not followed."""
    via = request.via
    if source.transport != "udp" or via.parameter("rport"):
        return source
    return Address(source.transport, source.host, via.port or 5060)


def way_back(response: Response, transport: str) -> Address | None:
    """Return where to connect to for a response whose connection is gone (section 18.2.2); None for a name."""
    via = response.via
    host = via.parameter("received") or via.host
    return Address(transport, host, via.port or DEFAULT_PORT[transport]) if literal(host) else None


def _merge_key(request: Request) -> MergeKey:
    return (request.call_id, request.from_.tag, str(request.cseq))
