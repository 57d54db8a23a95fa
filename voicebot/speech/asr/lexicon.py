"""How English words are pronounced, in the phones of the acoustic model (CMU's 39).

The pronouncing dictionary of the pocketsphinx wheel, read once per process; words that it lacks are spelled out by
espeak-ng's letter-to-sound rules, whose phonemes are mapped to phones.
"""

import re
from functools import lru_cache
from pathlib import Path

import pocketsphinx

from voicebot.speech.errors import EngineProblem
from voicebot.speech.tts.espeak import Espeak

PHONES = [
    "AA",
    "AE",
    "AH",
    "AO",
    "AW",
    "AY",
    "B",
    "CH",
    "D",
    "DH",
    "EH",
    "ER",
    "EY",
    "F",
    "G",
    "HH",
    "IH",
    "IY",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "OW",
    "OY",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "UH",
    "UW",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
]

# espeak's mnemonics -> phones; longest first where one begins another.
_PHONES_OF = {
    "I@3": "IH R", "aI@": "AY ER", "aI3": "AY ER", "aU@": "AW ER", "i@3": "IH R", "oI@": "OY ER",
    "e@": "EH R", "i@": "IY AH", "I@": "IH R", "A@": "AA R", "O@": "AO R", "o@": "AO R", "U@": "UH R",
    "3:": "ER", "A:": "AA", "O:": "AO", "i:": "IY", "u:": "UW",
    "aI": "AY", "aU": "AW", "eI": "EY", "OI": "OY", "oU": "OW",
    "tS": "CH", "dZ": "JH", "@L": "AH L", "@5": "AH L", "n-": "AH N",
    "I2": "IH", "I#": "IH", "a#": "AH", "0#": "AA", "E#": "EH", "@2": "AH", "aa": "AE", "t#": "T", "t2": "T",
    "d#": "D", "z#": "Z", "r-": "R",
    "3": "ER", "@": "AH", "a": "AE", "A": "AA", "E": "EH", "I": "IH", "i": "IY", "0": "AA", "O": "AO",
    "V": "AH", "U": "UH", "u": "UW", "N": "NG", "S": "SH", "Z": "ZH", "T": "TH", "D": "DH", "j": "Y",
    "h": "HH", "w": "W", "r": "R", "l": "L", "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "g": "G",
    "f": "F", "v": "V", "s": "S", "z": "Z", "m": "M", "n": "N", "x": "K", "C": "K", "?": "",
}  # fmt: skip
_MNEMONIC = re.compile("|".join(re.escape(key) for key in sorted(_PHONES_OF, key=len, reverse=True)))
_STRESS_AND_PAUSES = re.compile(r"[',%=_|~!\-;\"]+(?![#])")


@lru_cache(maxsize=1)
def _dictionary() -> bytes:
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    try:
        return b"\n" + path.read_bytes()
    except OSError as error:
        raise EngineProblem(f"pocketsphinx lacks its dictionary: {error}; reinstall pocketsphinx") from error


@lru_cache(maxsize=4096)
def pronunciations(word: str) -> tuple[str, ...]:
    """Return the pronunciations of a folded word, best known first; none if it cannot be pronounced in English."""
    listed = _listed(word)
    if listed:
        return listed
    parts = [part for part in re.split(r"[-_]", word) if part]
    if len(parts) > 1 and (found := [_listed(part) for part in parts]) and all(found):
        return (" ".join(part[0] for part in found),)
    spelled = _spelled_out(word)
    return (spelled,) if spelled else ()


def is_listed(word: str) -> bool:
    """Say whether the dictionary has the word, so that its pronunciation is not a guess."""
    return bool(_listed(word))


def _listed(word: str) -> tuple[str, ...]:
    # The file is in order and its variants follow their word, but a scan of 3 MB takes less than a millisecond.
    dictionary = _dictionary()
    found = []
    for variant in (word, *(f"{word}({number})" for number in range(2, 5))):
        at = dictionary.find(b"\n" + variant.encode() + b" ")
        if at < 0:
            break
        line = dictionary[at + 1 : dictionary.index(b"\n", at + 1)].decode()
        found.append(line.partition(" ")[2].strip())
    return tuple(found)


def _spelled_out(word: str) -> str:
    if not any(character.isascii() and character.isalnum() for character in word):
        return ""
    phonemes = _STRESS_AND_PAUSES.sub("", Espeak().phonemes(word))
    return " ".join(_PHONES_OF[match.group()] for match in _MNEMONIC.finditer(phonemes)).strip()
