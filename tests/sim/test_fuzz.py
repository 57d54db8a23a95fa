"""Random callers find what is wrong, show it in the shortest way, and do the same for the same seed."""

from pathlib import Path

import pytest

from tests.sim.hotlines import DEMO, written
from voicebot.dialplan.loader import load
from voicebot.dialplan.run import Run
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.steps.set import Set
from voicebot.sim import written as writing
from voicebot.sim.fuzz import Found, Fuzz
from voicebot.sim.runner import run_tests

BODY = """
    - menu:
        prompt: "Say balance or hours."
        choices: [{dtmf: "1", phrases: [balance], goto: balance}, {dtmf: "2", phrases: [hours], goto: hours}]
  balance:
    - http: {service: core, post: /balance, save: acct, timeout: SECONDS, on_error: bye}
    - goto: bye
  hours:
    - collect: {slot: day, type: digits, length: 2, prompt: "Which day?", on_fail: bye}
    - set: {call.day: "{{ slot.day }}"}
    - say: "We are open."
    - goto: main
"""


def plan(folder: Path, seconds: str = "20s", tests: str = "") -> Dialplan:
    return written(folder, BODY.replace("SECONDS", seconds) + (f"tests:\n{tests}" if tests else ""))


def found(dialplan: Dialplan, callers: int = 200, seed: int = 1) -> tuple[list[Found], list[str]]:
    fuzz = Fuzz(dialplan, seed=seed)
    troubles = list(fuzz.callers(callers))
    return troubles, [writing.written(fuzz.as_test(item)) for item in troubles]


def test_dead_air_is_found_and_shown_by_one_key_and_one_service(tmp_path: Path) -> None:
    (trouble,), (test,) = found(plan(tmp_path))
    assert trouble.trouble.kind == "dead air"
    assert trouble.trouble.line == 19
    assert 'stub: {"core": {"*": timeout}}' in test
    assert test.count("dtmf") + test.count("say") == 1
    assert "agents" not in test
    assert "at:" not in test


def test_what_is_printed_is_a_test_that_fails_until_the_fault_is_mended(tmp_path: Path) -> None:
    _, (test,) = found(plan(tmp_path))
    broken = plan(tmp_path, tests=test)
    assert not next(run_tests(broken, broken.tests)).passed
    mended = plan(tmp_path, "5s", tests=test)
    assert next(run_tests(mended, mended.tests)).passed
    assert found(mended)[0] == []


def test_the_same_seed_makes_the_same_calls(tmp_path: Path) -> None:
    dialplan = plan(tmp_path)
    assert found(dialplan, seed=7)[1] == found(dialplan, seed=7)[1]
    numbers = {Fuzz(dialplan, seed=seed).caller(3) is None for seed in range(12)}
    assert numbers == {True, False}


def test_an_error_in_a_step_is_found_deep_in_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Set, run: Run) -> None:
        if run.variables.slot["day"] != "00":
            raise KeyError("no such day")

    monkeypatch.setattr(Set, "run", broken)
    troubles, tests = found(plan(tmp_path, "5s"))
    assert [trouble.trouble.kind for trouble in troubles] == ["error"]
    assert "KeyError" in troubles[0].trouble.text
    assert troubles[0].trouble.step == "hours.2"
    caller = troubles[0].scenario.caller
    assert isinstance(caller, tuple)
    assert len(caller) == 2, tests


def test_a_step_that_waits_for_nothing_is_found_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    async def stuck(self: Set, run: Run) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(Set, "run", stuck)
    (trouble,), _ = found(plan(tmp_path, "5s"))
    assert trouble.trouble.kind == "stuck"


def test_an_endless_loop_of_steps_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def again(self: Set, run: Run) -> None:
        await run.steps([self])

    monkeypatch.setattr(Set, "run", again)
    (trouble,), (test,) = found(plan(tmp_path, "5s"))
    assert trouble.trouble.kind == "loop"
    assert "not_heard" in test  # the apology that ends it


def test_the_demo_has_no_trouble() -> None:
    assert list(Fuzz(load(DEMO), seed=3).callers(150)) == []
