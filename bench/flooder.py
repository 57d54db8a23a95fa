"""INVITEs at a fixed rate that nobody answers for: `python -m bench.flooder FROM TO PORT RATE SECONDS`."""

import socket
import sys
import time

_SLOT = 0.002  # seconds
_INVITE = """\
INVITE sip:700@{to} SIP/2.0\r
Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKflood{number};rport\r
Max-Forwards: 70\r
From: <sip:flood@{host}>;tag=flood{number}\r
To: <sip:700@{to}>\r
Call-ID: flood{number}@{host}\r
CSeq: 1 INVITE\r
Contact: <sip:flood@{host}:{port}>\r
Content-Length: 0\r
\r
"""


def main(host: str, to: str, to_port: int, rate: float, seconds: float) -> None:
    """Send, and print how many were sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        port = sender.getsockname()[1]
        start = time.monotonic()
        sent = 0
        while (passed := time.monotonic() - start) < seconds:
            while sent < passed * rate:
                text = _INVITE.format(to=to, host=host, port=port, number=sent)
                sender.sendto(text.encode(), (to, to_port))
                sent += 1
            time.sleep(_SLOT)
    print(sent)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
