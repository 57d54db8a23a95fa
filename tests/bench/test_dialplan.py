"""The dialplan that the benchmarks call."""

from pathlib import Path

from bench import reaction
from voicebot.dialplan.loader import load
from voicebot.dialplan.prompts import constant_prompts


def test_the_dialplan_loads_and_says_what_the_callers_listen_for() -> None:
    dialplan = load(Path(reaction.__file__).with_name("dialplan.yaml"))
    assert reaction.REPLY in {prompt.text for prompt in constant_prompts(dialplan)}
