"""Digest authentication, as client and as server (RFC 3261 section 22; RFC 7616, RFC 8760)."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from voicebot.sip.address import site
from voicebot.sip.errors import DigestError, MessageError
from voicebot.sip.header import quoted, unquoted
from voicebot.sip.message import Request, Response
from voicebot.sip.uri import Uri, split_outside_quotes

_HASH = {
    name: digest
    for name, digest in (("MD5", "md5"), ("SHA-256", "sha256"), ("SHA-512-256", "sha512_256"))
    if digest in hashlib.algorithms_available
}
# Strongest first: of several challenges the first one that can be computed is answered (RFC 8760 section 2.4).
ALGORITHMS = tuple(name for name in ("SHA-512-256", "SHA-256", "MD5") if name in _HASH)
MAX_TRIES = 2
NONCE_LIFETIME = 300.0
MAX_NONCES = 10_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a peer that asks. `realm` None: for whoever asks."""

    username: str
    password: str = field(repr=False)
    realm: str | None = None


@dataclass(frozen=True, slots=True)
class Realm:
    """Whom we let in: passwords by user name. `algorithms` are offered in this order.

    MD5 alone by default: baresip 1.0 and SIPp 3.6 give up on a challenge with SHA-256, also where one with MD5 follows.
    """

    name: str
    passwords: Mapping[str, str] = field(repr=False)
    algorithms: tuple[str, ...] = ("MD5",)


def digest(algorithm: str, text: str) -> str:
    return hashlib.new(_HASH[algorithm], text.encode("utf-8", "surrogateescape")).hexdigest()


def _response(
    algorithm: str, user: str, realm: str, password: str, method: str, uri: str, nonce: str, rest: str
) -> str:
    """RFC 7616 section 3.4.1; `rest` is "nc:cnonce:qop", or "" for a peer of RFC 2069 age."""
    a1 = digest(algorithm, f"{user}:{realm}:{password}")
    a2 = digest(algorithm, f"{method}:{uri}")
    return digest(algorithm, f"{a1}:{nonce}:{rest}:{a2}" if rest else f"{a1}:{nonce}:{a2}")


def parse_parameters(value: str) -> dict[str, str]:
    """Parse `Digest a="b", c=d` to a dict with lower-case names; raises MessageError."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise MessageError(400, "Unknown authentication scheme")
    parameters: dict[str, str] = {}
    for part in split_outside_quotes(rest, ","):
        name, equals, text = part.partition("=")
        if equals:
            parameters.setdefault(name.strip().lower(), unquoted(text))
    return parameters


def challenges(message: Response) -> list[tuple[str, dict[str, str]]]:
    """Return (name of the header field for the answer, parameters) of all Digest challenges.

    Several challenges may share a line (RFC 7235 section 4.1): what follows a comma and has a scheme starts one.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for name, answer in (
        ("www-authenticate", "authorization"),
        ("proxy-authenticate", "proxy-authorization"),
    ):
        for line in message.raw(name):
            current: list[str] = []
            groups = [current]
            for part in split_outside_quotes(line, ","):
                if part.strip().partition(" ")[0].lower() in ("digest", "basic", "bearer"):
                    current = []
                    groups.append(current)
                current.append(part)
            for group in groups:
                text = ",".join(group).strip()
                if text.lower().startswith("digest"):
                    found.append((answer, parse_parameters(text)))
    return found


class ClientAuthentication:
    """Answers the challenges to the requests of one call; remembers nonces, so that later requests carry answers."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._challenges: dict[tuple[str, str], dict[str, str]] = {}
        self._counts: dict[str, int] = {}
        self._tries: dict[str, int] = {}  # by method: a PRACK or BYE has its own beside the INVITE

    def begin_anew(self, method: str = "") -> None:
        """A request of that method (any) is settled, or is sent elsewhere: the tries of the next one are its own."""
        if method:
            self._tries.pop(method, None)
        else:
            self._tries.clear()

    def challenged(self, response: Response) -> None:
        """Take a 401 or 407. Raises DigestError if there is no use in sending the request again."""
        if self._credentials is None:
            raise DigestError(response.status, "No credentials for this peer", "no_credentials")
        usable: dict[tuple[str, str], dict[str, str]] = {}
        for header, parameters in challenges(response):
            realm = parameters.get("realm", "")
            if self._credentials.realm not in (None, realm) or not _computable(parameters):
                continue
            known = usable.get((header, realm))
            if known is None or _strength(parameters) < _strength(known):
                usable[(header, realm)] = parameters
        if not usable:
            raise DigestError(response.status, "No credentials for this realm", "no_credentials")
        method = (response.first("cseq") or "").rpartition(" ")[2]
        tries = self._tries.get(method, 0)
        if tries >= MAX_TRIES:
            raise DigestError(response.status, "Authentication tries exhausted", "tries_exhausted")
        for key, parameters in usable.items():
            known = self._challenges.get(key)
            stale = parameters.get("stale", "").lower() == "true"
            if tries and known is not None and not stale:
                raise DigestError(response.status, "Credentials refused", "credentials_refused")
        self._challenges.update(usable)
        nonces = {known["nonce"] for known in self._challenges.values()}
        self._counts = {nonce: count for nonce, count in self._counts.items() if nonce in nonces}
        self._tries[method] = tries + 1

    def headers(self, method: str, uri: str, cnonce: str) -> list[tuple[str, str]]:
        """Return the header fields that answer all challenges known so far."""
        if self._credentials is None:
            return []
        return [(key[0], self._answer(known, method, uri, cnonce)) for key, known in self._challenges.items()]

    def _answer(self, known: dict[str, str], method: str, uri: str, cnonce: str) -> str:
        assert self._credentials is not None
        user, password = self._credentials.username, self._credentials.password
        realm, nonce = known.get("realm", ""), known["nonce"]
        named = known.get("algorithm")
        algorithm = (named or "MD5").upper()
        fields = [
            f"username={quoted(user)}",
            f"realm={quoted(realm)}",
            f"nonce={quoted(nonce)}",
            f"uri={quoted(uri)}",
        ]
        rest = ""
        if "qop" in known:
            count = self._counts[nonce] = self._counts.get(nonce, 0) + 1
            rest = f"{count:08x}:{cnonce}:auth"
            fields += [f"qop=auth, nc={count:08x}", f"cnonce={quoted(cnonce)}"]
        result = _response(algorithm, user, realm, password, method, uri, nonce, rest)
        fields.append(f'response="{result}"')
        if named:
            fields.append(f"algorithm={algorithm}")
        if "opaque" in known:
            fields.append(f"opaque={quoted(known['opaque'])}")
        return "Digest " + ", ".join(fields)


def _computable(parameters: Mapping[str, str]) -> bool:
    if not parameters.get("nonce") or parameters.get("algorithm", "MD5").upper() not in _HASH:
        return False
    qop = parameters.get("qop")
    return qop is None or "auth" in [word.strip().lower() for word in qop.split(",")]


def _strength(parameters: Mapping[str, str]) -> int:
    return ALGORITHMS.index(parameters.get("algorithm", "MD5").upper())


def _same_resource(given: str, request_uri: str) -> bool:
    """Whether the `uri` of an answer denotes what the request is for (RFC 7616 section 3.4.6).

    Clients write it their own way: without parameters that the Request-URI has, with the default port, or in angle
    brackets. A proxy may also have changed those. Another user or host is another resource.
    """
    if given == request_uri:
        return True
    try:
        ours, theirs = Uri.parse(request_uri), Uri.parse(given.strip().removeprefix("<").removesuffix(">"))
    except MessageError:
        return False
    return (ours.username, ours.host.lower(), ours.port or 5060, ours.scheme) == (
        theirs.username,
        theirs.host.lower(),
        theirs.port or 5060,
        theirs.scheme,
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who sent a request; `stale`: the nonce is not of use any more, which says nothing about the password if it never was.

    `wrong`: the user whose password this was not, or who does not exist; whoever sent it has received our challenge.
    """

    user: str | None = None
    stale: bool = False
    wrong: str | None = None


class ServerAuthentication:
    """Asks peers who they are. Nonces are signed instants and serial numbers, so that asking costs no memory.

    They hold for the site that was asked: who only writes somebody's address on his packets can neither guess passwords
    in that name nor use up its tries.
    """

    def __init__(self, secret: bytes, lifetime: float = NONCE_LIFETIME) -> None:
        self._secret = secret
        self._lifetime = lifetime
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._made = 0
        self._forgotten_ms = (
            -1
        )  # nonces as old as this one may have been used: their counts are not known any more

    def check(self, request: Request, realm: Realm, now: float, host: str = "") -> Verdict:
        """Judge the answer to a challenge in `request` from `host`. One count of a nonce is good for one request."""
        for value in request.raw("authorization"):
            try:
                given = parse_parameters(value)
            except MessageError:
                continue
            if given.get("realm") == realm.name:
                return self._check(request, given, realm, now, host)
        return Verdict()

    def challenge(
        self, realm: Realm, now: float, host: str = "", *, stale: bool = False
    ) -> list[tuple[str, str]]:
        """Return the WWW-Authenticate header fields of a 401 for `host`."""
        self._made = (self._made + 1) & 0xFFFFFFFF
        nonce = self._nonce(realm, host, int(now * 1000), self._made)
        suffix = ", stale=true" if stale else ""
        return [
            (
                "www-authenticate",
                f"Digest realm={quoted(realm.name)}, "
                f'nonce="{nonce}", algorithm={algorithm}, qop="auth"{suffix}',
            )
            for algorithm in realm.algorithms
            if algorithm in _HASH
        ]

    def _nonce(self, realm: Realm, host: str, milliseconds: int, serial: int) -> str:
        stamp = f"{milliseconds:016x}{serial:08x}"
        text = f"{stamp}:{site(host)}:{realm.name}"
        return stamp + hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:32]

    def _check(self, request: Request, given: dict[str, str], realm: Realm, now: float, host: str) -> Verdict:
        algorithm = given.get("algorithm", "MD5").upper()
        nonce = given.get("nonce", "")
        if algorithm not in realm.algorithms or algorithm not in _HASH or given.get("qop", "auth") != "auth":
            return Verdict()
        uri = given.get("uri", "")
        if not _same_resource(uri, request.uri):
            return Verdict()
        made = self._made_at(nonce, realm, host)
        if made is None:
            return Verdict(stale=True)
        user = given.get("username", "")
        password = realm.passwords.get(user)
        count, rest = given.get("nc", ""), f"{given.get('nc', '')}:{given.get('cnonce', '')}:auth"
        if (
            "qop" not in given
        ):  # a peer of RFC 2069 age cannot count: a nonce is good for one request (RFC 3261 section 22.4)
            count, rest = "1", ""
        expected = _response(
            algorithm,
            user,
            realm.name,
            password or "",
            request.method,
            uri,
            nonce,
            rest,
        )
        same = hmac.compare_digest(expected.encode(), given.get("response", "").encode("utf-8", "replace"))
        if not same or password is None:
            return Verdict(wrong=user)
        return Verdict(user) if self._fresh(nonce, made, count, now) else Verdict(stale=True)

    def _made_at(self, nonce: str, realm: Realm, host: str) -> int | None:
        """Return when we made a nonce for this host, in milliseconds; None if we did not."""
        try:
            made_at_ms, serial = int(nonce[:16], 16), int(nonce[16:24], 16)
        except ValueError:
            return None
        ours = self._nonce(realm, host, made_at_ms, serial).encode()
        return made_at_ms if hmac.compare_digest(ours, nonce.encode("utf-8", "replace")) else None

    def _fresh(self, nonce: str, made_at_ms: int, count: str, now: float) -> bool:
        """Whether the nonce is young, and its count was not used before (RFC 7616 section 3.4)."""
        try:
            number = int(count, 16)
        except ValueError:
            return False
        if not int(now * 1000) - made_at_ms <= self._lifetime * 1000:
            return False
        if number <= self._counts.get(nonce, 0 if made_at_ms > self._forgotten_ms else number):
            return False
        self._counts[nonce] = number
        self._counts.move_to_end(nonce)
        if len(self._counts) > MAX_NONCES:
            forgotten, _ = self._counts.popitem(last=False)
            self._forgotten_ms = max(self._forgotten_ms, int(forgotten[:16], 16))
        return True
