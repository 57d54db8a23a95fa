import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicebot.speech.asr import jsgf
from voicebot.speech.asr.jsgf import Fit, GrammarError, Network, parse, sentences

BEGINNING, BOTH, NEITHER = Fit(False, True), Fit(True, True), Fit(False, False)


def fit(expansion: str, said: str, *, han: bool = False) -> Fit:
    return Network([parse(expansion)], han=han).fit(said.split())


@pytest.mark.parametrize(
    ("expansion", "said", "exact"),
    [
        ("[what is] [my] balance", "balance", True),
        ("[what is] [my] balance", "what is my balance", True),
        ("[what is] [my] balance", "what my balance", False),
        ("how much (money|credit) [is left]", "how much credit is left", True),
        ("(agent | real person)", "real person", True),
        ("(agent | real person)", "real", False),
        ("yes | no", "no", True),
        ("(one|two)+", "two one two", True),
        ("very* good", "good", True),
        ("very* good", "very very good", True),
        ("Don’t, know!", "don't know", True),
    ],
)
def test_what_an_expansion_accepts(expansion: str, said: str, exact: bool) -> None:
    assert fit(expansion, said).exact is exact


def test_the_beginning_of_a_phrase_is_told_from_something_else() -> None:
    network = Network([parse("no thank you"), parse("no")])
    assert network.fit(["no"]) == BOTH
    assert network.fit(["no", "thank"]) == BEGINNING
    assert network.fit(["thank"]) == NEITHER
    assert network.fit([]) == BEGINNING


def test_chinese_is_compared_by_characters_whatever_the_word_boundaries() -> None:
    expansion = "[帮我][查|看][一下][我的](余额|额度)"
    assert fit(expansion, "帮 我查 一 下余额", han=True).exact
    assert fit(expansion, "帮我", han=True) == BEGINNING
    assert not fit(expansion, "余", han=True).exact


def test_all_sentences_of_an_expansion_are_listed_up_to_a_limit() -> None:
    tree = parse("[my] (cat|dog)")
    assert sentences(tree, 10) == [("my", "cat"), ("my", "dog"), ("cat",), ("dog",)]
    assert sentences(tree, 3) is None
    assert sentences(parse("a+"), 100) is None
    assert Network([parse("a+")]).pairs() == {("a", "a")}


@pytest.mark.parametrize(
    "expansion",
    [
        "",
        "[]",
        "(a",
        "a)",
        "[a)",
        "(a|b",
        "*",
        "a <rule>",
        '"quoted"',
        "a;b",
        "{tag} a",
        "(" * 60 + "a" + ")" * 60,
        "a " * 11000,
    ],
)
def test_what_is_no_expansion_is_refused_by_name(expansion: str) -> None:
    with pytest.raises(GrammarError):
        parse(expansion)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab中文 ()[]|*+<'-", max_size=60))
def test_any_text_parses_or_raises_the_one_error(text: str) -> None:
    try:
        tree = parse(text)
    except GrammarError:
        return
    network = Network([tree])
    listed = sentences(tree, 200)
    for sentence in listed or []:
        assert network.fit(sentence).exact
        assert all(network.fit(sentence[:end]).prefix for end in range(len(sentence) + 1))
    assert set(jsgf.words_of(tree)) == network.vocabulary()
