"""`voicebot test --wire`: the same tests as real calls, SIP and RTP over loopback, with synthesised callers and agents.

What was heard is judged twice: by the server's record, and by the phone's ear wherever the expected words stand in a
text that is rendered once. Tests run one after the other, in real time.
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voicebot.calls.identity import user_part
from voicebot.cli.demo.server import DemoServer, write_config
from voicebot.cli.prompts_by_ear import prompt_clips
from voicebot.cli.stored import latest_call
from voicebot.cli.wire_server import write_given
from voicebot.config import Config
from voicebot.dialplan.schema import Dialplan
from voicebot.dialplan.testcases import RECORDED, Act, CallerTest
from voicebot.engines import engines_for
from voicebot.phone.call import PhoneCall
from voicebot.phone.ear import Ear
from voicebot.phone.errors import CallFailed
from voicebot.phone.phone import Phone
from voicebot.phone.ticker import Ticker
from voicebot.phone.voice import AGENT_VOICES, CALLER_VOICES, speak
from voicebot.sim.expectations import Mismatch, folded, judge
from voicebot.sim.hotline import Outcome
from voicebot.sim.media import Said
from voicebot.sim.runner import Verdict, verdict_of
from voicebot.sim.speech import language_of
from voicebot.sim.store import Event
from voicebot.sip import Uri
from voicebot.storage import CallRecord
from voicebot.storage.record import UNANSWERED

QUIET = 0.9  # seconds of silence after which a caller takes the prompt for finished
PATIENCE = 120.0  # seconds: a caller waits for as long as music may play
CALL_WITHIN = 600.0  # seconds
ANSWERED_WITHIN = 180.0  # seconds: a dialplan may let it ring
TALKS = 6.0  # seconds that an agent stays on the line
RINGS = 1.0
_WRITTEN_WITHIN = 8.0


@dataclass(slots=True)
class _Agent:
    """An agent's phone, which behaves as the present test says; not named, it takes no call."""

    phone: Phone
    behaviour: str = ""

    async def serve(self) -> None:
        """Take calls until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                call = await self.phone.next_call(3600.0)
                await self._take(call)

    async def _take(self, call: PhoneCall) -> None:
        if self.behaviour == "no_answer":
            await call.ended(PATIENCE)
        elif self.behaviour == "answers":
            await call.until(lambda: False, RINGS)
            if not call.over:
                call.accept()
                call.say(await _spoken("Hello, how can I help?", AGENT_VOICES["en"]))
                await call.ended(TALKS)
                await call.hang_up()
        else:
            call.reject({"busy": 486, "declines": 603}.get(self.behaviour, 480))


@dataclass(slots=True)
class WireTests:
    """The tests of one dialplan over the wire. Use it within one asyncio loop."""

    settings: Config
    dialplan: Dialplan
    tests: list[CallerTest]
    on_progress: Callable[[str], None]
    _agents: dict[str, _Agent] = field(default_factory=dict)

    async def run(self) -> list[Verdict]:
        """Start the server, make a call for each test, stop. Raises PhoneError, SpeechError."""
        with tempfile.TemporaryDirectory(prefix="voicebot-wire-") as folder:
            return await self._run(Path(folder))

    async def _run(self, data: Path) -> list[Verdict]:
        ticker = Ticker()
        engines = engines_for(self.settings, [self.dialplan])
        names = dict.fromkeys(name for test in self.tests for name in test.agents or ())
        self._agents = {name: _Agent(Phone(user=name, ticker=ticker)) for name in names}
        path = write_config(self.settings, engines, Path(self.dialplan.path), data, "sip:nobody@127.0.0.1:9")
        document = json.loads(path.read_text("utf-8"))
        document["agents"] = {name: {"uri": agent.phone.uri} for name, agent in self._agents.items()}
        path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
        given = data / "given.json"
        server = DemoServer(path, data, ("voicebot.cli.wire_server", "--given", str(given)))
        loop = asyncio.get_running_loop()
        serving = [loop.create_task(agent.serve()) for agent in self._agents.values()]
        records = _Records(data)
        verdicts = []
        try:
            self.on_progress(f"{self.dialplan.path}: starting the hotline ...")
            await server.start(lambda text: None)
            ear = Ear(await loop.run_in_executor(None, prompt_clips, [self.dialplan], engines))
            for number, test in enumerate(self.tests, 1):
                self.on_progress(f"{self.dialplan.path}: {number}/{len(self.tests)} {test.name}")
                write_given(given, test, self._log_in(test))
                phone = Phone(user=user_part(test.from_number or f"caller-{number}"), ticker=ticker)
                try:
                    verdicts.append(await _call(phone, server.uri, test, ear, records))
                finally:
                    await phone.close()
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            for agent in self._agents.values():
                await agent.phone.close()
            await server.stop()
        return verdicts

    def _log_in(self, test: CallerTest) -> dict[str, str]:
        for name, agent in self._agents.items():
            agent.behaviour = (test.agents or {}).get(name, "")
        return {name: agent.phone.uri for name, agent in self._agents.items() if agent.behaviour}


async def _call(phone: Phone, uri: str, test: CallerTest, ear: Ear, records: "_Records") -> Verdict:
    loop = asyncio.get_running_loop()
    caller = test.from_number or phone.user
    if test.to_number is not None:
        uri = str(replace(Uri.parse(uri), user=user_part(test.to_number)))
    call = await phone.dial(uri, display_name=test.from_name, headers=tuple((test.headers or {}).items()))
    try:
        await call.answered(ANSWERED_WITHIN)
    except CallFailed as error:
        record = await records.of(caller)
        if record is None or record.disposition != UNANSWERED:
            return _failed(test, f"the call was not answered: {error}")
        refused = _outcome(record, "")  # by the dialplan: the phone has not listened to early media
        return verdict_of(test, refused, judge(test.expect, refused))
    talking = loop.create_task(_act_out(call, test))
    await call.ended(CALL_WITHIN)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    late = not call.over
    await call.hang_up()
    record = await records.of(caller)
    if record is None:
        return _failed(test, "the server wrote no record of the call")
    problem = f"the call lasts longer than {CALL_WITHIN:.0f} s" if late else ""
    outcome = _outcome(record, problem)
    samples, missing = call.heard.part(0.0, call.heard.seconds)
    heard = await loop.run_in_executor(None, ear.listen, samples, missing)
    by_ear = " ".join(each.text for each in heard if each.text)
    return verdict_of(test, outcome, [*judge(test.expect, outcome), *_unheard(test, outcome, by_ear, ear)])


async def _act_out(call: PhoneCall, test: CallerTest) -> None:
    """Do what the test's caller does, as a person would: when the other side has finished."""
    if test.caller == "silence":
        return
    if test.caller == "mumble":
        while call.up and await call.other_has_spoken(QUIET, PATIENCE):
            await _do(call, Act("unclear"))
        return
    assert isinstance(test.caller, tuple)
    for act in test.caller:
        if act.at is not None:
            if act.kind != "hangup":
                await call.other_speaks(PATIENCE)
            await call.until(lambda: False, act.at)
        elif not await call.other_has_spoken(QUIET, PATIENCE):
            return
        if not call.up:
            return
        await _do(call, act)


async def _do(call: PhoneCall, act: Act) -> None:
    match act.kind:
        case "silence":
            await call.until(lambda: False, act.seconds)
            return
        case "hangup":
            await call.hang_up()
            return
        case "dtmf":
            call.send_keys(act.text)
        case "say":
            call.say(await _spoken(act.text, CALLER_VOICES[language_of(act.text)]), act.text)
        case "unclear":
            call.say(_mumble())
    await call.said_all()


async def _spoken(text: str, voice: str) -> NDArray[np.int16]:
    return await asyncio.get_running_loop().run_in_executor(None, speak, text, voice)


def _mumble() -> NDArray[np.int16]:
    """Return 1.2 s of a hum at 8 kHz: a voice for every detector, a word for no recogniser."""
    time = np.arange(9600) / 8000
    hum = sum(np.sin(2 * np.pi * 130 * number * time) / number for number in range(1, 12))
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3.0 * time)
    return np.asarray(3500 * swell * hum, np.int16)


@dataclass(slots=True)
class _Records:
    """What the server writes of the calls, under `data`. Several tests may call from the same number."""

    data: Path
    _told: set[str] = field(default_factory=set)

    async def of(self, caller: str) -> CallRecord | None:
        """Wait until the record of the only new call from `caller` is complete."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _WRITTEN_WITHIN
        found: CallRecord | None = None
        while loop.time() < deadline and (found is None or found.ended_at is None):
            await asyncio.sleep(0.2)
            found = await loop.run_in_executor(None, latest_call, self.data, caller, self._told)
        if found is not None:
            self._told.add(found.uid)
        return found


def _outcome(record: CallRecord, problem: str) -> Outcome:
    """Return a call's record as the simulator tells a call."""
    answered = next((event.offset for event in record.events if event.kind == "answered"), 0.0)
    events = [Event(event.offset - answered, event.kind, event.data) for event in record.events]
    said = [Said(event.at, str(event.data.get("text", "")), 1.0) for event in events if event.kind == "said"]
    slots = {
        str(event.data["name"]): event.data.get("value", "*")
        for event in events
        if event.kind == "slot" and not event.data.get("failed")
    }
    fields: Mapping[str, object] = {name: getattr(record, name) for name in RECORDED}
    end = events[-1].at if events else 0.0
    return Outcome(events, (), said, fields, slots, end, (), (), problem)


def _failed(test: CallerTest, problem: str) -> Verdict:
    """Return the verdict on a call of which nothing else is known: whatever was expected of it, it is not so."""
    nothing = Outcome((), (), (), {}, {}, 0.0, (), (), problem)
    return verdict_of(test, nothing, judge(test.expect, nothing))


def _unheard(test: CallerTest, outcome: Outcome, by_ear: str, ear: Ear) -> list[Mismatch]:
    """Return what the record says was said, and the ear has not heard."""
    heard = folded(by_ear)
    constant = [folded(clip.text) for clip in ear.clips]
    return [
        Mismatch(f"the phone to hear “{text}”", "the record says that it was said, but no ear heard it")
        for text in test.expect.heard
        if folded(text) in folded(outcome.heard)
        and any(folded(text) in clip for clip in constant)
        and folded(text) not in heard
    ]
