"""Who sends a request that begins something: asked for a password where our user wants one (RFC 3261 section 22)."""

from collections.abc import Callable

from voicebot.sip.address import Address
from voicebot.sip.core import Core
from voicebot.sip.digest import Realm, ServerAuthentication, Verdict
from voicebot.sip.guard import Guard
from voicebot.sip.message import Request
from voicebot.sip.transaction_layer import Server

Authenticate = Callable[[Request, Address], Realm | None]
# Requests that nobody can authenticate (RFC 3261 section 22.1), or that need no protection.
_NEVER_CHALLENGED = frozenset({"ACK", "CANCEL", "OPTIONS"})


class AskingWho:
    """`authenticate(request, source)`: the Realm whose users may send this request, or None to let it pass; pure."""

    def __init__(self, core: Core, authenticate: Authenticate | None) -> None:
        self._core = core
        self._authenticate = authenticate
        self._authentication = ServerAuthentication(core.secret)

    def sender(self, server: Server, request: Request, guard: Guard | None, now: float) -> Verdict | None:
        """Return who it is (nobody in particular, if anybody may); None: the sender was asked (401)."""
        if request.method in _NEVER_CHALLENGED or self._authenticate is None:
            return Verdict()
        source = server.source
        realm = self._authenticate(request, source)
        if realm is None:
            return Verdict()
        verdict = self._authentication.check(request, realm, now, source.host)
        if verdict.user is not None:
            if guard is not None:
                guard.right_password(source, now)
            return verdict
        if guard is not None and verdict.wrong is not None:
            guard.wrong_password(request, source, verdict.wrong, now)
        headers = self._authentication.challenge(realm, now, source.host, stale=verdict.stale)
        self._core.respond(server, 401, now, headers=headers)
        return None
