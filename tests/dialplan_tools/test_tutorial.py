"""docs/tutorial.md: what it shows is dialplans/tutorial/dental.yaml, and that works."""

import re
from pathlib import Path

from voicebot.config import load_config
from voicebot.dialplan.loader import check
from voicebot.dialplan.tools.formatting import format_source
from voicebot.sim.runner import run_tests

ROOT = Path(__file__).parent.parent.parent
DENTAL = ROOT / "dialplans" / "tutorial" / "dental.yaml"
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def pieces(name: str) -> str:
    """Return all that the page says of one file."""
    return "".join(re.findall(rf"<!-- {name} -->\n```yaml\n(.*?)```", PAGE, re.DOTALL))


def test_the_pieces_of_the_page_make_the_dialplan() -> None:
    assert pieces("dental.yaml") == DENTAL.read_text(encoding="utf-8")
    assert PAGE.count("```yaml") == len(re.findall(r"<!-- (?:config|dental).yaml -->\n```yaml", PAGE))


def test_the_hotline_checks_clean_is_formatted_and_passes_its_tests(tmp_path: Path) -> None:
    for name in ("config.yaml", "dental.yaml"):
        (tmp_path / name).write_text(pieces(name), encoding="utf-8")
    config = load_config(tmp_path / "config.yaml", environment={})
    assert config.warnings == ()
    path = config.dialplans["dental"]
    dialplan, findings = check(path)
    assert findings == ()
    assert dialplan is not None
    text = path.read_text(encoding="utf-8")
    assert format_source(text) == text
    verdicts = list(run_tests(dialplan, dialplan.tests))
    assert [item.failures for item in verdicts if not item.passed] == []
    assert f"{len(verdicts)} passed" in PAGE


def test_what_the_page_promises_to_be_found_is_found(tmp_path: Path) -> None:
    text = DENTAL.read_text(encoding="utf-8")
    before, after = text.split("        on_fail: goodbye\n        noinput:", 1)
    after = after[after.index("    - callback:") :]
    faulty = tmp_path / "dental.yaml"
    faulty.write_text(before + "        on_fail: goodbye\n" + after, encoding="utf-8")
    found = re.findall(r"dental.yaml:(\d+):(\d+): \w+ (VB\d+)", PAGE)
    assert {(str(item.line), str(item.column), item.code) for item in check(faulty)[1]} == set(found)
