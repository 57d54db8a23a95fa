"""Strings said character by character: digits and letters, in either language.

English knows "oh", "double five", "triple zero", "thirty eight", "b as in bravo" and the NATO words; Mandarin 幺, 洞, 两,
三个八 and 一百三十八. Words that merely lead to the number ("my number is", 卡号是) are passed over. Where a Mandarin
character is no digit but sounds like one (要 for 幺) it is taken as that digit, with less confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from voicebot.nlu.languages import require_language, words
from voicebot.nlu.numerals import EN_UNITS, ZH_NUMBER, read_cardinal
from voicebot.nlu.sound import sounds
from voicebot.nlu.text import expand, skippable, tokens

SOUND_CONFIDENCE = 0.6  # what remains of the confidence when a character was taken by its sound

_EN_DIGIT = {word: str(value) for value, word in enumerate(EN_UNITS)} | {
    "oh": "0",
    "o": "0",
    "nought": "0",
    "won": "1",
    "to": "2",
    "too": "2",
    "tree": "3",
    "for": "4",
    "fore": "4",
    "fife": "5",
    "ate": "8",
    "niner": "9",
}
_EN_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_EN_TENS = {
    word: value * 10
    for value, word in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_EN_TEENS = {
    word: value
    for value, word in enumerate(
        words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"), start=10
    )
}
_NATO = {
    word[0]: word
    for word in words(
        "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo "
        "sierra tango uniform victor whiskey xray yankee zulu"
    )
}
_EN_LETTER = {word: letter for letter, word in _NATO.items()} | {"alfa": "a", "ex": "x", "juliett": "j"}
_ZH_DIGIT = {character: str(value) for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": "0",
    "洞": "0",
    "幺": "1",
    "两": "2",
    "拐": "7",
    "勾": "9",
}
_ZH_UNITS = frozenset("十百千万亿")
_ZH_LETTER = {"叉": "x", "诶": "a", "艾": "a", "比": "b", "西": "c", "伊": "e"}
_CARRIERS: dict[str, tuple[str, ...]] = {
    "en": (
        "last four digits are",
        "last four digits",
        "last four are",
        "last four",
        "as in",
        *words(
            "it is my the number numbers card code pin phone ends ending with in at are and then dash space digits"
        ),
        *words("telephone mobile account license licence plate id identity passport sure yes of its"),
    ),
    "zh": words(
        "我的 号码 是 卡号 手机号码 手机号 手机 电话号码 电话号 电话 尾号 后四位 最后四位 密码 数字 验证码 账号 帐号 身份证号码 身份证号 "
        "身份证 车牌号 车牌 车号 号 为 横杠 空格 然后 信用卡 银行卡 卡 字母 它 到 的 点"
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """The characters read, and a factor for the recogniser's confidence."""

    text: str
    confidence: float = 1.0


@lru_cache(maxsize=2)
def _carriers(language: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    index: dict[str, list[tuple[str, ...]]] = {}
    for phrase in _CARRIERS[language]:
        items = expand(tokens(phrase, language), language)
        index.setdefault(items[0], []).append(items)
    return {first: tuple(sorted(found, key=len, reverse=True)) for first, found in index.items()}


def _carrier_at(items: Sequence[str], at: int, language: str) -> int:
    """Return how many tokens at `at` merely lead to the characters."""
    for phrase in _carriers(language).get(items[at], ()):
        if tuple(items[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def read_characters(text: str, language: str, *, letters: bool = False) -> Reading | None:
    """Read an utterance as digits, and lower-case letters if `letters`. None if it holds anything else.

    An utterance of fillers and carriers alone reads as "".
    """
    items = expand(tokens(text, language), language)
    skip = skippable(items, language)
    out: list[str] = []
    confidence = 1.0
    at = 0
    while at < len(items):
        lead = _carrier_at(items, at, language)
        if letters and lead == 1 and len(items[at]) == 1 and language == "en":
            lead = 0
        step = (
            _en_step(items, at, letters)
            if require_language(language) == "en"
            else _zh_step(items, at, letters)
        )
        if lead > 1 or (lead and step is None):
            at += lead
        elif step is not None and not (skip[at] and items[at] != "oh"):
            out.append(step[0])
            at = step[1]
        elif skip[at]:
            at += 1
        else:
            alike = _zh_alike(items[at]) if language == "zh" else None
            if alike is None:
                return None
            out.append(alike)
            confidence = SOUND_CONFIDENCE
            at += 1
    return Reading("".join(out), confidence)


def _numeral(item: str, letters: bool) -> str | None:
    """Return a token that is digits (or letters) already."""
    if item.isascii() and item.replace(".", "").isdigit():
        return item.replace(".", "")
    if letters and item.isascii() and len(item) == 1 and item.isalpha():
        return item
    return None


def _en_step(items: Sequence[str], at: int, letters: bool) -> tuple[str, int] | None:
    item = items[at]
    if item in _EN_TIMES and at + 1 < len(items):
        following = _en_single(items[at + 1], letters)
        return (following * _EN_TIMES[item], at + 2) if following else None
    if item in _EN_TENS or item in _EN_TEENS or "hundred" in items[at + 1 : at + 2]:
        number = read_cardinal(items, at, "en")
        return (str(number[0]), number[1]) if number else None
    single = _en_single(item, letters)
    if single is None:
        return None
    if single.isalpha() and items[at + 1 : at + 3] == ("as", "in") and at + 3 < len(items):
        return single, at + 4  # "b as in boy"
    return single, at + 1


def _en_single(item: str, letters: bool) -> str | None:
    if item in _EN_DIGIT and not (letters and item == "o"):
        return _EN_DIGIT[item]
    return _numeral(item, letters) or (_EN_LETTER.get(item) if letters else None)


def _zh_step(items: Sequence[str], at: int, letters: bool) -> tuple[str, int] | None:
    item = items[at]
    if item in "二两三四" and items[at + 1 : at + 2] == ("个",) and at + 2 < len(items):
        following = _ZH_DIGIT.get(items[at + 2]) or _numeral(items[at + 2], False)
        if following and len(following) == 1:
            return following * int(_ZH_DIGIT[item]), at + 3
    end = at
    while end < len(items) and items[end] in ZH_NUMBER:
        end += 1
    if any(unit in _ZH_UNITS for unit in items[at:end]):
        number = read_cardinal(items, at, "zh")
        return (str(number[0]), number[1]) if number else None
    if item in _ZH_DIGIT:
        return _ZH_DIGIT[item], at + 1
    single = _numeral(item, letters)
    if single is None and letters:
        single = _ZH_LETTER.get(item) or _EN_LETTER.get(item)
        if single is None and item.isascii() and item.isalpha() and len(item) <= 3:
            single = item  # recognisers write spelled letters as one run
    return None if single is None else (single, at + 1)


def _zh_alike(item: str) -> str | None:
    """Return the digit that a character sounds like, tone aside."""
    heard = sounds((item,), "zh")[0]
    return _zh_sounds().get(heard) if heard else None


@lru_cache(maxsize=1)
def _zh_sounds() -> dict[str, str]:
    return {sounds((character,), "zh")[0]: digit for character, digit in _ZH_DIGIT.items()}
