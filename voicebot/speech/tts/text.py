"""What is written -> what a voice says right: money, thousands, percentages, dates and times.

The dialplan's filters already speak typed values in words; this catches what authors write by hand. espeak's Mandarin
drops signs such as ¥ and reads 1,234.50 in two pieces.
"""

import re

_AMOUNT = r"(-?\d{1,3}(?:,\d{3})+|-?\d+)(\.\d+)?(?![\d,]*\d)"
_SIGNS = {
    "¥": ("yuan", "yuan", "元"),
    "￥": ("yuan", "yuan", "元"),
    "CN¥": ("yuan", "yuan", "元"),
    "CNY": ("yuan", "yuan", "元"),
    "RMB": ("yuan", "yuan", "元"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", "港元"),
    "NT$": ("Taiwan dollar", "Taiwan dollars", "新台币"),
    "US$": ("dollar", "dollars", "美元"),
    "USD": ("dollar", "dollars", "美元"),
    "$": ("dollar", "dollars", "美元"),
    "€": ("euro", "euros", "欧元"),
    "EUR": ("euro", "euros", "欧元"),
    "£": ("pound", "pounds", "英镑"),
    "GBP": ("pound", "pounds", "英镑"),
}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_MONEY = re.compile(rf"(?<![A-Za-z])({_SIGN})\s?{_AMOUNT}")
_THOUSANDS = re.compile(r"(?<![\d,.])-?\d{1,3}(?:,\d{3})+(?!\d|,\d)")
_PERCENT = re.compile(r"(-?\d+(?:\.\d+)?)\s?[%％]")
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_TIME = re.compile(r"(?<![\d:])([01]?\d|2[0-3])[:：]([0-5]\d)(?![\d:])")
_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]+")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；;\n])")
_CLAUSE = re.compile(r"[,，、:：]\s*|\s+")


def normalise(text: str, language: str) -> str:
    """Return `text` as the voice should read it; empty if there is nothing to say in it."""
    text = _CONTROL.sub(" ", text)
    if language == "zh":
        text = _chinese(text)
    elif language == "en":
        text = _english(text)
    text = " ".join(text.split())
    return text if any(character.isalnum() for character in text) else ""


def sentences(text: str, longest: int = 200) -> list[str]:
    """Cut a text after its sentences, and what is still over `longest` characters at commas or spaces, or anyhow.

    The pieces, joined, hold every character of the text but white space.
    """
    pieces: list[str] = []
    for sentence in _SENTENCE_END.split(text):
        rest = sentence.strip()
        while len(rest) > longest:
            cuts = [cut.end() for cut in _CLAUSE.finditer(rest, longest // 2, longest)]
            end = cuts[-1] if cuts else longest
            pieces.append(rest[:end].strip())
            rest = rest[end:].strip()
        if rest:
            pieces.append(rest)
    return [piece for piece in pieces if piece]


def _chinese(text: str) -> str:
    text = _MONEY.sub(_yuan, text)
    text = _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)
    text = _PERCENT.sub(lambda match: "百分之" + match.group(1), text)
    text = _DATE.sub(lambda match: f"{match[1]}年{int(match[2])}月{int(match[3])}日", text)
    text = _TIME.sub(_clock, text)
    return _NEGATIVE.sub("负", text)


def _english(text: str) -> str:
    text = _MONEY.sub(_dollars, text)
    return _THOUSANDS.sub(lambda match: match.group().replace(",", ""), text)


def _yuan(match: re.Match[str]) -> str:
    whole = match[2].replace(",", "")
    fraction = (match[3] or "").rstrip("0").rstrip(".")
    return f"{whole}{fraction}{_SIGNS[match[1]][2]}"


def _dollars(match: re.Match[str]) -> str:
    one, many, _ = _SIGNS[match[1]]
    whole = match[2].replace(",", "")
    fraction = (match[3] or ".")[1:]
    cents = int(fraction) if len(fraction) == 2 else 0
    unit = one if abs(int(whole)) == 1 else many
    if fraction and (len(fraction) != 2 or one == "yuan"):
        shown = fraction.rstrip("0")
        return f"{whole}.{shown} {unit}" if shown else f"{whole} {unit}"
    if not cents:
        return f"{whole} {unit}"
    small = ("penny" if cents == 1 else "pence") if one == "pound" else ("cent" if cents == 1 else "cents")
    return f"{whole} {unit} and {cents} {small}" if int(whole) else f"{cents} {small}"


def _clock(match: re.Match[str]) -> str:
    minutes = int(match[2])
    return f"{int(match[1])}点" + (f"{minutes:02d}分" if minutes else "整")
