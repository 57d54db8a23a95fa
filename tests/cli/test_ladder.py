"""The ladder of a call in a terminal, and its capture file."""

import struct

from voicebot.cli.ladder import in_words, ladder, pcap
from voicebot.sip.captured import SipMessage

INVITE = b"INVITE sip:700@x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n"
OK = b"SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n"
BYE = b"BYE sip:6001@x SIP/2.0\r\nCSeq: 2 BYE\r\n\r\n"
CALL = [
    SipMessage(100.0, False, "udp", "127.0.0.1:5060", "127.0.0.1:5070", INVITE),
    SipMessage(100.25, True, "udp", "127.0.0.1:5060", "127.0.0.1:5070", OK),
    SipMessage(104.0, True, "tls", "[::1]:5061", "[::1]:6001", BYE),
]


def test_every_message_is_an_arrow_between_us_and_its_peer() -> None:
    heading, invite, ok, bye = ladder(CALL)
    peer, us, agent = (heading.index(name) for name in ("127.0.0.1:5070", "voicebot", "tls:[::1]:6001"))
    assert peer < us < agent
    assert "INVITE (sdp)" in invite
    assert invite.index("▶") > invite.index("INVITE")
    assert "200 OK (INVITE, sdp)" in ok
    assert ok.index("◀") < ok.index("200")
    assert bye.index("BYE") > us
    assert [line.split()[0] for line in (invite, ok, bye)] == ["0.000", "0.250", "4.000"]
    assert ladder([]) == []


def test_messages_are_shown_whole_without_bytes_that_steer_a_terminal() -> None:
    lines = in_words([CALL[0]._replace(data=b"INVITE \x1b[2J SIP/2.0\r\n\r\n")])
    assert lines == ["--- 0.000 s, received from 127.0.0.1:5070", "INVITE ?[2J SIP/2.0", "", ""]


def test_capture_file_holds_every_message_as_ip_and_udp() -> None:
    data = pcap(CALL)
    assert struct.unpack_from("<IHHiIII", data)[-1] == 101
    at, versions = 24, []
    for item in CALL:
        _, _, kept, length = struct.unpack_from("<IIII", data, at)
        assert kept == length
        packet = data[at + 16 : at + 16 + length]
        versions.append(packet[0] >> 4)
        assert packet.endswith(item.data)
        at += 16 + length
    assert versions == [4, 4, 6]
    assert at == len(data)
