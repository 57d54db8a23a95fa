"""Dialplans change while they are served: refused ones change nothing, and the version before comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.reload.plain import PLAIN, english
from voicebot import reloading
from voicebot.config import Config, Overrides, load_config
from voicebot.dialplan.loader import load
from voicebot.dialplan.schema import Dialplan
from voicebot.reloading import Change, Dialplans
from voicebot.runtime.control.compiling import CompileError
from voicebot.runtime.control.prompts import PromptIndex, Rendered
from voicebot.runtime.control.socket import ControlError
from voicebot.storage import Reader, Writer

CONFIG = """\
sip: {listen: ["udp:127.0.0.1:5999"]}
trunks: {lab: {networks: ["127.0.0.0/8"], dialplan: main}}
dialplans: {main: %s}
"""
SECOND = PLAIN.replace("Hello.", "Good morning.")
BROKEN = PLAIN.replace("goto: bye}, {dtmf", "goto: nowhere}, {dtmf")


class Stage:
    """Dialplans that serve one file, with a real database; `calls` are the dialplans of the calls in progress."""

    def __init__(self, folder: Path, entry: str = "main.yaml") -> None:
        self.file = folder / "main.yaml"
        self.file.write_text(PLAIN, "utf-8")
        (folder / "config.yaml").write_text(CONFIG % entry, "utf-8")
        self.config: Config = load_config(folder / "config.yaml", Overrides(data=folder / "data"))
        self.calls: list[Dialplan] = []
        self.changes = 0
        self.store = Writer(self.config.storage.database)
        self.dialplans = Dialplans(
            self.config,
            PromptIndex(folder / "data" / "cache" / "prompts", folder),
            self.store,
            voices_for=english,
            in_use=lambda: self.calls,
            on_change=self._changed,
            environment={},
        )
        self.dialplans.begin({"main": load(self.file)}, Rendered({}, {}))

    def _changed(self) -> None:
        self.changes += 1

    def now(self) -> str:
        return self.dialplans.choose("main").version

    def kept(self) -> list[tuple[str, str]]:
        """Return (version, why) as storage has them, latest first."""
        reader = Reader(self.config.storage.database)
        found = [(item.version, item.why) for item in reader.versions("main")]
        reader.close()
        return found


def play(folder: Path, story: Callable[[Stage], Awaitable[None]], entry: str = "main.yaml") -> Stage:
    async def whole() -> Stage:
        stage = Stage(folder, entry)
        try:
            async with asyncio.timeout(20.0):
                await story(stage)
        finally:
            await stage.dialplans.close()
            await asyncio.to_thread(stage.store.close)
        return stage

    return asyncio.run(whole())


def test_new_version_takes_new_calls_and_running_ones_keep_theirs(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = stage.dialplans.choose("main")
        stage.calls.append(first)
        stage.file.write_text(SECOND, "utf-8")
        change = await stage.dialplans.reload("main", why="reload", who="ann")
        assert change.done
        assert (change.before, change.version) == (first.version, stage.now())
        assert stage.now() != first.version
        assert [item.id for item in stage.dialplans.versions.kept()] == [first.version, stage.now()]
        services = stage.dialplans.services(first)
        assert services is not stage.dialplans.services(stage.dialplans.choose("main"))
        stage.calls.clear()
        await stage.dialplans.reload("main", why="reload")
        assert [item.id for item in stage.dialplans.versions.kept()] == [stage.now()]
        assert stage.changes == 3  # start, and twice: queues follow

    stage = play(tmp_path, story)
    assert [why for _, why in stage.kept()] == ["reload", "start"]


def test_version_that_does_not_check_is_refused_with_its_findings(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = stage.now()
        stage.file.write_text(BROKEN, "utf-8")
        change = await stage.dialplans.reload("main", why="reload")
        assert not change.done
        assert "VB101" in [item.code for item in change.findings]
        assert str(change.as_data()["text"]).startswith(f"refused, {first} stays")
        assert stage.now() == first
        stage.file.unlink()
        change = await stage.dialplans.reload("main", why="reload")
        assert not change.done
        assert [item.code for item in change.findings] == ["VB001"]
        assert stage.now() == first

    stage = play(tmp_path, story)
    assert [why for _, why in stage.kept()] == ["start"]


def test_service_without_its_secret_is_refused(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = stage.now()
        service = 'services: {crm: {base_url: "http://127.0.0.1:1/", auth: {bearer: "${CRM_TOKEN}"}}}\n'
        stage.file.write_text(PLAIN + service, "utf-8")
        change = await stage.dialplans.reload("main", why="reload")
        assert not change.done
        assert "CRM_TOKEN is not set" in change.text
        assert stage.now() == first

    play(tmp_path, story)


def test_rollback_brings_the_version_before_back_from_storage(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = stage.now()
        with pytest.raises(ControlError, match="no other version"):
            await stage.dialplans.rollback("main")
        stage.file.write_text(SECOND, "utf-8")
        second = (await stage.dialplans.reload("main", why="reload")).version
        change = await stage.dialplans.rollback("main", who="ann")
        assert change.done
        assert (change.version, change.before) == (first, second)
        assert "still differs" in change.text
        assert stage.now() == first
        assert (await stage.dialplans.rollback("main")).version == second  # and forth again
        assert stage.now() == second

    stage = play(tmp_path, story)
    assert [why for _, why in stage.kept()] == ["rollback", "rollback"]
    assert list((tmp_path / "data" / "cache" / "dialplans").iterdir()) == []


def test_canary_is_promoted_or_withdrawn(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        first = stage.now()
        with pytest.raises(ControlError, match="no canary"):
            await stage.dialplans.promote("main")
        assert "nothing to try out" in (await stage.dialplans.reload("main", share=0.5, why="reload")).text
        stage.file.write_text(SECOND, "utf-8")
        change = await stage.dialplans.reload("main", share=0.5, why="reload")
        assert "50 % of the new calls" in change.text
        assert sorted([stage.now(), stage.now()]) == sorted([first, change.version])
        await stage.dialplans.rollback("main")
        assert {stage.now() for _ in range(10)} == {first}
        await stage.dialplans.reload("main", share=0.1, why="reload")
        await stage.dialplans.promote("main", who="ann")
        assert {stage.now() for _ in range(20)} == {change.version}
        with pytest.raises(ControlError, match="there is no dialplan other"):
            await stage.dialplans.reload("other", why="reload")

    stage = play(tmp_path, story)
    assert [why for _, why in stage.kept()] == ["promoted", "start"]


def test_file_that_changes_is_taken_once_it_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "SWEEP", 0.02)
    monkeypatch.setattr(reloading, "STILL", 0.05)
    told: list[Change] = []
    monkeypatch.setattr(reloading, "tell", told.append)

    async def until(fact: Callable[[], bool]) -> None:
        while not fact():
            await asyncio.sleep(0.01)

    async def story(stage: Stage) -> None:
        first = stage.now()
        stage.dialplans.start()
        await asyncio.sleep(0.1)
        stage.file.touch()  # nothing new in it
        await asyncio.sleep(0.3)
        assert told == []
        stage.file.write_text(BROKEN, "utf-8")
        await until(lambda: len(told) == 1)
        assert not told[0].done
        assert stage.now() == first
        stage.file.write_text(SECOND, "utf-8")
        await until(lambda: len(told) == 2)
        assert told[1].done
        assert stage.now() == told[1].version != first

    stage = play(tmp_path, story)
    assert [why for _, why in stage.kept()] == ["file changed", "start"]


def test_configured_canary_makes_a_changed_file_a_canary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "SWEEP", 0.02)
    monkeypatch.setattr(reloading, "STILL", 0.05)

    async def story(stage: Stage) -> None:
        assert stage.config.canaries == {"main": 0.25}
        first = stage.now()
        stage.dialplans.start()
        await asyncio.sleep(0.1)
        stage.file.write_text(SECOND, "utf-8")
        served = stage.dialplans.versions.served["main"]
        while served.canary is None:
            await asyncio.sleep(0.01)
        assert (served.running.id, served.share) == (first, 0.25)

    play(tmp_path, story, entry="{file: main.yaml, canary: 25%}")


def test_languages_that_nobody_speaks_are_refused(tmp_path: Path) -> None:
    async def nobody(languages: Sequence[str]) -> dict[str, object]:
        raise CompileError(f"no voice for {languages[0]}")

    async def story(stage: Stage) -> None:
        stage.dialplans.voices_for = nobody  # type: ignore[assignment]  # it never returns
        change = await stage.dialplans.reload("main", why="reload")
        assert not change.done
        assert "no voice for en" in change.text

    play(tmp_path, story)
