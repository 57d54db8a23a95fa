"""Which version answers: shares are exact, and a version stays as long as a call has it."""

from pathlib import Path

import pytest

from voicebot.dialplan.fields import Named
from voicebot.dialplan.line import Spoken
from voicebot.dialplan.schema import Dialplan, Hotline
from voicebot.dialplan.source import Position
from voicebot.dialplan.sources import Sources
from voicebot.runtime.control.prompts import PromptIndex, Rendered
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.runtime.control.versions import Served, Version, Versions
from voicebot.sim.store import SimServices
from voicebot.speech.prompts import Prompt


def version(name: str) -> Version:
    hotline = Hotline(name="x", languages=("en",), start=Named("a", Position("f")))
    rendered = Rendered({Prompt("espeak", "en-us", name): Path(name)}, {"hello.wav": Path(name)})
    return Version(
        Dialplan(path="f", version=name, hotline=hotline), Sources("f", {}), b"", rendered, SimServices()
    )


@pytest.mark.parametrize(("share", "each"), [(0.1, 10), (0.25, 4), (0.5, 2)])
def test_canary_gets_exactly_its_share(share: float, each: int) -> None:
    old, new = version("old"), version("new")
    served = Served("main", Path("f"), old)
    assert {served.choose() for _ in range(100)} == {old}
    served.try_out(new, share)
    chosen = [served.choose() for _ in range(20 * each)]
    for start in range(0, len(chosen), each):
        assert chosen[start : start + each].count(new) == 1
    served.run(new)
    assert {served.choose() for _ in range(100)} == {new}


def test_withdrawn_canary_gets_no_call() -> None:
    old, new = version("old"), version("new")
    served = Served("main", Path("f"), old)
    served.try_out(new, 0.9)
    assert served.withdraw() is new
    assert {served.choose() for _ in range(100)} == {old}
    assert served.withdraw() is None


def test_version_goes_with_its_last_call() -> None:
    old, new, newest = version("old"), version("new"), version("newest")
    served = Served("main", Path("f"), old)
    calls: list[Dialplan] = []
    versions = Versions({"main": served}, lambda: calls)
    assert versions.sweep() == ()
    calls.append(old.dialplan)
    served.run(new)
    assert versions.sweep() == ()
    assert versions.kept() == (old, new)
    assert versions.standing(old) == "ending"
    assert versions.of(old.dialplan) is old
    served.try_out(newest, 0.1)
    assert versions.sweep() == ()
    assert versions.kept() == (old, newest, new)  # what runs comes last: its queues and prompts count
    assert not versions.stale()
    calls.clear()
    assert versions.stale()
    assert versions.sweep() == (old,)
    assert not versions.stale()


def test_prompts_of_a_version_stay_valid_while_it_is_kept(tmp_path: Path) -> None:
    old, new = version("old"), version("new")
    index = PromptIndex(tmp_path, tmp_path)
    voice = VoiceChoice("espeak", "en-us")
    index.use([old.rendered, new.rendered])
    assert [index.path(Spoken(text, "en"), voice) for text in ("old", "new")] == [Path("old"), Path("new")]
    assert index.path(Spoken("", "en", file="hello.wav"), voice) == Path("new")
    index.use([new.rendered])
    assert index.path(Spoken("old", "en"), voice) is None
