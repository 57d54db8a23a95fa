"""A session timer of 90 s over more than five minutes, with Asterisk as caller and as called."""

import re

import pytest

from tests.interop.audio import AGENT_HZ, seconds_in
from tests.interop.long_call import TALK_SECONDS, LongCall
from tests.live.hotline import log_on_failure

REFRESHES = int(TALK_SECONDS / 60)  # one every 45 s is due; a peer may take up to two thirds of the interval


@pytest.mark.feature(
    "Asterisk", "session timers of 90 s (RFC 4028) on both legs: the call survives five minutes, refreshed"
)
def test_a_call_outlives_its_session_timers(long_call: LongCall) -> None:
    with log_on_failure(long_call.hotline):
        record = long_call.wait()
        assert (record["ended_by"], record["release_cause"]) == ("caller", "normal")
        assert record["talk_seconds"] > 300
        assert seconds_in(long_call.heard, AGENT_HZ) > 300
        ladder = long_call.hotline.ladder(record["uid"])
    legs = [len(re.findall(pattern, ladder, re.MULTILINE)) for pattern in (r"\bUPDATE\b", r"\bINVITE\b")]
    assert sum(legs) - 2 >= 2 * REFRESHES, ladder
