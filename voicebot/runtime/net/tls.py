"""TLS of SIP connections: our certificate, whom we trust, and taking a renewed certificate while calls go on."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from service_identity.pyopenssl import verify_hostname, verify_ip_address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import ClientFactory, Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from voicebot.config.model import KeyPair, Tls

_ASKED = {
    "off": SSL.VERIFY_NONE,
    "optional": SSL.VERIFY_PEER,
    "required": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}


class _Wrapping(TLSMemoryBIOFactory):
    """Twisted's own wraps the None of a factory that takes no more, and fails at it for every connection."""

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self.wrappedFactory.buildProtocol(addr)
        return None if protocol is None else self.protocol(self, protocol)


_wrap: Any = _Wrapping  # mypy does not see what zope.interface declares


class TlsError(Exception):
    """Certificate, key or CA cannot be used; the text names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class _Contexts:
    """All that was read at once. `peers`: by the name of the server that we connect to."""

    server: SSL.Context
    client: SSL.Context
    peers: Mapping[str, SSL.Context]


def _choose(named: Mapping[str, SSL.Context], connection: SSL.Connection) -> None:
    """Take the certificate of the name that a peer asks for (RFC 6066 section 3); any other name gets the default."""
    name = (connection.get_servername() or b"").decode("ascii", "replace").lower()
    context = named.get(name) or named.get("*." + name.partition(".")[2])
    if context is not None:
        connection.set_context(context)


@implementer(IOpenSSLServerConnectionCreator)
class TlsContexts:
    """What new connections are encrypted with. Those that stand keep what they began with."""

    def __init__(self, files: Tls, peers: Mapping[str, KeyPair] | None = None) -> None:
        """Read all files. Raises TlsError.

        `peers`: what is shown to the servers of these names (or IP addresses) instead of our own certificate.
        """
        self.files = files
        self._peers = peers or {}
        self._seen = self._served = self._stamps()
        self._contexts = self._read()

    def _read(self) -> "_Contexts":
        files = self.files
        server = _context(files, files.pair, "sip.tls", server=True)
        named = {
            name: _context(files, pair, f"sip.tls.names.{name}", server=True)
            for name, pair in files.names.items()
        }
        peers = {
            name: _context(files, pair, f"tls of the trunk at {name}", server=False)
            for name, pair in self._peers.items()
        }
        if named:
            server.set_tlsext_servername_callback(partial(_choose, named))
        return _Contexts(server, _context(files, files.pair, "sip.tls", server=False), peers)

    def reload(self, *, again: bool = False) -> bool:
        """Take the files as they are now. Raises TlsError, and stays with the old ones. False: they are the same.

        Files that were refused are read again only if they have changed, or if `again`.
        """
        stamps = self._stamps()
        if stamps == self._served or (stamps == self._seen and not again):
            return False
        self._seen = stamps
        self._contexts = self._read()
        self._served = stamps
        return True

    def accepting(self, factory: Factory, reactor: Any) -> Any:
        """Return the factory of connections that peers open."""
        return _wrap(self, False, factory, clock=reactor)

    def connecting(self, factory: ClientFactory, name: str, reactor: Any) -> Any:
        """Return the factory of a connection that we open to the host of that name (or IP address)."""
        return _wrap(_Connecting(self.towards(name), name), True, factory, clock=reactor)

    def towards(self, name: str) -> SSL.Context:
        """Return what a connection that we open to the host of that name is encrypted with."""
        return self._contexts.peers.get(name.lower(), self._contexts.client)

    def problem_with(self, connection: Any, name: str) -> str:
        """Return why a server's certificate is not that of `name` (RFC 5922 section 7.3); "" if it is."""
        if not self.files.verify_server:
            return ""
        verify = verify_ip_address if _is_address(name) else verify_hostname
        try:
            verify(connection, name)
        except (VerificationError, CertificateError) as error:
            return f"the certificate is not for {name} ({type(error).__name__})"
        return ""

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return SSL.Connection(self._contexts.server, None)

    def certificates(self) -> list[KeyPair]:
        """Return what may be shown to peers that connect, the one for all names first."""
        own = self.files.pair
        return [*([own] if own is not None else []), *self.files.names.values()]

    def _stamps(self) -> list[tuple[int, int, int]]:
        pairs = [*self.certificates(), *self._peers.values()]
        stamps = []
        for path in (*(path for pair in pairs for path in (pair.certificate, pair.key)), self.files.ca):
            try:
                found = None if path is None else path.stat()
            except OSError:
                found = None
            stamps.append((found.st_mtime_ns, found.st_size, found.st_ino) if found else (0, 0, 0))
        return stamps


@implementer(IOpenSSLClientConnectionCreator)
class _Connecting:
    def __init__(self, context: SSL.Context, name: str) -> None:
        self._context = context
        self._name = name

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if not _is_address(self._name):  # RFC 6066 section 3: no literal addresses
            connection.set_tlsext_host_name(self._name.encode("idna"))
        return connection


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _context(files: Tls, pair: KeyPair | None, setting: str, *, server: bool) -> SSL.Context:
    """`setting`: where in the configuration `pair` stands."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if pair is not None:
        _load_certificate(context, pair.certificate, pair.key, setting)
    if files.ca is not None:
        _readable(files.ca, "sip.tls.ca")
        try:
            context.load_verify_locations(str(files.ca))
        except SSL.Error as error:
            raise TlsError(
                f"{files.ca}: no certificates of authorities in PEM are in it (sip.tls.ca)"
            ) from error
    else:
        context.set_default_verify_paths()
    if server:
        context.set_verify(_ASKED[files.client_certificate], _verdict_stands)
    else:
        context.set_verify(SSL.VERIFY_PEER if files.verify_server else SSL.VERIFY_NONE, _verdict_stands)
    return context


def _load_certificate(context: SSL.Context, certificate: Path, key: Path, setting: str) -> None:
    _readable(certificate, f"{setting}.certificate")
    _readable(key, f"{setting}.key")
    try:
        context.use_certificate_chain_file(str(certificate))
    except SSL.Error as error:
        raise TlsError(f"{certificate}: no certificate in PEM is in it ({setting}.certificate)") from error
    try:
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except SSL.Error as error:
        raise TlsError(
            f"{key}: not the key of {certificate}, or no key in PEM without a password ({setting}.key)"
        ) from error


def _readable(path: Path, setting: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsError(f"{path}: {error.strerror} ({setting})") from error


def _verdict_stands(_connection: object, _certificate: object, _error: int, _depth: int, good: int) -> bool:
    return bool(good)


def described(certificate: Path) -> dict[str, str]:
    """Return for whom a readable certificate is and until when it is valid, for the log."""
    try:
        first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError):
        return {}
    return {
        "subject": first.subject.rfc4514_string(),
        "valid_until": f"{first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
    }
