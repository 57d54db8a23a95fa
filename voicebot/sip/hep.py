"""HEP version 3: a captured SIP message for a Homer server (HEP3 protocol specification, revision 36)."""

import struct
from ipaddress import ip_address

from voicebot.sip.address import Address

_UDP, _TCP = 17, 6  # IP protocol numbers
_SIP = 1  # protocol type
_CHUNK = struct.Struct("!HHH")  # vendor (0: generic), type, length with these six octets


def encode(
    message: bytes, source: Address, destination: Address, at: float, *, capture_id: int, password: str = ""
) -> bytes:
    """Return the datagram that tells Homer of one message. `at`: Unix time in seconds. Hosts are IP addresses."""
    sender, receiver = ip_address(source.host), ip_address(destination.host)
    version = max(sender.version, receiver.version)
    if version == 6:
        hosts = [_chunk(5, _six(source.host)), _chunk(6, _six(destination.host))]
    else:
        hosts = [_chunk(3, sender.packed), _chunk(4, receiver.packed)]
    seconds, micros = divmod(round(at * 1_000_000), 1_000_000)
    chunks = [
        _chunk(1, bytes([2 if version == 4 else 10])),  # address family
        _chunk(2, bytes([_UDP if source.transport == "udp" else _TCP])),
        *hosts,
        _chunk(7, struct.pack("!H", source.port)),
        _chunk(8, struct.pack("!H", destination.port)),
        _chunk(9, struct.pack("!I", seconds)),
        _chunk(10, struct.pack("!I", micros)),
        _chunk(11, bytes([_SIP])),
        _chunk(12, struct.pack("!I", capture_id)),
    ]
    if password:
        chunks.append(_chunk(14, password.encode()))
    chunks.append(_chunk(15, message))
    payload = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(payload)) + payload


def _chunk(kind: int, data: bytes) -> bytes:
    return _CHUNK.pack(0, kind, _CHUNK.size + len(data)) + data


def _six(host: str) -> bytes:
    address = ip_address(host)
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
