"""Text of callers and templates in one shape: folded, cut into tokens, with the fillers marked.

A token is an English word, a numeral, or one Han character; the languages differ in what is a filler.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import opencc

from voicebot.nlu.languages import require_language, words

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{HAN}]|\d+(?:\.\d+)?|[^\W\d_{HAN}]+(?:'[^\W\d_{HAN}]+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_HAN_ONLY = re.compile(rf"[{HAN}]+")

# Sounds of hesitation, and the phrases around what is meant; longest first at use. A phrase may stand anywhere.
_FILLERS: dict[str, tuple[str, ...]] = {
    "en": (
        *words(
            "um uh er erm hmm hm ah eh oh well so okay please actually basically just maybe hello hi hey thanks"
        ),
        "you know",
        "i mean",
        "thank you",
        "excuse me",
        "i'd like to",
        "i'd like",
        "i would like to",
        "i would like",
        "i want to",
        "i want",
        "i wanna",
        "i need to",
        "i need",
        "i have to",
        "i'm calling about",
        "i'm calling to",
        "can you",
        "could you",
        "can i",
        "could i",
        "may i",
        "let me",
        "i think",
        "give me",
        "help me",
    ),
    "zh": words(
        "嗯 呃 那个 这个 就是 然后 就是说 怎么说 我想 我想要 我要 想要 我需要 请问 请帮我 请给我 麻烦 麻烦你 麻烦您 帮我 给我 "
        "帮忙 你好 您好 谢谢 谢谢你 谢谢您 我说 其实"
    ),
}
# Single characters that are parts of other words too (吧 in 酒吧): fillers at one end of the utterance only.
_ZH_LEADING = frozenset("啊哦噢喔唉诶哎喂哈请那呢")
_ZH_TRAILING = frozenset("啊哦噢喔呢吧呀嘛哈")
# Words that carry no meaning of their own between the words that do: "lost (my) card".
_LIGHT: dict[str, tuple[str, ...]] = {
    "en": words("my the a an your our some this that"),
    "zh": words("一下 一下子 我的 的 了 个 一个 下"),
}
_CONTRACTIONS = {
    "what's": ("what", "is"),
    "where's": ("where", "is"),
    "how's": ("how", "is"),
    "who's": ("who", "is"),
    "it's": ("it", "is"),
    "that's": ("that", "is"),
    "there's": ("there", "is"),
    "i'm": ("i", "am"),
    "i've": ("i", "have"),
    "i'd": ("i", "would"),
    "i'll": ("i", "will"),
    "you're": ("you", "are"),
    "we're": ("we", "are"),
    "don't": ("do", "not"),
    "doesn't": ("does", "not"),
    "didn't": ("did", "not"),
    "isn't": ("is", "not"),
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "haven't": ("have", "not"),
    "wanna": ("want", "to"),
    "gonna": ("going", "to"),
    "gotta": ("got", "to"),
}


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Return the table 繁 -> 简, character by character. Built once: it costs about 0.1 s."""
    characters = "".join(chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000)))
    # Spaces keep opencc's phrase rules away, so that each character has one image wherever it stands.
    images = opencc.OpenCC("t2s").convert(" ".join(characters)).split(" ")
    return {ord(source): image for source, image in zip(characters, images, strict=True) if source != image}


def is_han(text: str) -> bool:
    """Return whether `text` is one or more Han characters and nothing else."""
    return _HAN_ONLY.fullmatch(text) is not None


def fold(text: str) -> str:
    """Return `text` in one width, one case and simplified characters, with plain apostrophes."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if not folded.isascii():
        folded = folded.replace("\u2019", "'").replace("\u2018", "'").translate(_simplified())
    return folded


def tokens(text: str, language: str) -> tuple[str, ...]:
    """Return the words (en) or characters (zh) of `text`, folded, without punctuation.

    A numeral is one token ("1,234.5" is "1234.5"); in either language Han is cut into characters and other scripts
    into words, so that "查ATM" and "call 张" keep their parts.
    """
    require_language(language)
    folded = fold(text)
    if "," in folded:
        folded = _THOUSANDS.sub("", folded)
    return tuple(_TOKEN.findall(folded))


def join(items: Sequence[str]) -> str:
    """Return tokens as text: no space between Han characters, one elsewhere."""
    parts: list[str] = []
    for item in items:
        if parts and not (is_han(item[0]) and is_han(parts[-1][-1])):
            parts.append(" ")
        parts.append(item)
    return "".join(parts)


def normalise(text: str, language: str) -> str:
    """Return `text` folded, without punctuation, with single spaces and none between Han characters."""
    return join(tokens(text, language))


def expand(items: Sequence[str], language: str) -> tuple[str, ...]:
    """Return tokens with English contractions written out ("what's" is "what is")."""
    if require_language(language) == "zh":
        return tuple(items)
    out: list[str] = []
    for item in items:
        out.extend(_CONTRACTIONS.get(item, (item,)))
    return tuple(out)


@lru_cache(maxsize=8)
def _phrase_index(language: str, fillers: bool, light: bool) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return first token -> phrases that may be skipped, longest first."""
    require_language(language)
    source = (_FILLERS[language] if fillers else ()) + (_LIGHT[language] if light else ())
    index: dict[str, list[tuple[str, ...]]] = {}
    for phrase in source:
        items = expand(tokens(phrase, language), language)
        index.setdefault(items[0], []).append(items)
    return {first: tuple(sorted(found, key=len, reverse=True)) for first, found in index.items()}


def _marks(items: Sequence[str], index: dict[str, tuple[tuple[str, ...], ...]]) -> list[bool]:
    marks = [False] * len(items)
    at = 0
    while at < len(items):
        for phrase in index.get(items[at], ()):
            if tuple(items[at : at + len(phrase)]) == phrase:
                marks[at : at + len(phrase)] = [True] * len(phrase)
                at += len(phrase)
                break
        else:
            at += 1
    return marks


def light_words(items: Sequence[str], language: str) -> tuple[bool, ...]:
    """Return for each token of a template whether a caller may leave it out or say another of its kind (my, the)."""
    marks = _marks(items, _phrase_index(language, False, True))
    if language == "zh":  # 的, 了, 下 may be parts of words here (了解, 下单); only longer ones are sure
        marks = [
            mark and ((at > 0 and marks[at - 1]) or (at + 1 < len(marks) and marks[at + 1]))
            for at, mark in enumerate(marks)
        ]
    return tuple(marks)


def skippable(items: Sequence[str], language: str, *, light: bool = False) -> tuple[bool, ...]:
    """Return for each (expanded) token of an utterance whether it belongs to a filler, or with `light` says little."""
    marks = _marks(items, _phrase_index(language, True, light))
    if language == "zh":
        for order, edge in ((range(len(items)), _ZH_LEADING), (range(len(items) - 1, -1, -1), _ZH_TRAILING)):
            for at in order:
                if not marks[at] and items[at] not in edge:
                    break
                marks[at] = True
    return tuple(marks)


def strip_fillers(items: Sequence[str], language: str) -> tuple[str, ...]:
    """Return the tokens that are no fillers, contractions written out. All fillers: nothing is left."""
    expanded = expand(items, language)
    marks = skippable(expanded, language)
    return tuple(item for item, skip in zip(expanded, marks, strict=True) if not skip)
