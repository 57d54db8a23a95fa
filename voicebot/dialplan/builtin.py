"""What the bot says of itself, in each language: confirmations, apologies, the words between ties.

`{label}` and `{value}` are filled by `str.replace` only: neither comes from the dialplan's templates.
"""

LANGUAGES = ("en", "zh")

_TEXTS: dict[str, dict[str, str]] = {
    "apology": {
        "en": "Sorry, something went wrong on our side. Goodbye.",
        "zh": "很抱歉，系统出现问题，再见。",
    },
    "nomatch": {"en": "Sorry, I did not understand.", "zh": "抱歉，我没有听懂。"},
    "right": {"en": "{label}, right?", "zh": "{label}，对吗？"},
    "readback": {"en": "{value}. Is that right?", "zh": "{value}，对吗？"},
    "yes_or_no": {
        "en": "Please say yes or no, or press 1 for yes and 2 for no.",
        "zh": "对请按一，不对请按二。",
    },
    "or": {"en": "{first}, or {last}?", "zh": "{first}，还是{last}？"},
    "comma": {"en": ", ", "zh": "、"},
    "position": {"en": "You are number {value} in the queue.", "zh": "您目前排在第{value}位。"},
    "next": {"en": "You are next in line.", "zh": "您是下一位。"},
    "wait": {"en": "The estimated waiting time is {value}.", "zh": "预计等候时间为{value}。"},
    "short_wait": {"en": "You will be connected in less than a minute.", "zh": "预计一分钟之内为您接通。"},
    "callback_offer": {
        "en": "To be called back when it is your turn, press {key}, or say: call me back.",
        "zh": "如需在轮到您时给您回电，请按{key}，或者说：回电。",
    },
    "callback_confirm": {
        "en": "Shall we call you on {value}? Press 1 for yes, or 2 for another number.",
        "zh": "给您回拨{value}，可以吗？可以请按一，换号码请按二。",
    },
    "callback_number": {
        "en": "Please key in the number to call, then press the hash key.",
        "zh": "请输入回电号码，按井号键结束。",
    },
    "callback_refused": {
        "en": "Sorry, we cannot call that number.",
        "zh": "抱歉，我们无法拨打这个号码。",
    },
    "callback_booked": {
        "en": "You are booked. We will call you when it is your turn.",
        "zh": "已为您预约，轮到您时我们会给您回电。",
    },
    "callback_agent": {"en": "Callback to {value}.", "zh": "回拨{value}。"},
    "callback_unreached": {"en": "Nobody could be reached.", "zh": "电话无人接听。"},
}

# How a callback is asked for, by language.
CALL_ME_BACK = {
    "en": ("[please] (call|ring|phone) me back",),
    "zh": ("[请](回电|回拨)", "[请]给我回电话"),
}

# Rendered at load whatever the dialplan says; the others have a value in them.
CONSTANT = ("apology", "nomatch", "yes_or_no", "next", "short_wait")
CONSTANT_IF_OFFERED = (
    "callback_number",
    "callback_refused",
    "callback_booked",
)  # where a queue offers callbacks


def builtin(name: str, language: str) -> str:
    """Return a built-in text; languages without one get English."""
    texts = _TEXTS[name]
    return texts.get(language, texts["en"])


def fill(name: str, language: str, **values: str) -> str:
    """Return a built-in text with its values put in, one pass, so that a value is never read as a place."""
    text = builtin(name, language)
    parts: list[str] = []
    while text:
        places = [(text.find("{" + key + "}"), key) for key in values if "{" + key + "}" in text]
        if not places:
            break
        at, key = min(places)
        parts += [text[:at], values[key]]
        text = text[at + len(key) + 2 :]
    return "".join(parts) + text
