"""pyVoIP as a telephone: `python pyvoip_phone.py SERVER SIP RTP-FIRST RTP-LAST USER PASSWORD HEARD SAYS SECONDS [NUMBER]`.

Runs in a virtual environment that has pyVoIP and nothing else. It registers, calls NUMBER or answers the first call,
says the file SAYS (8-bit unsigned, 8 kHz: what pyVoIP speaks) once, writes what it hears to HEARD in the same
form, and hangs up after SECONDS of talk. Prints `registered`, `answered` and `ended`, each on a line.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from pyVoIP.VoIP import (  # type: ignore[import-not-found]  # it is in an environment of its own
    CallState,
    PhoneStatus,
    VoIPCall,
    VoIPPhone,
)

_CHUNK = 160  # bytes, 20 ms
_PATIENCE = 30.0  # seconds


def main(arguments: list[str]) -> None:
    port, own_port, rtp_first, rtp_last, user, password, heard, says, seconds, *number = arguments
    incoming: list[VoIPCall] = []
    phone = VoIPPhone(
        "127.0.0.1",
        int(port),
        user,
        password,
        myIP="127.0.0.1",
        callCallback=incoming.append,
        sipPort=int(own_port),
        rtpPortLow=int(rtp_first),
        rtpPortHigh=int(rtp_last),
    )
    phone.start()
    try:
        _until(lambda: phone.get_status() == PhoneStatus.REGISTERED)
        print("registered", flush=True)
        if number:
            call = phone.call(number[0])
        else:
            _until(lambda: bool(incoming))
            call = incoming[0]
            call.answer()
        _until(lambda: call.state == CallState.ANSWERED)
        print("answered", flush=True)
        call.write_audio(Path(says).read_bytes())
        end = time.monotonic() + float(seconds)
        with Path(heard).open("wb") as out:
            while call.state == CallState.ANSWERED and time.monotonic() < end:
                out.write(call.read_audio(_CHUNK, blocking=False))
                time.sleep(_CHUNK / 8000)  # it gives silence for what has not come yet
        if call.state == CallState.ANSWERED:
            call.hangup()
        print("ended", flush=True)
        time.sleep(0.5)
    finally:
        phone.stop()


def _until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not fact():
        if time.monotonic() > end:
            sys.exit("not in time")
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1:])
