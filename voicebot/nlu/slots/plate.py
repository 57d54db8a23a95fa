"""Slot type `plate`: a Chinese number plate (GA 36-2018): province, letter, then five characters, six for new energy.

The province is said as its one-character name (京), its name (北京) or, in English, in pinyin. Keys cannot spell one.
"""

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness
from voicebot.nlu.languages import require_language
from voicebot.nlu.slots.base import SlotError, SlotSpec, Value
from voicebot.nlu.slots.characters import Reading, read_characters
from voicebot.nlu.slots.digits import DIGIT_JSGF
from voicebot.nlu.slots.strings import StringType, by_length
from voicebot.nlu.sound import sounds
from voicebot.nlu.text import expand, join, skippable, tokens

# character -> (name in Chinese, name in English)
PROVINCES: dict[str, tuple[str, str]] = {
    "京": ("北京", "beijing"),
    "津": ("天津", "tianjin"),
    "沪": ("上海", "shanghai"),
    "渝": ("重庆", "chongqing"),
    "冀": ("河北", "hebei"),
    "豫": ("河南", "henan"),
    "云": ("云南", "yunnan"),
    "辽": ("辽宁", "liaoning"),
    "黑": ("黑龙江", "heilongjiang"),
    "湘": ("湖南", "hunan"),
    "皖": ("安徽", "anhui"),
    "鲁": ("山东", "shandong"),
    "新": ("新疆", "xinjiang"),
    "苏": ("江苏", "jiangsu"),
    "浙": ("浙江", "zhejiang"),
    "赣": ("江西", "jiangxi"),
    "鄂": ("湖北", "hubei"),
    "桂": ("广西", "guangxi"),
    "甘": ("甘肃", "gansu"),
    "晋": ("山西", "shanxi"),
    "蒙": ("内蒙古", "inner mongolia"),
    "陕": ("陕西", "shaanxi"),
    "吉": ("吉林", "jilin"),
    "闽": ("福建", "fujian"),
    "贵": ("贵州", "guizhou"),
    "粤": ("广东", "guangdong"),
    "青": ("青海", "qinghai"),
    "藏": ("西藏", "tibet"),
    "川": ("四川", "sichuan"),
    "宁": ("宁夏", "ningxia"),
    "琼": ("海南", "hainan"),
}
_LEADS = {
    "en": ("my", "plate", "number", "is", "it", "license", "licence", "the"),
    "zh": tuple("我的车牌号码是"),
}
_LETTERS = (
    "(a | b | c | d | e | f | g | h | i | j | k | l | m | n | o | p | q | r | s | t | u | v | w | x | y | z)"
)


class Plate(StringType):
    name = "plate"
    accepts_keys = False

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        if require_language(language) == "zh":
            provinces = " | ".join((*PROVINCES, *(names[0] for names in PROVINCES.values())))
        else:
            provinces = " | ".join(names[1] for names in PROVINCES.values())
        one = f"({DIGIT_JSGF[language][1:-1]} | {_LETTERS[1:-1]})"
        return (f"({provinces}) {_LETTERS} {' '.join([one] * 5)} [{one}]",)

    def read(self, text: str, language: str) -> Reading | None:
        items = expand(tokens(text, language), language)
        skip = skippable(items, language)
        lead = 0
        while lead < len(items) and (skip[lead] or items[lead] in _LEADS[language]):
            lead += 1
        province, rest = "", items[lead:]
        for character, names in PROVINCES.items():
            for name in (names[0], character) if language == "zh" else (names[1], character):
                parts = tokens(name, language)
                if rest[: len(parts)] == parts:
                    province, rest = character, rest[len(parts) :]
                    break
            if province:
                break
        confidence = 1.0
        if (
            not province
            and language == "zh"
            and rest
            and rest[0] not in "零一二三四五六七八九幺两"
            and len(rest) > 4
        ):
            alike = [name for name in PROVINCES if sounds((name,), "zh") == sounds(rest[:1], "zh")]
            if len(alike) == 1:
                province, rest, confidence = alike[0], rest[1:], 0.7
        reading = read_characters(join(rest), language, letters=True) if rest else Reading("")
        if reading is None:
            return None
        # I and O are not used behind the province; what sounds like O is a zero.
        tail = reading.text.upper()
        return Reading(province + tail[:1] + tail[1:].replace("O", "0"), reading.confidence * confidence)

    def read_keys(self, keys: str) -> str | None:
        return None

    def completeness(self, value: str, spec: SlotSpec) -> Completeness:
        if value[0] not in PROVINCES or (not value[1:2].isalpha() and len(value) > 1):
            return Completeness.NONE
        return by_length(len(value), spec.lengths((7, 8)))

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        if not isinstance(value, str) or value[:1] not in PROVINCES:
            raise SlotError("a number plate is a string that begins with a province")
        if require_language(language) == "zh":
            return f"{value[0]}{spoken.letters(value[1:], 'zh')}"
        return f"{PROVINCES[value[0]][1].title()}, {spoken.letters(value[1:], 'en')}"
