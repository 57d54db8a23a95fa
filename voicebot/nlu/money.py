"""The currencies that can be spoken: code -> what their units are called."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Currency:
    """Unit and hundredth as (singular, plural) in English and as one word in Mandarin; "" where there is no hundredth."""

    unit: tuple[str, str]
    cent: tuple[str, str]
    zh_unit: str
    zh_cent: str


CURRENCIES: dict[str, Currency] = {
    "CNY": Currency(("yuan", "yuan"), ("fen", "fen"), "元", "分"),
    "USD": Currency(("dollar", "dollars"), ("cent", "cents"), "美元", "美分"),
    "EUR": Currency(("euro", "euros"), ("cent", "cents"), "欧元", "欧分"),
    "GBP": Currency(("pound", "pounds"), ("penny", "pence"), "英镑", "便士"),
    "HKD": Currency(("Hong Kong dollar", "Hong Kong dollars"), ("cent", "cents"), "港元", "分"),
    "TWD": Currency(("Taiwan dollar", "Taiwan dollars"), ("cent", "cents"), "新台币", "分"),
    "MOP": Currency(("pataca", "patacas"), ("avo", "avos"), "澳门元", "分"),
    "SGD": Currency(("Singapore dollar", "Singapore dollars"), ("cent", "cents"), "新加坡元", "分"),
    "AUD": Currency(("Australian dollar", "Australian dollars"), ("cent", "cents"), "澳元", "分"),
    "CAD": Currency(("Canadian dollar", "Canadian dollars"), ("cent", "cents"), "加元", "分"),
    "JPY": Currency(("yen", "yen"), ("", ""), "日元", ""),
    "KRW": Currency(("won", "won"), ("", ""), "韩元", ""),
    "INR": Currency(("rupee", "rupees"), ("paisa", "paise"), "卢比", "派士"),
}
