"""The configuration as the rest of the program sees it: checked, complete, every path absolute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Literal

from voicebot.dialplan.source import Finding
from voicebot.sip.guard import GuardRules

Network = IPv4Network | IPv6Network
PING_SECONDS = 60.0  # between two OPTIONS to a trunk


@dataclass(frozen=True, slots=True)
class Listen:
    """`udp:0.0.0.0:5060`. Port 0 lets the system choose one."""

    transport: Literal["udp", "tcp", "tls"]
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Auth:
    """Digest as a server (RFC 3261 section 22): who may call through trunks with `auth: true`."""

    realm: str = "voicebot"
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    algorithms: tuple[str, ...] = ("MD5",)


SrtpPolicy = Literal["off", "optional", "required"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Files in PEM: a certificate with its chain, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM; `certificate` (with its chain) and `key` are there when a tls: address is listened on.

    `names`: what is shown instead to peers that ask for such a name (SNI), in lower case, or `*.` and a domain.
    `ca`: whom we trust, instead of the system's authorities. `client_certificate`: what is asked of peers that connect.
    `verify_server`: whether a server that we connect to must have a certificate for its name.
    """

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    client_certificate: Literal["off", "optional", "required"] = "off"
    verify_server: bool = True
    names: Mapping[str, KeyPair] = field(default_factory=dict)

    @property
    def pair(self) -> KeyPair | None:
        return None if self.certificate is None or self.key is None else KeyPair(self.certificate, self.key)


@dataclass(frozen=True, slots=True)
class Sip:
    """`public_address` None: the address of the interface that a peer is reached through, or what `stun` (host, port) says.

    `local_networks`: where peers are told our own address whatever the public one is.

    `session_expires`, `min_session_expires`: RFC 4028, in seconds; 0: we ask for no session timer.
    """

    listen: tuple[Listen, ...] = (Listen("udp", "0.0.0.0", 5060), Listen("tcp", "0.0.0.0", 5060))
    public_address: str | None = None
    stun: tuple[str, int] | None = None
    local_networks: tuple[Network, ...] = ()
    auth: Auth = Auth()
    tls: Tls = Tls()
    session_expires: int = 1800
    min_session_expires: int = 90


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Register:
    """Our account at a PBX. `auth_user` is the user of the digest where it is not the extension's."""

    user: str
    password: str = field(repr=False)
    expires_seconds: int = 300
    auth_user: str | None = None


@dataclass(frozen=True, slots=True)
class Trunk:
    """Where calls come from and go to. `dial` are the patterns that may be dialled out; none: the agents only.

    `emergency`: numbers for emergencies there, besides those that are known everywhere.

    `via`: by pattern, the trunks by which such numbers leave, the first choice first; else by this trunk.

    `port` None: what DNS says of the host (SRV), else the transport's own. `proxy` is an outbound proxy, host and port in the same way. `login` answers challenges of a host that we do not register at.
    `ping_seconds`: how often the host is asked by OPTIONS whether it is there; 0: never.
    `trust`: the caller is who P-Asserted-Identity or Remote-Party-ID says (RFC 3325).
    `transport` None: what DNS says of the host, else UDP. `tls`: what we show when we connect to it, instead of `sip.tls`.
    `srtp` None: as `media.srtp` says.
    """

    name: str
    dialplan: str
    networks: tuple[Network, ...] = ()
    host: str | None = None
    port: int | None = None
    auth: bool = False
    trust: bool = False
    register: Register | None = None
    dial: tuple[str, ...] = ()
    via: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proxy: tuple[str, int | None] | None = None
    login: Login | None = None
    ping_seconds: float = PING_SECONDS
    transport: Literal["udp", "tcp", "tls"] | None = None
    calls_per_second: float | None = None
    emergency: tuple[str, ...] = ()
    tls: KeyPair | None = None
    srtp: SrtpPolicy | None = None


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """`ports` are the first and the last RTP port; `workers` None: as many as the machine bears."""

    ports: tuple[int, int] = (20000, 29999)
    workers: int | None = None
    codecs: tuple[str, ...] = ("PCMU", "PCMA", "G722")
    codec_order: Literal["peer", "ours"] = "peer"
    srtp: SrtpPolicy = "optional"
    rtp_timeout_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Recogniser:
    """`engine` "auto": the best that is installed. `model` is a folder, for engines that need one."""

    engine: Literal["auto", "pocketsphinx", "vosk", "none"] = "auto"
    model: Path | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    engine: Literal["auto", "espeak", "pyttsx3"] = "auto"
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """`asr` and `tts` by language; a language that is not named is "auto"."""

    vad: Literal["auto", "webrtc", "energy"] = "auto"
    asr: Mapping[str, Recogniser] = field(default_factory=dict)
    tts: Mapping[str, Voice] = field(default_factory=dict)
    models: Path = Path("models")
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Registrar:
    """Where phones register. `domain` None: under whatever name they know us.

    `users`: passwords by user, the agents' phones included. `dialplan` answers their calls (None: they may not call).
    `contacts`: how many phones a user may have.
    """

    domain: str | None = None
    dialplan: str | None = None
    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    min_expires_seconds: int = 60
    max_expires_seconds: int = 600
    contacts: int = 5
    ping_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """`skills` maps a skill to its level, 1 to 10. `phone`: the account at our registrar that `uri` then stands for."""

    name: str
    uri: str
    skills: Mapping[str, int] = field(default_factory=dict)
    phone: Login | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """`database` is an SQLAlchemy URL, absolute. `recording` false: no call is recorded, whatever its dialplan says."""

    database: str = field(repr=False)
    recordings: Path
    recording: bool = True


@dataclass(frozen=True, slots=True)
class Api:
    """`listen` None: no API. `token` None: `api_token(config)` reads or makes one below the data folder."""

    listen: tuple[str, int] | None = ("127.0.0.1", 8080)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Homer:
    """Where SIP messages are told as HEP3; `address` is (IP address, UDP port)."""

    address: tuple[str, int]
    capture_id: int = 2001
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """`calls` at once; beyond it callers get 503. `call_seconds`: the longest call.

    `dialled_*`: numbers that are no agents'. `connections`: SIP over TCP and TLS, in all and from one address; one more is closed at once.
    SIP messages a second that one address may send; more are dropped unread. Trunks' addresses may send more.
    """

    calls: int = 200
    call_seconds: float = 3600.0
    connections: int = 2000
    connections_per_address: int = 200
    messages_per_second_per_address: float = 100.0
    messages_per_second_per_trunk_address: float = 10_000.0
    dialled_per_caller_and_day: int = 100
    dialled_per_day: int = 2000


@dataclass(frozen=True, slots=True)
class CallbackConfig:
    """How callers who booked a callback are called: see config.yaml."""

    attempts: int = 3
    retry_seconds: float = 300.0
    ring_seconds: float = 45.0
    keep_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Shutdown:
    """How long running calls may go on after SIGTERM."""

    drain_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Reload:
    """`watch`: a dialplan whose file changes is reloaded."""

    watch: bool = True


@dataclass(frozen=True, slots=True)
class Log:
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration. `warnings` are keys that are read, but that this version does not act on yet.

    `canaries`: the share of new calls, by dialplan, that a changed file gets until it is promoted; absent: all.
    """

    file: Path
    data: Path
    dialplans: Mapping[str, Path]
    prompts: Path
    storage: Storage
    sip: Sip = Sip()
    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    media: MediaConfig = MediaConfig()
    speech: SpeechConfig = SpeechConfig()
    agents: Mapping[str, AgentConfig] = field(default_factory=dict)
    registrar: Registrar | None = None
    api: Api = Api()
    limits: Limits = Limits()
    callbacks: CallbackConfig = CallbackConfig()
    shutdown: Shutdown = Shutdown()
    reload: Reload = Reload()
    log: Log = Log()
    homer: Homer | None = None
    guard: GuardRules = field(default_factory=GuardRules)
    canaries: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[Finding, ...] = ()

    def trunk_for(self, source_ip: str) -> Trunk | None:
        """Return the trunk that a request from this address belongs to: the narrowest network wins."""
        found = self.network_for(source_ip)
        return None if found is None else found[1]

    def network_for(self, source_ip: str) -> tuple[Network, Trunk] | None:
        """Return the narrowest network that holds an address, and its trunk."""
        try:
            address = ip_address(source_ip.partition("%")[0])
        except ValueError:
            return None
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        found = [
            (network, trunk)
            for trunk in self.trunks.values()
            for network in trunk.networks
            if network.version == address.version and address in network
        ]
        return max(found, key=lambda pair: pair[0].prefixlen) if found else None
