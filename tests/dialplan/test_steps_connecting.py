"""The steps that connect the caller with somebody (queue, transfer), on a line without audio."""

import pytest

from tests.dialplan.fake_line import FakeLine
from tests.dialplan.helpers import BOTH, EN, codes, dialled, findings
from voicebot.dialplan.line import (
    Entry,
    QueueResult,
    QueueView,
    QueueWait,
    TransferResult,
)

QUEUE = (
    BOTH
    + """
queues: {agents: {strategy: longest_idle, max_wait: 5m, require: ["lang:{{ call.language }}"]}}
handlers:
  operator: [{dtmf: "0", say: {en: "Soon.", zh: "马上。"}}]
links: [{dtmf: "9", goto: voicemail}]
flows:
  main:
    - queue:
        name: agents
        announce: {position: true, ewt: {every: 30s}}
        whisper: {en: "Waited {{ queue.waited }}.", zh: "等了{{ queue.waited }}。"}
        exits: {agent_done: survey, timeout: voicemail, no_agents: voicemail, full: voicemail}
  survey: [{hangup: survey}]
  voicemail: [{record_message: {max: 30s, save: msg}}, {say: "{{ msg.seconds }}"}, {hangup: voicemail}]
"""
)


def test_queue_exits_and_what_the_line_is_told() -> None:
    line = FakeLine(queue_results=[QueueResult("agent_done", 12.0, "alice")])
    assert dialled(QUEUE, line) == "survey"
    (wait,) = line.waits
    assert (wait.name, wait.max_wait, wait.require, wait.announce_every) == (
        "agents",
        300.0,
        ("lang:en",),
        30.0,
    )
    assert wait.announce_position is not None
    assert wait.announce_wait is not None
    assert [item.text for item in wait.announce_position(2)] == ["You are number two in the queue."]
    assert [item.text for item in wait.announce_wait(130.0)] == [
        "The estimated waiting time is three minutes."
    ]
    assert wait.speak_whisper is not None
    assert "thirty seconds" in wait.speak_whisper(QueueView(30.0))[0].text
    line = FakeLine(queue_results=[QueueResult("timeout")])
    assert dialled(QUEUE, line) == "voicemail"
    assert line.messages == [30.0]


def test_links_while_queueing_lead_away_or_go_on_waiting() -> None:
    class Pressing(FakeLine):
        async def wait_in_queue(self, wait: QueueWait) -> QueueResult:
            self.waits.append(wait)
            key = "0" if len(self.waits) == 1 else "9"
            assert wait.keys is not None
            return QueueResult("link", 1.0, judgement=wait.keys.judge((Entry("keys", key),)))

    line = Pressing()
    assert dialled(QUEUE, line) == "voicemail"
    assert line.said[0].text == "Soon."
    assert len(line.waits) == 2


def test_an_unnamed_exit_raises_error() -> None:
    plan = QUEUE.replace("agent_done: survey, ", "") + "  extra: [{hangup: x}]\n"
    line = FakeLine(queue_results=[QueueResult("agent_done")])
    assert dialled(plan, line) == "error"


def test_transfer_bridge_and_blind() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - transfer: {to: "{{ call.from }}", timeout: 5s, exits: {busy: main2, timeout: main2, agent_done: main2}}
  main2:
    - transfer: {to: "sip:7000@pbx", mode: blind, exits: {no_answer: lost}}
  lost: [{hangup: lost}]
"""
    )
    line = FakeLine(transfer_results=[TransferResult("busy", 486), TransferResult("transferred")])
    assert dialled(plan, line) == "transferred"
    assert line.hung_up is None
    assert [(item.to, item.mode, item.timeout) for item in line.transfers] == [
        ("13912345678", "bridge", 5.0),
        ("sip:7000@pbx", "blind", 30.0),
    ]


def test_headers_of_a_dialled_leg_are_one_line_whatever_a_variable_holds() -> None:
    plan = (
        EN
        + """
flows:
  main:
    - set: {call.note: "a\\r\\nRoute: <sip:evil>"}
    - transfer:
        to: "6001"
        headers:
          X-Note: "{{ call.note }}"
          user-to-user: "{{ call.headers['User-To-User'] | default('') }}"
          Diversion: "<sip:{{ call.to }}@example.com>"
        exits: {timeout: done, agent_done: done}
  done: [{hangup: done}]
"""
    )
    line = FakeLine(transfer_results=[TransferResult("agent_done")])
    dialled(plan, line)
    assert line.transfers[0].headers == {
        "X-Note": "a Route: <sip:evil>",
        "Diversion": "<sip:4000@example.com>",
    }


@pytest.mark.parametrize(
    "name",
    [
        "Via",
        "Contact",
        "Route",
        "Record-Route",
        "From",
        "Authorization",
        "Replaces",
        "Require",
        "X-Voicebot-Call",
        "X-",
    ],
)
def test_headers_of_the_protocol_cannot_be_set(name: str) -> None:
    text = (
        EN
        + f"""
flows:
  main:
    - transfer: {{to: "6001", headers: {{"{name}": "x"}}, exits: {{timeout: done}}}}
  done: [{{hangup: done}}]
"""
    )
    [found] = [item for item in findings(text) if item.code == "VB023"]
    assert "cannot be set" in found.message


def test_a_header_of_two_lines_and_one_that_may_be_missing_are_found() -> None:
    text = (
        EN
        + """
flows:
  main:
    - queue: {name: agents, headers: {X-A: "a\\nb"}, exits: {timeout: done, no_agents: done, full: done}}
    - say: "{{ call.headers['X-Customer'] }}"
  done: [{hangup: done}]
queues: {agents: {}}
"""
    )
    assert {"VB021"} <= codes(text)
    assert "VB108" in codes(text.replace("a\\nb", "b"))
    good = text.replace("a\\nb", "b").replace("'] }}", "'] | default('') }}")
    assert not {"VB021", "VB108"} & codes(good)
