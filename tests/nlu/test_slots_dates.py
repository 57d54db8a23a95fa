"""Slots that hold dates and times of day."""

import datetime

import pytest

from tests.nlu.entered import judge
from voicebot.nlu.entries import Completeness
from voicebot.nlu.slots import SlotSpec, slot_type

FINAL, MATCH, PREFIX, NONE = Completeness.FINAL, Completeness.MATCH, Completeness.PREFIX, Completeness.NONE
DATE = SlotSpec("date", now=datetime.datetime(2026, 11, 24, 10, 0))  # a Tuesday
TIME = SlotSpec("time")


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "today", "2026-11-24"),
        ("en", "tomorrow please", "2026-11-25"),
        ("en", "the day after tomorrow", "2026-11-26"),
        ("en", "monday", "2026-11-30"),
        ("en", "on tuesday", "2026-12-01"),
        ("en", "this friday", "2026-11-27"),
        ("en", "next monday", "2026-11-30"),
        ("en", "next friday", "2026-12-04"),
        ("en", "in two weeks", "2026-12-08"),
        ("en", "three days from now", "2026-11-27"),
        ("en", "March the fifth", "2027-03-05"),
        ("en", "december twenty first", "2026-12-21"),
        ("en", "on the twenty first of december", "2026-12-21"),
        ("en", "the third", "2026-12-03"),
        ("en", "the fifth of March twenty twenty-seven", "2027-03-05"),
        ("en", "my birthday is January first nineteen eighty four", "1984-01-01"),
        ("en", "june twentieth nineteen oh five", "1905-06-20"),
        ("en", "may second two thousand and six", "2006-05-02"),
        ("en", "february twenty ninth", "2028-02-29"),
        ("zh", "今天", "2026-11-24"),
        ("zh", "明天吧", "2026-11-25"),
        ("zh", "后天", "2026-11-26"),
        ("zh", "大后天", "2026-11-27"),
        ("zh", "周一", "2026-11-30"),
        ("zh", "这周五", "2026-11-27"),
        ("zh", "下周一", "2026-11-30"),
        ("zh", "下個禮拜五", "2026-12-04"),
        ("zh", "下下周一", "2026-12-07"),
        ("zh", "星期天", "2026-11-29"),
        ("zh", "三天后", "2026-11-27"),
        ("zh", "两个星期以后", "2026-12-08"),
        ("zh", "三月五号", "2027-03-05"),
        ("zh", "十二月二十一日", "2026-12-21"),
        ("zh", "五号", "2026-12-05"),
        ("zh", "下个月五号", "2026-12-05"),
        ("zh", "明年三月五号", "2027-03-05"),
        ("zh", "二〇二六年三月五号", "2026-03-05"),
        ("zh", "二零零六年五月二号", "2006-05-02"),
        ("zh", "八四年一月一号", "1984-01-01"),
        ("zh", "二月二十九号", "2028-02-29"),
    ],
)
def test_dates_are_understood_as_they_are_said(language: str, text: str, value: str) -> None:
    found = judge(DATE, language, text)
    assert found.accepted
    assert found.value == value


@pytest.mark.parametrize(
    ("language", "pieces", "completeness"),
    [
        ("en", ("march",), PREFIX),
        ("en", ("march", "the fifth"), MATCH),
        ("en", ("next",), PREFIX),
        ("en", ("april thirty first",), NONE),
        ("en", ("hello",), NONE),
        ("en", ("#20260305",), FINAL),
        ("en", ("#2026",), PREFIX),
        ("en", ("#20261305",), NONE),
        ("en", ("#0305",), FINAL),
        ("en", ("#0230",), NONE),
        ("zh", ("三月",), PREFIX),
        ("zh", ("二〇二六年",), PREFIX),
        ("zh", ("下周",), PREFIX),
        ("zh", ("四月三十一号",), NONE),
        ("zh", ("你好",), NONE),
    ],
)
def test_unfinished_and_impossible_dates(
    language: str, pieces: tuple[str, ...], completeness: Completeness
) -> None:
    assert judge(DATE, language, *pieces).completeness is completeness


def test_the_range_decides_which_year_is_meant() -> None:
    past = SlotSpec("date", now=DATE.now, range=("2026-01-01", "2026-11-24"))
    assert judge(past, "en", "march the fifth").value == "2026-03-05"
    assert judge(past, "zh", "三月五号").value == "2026-03-05"
    assert judge(past, "en", "tomorrow").completeness is NONE


def test_without_now_only_a_whole_date_is_one() -> None:
    spec = SlotSpec("date")
    assert judge(spec, "en", "march the fifth twenty twenty six").value == "2026-03-05"
    assert judge(spec, "en", "march the fifth").completeness is PREFIX
    assert judge(spec, "zh", "三月五号").completeness is PREFIX
    assert judge(spec, "en", "tomorrow").completeness is NONE


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "three thirty in the afternoon", "15:30"),
        ("en", "nine a.m.", "09:00"),
        ("en", "at nine o'clock in the evening", "21:00"),
        ("en", "five oh five pm", "17:05"),
        ("en", "quarter to ten at night", "21:45"),
        ("en", "ten past nine in the morning", "09:10"),
        ("en", "noon", "12:00"),
        ("en", "midnight", "00:00"),
        ("en", "half past noon", "12:30"),
        ("en", "twelve thirty a m", "00:30"),
        ("en", "fifteen thirty", "15:30"),
        ("zh", "下午三点半", "15:30"),
        ("zh", "上午九点", "09:00"),
        ("zh", "晚上八点一刻", "20:15"),
        ("zh", "晚上十二点", "00:00"),
        ("zh", "中午十二点半", "12:30"),
        ("zh", "中午一点", "13:00"),
        ("zh", "凌晨两点零五分", "02:05"),
        ("zh", "十五点三十", "15:30"),
        ("zh", "早上九点钟", "09:00"),
    ],
)
def test_times_are_understood_as_they_are_said(language: str, text: str, value: str) -> None:
    found = judge(TIME, language, text)
    assert found.accepted
    assert (found.value, found.confidence) == (value, 1.0)


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en", "half past three", "15:30"),
        ("en", "nine", "09:00"),
        ("zh", "三点半", "15:30"),
        ("zh", "九点", "09:00"),
    ],
)
def test_an_hour_without_its_half_of_the_day_is_a_guess(language: str, text: str, value: str) -> None:
    found = judge(TIME, language, text)
    assert found.value == value
    assert found.confidence < 0.7
    sure = judge(SlotSpec("time", range=("08:00", "18:00")), language, text)
    assert (sure.value, sure.confidence) == (value, 1.0)


@pytest.mark.parametrize(
    ("language", "pieces", "closed", "completeness", "value"),
    [
        ("en", ("#0930",), False, FINAL, "09:30"),
        ("en", ("#093",), False, PREFIX, None),
        ("en", ("#930",), True, FINAL, "09:30"),
        ("en", ("#2460",), False, NONE, None),
        ("en", ("half past",), False, PREFIX, None),
        ("en", ("half past", "three pm"), False, FINAL, "15:30"),
        ("en", ("hello",), False, NONE, None),
        ("zh", ("下午",), False, PREFIX, None),
        ("zh", ("下午", "三点"), False, MATCH, "15:00"),
        ("zh", ("你好",), False, NONE, None),
    ],
)
def test_unfinished_and_keyed_times(
    language: str, pieces: tuple[str, ...], closed: bool, completeness: Completeness, value: str | None
) -> None:
    found = judge(TIME, language, *pieces, closed=closed)
    assert (found.completeness, found.value) == (completeness, value)


@pytest.mark.parametrize(
    ("spec", "value", "reason"),
    [
        (DATE, "2026-03-05", None),
        (DATE, "2026-02-30", "type"),
        (SlotSpec("date", range=("2026-01-01", "2026-12-31")), "2027-01-01", "range"),
        (TIME, "09:00", None),
        (TIME, "25:00", "type"),
        (SlotSpec("time", range=("09:00", "17:00")), "18:00", "range"),
    ],
)
def test_values_from_elsewhere_are_checked(spec: SlotSpec, value: str, reason: str | None) -> None:
    assert slot_type(spec.type).invalid(value, spec) == reason
