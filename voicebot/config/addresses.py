"""Addresses, networks and ports in config.yaml: text -> value, or Refused."""

import re
from ipaddress import ip_address, ip_network
from typing import Literal

from voicebot.config.model import Listen, Network
from voicebot.config.section import Refused, text
from voicebot.dialplan.source import Node
from voicebot.sip.stun import DEFAULT_PORT as STUN_PORT

_LISTEN = re.compile(r"(?:(udp|tcp|tls):)?(\[[0-9A-Fa-f:.]+\]|[0-9.]+):([0-9]{1,5})", re.IGNORECASE)
HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))(?::([0-9]{1,5}))?")
TRANSPORTS: dict[str, Literal["udp", "tcp", "tls"]] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


def parse_listen(value: str) -> Listen:
    """Return `udp:HOST:PORT` as a Listen. Raises Refused."""
    match = _LISTEN.fullmatch(value)
    if match is None:
        raise Refused(
            "not an address to listen on", 'for example "udp:0.0.0.0:5060": transport, IP address, port'
        )
    transport, host, port = match.groups()
    return Listen(TRANSPORTS[(transport or "udp").lower()], parse_ip(host.strip("[]")), parse_port(port))


def parse_ip(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError as error:
        raise Refused("not an IP address") from error


def parse_public_address(value: str) -> str | tuple[str, int]:
    """Return an address, or the STUN server (host, port) that knows it."""
    if not value.lower().startswith("stun:"):
        return parse_ip(value)
    match = HOST.fullmatch(value[len("stun:") :])
    if match is None:
        raise Refused("not a STUN server", 'for example "stun:stun.example.com", or with :PORT behind it')
    host, port = match.groups()
    return host.strip("[]"), parse_port(port or str(STUN_PORT))


def parse_port(port: str) -> int:
    if int(port) > 65535:
        raise Refused("a port is at most 65535")
    return int(port)


def parse_network(node: Node) -> Network:
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


def parse_host_and_port(node: Node) -> tuple[str | None, int | None]:
    match = HOST.fullmatch(text(node))
    if match is None:
        raise Refused("not a host name or address", 'for example "pbx.example.com" or "10.0.0.2:5080"')
    return match.group(1), parse_port(match.group(2)) if match.group(2) else None
