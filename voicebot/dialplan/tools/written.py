"""A file as it is written: the tree of its YAML with styles, comments and blank lines, for `voicebot fmt`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.tokens import ScalarToken


@dataclass(slots=True, eq=False)
class Leaf:
    """A scalar, or an alias (`style` is `*`). Styles: "" plain, ' and " quoted, | and > blocks."""

    text: str
    style: str
    anchor: str = ""


@dataclass(slots=True, eq=False)
class Entry:
    """One entry of a map, or one item of a list (`key` is None)."""

    key: Leaf | None
    value: "Leaf | Collection"
    start: int  # where it begins in the text: its key, or its dash or value
    column: int
    line: int
    end: int = 0
    comments: "list[Comment]" = field(default_factory=list)  # above it
    before: list[str] = field(default_factory=list)  # the lines above it: comments, "" for blank ones
    trailing: str = ""  # the comment at the end of its line


@dataclass(slots=True, eq=False)
class Collection:
    is_map: bool
    flow: bool  # written with brackets
    entries: list[Entry]
    start: int
    anchor: str = ""
    end: int = 0
    comments: "list[Comment]" = field(default_factory=list)  # below the last entry
    after: list[str] = field(default_factory=list)  # the lines of those

    def every(self) -> Iterator[Entry]:
        """Yield all entries inside, in the order of the text."""
        for entry in self.entries:
            yield entry
            if isinstance(entry.value, Collection):
                yield from entry.value.every()


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    at: int
    line: int
    column: int
    alone: bool  # nothing else stands in its line


def read_written(text: str) -> Collection | Leaf:
    """Return the tree of a text that `parse_source` takes, its line ends being \\n."""
    root = _Reader(text).root()
    if isinstance(root, Collection):
        lines = text.split("\n")
        _place_comments(root, list(_comments(text)))
        _place_blanks(root, lines, text)
    return root


class _Reader:
    """Events -> tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events: Iterator[Any] = iter(YAML(typ="safe", pure=True).parse(text))

    def root(self) -> Collection | Leaf:
        for event in self._events:
            if isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent)):
                return self._value(event)[0]
        raise AssertionError("the text has no value")

    def _value(self, event: Any) -> tuple[Leaf | Collection, int]:
        """Return a value and where its text ends."""
        if isinstance(event, AliasEvent):
            return Leaf(event.anchor, "*"), event.end_mark.index
        anchor = event.anchor or ""
        if isinstance(event, ScalarEvent):
            style = event.style or ("" if event.tag is None else '"')
            return Leaf(event.value, style, anchor), event.end_mark.index
        is_map = isinstance(event, MappingStartEvent)
        found = Collection(is_map, bool(event.flow_style), [], event.start_mark.index, anchor)
        found.end = event.end_mark.index
        for following in self._events:
            if isinstance(following, (MappingEndEvent, SequenceEndEvent)):
                if found.flow:
                    found.end = following.end_mark.index
                break
            entry = self._entry(found, following)
            found.entries.append(entry)
            found.end = entry.end
        return found, found.end

    def _entry(self, inside: Collection, event: Any) -> Entry:
        mark = event.start_mark
        if inside.is_map:
            key = self._value(event)[0]
            assert isinstance(key, Leaf)
            value, end = self._value(next(self._events))
            return Entry(key, value, mark.index, mark.column, mark.line, max(end, mark.index))
        value, end = self._value(event)
        start = mark.index if inside.flow else self._text.rindex("-", inside.start, mark.index)
        line = self._text.count("\n", 0, start)
        return Entry(None, value, start, start - (self._text.rfind("\n", 0, start) + 1), line, end)


def _comments(text: str) -> Iterator[Comment]:
    """Yield the comments: what stands between tokens, and beside the head of a block scalar."""
    before = 0
    for token in YAML(typ="safe", pure=True).scan(text):
        start, end = token.start_mark.index, token.end_mark.index
        yield from _between(text, before, start)
        if isinstance(token, ScalarToken) and token.style in ("|", ">"):
            head = text.find("\n", start, end)
            yield from _between(text, start + 1, head if head >= 0 else end)
        before = max(before, end)
    yield from _between(text, before, len(text))


def _between(text: str, start: int, end: int) -> Iterator[Comment]:
    at = text.find("#", start, end)
    while at >= 0:
        stop = text.find("\n", at)
        stop = len(text) if stop < 0 else stop
        first = text.rfind("\n", 0, at) + 1
        alone = not text[first:at].strip()
        yield Comment(text[at:stop].rstrip(), at, text.count("\n", 0, at), at - first, alone)
        at = text.find("#", stop, end)


# --- where comments belong ----------------------------------------------------------------------------------------


def _place_comments(root: Collection, comments: list[Comment]) -> None:
    entries = list(root.every())
    for comment in comments:
        _place(root, entries, comment)


def _place(root: Collection, entries: list[Entry], comment: Comment) -> None:
    chain = _around(root, comment.at)
    bracket = next((item for item in chain if item.flow and item.start < comment.at < item.end), None)
    following = next((entry for entry in entries if entry.start > comment.at), None)
    last = next((entry for entry in reversed(entries) if entry.start < comment.at), None)
    if bracket is not None:
        _place_in_brackets(root, bracket, following, last, comment)
    elif not comment.alone and last is not None:
        owner = _outside_brackets(root, last)
        if owner.trailing:
            owner.comments.append(comment)
        else:
            owner.trailing = comment.text
    elif following is not None and (comment.column <= following.column or last is None):
        following.comments.append(comment)
    else:
        _place_below(root, chain, following, comment)


def _place_in_brackets(
    root: Collection, bracket: Collection, following: Entry | None, last: Entry | None, comment: Comment
) -> None:
    inside = list(bracket.every())
    if not comment.alone and last is not None and last in inside:
        direct = next(entry for entry in reversed(bracket.entries) if entry.start < comment.at)
        if direct.trailing:
            direct.comments.append(comment)
        else:
            direct.trailing = comment.text
    elif following is not None and following in inside:
        following.comments.append(comment)
    elif bracket.entries:
        bracket.comments.append(comment)
    else:
        assert last is not None
        _outside_brackets(root, last).comments.append(comment)


def _place_below(
    root: Collection, chain: list[Collection], following: Entry | None, comment: Comment
) -> None:
    """A comment below something that is indented deeper than what follows."""
    for item in reversed(chain):
        if not item.flow and item.entries and item.entries[0].column <= comment.column:
            if following is not None and following in item.entries:
                following.comments.append(comment)
            else:
                item.comments.append(comment)
            return
    if following is not None:
        following.comments.append(comment)
    else:
        root.comments.append(comment)


def _around(root: Collection, at: int) -> list[Collection]:
    """Return the collections that are open at `at` or ended just before it, outermost first."""
    chain = [root]
    while True:
        entry = next((item for item in reversed(chain[-1].entries) if item.start < at), None)
        if entry is None or not isinstance(entry.value, Collection):
            return chain
        chain.append(entry.value)


def _outside_brackets(root: Collection, entry: Entry) -> Entry:
    """Return the entry itself, or the one outside of all brackets that it stands in."""
    inside = root
    while True:
        own = next(item for item in reversed(inside.entries) if item.start <= entry.start)
        if own is entry or not isinstance(own.value, Collection) or own.value.flow:
            return own
        inside = own.value


def _place_blanks(root: Collection, lines: list[str], text: str) -> None:
    """Fill in the lines above entries and below collections: comments, and one blank line where there are any."""

    def with_blanks(comments: list[Comment], last: int | None) -> list[str]:
        """`last` is the line that they stand above."""
        found: list[str] = []
        for comment in comments:
            found += [""] if comment.alone and _is_blank(lines, comment.line - 1) else []
            found.append(comment.text)
        return [*found, ""] if last is not None and _is_blank(lines, last - 1) else found

    for collection in (root, *(e.value for e in root.every() if isinstance(e.value, Collection))):
        collection.after = with_blanks(collection.comments, None)
        for entry in collection.entries:
            alone = not text[text.rfind("\n", 0, entry.start) + 1 : entry.start].strip()
            entry.before = with_blanks(entry.comments, entry.line if alone else None)


def _is_blank(lines: list[str], number: int) -> bool:
    return number > 0 and not lines[number].strip()
