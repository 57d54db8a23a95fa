"""How long `voicebot check` takes for a dialplan of 2,000 lines: `python -m bench check`, or python -m bench.check_speed [LINES].

The dialplan is made here: flows with menus, lookups, slots and branches as real hotlines have them, in two languages.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, single
from bench.plan import Plan
from voicebot.dialplan.checker import CHECKS
from voicebot.dialplan.checks.around import Around
from voicebot.dialplan.loader import check

LINES = 2000
HEAD = """dialplan: 1
hotline: {name: large, languages: [en, zh], timezone: Asia/Shanghai, start: flow0}
services: {core: {base_url: "http://core", timeout: 2s}}
queues: {desk: {max_wait: 5m}}
hours: {office: {weekly: {mon-fri: "09:00-17:00"}}}
handlers:
  noinput: [{count: 1, reprompt: full}, {count: 2, goto: human}]
  nomatch: [{count: 1, reprompt: brief}, {count: 2, goto: human}]
  operator: [{dtmf: "0", phrases: {en: [operator], zh: [人工]}, goto: human}]
  error: [{goto: human}]
flows:
  human:
    - queue: {name: desk, exits: {agent_done: bye, timeout: bye, no_agents: bye, full: bye}}
  bye:
    - hangup: normal
  identify:
    - collect: {slot: card, type: digits, length: 4, on_fail: human, prompt: {en: "Your card number?", zh: "请输入卡号。"}}
    - set: {call.known: "yes"}
    - return: {}
"""
WORDS = [
    "balance",
    "card",
    "loan",
    "branch",
    "rate",
    "gold",
    "letter",
    "form",
    "pension",
    "tax",
    "wire",
    "cheque",
    "limit",
    "pin",
    "alarm",
    "fee",
]
HAN = [
    "余额",
    "信用卡",
    "贷款",
    "网点",
    "利率",
    "黄金",
    "来信",
    "表格",
    "养老金",
    "税务",
    "汇款",
    "支票",
    "额度",
    "密码",
    "警报",
    "费用",
]


def large(lines: int) -> str:
    """Return a dialplan of at least so many lines."""
    text = HEAD
    number = 0
    count = text.count("\n")
    while count < lines:
        block = "".join(_flow(number))
        text += block
        count += block.count("\n")
        number += 1
    return text + f"  flow{number}:\n    - goto: human\n"


def _flow(number: int) -> Iterator[str]:
    """Yield a flow of 24 lines: a branch, an identification, a lookup, a menu with three choices."""
    words = [WORDS[(number + offset) % len(WORDS)] for offset in (0, 5, 10)]
    han = [HAN[(number + offset) % len(HAN)] for offset in (0, 5, 10)]
    yield f"  flow{number}:\n"
    yield "    - if:\n        when: not open('office')\n        goto: human\n"
    yield "    - if: {when: \"call.known | default('') == ''\", call: identify}\n"
    yield f"    - set: {{call.step{number}: {number}}}\n"
    yield "    - http:\n        service: core\n        post: /look\n"
    yield f'        json: {{step: "{{{{ call.step{number} }}}}"}}\n        save: answer{number}\n        on_error: human\n'
    yield "    - say:\n"
    yield f'        en: "The answer is {{{{ answer{number}.text }}}}."\n        zh: "结果是{{{{ answer{number}.text }}}}。"\n'
    yield "    - menu:\n        prompt:\n"
    yield f'          en: "Say {words[0]}, {words[1]} or {words[2]}."\n          zh: "{han[0]}请按一，{han[1]}请按二。"\n'
    yield "        choices:\n"
    for key, (word, character) in enumerate(zip(words, han, strict=True), 1):
        goto = f"flow{number + 1}" if key == 1 else f"flow{number // 2}" if key == 2 else "bye"
        phrases = f'{{en: ["[my] {word} [please]"], zh: ["[我的]{character}"]}}'
        yield f'          - {{dtmf: "{key}", phrases: {phrases}, goto: {goto}}}\n'


def measure(lines: int) -> tuple[int, float, float, dict[str, float]]:
    """Return the lines, the seconds of a whole check on the clock and of the processor, and those of each rule."""
    text = large(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        path.write_text(text, encoding="utf-8")
        check(path)  # tables of the languages are built once in a process
        began, worked = time.perf_counter(), time.process_time()
        dialplan, findings = check(path)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        if dialplan is None:
            raise SystemExit("\n".join(map(str, findings)))
        rules = {}
        for name, rule in CHECKS.items():
            began = time.perf_counter()
            list(rule(dialplan, Around(Path(folder))))
            rules[name] = time.perf_counter() - began
    return text.count("\n"), seconds, processor, rules


async def run(plan: Plan) -> list[Figure]:
    plan.tell("check")
    lines, seconds, processor, rules = measure(LINES)
    slowest = max(rules, key=lambda name: rules[name])
    return [
        single(f"check of {lines} lines", seconds, "s", 2),
        single("of it processor time", processor, "s", 2),
        single(f"of it the slowest rule, {slowest}", rules[slowest], "s", 2),
    ]


def main() -> None:
    lines, seconds, processor, rules = measure(int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
    print(f"{lines} lines: {seconds:.2f} s, of it {processor:.2f} s of the processor")
    for name, own in sorted(rules.items(), key=lambda item: -item[1]):
        print(f"  {name:14} {own:6.3f} s")


if __name__ == "__main__":
    main()
