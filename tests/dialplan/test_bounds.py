"""The longest times to a human: computed, and confirmed by simulated calls."""

from pathlib import Path
from statistics import median

import pytest

from tests.dialplan.generated import generated
from tests.dialplan.helpers import EN, findings, loaded
from tests.dialplan.simulated import longest
from tests.dialplan.test_property import FILES, clean
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.checks.game import NEVER, Game, Kind
from voicebot.dialplan.checks.reach import Bound, bounds
from voicebot.dialplan.checks.sounds import Sound
from voicebot.dialplan.checks.speaking import seconds_of
from voicebot.dialplan.loader import load
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import Forever
from voicebot.sim.speech import seconds_of as simulated_seconds

ROOT = Path(__file__).parent.parent.parent / "dialplans"
SHIPPED = [ROOT / "demo.yaml", *sorted((ROOT / "examples").glob("*.yaml"))]
WITHIN = 0.4  # a bound that is far above what happens says nothing


def start(plan: Dialplan) -> Bound:
    around = Around(Path("prompts"), sound=lambda path: Sound(1.0, 1.0))  # as long as simulated files are
    return next(bound for bound in bounds(plan, around) if bound.flow == plan.hotline.start.name)


@pytest.mark.parametrize("caller", ["silence", "mumble"])
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_dialplans_keep_their_bounds_and_come_near_them(path: Path, caller: Forever) -> None:
    plan = load(path)
    bound = start(plan).of("silent" if caller == "silence" else "mumbling")
    assert bound is not None
    assert WITHIN * bound <= longest(plan, caller) <= bound


def test_generated_dialplans_keep_their_bounds_and_most_come_near_them() -> None:
    near = []
    for seed, plan in list(clean().items())[:16]:
        for caller, bound in (("silence", start(plan).silent), ("mumble", start(plan).mumbling)):
            assert bound is not None
            time = longest(plan, "silence" if caller == "silence" else "mumble")
            assert time <= bound, (seed, caller, generated(seed))
            near.append(time / bound if bound else 1.0)
    assert median(near) >= WITHIN


def test_the_estimate_of_speech_is_on_the_long_side() -> None:
    for text in ("Press 1.", "Welcome to our hotline.", "您好，欢迎致电。", "A" * 200):
        assert simulated_seconds(text) <= seconds_of(text) <= 2 * simulated_seconds(text)


ONE = EN + (
    "handlers: {noinput: [{count: 1, reprompt: full}, {count: 2, goto: bye}], nomatch: [{count: 2, goto: bye}]}\n"
    "flows:\n  main:\n"
    '    - menu: {prompt: "1234567890", timeout: 4s, choices: [{dtmf: "1", phrases: [one], goto: bye}]}\n'
    "  bye:\n    - hangup: {}\n"
)


def test_a_bound_by_hand() -> None:
    prompt = seconds_of("1234567890")
    bound = start(loaded(ONE))
    assert bound.silent == pytest.approx(2 * (prompt + 4.0), abs=0.5)
    assert bound.keys == pytest.approx(prompt + 2.0, abs=0.2)


def test_a_caller_with_keys_waits_where_no_key_is_offered() -> None:
    bound = start(loaded(ONE.replace('dtmf: "1", ', "")))
    assert bound.keys == bound.silent


def test_a_mumbler_is_silent_where_only_keys_are_taken() -> None:
    bound = start(loaded(ONE.replace("timeout: 4s", "timeout: 4s, input: [dtmf]")))
    assert bound.mumbling == bound.silent


def test_a_called_flow_counts_in_full_and_then_what_follows() -> None:
    text = (
        EN
        + "flows:\n  main: [{call: sub}, {call: sub}, {hangup: {}}]\n  sub: [{say: Hello there.}, {return: {}}]\n"
    )
    found = {bound.flow: bound.silent for bound in bounds(loaded(text), Around(Path("prompts")))}
    assert found["main"] == pytest.approx(2 * (found["sub"] or 0.0), abs=0.6)


def test_a_loop_has_no_bound_and_says_so() -> None:
    text = ONE.replace("{count: 2, goto: bye}], nomatch", "{count: 2, goto: main}], nomatch")
    assert start(loaded(text)).silent is None
    found = [item for item in findings(text, FILES, skip=()) if item.code == "VB160"]
    assert [(item.line, item.severity) for item in found] == [(6, "error")]


def test_the_game_takes_the_best_choice_and_the_worst_chance() -> None:
    game: Game[str] = Game()
    goal, dead = game.add(Kind.GOAL), game.add(Kind.DEAD)
    chance, choice, both, circle = (
        game.add(kind) for kind in (Kind.CHANCE, Kind.CHOICE, Kind.BOTH, Kind.CHANCE)
    )
    game.link(chance, goal, 1.0)
    game.link(chance, goal, 5.0)
    game.link(choice, chance, 1.0)
    game.link(choice, dead)
    game.link(choice, goal, 9.0)
    game.link(both, chance)
    game.link(both, choice)
    game.link(circle, circle, 1.0)
    game.link(circle, goal)
    assert game.seconds() == [0.0, NEVER, 5.0, 6.0, 11.0, NEVER]
    assert game.hopes() == [0.0, NEVER, 1.0, 2.0, 3.0, 0.0]
