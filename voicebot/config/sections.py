"""The sections of config.yaml, one function each. What is missing has the default of its dataclass."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Literal, TypeVar

from voicebot.config import registering
from voicebot.config.dialling import check_pattern, is_agent_uri
from voicebot.config.model import (
    PING_SECONDS,
    AgentConfig,
    Api,
    Auth,
    CallbackConfig,
    GuardConfig,
    Homer,
    Limits,
    Listen,
    Log,
    MediaConfig,
    Network,
    Recogniser,
    Reload,
    Shutdown,
    Sip,
    SpeechConfig,
    Tls,
    Trunk,
    Voice,
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
from voicebot.dialplan.source import Mapping as MappingNode
from voicebot.dialplan.source import Node, Position, Scalar, finding
from voicebot.media.coders import problem_of
from voicebot.sip.stun import DEFAULT_PORT as STUN_PORT

CODECS = ("PCMU", "PCMA", "G722", "OPUS")
_LISTEN = re.compile(r"(?:(udp|tcp|tls):)?(\[[0-9A-Fa-f:.]+\]|[0-9.]+):([0-9]{1,5})", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))(?::([0-9]{1,5}))?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

T = TypeVar("T")


_SHARE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%")


def parse_share(value: str) -> float:
    """Return `10%` as 0.1. Raises Refused unless it is more than 0 % and less than 100 %."""
    match = _SHARE.fullmatch(value.strip())
    share = float(match.group(1)) / 100 if match is not None else 0.0
    if share <= 0.0:
        raise Refused("a share of the calls is expected", 'for example "10%"')
    return share


def dialplan(node: Node, top: Section, folder: Path) -> tuple[Path, float | None]:
    """A file, or {file, canary}: a changed file gets that share of the new calls first."""
    if not isinstance(node, MappingNode):
        return folder / text(node), None
    section = top.below(node)
    file = section.required("file", text)
    share = section.value("canary", lambda item: parse_share(text(item)), None)
    section.done()
    return folder / (file or ""), share


def parse_listen(value: str) -> Listen:
    """Return `udp:HOST:PORT` as a Listen. Raises Refused."""
    match = _LISTEN.fullmatch(value)
    if match is None:
        raise Refused(
            "not an address to listen on", 'for example "udp:0.0.0.0:5060": transport, IP address, port'
        )
    transport, host, port = match.groups()
    return Listen(_TRANSPORTS[(transport or "udp").lower()], _address(host.strip("[]")), _port(port))


_TRANSPORTS: dict[str, Literal["udp", "tcp", "tls"]] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


def _address(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError as error:
        raise Refused("not an IP address") from error


def _public_address(value: str) -> str | tuple[str, int]:
    """Return an address, or the STUN server (host, port) that knows it."""
    if not value.lower().startswith("stun:"):
        return _address(value)
    match = _HOST.fullmatch(value[len("stun:") :])
    if match is None:
        raise Refused("not a STUN server", 'for example "stun:stun.example.com", or with :PORT behind it')
    host, port = match.groups()
    return host.strip("[]"), _port(port or str(STUN_PORT))


def _port(port: str) -> int:
    if int(port) > 65535:
        raise Refused("a port is at most 65535")
    return int(port)


def sip(section: Section, folder: Path, listen: tuple[str, ...]) -> Sip:
    listens = section.items("listen", lambda node: parse_listen(text(node)), Sip().listen)
    if listen:
        listens = tuple(_flag(item, section) for item in listen)
    elif not listens:
        section.refuse("listen", "at least one address to listen on is needed")
    auth = section.section("auth")
    public = section.value("public_address", auto_or(lambda node: _public_address(text(node))), None)
    result = Sip(
        listen=listens,
        public_address=public if isinstance(public, str) else None,
        stun=public if isinstance(public, tuple) else None,
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
    )
    if needed and result.certificate is None:
        section.refuse(
            "certificate", "to listen on tls: a certificate is needed", "sip.tls.certificate and .key"
        )
    elif (result.certificate is None) != (result.key is None):
        section.refuse("key", "`certificate` and `key` belong together: one of them is missing")
    section.done()
    return result


def _network(node: Node) -> Network:
    value = text(node)
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        meant = ip_network(value, strict=False)
    except ValueError as error:
        raise Refused("not a network", 'for example "192.168.0.0/16", or one address') from error
    raise Refused("the address has bits behind the prefix", f"did you mean {meant}?")


def _host_and_port(node: Node) -> tuple[str | None, int]:
    match = _HOST.fullmatch(text(node))
    if match is None:
        raise Refused("not a host name or address", 'for example "pbx.example.com" or "10.0.0.2:5080"')
    return match.group(1), _port(match.group(2) or "5060")


def _dial(node: Node) -> str:
    pattern = node.text if isinstance(node, Scalar) else ""
    problem = check_pattern(pattern)
    if problem is not None:
        raise Refused(problem)
    return pattern


def trunk(name: str, section: Section) -> Trunk:
    networks: tuple[Network, ...] = section.items("networks", _network, ())
    no_host: tuple[str | None, int] = (None, 5060)
    host, port = section.value("host", _host_and_port, no_host)
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
    result = Trunk(
        name=name,
        dialplan=dialplan or "",
        networks=networks,
        host=host,
        port=port,
        auth=section.value("auth", boolean, False),
        trust=section.value("trust", boolean, False),
        register=register,
        dial=section.items("dial", _dial, ()),
        proxy=_proxy(section),
        login=registering.login(section.section("login")) if section.get("login") is not None else None,
        ping_seconds=section.value("ping_seconds", number(0, 3600), PING_SECONDS),
        transport=section.value("transport", auto_or(one_of(_TRANSPORTS)), None),
        calls_per_second=section.value("calls_per_second", number(0.1, 10_000), None),
    )
    if result.login is not None and result.register is not None:
        section.refuse("login", "`register` has the user and the password already")
    section.done()
    return result


def _proxy(section: Section) -> tuple[str, int] | None:
    nowhere: tuple[str | None, int] = (None, 0)
    host, port = section.value("proxy", _host_and_port, nowhere)
    return None if host is None else (host, port)


def media(section: Section) -> MediaConfig:
    def ports(node: Node) -> tuple[int, int]:
        match = re.fullmatch(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})", text(node))
        if match is None:
            raise Refused("not a range of ports", 'for example "20000-29999"')
        first, last = _port(match.group(1)), _port(match.group(2))
        if first < 1024:
            raise Refused("ports for media begin at 1024")
        if last < first + (first % 2) + 1:
            raise Refused("the range holds no pair of ports (an even one and the next)")
        return first, last

    def codec(node: Node) -> str:
        name = one_of({name: name for name in CODECS})(node)
        if problem := problem_of(name):
            raise Refused(f"{name} cannot be used: {problem}", "install voicebot[opus], or leave it out")
        return name

    default = MediaConfig()
    codecs = section.items("codecs", codec, default.codecs)
    if not codecs:
        section.refuse("codecs", f"at least one codec is needed: {', '.join(CODECS)}")
    result = MediaConfig(
        ports=section.value("ports", ports, default.ports),
        workers=section.value("workers", auto_or(integer(1, 64)), None),
        codecs=tuple(dict.fromkeys(codecs)),
        codec_order=section.value("codec_order", one_of(_CODEC_ORDERS), default.codec_order),
        srtp=section.value("srtp", one_of(_SRTP), default.srtp),
        rtp_timeout_seconds=section.value(
            "rtp_timeout_seconds", number(5, 3600), default.rtp_timeout_seconds
        ),
    )
    section.done()
    return result


_CODEC_ORDERS: dict[str, Literal["peer", "ours"]] = {"peer": "peer", "ours": "ours"}
_SRTP: dict[str, Literal["off", "optional", "required"]] = {
    "off": "off",
    "optional": "optional",
    "required": "required",
}
_VADS: dict[str, Literal["auto", "webrtc", "energy"]] = {
    "auto": "auto",
    "webrtc": "webrtc",
    "energy": "energy",
}
_RECOGNISERS: dict[str, Literal["auto", "pocketsphinx", "vosk", "none"]] = {
    "auto": "auto",
    "pocketsphinx": "pocketsphinx",
    "vosk": "vosk",
    "none": "none",
}
_VOICES: dict[str, Literal["auto", "espeak", "pyttsx3"]] = {
    "auto": "auto",
    "espeak": "espeak",
    "pyttsx3": "pyttsx3",
}


def speech(section: Section, folder: Path) -> SpeechConfig:
    def recogniser(node: Node) -> Recogniser:
        if not isinstance(node, MappingNode):
            return Recogniser(one_of(_RECOGNISERS)(node))
        below = section.below(node)
        result = Recogniser(
            below.value("engine", one_of(_RECOGNISERS), "auto"),
            below.value("model", lambda item: folder / text(item), None),
        )
        below.done()
        return result

    def voice(node: Node) -> Voice:
        if not isinstance(node, MappingNode):
            return Voice(one_of(_VOICES)(node))
        below = section.below(node)
        result = Voice(below.value("engine", one_of(_VOICES), "auto"), below.value("voice", text, None))
        below.done()
        return result

    result = SpeechConfig(
        vad=section.value("vad", one_of(_VADS), "auto"),
        asr=section.entries("asr", _by_language(recogniser)),
        tts=section.entries("tts", _by_language(voice)),
        models=section.value("models", lambda node: folder / text(node), folder / "models"),
        workers=section.value("workers", auto_or(integer(1, 64)), None),
    )
    section.done()
    return result


def _by_language(parse: Callable[[Node], T]) -> Callable[[str, Node], T]:
    def parsed(language: str, node: Node) -> T:
        if not _LANGUAGE.fullmatch(language):
            raise Refused(f"{language!r} is not a language", "for example en or zh")
        return parse(node)

    return parsed


def agent(name: str, section: Section) -> AgentConfig:
    def uri(node: Node) -> str:
        value = text(node)
        if not is_agent_uri(value):
            raise Refused(
                "not a plain SIP URI",
                'for example "sip:6001@127.0.0.1:5070", or with ;transport=tcp or tls behind it',
            )
        return value

    phone = None
    if section.get("register") is not None:
        phone = registering.phone(name, section.section("register"))
        if section.get("uri") is not None:
            section.refuse(
                "uri", "a phone that registers here has no `uri` of its own", "remove one of the two"
            )
    result = AgentConfig(
        name=name,
        uri="" if section.get("register") is not None else section.required("uri", uri) or "",
        skills=section.entries("skills", lambda _skill, node: integer(1, 10)(node)),
        phone=phone,
    )
    section.done()
    return result


def api(section: Section) -> Api:
    def listen(node: Node) -> tuple[str, int] | None:
        if isinstance(node, Scalar) and node.value == "off":
            return None
        match = _HOST.fullmatch(text(node))
        if match is None or match.group(2) is None:
            raise Refused("not an address to listen on", 'for example "127.0.0.1:8080", or off')
        return _address(match.group(1).strip("[]")), _port(match.group(2))

    def token(node: Node) -> str:
        if isinstance(node, Scalar) and node.value == "":
            raise Refused("an empty token would let everyone in", "remove the key, and a token is made")
        value = text(node)
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise Refused("a token is plain ASCII without spaces")
        return value

    result = Api(
        listen=section.value("listen", listen, Api().listen),
        token=section.value("token", token, None),
    )
    section.done()
    return result


def guard(section: Section) -> GuardConfig:
    default = GuardConfig()
    result = GuardConfig(
        section.value("strangers_per_minute", number(0, 100_000), default.strangers_per_minute),
        section.value("registers_per_second", number(0.1, 100_000), default.registers_per_second),
        section.value("wrong_passwords_per_minute", number(1, 100_000), default.wrong_passwords_per_minute),
        section.value("ban_seconds", number(1, 86_400), default.ban_seconds),
    )
    section.done()
    return result


def homer(section: Section) -> Homer | None:
    def address(node: Node) -> tuple[str, int]:
        match = _HOST.fullmatch(text(node))
        if match is None or match.group(2) is None:
            raise Refused("not an address", 'an IP address and a UDP port, for example "192.0.2.9:9060"')
        return _address(match.group(1).strip("[]")), _port(match.group(2))

    result = Homer(
        address=section.required("address", address) or ("", 0),
        capture_id=section.value("capture_id", integer(1, 2**32 - 1), 2001),
        password=section.value("password", text, ""),
    )
    section.done()
    return result


def limits(section: Section) -> Limits:
    result = Limits(
        calls=section.value("calls", integer(1, 100_000), Limits().calls),
        call_seconds=section.value("call_seconds", number(10, 86_400), Limits().call_seconds),
        connections=section.value("connections", integer(1, 100_000), Limits().connections),
        connections_per_address=section.value(
            "connections_per_address", integer(1, 100_000), Limits().connections_per_address
        ),
        messages_per_second_per_address=section.value(
            "messages_per_second_per_address", number(1, 1_000_000), Limits().messages_per_second_per_address
        ),
        messages_per_second_per_trunk_address=section.value(
            "messages_per_second_per_trunk_address",
            number(1, 1_000_000),
            Limits().messages_per_second_per_trunk_address,
        ),
        dialled_per_caller_and_day=section.value(
            "dialled_per_caller_and_day", integer(0, 1_000_000), Limits().dialled_per_caller_and_day
        ),
        dialled_per_day=section.value("dialled_per_day", integer(0, 1_000_000), Limits().dialled_per_day),
    )
    section.done()
    return result


def callbacks(section: Section) -> CallbackConfig:
    default = CallbackConfig()
    result = CallbackConfig(
        attempts=section.value("attempts", integer(1, 10), default.attempts),
        retry_seconds=section.value("retry_seconds", number(1, 86_400), default.retry_seconds),
        ring_seconds=section.value("ring_seconds", number(5, 180), default.ring_seconds),
        keep_hours=section.value("keep_hours", number(1, 168), default.keep_hours),
    )
    section.done()
    return result


def shutdown(section: Section) -> Shutdown:
    result = Shutdown(section.value("drain_seconds", number(0, 3600), Shutdown().drain_seconds))
    section.done()
    return result


def reload(section: Section) -> Reload:
    result = Reload(section.value("watch", boolean, Reload().watch))
    section.done()
    return result


_LEVELS: dict[str, Literal["debug", "info", "warning", "error"]] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
}


def log(section: Section) -> Log:
    result = Log(section.value("level", one_of(_LEVELS), "info"))
    section.done()
    return result
