"""why and replay tell a call from its records alone: these are made by simulated calls, as a telephone makes them."""

import datetime
import io
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from voicebot.cli.explaining import Explanation, Turn
from voicebot.cli.main import app
from voicebot.cli.why import show
from voicebot.dialplan.loader import load
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.sources import Sources, read_sources
from voicebot.dialplan.testcases import Act
from voicebot.sim.hotline import Hotline, Scenario
from voicebot.sim.replay import Replay, replay
from voicebot.sim.store import Event
from voicebot.storage import CallRecord, TimelineEvent, Writer

START = datetime.datetime(2026, 11, 24, 2, 0, tzinfo=datetime.UTC)

DIALPLAN = """\
dialplan: 1
hotline: {name: bank, languages: [en], timezone: Asia/Shanghai, start: welcome}
intents:
  balance: {en: ["[what is] [my] balance"]}
  lost_card: {en: ["[i] lost [my] card"]}
services: {core: {base_url: "http://127.0.0.1:1/"}}
handlers:
  noinput: [{count: 2, goto: bye}]
  nomatch: [{count: 3, goto: bye}]
  error: [{goto: bye}]
flows:
  welcome:
    - set: {call.level: gold}
    - menu:
        prompt: "Balance, or lost card?"
        choices:
          - {dtmf: "1", intent: balance, goto: pin}
          - {dtmf: "2", intent: lost_card, goto: bye}
    - goto: bye
  pin:
    - collect: {slot: pin, type: digits, length: 4, sensitive: true, prompt: "Your PIN?", on_fail: bye}
    - if: {when: "slot.pin == '0000'", then: bye}
    - if: {when: "call.level == 'gold'", then: gold, else: bye}
    - goto: bye
  gold:
    - http: {service: core, get: /balance, save: acct, on_error: bye}
    - say: "It is {{ acct.balance | number }}."
    - goto: bye
  bye:
    - hangup: normal
tests:
  - {name: gold, caller: [{dtmf: "1"}, {dtmf: "1234"}], stub: {core: {balance: 5}}, expect: {flow: gold}}
"""

CALLER = (Act("say", "hello there"), Act("say", "what is my balance"), Act("dtmf", "4711"))


def written(folder: Path, text: str, name: str = "bank.yaml") -> Dialplan:
    path = folder / name
    path.write_text(text, "utf-8")
    return load(path)


def made(dialplan: Dialplan, *acts: Act) -> list[Event]:
    """Return the timeline of a call."""
    outcome = Hotline(dialplan).run(
        Scenario(acts or CALLER, START.replace(tzinfo=None), stub=dialplan.tests[0].stub or {})
    )
    assert not outcome.problem
    return list(outcome.events)


def record(events: list[Event]) -> CallRecord:
    told = tuple(
        TimelineEvent(event.kind, event.at, START + datetime.timedelta(seconds=event.at), event.data)
        for event in events
    )
    return CallRecord(
        "call-1", START, dialplan="main", extra={"recognisers": {"en": "pocketsphinx"}}, events=told
    )


def turns(folder: Path) -> list[Turn]:
    dialplan = written(folder, DIALPLAN)
    sources, _ = read_sources(folder / "bank.yaml")
    return Explanation(record(made(dialplan)), sources, dialplan).turns()


def printed(told: list[Turn]) -> str:
    out = io.StringIO()
    for turn in told:
        show(turn, Console(file=out, width=200))
    return out.getvalue()


def test_each_turn_is_told_with_its_question_its_verdict_and_what_followed(tmp_path: Path) -> None:
    told = turns(tmp_path)
    assert [turn.number for turn in told] == [0, 1, 2, 3]
    begins, refused, meant, keyed = told
    assert [rule.text for rule in begins.rules][:2] == ["flow flow=welcome", "set welcome.1"]
    assert "refused: it fits nothing that this question accepts" in refused.judged
    assert refused.question == "welcome.2 bank.yaml:14 `- menu:`"
    assert refused.said == ["Balance, or lost card?"]
    assert "recogniser: en by pocketsphinx" in meant.judged
    assert (
        "recognised 95%; under 35% is nomatch, under 70% is confirmed, closer than 10% is asked"
        in meant.judged
    )
    assert "tier: template `[what is] [my] balance`, score 1.00" in meant.judged
    assert 'taken: choice at bank.yaml:17 `- {dtmf: "1", intent: balance, goto: pin}`' in meant.judged
    assert [rule.text for rule in meant.rules] == ["language en", "goes to pin", "collect pin.1"]
    assert [(rule.text, rule.place) for rule in keyed.rules][:2] == [
        ("slot pin = sensitive", "bank.yaml:21"),
        ("if pin.2", "bank.yaml:22"),
    ]


def test_candidates_are_judged_again_with_tier_and_score(tmp_path: Path) -> None:
    balance, lost = turns(tmp_path)[2].candidates
    assert (balance.name, balance.tier, balance.score, balance.chosen) == ("balance", "template", 1.0, True)
    assert (lost.name, lost.tier, lost.chosen) == ("lost_card", "", False)


def test_conditions_are_told_with_their_values_but_nothing_sensitive(tmp_path: Path) -> None:
    told = turns(tmp_path)
    secret, level = (rule for rule in told[3].rules if "takes" in rule.text)
    assert secret.text == "a condition on something sensitive takes else"
    assert level.text == "`call.level == 'gold'` takes then (call.level = gold)"
    assert level.line == "- if: {when: \"call.level == 'gold'\", then: gold, else: bye}"
    text = printed(told)
    assert "4711" not in text
    assert "4711" not in str(made(written(tmp_path, DIALPLAN)))


def test_without_the_files_lines_are_told_by_number(tmp_path: Path) -> None:
    events = made(written(tmp_path, DIALPLAN))
    told = Explanation(record(events), None, None).turns()
    assert told[2].question == "welcome.2 line 14"
    assert told[2].candidates == ()


def test_the_exit_of_a_callback_is_told(tmp_path: Path) -> None:
    booking = "    - callback: {number: '5', at: asap, exits: {booked: bye, invalid: bye, closed: bye}}\n"
    text = DIALPLAN.replace(
        "flows:\n", "queues: {desk: {}}\nflows:\n  booking:\n" + booking.replace("'5'", '"{{ 5 }}"')
    )
    text = text.replace('"2", intent: lost_card, goto: bye', '"2", intent: lost_card, goto: booking')
    events = made(written(tmp_path, text), Act("dtmf", "2"))
    rules = Explanation(record(events), None, None).turns()[1].rules
    assert [rule.text for rule in rules if rule.text.startswith("callback:")] == ["callback: invalid"]


def test_lines_of_included_files_are_told_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("flows:\n  more:\n    - goto: bye\n", "utf-8")
    text = DIALPLAN.replace('"2", intent: lost_card, goto: bye', '"2", intent: lost_card, goto: more')
    dialplan = written(tmp_path, text + "include: more.yaml\n")
    events = made(dialplan, Act("dtmf", "2"))
    sources, _ = read_sources(tmp_path / "bank.yaml")
    rules = Explanation(record(events), sources, dialplan).turns()[1].rules
    assert ("goto more.1", "more.yaml:3", "- goto: bye") in [
        (rule.text, rule.place, rule.line) for rule in rules
    ]


# --- replay ------------------------------------------------------------------------------------------------------------


def again(folder: Path, text: str, *acts: Act, left: bool = False) -> Replay:
    events = made(written(folder, DIALPLAN), *acts)
    return replay(events, written(folder, text, "new.yaml"), at=START, left_by_caller=left)


def test_same_dialplan_goes_the_same_way(tmp_path: Path) -> None:
    result = again(tmp_path, DIALPLAN)
    assert not result.diverges, (result.recorded, result.replayed)
    assert result.same > 8
    assert not result.problem
    assert any("pin.1" in note and "made-up" in note for note in result.notes)
    assert any("service core" in note and "tests" in note for note in result.notes)


def test_first_place_where_the_ways_part_is_found(tmp_path: Path) -> None:
    result = again(tmp_path, DIALPLAN.replace("then: gold", "then: bye"))
    assert result.diverges
    assert (result.recorded[result.same].what, result.replayed[result.same].what) == (
        "goes to flow gold",
        "goes to flow bye",
    )
    assert result.replayed[result.same].place == "pin.3 line 23"


def test_words_that_are_understood_now_are_a_change(tmp_path: Path) -> None:
    result = again(tmp_path, DIALPLAN.replace('"[i] lost [my] card"', '"[i] lost [my] card", "hello there"'))
    assert (result.recorded[result.same].what, result.replayed[result.same].what) == (
        "nomatch",
        "understands lost_card",
    )


def test_another_wording_is_no_other_way(tmp_path: Path) -> None:
    assert not again(tmp_path, DIALPLAN.replace("Balance, or lost card?", "What can I do?")).diverges


def test_caller_who_hung_up_does_so_again(tmp_path: Path) -> None:
    acts = (Act("say", "what is my balance"), Act("hangup"))
    result = again(tmp_path, DIALPLAN, *acts, left=True)
    assert not result.diverges, (result.recorded, result.replayed)


def test_silence_is_replayed_as_silence(tmp_path: Path) -> None:
    result = again(
        tmp_path, DIALPLAN.replace("count: 2, goto: bye", "count: 1, goto: bye"), Act("silence", seconds=30.0)
    )
    assert result.recorded[result.same].what == "noinput"
    assert result.replayed[result.same].what == "handler of noinput, 1"


# --- the commands ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> list[str]:
    """A database with one call of a version whose file has changed since; returns where it is, as options."""
    dialplan = written(tmp_path, DIALPLAN)
    sources: Sources = read_sources(tmp_path / "bank.yaml")[0]
    config = tmp_path / "config.yaml"
    config.write_text(
        'trunks: {lab: {networks: ["127.0.0.0/8"], dialplan: main}}\ndialplans: {main: bank.yaml}\n', "utf-8"
    )
    now = [START]
    writer = Writer(f"sqlite:///{tmp_path}/data/voicebot.db", wall=lambda: now[0])
    writer.version_serves("main", dialplan.version, sources.pack(), running=True, why="start")
    writer.call_started("call-1", {"dialplan": "main", "dialplan_version": dialplan.version})
    for event in made(dialplan):
        now[0] = START + datetime.timedelta(seconds=event.at)
        writer.event("call-1", event.kind, event.data)
    writer.call_ended("call-1", {"ended_by": "bot"})
    assert writer.close()
    (tmp_path / "bank.yaml").write_text("# moved\n" + DIALPLAN.replace("then: gold", "then: bye"), "utf-8")
    return ["--config", str(config), "--data", str(tmp_path / "data")]


def test_commands_tell_the_version_of_the_call_and_the_file_of_today(stored: list[str]) -> None:
    why = CliRunner().invoke(app, ["why", "call", "2", *stored], env={"COLUMNS": "200"})
    assert why.exit_code == 0, why.output
    assert "bank.yaml:17" in why.stdout
    assert "0. " not in why.stdout
    assert CliRunner().invoke(app, ["why", "call-1", "9", *stored]).exit_code == 1
    assert CliRunner().invoke(app, ["why", "none", *stored]).exit_code == 1
    again = CliRunner().invoke(app, ["replay", "call-1", *stored], env={"COLUMNS": "200"})
    assert again.exit_code == 1, again.output
    assert "goes to flow gold  (pin.3 line 23)" in again.stdout
    assert "goes to flow bye  (pin.3 line 24)" in again.stdout
    as_json = CliRunner().invoke(app, ["replay", "call-1", "--json", *stored])
    assert '"diverges": true' in as_json.stdout
    assert CliRunner().invoke(app, ["replay", "call-1", "--dialplan", "/none.yaml", *stored]).exit_code == 2
