"""Saying and asking on a line, in virtual time."""

import asyncio

import pytest

from tests.calls.hotline import Choices, Hotline, text
from voicebot.dialplan.line import (
    FetchRequest,
    FetchResult,
    Heard,
    InputOptions,
    NoInput,
    NoMatch,
    Question,
    Spoken,
)
from voicebot.sim.loop import run

PROMPT = text("Say balance or lost card, or press one.")


def question(*accepted: str, sensitive: bool = False, barge_in: str = "immediate") -> Question:
    options = InputOptions(barge_in=barge_in)  # type: ignore[arg-type]
    return Question("flow/1", (PROMPT,), Choices(*accepted), ("en",), options, sensitive)


def test_a_spoken_answer_over_the_prompt_stops_it_and_is_heard() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        asking = asyncio.create_task(caller.line.ask(question("lost card", "balance")))
        await asyncio.sleep(1.0)
        await caller.media.speak("lost card", 0.8)
        answer = await asking
        assert isinstance(answer, Heard)
        assert answer.judgement.meaning == "lost card"
        assert 1.0 <= caller.media.said[0].heard <= 1.2, "the prompt stops at the onset"
        await hotline.close()

    run(story())


def test_a_key_is_an_answer_at_once() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        asking = asyncio.create_task(caller.line.ask(question("1", "2")))
        await asyncio.sleep(0.7)
        pressed_at = loop.time()
        caller.media.press("2")
        answer = await asking
        assert isinstance(answer, Heard)
        assert loop.time() == pressed_at
        await hotline.close()

    run(story())


def test_silence_is_noinput_five_seconds_after_the_prompt() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        started_at = asyncio.get_running_loop().time()
        answer = await caller.line.ask(question("1"))
        heard = caller.media.said[0].heard
        assert answer == NoInput()
        assert abs(asyncio.get_running_loop().time() - started_at - heard - 5.0) < 0.01
        await hotline.close()

    run(story())


def test_unknown_words_are_nomatch() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        asking = asyncio.create_task(caller.line.ask(question("balance")))
        await asyncio.sleep(1.0)
        await caller.media.speak("banana", 1.0)
        assert isinstance(await asking, NoMatch)
        await hotline.close()

    run(story())


def test_keys_pressed_during_what_is_said_skip_it_and_answer_the_next_question() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, caller.media.press, "1")
        await caller.line.say([text("A long welcome that the impatient caller knows by heart.")])
        await caller.line.say([text("And more of it.")])
        answer = await caller.line.ask(question("1"))
        assert isinstance(answer, Heard)
        assert [said.text for said in caller.media.said] == [
            "A long welcome that the impatient caller knows by heart."
        ]
        await hotline.close()

    run(story())


def test_what_may_not_be_interrupted_is_said_to_its_end() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        asyncio.get_running_loop().call_later(0.3, caller.media.press, "1")
        await caller.line.say([text("Goodbye, and thank you.")], barge_in="none")
        said = caller.media.said[0]
        assert said.heard > 1.0
        await hotline.close()

    run(story())


def test_being_cancelled_stops_prompt_and_ears_at_once() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        asking = asyncio.create_task(caller.line.ask(question("balance")))
        await asyncio.sleep(0.5)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert caller.media.listening is None
        assert abs(caller.media.said[0].heard - 0.5) < 0.01
        await hotline.close()

    run(story())


def test_the_recording_is_masked_while_something_sensitive_is_asked_and_a_little_longer() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        await caller.line.record("start")
        asking = asyncio.create_task(caller.line.ask(question("1234", sensitive=True)))
        await asyncio.sleep(1.0)
        for key in "1234":
            caller.media.press(key)
        await asking
        answered_at = loop.time()
        await asyncio.sleep(2.0)
        assert [on for _, on in caller.media.masked] == [True, False]
        assert caller.media.masked[1][0] - answered_at >= 0.4
        assert all("1234" not in str(event) for event in hotline.store.events)
        await hotline.close()

    run(story())


def test_sensitive_text_is_not_in_the_timeline() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        await caller.line.say([text("You entered"), Spoken("4 9 3 1", "en", constant=False, sensitive=True)])
        assert ("said", {"text": "You entered *", "language": "en"}) in [
            (kind, fields) for _, kind, fields in hotline.store.events
        ]
        await hotline.close()

    run(story())


def test_a_message_ends_after_three_seconds_of_silence() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        recording = asyncio.create_task(
            caller.line.record_message(longest=60.0, beep=False, term_char="#", transcribe=False)
        )
        await asyncio.sleep(2.0)
        await caller.media.speak("please call me back", 6.0)
        message = await recording
        assert abs(loop.time() - started_at - 11.0) < 0.1
        assert message.url.endswith("call-1-message-1.wav")
        assert caller.media.recordings == set()
        await hotline.close()

    run(story())


def test_a_message_ends_at_its_key_and_at_its_limit() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        loop.call_later(1.5, caller.media.press, "#")
        message = await caller.line.record_message(longest=60.0, beep=False, term_char="#", transcribe=False)
        assert message.seconds == 1.5
        speaking = asyncio.create_task(caller.media.speak("a very long story", 100.0))
        message = await caller.line.record_message(longest=20.0, beep=False, term_char="#", transcribe=False)
        assert message.seconds == 20.0
        speaking.cancel()
        await hotline.close()

    run(story())


def test_a_message_is_kept_when_the_caller_hangs_up() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        recording = asyncio.create_task(
            caller.line.record_message(longest=60.0, beep=True, term_char="#", transcribe=False)
        )
        await asyncio.sleep(2.0)
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)
        kept = [fields for _, kind, fields in hotline.store.events if kind == "message"]
        assert len(kept) == 1
        assert "message-1" in str(kept[0]["path"])
        await hotline.close()

    run(story())


def test_a_slow_lookup_is_bridged_with_the_filler() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        hotline.services.answers["core", "GET /balance"] = FetchResult(200, {"balance": 1})
        hotline.services.delay = 19.0
        filler = (text("One moment, please."),)
        request = FetchRequest("s/1", "core", "GET", "/balance", filler_after=0.8, filler=filler)
        result = await caller.line.fetch(request)
        assert result.body == {"balance": 1}
        first, again = caller.media.said
        assert abs(first.at - 1000.8) < 0.05
        assert again.at - first.at == pytest.approx(first.heard + 8.0, abs=0.05)
        await hotline.close()

    run(story())


def test_keys_that_one_answer_did_not_need_are_for_the_next_question() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        for key in "23":
            caller.media.press(key)
        first = await caller.line.ask(question("2"))
        second = await caller.line.ask(question("3"))
        assert isinstance(first, Heard)
        assert isinstance(second, Heard)
        assert caller.media.said == [], "who knows the way hears no prompt"
        await hotline.close()

    run(story())


@pytest.mark.parametrize("waits", [0.0, 0.3, 1.9])
def test_the_key_that_ends_entries_belongs_to_the_answer_that_ended_without_it(waits: float) -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        if not waits:  # all of it was keyed before it was asked for
            for key in "1208#":
                caller.media.press(key)
        first = asyncio.create_task(caller.line.ask(question("1208")))
        await asyncio.sleep(0)
        for key in "1208" if waits else "":
            caller.media.press(key)
        assert isinstance(await first, Heard)
        second = asyncio.create_task(caller.line.ask(question("1")))
        await asyncio.sleep(waits)
        if waits:
            caller.media.press("#")
        assert await second == NoInput()
        heard = caller.media.said[-1].heard
        await caller.line.ask(question("1"))
        assert heard == caller.media.said[-1].heard, "the prompt is heard to its end"
        assert [fields for _, kind, fields in hotline.store.events if kind == "late_key"] == [{"key": "#"}]
        await hotline.close()

    run(story())


@pytest.mark.parametrize(
    ("keys", "accepted"),
    [("#", "#"), ("5", "5"), ("#5", "5")],
    ids=["a choice", "another key", "typed ahead"],
)
def test_a_late_key_is_taken_once_and_only_where_it_is_no_answer(keys: str, accepted: str) -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        first = asyncio.create_task(caller.line.ask(question("1208")))
        await asyncio.sleep(1.0)
        for key in "1208":
            caller.media.press(key)
        await first
        saying = asyncio.create_task(caller.line.say([text("Thank you.")]))
        await asyncio.sleep(0.1)
        for key in keys:
            caller.media.press(key)
        await saying
        answer = await caller.line.ask(question(accepted))
        assert isinstance(answer, Heard)
        assert answer.judgement.meaning == accepted
        await hotline.close()

    run(story())


@pytest.mark.parametrize("seconds", [2.5, 1.0], ids=["too late", "after another one"])
def test_later_keys_that_end_entries_are_answers(seconds: float) -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        first = asyncio.create_task(caller.line.ask(question("1208")))
        await asyncio.sleep(1.0)
        for key in "1208" if seconds > 2 else "1208#":
            caller.media.press(key)
        await first
        second = asyncio.create_task(caller.line.ask(question("1")))
        await asyncio.sleep(seconds)
        caller.media.press("#")
        assert isinstance(await second, NoMatch)
        await hotline.close()

    run(story())


def test_a_code_keyed_too_long_is_nobodys_answer_and_stops_no_prompt() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        loop = asyncio.get_running_loop()
        for index, key in enumerate("12349999"):
            loop.call_later(1.0 + 0.3 * index, caller.media.press, key)
        await caller.line.ask(question("1234", sensitive=True))
        asking = asyncio.create_task(caller.line.ask(question("5")))
        await asyncio.sleep(4.0)
        assert not asking.done()
        assert caller.media.said[-1].heard > 1.0, "the prompt goes on"
        caller.media.press("5")
        assert isinstance(await asking, Heard)
        assert all("9999"[:1] != fields.get("keys") for _, _, fields in hotline.store.events)
        await hotline.close()

    run(story())


def test_a_sensitive_question_in_a_paused_recording_does_not_end_the_pause() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        await caller.line.record("resume")
        await caller.line.record("pause")
        asking = asyncio.create_task(caller.line.ask(question("1234", sensitive=True)))
        await asyncio.sleep(1.0)
        for key in "1234":
            caller.media.press(key)
        await asking
        await asyncio.sleep(2.0)
        assert [on for _, on in caller.media.masked] == [True]
        await caller.line.record("resume")
        assert [on for _, on in caller.media.masked] == [True, False]
        await hotline.close()

    run(story())


def test_each_part_of_a_recording_has_its_own_file() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        await caller.line.record("start")
        await caller.line.record("off")
        await caller.line.record("start")
        await asyncio.sleep(1.0)
        assert caller.media.recordings == {"recordings/call-1-part-2.wav"}
        assert caller.call.recording == "recordings/call-1.wav"
        await hotline.close()

    run(story())


def test_a_recording_on_demand_begins_with_resume() -> None:
    async def story() -> None:
        hotline = Hotline()
        caller = hotline.caller()
        await caller.line.record("resume")
        assert caller.media.recordings == {"recordings/call-1.wav"}
        await hotline.close()

    run(story())
