"""Values in words: what a voice is given to read."""

import datetime
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu import spoken
from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.money import CURRENCIES
from voicebot.nlu.spoken import NotSpeakable

NOW = datetime.datetime(2026, 11, 24, 10, 0, tzinfo=datetime.UTC)  # a Tuesday
SYMBOLS = re.compile(r"[0-9¥$€£%+*/:.#_=]")


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("1380", "one three eight oh", "幺三八零"),
        ("0055", "double oh double five", "零零五五"),
        ("5551", "triple five one", "五五五幺"),
        ("1111", "one one one one", "幺幺幺幺"),
        ("12x", "one two X", "幺二 X"),
    ],
)
def test_digits_are_called_out(value: str, en: str, zh: str) -> None:
    assert (spoken.digits(value, "en"), spoken.digits(value, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (105, "one hundred five", "一百零五"),
        (-3.5, "minus three point five", "负三点五"),
        ("1234.50", "one thousand two hundred thirty-four point five", "一千二百三十四点五"),
        (0.05, "zero point zero five", "零点零五"),
        (-0.0, "zero", "零"),
    ],
)
def test_numbers(value: object, en: str, zh: str) -> None:
    assert (spoken.number(value, "en"), spoken.number(value, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("value", "code", "en", "zh"),
    [
        (1234.5, "CNY", "one thousand two hundred thirty-four yuan and fifty fen", "一千二百三十四元五角"),
        (1234.05, "CNY", "one thousand two hundred thirty-four yuan and five fen", "一千二百三十四元零五分"),
        (105, "cny", "one hundred five yuan", "一百零五元"),
        (2, "USD", "two dollars", "两美元"),
        (2.25, "USD", "two dollars and twenty-five cents", "两美元二十五美分"),
        (0.5, "CNY", "fifty fen", "五角"),
        (0.22, "CNY", "twenty-two fen", "两角二分"),
        (1, "GBP", "one pound", "一英镑"),
        (0.01, "GBP", "one penny", "一便士"),
        (-3, "JPY", "minus three yen", "负三日元"),
        (0, "CNY", "zero yuan", "零元"),
        (0.999, "EUR", "one euro", "一欧元"),
    ],
)
def test_money(value: float, code: str, en: str, zh: str) -> None:
    assert (spoken.currency(value, code, "en"), spoken.currency(value, code, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("2026-03-05", "March the fifth, twenty twenty-six", "二〇二六年三月五号"),
        ("2000-12-31", "December the thirty-first, two thousand", "二〇〇〇年十二月三十一号"),
        ("2005-01-12", "January the twelfth, two thousand five", "二〇〇五年一月十二号"),
        ("1905-06-20", "June the twentieth, nineteen oh five", "一九〇五年六月二十号"),
        ("1900-02-22", "February the twenty-second, nineteen hundred", "一九〇〇年二月二十二号"),
    ],
)
def test_dates(value: str, en: str, zh: str) -> None:
    assert (spoken.date(value, "en"), spoken.date(value, "zh")) == (en, zh)


def test_the_present_year_is_not_said() -> None:
    assert spoken.date("2026-03-05", "en", NOW.date()) == "March the fifth"
    assert spoken.date("2026-03-05", "zh", NOW.date()) == "三月五号"


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        ("00:00", "midnight", "凌晨零点"),
        ("02:10", "two ten in the morning", "凌晨两点十分"),
        ("09:00", "nine in the morning", "上午九点"),
        ("12:00", "noon", "中午十二点"),
        ("15:30", "three thirty in the afternoon", "下午三点半"),
        ("23:05", "eleven oh five in the evening", "晚上十一点零五分"),
    ],
)
def test_times(value: str, en: str, zh: str) -> None:
    assert (spoken.time(value, "en"), spoken.time(value, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("hours", "en", "zh"),
    [
        (1, "today at eleven in the morning", "今天上午十一点"),
        (23, "tomorrow at nine in the morning", "明天上午九点"),
        (47, "on Thursday at nine in the morning", "后天上午九点"),
        (71, "on Friday at nine in the morning", "本周五上午九点"),
        (143, "on Monday at nine in the morning", "下周一上午九点"),
        (168, "on December the first at ten in the morning", "十二月一号上午十点"),
        (
            1440,
            "on January the twenty-third, twenty twenty-seven at ten in the morning",
            "二〇二七年一月二十三号上午十点",
        ),
    ],
)
def test_instants_are_said_as_seen_from_now(hours: int, en: str, zh: str) -> None:
    moment = NOW + datetime.timedelta(hours=hours)
    assert (spoken.when(moment, NOW, "en"), spoken.when(moment, NOW, "zh")) == (en, zh)


def test_an_instant_is_said_in_the_zone_of_now() -> None:
    shanghai = datetime.timezone(datetime.timedelta(hours=8))
    assert spoken.when("2026-11-24T20:00:00+00:00", NOW.astimezone(shanghai), "zh") == "明天凌晨四点"


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "zero seconds", "零秒"),
        (1, "one second", "一秒"),
        (90, "one minute and thirty seconds", "一分钟三十秒"),
        (120, "two minutes", "两分钟"),
        (2.6, "three seconds", "三秒"),
        (7325, "two hours and two minutes", "两小时两分钟"),
        (90061, "one day and one hour", "一天一小时"),
    ],
)
def test_durations(seconds: float, en: str, zh: str) -> None:
    assert (spoken.duration(seconds, "en"), spoken.duration(seconds, "zh")) == (en, zh)


def test_telephone_numbers_are_said_in_groups() -> None:
    assert spoken.phone("13800138000", "zh") == "幺三八，零零幺三，八零零零"
    assert (
        spoken.phone("+8613912345678", "en")
        == "plus eight six, one three nine, one two three four, five six seven eight"
    )


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [(1, "first", "第一"), (12, "twelfth", "第十二"), (20, "twentieth", "第二十"), (21, "twenty-first", "第二十一"),
     (100, "one hundredth", "第一百"), (200, "two hundredth", "第二百")],
)  # fmt: skip
def test_ordinals(value: int, en: str, zh: str) -> None:
    assert (spoken.ordinal(value, "en"), spoken.ordinal(value, "zh")) == (en, zh)


def test_what_cannot_be_said_is_refused_without_repeating_it() -> None:
    refusals: list[Callable[[], str]] = [
        lambda: spoken.number("4929x", "en"),
        lambda: spoken.date("4929", "en"),
        lambda: spoken.time("4929x", "zh"),
    ]
    for refused in refusals:
        with pytest.raises(NotSpeakable) as caught:
            refused()
        assert "4929" not in str(caught.value)
    with pytest.raises(NotSpeakable, match="known are AUD"):
        spoken.currency(1, "XXX", "en")


@pytest.mark.parametrize(
    "say",
    [
        lambda language: spoken.digits("12", language),
        lambda language: spoken.number(1, language),
        lambda language: spoken.currency(1, "CNY", language),
        lambda language: spoken.date("2026-01-01", language),
        lambda language: spoken.time("10:00", language),
        lambda language: spoken.when(NOW, NOW, language),
        lambda language: spoken.duration(1, language),
        lambda language: spoken.phone("1", language),
        lambda language: spoken.ordinal(1, language),
        lambda language: spoken.letters("a", language),
    ],
)
def test_an_unknown_language_is_an_error_everywhere(say: Callable[[str], str]) -> None:
    with pytest.raises(UnknownLanguage):
        say("fr")


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(-(10**12), 10**12, places=2),
    st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2199, 1, 1)),
    st.integers(0, 10**7),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(["en", "zh"]),
)
def test_no_figure_or_symbol_reaches_the_voice(
    amount: object, moment: datetime.datetime, seconds: int, code: str, language: str
) -> None:
    texts = [
        spoken.number(amount, language),
        spoken.currency(amount, code, language),
        spoken.date(moment.date(), language),
        spoken.time(moment, language),
        spoken.when(moment, datetime.datetime(2026, 11, 24, 10), language),
        spoken.duration(seconds, language),
        spoken.phone(f"+{seconds}", language),
        spoken.ordinal(seconds + 1, language),
    ]
    for text in texts:
        assert text == text.strip() != ""
        assert not SYMBOLS.search(text)
        assert language == "zh" or text.isascii()
