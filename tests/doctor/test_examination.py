"""The doctor calls PBXs with one fault each, all at once over loopback, and finds that fault."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from tests.doctor.pbx import PRIVATE, Faults, Pbx
from voicebot.doctor import Evidence, Finding, Pace, Target, examine, findings
from voicebot.phone.signalling import destination

PACE = Pace(answer=2.0, reply=1.0, listen=0.6, echo=0.5, key=0.5, hold=0.5, resume=0.4, refer=1.0)
CASES: dict[str, Faults] = {
    "none": Faults(),
    "private address": Faults(private_address=True),
    "other port": Faults(other_port=True),
    "no events": Faults(no_events=True),
    "mute": Faults(mute=True),
    "loses": Faults(loses=10),
    "swaps": Faults(swaps=10),
    "transcodes": Faults(transcodes=True),
    "comfort noise": Faults(comfort_noise=True),
    "no re-INVITE": Faults(no_reinvite=True),
    "ignores hold": Faults(ignores_hold=True),
    "talks on": Faults(talks_on=True),
    "silent after hold": Faults(silent_after_hold=True),
    "early media": Faults(early_media=True),
    "busy": Faults(refuses=486),
    "forbidden": Faults(refuses=403),
    "no codec": Faults(refuses=488),
    "hangs up": Faults(hangs_up_after=0.8),
}
# What each fault makes of which lines; everything else is as it is without a fault.
EXPECTED: dict[str, dict[str, str]] = {
    "none": {},
    "private address": {"sdp-address": "fail", "audio-received": "fail"},
    "other port": {"rtp-source": "warn"},
    "no events": {"dtmf": "fail"},
    "mute": {"audio-received": "fail"},
    "loses": {"loss": "fail"},
    "swaps": {"order": "warn"},
    "transcodes": {"transcoding": "warn"},
    "comfort noise": {"silence-suppression": "warn"},
    "no re-INVITE": {"hold": "fail"},
    "ignores hold": {"hold": "fail"},
    "talks on": {"hold": "fail"},
    "silent after hold": {"resume": "fail"},
    "early media": {},
    "busy": {"answer": "fail"},
    "forbidden": {"answer": "fail", "authentication": "fail"},
    "no codec": {"answer": "fail", "codec": "fail"},
    "hangs up": {"stability": "warn"},
}


async def examined(faults: Faults) -> Evidence:
    pbx = Pbx(faults)
    try:
        peer = await destination(pbx.uri)
        return await examine(Target(pbx.uri, peer, "127.0.0.1", "sip:doctor@127.0.0.1"), PACE, 12.0)
    finally:
        pbx.close()


@pytest.fixture(scope="module")
def reports() -> Mapping[str, Sequence[Finding]]:
    async def all_of_them() -> list[Evidence]:
        return await asyncio.gather(*map(examined, CASES.values()))

    return dict(zip(CASES, map(findings, asyncio.run(all_of_them())), strict=True))


def line(report: Sequence[Finding], name: str) -> Finding:
    return next(each for each in report if each.name == name)


def test_nothing_is_found_at_a_pbx_without_fault(reports: Mapping[str, Sequence[Finding]]) -> None:
    report = reports["none"]
    assert [each for each in report if each.verdict in ("warn", "fail") and each.name not in TIMING] == []
    assert [each.name for each in report if each.verdict == "not tested"] == ["certificate"]
    assert line(report, "transcoding").text == "none: the echo is ours byte for byte"
    assert "keys come back: 1" in line(report, "dtmf").text


TIMING = {"jitter", "gaps", "answer", "round-trip", "echo"}  # a busy machine may bend these


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_found_and_no_other(case: str, reports: Mapping[str, Sequence[Finding]]) -> None:
    found = {
        each.name: each.verdict
        for each in reports[case]
        if each.verdict in ("warn", "fail") and (each.name not in TIMING or each.name in EXPECTED[case])
    }
    assert found == EXPECTED[case], [each for each in reports[case] if each.name in found]


def test_texts_say_what_was_seen(reports: Mapping[str, Sequence[Finding]]) -> None:
    assert PRIVATE in line(reports["private address"], "sdp-address").text
    assert "sendonly is answered with sendrecv" in line(reports["ignores hold"], "hold").text
    assert "while on hold" in line(reports["talks on"], "hold").text
    assert line(reports["early media"], "early-media").text.startswith("183 with SDP")
    assert "486" in line(reports["busy"], "answer").text
    assert line(reports["busy"], "hold").verdict == "not tested"
    assert line(reports["hangs up"], "stability").text.startswith("the other side hung up after ")
    assert "re-INVITE is refused: 488" in line(reports["no re-INVITE"], "hold").text
