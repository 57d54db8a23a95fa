"""How far entries go: keys with their prefixes, phrases, slots, links."""

from voicebot.dialplan.matchers import Meant, Option, QuestionMatcher
from voicebot.dialplan.optionset import phrase_book
from voicebot.dialplan.slots import SlotRule
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.phrasebook import PhraseBook

OPTIONS = (
    Option("a", "A", "1", (("en", ("[my] balance",)), ("zh", ("余额",)))),
    Option("b", "B", "12", (("en", ("balance transfer",)), ("zh", ("转账",)))),
    Option("c", "C", "3", (("en", ("lost card",)),)),
    Option("d", "D", "0", (("en", ("operator",)),), link=True),
    Option("e", "E", "3", (("en", ("lost card",)),), link=True),
)


def matcher(slot: SlotRule | None = None, options: tuple[Option, ...] = OPTIONS) -> QuestionMatcher:
    def books(language: str) -> PhraseBook:
        return phrase_book(language, tuple((o.key, dict(o.phrases).get(language, ())) for o in options))

    by_key = {option.key: option for option in options}
    return QuestionMatcher(
        by_key, ("en", "zh"), ("speech", "dtmf"), books, reject=0.35, margin=0.1, slot=slot
    )


def judged(*entries: Entry, slot: SlotRule | None = None, closed: bool = False) -> tuple[str, object]:
    judgement = matcher(slot).judge(entries, closed=closed)
    meant = judgement.meaning
    found: object = None
    if isinstance(meant, Meant) and judgement.completeness in (Completeness.MATCH, Completeness.FINAL):
        found = meant.option.action if meant.option else meant.value
    return judgement.completeness.value, found


def keys(text: str) -> Entry:
    return Entry("keys", text)


def said(text: str, language: str = "en", confidence: float = 1.0) -> Entry:
    return Entry("speech", text, language, confidence)


def test_a_key_that_begins_another_is_a_match_that_waits() -> None:
    assert judged(keys("1")) == ("match", "A")
    assert judged(keys("12")) == ("final", "B")
    assert judged(keys("3")) == ("final", "C")
    assert judged(keys("2")) == ("none", None)
    assert judged(keys("1#")) == ("none", None)


def test_phrases_that_may_go_on_are_a_match_and_others_final() -> None:
    assert judged(said("balance")) == ("match", "A")
    assert judged(said("balance transfer")) == ("final", "B")
    assert judged(said("lost")) == ("prefix", None)
    assert judged(said("lost"), said("card")) == ("final", "C")
    assert judged(said("余额", "zh")) == ("final", "A")
    assert judged(said("weather")) == ("none", None)


def test_a_steps_own_choice_wins_over_a_link_with_the_same_phrase_or_key() -> None:
    assert judged(said("lost card")) == ("final", "C")
    assert judged(keys("3")) == ("final", "C")


def test_what_is_under_reject_is_nothing() -> None:
    assert judged(said("lost card", confidence=0.34)) == ("none", None)
    assert judged(said("lost card", confidence=0.36)) == ("final", "C")


def test_keys_decide_alone_after_speech() -> None:
    assert judged(said("lost"), keys("0")) == ("final", "D")


DIGITS = SlotRule.of("digits", {}, length=4)


def test_a_slot_takes_speech_and_keys_in_the_order_of_arrival() -> None:
    assert judged(said("one two"), slot=DIGITS) == ("prefix", None)
    assert judged(said("one two"), keys("34"), slot=DIGITS) == ("final", "1234")


def test_a_links_key_belongs_to_the_slot_until_nothing_more_comes() -> None:
    assert judged(keys("0"), slot=DIGITS) == ("prefix", None)
    assert judged(keys("0"), slot=DIGITS, closed=True) == ("final", "D")
    assert judged(keys("0471"), slot=DIGITS, closed=True) == ("final", "0471")
    assert judged(said("operator"), slot=DIGITS) == ("final", "D")


def test_each_language_is_judged_by_what_its_recogniser_heard() -> None:
    entry = Entry("speech", "you are", "en", 0.7, (("zh", "余额", 0.8),))
    judgement = matcher().judge((entry,))
    assert isinstance(judgement.meaning, Meant)
    assert (judgement.meaning.option, judgement.meaning.language) == (OPTIONS[0], "zh")


def test_labels_are_the_core_of_the_first_phrase() -> None:
    assert OPTIONS[0].label("en") == "balance"
    assert OPTIONS[0].label("zh") == "余额"
    assert OPTIONS[2].label("zh") == "3"


def test_the_recogniser_is_biased_by_all_phrases_and_a_free_slot_by_none() -> None:
    assert any("balance" in item for item in matcher().phrases("en"))
    assert any("operator" in item for item in matcher(DIGITS).phrases("en"))
    assert len(matcher(DIGITS).phrases("en")) > len(matcher().phrases("en"))
    assert matcher(SlotRule.of("text", {})).phrases("en") == ()
