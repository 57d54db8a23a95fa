"""Slots with a few values, and free speech: boolean, choice, name, text."""

import pytest

from tests.nlu.entered import judge
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.prepare import prepare
from voicebot.nlu.slots import SLOT_TYPES, SlotError, SlotSpec, slot_type

FINAL, MATCH, PREFIX, NONE = Completeness.FINAL, Completeness.MATCH, Completeness.PREFIX, Completeness.NONE
BOOLEAN = SlotSpec("boolean")
ACCOUNT = SlotSpec(
    "choice",
    values={
        "savings": {"en": ["savings [account]"], "zh": ["储蓄[账户]", "存款"]},
        "checking": {"en": ["(checking|current) [account]"], "zh": ["支票[账户]"]},
    },
    keys={"1": "savings", "12": "checking"},
)


@pytest.mark.parametrize(
    "text", ["yes", "Yes, please.", "yeah", "that's right", "um yes that is correct", "OK", "sure thing", "yep thanks", "i do"]
)  # fmt: skip
def test_english_yes(text: str) -> None:
    found = judge(BOOLEAN, "en", text)
    assert found.accepted
    assert found.value is True


@pytest.mark.parametrize(
    "text",
    ["no", "no thanks", "nope", "that's not right", "uh no it's wrong", "i don't think so", "it isn't", "not correct", "not really"],
)  # fmt: skip
def test_english_no(text: str) -> None:
    found = judge(BOOLEAN, "en", text)
    assert found.accepted
    assert found.value is False


@pytest.mark.parametrize(
    "text", ["是", "是的", "对", "對的", "嗯", "好的", "没错", "可以", "行吧", "需要", "对对", "我要"]
)
def test_chinese_yes(text: str) -> None:
    found = judge(BOOLEAN, "zh", text)
    assert found.accepted
    assert found.value is True


@pytest.mark.parametrize(
    "text", ["不是", "不", "不对", "不用了谢谢", "不需要", "沒有了", "错了", "不行", "算了吧", "不要"]
)
def test_chinese_no(text: str) -> None:
    found = judge(BOOLEAN, "zh", text)
    assert found.accepted
    assert found.value is False


@pytest.mark.parametrize(
    ("language", "text"), [("en", "perhaps"), ("en", ""), ("zh", "对不对"), ("zh", "今天")]
)
def test_neither_yes_nor_no(language: str, text: str) -> None:
    assert judge(BOOLEAN, language, text).completeness is NONE


def test_one_is_yes_and_two_is_no() -> None:
    assert judge(BOOLEAN, "zh", "#1").value is True
    assert judge(BOOLEAN, "en", "#2").value is False
    assert judge(BOOLEAN, "en", "#3").completeness is NONE


@pytest.mark.parametrize(
    ("language", "pieces", "completeness", "value"),
    [
        ("en", ("savings account",), FINAL, "savings"),
        ("en", ("savings",), MATCH, "savings"),
        ("en", ("the current one please",), FINAL, "checking"),
        ("en", ("savings or checking",), NONE, None),
        ("zh", ("儲蓄",), MATCH, "savings"),
        ("zh", ("我想用处蓄",), FINAL, "savings"),
        ("en", ("#1",), MATCH, "savings"),
        ("en", ("#1", "#2"), FINAL, "checking"),
        ("en", ("#3",), NONE, None),
        ("en", ("weather",), NONE, None),
    ],
)
def test_choices_by_synonym_and_by_key(
    language: str, pieces: tuple[str, ...], completeness: Completeness, value: str | None
) -> None:
    found = judge(ACCOUNT, language, *pieces)
    assert (found.completeness, found.value) == (completeness, value)


def test_a_choice_is_read_back_by_its_first_synonym() -> None:
    assert slot_type("choice").speak("savings", "en", ACCOUNT) == "savings"
    assert slot_type("choice").speak("savings", "zh", ACCOUNT) == "储蓄"


@pytest.mark.parametrize(
    ("name", "language", "text", "value"),
    [
        ("name", "en", "uh my name is john smith", "John Smith"),
        ("name", "en", "I'm Ann", "Ann"),
        ("name", "zh", "我叫王小明", "王小明"),
        ("name", "zh", "嗯我姓李", "李"),
        ("text", "en", "My washing  machine leaks", "My washing machine leaks"),
        ("text", "zh", "我的机器坏了。", "我的机器坏了。"),
    ],
)
def test_free_speech(name: str, language: str, text: str, value: str) -> None:
    found = judge(SlotSpec(name), language, text)
    assert (found.completeness, found.value) == (MATCH, value)


def test_free_speech_takes_no_keys() -> None:
    assert judge(SlotSpec("text"), "en", "#1").completeness is NONE
    assert judge(SlotSpec("name"), "en", "my name is").completeness is PREFIX
    assert not slot_type("text").accepts_keys


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (SlotSpec("choice"), "`values`"),
        (SlotSpec("choice", values={"a": {}}, keys={"1": "b"}), "key `1`"),
        (SlotSpec("digits", length=0), "`length`"),
        (SlotSpec("digits", length=(4, 2)), "`length`"),
        (SlotSpec("integer", range=(5, 1)), "`range`"),
        (SlotSpec("integer", range=("a", "b")), "two numbers"),
        (SlotSpec("date", range=(1, 5)), "ISO"),
        (SlotSpec("boolean", range=(1, 5)), "means nothing"),
        (SlotSpec("date", range=("2027-01-01", "2026-01-01")), "`range`"),
    ],
)
def test_what_makes_no_sense_in_a_slot_is_told_to_its_author(spec: SlotSpec, problem: str) -> None:
    assert any(problem in text for text in slot_type(spec.type).problems(spec))


def test_slots_that_make_sense_have_no_problems() -> None:
    assert slot_type("choice").problems(ACCOUNT) == ()
    assert slot_type("integer").problems(SlotSpec("integer", range=(1, 5))) == ()


def test_an_unknown_type_is_named_with_the_known_ones() -> None:
    with pytest.raises(SlotError, match=r"'colour': known are boolean, card"):
        slot_type("colour")
    assert set(SLOT_TYPES) == {
        "digits",
        "integer",
        "number",
        "currency",
        "date",
        "time",
        "phone",
        "boolean",
        "choice",
        "card",
        "id_number",
        "plate",
        "name",
        "text",
    }


@pytest.mark.parametrize(("language", "text"), [("en", "yes"), ("en", "no"), ("zh", "是"), ("zh", "不是")])
def test_a_bare_yes_or_no_is_final(language: str, text: str) -> None:
    """What could follow ("yes please") means the same, so nobody waits for it."""
    assert judge(BOOLEAN, language, text).completeness is FINAL


def test_a_no_that_can_still_become_a_yes_is_not_final() -> None:
    assert judge(BOOLEAN, "zh", "不").completeness is MATCH
    assert judge(BOOLEAN, "zh", "不错").value is True


def test_preparing_knows_the_languages_and_may_be_done_twice() -> None:
    prepare(["en", "zh"])
    prepare(["en", "zh"])
    with pytest.raises(UnknownLanguage):
        prepare(["fr"])
