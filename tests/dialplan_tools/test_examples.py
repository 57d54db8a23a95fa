"""dialplans/examples: one runnable example per step, and the reference shows it."""

import re
from pathlib import Path

import pytest

from voicebot.dialplan.fields import keys_of
from voicebot.dialplan.inputs import InputStep
from voicebot.dialplan.loader import check
from voicebot.dialplan.targets import VERBS
from voicebot.dialplan.tools.formatting import format_source
from voicebot.dialplan.tools.json_schema import json_schema, key_order
from voicebot.sim.runner import run_tests

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "dialplans" / "examples"
REFERENCE = (ROOT / "docs" / "dialplan.md").read_text(encoding="utf-8")
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_checks_clean_is_formatted_and_passes_its_own_tests(path: Path) -> None:
    dialplan, findings = check(path)
    assert findings == ()
    assert dialplan is not None
    text = path.read_text(encoding="utf-8")
    assert format_source(text) == text
    assert dialplan.tests
    assert [item.failures for item in run_tests(dialplan, dialplan.tests) if not item.passed] == []


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_step_has_a_short_example_that_uses_it(verb: str) -> None:
    path = EXAMPLES / f"{verb}.yaml"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
    dialplan, _ = check(path)
    assert dialplan is not None
    assert verb in {step.verb for flow in dialplan.flows.values() for step in flow.every_step()}


def section(verb: str) -> str:
    found = re.search(rf"^### `{verb}`\n(.*?)(?=^##)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/dialplan.md has no section about {verb}"
    return found[1]


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_reference_tells_of_every_key_of_a_step(verb: str) -> None:
    shared = {name for name in keys_of(InputStep) if name not in ("prompt", "brief")}
    own = set(key_order(VERBS[verb])) - (shared if issubclass(VERBS[verb], InputStep) else set())
    assert own - set(re.findall(r"`(\w+)", section(verb))) == set()


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_reference_shows_lines_of_the_runnable_example(verb: str) -> None:
    shown = re.search(rf"dialplans/examples/{verb}\.yaml.*?```yaml\n(.*?)```", section(verb), re.DOTALL)
    assert shown is not None
    lines = [line.strip() for line in shown[1].splitlines()]
    text = [line.strip() for line in (EXAMPLES / f"{verb}.yaml").read_text(encoding="utf-8").splitlines()]
    at = next(n for n in range(len(text)) if text[n : n + len(lines)] == lines)
    assert text[at].startswith(f"- {verb}:") or f"{verb}:" in " ".join(lines)


def test_the_reference_has_every_section_of_a_file_and_no_unknown_step() -> None:
    assert set(re.findall(r"^### `(\w+)`$", REFERENCE, re.MULTILINE)) == set(VERBS)
    for name in json_schema()["properties"]:
        assert f"`{name}`" in REFERENCE
