"""Writes docs/findings: a page for each code, and their index."""

import sys
from pathlib import Path

from voicebot.dialplan.findings.catalogue import HANDLERS, HEAD, Page, pages

FOLDER = Path("docs") / "findings"


def page_text(page: Page) -> str:
    """Return a page as Markdown."""
    parts = [f"# {page.code}: {page.title}", page.chinese, f"Severity: {page.severity}.", page.text]
    if page.wrong:
        parts += ["Wrong:", f"```yaml\n{page.wrong}```", "Right:", f"```yaml\n{page.right}```"]
    return "\n\n".join(parts) + "\n"


def index_text() -> str:
    """Return the index as Markdown."""
    rows = [
        f"| [{page.code}]({page.code}.md) | {page.severity} | {page.title} |" for page in pages().values()
    ]
    return "\n".join(
        [
            "# What `voicebot check` finds",
            "",
            "Codes are stable. An error keeps a dialplan from being served; a warning tells of something that callers will",
            "meet; info is for your attention and changes no exit code. The examples are parts of a dialplan; around them",
            "stand, unless they have their own:",
            "",
            f"```yaml\n{HEAD}{HANDLERS}```",
            "",
            "and a flow `bye` that hangs up.",
            "",
            "| code | severity | |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def files() -> dict[str, str]:
    """Return the text of each file of the folder, by its name."""
    return {"README.md": index_text()} | {f"{code}.md": page_text(page) for code, page in pages().items()}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
