"""A child checks, compiles and renders; what comes back is what loading in place would have made."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.reload.plain import PLAIN, english
from voicebot.dialplan.loader import load
from voicebot.dialplan.sources import Sources, read_sources
from voicebot.runtime.control.compiling import CompileError, Compiler
from voicebot.runtime.control.speech import VoiceChoice
from voicebot.speech.prompts import Prompt


def test_child_compiles_what_loading_would(tmp_path: Path) -> None:
    """One child does several jobs: refused ones, long flows that come in pieces, and the one after a refusal."""
    good, bad, long = tmp_path / "good.yaml", tmp_path / "bad.yaml", tmp_path / "long.yaml"
    good.write_text(PLAIN, "utf-8")
    bad.write_text(PLAIN.replace("goto: bye}, {dtmf", "goto: nowhere}, {dtmf"), "utf-8")
    long.write_text(PLAIN.replace('    - say: "Hello."\n', '    - set: {call.x: "1"}\n' * 50), "utf-8")

    async def story() -> None:
        compiler = Compiler(tmp_path, tmp_path / "cache", {"alice": ["cards"]}, dictionary=True)
        try:
            checked, compiled = await compiler.compile(bad, english)
            assert compiled is None
            assert not checked.version
            assert "VB101" in [item.code for item in checked.findings if item.severity == "error"]
            for path in (good, long):
                checked, compiled = await compiler.compile(path, english)
                assert compiled is not None
                assert compiled.dialplan == load(path, prompts=tmp_path)
                assert checked.files == (path,)
                assert compiled.sources.files == {path.name: path.read_bytes()}
            assert compiled is not None
            files = compiled.rendered.texts
            assert all(file.is_file() for file in files.values())
            assert files[Prompt("espeak", "en-us", "Yes or no?")].is_file()
        finally:
            await compiler.close()

    asyncio.run(story())


def test_child_knows_the_agents_as_check_does(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(PLAIN + "queues: {desk: {require: [loans]}}\n", "utf-8")

    async def story() -> None:
        compiler = Compiler(tmp_path, tmp_path / "cache", {"alice": ["cards"]}, dictionary=True)
        try:
            checked, _ = await compiler.compile(path, english)
            assert "VB133" in [item.code for item in checked.findings]
        finally:
            await compiler.close()

    asyncio.run(story())


def test_what_cannot_be_spoken_is_told_and_the_next_job_is_done(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(PLAIN, "utf-8")

    async def nobody(languages: Sequence[str]) -> dict[str, VoiceChoice]:
        return {"en": VoiceChoice("espeak", "xx-none")}

    async def refused(languages: Sequence[str]) -> dict[str, VoiceChoice]:
        raise CompileError("no voice for en")

    async def story() -> None:
        compiler = Compiler(tmp_path, tmp_path / "cache", {"alice": ["cards"]}, dictionary=True)
        try:
            with pytest.raises(CompileError, match="xx-none"):
                await compiler.compile(path, nobody)
            with pytest.raises(CompileError, match="no voice for en"):
                await compiler.compile(path, refused)
            checked, compiled = await compiler.compile(path, english)
            assert compiled is not None
            assert checked.version == compiled.dialplan.version
        finally:
            await compiler.close()

    asyncio.run(story())


def test_files_are_kept_with_all_that_they_include(tmp_path: Path) -> None:
    lines, shared = tmp_path / "lines", tmp_path / "lines" / "shared"
    shared.mkdir(parents=True)
    common = shared / "common.yaml"
    common.write_text("flows:\n  more: [{hangup: a}]\n", "utf-8")
    (tmp_path / "secret.yaml").write_text("flows:\n  hidden: [{hangup: a}]\n", "utf-8")
    (lines / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    main = lines / "main.yaml"
    out = f"../secret.yaml, link.yaml, {tmp_path}/secret.yaml"
    main.write_text(PLAIN + f"include: [shared/common.yaml, missing.yaml, {out}]\n", "utf-8")
    sources, paths = read_sources(main)
    assert (sources.main, sorted(sources.files)) == ("main.yaml", ["main.yaml", "shared/common.yaml"])
    assert paths == (main, common)
    again = Sources.unpack(sources.pack())
    assert again == sources
    written = again.write(tmp_path / "elsewhere")
    assert written.read_bytes() == main.read_bytes()
    assert (again.line("", 1), again.line("shared/common.yaml", 2)) == ("dialplan: 1", "more: [{hangup: a}]")
    assert (again.line("none.yaml", 1), again.line("", 999), again.line("", 0)) == ("", "", "")


@pytest.mark.parametrize("packed", [b"", b"garbage", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_no_packed_dialplan_is_a_value_error(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Sources.unpack(packed)


def test_stored_files_do_not_leave_their_folder(tmp_path: Path) -> None:
    for name in ("../out.yaml", "/tmp/out.yaml", "a/../../out.yaml"):
        with pytest.raises(ValueError, match="does not lie"):
            Sources(name, {name: b""}).write(tmp_path / "in")
    assert not (tmp_path / "out.yaml").exists()
