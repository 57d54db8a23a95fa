"""TLS of SIP connections: our certificate, whom we trust, and taking a renewed certificate while calls go on."""

import ipaddress
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

from voicebot.config.model import Tls

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


@implementer(IOpenSSLServerConnectionCreator)
class TlsContexts:
    """What new connections are encrypted with. Those that stand keep what they began with."""

    def __init__(self, files: Tls) -> None:
        """Read all files. Raises TlsError."""
        self.files = files
        self._seen = self._served = self._stamps()
        self._server = _context(files, server=True)
        self._client = _context(files, server=False)

    def reload(self, *, again: bool = False) -> bool:
        """Take the files as they are now. Raises TlsError, and stays with the old ones. False: they are the same.

        Files that were refused are read again only if they have changed, or if `again`.
        """
        stamps = self._stamps()
        if stamps == self._served or (stamps == self._seen and not again):
            return False
        self._seen = stamps
        server, client = _context(self.files, server=True), _context(self.files, server=False)
        self._server, self._client = server, client
        self._served = stamps
        return True

    def accepting(self, factory: Factory, reactor: Any) -> Any:
        """Return the factory of connections that peers open."""
        return _wrap(self, False, factory, clock=reactor)

    def connecting(self, factory: ClientFactory, name: str, reactor: Any) -> Any:
        """Return the factory of a connection that we open to the host of that name (or IP address)."""
        return _wrap(_Connecting(self._client, name), True, factory, clock=reactor)

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
        return SSL.Connection(self._server, None)

    def _stamps(self) -> list[tuple[int, int, int]]:
        stamps = []
        for path in (self.files.certificate, self.files.key, self.files.ca):
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


def _context(files: Tls, *, server: bool) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if files.certificate is not None and files.key is not None:
        _load_certificate(context, files.certificate, files.key)
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


def _load_certificate(context: SSL.Context, certificate: Path, key: Path) -> None:
    _readable(certificate, "sip.tls.certificate")
    _readable(key, "sip.tls.key")
    try:
        context.use_certificate_chain_file(str(certificate))
    except SSL.Error as error:
        raise TlsError(f"{certificate}: no certificate in PEM is in it (sip.tls.certificate)") from error
    try:
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except SSL.Error as error:
        raise TlsError(
            f"{key}: not the key of {certificate}, or no key in PEM without a password (sip.tls.key)"
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
