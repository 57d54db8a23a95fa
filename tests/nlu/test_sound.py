"""What sounds alike."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.sound import distance, sounds_alike


@pytest.mark.parametrize(
    ("a", "b", "language"),
    [
        ("billing", "building", "en"),
        ("fifteen", "fifty", "en"),
        ("lost card", "last cart", "en"),
        ("operator", "opera tor", "en"),
        ("support", "sport", "en"),
        ("phone", "fone", "en"),
        ("one", "won", "en"),
        ("sales", "sails", "en"),
        ("four", "for", "en"),
        ("eight", "ate", "en"),
        ("四", "十", "zh"),
        ("余额", "鱼鹅", "zh"),
        ("账单", "站单", "zh"),
        ("牛奶", "流奶", "zh"),
        ("人民", "人名", "zh"),
        ("缴费", "叫费", "zh"),
    ],
)
def test_these_are_taken_for_each_other(a: str, b: str, language: str) -> None:
    assert sounds_alike(a, b, language)


@pytest.mark.parametrize(
    ("a", "b", "language"),
    [
        ("yes", "no", "en"),
        ("four", "ten", "en"),
        ("balance", "billing", "en"),
        ("payments", "statements", "en"),
        ("lost card", "new card", "en"),
        ("余额", "挂失", "zh"),
        ("查询", "咨询", "zh"),
        ("一", "七", "zh"),
        ("人工", "普通", "zh"),
    ],
)
def test_these_are_told_apart(a: str, b: str, language: str) -> None:
    assert not sounds_alike(a, b, language)


def test_an_unknown_language_has_no_sounds() -> None:
    with pytest.raises(UnknownLanguage):
        distance("a", "b", "xx")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["en", "zh"]))
def test_distance_is_symmetrical_and_bounded(a: str, b: str, language: str) -> None:
    forth, back = distance(a, b, language), distance(b, a, language)
    assert forth == pytest.approx(back)
    assert 0.0 <= forth <= 1.0
    assert distance(a, a, language) == 0.0
