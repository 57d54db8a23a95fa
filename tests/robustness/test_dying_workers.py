"""A worker that dies takes no call with it that another could not have saved, and is back."""

import os
import signal

from tests.live.hotline import Hotline, events, wait_until
from tests.robustness.conftest import calling, is_served, play
from voicebot.phone.voice import speak

SPEECH = speak("i lost my card", "en-us+f3")


def test_a_caller_whose_speech_worker_dies_is_asked_again(hotline: Hotline) -> None:
    async def story() -> None:
        async with calling(hotline) as call:
            assert await call.other_has_spoken()
            call.say(SPEECH)
            await call.said_all()  # the utterance is still open: the silence that ends it has just begun
            for pid in hotline.workers("speech_worker"):
                os.kill(pid, signal.SIGKILL)
            assert await call.other_has_spoken(quiet=1.0, timeout=10.0), "the caller is not asked again"
            assert await call.until(lambda: len(hotline.workers("speech_worker")) > 0, 5.0)
            call.say(SPEECH)
            assert await call.ended(10.0)

    before = len(hotline.calls())
    play(hotline, story())
    record = hotline.wait_for_record(before + 1)
    prompts = [each["text"] for each in events(record, "said")]
    assert sum("Have you lost your card?" in text for text in prompts) == 2
    assert [each.get("text") for each in events(record, "heard")] == ["i lost my card"]
    assert record["ended_by"] == "bot"


def test_the_calls_of_a_dead_media_worker_end_and_new_ones_work(hotline: Hotline) -> None:
    before = len(hotline.calls())

    async def story() -> None:
        async with calling(hotline) as call:
            assert await call.until(lambda: call.watch.speaking, 5.0)
            for pid in hotline.workers("media_worker"):
                os.kill(pid, signal.SIGKILL)
            assert await call.ended(5.0), "no BYE"
            assert call.ended_by_peer

    play(hotline, story())
    record = hotline.wait_for_record(before + 1)
    assert (record["disposition"], record["ended_by"]) == ("answered", "server")
    wait_until(lambda: len(hotline.workers("media_worker")) > 0, 5.0, "the media worker is back")

    async def another() -> None:
        async with calling(hotline) as call:
            await is_served(call)

    play(hotline, another())
    assert hotline.wait_for_record(before + 2)["ended_by"] == "bot"
