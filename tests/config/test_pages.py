"""The configurations of README.md and docs are accepted as they stand."""

import re
from pathlib import Path

import pytest

from voicebot.config import load_config

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "configuration.md",
    *sorted((ROOT / "docs" / "pbx").glob("*.md")),
]
BLOCKS = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(
        re.findall(r"^```yaml[^\n]*\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    )
]
PASSWORDS = {"PBX_PASSWORD": "a", "CARRIER_PASSWORD": "b"}


@pytest.mark.parametrize("text", BLOCKS)
def test_the_configuration_of_a_page_is_accepted(text: str, tmp_path: Path) -> None:
    for name in ("main.yaml", "cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).touch()
    whole = text if "\ndialplans:" in text else f"{text}dialplans: {{main: main.yaml}}\n"
    file = tmp_path / "config.yaml"
    file.write_text(whole.replace("/etc/voicebot", str(tmp_path)), "utf-8")
    config = load_config(file, environment=PASSWORDS)
    assert config.trunks
    assert config.warnings == ()


def test_each_pbx_has_its_configuration_of_the_hotline() -> None:
    ours = {str(each.id).rpartition("-")[0] for each in BLOCKS}
    assert ours >= {page.stem for page in (ROOT / "docs" / "pbx").glob("*.md")} - {"README"}
