"""What happens in the demo's call, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voicebot.cli.demo.caller import Caller
from voicebot.cli.demo.texts import Spoken, Texts, joined
from voicebot.phone.ear import Clip
from voicebot.storage import TimelineEvent

PIN = "4711"
RATING = "5"
LANGUAGE = "en"
GREETING = "Hello, this is Alice of Harbour Bank. How can I help you?"
REPLY = "Good morning. I would like to change my address, please."


@dataclass(frozen=True, slots=True)
class Understood:
    """Something that the server's timeline must say of what the caller said or keyed."""

    what: str
    kind: str
    data: Mapping[str, object] = field(default_factory=dict)

    def matches(self, event: TimelineEvent) -> bool:
        return event.kind == self.kind and all(
            event.data.get(key) == value for key, value in self.data.items()
        )


async def opening(caller: Caller, texts: Texts) -> list[Understood]:
    """The announcement in both languages; the caller chooses English by voice."""
    first = [text for _, text in texts.at("welcome", 0, LANGUAGE) + texts.at("welcome", 1, LANGUAGE)]
    await caller.hear(first, "the welcome in both languages, and the question for the language")
    await caller.answer("English", menu(texts), "the main menu, in English")
    return [Understood("English", "heard", {"text": "english"})]


async def balance_by_speech_and_keys(caller: Caller, texts: Texts) -> list[Understood]:
    """The balance of an account: spoken choices, a keyed code, and a sentence that is synthesised live."""
    await caller.answer(
        "account balance",
        [text for _, text in texts.at("balance", 0, LANGUAGE)],
        "the question for the account",
    )
    await caller.answer(
        "current account",
        [text for _, text in texts.at("identify", 0, LANGUAGE)],
        "the question for the code",
    )
    await caller.key(PIN, sensitive=True)
    said = texts.at("balance", 2, LANGUAGE, place=1) + texts.at("anything_else", 0, LANGUAGE)
    await caller.hear([text for _, text in said], "the balance, spoken live, and the question for more")
    await caller.say("yes please")
    await caller.interrupt(menu(texts)[0], "talk to an agent", "the caller breaks into the main menu")
    return [
        Understood("account balance", "heard", {"intent": "balance"}),
        Understood("current account", "heard", {"text": "current account"}),
        Understood("the keyed code", "keys", {"sensitive": True}),
        Understood("yes please", "heard", {"step": "anything_else.1"}),
        Understood("talk to an agent", "heard", {"intent": "agent"}),
    ]


async def straight_to_an_agent(caller: Caller, texts: Texts) -> list[Understood]:
    """The short way, for tests."""
    await caller.say("talk to an agent")
    return [Understood("talk to an agent", "heard", {"intent": "agent"})]


async def the_agent(caller: Caller, texts: Texts, greeting: Clip) -> None:
    """The queue and the conversation; the agent hangs up."""
    await caller.hear(
        [text for _, text in texts.at("human", 0, LANGUAGE)], "the caller is connected to the queue"
    )
    if await caller.hear_voice(greeting, "the caller hears the agent", 25.0):
        await caller.say(REPLY)


async def the_end(caller: Caller, texts: Texts) -> list[Understood]:
    """The survey by key, the goodbye; the hotline hangs up."""
    await caller.hear(
        [text for _, text in texts.at("survey", 0, LANGUAGE)], "the survey after the agent has hung up"
    )
    await caller.key(RATING)
    await caller.hear([text for _, text in texts.at("goodbye", 0, LANGUAGE)], "the goodbye")
    return [Understood("the rating", "keys", {"keys": RATING})]


async def in_chinese_by_keys(caller: Caller, texts: Texts) -> list[Understood]:
    """Another caller, at the same time: the balance in Chinese by keys alone, the survey, the goodbye."""
    zh = "zh"

    async def press(keys: str, expected: list[Spoken], what: str, *, sensitive: bool = False) -> None:
        await caller.key(keys, sensitive=sensitive)
        await caller.hear([text for _, text in expected], what)

    welcome = [text for _, text in texts.at("welcome", 0, zh) + texts.at("welcome", 1, zh)]
    await caller.hear(welcome, "the welcome in both languages")
    await press("1", texts.at("main", 0, zh), "the main menu, in Chinese")
    await press("2", texts.at("balance", 0, zh), "the question for the account, in Chinese")
    await press("1", texts.at("identify", 0, zh), "the question for the code, in Chinese")
    told = texts.at("balance", 2, zh, place=1) + texts.at("anything_else", 0, zh)
    await press(PIN, told, "the balance in Chinese, spoken live", sensitive=True)
    await press("2", texts.at("survey", 0, zh), "the survey, in Chinese")
    await press(RATING, texts.at("goodbye", 0, zh), "the goodbye, in Chinese")
    return [Understood("the Chinese caller's rating", "keys", {"keys": RATING})]


def menu(texts: Texts) -> list[str]:
    return [text for _, text in texts.at("main", 0, LANGUAGE)]


def whisper(texts: Texts) -> str:
    return joined(texts.at("human", 1, LANGUAGE))
