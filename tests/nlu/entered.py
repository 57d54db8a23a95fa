"""How the tests write down what a caller entered."""

from voicebot.nlu.entries import Entry
from voicebot.nlu.slots import SlotJudgement, SlotSpec, slot_type


def entries(language: str, *pieces: str) -> list[Entry]:
    """Return entries: "#123" is keys (the # is not one of them), anything else was said."""
    return [
        Entry("keys", piece[1:]) if piece.startswith("#") else Entry("speech", piece, language)
        for piece in pieces
    ]


def judge(spec: SlotSpec, language: str, *pieces: str, closed: bool = False) -> SlotJudgement:
    return slot_type(spec.type).judge(entries(language, *pieces), spec, language, closed)
