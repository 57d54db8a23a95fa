"""What callers say is matched in three tiers."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.phrasebook import PhraseBook
from voicebot.nlu.templates import TemplateError

ENGLISH = PhraseBook(
    "en",
    {
        "balance": ["[what is] [my] balance", "how much (money|credit) [is left]"],
        "lost_card": ["[i] (lost|misplaced) [my] card", "my card was stolen"],
        "new_card": ["new card"],
        "agent": ["(agent|human|operator|real person)"],
    },
)
CHINESE = PhraseBook(
    "zh",
    {
        "balance": ["[帮我][查|看][一下][我的](余额|额度)", "還剩多少錢"],
        "lost_card": ["[信用]卡(丢了|不见了|被偷了)", "[我要]挂失"],
        "agent": ["[转]人工[服务|客服]", "我要找真人"],
    },
)


@pytest.mark.parametrize(
    ("text", "key", "tier"),
    [
        ("What's my balance?", "balance", "template"),
        ("how much credit is left", "balance", "template"),
        ("uh I lost my card yesterday", "lost_card", "core"),
        ("I want a human please", "agent", "core"),
        ("um could you tell me how much money i have", "balance", "core"),
        ("last cart", "lost_card", "sound"),
        ("opera tor", "agent", "sound"),
    ],
)
def test_english_callers_are_understood(text: str, key: str, tier: str) -> None:
    (match,) = ENGLISH.match(text)
    assert (match.key, match.tier) == (key, tier)


@pytest.mark.parametrize(
    ("text", "key", "tier"),
    [
        ("幫我查一下餘額", "balance", "template"),
        ("转 人工", "agent", "template"),
        ("嗯那个我想挂失啊", "lost_card", "core"),
        ("我的信用卡好像丢了不对是卡不见了", "lost_card", "core"),
        ("你好请给我转人工客服谢谢", "agent", "core"),
        ("鱼鹅", "balance", "sound"),
        ("卦是", "lost_card", "sound"),
        ("我想查一查鱼鹅", "balance", "sound"),
    ],
)
def test_chinese_callers_are_understood(text: str, key: str, tier: str) -> None:
    (match,) = CHINESE.match(text)
    assert (match.key, match.tier) == (key, tier)


@pytest.mark.parametrize("text", ["", "uh", "hello there", "not an agent", "i can not see the weather"])
def test_english_that_means_nothing_here_matches_nothing(text: str) -> None:
    assert ENGLISH.match(text) == ()


@pytest.mark.parametrize("text", ["", "嗯", "今天天气很好", "不要人工", "我不想挂失"])
def test_chinese_that_means_nothing_here_matches_nothing(text: str) -> None:
    assert CHINESE.match(text) == ()


def test_the_longest_core_wins() -> None:
    book = PhraseBook("en", {"card": ["card"], "lost": ["lost card"]})
    assert [match.key for match in book.match("i lost a card")] == ["lost"]


def test_a_tie_returns_all_of_the_tied() -> None:
    book = PhraseBook("zh", {"balance": ["余额"], "lost": ["挂失"]})
    matches = book.match("余额还是挂失")
    assert {match.key for match in matches} == {"balance", "lost"}
    assert {match.core_length for match in matches} == {2}


def test_a_core_inside_a_wider_stretch_of_another_is_no_rival() -> None:
    book = PhraseBook("zh", {"lost": ["[信用]卡丢了"], "card": ["信用卡"]})
    assert [match.key for match in book.match("我的信用卡丢了")] == ["lost"]


def test_each_tier_is_less_sure_than_the_one_before() -> None:
    template, core, sound = (
        ENGLISH.match(text)[0].score for text in ("lost card", "i lost a card now", "last cart")
    )
    assert 1.0 == template > core > sound >= 0.4


def test_a_single_syllable_is_taken_by_its_sound_only_where_it_is_all_that_was_said() -> None:
    book = PhraseBook("zh", {"four": ["四"]})
    assert [match.tier for match in book.match("是")] == ["sound"]
    assert book.match("我的意思是这样") == ()


def test_prefixes_are_known_with_and_without_fillers() -> None:
    assert ENGLISH.read("what is").begun
    assert ENGLISH.read("uh i lost").begun
    assert not ENGLISH.read("lost card").begun
    assert not ENGLISH.read("").begun
    assert CHINESE.read("帮我查").begun
    assert not CHINESE.read("余额").begun


def test_the_recogniser_is_told_each_phrase_once_in_its_own_script() -> None:
    book = PhraseBook("en", {"zh": ["中文", "普通话"], "en": ["english", "English", "[speak] english"]})
    assert book.jsgf() == ("english", "[speak] english")
    assert "[我要] 挂失" in CHINESE.jsgf()
    assert [match.key for match in book.match("中文")] == ["zh"]


def test_a_bad_template_or_language_is_refused() -> None:
    with pytest.raises(TemplateError):
        PhraseBook("en", {"x": ["(a"]})
    with pytest.raises(UnknownLanguage):
        PhraseBook("fr", {})


@settings(max_examples=120, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "i",
                "lost",
                "my",
                "card",
                "uh",
                "not",
                "balance",
                "how",
                "much",
                "money",
                "agent",
                "new",
                "余",
                "额",
            ]
        )
    ).map(" ".join)
)
def test_whatever_is_said_all_matches_share_one_tier_and_length(text: str) -> None:
    matches = ENGLISH.match(text)
    assert len({(match.tier, match.core_length) for match in matches}) <= 1
    assert len({match.key for match in matches}) == len(matches)
    assert all(0.0 <= match.score <= 1.0 for match in matches)


def test_a_hundred_phrases_are_matched_quickly() -> None:
    """Generous bounds (ten times the usual and more), so that only a wrong algorithm fails."""
    vowels = "aeiou"
    names = [
        f"{a}{b}{c}"
        for a in ("ban", "lor", "mit", "sug")
        for b in vowels
        for c in ("deck", "mill", "torn", "ping", "vost")
    ]
    book = PhraseBook("en", {name: [f"[the] {name} (account|service)"] for name in names})
    for text, bound in (
        ("the bandeck", 0.3),
        ("uh my baneping service now", 0.05),
        ("banedeck account", 0.1),
    ):
        book.match(text)
        start = time.process_time()
        book.match(text)
        assert time.process_time() - start < bound
