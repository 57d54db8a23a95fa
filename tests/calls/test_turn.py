"""The turn: whose it is, and when it ends. Virtual time; matchers are scripted."""

from collections.abc import Sequence

import pytest

from voicebot.calls.turn import (
    FINAL_WITHIN,
    CloseUtterance,
    StartUtterance,
    State,
    StopPrompt,
    Turn,
)
from voicebot.dialplan.line import (
    Completeness,
    Entry,
    Failed,
    Heard,
    InputOptions,
    Judgement,
    NoInput,
    NoMatch,
)

OPTIONS = InputOptions()


class Words:
    """Accepts the given sentences, by words and by keys, with every proper prefix of them."""

    def __init__(self, *accepted: str, speech: bool = True, keys: bool = True) -> None:
        self._accepted = accepted
        self._speech = speech
        self._keys = keys

    def phrases(self, language: str) -> tuple[str, ...]:
        return self._accepted

    def accepts_speech(self) -> bool:
        return self._speech

    def accepts_keys(self) -> bool:
        return self._keys

    def judge(self, entries: Sequence[Entry], *, closed: bool = False) -> Judgement:
        text = "".join(entry.text.replace(" ", "") for entry in entries)
        accepted = [item.replace(" ", "") for item in self._accepted]
        longer = any(item.startswith(text) and item != text for item in accepted)
        if text in accepted:
            done = Completeness.MATCH if longer and not closed else Completeness.FINAL
            return Judgement(done, text)
        return Judgement(Completeness.PREFIX if longer and text and not closed else Completeness.NONE)


def spoken(text: str) -> Entry:
    return Entry("speech", text, "en", 0.9)


def begin(*accepted: str, prompt: bool = False, options: InputOptions = OPTIONS, speech: bool = True) -> Turn:
    turn = Turn(Words(*accepted), options, speech=speech)
    turn.start(0.0, prompt=prompt)
    turn.commands()
    return turn


def test_silence_after_the_prompt_is_noinput() -> None:
    turn = begin("yes", prompt=True)
    assert turn.next_timer() is None
    turn.prompt_ended(3.0)
    assert turn.next_timer() == 3.0 + OPTIONS.timeout
    turn.handle_timer(8.0)
    assert turn.answer == NoInput()


def test_nothing_is_listened_to_while_a_prompt_without_barge_in_plays() -> None:
    turn = Turn(Words("1"), InputOptions(barge_in="none"), speech=True)
    turn.start(0.0, prompt=True)
    assert turn.commands() == []
    turn.key("1", 1.0)
    assert turn.answer is None
    turn.prompt_ended(2.0)
    assert turn.commands() == [StartUtterance(1)]


def test_an_utterance_that_can_grow_no_more_ends_after_the_short_silence() -> None:
    turn = begin("lost card")
    turn.speech_started(1, 1.0, 1.1)
    turn.partial(1, spoken("lost card"), 1.8)
    turn.speech_stopped(1, 2.0, 2.1)
    assert turn.next_timer() == pytest.approx(2.0 + OPTIONS.final_timeout)
    turn.handle_timer(2.2)
    assert turn.commands() == [CloseUtterance(1, wanted=True)]
    turn.final(1, spoken("lost card"), 2.21)
    assert isinstance(turn.answer, Heard)
    assert turn.answer.language == "en"


def test_an_utterance_that_matches_but_may_grow_ends_after_complete_timeout() -> None:
    turn = begin("card", "cardlost")
    turn.speech_started(1, 1.0, 1.1)
    turn.partial(1, spoken("card"), 1.8)
    turn.speech_stopped(1, 2.0, 2.1)
    assert turn.next_timer() == pytest.approx(2.0 + OPTIONS.complete_timeout)


def test_an_utterance_that_matches_nothing_yet_ends_after_incomplete_timeout() -> None:
    turn = begin("lost card")
    turn.speech_started(1, 1.0, 1.1)
    turn.partial(1, spoken("lost"), 1.8)
    turn.speech_stopped(1, 2.0, 2.1)
    assert turn.next_timer() == pytest.approx(2.0 + OPTIONS.incomplete_timeout)
    turn.partial(1, spoken("lost card"), 2.3)
    assert turn.next_timer() == pytest.approx(2.0 + OPTIONS.final_timeout), "a late partial shortens the wait"


def test_a_caller_who_goes_on_within_the_pause_is_not_cut() -> None:
    turn = begin("lost card")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 1.5, 1.6)
    turn.speech_started(1, 1.9, 2.0)
    turn.handle_timer(2.7)
    assert turn.state is State.SPEAKING
    assert turn.next_timer() == pytest.approx(1.0 + OPTIONS.max_speech)


def test_speech_without_end_is_cut_at_max_speech() -> None:
    turn = begin("yes")
    turn.speech_started(1, 1.0, 1.1)
    turn.handle_timer(1.0 + OPTIONS.max_speech)
    assert turn.commands() == [CloseUtterance(1, wanted=True)]
    turn.final(1, spoken(""), 16.1)
    assert turn.answer == NoMatch(())


def test_a_recogniser_that_never_answers_is_not_waited_for() -> None:
    turn = begin("yes")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 2.0, 2.1)
    turn.handle_timer(3.2)
    turn.handle_timer(3.2 + FINAL_WITHIN)
    assert turn.answer == NoMatch(())


def test_a_key_stops_the_prompt_and_drops_the_unfinished_hypothesis() -> None:
    turn = begin("12", "yes", prompt=True)
    turn.speech_started(1, 1.0, 1.1)
    assert turn.commands() == [StopPrompt()]
    turn.key("1", 1.5)
    assert turn.commands() == [CloseUtterance(1, wanted=False), StartUtterance(2)]
    turn.final(1, spoken("yes"), 1.6)
    assert turn.answer is None, "what belongs to the dropped utterance is over"
    turn.key("2", 2.0)
    assert isinstance(turn.answer, Heard)
    assert turn.answer.entries == (Entry("keys", "12"),)


def test_keys_that_can_grow_wait_for_the_interdigit_timeout() -> None:
    turn = begin("1", "12")
    turn.key("1", 1.0)
    assert turn.answer is None
    turn.handle_timer(1.0 + OPTIONS.interdigit_timeout)
    assert isinstance(turn.answer, Heard)


def test_term_char_closes_what_was_keyed() -> None:
    turn = begin("1", "12")
    turn.key("1", 1.0)
    turn.key("#", 1.2)
    assert isinstance(turn.answer, Heard)
    assert turn.answer.entries == (Entry("keys", "1"),)


def test_a_key_that_fits_nothing_is_nomatch_at_once() -> None:
    turn = begin("1", prompt=True)
    turn.key("7", 0.5)
    assert turn.answer == NoMatch((Entry("keys", "7"),))


def test_spoken_prefix_and_keys_are_joined_in_the_order_of_arrival() -> None:
    turn = begin("1380")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 2.0, 2.1)
    turn.handle_timer(3.2)
    turn.final(1, spoken("138"), 3.3)
    assert turn.answer is None
    turn.key("0", 4.0)
    assert isinstance(turn.answer, Heard)
    assert [entry.kind for entry in turn.answer.entries] == ["speech", "keys"]


def test_the_interdigit_timeout_pauses_while_the_caller_speaks() -> None:
    turn = begin("1380")
    turn.key("1", 1.0)
    turn.speech_started(1, 3.5, 3.6)
    turn.handle_timer(1.0 + OPTIONS.interdigit_timeout)
    assert turn.answer is None


def test_a_cough_does_not_restart_the_silence_that_leads_to_noinput() -> None:
    turn = begin("yes")
    turn.speech_started(1, 3.0, 3.1)
    turn.speech_stopped(1, 3.2, 3.3)
    turn.handle_timer(4.4)
    turn.final(1, spoken(""), 4.45)
    assert turn.answer is None
    assert turn.next_timer() == pytest.approx(5.45), "one second is left at least, not five"
    turn.handle_timer(5.5)
    assert turn.answer == NoInput()


def test_mumbling_is_nomatch() -> None:
    turn = begin("yes")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 3.0, 3.1)
    turn.handle_timer(4.2)
    turn.final(1, spoken(""), 4.3)
    assert turn.answer == NoMatch(())


def test_reversible_barge_in_stops_the_prompt_only_for_words_that_matter() -> None:
    turn = begin("lost card", prompt=True, options=InputOptions(barge_in="reversible"))
    turn.speech_started(1, 1.0, 1.1)
    assert turn.commands() == []
    turn.speech_stopped(1, 1.3, 1.4)
    turn.handle_timer(2.5)
    turn.commands()
    turn.final(1, spoken(""), 2.6)
    assert turn.state is State.PROMPTING
    assert turn.commands() == [StartUtterance(2)]
    turn.speech_started(2, 4.0, 4.1)
    turn.partial(2, spoken("lost"), 4.4)
    assert turn.commands() == [StopPrompt()]


def test_a_lost_recogniser_in_mid_speech_means_that_the_caller_is_asked_again() -> None:
    turn = begin("yes")
    turn.speech_started(1, 1.0, 1.1)
    turn.lost(1.5)
    assert turn.answer is None, "who still speaks is not interrupted"
    turn.speech_stopped(1, 2.5, 2.6)
    turn.handle_timer(2.5 + OPTIONS.complete_timeout)
    assert turn.answer == NoMatch(())


def test_a_recogniser_lost_while_the_text_is_awaited_means_the_same() -> None:
    turn = begin("yes")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 2.0, 2.1)
    turn.handle_timer(3.3)
    turn.lost(3.4)
    assert turn.answer == NoMatch(())


def test_a_recogniser_lost_in_silence_is_replaced_unnoticed() -> None:
    turn = begin("yes")
    turn.lost(1.5)
    assert turn.commands() == [StartUtterance(2)]
    assert turn.answer is None


def test_a_recogniser_that_fails_again_and_again_leaves_the_keys() -> None:
    turn = begin("1", "yes")
    for _ in range(10):
        turn.lost(1.5)
    assert turn.utterances == 4
    turn.key("1", 2.0)
    assert isinstance(turn.answer, Heard)


def test_without_keys_it_is_a_failure_that_the_dialplan_handles() -> None:
    turn = Turn(Words("yes", keys=False), OPTIONS, speech=True)
    turn.start(0.0, prompt=False)
    for _ in range(10):
        turn.lost(1.5)
    assert turn.answer == Failed("no_recogniser")


def test_without_recogniser_and_without_keys_nothing_can_be_asked() -> None:
    turn = Turn(Words("yes", keys=False), OPTIONS, speech=False)
    turn.start(0.0, prompt=False)
    assert turn.answer == Failed("no_recogniser")


def test_type_ahead_answers_before_the_prompt() -> None:
    turn = Turn(Words("1"), OPTIONS, speech=True)
    turn.start(0.0, prompt=False, keys="1")
    assert isinstance(turn.answer, Heard)


def test_speech_that_does_not_fit_after_keys_is_ignored() -> None:
    turn = begin("12")
    turn.key("1", 1.0)
    turn.speech_started(1, 1.5, 1.6)
    turn.speech_stopped(1, 2.0, 2.1)
    turn.handle_timer(3.3)
    turn.final(1, spoken("banana"), 3.4)
    assert turn.answer is None
    turn.key("2", 4.0)
    assert isinstance(turn.answer, Heard)


# --- hold


def test_on_hold_no_time_passes_and_nobody_listens() -> None:
    turn = begin("agent")
    turn.commands()
    turn.hold()
    assert turn.commands() == [CloseUtterance(1, wanted=False)]
    assert turn.next_timer() is None
    turn.handle_timer(1000.0)
    assert turn.answer is None
    turn.resume(2000.0)
    assert turn.commands() == [StartUtterance(2)]
    assert turn.next_timer() == 2000.0 + OPTIONS.timeout


def test_a_question_that_begins_on_hold_waits_for_the_caller() -> None:
    turn = Turn(Words("agent"), OPTIONS, speech=True)
    turn.hold()
    turn.start(0.0, prompt=False)
    assert (turn.commands(), turn.next_timer()) == ([], None)
    turn.resume(50.0)
    assert turn.next_timer() == 50.0 + OPTIONS.timeout


def test_what_was_half_said_before_hold_is_dropped_and_what_was_keyed_stays() -> None:
    turn = begin("1 2", speech=True)
    turn.key("1", 1.0)
    turn.speech_started(turn.utterances, 1.5, 1.6)
    turn.hold()
    turn.speech_stopped(turn.utterances, 2.0, 2.1)
    turn.resume(30.0)
    assert turn.state is State.KEYING
    turn.key("2", 31.0)
    assert isinstance(turn.answer, Heard)


def test_a_transcript_under_way_still_answers_on_hold() -> None:
    turn = begin("agent")
    turn.speech_started(1, 1.0, 1.1)
    turn.speech_stopped(1, 1.5, 1.6)
    due = turn.next_timer()
    assert due is not None
    turn.handle_timer(due)
    turn.hold()
    assert turn.next_timer() == due + FINAL_WITHIN
    turn.final(1, spoken("agent"), due + 0.1)
    assert isinstance(turn.answer, Heard)
