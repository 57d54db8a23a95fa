"""The SIP messages of a call as a ladder for a terminal, word by word, or as a file for Wireshark."""

import struct
from collections.abc import Sequence
from ipaddress import ip_address

from voicebot.sip.captured import SipMessage

US = "voicebot"
_WIDTH = 34  # of a column
_NAME = _WIDTH - 4
_PCAP = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_RAW_IP = 101  # LINKTYPE_RAW
_UDP = 17


def ladder(messages: Sequence[SipMessage]) -> list[str]:
    """Return the lines of a ladder: a column for every address, ours in the middle of the first two."""
    if not messages:
        return []
    peers = list(dict.fromkeys(_peer(item) for item in messages))
    columns = [peers[0], US, *peers[1:]]
    centre = {name: 10 + _WIDTH // 2 + _WIDTH * index for index, name in enumerate(columns)}
    width = 10 + _WIDTH * len(columns)
    heading = [" "] * width
    for name, at in centre.items():
        _write(heading, name[:_NAME], at)
    lines = ["".join(heading).rstrip()]
    start = messages[0].at
    for item in messages:
        row = [" "] * width
        for at in centre.values():
            row[at] = "│"
        from_, to = (US, _peer(item)) if item.sent else (_peer(item), US)
        _arrow(row, centre[from_], centre[to], _label(item.data))
        row[:9] = f"{item.at - start:9.3f}"
        lines.append("".join(row).rstrip())
    return lines


def in_words(messages: Sequence[SipMessage]) -> list[str]:
    """Return every message whole, under a line that says when and which way it went."""
    start = messages[0].at if messages else 0.0
    lines: list[str] = []
    for item in messages:
        way = "sent to" if item.sent else "received from"
        lines += [f"--- {item.at - start:.3f} s, {way} {_peer(item)}", *_text(item.data).splitlines(), ""]
    return lines


def pcap(messages: Sequence[SipMessage]) -> bytes:
    """Return a capture file of the messages: IP and UDP as Wireshark reads them, whatever the transport was."""
    parts = [_PCAP.pack(0xA1B2C3D4, 2, 4, 0, 0, 0x40000, _RAW_IP)]
    for item in messages:
        packet = _packet(item)
        seconds, micros = divmod(round(item.at * 1_000_000), 1_000_000)
        parts += [_RECORD.pack(seconds, micros, len(packet), len(packet)), packet]
    return b"".join(parts)


def _peer(item: SipMessage) -> str:
    return item.peer if item.transport == "udp" else f"{item.transport}:{item.peer}"


def _label(data: bytes) -> str:
    """Return `INVITE (sdp)`, or `200 OK (INVITE)`."""
    text = _text(data)
    first = text.partition("\n")[0].strip()
    sdp = "\nv=0" in text
    if first.startswith("SIP/2.0 "):
        method = next(
            (line.split()[-1] for line in text.splitlines() if line.lower().startswith("cseq:")), ""
        )
        return f"{first[8:]} ({method}{', sdp' if sdp else ''})"
    return first.partition(" ")[0] + (" (sdp)" if sdp else "")


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return "".join(char if char.isprintable() or char in "\r\n\t" else "?" for char in text)


def _arrow(row: list[str], start: int, end: int, label: str) -> None:
    left, right = min(start, end), max(start, end)
    for at in range(left + 1, right):
        row[at] = "─"
    room = right - left - 5
    text = f" {label if len(label) <= room else label[: room - 1] + '…'} "
    begin = (left + right - len(text)) // 2 + 1
    row[begin : begin + len(text)] = text
    if end > start:
        row[end - 1] = "▶"
    else:
        row[end + 1] = "◀"


def _write(row: list[str], text: str, centre: int) -> None:
    begin = max(0, centre - len(text) // 2)
    row[begin : begin + len(text)] = text


def _packet(item: SipMessage) -> bytes:
    ends = (item.local, item.peer) if item.sent else (item.peer, item.local)
    (source, source_port), (destination, destination_port) = map(_host_and_port, ends)
    data = item.data[: 0xFFFF - 48]
    datagram = struct.pack("!HHHH", source_port, destination_port, 8 + len(data), 0) + data
    sender, receiver = ip_address(source), ip_address(destination)
    if sender.version == receiver.version == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, _UDP, 0)
        header += sender.packed + receiver.packed
        return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + datagram
    addresses = _six(sender.packed) + _six(receiver.packed)
    whole = addresses + struct.pack("!II", len(datagram), _UDP) + datagram
    datagram = datagram[:6] + struct.pack("!H", _checksum(whole) or 0xFFFF) + data
    return struct.pack("!IHBB", 6 << 28, len(datagram), _UDP, 64) + addresses + datagram


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _six(packed: bytes) -> bytes:
    return packed if len(packed) == 16 else bytes(10) + b"\xff\xff" + packed


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
