"""HEP3 as Homer reads it: chunks of vendor 0, in any order."""

import struct

from voicebot.sip import Address, hep


def chunks(datagram: bytes) -> dict[int, bytes]:
    assert datagram[:4] == b"HEP3"
    assert struct.unpack("!H", datagram[4:6])[0] == len(datagram)
    found, at = {}, 6
    while at < len(datagram):
        vendor, kind, length = struct.unpack_from("!HHH", datagram, at)
        assert vendor == 0
        found[kind] = datagram[at + 6 : at + length]
        at += length
    return found


def test_ipv4_message_with_its_ends_and_its_instant() -> None:
    told = chunks(
        hep.encode(
            b"OPTIONS",
            Address("udp", "192.0.2.1", 5060),
            Address("udp", "192.0.2.2", 5070),
            12.25,
            capture_id=7,
        )
    )
    assert told[1] == b"\x02"
    assert told[2] == bytes([17])
    assert (told[3], told[4]) == (bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    assert struct.unpack("!HHII", told[7] + told[8] + told[9] + told[10]) == (5060, 5070, 12, 250000)
    assert (told[11], told[12], told[15]) == (b"\x01", b"\0\0\0\x07", b"OPTIONS")
    assert 14 not in told


def test_ipv6_over_tls_with_a_password() -> None:
    here, there = Address("tls", "2001:db8::1", 5061), Address("tls", "2001:db8::2", 40000)
    told = chunks(hep.encode(b"x", here, there, 1.0, capture_id=1, password="open"))
    assert told[1] == b"\x0a"
    assert told[2] == bytes([6])
    assert (len(told[5]), len(told[6]), told[14]) == (16, 16, b"open")
