"""Slots that hold numbers: integer, number, currency."""

import pytest

from tests.nlu.entered import judge
from voicebot.nlu.entries import Completeness
from voicebot.nlu.slots import SlotSpec, slot_type

FINAL, MATCH, PREFIX, NONE = Completeness.FINAL, Completeness.MATCH, Completeness.PREFIX, Completeness.NONE
ANY, RATING = SlotSpec("integer"), SlotSpec("integer", range=(1, 5))
NUMBER, MONEY = SlotSpec("number"), SlotSpec("currency")


@pytest.mark.parametrize(
    ("spec", "language", "text", "value"),
    [
        (RATING, "en", "five", 5),
        (RATING, "en", "uh four please", 4),
        (RATING, "en", "I'd give it a three", 3),
        (RATING, "zh", "五分", 5),
        (RATING, "zh", "给两分吧", 2),
        (ANY, "en", "one hundred and five", 105),
        (ANY, "en", "twenty five", 25),
        (ANY, "en", "minus three", -3),
        (ANY, "en", "one two three", 123),
        (ANY, "zh", "一百零五", 105),
        (ANY, "zh", "两千", 2000),
        (ANY, "zh", "三万五", 35000),
        (ANY, "zh", "负三", -3),
        (NUMBER, "en", "three point one four", 3.14),
        (NUMBER, "en", "two and a half", 2.5),
        (NUMBER, "zh", "三点一四", 3.14),
        (NUMBER, "zh", "两个半", 2.5),
        (MONEY, "en", "five hundred dollars", 500),
        (MONEY, "en", "twelve dollars fifty", 12.5),
        (MONEY, "en", "twenty yuan and fifty fen", 20.5),
        (MONEY, "en", "fifty cents", 0.5),
        (MONEY, "zh", "五百块", 500),
        (MONEY, "zh", "三块五", 3.5),
        (MONEY, "zh", "三块五毛二", 3.52),
        (MONEY, "zh", "十块零五分", 10.05),
        (MONEY, "zh", "两块半", 2.5),
        (MONEY, "zh", "一千二百三十四元五角", 1234.5),
        (MONEY, "zh", "两万", 20000),
    ],
)
def test_numbers_are_understood_as_they_are_said(
    spec: SlotSpec, language: str, text: str, value: float
) -> None:
    found = judge(spec, language, text)
    assert found.accepted
    assert found.value == value
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("spec", "language", "text"),
    [
        (RATING, "en", "six"),
        (RATING, "en", "four or five"),
        (RATING, "en", "hello"),
        (RATING, "zh", "六"),
        (RATING, "zh", "你好"),
        (ANY, "en", "three point five"),
        (MONEY, "en", "dollars"),
        (MONEY, "zh", "三毛五块"),
        (MONEY, "zh", "没有"),
    ],
)
def test_what_is_no_such_number_is_nothing(spec: SlotSpec, language: str, text: str) -> None:
    assert judge(spec, language, text).completeness is NONE


@pytest.mark.parametrize(
    ("spec", "pieces", "completeness", "value"),
    [
        (RATING, ("#3",), FINAL, 3),
        (RATING, ("#6",), NONE, None),
        (SlotSpec("integer", range=(1, 150)), ("#1",), MATCH, 1),
        (SlotSpec("integer", range=(1, 150)), ("#15",), MATCH, 15),
        (SlotSpec("integer", range=(1, 150)), ("#16",), FINAL, 16),
        (SlotSpec("integer", range=(10, 15)), ("#1",), PREFIX, None),
        (SlotSpec("integer", range=(10, 15)), ("#2",), NONE, None),
        (ANY, ("one three", "#8"), MATCH, 138),
        (ANY, ("one hundred", "and five"), MATCH, 105),
        (ANY, ("#3*5",), NONE, None),
        (NUMBER, ("#3*5",), MATCH, 3.5),
        (NUMBER, ("#3*",), PREFIX, None),
        (MONEY, ("#12*50",), FINAL, 12.5),
        (MONEY, ("#12*505",), NONE, None),
        (SlotSpec("integer", range=(1, 30)), ("twenty",), MATCH, 20),
        (SlotSpec("integer", range=(1, 30)), ("twenty five",), FINAL, 25),
        (SlotSpec("integer", range=(100, 999)), ("one",), PREFIX, None),
    ],
)  # fmt: skip
def test_keys_and_pieces(
    spec: SlotSpec, pieces: tuple[str, ...], completeness: Completeness, value: float | None
) -> None:
    found = judge(spec, "en", *pieces)
    assert (found.completeness, found.value) == (completeness, value)


@pytest.mark.parametrize(
    ("spec", "language", "pieces", "value"),
    [(MONEY, "en", ("twelve fifty",), 12.5), (RATING, "en", ("for",), 4), (ANY, "en", ("seven hundred", "no I mean nine hundred"), 900)],
)  # fmt: skip
def test_guesses_are_to_be_confirmed(
    spec: SlotSpec, language: str, pieces: tuple[str, ...], value: float
) -> None:
    found = judge(spec, language, *pieces)
    assert found.value == value
    assert found.confidence < 0.7


def test_the_recogniser_expects_the_numbers_of_a_small_range() -> None:
    assert slot_type("integer").phrases(RATING, "en") == ("(one | two | three | four | five)",)
    assert slot_type("integer").phrases(RATING, "zh") == ("(一 | 二 | 两 | 三 | 四 | 五)",)


@pytest.mark.parametrize(
    ("spec", "value", "reason"),
    [(RATING, 5, None), (RATING, 6, "range"), (RATING, 2.5, "type"), (RATING, "5", "type"), (RATING, True, "type"),
     (MONEY, 2.5, None), (NUMBER, "x", "type")],
)  # fmt: skip
def test_values_from_elsewhere_are_checked(spec: SlotSpec, value: float | str, reason: str | None) -> None:
    assert slot_type(spec.type).invalid(value, spec) == reason
