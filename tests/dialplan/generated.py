"""Random dialplans: most of what the language knows, and now and then a mistake."""

import random

HEAD = """dialplan: 1
hotline: {{name: generated, languages: [en], timezone: UTC, start: f0{answer}}}
defaults: {{timeout: {timeout}s, max_events: {events}}}
services: {{core: {{base_url: "http://core", timeout: 2s}}}}
queues: {{desk: {{agents: [alice], max_wait: 20s, ring_timeout: 5s}}}}
handlers:
{handlers}flows:
"""
END = """  human:
    - queue: {name: desk, exits: {agent_done: bye, timeout: AFTER, no_agents: AFTER, full: AFTER}}
  voicemail:
    - record_message: {max: 5s, beep: true}
    - goto: bye
  bye:
    - say: {text: "Goodbye.", barge_in: none}
    - hangup: normal
"""
MISTAKE = 0.04
FIRST_CALLER = 100
VALUES = "{red: {en: [red], dtmf: '1'}, blue: {en: [blue], dtmf: '2'}}"


class Generator:
    """One dialplan for each seed. `mistake`: the share of places where one is possible and made."""

    def __init__(self, seed: int, mistake: float) -> None:
        self._rng = random.Random(seed)
        self._mistake = mistake
        self._by_step = seed % 3 == 0  # every third call rings, or hears early media, before it is answered
        self._answers = seed % 2 == 0
        self._number = 0  # of the flow that is being made
        self._slots = self._transfers = self._callers = 0
        self._flows: list[str] = []
        self._subs: list[str] = []

    def text(self) -> str:
        rng = self._rng
        self._flows = [f"f{number}" for number in range(rng.randint(2, 4))]
        self._subs = [f"s{number}" for number in range(rng.randint(0, 2))]
        body = "".join(self._flow(name, number) for number, name in enumerate(self._flows))
        body += "".join(self._sub(name) for name in self._subs)
        events = rng.choice((12, 60, 60))
        head = HEAD.format(
            timeout=40 if self._wrong() else rng.choice((2, 3, 5)),
            events=events,
            handlers=self._handlers(),
            answer=", answer: by_step" if self._by_step else "",
        )
        after = self._flows[0] if self._wrong() else "voicemail"
        return head + body + END.replace("AFTER", after)

    def _wrong(self, times: float = 1.0) -> bool:
        return self._rng.random() < self._mistake * times

    def _handlers(self) -> str:
        rng = self._rng
        lines = []
        for event in ("noinput", "nomatch"):
            if not self._wrong():
                count = rng.randint(2, 3)
                first = rng.choice(("reprompt: full", "reprompt: brief", 'say: "Pardon?", reprompt: brief'))
                where = rng.choice(("human", "voicemail", "bye"))
                if self._wrong():
                    where = self._flows[0]
                lines.append(f"  {event}: [{{count: 1, {first}}}, {{count: {count}, goto: {where}}}]\n")
        if not self._wrong():
            lines.append("  error: [{goto: voicemail}]\n")
        lines.append('  operator: [{dtmf: "0", phrases: [operator], goto: human}]\n')
        return "".join(lines)

    def _later(self, number: int) -> str:
        """Return a flow further on, seldom one that goes back."""
        later = [*self._flows[number + 1 :], "human", "voicemail", "bye"]
        return self._rng.choice(self._flows if self._wrong() else later)

    def _flow(self, name: str, number: int) -> str:
        steps = [self._step(number) for _ in range(self._rng.randint(1, 3))]
        if number == 0:
            if self._by_step and self._answers:
                steps.insert(1, "answer: {after: 2s}")
            steps += [f"call: {sub}" for sub in self._subs]
        following = self._flows[number + 1] if number + 1 < len(self._flows) else "human"
        last = f"goto: {following}"
        if self._wrong():
            last = self._rng.choice(("say: The end.", "return: {}", "goto: bye"))
        return "".join(f"    - {step}\n" for step in [f"{name}:", *steps, last]).replace(
            f"    - {name}:", f"  {name}:", 1
        )

    def _sub(self, name: str) -> str:
        lines = [f"  {name}:", f"    - {self._quiet()}"]
        lines.append("    - goto: bye" if self._wrong() else "    - return: {}")
        return "\n".join(lines) + "\n"

    def _quiet(self) -> str:
        return self._rng.choice(
            (
                'say: "Please hold on."',
                "play: tone.wav",
                'record: {mode: always, announce: "This call is recorded."}',
                "record: pause",
                "notify: {service: core, post: /call, json: {a: 1}}",
                "set: {call.reason: something}",
                "language: en",
            )
        )

    def _step(self, number: int) -> str:
        rng = self._rng
        kinds = [self._quiet, self._menu, self._listen, self._collect, self._confirm, self._form, self._http]
        kinds += [self._if, self._switch, self._transfer]
        kind = rng.choice(kinds)
        self._number = number
        return kind()

    def _menu(self) -> str:
        one = self._later(self._number)
        own = f", noinput: [{{count: 2, goto: {self._later(self._number)}}}]" if self._wrong(5) else ""
        choices = f'[{{dtmf: "1", phrases: [apples], goto: {one}}}, {{dtmf: "2", phrases: [tomatoes]}}]'
        return f'menu: {{prompt: "Apples or tomatoes?", brief: "Which?", choices: {choices}{own}}}'

    def _listen(self) -> str:
        return f'listen: {{prompt: "What do you need?", choices: [{{phrases: [apples], goto: {self._later(self._number)}}}, {{phrases: [tomatoes]}}]}}'

    def _slot(self, verb: str = "") -> str:
        self._slots += 1
        kind = self._rng.choice(
            ("type: digits, length: 4", f"type: choice, values: {VALUES}", "type: boolean")
        )
        confirm = self._rng.choice(("never", "when_unsure", "always"))
        return f'slot: a{self._slots}, {kind}, confirm: {confirm}, prompt: "Which one is it?"{verb}'

    def _collect(self) -> str:
        fail = "" if self._wrong(7) else f", on_fail: {self._later(self._number)}"
        return f"collect: {{{self._slot(fail)}}}"

    def _form(self) -> str:
        slots = ", ".join(f"{{{self._slot()}}}" for _ in range(self._rng.randint(1, 2)))
        confirm = ', confirm: "Is all of it right?"' if self._rng.random() < 0.5 else ""
        return f"form: {{slots: [{slots}], on_fail: {self._later(self._number)}{confirm}}}"

    def _confirm(self) -> str:
        return f'confirm: {{prompt: "Shall I go on?", if_no: {self._later(self._number)}}}'

    def _http(self) -> str:
        error = "" if self._wrong(7) else f", on_error: {self._later(self._number)}"
        return f"http: {{service: core, get: /x{error}}}"

    def _if(self) -> str:
        return f"if: {{when: \"call.from == '{self._caller()}'\", goto: {self._later(self._number)}}}"

    def _switch(self) -> str:
        return f'switch: {{value: call.from, cases: {{"{self._caller()}": {self._later(self._number)}}}, default: [{{say: "Well."}}]}}'

    def _caller(self) -> int:
        """Return the number of a caller for whom a condition holds, for each condition another."""
        self._callers += 1
        return FIRST_CALLER + self._callers - 1

    def _transfer(self) -> str:
        names = ["busy", "no_answer", "declined", "unreachable", "timeout"]
        leads = {name: self._later(self._number) for name in names}
        booking = f"{{booked: bye, invalid: {leads['declined']}, closed: voicemail}}"
        leads["declined"] = f"[{{callback: {{queue: desk, exits: {booking}}}}}]"
        done = '[{say: "Welcome back."}]'
        if self._wrong(2):
            done, leads["busy"] = self._flows[self._number], done
        exits = ", ".join(f"{name}: {lead}" for name, lead in leads.items())
        self._transfers += 1
        return f'transfer: {{to: "{6000 + self._transfers}", timeout: 5s, exits: {{agent_done: {done}, {exits}}}}}'


def generated(seed: int, mistake: float = MISTAKE) -> str:
    """Return the text of a random dialplan; it plays prompts/tone.wav."""
    return Generator(seed, mistake).text()
