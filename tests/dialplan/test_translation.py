"""Every message and hint of the checker has its Chinese."""

import re

import pytest

from tests.dialplan.helpers import findings
from tests.dialplan.messages import templates
from tests.dialplan.test_checks import CASES
from voicebot.dialplan.findings.translate import entries, in_language, translate


@pytest.mark.parametrize("template", sorted(templates()))
def test_every_text_of_a_finding_stands_in_the_table(template: str) -> None:
    sources = {entry.source for entry in entries("zh")}
    assert template in sources


def test_the_places_of_both_languages_are_the_same() -> None:
    for entry in entries("zh"):
        places = re.compile(r"\{\d\}")
        assert sorted(places.findall(entry.source)) == sorted(places.findall(entry.text)), entry.source


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)])
def test_what_the_checker_says_is_translated(case: tuple[str, str, str, tuple[int, int]]) -> None:
    for item in findings(case[1]):
        translated = in_language(item, "zh")
        assert re.search("[\u4e00-\u9fff]", translated.message), item.message
        assert translated.hint == item.hint == "" or translated.hint != item.hint or "[" in item.hint


def test_what_fills_a_place_is_translated_too() -> None:
    assert translate("a map is expected, not a list", "zh") == "此处应为映射，而不是列表"
    assert translate("there is no flow 'mian'", "zh") == "没有流程 'mian'"
    assert translate("did you mean 'main'?", "zh") == "是不是想写 'main'？"


def test_an_unknown_text_stays_as_it_is() -> None:
    assert translate("entirely new", "zh") == "entirely new"
    assert translate("nothing leads to this step", "en") == "nothing leads to this step"
