"""What the caller is to hear: a text per language, split into constant sentences and those with variables.

Constant sentences are rendered when the dialplan loads; a sentence with a variable in it is synthesised live as a
whole, since a voice that is cut inside a sentence sounds wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from voicebot.dialplan.expressions import Reference, Template
from voicebot.dialplan.fields import Reader, Refused, string, template, template_of
from voicebot.dialplan.source import Mapping, Node, Position, Scalar, describe, nearest
from voicebot.dialplan.source import Sequence as ListNode

_LANGUAGE_CODE = re.compile(r"[a-z]{2}(-[A-Za-z]{2,4})?")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-zÀ-ÿ]")
_SENTENCE = re.compile(r".+?(?:[。！？…]+[”』」]?|[.!?]+[\"')]?(?=\s)|$)\s*", re.DOTALL)
_HAN_LANGUAGES = ("zh", "yue", "ja")


@dataclass(frozen=True, slots=True)
class TextItem:
    """One text in one language. Empty `language` = any (no letters stand in it, or the hotline has one language)."""

    language: str
    sentences: tuple[Template, ...]

    @property
    def references(self) -> frozenset[Reference]:
        return frozenset().union(*(sentence.references for sentence in self.sentences))


@dataclass(frozen=True, slots=True)
class Text:
    """A text by language, or, with `all`, items that are spoken one after the other whatever the language."""

    position: Position
    items: tuple[TextItem, ...]
    every: bool = False  # written as {all: [...]}

    def in_language(self, language: str) -> tuple[TextItem, ...]:
        """Return what is spoken to a caller of `language`: all items, or the one that fits, or the first."""
        if self.every:
            return self.items
        for item in self.items:
            if item.language in (language, ""):
                return (item,)
        return self.items[:1]

    def missing(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the languages without a translation."""
        have = {item.language for item in self.items}
        return () if self.every or "" in have else tuple(lang for lang in languages if lang not in have)

    @property
    def mixed(self) -> bool:
        """Whether Chinese and Latin script stand in its one text."""
        if self.every or len(self.items) != 1:
            return False
        bare = _without_templates("".join(sentence.source for sentence in self.items[0].sentences))
        return bool(_HAN.search(bare)) and bool(_LATIN.search(bare))

    @property
    def references(self) -> frozenset[Reference]:
        return frozenset().union(*(item.references for item in self.items))


def _without_templates(text: str) -> str:
    return re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)


def language_of_script(text: str, languages: tuple[str, ...]) -> str | None:
    """Return the one language of the hotline whose script `text` has, "" if any fits, None if it is not clear."""
    if len(languages) == 1:
        return ""
    bare = _without_templates(text)
    han, latin = bool(_HAN.search(bare)), bool(_LATIN.search(bare))
    if not han and not latin:
        return ""
    fitting = [lang for lang in languages if lang.startswith(_HAN_LANGUAGES) == han]
    return fitting[0] if len(fitting) == 1 else None


def is_text(reader: Reader, node: Node) -> bool:
    """Return whether a node is a text (principle 3), and not a map of a step's keys."""
    if isinstance(node, Mapping):
        return bool(node.entries) and all(
            key.text == "all" or key.text in reader.languages or _LANGUAGE_CODE.fullmatch(key.text)
            for key, _ in node.entries
        )
    return isinstance(node, Scalar)


def text(reader: Reader, node: Node) -> Text:
    """The kind of a text: a string, `{LANG: text}`, or `{all: [...]}`."""
    if isinstance(node, Scalar):
        return Text(node.position, (_bare(reader, node),))
    if not isinstance(node, Mapping):
        reader.refuse(node, "VB021", f"a text is expected, not {describe(node)}")
    if not node.entries:
        reader.refuse(node, "VB023", "the text is empty")
    every = node.get("all")
    if every is not None and len(node.entries) == 1:
        return _every(reader, node, every)
    items: list[TextItem] = []
    good = True
    for key, value in node.entries:
        if key.text not in reader.languages:
            hint = (
                nearest(key.text, reader.languages)
                or f"languages of the hotline: {', '.join(reader.languages)}"
            )
            reader.note(key.position, "VB025", f"{key.text!r} is no language of the hotline", hint)
            good = False
            continue
        try:
            items.append(TextItem(key.text, _sentences(reader, value)))
        except Refused:
            good = False
    if not good:
        raise Refused
    return Text(node.position, tuple(items))


def _every(reader: Reader, node: Node, every: Node) -> Text:
    if not isinstance(every, ListNode) or not every.items:
        reader.refuse(every, "VB021", "a list of texts is expected under 'all'")
    items: list[TextItem] = []
    good = True
    for part in every.items:
        try:
            items.extend([_bare(reader, part)] if isinstance(part, Scalar) else text(reader, part).items)
        except Refused:
            good = False
    if not good:
        raise Refused
    return Text(node.position, tuple(items), every=True)


def _bare(reader: Reader, node: Node) -> TextItem:
    language = language_of_script(string(reader, node), reader.languages)
    if language is None:
        codes = ", ".join(f"{code}: ..." for code in reader.languages)
        reader.refuse(node, "VB025", "it is not clear which language this text is in", f"write {{{codes}}}")
    return TextItem(language, _sentences(reader, node))


def _sentences(reader: Reader, node: Node) -> tuple[Template, ...]:
    whole = template(reader, node)
    if not whole.source.strip():
        reader.refuse(node, "VB023", "the text is empty", "to say nothing, remove the step or the key")
    if whole.constant:
        return (template_of(reader, node, whole.source.strip()),)
    return tuple(template_of(reader, node, part) for part in split_sentences(whole.source))


def split_sentences(source: str) -> tuple[str, ...]:
    """Split at the ends of sentences outside of `{{ }}`, keeping together what has variables side by side."""
    hidden: list[str] = []

    def hide(found: "re.Match[str]") -> str:
        hidden.append(found.group())
        return f"\x00{len(hidden) - 1}\x00"

    masked = re.sub(r"\{\{.*?\}\}", hide, source, flags=re.DOTALL)
    parts = [part.strip() for part in _SENTENCE.findall(masked)]
    shown = [re.sub(r"\x00(\d+)\x00", lambda m: hidden[int(m[1])], part) for part in parts if part]
    return tuple(shown)
