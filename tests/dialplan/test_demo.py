"""The demo hotline: clean, and walked through in both languages."""

import datetime
from pathlib import Path

import pytest

from tests.dialplan.fake_line import Act, FakeLine, Keyed, Mumble, Nothing, Said
from tests.dialplan.helpers import dialled
from voicebot.dialplan.line import QueueResult, Spoken, TransferResult
from voicebot.dialplan.loader import check, load
from voicebot.dialplan.prompts import constant_prompts
from voicebot.dialplan.targets import VERBS

ROOT = Path(__file__).parent.parent.parent
DEMO = load(ROOT / "dialplans" / "demo.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "dialplans").rglob("*.yaml")), ids=lambda path: path.name)
def test_every_dialplan_that_we_ship_is_clean(path: Path) -> None:
    assert check(path)[1] == ()


def test_an_english_caller_by_speech() -> None:
    acts: list[Act] = [Said("english"), Said("opening hours"), Said("no thanks"), Said("five")]
    line = FakeLine(acts)
    assert dialled(DEMO, line) == "normal"
    assert line.flows == ["welcome", "main", "opening_hours", "anything_else", "survey", "goodbye"]
    assert "We are open right now." in line.heard
    assert line.recording == ["start"]
    assert line.events_named("slot")[-1]["save_as"] == "csat"
    assert line.events_named("slot")[-1]["value"] == 5


def test_after_hours_the_bot_says_when_the_branch_opens() -> None:
    line = FakeLine([Said("english"), Keyed("1"), Keyed("2"), Keyed("3")])
    line.at = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
    dialled(DEMO, line)
    assert "We open again tomorrow" in line.heard


def test_a_chinese_caller_by_keys() -> None:
    line = FakeLine([Keyed("1"), Keyed("2"), Keyed("2"), Keyed("4711"), Keyed("2"), Keyed("4")])
    assert dialled(DEMO, line) == "normal"
    assert "您的定期余额是一千二百三十四元五角。" in line.heard
    assert all(item.language == "zh" for item in line.said[4:])
    assert "4711" not in repr(line.events)


def test_a_lost_card_goes_to_the_queue_with_high_priority() -> None:
    line = FakeLine(
        [Said("english"), Said("i lost my card"), Said("yes"), Keyed("5")],
        queue_results=[QueueResult("agent_done", 20.0, "alice")],
    )
    assert dialled(DEMO, line) == "normal"
    assert line.waits[0].priority == 10
    assert line.waits[0].whisper == (Spoken("Call about lost card.", "en", constant=False),)
    assert "Your card is blocked." in line.heard


def test_zero_leads_to_an_agent_from_anywhere() -> None:
    for acts in ([Keyed("0")], [Keyed("2"), Keyed("0")], [Keyed("2"), Keyed("2"), Keyed("1"), Keyed("0#")]):
        line = FakeLine(list(acts), queue_results=[QueueResult("no_agents")])
        assert dialled(DEMO, line) == "normal"
        assert line.flows[-3:] == ["human", "message", "goodbye"]


def test_a_silent_or_mumbling_caller_reaches_an_agent() -> None:
    line = FakeLine(
        [Nothing()] * 5, queue_results=[QueueResult("timeout")], transfer_results=[TransferResult("busy")]
    )
    assert dialled(DEMO, line) == "normal"
    assert line.flows == ["welcome", "main", "human", "duty_manager", "message", "goodbye"]
    line = FakeLine([Mumble(), Mumble(), Mumble()], queue_results=[QueueResult("full")])
    assert dialled(DEMO, line) == "normal"
    assert "human" in line.flows


def test_repeat_help_and_the_branch() -> None:
    acts: list[Act] = [Said("english"), Keyed("*"), Said("help me"), Said("branch office"), Said("yes")]
    line = FakeLine(acts, transfer_results=[TransferResult("transferred")])
    assert dialled(DEMO, line) == "transferred"
    assert line.heard.count("How can I help?") == 3
    assert (line.transfers[0].to, line.transfers[0].mode) == ("6002", "blind")


def test_the_demo_shows_the_verbs_of_the_language() -> None:
    shown = {step.verb for flow in DEMO.flows.values() for step in flow.every_step()}
    assert shown >= {
        *(
            "say",
            "menu",
            "collect",
            "confirm",
            "set",
            "if",
            "switch",
            "goto",
            "call",
            "return",
            "queue",
            "transfer",
        ),
        *("hangup", "record", "record_message"),
    }
    assert shown <= set(VERBS)


def test_whatever_a_call_says_as_constant_is_enumerated() -> None:
    prompts = set(constant_prompts(DEMO))
    scripts: list[list[Act]] = [
        [Said("english"), Said("opening hours"), Nothing(), Mumble(), Said("no"), Mumble(), Nothing()],
        [Keyed("1"), Keyed("3"), Keyed("1"), Nothing(), Nothing()],
        [Mumble(), Mumble(), Mumble(), Nothing(), Nothing()],
        [Said("english"), Said("lost card", confidence=0.5), Mumble(), Said("yes"), Keyed("1"), Keyed("1")],
        [Nothing()] * 20,
    ]
    for script in scripts:
        line = FakeLine(script, queue_results=[QueueResult("agent_done")])
        dialled(DEMO, line)
        assert {item for item in line.said if item.constant} <= prompts
        for wait in line.waits:
            assert wait.announce_position is not None
            assert wait.announce_wait is not None
            for number in range(1, 15):
                for item in (*wait.announce_position(number), *wait.announce_wait(number * 50.0)):
                    assert not item.constant or item in prompts


def test_no_sensitive_text_is_enumerated() -> None:
    assert not [item for item in constant_prompts(DEMO) if item.sensitive or "{{" in item.text]


def test_the_recogniser_gets_the_phrases_of_choices_and_links() -> None:
    line = FakeLine([Said("english"), Keyed("0")], queue_results=[QueueResult("no_agents")])
    dialled(DEMO, line)
    phrases = " | ".join(line.questions[1].matcher.phrases("en"))
    for word in ("opening", "balance", "operator", "repeat", "help"):
        assert word in phrases
    assert line.questions[1].matcher.phrases("zh") == ()  # English was chosen
