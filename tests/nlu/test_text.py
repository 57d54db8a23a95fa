"""Texts are folded to one shape before they are compared."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.text import join, normalise, strip_fillers, tokens


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("  What's   my BALANCE? ", "en", "what's my balance"),
        ("I’d like that.", "en", "i'd like that"),
        ("ＡＢＣ　１２３", "en", "abc 123"),
        ("1,234.5 yuan", "en", "1234.5 yuan"),
        ("twenty-five", "en", "twenty five"),
        ("還剩多少錢？", "zh", "还剩多少钱"),
        ("查 余额，谢谢！", "zh", "查余额谢谢"),
        ("查ATM机", "zh", "查 atm 机"),
        ("二〇二六年", "zh", "二〇二六年"),
        ("...!?", "en", ""),
    ],
)
def test_text_is_folded_to_one_shape(text: str, language: str, expected: str) -> None:
    assert normalise(text, language) == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("um I'd like to uh check my balance please", "en", "check my balance"),
        ("can you give me an agent thank you", "en", "an agent"),
        ("嗯那个我想查余额吧", "zh", "查余额"),
        ("麻烦您帮我转人工谢谢", "zh", "转人工"),
        ("请问余额", "zh", "余额"),
        ("申请", "zh", "申请"),
        ("酒吧地址", "zh", "酒吧地址"),
        ("um uh please", "en", ""),
    ],
)
def test_fillers_are_stripped_but_not_parts_of_words(text: str, language: str, expected: str) -> None:
    assert join(strip_fillers(tokens(text, language), language)) == expected


def test_an_unknown_language_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownLanguage, match=r"'fr': known are en, zh"):
        tokens("bonjour", "fr")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["en", "zh"]))
def test_normalising_twice_changes_nothing(text: str, language: str) -> None:
    once = normalise(text, language)
    assert normalise(once, language) == once
