"""The sections `sip` and `trunks` of config.yaml. What is missing has the default of its dataclass."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from voicebot.config import registering
from voicebot.config.addresses import (
    TRANSPORTS,
    parse_host_and_port,
    parse_listen,
    parse_network,
    parse_public_address,
)
from voicebot.config.audio import SRTP
from voicebot.config.dialling import check_pattern
from voicebot.config.model import (
    PING_SECONDS,
    Auth,
    KeyPair,
    Listen,
    Network,
    Sip,
    Tls,
    Trunk,
)
from voicebot.config.section import (
    Refused,
    Section,
    auto_or,
    boolean,
    integer,
    number,
    one_of,
    text,
)
from voicebot.dialplan.source import Mapping, Node, Position, Scalar, Sequence, finding


def sip(section: Section, folder: Path, listen: tuple[str, ...]) -> Sip:
    listens = section.items("listen", lambda node: parse_listen(text(node)), Sip().listen)
    if listen:
        listens = tuple(_flag(item, section) for item in listen)
    elif not listens:
        section.refuse("listen", "at least one address to listen on is needed")
    auth = section.section("auth")
    public = section.value("public_address", auto_or(lambda node: parse_public_address(text(node))), None)
    result = Sip(
        listen=listens,
        public_address=public if isinstance(public, str) else None,
        stun=public if isinstance(public, tuple) else None,
        local_networks=section.items("local_networks", parse_network, ()),
        auth=Auth(
            realm=auth.value("realm", _quotable, Auth().realm),
            users=auth.entries("users", lambda _name, node: text(node)),
            algorithms=auth.items("algorithms", one_of(_ALGORITHMS), Auth().algorithms),
        ),
        session_expires=section.value("session_expires", integer(0, 86_400), Sip().session_expires),
        min_session_expires=section.value(
            "min_session_expires", integer(90, 86_400), Sip().min_session_expires
        ),
        tls=_tls(section.section("tls"), folder, needed=any(item.transport == "tls" for item in listens)),
    )
    if 0 < result.session_expires < result.min_session_expires:
        section.refuse("session_expires", "it is less than sip.min_session_expires; 0 means none")
    auth.done()
    section.done()
    return result


_ALGORITHMS = {name: name for name in ("MD5", "SHA-256", "SHA-512-256")}


def _flag(value: str, section: Section) -> Listen:
    try:
        return parse_listen(value)
    except Refused as refused:
        section.findings.append(finding("VB023", Position("--listen"), refused.message, refused.hint))
        return Sip().listen[0]


def _quotable(node: Node) -> str:
    value = text(node)
    if not re.fullmatch(r"[\x20-\x7e]+", value) or '"' in value or "\\" in value:
        raise Refused("plain ASCII without quotes is needed here")
    return value


_CLIENT_CERTIFICATE: dict[str, Literal["off", "optional", "required"]] = {
    "off": "off",
    "optional": "optional",
    "required": "required",
}


def _tls(section: Section, folder: Path, *, needed: bool) -> Tls:
    """`needed`: something listens on TLS. As a client alone we need no certificate."""
    none: Path | None = None

    def path(node: Node) -> Path:
        return folder / text(node)

    result = Tls(
        certificate=section.value("certificate", path, none),
        key=section.value("key", path, none),
        ca=section.value("ca", path, none),
        client_certificate=section.value(
            "client_certificate", one_of(_CLIENT_CERTIFICATE), Tls().client_certificate
        ),
        verify_server=section.value("verify_server", boolean, Tls().verify_server),
        names=section.entries("names", lambda name, node: _named(name, section.below(node), folder)),
    )
    if needed and result.certificate is None:
        section.refuse(
            "certificate", "to listen on tls: a certificate is needed", "sip.tls.certificate and .key"
        )
    elif (result.certificate is None) != (result.key is None):
        section.refuse("key", "`certificate` and `key` belong together: one of them is missing")
    section.done()
    return result


def _named(name: str, section: Section, folder: Path) -> KeyPair:
    if not re.fullmatch(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*", name):
        raise Refused(
            "a host name in lower case is expected", 'for example "pbx.example.com" or "*.example.com"'
        )
    return _key_pair(section, folder)


def _key_pair(section: Section, folder: Path) -> KeyPair:
    certificate, key = section.required("certificate", text), section.required("key", text)
    section.done()
    return KeyPair(folder / (certificate or ""), folder / (key or ""))


def _dial(node: Node, trunk: Section) -> tuple[str, tuple[str, ...]]:
    """A pattern, or {to: PATTERN, via: TRUNK or a list of them}."""
    if not isinstance(node, Mapping):
        return _pattern(node), ()
    section = trunk.below(node)
    pattern, via = section.required("to", _pattern), section.required("via", _names)
    section.done()
    if pattern is not None and "@" in pattern:
        section.refuse("via", "a URI names the host where it leads: `via` is for numbers")
    return pattern or "", via or ()


def _digits(node: Node) -> str:
    value = text(node)
    if not re.fullmatch(r"[0-9]{2,6}", value):
        raise Refused("a number of 2 to 6 digits is expected", 'for example "133"')
    return value


def _pattern(node: Node) -> str:
    pattern = node.text if isinstance(node, Scalar) else ""
    problem = check_pattern(pattern)
    if problem is not None:
        raise Refused(problem)
    return pattern


def _names(node: Node) -> tuple[str, ...]:
    if not isinstance(node, Sequence):
        return (text(node),)
    if not node.items:
        raise Refused("at least one trunk is needed")
    return tuple(text(item) for item in node.items)


def trunk(name: str, section: Section, folder: Path) -> Trunk:
    networks: tuple[Network, ...] = section.items("networks", parse_network, ())
    no_host: tuple[str | None, int | None] = (None, None)
    host, port = section.value("host", parse_host_and_port, no_host)
    if host is not None:
        try:
            address: Network = ip_network(host.strip("[]"))
            networks = networks if address in networks else (*networks, address)
        except ValueError:
            pass  # a name: whoever resolves it knows its addresses
    elif section.get("networks") is None:
        section.refuse("networks", "a trunk needs `networks`, `host`, or both")
    register = None
    if section.get("register") is not None:
        register = registering.register(section.section("register"))
        if host is None:
            section.refuse("register", "to register, the trunk needs a `host`")
    dialplan = section.required("dialplan", text)
    dial = section.items("dial", lambda node: _dial(node, section), ())
    result = Trunk(
        name=name,
        dialplan=dialplan or "",
        networks=networks,
        host=host,
        port=port,
        auth=section.value("auth", boolean, False),
        trust=section.value("trust", boolean, False),
        register=register,
        dial=tuple(pattern for pattern, _ in dial),
        via={pattern: names for pattern, names in dict(reversed(dial)).items() if names},  # the first counts
        proxy=_proxy(section),
        login=registering.login(section.section("login")) if section.get("login") is not None else None,
        ping_seconds=section.value("ping_seconds", number(0, 3600), PING_SECONDS),
        transport=section.value("transport", auto_or(one_of(TRANSPORTS)), None),
        calls_per_second=section.value("calls_per_second", number(0.1, 10_000), None),
        emergency=section.items("emergency", _digits, ()),
        tls=_key_pair(section.section("tls"), folder) if section.get("tls") is not None else None,
        srtp=section.value("srtp", one_of(SRTP), None),
    )
    if result.login is not None and result.register is not None:
        section.refuse("login", "`register` has the user and the password already")
    section.done()
    return result


def _proxy(section: Section) -> tuple[str, int | None] | None:
    nowhere: tuple[str | None, int | None] = (None, None)
    host, port = section.value("proxy", parse_host_and_port, nowhere)
    return None if host is None else (host, port)
