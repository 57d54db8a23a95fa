import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.speech.tts.text import normalise, sentences


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("您的余额是¥1,234.50。", "您的余额是1234.5元。"),
        ("￥88", "88元"),
        ("HK$5.25", "5.25港元"),
        ("利率5%", "利率百分之5"),
        ("-5度", "负5度"),
        ("2026-01-05 09:05", "2026年1月5日 9点05分"),
        ("9:00开始", "9点整开始"),
        ("1,234,567人", "1234567人"),
        ("请按1或2，转人工请按0。", "请按1或2，转人工请按0。"),
    ],
)
def test_chinese_is_written_as_it_is_read(written: str, spoken: str) -> None:
    assert normalise(written, "zh") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Your balance is $1,234.50.", "Your balance is 1234 dollars and 50 cents."),
        ("$1.01", "1 dollar and 1 cent"),
        ("$0.99", "99 cents"),
        ("£2.50", "2 pounds and 50 pence"),
        ("¥1,234.50", "1234.5 yuan"),
        ("pay $5, then go", "pay 5 dollars, then go"),
        ("1,234 people", "1234 people"),
        ("press 1,2,3", "press 1,2,3"),
        ("It is 10:30 a.m.", "It is 10:30 a.m."),
    ],
)
def test_english_is_written_as_it_is_read(written: str, spoken: str) -> None:
    assert normalise(written, "en") == spoken


@pytest.mark.parametrize("text", ["", "。", " ... ", "\x00\x07"])
def test_nothing_to_say_becomes_empty(text: str) -> None:
    assert normalise(text, "zh") == ""


def test_sentences_end_where_a_speaker_pauses() -> None:
    assert sentences("It is 3.50 now. Go on! 您好。请按一，谢谢！ok") == [
        "It is 3.50 now.",
        "Go on!",
        "您好。",
        "请按一，谢谢！",
        "ok",
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=600), st.sampled_from(["en", "zh", "fr"]))
def test_any_text_is_cut_into_short_pieces_and_none_of_it_is_lost(text: str, language: str) -> None:
    spoken = normalise(text, language)
    pieces = sentences(spoken, longest=50)
    assert all(0 < len(piece) <= 50 for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(spoken.split())
