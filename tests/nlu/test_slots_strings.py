"""Slots that are built up from characters: digits, telephone, card, identity and plate numbers."""

import pytest

from tests.nlu.entered import entries, judge
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.slots import SlotSpec, slot_type
from voicebot.nlu.slots.card import luhn
from voicebot.nlu.slots.id_number import check_character

FINAL, MATCH, PREFIX, NONE = Completeness.FINAL, Completeness.MATCH, Completeness.PREFIX, Completeness.NONE
FOUR = SlotSpec("digits", length=4)
PHONE, CARD, ID, PLATE = SlotSpec("phone"), SlotSpec("card"), SlotSpec("id_number"), SlotSpec("plate")


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "eight eight four two", "8842"),
        ("en", "double eight four two", "8842"),
        ("en", "it's uh one oh double five", "1055"),
        ("en", "eighty eight forty two", "8842"),
        ("en", "nineteen eighty four", "1984"),
        ("en", "my card ends in to for ate won", "2481"),
        ("en", "the last four digits are 8 8 4 2 thanks", "8842"),
        ("en", "triple zero one", "0001"),
        ("zh", "八八四二", "8842"),
        ("zh", "幺零五五", "1055"),
        ("zh", "我的卡号后四位是两个八四二", "8842"),
        ("zh", "一千二百三十四", "1234"),
        ("zh", "呃是８８４２吧", "8842"),
        ("zh", "洞洞拐两", "0072"),
    ],
)
def test_digits_are_understood_as_they_are_said(language: str, text: str, value: str) -> None:
    found = judge(FOUR, language, text)
    assert (found.completeness, found.value, found.confidence) == (FINAL, value, 1.0)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "hello there"),
        ("en", "uh"),
        ("en", "one two three four five"),
        ("en", ""),
        ("zh", "你好"),
        ("zh", "一二三四五"),
    ],
)
def test_what_is_not_four_digits_is_nothing(language: str, text: str) -> None:
    assert judge(FOUR, language, text).completeness is NONE


@pytest.mark.parametrize(
    ("spec", "pieces", "completeness", "value"),
    [
        (FOUR, ("one two",), PREFIX, "12"),
        (FOUR, ("one two", "#34"), FINAL, "1234"),
        (FOUR, ("#12", "three", "#4"), FINAL, "1234"),
        (FOUR, ("#12*",), NONE, None),
        (SlotSpec("digits", length=(2, 4)), ("one two",), MATCH, "12"),
        (SlotSpec("digits", length=(2, 4)), ("one",), PREFIX, "1"),
        (SlotSpec("digits"), ("one two three",), MATCH, "123"),
        (PHONE, ("one three eight",), PREFIX, "138"),
        (PHONE, ("one three eight", "#0013800"), PREFIX, "1380013800"),
        (PHONE, ("one three eight", "#00138000"), FINAL, "13800138000"),
        (PHONE, ("plus four four two oh seven nine four six oh one two three",), MATCH, "+442079460123"),
        (PHONE, ("#02112345678",), MATCH, "02112345678"),
        (PHONE, ("#5551234",), MATCH, "5551234"),
        (PHONE, ("#030123456",), MATCH, "030123456"),
        (PHONE, ("#03012345",), PREFIX, "03012345"),
        (PHONE, ("#0151123456789",), MATCH, "0151123456789"),
        (PHONE, ("#015112345678901",), FINAL, "015112345678901"),
        (CARD, ("#4111111111111111",), MATCH, "4111111111111111"),
        (CARD, ("#5500000000000004",), FINAL, "5500000000000004"),
        (CARD, ("#5500000000000005",), NONE, None),
        (CARD, ("#378282246310005",), FINAL, "378282246310005"),
        (CARD, ("five five double oh", "#000000000004"), FINAL, "5500000000000004"),
        (ID, ("#11010519491231002*",), FINAL, "11010519491231002X"),
        (ID, ("one one oh one oh five", "#19491231002", "x"), FINAL, "11010519491231002X"),
        (ID, ("#110105194912310021",), NONE, None),
        (ID, ("#110105",), PREFIX, "110105"),
        (PLATE, ("Beijing a one two three four five",), MATCH, "京A12345"),
        (PLATE, ("inner mongolia b delta oh one two three four",), FINAL, "蒙BD01234"),
        (PLATE, ("guangdong b",), PREFIX, "粤B"),
        (PLATE, ("#12345",), NONE, None),
        (PLATE, ("one two three",), NONE, None),
    ],
)  # fmt: skip
def test_pieces_are_merged_in_the_order_of_arrival(
    spec: SlotSpec, pieces: tuple[str, ...], completeness: Completeness, value: str | None
) -> None:
    found = judge(spec, "en", *pieces)
    assert (found.completeness, found.value) == (completeness, value)


@pytest.mark.parametrize(
    ("spec", "text", "value"),
    [
        (PHONE, "我的手机号是幺三八零零幺三八零零零", "13800138000"),
        (PHONE, "加八六幺三八零零幺三八零零零", "+8613800138000"),
        (CARD, "五五零零零零零零零零零零零零零四", "5500000000000004"),
        (ID, "一一零一零五一九四九一二三一零零二叉", "11010519491231002X"),
        (PLATE, "我的车牌是沪C八八八八八", "沪C88888"),
        (PLATE, "粤 B D 一二三四五", "粤BD12345"),
        (PLATE, "北京A幺二三四五", "京A12345"),
    ],
)
def test_chinese_numbers_of_every_kind(spec: SlotSpec, text: str, value: str) -> None:
    found = judge(spec, "zh", text)
    assert found.accepted
    assert found.value == value


def test_a_character_that_only_sounds_like_a_digit_is_less_sure() -> None:
    found = judge(FOUR, "zh", "要零五五")
    assert (found.value, found.confidence) == ("1055", 0.6)
    assert judge(PLATE, "zh", "经A幺二三四五").confidence == pytest.approx(0.7)


def test_saying_it_all_once_more_replaces_the_beginning_but_is_less_sure() -> None:
    found = judge(FOUR, "en", "one two", "one two three four")
    assert (found.completeness, found.value) == (FINAL, "1234")
    assert found.confidence < 0.7


def test_a_mere_beginning_is_nothing_once_nothing_more_will_come() -> None:
    assert judge(FOUR, "en", "one two", closed=True).completeness is NONE
    assert judge(FOUR, "en", "one two", "#34", closed=True).completeness is FINAL


def test_the_other_recognisers_reading_counts_in_its_language() -> None:
    entry = Entry("speech", "bah bah", "en", 0.4, alternatives=(("zh", "八八四二", 0.9),))
    assert slot_type("digits").judge([entry], FOUR, "zh").value == "8842"
    assert slot_type("digits").judge([entry], FOUR, "zh").confidence == 0.9
    assert slot_type("digits").judge([entry], FOUR, "en").completeness is NONE


def test_the_least_confidence_of_the_pieces_counts() -> None:
    pieces = [*entries("en", "#12"), Entry("speech", "three", "en", 0.8), Entry("speech", "four", "en", 0.5)]
    assert slot_type("digits").judge(pieces, FOUR, "en").confidence == 0.5


def test_the_recogniser_expects_just_the_digits_of_a_fixed_length() -> None:
    first, *more = slot_type("digits").phrases(SlotSpec("digits", length=3), "en")
    digit = "(zero | oh | one | two | three | four | five | six | seven | eight | nine)"
    assert first == f"{digit} {digit} {digit}"
    assert f"double {digit} {digit}" in more
    assert f"triple {digit}" in more
    assert slot_type("digits").phrases(SlotSpec("digits", length=(1, 2)), "zh") == (
        "(零 | 幺 | 一 | 二 | 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九) [(零 | 幺 | 一 | 二 | 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九)]",
    )


def test_check_digits() -> None:
    """ISO/IEC 7812-1 annex B and the example of GB 11643-1999."""
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert check_character("11010519491231002") == "X"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("digits", "12", None),
        ("digits", 12, "type"),
        ("digits", "", "length"),
        ("card", "4111111111111112", "checksum"),
        ("card", "4111111111111111", None),
        ("id_number", "110105194912310021", "checksum"),
        ("id_number", "1101", "length"),
        ("phone", "138", "length"),
        ("plate", "京A12345", None),
        ("plate", "A12345", "length"),
    ],
)
def test_values_from_elsewhere_are_checked(name: str, value: str | int, reason: str | None) -> None:
    assert slot_type(name).invalid(value, SlotSpec(name)) == reason
