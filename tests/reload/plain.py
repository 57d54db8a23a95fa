"""A small dialplan, and the voice that speaks it."""

from collections.abc import Sequence

from voicebot.runtime.control.speech import VoiceChoice

PLAIN = """\
dialplan: 1
hotline: {name: plain, languages: [en], start: welcome}
handlers:
  noinput: [{count: 2, goto: bye}]
  nomatch: [{count: 2, goto: bye}]
flows:
  welcome:
    - say: "Hello."
    - menu: {prompt: "Yes or no?", choices: [{dtmf: "1", phrases: ["yes"], goto: bye}, {dtmf: "2", phrases: ["no"], goto: bye}]}
    - goto: bye
  bye:
    - hangup: normal
"""


async def english(languages: Sequence[str]) -> dict[str, VoiceChoice]:
    assert list(languages) == ["en"]
    return {"en": VoiceChoice("espeak", "en-us")}
