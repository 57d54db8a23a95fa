"""Each code: its wrong example has it, its right example does not, and its page says the same."""

import re
from pathlib import Path

import pytest

from tests.dialplan.messages import PACKAGE
from tests.sounds import write_wav
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.findings.catalogue import pages, whole
from voicebot.dialplan.findings.pages import files
from voicebot.dialplan.loader import check
from voicebot.dialplan.source import MAX_BYTES, Finding

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs" / "findings"
KNOWN = {"pay", "by", "card"}
SHOWN = [page for page in pages().values() if page.wrong]


def found(folder: Path, text: str | bytes) -> tuple[Finding, ...]:
    prompts = folder / "prompts"
    prompts.mkdir(exist_ok=True)
    write_wav(prompts / "tone.wav", b"\x00\x10\x00\xf0" * 800)
    write_wav(prompts / "silent.wav", b"\x01\x00\x00\x00" * 800)
    (prompts / "broken.wav").write_bytes(b"no sound")
    (folder / "more.yaml").write_text("vars: {city: Bern}\n", encoding="utf-8")
    path = folder / "example.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    around = Around(
        prompts,
        agents={"alice": frozenset({"cards"})},
        dials=lambda target: target == "alice",
        is_listed=lambda word, language: language != "en" or word in KNOWN,
    )
    return check(path, around=around)[1]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.code)
def test_the_wrong_example_has_the_code_and_the_right_one_is_served(page: object, tmp_path: Path) -> None:
    page = pages()[getattr(page, "code")]  # noqa: B009
    wrong = [item for item in found(tmp_path, whole(page.wrong)) if item.code == page.code]
    assert wrong
    assert {item.severity for item in wrong} == {page.severity}
    right = found(tmp_path, whole(page.right))
    assert page.code not in {item.code for item in right}
    assert not [item for item in right if item.severity == "error"]


def test_files_that_cannot_be_shown(tmp_path: Path) -> None:
    assert {item.code for item in found(tmp_path, b"#" * (MAX_BYTES + 1))} == {"VB002"}
    assert {item.code for item in found(tmp_path, "flows: 您好".encode("gb18030"))} == {"VB003"}


def test_every_code_that_the_package_uses_has_a_page_and_no_other() -> None:
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        used |= set(re.findall(r"\"(VB\d{3})\"", path.read_text(encoding="utf-8")))
    assert used == set(pages())


def test_the_pages_are_written_from_the_catalogue() -> None:
    """Run `python -m voicebot.dialplan.findings.pages` after a change."""
    assert {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")} == files()
