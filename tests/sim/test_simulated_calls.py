"""Tests of dialplans do what their reference says: callers, agents, services, time of day, expectations."""

from pathlib import Path

import pytest

from tests.sim.hotlines import DEMO, SERVICE, written
from voicebot.dialplan.loader import load
from voicebot.sim.hotline import Hotline, Outcome, Person, Scenario
from voicebot.sim.runner import Verdict, chosen, run_tests

MENU = """
    - menu:
        prompt: "Say balance or hours."
        choices: [{dtmf: "1", phrases: [balance], goto: balance}, {dtmf: "2", phrases: [hours], goto: bye}]
  balance:
    - collect: {slot: code, type: digits, length: 4, prompt: "Your code?", on_fail: bye}
    - goto: bye
"""
QUEUE = """
    - say: "One moment."
    - queue: {name: agents, whisper: "A call.", exits: {agent_done: done, timeout: bye, no_agents: none, full: bye}}
  none:
    - say: "Nobody is there."
    - goto: bye
  done:
    - collect: {slot: csat, type: integer, range: [1, 5], prompt: "From one to five?", on_fail: bye}
    - goto: bye
"""


def verdicts(folder: Path, body: str, tests: str) -> list[Verdict]:
    plan = written(folder, f"{body}tests:\n{tests}")
    return list(run_tests(plan, plan.tests))


def outcome(folder: Path, body: str, test: str) -> Outcome:
    plan = written(folder, f"{body}tests:\n  - {test}\n")
    return Hotline(plan).run(Scenario.of(plan.tests[0]))


@pytest.mark.parametrize("test", load(SERVICE).tests, ids=lambda test: test.name)
def test_the_examples_of_services_and_times(test: object) -> None:
    plan = load(SERVICE)
    (verdict,) = run_tests(plan, [item for item in plan.tests if item == test])
    if verdict.name == "no time":
        assert "`at`" in verdict.failures[0]
        assert verdict.transcript[-1].endswith("call    broken off here")
    elif verdict.name == "unstubbed":
        assert verdict.failures == ("expected to hear “dollars”; it was never said",)
        assert verdict.notes == ("core: post /balance has no stub",)
    else:
        assert verdict.failures == ()


def test_the_tests_of_the_demo_pass_and_are_as_long_as_the_benchmark_says() -> None:
    plan = load(DEMO)
    done = list(run_tests(plan, plan.tests))
    assert [verdict.failures for verdict in done] == [()] * len(plan.tests)
    assert sum(len(verdict.steps) for verdict in done) / len(done) >= 8
    assert sum(verdict.turns for verdict in done) / len(done) >= 3


def test_the_same_call_is_the_same_every_time() -> None:
    plan = load(DEMO)
    first, second = (list(run_tests(plan, plan.tests)) for _ in range(2))
    assert first == second


def test_an_interruption_cuts_the_prompt_and_is_understood(tmp_path: Path) -> None:
    cut = outcome(tmp_path, MENU, '{name: t, caller: [{dtmf: "2", at: 500ms}], expect: {}}')
    assert cut.said[0].heard == pytest.approx(0.5)
    assert [said.text for said in cut.said] == ["Say balance or hours.", "Goodbye."]
    spoken = outcome(tmp_path, MENU, "{name: t, caller: [{say: hours, at: 500ms}], expect: {}}")
    assert spoken.said[0].heard == pytest.approx(0.6)  # the onset is reported after 100 ms


def test_an_item_is_given_in_the_middle_of_a_slot_when_it_waits_for_more(tmp_path: Path) -> None:
    found = outcome(
        tmp_path, MENU, '{name: t, caller: [{say: balance}, {dtmf: "12"}, {say: "three four"}], expect: {}}'
    )
    assert found.slots == {"code": "1234"}


def test_an_item_that_decides_leaves_the_next_one_for_the_next_question(tmp_path: Path) -> None:
    acts = '{name: t, caller: [{say: nonsense}, {say: balance}, {dtmf: "1234"}], expect: {}}'
    found = outcome(tmp_path, MENU, acts)
    assert [event.kind for event in found.events if event.kind in ("nomatch", "heard", "keys")] == [
        "nomatch",
        "heard",
        "keys",
    ]


def test_silence_and_mumbling_go_on_for_ever(tmp_path: Path) -> None:
    silent = outcome(tmp_path, MENU, "{name: t, caller: silence, expect: {}}")
    assert [event.kind for event in silent.events if event.kind in ("noinput", "nomatch")] == ["noinput"] * 2
    mumbling = outcome(tmp_path, MENU, "{name: t, caller: mumble, expect: {}}")
    assert [event.kind for event in mumbling.events if event.kind in ("noinput", "nomatch")] == [
        "nomatch"
    ] * 2


def test_a_silence_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    found = outcome(tmp_path, MENU, "{name: t, caller: [{silence: 6s}, {say: hours}], expect: {}}")
    kinds = [event.kind for event in found.events if event.kind in ("noinput", "heard")]
    assert kinds == ["noinput", "heard"]
    short = outcome(tmp_path, MENU, "{name: t, caller: [{silence: 3s}, {say: hours}], expect: {}}")
    assert "noinput" not in [event.kind for event in short.events]


def test_a_caller_hangs_up_at_a_time_wherever_the_call_is(tmp_path: Path) -> None:
    found = outcome(tmp_path, QUEUE, "{name: t, caller: [{hangup: {}, at: 300ms}], expect: {}}")
    assert found.seconds == pytest.approx(0.3)
    assert found.record["ended_by"] == "caller"
    test = (
        "{name: t, caller: [{silence: 30s}, hangup], agents: {bob: no_answer}, expect: {exit: caller_left}}"
    )
    (verdict,) = verdicts(tmp_path, QUEUE, f"  - {test}\n")
    assert verdict.passed
    assert 30 < verdict.call_seconds < 32


@pytest.mark.parametrize(
    ("how", "exit"),
    [("answers", "agent_done"), ("busy", "timeout"), ("no_answer", "timeout"), ("declines", "timeout")],
)
def test_agents_behave_as_they_are_told(tmp_path: Path, how: str, exit: str) -> None:
    test = f'{{name: t, caller: [{{dtmf: "4"}}], agents: {{bob: {how}}}, expect: {{exit: {exit}}}}}'
    (verdict,) = verdicts(tmp_path, QUEUE, f"  - {test}\n")
    assert verdict.failures == ()


def test_what_is_left_to_do_waits_for_the_question_after_the_queue(tmp_path: Path) -> None:
    test = '{name: t, caller: [{dtmf: "4"}], agents: {bob: answers}, expect: {slot: {csat: 4}, record: {agent: bob}}}'
    assert verdicts(tmp_path, QUEUE, f"  - {test}\n")[0].failures == ()


def test_an_agent_who_is_not_named_is_logged_out(tmp_path: Path) -> None:
    body = QUEUE.replace("{name: agents,", "{name: strict,")
    path = tmp_path / "main.yaml"
    plan = written(
        tmp_path, body.replace("strict", "agents") + "tests: [{name: t, caller: silence, expect: {}}]\n"
    )
    path.write_text(path.read_text().replace("join_empty: true", "join_empty: false"))
    plan = load(path)
    people = {"bob": Person("sip:1@x", {}), "eve": Person("sip:2@x", {})}
    scenario = Scenario.of(plan.tests[0])
    assert "Nobody is there." in Hotline(plan, people).run(scenario).heard
    nobody = Hotline(plan, people).run(scenario)
    assert not [event for event in nobody.events if event.kind == "agent_ringing"]


def test_expectations_fold_case_and_punctuation(tmp_path: Path) -> None:
    tests = """\
  - {name: folded, caller: silence, expect: {heard: ["say BALANCE, or hours", "good-bye"[0]], not_heard: "code"}}
""".replace('"good-bye"[0]', '"GOODBYE!"')
    assert verdicts(tmp_path, MENU, tests.replace("balance, or", "balance or"))[0].failures == ()


def test_a_failure_tells_what_happened_and_the_whole_call(tmp_path: Path) -> None:
    tests = """\
  - {name: wrong, caller: [{dtmf: "1"}, {dtmf: "1234"}], expect: {heard: "Hello", not_heard: "Goodbye", flow: [main, nowhere], exit: timeout, slot: {code: "4321", other: "1"}, record: {ended_by: caller}}}
  - {name: late, caller: silence, expect: {flow: bye, within: 5s}}
"""
    wrong, late = verdicts(tmp_path, f"{MENU}  nowhere: [{{goto: bye}}]\n", tests)
    assert wrong.failures == (
        "expected to hear “Hello”; it was never said",
        "expected not to hear “Goodbye”; it was said",
        "expected to enter the flow nowhere; the call entered main → balance → bye",
        "expected the exit timeout; no step ended by an exit",
        "expected slot code to be “4321”; it is “1234”",
        "expected slot other to be “1”; it has no value",
        "expected record ended_by to be “caller”; it is “bot”",
    )
    assert late.failures[0].startswith("expected to enter the flow bye within 5 s; it was entered after")
    shown = "\n".join(wrong.transcript)
    assert "line 15   bot     “Say balance or hours.”" in shown
    assert "caller  keys 1234" in shown


def test_the_exits_that_were_taken_are_told_as_such(tmp_path: Path) -> None:
    tests = "  - {name: t, caller: [{silence: 5s}], agents: {bob: answers}, expect: {exit: timeout}}\n"
    (verdict,) = verdicts(tmp_path, QUEUE, tests)
    assert verdict.failures == ("expected the exit timeout; the exits taken: agent_done",)


def test_an_error_in_the_product_fails_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from voicebot.dialplan.steps.say import Say

    async def broken(self: Say, run: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Say, "run", broken)
    (verdict,) = verdicts(tmp_path, MENU, "  - {name: t, caller: silence, expect: {}}\n")
    assert "unhandled error: RuntimeError: out of order" in verdict.failures[0]


def test_names_choose_tests() -> None:
    tests = load(DEMO).tests
    assert [test.name for test in chosen(tests, "SILENT")] == ["a silent caller reaches a human"]
    assert len(chosen(tests, "a*")) == len(tests)
    assert chosen(tests, "nothing like it") == []


CALLERS = """
    - if: {when: "call.from == 'anonymous'", goto: bye}
    - switch: {value: "call.headers['X-Customer'] | default('')", cases: {gold: gold}, default: bye}
  gold:
    - say: "Good day {{ call.from_name }} of {{ call.from }}, you have called {{ call.to }}."
    - goto: bye
"""
GOLD = "headers: {x-customer: gold}, caller: silence, expect"


def test_a_test_says_who_calls_whom_and_with_which_headers(tmp_path: Path) -> None:
    who = 'from: "+49 30 123", from_name: Ada, to: "7 01"'
    record = 'record: {from_number: "+4930123", to_number: "701"}'
    tests = f"""
  - {{name: gold, {who}, {GOLD}: {{heard: "ada of +4930123, you have called 701", {record}}}}}
  - {{name: withheld, from: anonymous, {GOLD}: {{flow: bye, not_heard: good day, record: {{from_number: anonymous}}}}}}
  - {{name: nobody in particular, {GOLD}: {{heard: "of 13800138000, you have called 700"}}}}
  - {{name: no customer, caller: silence, expect: {{not_heard: good day}}}}
"""
    assert [verdict.failures for verdict in verdicts(tmp_path, CALLERS, tests)] == [()] * 4
