"""Phrase templates: what they accept, what they refuse, and what the recogniser is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.nlu.languages import UnknownLanguage
from voicebot.nlu.templates import TemplateError, parse_template

BALANCE = "[帮我][查|看][一下][我的](余额|额度)"
LOST = "[i] (lost|misplaced) [my] card"


@pytest.mark.parametrize(
    ("template", "language", "text"),
    [
        (LOST, "en", "I lost my card!"),
        (LOST, "en", "misplaced card"),
        ("[what is] [my] balance", "en", "What's my balance?"),
        ("24 hour service", "en", "twenty four hour service"),
        ("yes|no", "en", "No"),
        ("(a (b|c [d])|e) f", "en", "a c d f"),
        (BALANCE, "zh", "幫我查一下餘額"),
        (BALANCE, "zh", "看 我的 额度"),
        ("还剩 多少 钱", "zh", "還剩多少錢"),
        ("（查｜看）［一下］余额", "zh", "看一下余额"),
        ("按1", "zh", "按一"),
    ],
)
def test_a_template_accepts_its_expansions(template: str, language: str, text: str) -> None:
    assert parse_template(template, language).matches(text)


@pytest.mark.parametrize(
    ("template", "language", "text"),
    [
        (LOST, "en", "i lost my"),
        (LOST, "en", "uh i lost my card"),
        (LOST, "en", ""),
        (BALANCE, "zh", "帮我查"),
        (BALANCE, "zh", "余额额度"),
    ],
)
def test_a_template_accepts_nothing_else(template: str, language: str, text: str) -> None:
    assert not parse_template(template, language).matches(text)


@pytest.mark.parametrize(
    ("template", "language", "text", "expected"),
    [
        (LOST, "en", "uh I lost my, um, card yesterday", True),
        ("lost card", "en", "uh I lost my card yesterday", True),
        ("lost card", "en", "the card is lost", False),
        ("agent", "en", "I don't want an agent", False),
        ("agent", "en", "not really sure, an agent", True),
        (BALANCE, "zh", "我想知道余额多少", True),
        ("查余额", "zh", "能不能查一下余额", True),
        ("人工", "zh", "不要人工", False),
        ("挂失", "zh", "是不是挂失", True),
        ("请假", "zh", "放假", False),
    ],
)
def test_the_core_is_found_inside_an_utterance_unless_denied(
    template: str, language: str, text: str, expected: bool
) -> None:
    assert parse_template(template, language).core_matches(text) is expected


@pytest.mark.parametrize(
    ("template", "language", "text", "expected"),
    [
        (LOST, "en", "i lost", True),
        (LOST, "en", "i lost my card", False),
        (LOST, "en", "card", False),
        (LOST, "en", "", False),
        ("balance [of my account]", "en", "balance", True),
        (BALANCE, "zh", "帮我查一", True),
        (BALANCE, "zh", "余额", False),
    ],
)
def test_a_prefix_is_a_proper_beginning(template: str, language: str, text: str, expected: bool) -> None:
    assert parse_template(template, language).is_prefix(text) is expected


@pytest.mark.parametrize(
    ("template", "language", "jsgf"),
    [
        (LOST, "en", "[i] (lost | misplaced) [my] card"),
        ("What's (on|new)", "en", "what's (on | new)"),
        ("(only)", "en", "only"),
        ("press 12", "en", "press twelve"),
        (BALANCE, "zh", "[帮我] [查 | 看] [一下] [我的] (余额 | 额度)"),
        ("還剩 多少錢", "zh", "还剩多少钱"),
    ],
)
def test_jsgf_is_written_in_folded_words(template: str, language: str, jsgf: str) -> None:
    assert parse_template(template, language).jsgf() == jsgf


@pytest.mark.parametrize(
    ("template", "column", "message"),
    [
        ("", 1, "no words"),
        ("?!", 1, "no words"),
        ("[a] [b]", 1, "silence"),
        ("a (b|c", 3, "never closed"),
        ("a [b", 3, "never closed"),
        ("a)", 2, "closes nothing"),
        ("(a]", 3, "closes nothing"),
        ("a ()", 3, "empty"),
        ("a (b|)", 3, "empty"),
        ("yes/no", 4, "`/` has no meaning"),
        ("a {b}", 3, "`{` has no meaning"),
        ("(" * 40 + "a" + ")" * 40, 17, "brackets"),
        ("a" * 1001, 1001, "1000 characters"),
    ],
)
def test_a_bad_template_is_refused_at_its_column(template: str, column: int, message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        parse_template(template, "en")
    assert caught.value.column == column


def test_templates_of_an_unknown_language_are_refused() -> None:
    with pytest.raises(UnknownLanguage):
        parse_template("hallo", "de")


SNIPPETS = st.lists(
    st.sampled_from([*"()[]| /{", "i", "lost", "card", "余额", "查", "（", "］", "it's", "7"]), max_size=25
).map("".join)


@settings(max_examples=300, deadline=None)
@given(SNIPPETS | st.text(max_size=30), st.sampled_from(["en", "zh"]))
def test_any_text_is_a_template_or_a_template_error(text: str, language: str) -> None:
    try:
        template = parse_template(text, language)
    except TemplateError as refused:
        column = refused.column
    else:
        column = 0
    if column:
        assert column <= len(text) + 1
        return
    assert template.jsgf()
    for core in template.expansions(8):
        # Every core is an expansion: it matches, and each of its beginnings is a prefix.
        assert template.exact.accepted(core) is not None
        assert all(template.is_prefix_tokens(core[:end]) for end in range(1, len(core)))


def test_a_template_with_very_many_expansions_is_matched_at_once() -> None:
    template = parse_template(" ".join(["(a|b)"] * 60), "en")
    assert template.matches("a b " * 30)
    assert len(template.expansions(16)) == 16
