"""What holds for every slot type, in both languages."""

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nlu.entered import judge
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import LANGUAGES, UnknownLanguage
from voicebot.nlu.slots import SLOT_TYPES, SlotSpec, Value, slot_type
from voicebot.nlu.slots.id_number import check_character
from voicebot.nlu.slots.plate import PROVINCES

NOW = datetime.datetime(2026, 11, 24, 10, 0)
VALUES = {"red": {"en": ["red"], "zh": ["红色"]}, "blue": {"en": ["(blue|azure) [one]"], "zh": ["蓝色"]}}
SPECS = {name: SlotSpec(name, values=VALUES if name == "choice" else None, now=NOW) for name in SLOT_TYPES}
DIGITS = st.text("0123456789", min_size=1, max_size=20)


def _with_luhn(first: str) -> str:
    from voicebot.nlu.slots.card import luhn

    return next(first + digit for digit in "0123456789" if luhn(first + digit))


def _id_number(day: datetime.date, area: int, sequence: int) -> str:
    first = f"{area}{day:%Y%m%d}{sequence:03}"
    return first + check_character(first)


GOOD: dict[str, st.SearchStrategy[Value]] = {
    "digits": DIGITS,
    "integer": st.integers(-(10**9), 10**12),
    "number": st.integers(-(10**9), 10**9) | st.integers(-(10**8), 10**8).map(lambda cents: cents / 100),
    "currency": st.integers(0, 10**9) | st.integers(0, 10**9).map(lambda cents: cents / 100),
    "date": st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)).map(str),
    "time": st.times().map(lambda time: f"{time:%H:%M}"),
    "phone": st.from_regex(r"\A(1[3-9][0-9]{9}|0[1-9][0-9]{9}|\+[1-9][0-9]{9,12})\Z"),
    "boolean": st.booleans(),
    "choice": st.sampled_from(sorted(VALUES)),
    "card": st.from_regex(r"\A62[0-9]{13,16}\Z|\A5[1-5][0-9]{13}\Z").map(_with_luhn),
    "id_number": st.builds(
        _id_number, st.dates(datetime.date(1920, 1, 1)), st.integers(110000, 659999), st.integers(0, 999)
    ),
    "plate": st.builds(
        str.__add__,
        st.sampled_from(sorted(PROVINCES)),
        st.from_regex(r"\A[A-HJ-NP-Z][A-HJ-NP-Z0-9]{5,6}\Z"),
    ),
    "name": st.sampled_from(["王小明", "李雷"]),
    "text": st.sampled_from(["My card is broken", "我的卡坏了"]),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(SLOT_TYPES))
def test_what_is_read_back_is_understood_as_the_same_value(name: str, language: str) -> None:
    spec = SPECS[name]

    @settings(max_examples=60, deadline=None, database=None)
    @given(GOOD[name])
    def check(value: Value) -> None:
        assert slot_type(name).invalid(value, spec) is None
        found = judge(
            spec, language, slot_type(name).speak(value, language, SlotSpec(name, values=spec.values))
        )
        assert found.accepted
        assert found.value == value

    check()


@pytest.mark.parametrize("name", sorted(SLOT_TYPES))
def test_an_unknown_language_is_an_error_everywhere(name: str) -> None:
    kind, spec = slot_type(name), SPECS[name]
    with pytest.raises(UnknownLanguage):
        kind.phrases(spec, "fr")
    with pytest.raises(UnknownLanguage):
        kind.judge([Entry("speech", "un", "fr")], spec, "fr")
    if name != "choice":
        value: Value = {"integer": 1, "number": 1, "currency": 1, "boolean": True}.get(
            name, {"date": "2026-01-01", "time": "10:00", "plate": "京A12345"}.get(name, "1")
        )
        with pytest.raises(UnknownLanguage):
            kind.speak(value, "fr")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(SLOT_TYPES))
def test_phrases_are_well_formed_jsgf_in_the_languages_script(name: str, language: str) -> None:
    for spec in (SPECS[name], SlotSpec(name, length=4, values=VALUES, now=NOW)):
        for phrase in slot_type(name).phrases(spec, language):
            flat = phrase
            while True:
                inner = re.sub(
                    r"\(([^()\[\]]+)\)[+*]?|\[([^()\[\]]+)\]", lambda m: m.group(1) or m.group(2), flat
                )
                if inner == flat:
                    break
                flat = inner
            words = re.split(r"[ |+]+", flat.strip())
            pattern = r"[a-z]+('[a-z]+)?" if language == "en" else r"[\u4e00-\u9fff]+|[a-z]"
            assert all(re.fullmatch(pattern, word) for word in words), (phrase, words)
            assert not re.search(r"\|\s*[|)\]]|[(\[]\s*[|)\]]", phrase)


PIECES = st.one_of(
    st.text("0123456789*#", max_size=8).map(lambda keys: Entry("keys", keys)),
    st.builds(
        lambda words, language: Entry("speech", " ".join(words), language, 0.7),
        st.lists(
            st.sampled_from(
                [
                    "one",
                    "double",
                    "oh",
                    "hundred",
                    "and",
                    "point",
                    "half",
                    "past",
                    "to",
                    "three",
                    "monday",
                    "next",
                    "march",
                    "fifth",
                    "twenty",
                    "o'clock",
                    "pm",
                    "yes",
                    "no",
                    "not",
                    "dollars",
                    "cents",
                    "minus",
                    "a",
                    "b",
                    "x",
                    "幺",
                    "两",
                    "百",
                    "万",
                    "点",
                    "半",
                    "号",
                    "月",
                    "年",
                    "周",
                    "下",
                    "今",
                    "天",
                    "块",
                    "角",
                    "零",
                    "十",
                    "个",
                    "刻",
                    "是",
                    "不",
                    "京",
                    "叉",
                    "嗯",
                    "uh",
                    "12",
                    "3.5",
                    "红",
                    "色",
                ]
            )
            | st.text(max_size=4),
            max_size=7,
        ),
        st.sampled_from(["en", "zh", ""]),
    ),
)


@pytest.mark.parametrize("name", sorted(SLOT_TYPES))
def test_whatever_is_entered_is_judged(name: str) -> None:
    kind, spec = slot_type(name), SPECS[name]

    @settings(max_examples=120, deadline=None, database=None)
    @given(st.lists(PIECES, max_size=4), st.sampled_from(LANGUAGES), st.booleans())
    def check(entries: list[Entry], language: str, closed: bool) -> None:
        found = kind.judge(entries, spec, language, closed)
        assert 0.0 <= found.confidence <= 1.0
        if found.accepted:
            assert found.value is not None
            assert kind.invalid(found.value, spec) is None
            assert kind.speak(found.value, language, spec)
        if closed:
            assert found.completeness is not Completeness.PREFIX
        assert found == kind.judge(entries, spec, language, closed)

    check()
