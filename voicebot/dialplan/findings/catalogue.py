"""Every code of the checker: what it is about, in English and Chinese, with a wrong and a right example.

The pages of docs/findings are written from here (`python -m voicebot.dialplan.findings.pages`), and the examples are tests.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from voicebot.dialplan.source import Severity

EXAMPLES = Path(__file__).parent / "examples.md"

HEAD = "dialplan: 1\nhotline: {name: example, languages: [en], timezone: UTC, start: main}\n"
HANDLERS = (
    "handlers: {noinput: [{count: 2, goto: bye}], nomatch: [{count: 2, goto: bye}], error: [{goto: bye}]}\n"
)
BYE = "  bye:\n    - hangup: {}\n"
MAIN = "  main:\n    - hangup: {}\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One code. `wrong` and `right` are parts of a dialplan, "" where a file cannot be shown."""

    code: str
    severity: Severity
    title: str
    chinese: str
    text: str
    wrong: str = ""
    right: str = ""


@lru_cache(maxsize=1)
def pages() -> dict[str, Page]:
    """Return the pages by code, in the order of the codes."""
    found: dict[str, Page] = {}
    for block in EXAMPLES.read_text(encoding="utf-8").split("\n## ")[1:]:
        page = _page(block)
        found[page.code] = page
    return dict(sorted(found.items()))


def _page(block: str) -> Page:
    head, _, rest = block.partition("\n")
    code, severity, title, chinese = (part.strip() for part in head.split("|"))
    if severity not in ("error", "warning", "info"):
        raise ValueError(f"{code}: {severity} is no severity")
    text, *examples = rest.split("```yaml\n")
    wrong, right = (example.split("```")[0] for example in examples) if examples else ("", "")
    level: Severity = "error" if severity == "error" else "warning" if severity == "warning" else "info"
    return Page(code, level, title, chinese, " ".join(text.split()), wrong, right)


def whole(part: str) -> str:
    """Return an example as a whole dialplan: what it leaves out is put around it."""
    if part.startswith("dialplan:"):
        return part
    if "flows:\n" in part:
        text = part.replace("flows:\n", "flows:\n" + ("" if "  bye:" in part else BYE), 1)
    else:
        text = part + "flows:\n" + MAIN + BYE
    return HEAD + ("" if "handlers:" in part else HANDLERS) + text
