"""Slot type `currency`: an amount of money in whole units; keyed, `*` is the decimal point."""

from collections.abc import Sequence
from decimal import Decimal

from voicebot.nlu import spoken
from voicebot.nlu.entries import Completeness, Entry
from voicebot.nlu.languages import require_language, words
from voicebot.nlu.slots.base import NOTHING, SlotError, SlotJudgement, SlotSpec, Value
from voicebot.nlu.slots.number import Integer
from voicebot.nlu.slots.quantities import Quantity, Scan, number_jsgf, plain, scan

GUESSED_CONFIDENCE = 0.6  # "twelve fifty": twelve and a half, or 1250?
_UNITS = {
    "en": frozenset(
        words("dollar dollars buck bucks yuan kuai rmb euro euros pound pounds quid yen won rupee rupees")
    ),
    "zh": frozenset("元块圆"),
}
_TENTHS = {"en": frozenset(words("jiao mao dime dimes")), "zh": frozenset("角毛")}
_CENTS = {"en": frozenset(words("cent cents fen penny pence")), "zh": frozenset("分")}


class Money(Integer):
    name = "currency"
    places = 2

    def phrases(self, spec: SlotSpec, language: str) -> tuple[str, ...]:
        low, high = spec.bounds()
        whole = number_jsgf(max(low, 0), min(high, 10**7), language)
        cents = number_jsgf(0, 99, language)
        if require_language(language) == "en":
            unit = "(dollars | dollar | yuan | pounds | euros)"
            return (
                f"{whole} [{unit} [[and] {cents} [(cents | fen | pence)]]]",
                f"{cents} (cents | fen | pence)",
            )
        digit = "(零 | 一 | 二 | 两 | 三 | 四 | 五 | 六 | 七 | 八 | 九)"
        return (
            f"{whole} [(元 | 块 | 块钱) [零] [{digit} [(角 | 毛) [{digit}]]] [分]]",
            f"{digit} (角 | 毛) [{digit} [分]]",
        )

    def _spoken(
        self, entries: Sequence[Entry], text: str, confidence: float, spec: SlotSpec, language: str
    ) -> SlotJudgement:
        amount = read_amount(scan(text, language), language)
        if amount is None:
            return NOTHING
        value, certainty, complete = amount
        low, high = spec.bounds()
        if not low <= value <= high:
            return SlotJudgement(Completeness.PREFIX) if 0 < value < low else NOTHING
        done = Completeness.FINAL if complete else Completeness.MATCH
        return SlotJudgement(done, plain(value), confidence * certainty)

    def speak(self, value: Value, language: str, spec: SlotSpec | None = None) -> str:
        """Return the amount as yuan; the filter `currency(CODE)` names another currency."""
        if isinstance(value, (bool, str)):
            raise SlotError("an amount is an int or a float")
        return spoken.currency(value, "CNY", language)

    def invalid(self, value: Value, spec: SlotSpec) -> str | None:
        if isinstance(value, (bool, str)):
            return "type"
        low, high = spec.bounds()
        return None if low <= value <= high else "range"


def read_amount(found: Scan, language: str) -> tuple[Decimal, float, bool] | None:
    """Return (amount, certainty, whether nothing can follow) of an utterance's numbers and units, or None."""
    total = Decimal(0)
    certainty = 1.0
    rank = 4  # 3 whole units, 2 tenths, 1 cents: each must be smaller than the one before
    named = ""
    for index, quantity in enumerate(found.found):
        unit, here = _unit(found, quantity, language)
        if here is None:
            if index == 0:
                here = 3
                total += quantity.value
            elif named == "unit" and index == len(found.found) - 1:
                # 三块五 is 3.5 and 十块零五 is 10.05; "twelve dollars fifty" is 12.50.
                tail = _tail(found, quantity, language)
                if tail is None:
                    return None
                total, here = total + tail, 1
            elif named == "tenth" and quantity.value < 10:
                total, here = total + quantity.value / 100, 1
            elif index == 1 and len(found.found) == 2 and 10 <= quantity.value < 100 and total < 1000:
                total, here, certainty = total + quantity.value / 100, 1, GUESSED_CONFIDENCE
            else:
                return None
            named = ""
        else:
            if here >= rank:
                return None
            total += quantity.value * unit
            named = {3: "unit", 2: "tenth", 1: "cent"}[here]
        rank = here
    if not found.found:
        return None
    if language == "zh" and "半" in found.items and named == "unit" and found.items[-1] == "半":
        total, rank = total + Decimal("0.5"), 1
    return total.quantize(Decimal("0.01")), certainty, rank == 1


def _unit(found: Scan, quantity: Quantity, language: str) -> tuple[Decimal, int | None]:
    """Return the unit that is named behind a number: (its worth, its rank)."""
    for item in found.items[quantity.end : quantity.end + 2]:
        for names, worth, rank in (
            (_UNITS[language], Decimal(1), 3),
            (_TENTHS[language], Decimal("0.1"), 2),
            (_CENTS[language], Decimal("0.01"), 1),
        ):
            if item in names:
                return worth, rank
        if item not in ("hong", "kong", "taiwan", "singapore", "美", "欧", "港", "日", "us", "american"):
            break
    return Decimal(1), None


def _tail(found: Scan, quantity: Quantity, language: str) -> Decimal | None:
    if language == "en":
        return quantity.value / 100 if 0 < quantity.value < 100 else None
    if not 0 < quantity.value < 100 or quantity.value != int(quantity.value):
        return None
    if quantity.value < 10 and found.items[quantity.start] not in "零〇":
        return quantity.value / 10
    return quantity.value / 100
