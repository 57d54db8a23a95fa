"""A call of more than five minutes with session timers of 90 s on both its legs, which goes on beside the other tests.

It is begun with the run and looked at at its end (test_session_timer.py), so that it costs no time of its own.
"""

import contextlib
import time
from pathlib import Path
from typing import Any

from tests.interop.asterisk_pbx import Asterisk, OriginatedCall
from tests.live.hotline import Hotline, free_port, running

_DIALPLAN = Path(__file__).parent / "hotline.yaml"
_ROUNDS = 5
TALK_SECONDS = _ROUNDS * 64.0
_STEPS = "|".join(["w:60", "p:caller"] * _ROUNDS)  # a caller who is never heard would be hung up on


class LongCall:
    """Asterisk calls the hotline, is connected with extension 6002 by a second call, and stays."""

    def __init__(self, asterisk_folder: Path, folder: Path) -> None:
        self._open = contextlib.ExitStack()
        port = free_port()
        self.asterisk = Asterisk(asterisk_folder, folder / "asterisk", port)
        self._open.enter_context(self.asterisk)
        pbx = f"127.0.0.1:{self.asterisk.port}"
        config = {
            "sip": {"listen": [f"udp:127.0.0.1:{port}"], "session_expires": 90},
            "trunks": {"pbx": {"networks": ["127.0.0.0/8"], "dialplan": "main", "host": pbx}},
            "agents": {"one": {"uri": f"sip:6002@{pbx}", "skills": {}}},
        }
        self.hotline = Hotline(folder / "hotline", _DIALPLAN, port=port, config=config)
        self._open.enter_context(running(self.hotline))
        self._begun_at = time.monotonic()
        self._call: OriginatedCall = self.asterisk.originate(
            "702", _STEPS, trunk="hotline-timer", name="long"
        )

    def wait(self) -> dict[str, Any]:
        """Wait for the end of the call; return its record."""
        self._call.wait(max(10.0, self._begun_at + TALK_SECONDS + 60.0 - time.monotonic()))
        return self.hotline.wait_for_record(1)

    @property
    def heard(self) -> Path:
        """What Asterisk's caller heard."""
        return self._call.heard

    def close(self) -> None:
        self._open.close()
