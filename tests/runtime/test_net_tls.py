"""Which certificate is shown: by the name that a peer asks for, and to which server. Handshakes in memory."""

import contextlib

import pytest
from cryptography import x509
from OpenSSL import SSL

from tests.runtime.certificates import Authority, Signed
from voicebot.config.model import KeyPair, Tls
from voicebot.runtime.net.tls import TlsContexts, TlsError


def pair(signed: Signed) -> KeyPair:
    return KeyPair(signed.certificate, signed.key)


def shake_hands(client: SSL.Connection, server: SSL.Connection) -> None:
    """Let the two speak until both are satisfied. Raises SSL.Error."""
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(10):
        for one, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(one.bio_read(65_536))


def name_in(certificate: x509.Certificate | None) -> str:
    assert certificate is not None
    return str(certificate.subject.rfc4514_string()).removeprefix("CN=")


def asking(contexts: TlsContexts, name: str) -> str:
    """Return whose certificate a peer gets that asks for a name."""
    context = SSL.Context(SSL.TLS_METHOD)
    client = SSL.Connection(context, None)
    if name:
        client.set_tlsext_host_name(name.encode())
    shake_hands(client, contexts.serverConnectionForTLS(None))
    return name_in(client.get_peer_certificate(as_cryptography=True))


def test_each_name_gets_its_certificate_and_any_other_the_default(authority: Authority) -> None:
    default, one, wild = (authority.sign(name, f"{name}.example") for name in ("default", "one", "wild"))
    names = {"one.example": pair(one), "*.wild.example": pair(wild)}
    contexts = TlsContexts(Tls(default.certificate, default.key, names=names))
    asked = (
        "one.example",
        "ONE.example",
        "a.wild.example",
        "wild.example",
        "b.a.wild.example",
        "else.example",
        "",
    )
    assert [asking(contexts, name) for name in asked] == [
        "one.example",
        "one.example",
        "wild.example",
        "default.example",
        "default.example",
        "default.example",
        "default.example",
    ]


def test_each_of_the_certificates_is_taken_anew_when_it_changes_or_all_stay(authority: Authority) -> None:
    default, one = authority.sign("default", "default.example"), authority.sign("one", "one.example")
    contexts = TlsContexts(Tls(default.certificate, default.key, names={"one.example": pair(one)}))
    assert not contexts.reload()
    authority.sign("one", "renewed.example")
    assert contexts.reload()
    assert asking(contexts, "one.example") == "renewed.example"
    one.key.write_text("no key")
    with pytest.raises(TlsError, match=r"one\.key: .*\(sip\.tls\.names\.one\.example\.key\)"):
        contexts.reload()
    assert asking(contexts, "one.example") == "renewed.example"
    assert asking(contexts, "") == "default.example"


def test_a_trunk_is_shown_the_certificate_that_it_knows_us_by(authority: Authority) -> None:
    ours, for_carrier = authority.sign("ours", "ours.example"), authority.sign("carrier", "acme.example")
    contexts = TlsContexts(
        Tls(ours.certificate, ours.key, authority.certificate, "required", verify_server=False),
        {"sip.carrier.example": pair(for_carrier)},
    )

    def shown_to(name: str) -> str:
        server = contexts.serverConnectionForTLS(None)
        client = SSL.Connection(contexts.towards(name), None)
        shake_hands(client, server)
        return name_in(server.get_peer_certificate(as_cryptography=True))

    assert shown_to("sip.carrier.example") == "acme.example"
    assert shown_to("SIP.Carrier.example") == "acme.example"
    assert shown_to("pbx.example") == "ours.example"
    authority.sign("carrier", "renewed.example")
    assert contexts.reload()
    assert shown_to("sip.carrier.example") == "renewed.example"
