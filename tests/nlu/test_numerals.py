"""Whole numbers in words, both ways."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu.numerals import LARGEST, cardinal, read_cardinal
from voicebot.nlu.text import tokens


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (0, "zero", "零"),
        (10, "ten", "十"),
        (15, "fifteen", "十五"),
        (42, "forty-two", "四十二"),
        (105, "one hundred five", "一百零五"),
        (110, "one hundred ten", "一百一十"),
        (200, "two hundred", "两百"),
        (1010, "one thousand ten", "一千零一十"),
        (2222, "two thousand two hundred twenty-two", "两千二百二十二"),
        (12000, "twelve thousand", "一万两千"),
        (200_000, "two hundred thousand", "二十万"),
        (100_200, "one hundred thousand two hundred", "十万零二百"),
        (200_020_000, "two hundred million twenty thousand", "两亿零两万"),
        (-7, "minus seven", "负七"),
    ],
)
def test_cardinals_are_said_as_people_say_them(value: int, en: str, zh: str) -> None:
    assert cardinal(value, "en") == en
    assert cardinal(value, "zh") == zh


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("one hundred and five", "en", 105),
        ("a hundred", "en", 100),
        ("twelve hundred", "en", 1200),
        ("two thousand and six", "en", 2006),
        ("25", "en", 25),
        ("三万五", "zh", 35000),
        ("一百五", "zh", 150),
        ("一百零五", "zh", 105),
        ("两千三", "zh", 2300),
        ("二十五", "zh", 25),
        ("一万零三", "zh", 10003),
        ("二〇二六", "zh", 2026),
        ("幺三八", "zh", 138),
    ],
)
def test_cardinals_are_read_as_people_say_them(text: str, language: str, value: int) -> None:
    items = tokens(text, language)
    assert read_cardinal(items, 0, language) == (value, len(items))


@pytest.mark.parametrize(
    ("text", "language"), [("十百", "zh"), ("三五十", "zh"), ("hello", "en"), ("你好", "zh")]
)
def test_what_is_no_number_is_not_read(text: str, language: str) -> None:
    assert read_cardinal(tokens(text, language), 0, language) is None


def test_reading_stops_at_the_first_word_of_another_number() -> None:
    assert read_cardinal(("five", "six"), 0, "en") == (5, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_numbers_beyond_the_largest_are_refused(language: str) -> None:
    cardinal(LARGEST, language)
    with pytest.raises(ValueError, match="too large"):
        cardinal(LARGEST + 1, language)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, LARGEST) | st.integers(0, 100_000), st.sampled_from(["en", "zh"]))
def test_every_spoken_number_is_read_back(value: int, language: str) -> None:
    items = tokens(cardinal(value, language), language)
    assert read_cardinal(items, 0, language) == (value, len(items))
