"""How things sound: text -> sound units, and a distance between them.

Mandarin: each Han character is an initial and a final of its toneless pinyin (pypinyin); the pairs that southern
speakers merge (zh/z, ch/c, sh/s, n/l, r/l, f/h, -n/-ng) are nearly equal. English: a small letter-to-sound table of our
own gives consonants as they are and vowels in five classes; it needs no dictionary, and where English spelling lies
("colonel") both sides of a comparison are wrong in the same way. Units are single characters, so a text's sound is a
string; in English vowels are the capitals A E I O U Y W and @.
"""

import re
from functools import lru_cache

from voicebot.nlu.languages import require_language, words
from voicebot.nlu.text import is_han, tokens

ALIKE = 0.2  # distance up to which two phrases are taken for each other

# --- English ------------------------------------------------------------------------------------------------------

# (spelling, sounds), tried in this order at each place; ^ and $ are the word's ends. Vowels: I (bit, beet), E (bet,
# bait), A (cat, car), O (hot, bought, boat), U (put, boot), @ (but, unstressed), Y (bite), W (now).
_EN_RULES: tuple[tuple[str, str], ...] = tuple(
    (spelling, "" if sound == "-" else sound)
    for spelling, sound in (
        rule.split("=")
        for rule in words(
            "^one$=wun ^won$=wun ^once$=wuns ^two$=tU ^to$=tU ^too$=tU ^four$=fOr ^for$=fOr ^eight$=Et "
            "^ate$=Et ^oh$=O ^yes$=jEs ^you=jU ^yeah$=jE ^no$=nO ^zero$=zIrO ^people$=pIp@l ^card=kArd "
            "^phone=fOn ^balance=bAl@ns ^the$=D@ ^are$=Ar ^have$=hAv ^any=EnI ^said$=sEd ^kn=n ^gn=n "
            "^wr=r ^ps=s ^x=z ^wh=w ^who=hU ^rh=r mb$=m ght=t gh$=- ough=O augh=O eigh=E igh=Y tch=C "
            "sch=sk ch=C shion=S@n sh=S tion=S@n sion=Z@n cian=S@n tial=S@l cial=S@l ture$=C@r sure$=Z@r "
            "th=T ph=f ck=k cqu=kw qu=kw q=k ngth=NT ng$=N ngs$=Nz nk=Nk dge=J ge$=J gi=JI ge=JE gy=JI "
            "gg=g gu=gu ce$=s ce=sE ci=sI cy=sY cc=k ies$=Iz ses$=zIz ces$=sIz xes$=ksIz shes$=SIz "
            "ches$=CIz zes$=zIz ges$=JIz es$=s se$=z ss=s zz=z tt=t dd=d pp=p bb=b ff=f ll=l mm=m nn=n "
            "rr=r ble$=b@l ple$=p@l tle$=t@l dle$=d@l gle$=g@l cle$=k@l fle$=f@l ied$=Id ing$=IN "
            "ings$=INz ee=I ea=I ie=I ei=E ey$=I ay=E ai=E oy=O oi=O oa=O oo=U ou=W ow$=O ow=W au=O aw=O "
            "ew=jU ue$=U uy=Y uild=Ild ar=Ar er$=@r or=Or ir=@r ur=@r a$=@ e$=- y$=I o$=O ^y=j y=I a=A "
            "e=E i=I o=O u=@ b=b c=k d=d f=f g=g h=h j=J k=k l=l m=m n=n p=p r=r s=s t=t v=v w=w x=ks z=z"
        )
    )
)
_SILENT_E_VOWELS = {"A": "E", "I": "Y", "@": "U"}
_EN_CLOSE: dict[frozenset[str], float] = {
    frozenset(pair): cost
    for pairs, cost in (
        ("pb td kg fv sz SZ CJ TD", 0.4),  # voice is lost on a telephone line
        ("mn nN fT TD sT fs SC vD", 0.5),
        ("IE EA A@ O@ U@ I@ E@ AO UO YI EY OW AW", 0.4),
    )
    for pair in pairs.split(" ")
}
_EN_LIGHT = {"@": 0.5, "h": 0.6, "r": 0.7, "t": 0.8, "d": 0.8}  # what is easily dropped


@lru_cache(maxsize=4096)
def _en_word(word: str) -> str:
    """Return the sounds of one English word, by rule."""
    marked = f"^{re.sub('[^a-z]', '', word)}$"
    sounds: list[str] = []
    at = 1
    while at < len(marked) - 1:
        for spelling, sound in _EN_RULES:
            begin = at - 1 if spelling[0] == "^" else at
            if marked.startswith(spelling, begin):
                if spelling in ("e$", "es$") and len(sounds) > 1 and sounds[-2] in _SILENT_E_VOWELS:
                    sounds[-2] = _SILENT_E_VOWELS[sounds[-2]]
                sounds.extend(sound)
                at = begin + len(spelling) - spelling.endswith("$")
                break
        else:
            at += 1
    return "".join(sounds)


# --- Mandarin -----------------------------------------------------------------------------------------------------

# One character for each initial and final; those of a merged pair differ, and cost little to exchange.
_ZH_INITIALS = {
    "": "",
    "zh": "Z",
    "ch": "C",
    "sh": "S",
    **{letter: letter for letter in "bpmfdtnlgkhjqxrzcs"},
}
_ZH_FINALS = {
    final: chr(0x2460 + index)
    for index, final in enumerate(
        words(
            "a o e i u v ai ei ao ou an en ang eng ong ia ie iao iou ian in iang ing iong "
            "ua uo uai uei uan uen uang ueng ve van vn er ê m n ng"
        )
    )
}
_ZH_CLOSE: dict[frozenset[str], float] = {
    frozenset(pair): 0.2 for pair in ("Zz", "Cc", "Ss", "nl", "rl", "fh")
} | {
    frozenset((_ZH_FINALS[a], _ZH_FINALS[b])): 0.2
    for a, b in (
        ("an", "ang"),
        ("en", "eng"),
        ("in", "ing"),
        ("ian", "iang"),
        ("uan", "uang"),
        ("uen", "ueng"),
    )
}


@lru_cache(maxsize=4096)
def _han(text: str) -> tuple[str, ...]:
    """Return the sounds of a run of Han characters, one string (initial, final) for each."""
    import pypinyin  # 0.2 s and 20 MB: only a process that hears Mandarin pays for it

    initials = pypinyin.lazy_pinyin(text, style=pypinyin.Style.INITIALS, strict=True)
    finals = pypinyin.lazy_pinyin(text, style=pypinyin.Style.FINALS, strict=True)
    return tuple(
        _ZH_INITIALS.get(initial, "") + _ZH_FINALS.get(final, "") if len(final) < 6 else ""
        for initial, final in zip(initials, finals, strict=False)
    )


# --- both ---------------------------------------------------------------------------------------------------------


def sounds(items: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Return the sound units of each token: English words by rule, Han by pinyin, whatever the language."""
    require_language(language)
    out: list[str] = []
    run: list[str] = []
    for item in (*items, ""):
        if item and is_han(item):
            run.append(item)
            continue
        if run:
            out.extend(_han("".join(run)))
            run.clear()
        if item:
            out.append(_en_word(item))
    return tuple(out)


def sound(text: str, language: str) -> str:
    """Return the sound units of `text`, without word boundaries."""
    return "".join(sounds(tokens(text, language), language))


def costs(language: str) -> tuple[dict[frozenset[str], float], dict[str, float]]:
    """Return what it costs to exchange two units and to drop one, where that is less than 1."""
    return (_ZH_CLOSE, {}) if require_language(language) == "zh" else (_EN_CLOSE, _EN_LIGHT)


# Units that are exchanged cheaply, as one: for a quick, coarse comparison.
_COARSE: dict[str, dict[int, str]] = {
    "en": {
        ord(unit): image for unit, image in zip("bdgvzZJCTDmNIEAO@UYW", "ptkfsSSSttnnAAAAAAAA", strict=True)
    },
    "zh": {
        ord(second): first
        for first, second in (sorted(pair) for pair in _ZH_CLOSE if pair != frozenset("rl"))
    },
}


def coarse(units: str, language: str) -> str:
    """Return units with those that sound similar made equal."""
    return units.translate(_COARSE[require_language(language)])


def units_distance(a: str, b: str, language: str) -> float:
    """Return the weighted edit distance between two strings of units, divided by the longer length: 0 to 1."""
    if not a or not b:
        return 0.0 if a == b else 1.0
    close, light = costs(language)
    row = [0.0]
    for unit in b:
        row.append(row[-1] + light.get(unit, 1.0))
    for mine in a:
        drop = light.get(mine, 1.0)
        previous, row = row, [row[0] + drop]
        for column, unit in enumerate(b):
            swap = 0.0 if mine == unit else close.get(frozenset((mine, unit)), 1.0)
            row.append(
                min(previous[column] + swap, previous[column + 1] + drop, row[column] + light.get(unit, 1.0))
            )
    return min(1.0, row[-1] / max(len(a), len(b)))


def distance(a: str, b: str, language: str) -> float:
    """Return how differently two phrases sound: 0.0 (the same) to 1.0."""
    return units_distance(sound(a, language), sound(b, language), language)


def sounds_alike(a: str, b: str, language: str) -> bool:
    """Return whether a listener could take one phrase for the other: 四/十, "billing"/"building"."""
    return distance(a, b, language) <= ALIKE
