"""What happens within and around a dialog, against SIPp: session timers, PRACK, forks, redirection, INFO, UPDATE, NOTIFY."""

from pathlib import Path

import pytest

from tests.interop import scenario as sip
from tests.interop.report import features_of
from tests.interop.sipp import Sipp
from tests.live.hotline import Config, Hotline, events, free_port, keys_of

pytestmark = pytest.mark.usefixtures("sipp_program")
feature = features_of("SIPp")


@pytest.fixture(scope="module")
def agents() -> tuple[int, int]:
    """The ports of the agent's phone, and of the one that it redirects to."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def config(agents: tuple[int, int]) -> Config:
    dial = [f"sip:60XX@127.0.0.1:{agents[1]}"]
    return {
        "trunks": {"local": {"networks": ["127.0.0.0/8"], "dialplan": "main", "dial": dial}},
        "agents": {"one": {"uri": f"sip:6001@127.0.0.1:{agents[0]}", "skills": {}}},
    }


TIMER_ANSWER = ("Supported: timer", "Require: timer", "Session-Expires: 90;refresher=uac")


@feature(
    "session timer of 90 s (RFC 4028): refreshed by UPDATE, by re-INVITE; BYE when the peer does not refresh"
)
def test_a_session_timer_of_90_seconds_in_all_roles(
    hotline: Hotline, sipp_program: str, tmp_path: Path
) -> None:
    asked = ["Supported: timer", "Session-Expires: 90;refresher=uas"]
    settled = sip.must_match("90;refresher=uas", header="Session-Expires:")
    ours = sip.must_match("90;refresher=uac", header="Session-Expires:")
    patient = 'timeout="70000"'
    update = [sip.invite(headers=asked), sip.answered(settled), sip.ack()]
    for _ in range(2):  # two intervals: 90 seconds of call
        update += [sip.recv("UPDATE", ours, options=patient)]
        update += [sip.respond(200, "OK", tag=False, headers=TIMER_ANSWER)]
    update += [sip.pause(1), sip.hang_up(2)]
    reinvite = [sip.invite(headers=asked, allow="INVITE, ACK, BYE, CANCEL"), sip.answered(settled), sip.ack()]
    reinvite += [sip.recv("INVITE", ours, options=patient)]
    reinvite += [sip.respond(200, "OK", sip.sdp(), tag=False, headers=TIMER_ANSWER)]
    reinvite += [sip.recv("ACK"), sip.pause(1), sip.hang_up(2)]
    silent = [sip.invite(headers=["Supported: timer", "Session-Expires: 90;refresher=uac"])]
    silent += [sip.answered(sip.must_match("90;refresher=uac", header="Session-Expires:")), sip.ack()]
    silent += [sip.hung_up(sip.must_match("Session timer", header="Reason:"), options=patient)]
    runs = [
        (Sipp(tmp_path / name), steps)
        for name, steps in (("update", update), ("reinvite", reinvite), ("silent", silent))
    ]
    begun = [(tool, tool.begin(steps, target=hotline.port, limit=110)) for tool, steps in runs]
    for tool, process in begun:
        tool.end(process, 110).check()
    hotline.new_record(calls=3)
    causes = sorted(str(each["release_cause"]) for each in hotline.calls()[:3])
    assert "session_expired" in causes


@feature("session interval too small: 422 with Min-SE")
def test_an_interval_under_90_seconds_gets_422(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.invite(headers=["Supported: timer", "Session-Expires: 60"])]
    steps.append(sip.refused(422, sip.must_match("90", header="Min-SE:")))
    sipp.call(steps, hotline.port).check()


@feature("keys by INFO (dtmf-relay and dtmf)")
def test_keys_by_info_are_understood(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.connect(), sip.pause(1)]
    for index, key in enumerate("112358"):
        relay = index % 2 == 0
        body, kind = (f"Signal={key}\nDuration=160", "dtmf-relay") if relay else (key, "dtmf")
        steps += [sip.request("INFO", 2 + index, body, content_type=f"application/{kind}"), sip.recv(200)]
    steps += [sip.hung_up()]
    sipp.call(steps, hotline.port, number="701").check()
    record = hotline.new_record()
    assert keys_of(record) == "112358"


@feature("hold and resume by UPDATE")
def test_hold_by_update_is_answered(hotline: Hotline, sipp: Sipp) -> None:
    steps = [sip.connect(), sip.pause(0.5)]
    for cseq, direction, answer in ((2, "sendonly", "a=recvonly"), (3, "sendrecv", "a=sendrecv")):
        steps += [sip.request("UPDATE", cseq, sip.sdp(version=cseq, direction=direction))]
        steps += [sip.recv(200, sip.must_match(answer)), sip.pause(0.5)]
    steps += [sip.hang_up(4)]
    sipp.call(steps, hotline.port).check()
    record = hotline.new_record()
    assert [len(events(record, kind)) for kind in ("held", "resumed")] == [1, 1]


@feature("NOTIFY without subscription, MESSAGE, SUBSCRIBE: refused as the RFCs say")
def test_what_nobody_asked_for_is_refused_cleanly(hotline: Hotline, sipp: Sipp) -> None:
    steps: list[str] = []
    for cseq, method, header, status in (
        (1, "NOTIFY", "Event: message-summary", 489),
        (2, "NOTIFY", "Event: keep-alive", 200),
        (3, "NOTIFY", "Event: refer", 481),
        (4, "MESSAGE", "X-Test: 1", 405),
        (5, "SUBSCRIBE", "Event: presence", 405),
    ):
        steps += [sip.request(method, cseq, dialog=False, headers=[header]), sip.recv(status)]
    sipp.call(steps, hotline.port).check()


# --- the hotline calls


def agent_rings(hotline: Hotline, folder: Path, agents: tuple[int, int], *phones: list[str]) -> None:
    """Let a caller queue until the agent has hung up; `phones`: what the agent's phone does, and the other one."""
    tools = [Sipp(folder / f"phone{index}") for index in range(len(phones))]
    begun = [
        (tool, tool.begin(steps, port=port)) for tool, steps, port in zip(tools, phones, agents, strict=False)
    ]
    caller = [sip.connect(), sip.hung_up(options='timeout="40000"')]
    Sipp(folder / "caller").call(caller, hotline.port, number="702").check()
    for tool, process in begun:
        tool.end(process).check()
    record = hotline.new_record()
    assert record["agent"] == "one"


@feature("reliable 183 with early media (RFC 3262), 200 without SDP")
def test_a_reliable_183_gets_its_prack(hotline: Hotline, agents: tuple[int, int], tmp_path: Path) -> None:
    reliable = ["Require: 100rel", "RSeq: 41"]
    phone = [sip.invited(sip.must_match("100rel", header="Supported:"))]
    phone += [sip.respond(183, "Session Progress", sip.sdp(), headers=reliable, retransmit=False)]
    phone += [sip.recv("PRACK", sip.must_match("41 [0-9]+ INVITE", header="RAck:"))]
    phone += [sip.respond(200, "OK", tag=False), sip.pause(1)]
    phone += [sip.respond(200, "OK", tag=False, via="Via:[$via]", cseq="CSeq:[$cseq]"), sip.recv("ACK")]
    phone += [sip.pause(1), sip.callee_hangs_up()]
    agent_rings(hotline, tmp_path, agents, phone)


@feature("forked INVITE: the first 200 wins, the other is acknowledged and ended")
def test_a_second_200_of_a_fork_is_ended(hotline: Hotline, agents: tuple[int, int], tmp_path: Path) -> None:
    phone = [sip.invited(), sip.respond(180, "Ringing", fork="a"), sip.respond(180, "Ringing", fork="b")]
    phone += [sip.respond(200, "OK", sip.sdp(), fork="b", retransmit=False), sip.recv("ACK"), sip.pause(0.3)]
    other = sip.respond(
        200, "OK", sip.sdp(), tag=False, via="Via:[$via]", cseq="CSeq:[$cseq]", retransmit=False
    )
    phone += [other.replace("[last_To:]", "To:[$callee];tag=[pid]t[call_number]a")]
    phone += [sip.recv("ACK", sip.must_match("t1a", header="To:"))]
    phone += [sip.hung_up(sip.must_match("t1a", header="To:"))]
    phone += [sip.pause(1), sip.callee_hangs_up("b")]
    agent_rings(hotline, tmp_path, agents, phone)


@feature("302: followed where the trunk's dial patterns allow it")
def test_a_redirected_call_goes_on_there(hotline: Hotline, agents: tuple[int, int], tmp_path: Path) -> None:
    contact = f"Contact: <sip:999@127.0.0.1:{agents[1]}>;q=0.9, <sip:6042@127.0.0.1:{agents[1]}>;q=0.5"
    first = [sip.recv("INVITE"), sip.respond(302, "Moved Temporarily", contact=contact), sip.recv("ACK")]
    second = [sip.invited(sip.must_match("INVITE sip:6042@", where="msg")), sip.respond(180, "Ringing")]
    second += [sip.respond(200, "OK", sip.sdp()), sip.recv("ACK"), sip.pause(1), sip.callee_hangs_up()]
    agent_rings(hotline, tmp_path, agents, first, second)
