"""`voicebot talk --voice`, with a sound card of ours in the place of PortAudio's."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from voicebot.cli.main import app
from voicebot.cli.options import configuration
from voicebot.cli.talk_voice import converse
from voicebot.cli.test import dialplans
from voicebot.config import Config, Overrides
from voicebot.media.tones import tone
from voicebot.phone import Phone, Ticker
from voicebot.phone.hearing import rms
from voicebot.phone.live import Exchange, Live
from voicebot.sim.store import Event

DIALPLAN = """\
dialplan: 1
hotline: {name: repeat, languages: [en], start: main}
flows:
  main:
    - menu:
        prompt: "Press one, or stay silent."
        choices: [{dtmf: "1", goto: pressed}]
        noinput: [{count: 2, goto: bye}]
        nomatch: [{count: 2, goto: bye}]
  pressed:
    - say: "You have pressed one."
    - goto: bye
  bye:
    - hangup: normal
"""


class Card:
    """A microphone that says `spoken` over and over; keeps what it is given for the ears."""

    def __init__(self, spoken: NDArray[np.int16]) -> None:
        self.heard: list[NDArray[np.int16]] = []
        self._frames = spoken[: len(spoken) // 160 * 160].reshape(-1, 160)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, exchange: Exchange) -> None:
        self._thread = threading.Thread(target=self._run, args=(exchange,))
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        assert self._thread is not None
        self._thread.join(2.0)

    def _run(self, exchange: Exchange) -> None:
        index, begun = 0, time.monotonic()
        # a card is a clock of its own, which a busy machine does not slow down
        while not self._closed.wait(max(0.0, begun + index * 0.02 - time.monotonic())):
            self.heard.append(exchange(self._frames[index % len(self._frames)]))
            index += 1

    @property
    def loud_seconds(self) -> float:
        return sum(rms(frame) > 300 for frame in self.heard) * 0.02


def test_the_microphone_is_heard_and_the_ears_hear() -> None:
    async def story() -> None:
        ticker = Ticker()
        caller, callee = Phone(ticker=ticker), Phone(ticker=ticker)
        out = await caller.dial(callee.uri)
        incoming = await callee.next_call(2.0)
        incoming.accept()
        await out.answered(2.0)
        card = Card(tone((440.0,), 0.5))
        live = Live(out, card)
        assert await incoming.other_speaks(2.0)
        incoming.say(tone((600.0,), 0.5))
        assert await incoming.said_all(3.0)
        assert await out.until(lambda: card.loud_seconds > 0.4, 3.0)
        live.close()
        await caller.close()
        assert await incoming.ended(2.0)
        await callee.close()

    asyncio.run(asyncio.wait_for(story(), 15))


def test_a_person_talks_to_a_real_server_and_sees_what_it_does(tmp_path: Path) -> None:
    file = tmp_path / "repeat.yaml"
    file.write_text(DIALPLAN, "utf-8")
    events: list[Event] = []
    notes: list[str] = []

    def typed() -> Iterator[str | None]:
        yield "nonsense that is not a key"
        yield "/1"
        yield None

    card = Card(np.zeros(160, np.int16))
    settings = _settings(tmp_path)
    plan = dialplans([file], settings)[0]
    story = converse(settings, plan, card, typed=typed(), on_event=events.append, on_note=notes.append)
    asyncio.run(asyncio.wait_for(story, 90))
    said = [event.data.get("text") for event in events if event.kind == "said"]
    assert said[-1] == "You have pressed one."
    assert events[-1].kind == "ended"
    assert card.loud_seconds > 0.8


def _settings(folder: Path) -> Config:
    path = folder / "config.yaml"
    path.write_text("dialplans: {main: repeat.yaml}\n", "utf-8")
    return configuration(path, Overrides())


def test_without_the_package_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # as on a server
    monkeypatch.chdir(tmp_path)
    (tmp_path / "repeat.yaml").write_text(DIALPLAN, "utf-8")
    (tmp_path / "config.yaml").write_text("dialplans: {main: repeat.yaml}\n", "utf-8")
    result = CliRunner().invoke(app, ["talk", "--voice"])
    assert result.exit_code == 2
    assert 'pip install "voicebot[voice]"' in result.output
