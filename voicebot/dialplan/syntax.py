"""What is wrong where a file is no YAML, in the words of whoever wrote it: the parser tells what it missed, not why.

The cause is looked for in the lines around the place; where none is found, the parser's own words are told.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# What keyboards set to Chinese write where YAML wants the plain character.
FULL_WIDTH = {
    "：": ":",
    "，": ",",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "｛": "{",
    "｝": "}",
    "［": "[",
    "］": "]",
}

_NAME = r"[A-Za-z_][\w.-]*"
_FULL_COLON = re.compile(rf"\s*(?:- +)?[\"']?({_NAME})[\"']?(：)")
_NO_SPACE = re.compile(rf"\s*(?:- +)?({_NAME}):(\S.*)")
_BARE_NAME = re.compile(rf"\s*(?:- +)?({_NAME})\s*(?:#.*)?")
_BREAK = re.compile("[\n\x85\u2028\u2029]")  # where the parser counts a line
_CLOSING = {"{": "}", "[": "]"}


class Fault(NamedTuple):
    """What is wrong and what to do; line and column count from 1."""

    line: int
    column: int
    message: str
    hint: str = ""


class Trouble(NamedTuple):
    """Where the parser stopped, what it says, and where the part began that it was reading (0: not known)."""

    line: int
    column: int
    problem: str
    context_line: int = 0
    context_column: int = 0


def explain(text: str, trouble: Trouble) -> Fault | None:
    """Return what the person who wrote `text` can do; None if no cause is known."""
    lines = _BREAK.split(text)
    problem = trouble.problem
    if max(trouble.line, trouble.context_line) > len(lines):
        return None
    if "mapping values are not allowed" in problem:
        return _second_colon(lines, trouble)
    if "could not find expected ':'" in problem:
        return _name_without_value(lines, trouble)
    if "expected ',' or" in problem:
        return _in_brackets(lines, trouble)
    if "unexpected end of stream" in problem and trouble.context_line:
        return _open_quote(trouble.context_line, trouble.context_column)
    if "found '<scalar>'" in problem:
        return _after_a_quote(lines, trouble)
    if "found '?'" in problem:
        return Fault(
            trouble.line, trouble.column, "a '- ' is missing before this name", "here a list goes on"
        )
    if "expected <block end>" in problem:
        return _indentation(lines, trouble)
    if "cannot start any token" in problem:
        sign = lines[trouble.line - 1][trouble.column - 1 : trouble.column]
        return Fault(trouble.line, trouble.column, f"a text cannot begin with {sign!r}", "put it in quotes")
    return None


def full_width(line: int, column: int, sign: str) -> Fault:
    """Return the fault that `sign` stands where YAML wants its plain form."""
    plain = FULL_WIDTH[sign]
    return Fault(
        line,
        column,
        f"the full-width character {sign} stands here",
        f"write {plain} as on an English keyboard",
    )


def unseparated(written: str, line: int, column: int) -> tuple[str, Fault] | None:
    """Return the name in `confirm:always` and `confirm：always`, and what is wrong; None for what is no such thing.

    `line` and `column` are where `written` begins. What follows the colon is not told: it may be a password.
    """
    found = _NO_SPACE.fullmatch(written)
    if found is not None:
        hint = f"write a space after {found[1]}:"
        return found[1], Fault(line, column + found.end(1), "a space is missing after the colon", hint)
    wide = _FULL_COLON.match(written)
    return (wide[1], full_width(line, column + wide.start(2), wide[2])) if wide is not None else None


def without_value(written: str, line: int, column: int, *, first: bool) -> Fault:
    """Return what is wrong with a name between commas that has no value; `first` of its brackets: no comma ended it."""
    wide = next(((index, sign) for index, sign in enumerate(written) if sign in "“”，："), None)
    if wide is not None:
        return full_width(line, column + wide[0], wide[1])
    hint = "write a value behind it" if first else "put a text that contains a comma in quotes"
    return Fault(line, column, "a name without a value stands here", hint)


# --- colons --------------------------------------------------------------------------------------------------------


def _second_colon(lines: Sequence[str], trouble: Trouble) -> Fault | None:
    line = lines[trouble.line - 1]
    above = _above(lines, trouble.line)
    first = re.match(rf"\s*(?:- +)?[\"']?{_NAME}[\"']?(:)", line)
    if above and first is not None and first.start(1) + 1 == trouble.column:
        before = lines[above - 1]
        fault = _lone_name(lines, above)
        if fault is not None:
            return fault
        if _key_indent(line) > _key_indent(before):
            return _indented(trouble.line, _indent(line), {_key_indent(before)})
    value = re.search(r": +([“”‘’])", line)
    if value is not None:
        return full_width(trouble.line, value.start(1) + 1, value[1])
    return Fault(
        trouble.line,
        trouble.column,
        "a second colon stands in this line",
        "put a text that contains ': ' in quotes",
    )


def _name_without_value(lines: Sequence[str], trouble: Trouble) -> Fault | None:
    at = trouble.context_line or trouble.line
    fault = _lone_name(lines, at)
    if fault is not None:
        return fault
    parts = unseparated(lines[at - 1], at, 1)
    return parts[1] if parts is not None else None


def _lone_name(lines: Sequence[str], number: int) -> Fault | None:
    """Return what is wrong with a line that was meant to be a name with its colon, and is none."""
    line = lines[number - 1]
    wide = _FULL_COLON.match(line)
    if wide is not None:
        return full_width(number, wide.start(2) + 1, wide[2])
    bare = _BARE_NAME.fullmatch(line)
    if bare is not None:
        return Fault(number, bare.end(1) + 1, "a colon is missing here", "a name ends with a colon")
    return None


# --- brackets and quotes -------------------------------------------------------------------------------------------


def _in_brackets(lines: Sequence[str], trouble: Trouble) -> Fault | None:
    line = lines[trouble.line - 1]
    at = trouble.column - 1
    if line.startswith("{{", at):
        hint = 'put a template such as "{{ name }}" in quotes'
        return Fault(trouble.line, trouble.column, "a template stands here without quotes", hint)
    if line[at : at + 1] in FULL_WIDTH:
        return full_width(trouble.line, trouble.column, line[at])
    first = trouble.context_line or trouble.line
    quote = _unclosed(lines, first, trouble.line)
    if quote is not None:
        return quote
    if "got '<scalar>'" in trouble.problem:
        return _quoted_inside(trouble)
    if first < trouble.line:
        bracket = lines[first - 1][trouble.context_column - 1 : trouble.context_column]
        close = _CLOSING.get(bracket, "}")
        return Fault(
            first, trouble.context_column, "this bracket is never closed", f"put {close} where it ends"
        )
    wide = re.search(r"(，)\s*[A-Za-z_]\w*\s*$", line[:at])
    if wide is not None:
        return full_width(trouble.line, wide.start(1) + 1, wide[1])
    if "got ':'" in trouble.problem:
        hint = "put a text that contains ': ' in quotes"
        return Fault(trouble.line, trouble.column, "a second colon stands in this line", hint)
    return None


def _after_a_quote(lines: Sequence[str], trouble: Trouble) -> Fault:
    return _unclosed(lines, trouble.context_line or trouble.line, trouble.line) or _quoted_inside(trouble)


def _open_quote(line: int, column: int) -> Fault:
    return Fault(line, column, "this quote is never closed", "put the same quote where the text ends")


def _quoted_inside(trouble: Trouble) -> Fault:
    hint = "put the text in quotes of the other kind"
    return Fault(trouble.line, trouble.column, "a quote inside of the text has ended it before this", hint)


def _unclosed(lines: Sequence[str], first: int, last: int) -> Fault | None:
    """Return the first quote in the lines before `last` that its own line does not close."""
    for number in range(first, last):
        opened = _opened(lines[number - 1])
        if opened is not None:
            return _open_quote(number, opened + 1)
    return None


def _opened(line: str) -> int | None:
    """Return where a quoted text begins that does not end in its line; an apostrophe inside of a word is no quote."""
    inside = ""
    at = 0
    before = " "
    for index, sign in enumerate(line):
        if not inside and sign in "\"'" and before in " ,[{:":
            inside, at = sign, index
        elif not inside and sign == "#" and before == " ":
            break
        elif sign == inside and before != "\\":
            inside = ""
        before = sign
    return at if inside else None


# --- indentation ---------------------------------------------------------------------------------------------------


def _indentation(lines: Sequence[str], trouble: Trouble) -> Fault:
    """Return which line does not stand in the column of its neighbours: of two columns, the one with fewer lines."""
    line = lines[trouble.line - 1]
    own, outer = _indent(line), trouble.context_column - 1
    inner = [
        number for number in _upwards(lines, trouble.line, own) if _dashed(lines[number - 1]) == _dashed(line)
    ]
    columns = {_indent(lines[number - 1]) for number in inner}
    deeper = min(columns) if columns else None
    at_deeper = [number for number in inner if _indent(lines[number - 1]) == deeper]
    below = list(_downwards(lines, trouble.line, outer))
    like_own = [number for number in below if _indent(lines[number - 1]) == own]
    if deeper is not None and len(at_deeper) == 1 and like_own:
        return _indented(at_deeper[0], deeper, {own})
    opening = lines[trouble.context_line - 1] if trouble.context_line else line
    possible = {deeper} if deeper is not None else set()
    if not possible or _dashed(opening[outer:]) == _dashed(line):
        possible.add(outer)
    following = _indent(lines[below[0] - 1]) if below else own
    if line.rstrip().endswith(":"):
        following -= 2  # what belongs to this line is indented by two more than it was meant to be
    if following in possible:
        possible = {following}
    nearest = min(abs(column - own) for column in possible)
    return _indented(trouble.line, own, {column for column in possible if abs(column - own) == nearest})


def _indented(number: int, own: int, others: set[int]) -> Fault:
    other = " or ".join(str(column) for column in sorted(others, reverse=True))
    return Fault(
        number,
        own + 1,
        f"this line is indented by {own}, its neighbours by {other}",
        "let lines that belong together begin in the same column",
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _key_indent(line: str) -> int:
    """Return the column, from 0, of the first name: after the dash in an item of a list."""
    found = re.match(r" *(?:- +)*", line)
    return found.end() if found is not None else 0


def _dashed(line: str) -> bool:
    return line.lstrip(" ").startswith("- ")


def _is_blank(line: str) -> bool:
    bare = line.strip()
    return not bare or bare.startswith("#")


def _above(lines: Sequence[str], number: int) -> int:
    """Return the number of the nearest line above that says something, 0 if there is none."""
    return next((above for above in range(number - 1, 0, -1) if not _is_blank(lines[above - 1])), 0)


def _upwards(lines: Sequence[str], number: int, indent: int) -> Iterator[int]:
    """Yield the lines above that are indented by more than `indent`, nearest first, up to one that is not."""
    for above in range(number - 1, 0, -1):
        line = lines[above - 1]
        if not _is_blank(line):
            if _indent(line) <= indent:
                return
            yield above


def _downwards(lines: Sequence[str], number: int, indent: int) -> Iterator[int]:
    """Yield the lines below that are indented by more than `indent`, nearest first, down to one that is not."""
    for below in range(number + 1, len(lines) + 1):
        line = lines[below - 1]
        if not _is_blank(line):
            if _indent(line) <= indent:
                return
            yield below
