"""`voicebot test --wire`: the tests of a file as real calls, by SIP and RTP, to a server of its own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voicebot.cli.main import app

DIALPLAN = """\
dialplan: 1
hotline: {name: shop, languages: [en], timezone: Europe/Berlin, start: main}
hours: {open: {weekly: {mon-fri: "09:00-17:00"}}}
queues: {desk: {agents: [alice]}}
services: {stock: {base_url: "http://127.0.0.1:9"}}
handlers:
  error: [{goto: bye}]
flows:
  main:
    - if: {when: "call.headers['X-Customer'] | default('') == 'gold'", goto: gold}
    - if: {when: "not open('open')", goto: closed}
    - menu:
        prompt: "Press one for the stock, two for the desk."
        choices: [{dtmf: "1", goto: stock}, {dtmf: "2", goto: desk}]
        noinput: [{count: 2, goto: bye}]
        nomatch: [{count: 2, goto: bye}]
  stock:
    - http: {service: stock, get: /apples, save: apples, on_error: bye}
    - say: "We have {{ apples.count }} apples."
    - goto: bye
  desk:
    - queue: {name: desk, exits: {agent_done: bye, timeout: bye, no_agents: bye, full: bye}}
  gold:
    - if: {when: "call.from_name == 'Ada' and call.to == '7*1' and not call.headers.diversion | default('')", goto: bye}
    - goto: closed
  closed:
    - say: "We are closed."
    - goto: bye
  bye:
    - hangup: normal
tests:
  - {name: apples, at: "2026-11-24 10:00", caller: [{dtmf: "1"}], stub: {stock: {count: 12}}, expect: {heard: "We have 12 apples", flow: stock}}
  - {name: the desk, at: "2026-11-24 10:00", caller: [{dtmf: "2"}], agents: {alice: answers}, expect: {exit: agent_done}}
  - {name: gold, from: "+49 30 123", from_name: Ada, to: "7*1", headers: {x-Customer: gold}, caller: silence, expect: {flow: gold, not_heard: closed, record: {from_number: "+4930123"}}}
  - {name: diverted, from: "+49 30 123", headers: {X-Customer: gold, Diversion: "<sip:1@a>;reason=no-answer"}, caller: silence, expect: {heard: closed, record: {from_number: "+4930123"}}}
  - {name: it is not closed, at: "2026-11-24 22:00", caller: silence, expect: {not_heard: "We are closed"}}
"""


def test_calls_are_made_and_judged_and_what_is_wrong_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(DIALPLAN, "utf-8")
    (tmp_path / "config.yaml").write_text("dialplans: {main: shop.yaml}\n", "utf-8")
    result = CliRunner().invoke(app, ["test", "--wire", "--json"])
    verdicts = json.loads(result.stdout)["files"][0]["tests"]
    passed = {verdict["name"]: verdict["passed"] for verdict in verdicts}
    assert passed.pop("it is not closed") is False, result.stdout
    assert set(passed) == {"apples", "the desk", "gold", "diverted"}
    assert all(passed.values()), result.stdout
    assert result.exit_code == 1
