"""The configurations of docs/pbx, taken out of the pages as they stand there.

A block's info string says which file it is (a part of): ```ini pjsip.conf trunk. The pages' addresses, 192.0.2.0/24, are read as a
loopback network, and the folders below /etc as the test's; nothing else is changed.
"""

import re
from pathlib import Path

from tests.interop.conftest import DIALPLAN
from tests.live.hotline import ROOT, Hotline

PAGES = ROOT / "docs" / "pbx"
NETWORK = "127.0.71."
_BLOCK = re.compile(r"^```\w+ (\S+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Page:
    """One page. `folders`: what /etc/NAME is in the test."""

    def __init__(self, name: str, folders: dict[str, Path]) -> None:
        self._blocks = _BLOCK.findall((PAGES / name).read_text("utf-8"))
        self._folders = folders

    def file(self, name: str, *parts: str) -> str:
        """Return a file's text: its blocks without a part, and those of `parts`, in the order of the page."""
        found = [text for file, part, text in self._blocks if file == name and part in ("", *parts)]
        assert found, name
        text = "\n".join(found).replace("192.0.2.", NETWORK)
        for folder, path in self._folders.items():
            text = text.replace(f"/etc/{folder}", str(path))
        return text


class PageHotline(Hotline):
    """A server whose config.yaml is a page's; its dialplan is one of the other tests', with the page's agent."""

    def __init__(self, folder: Path, text: str, host: str, dialplan: Path = DIALPLAN) -> None:
        super().__init__(folder, folder / "main.yaml", port=5060)
        self._host = host
        self.config.write_text(text, "utf-8")
        flows = dialplan.read_text("utf-8").replace("agents: [one]", "agents: [alice]")
        (folder / "main.yaml").write_text(flows, "utf-8")

    def uri(self, user: str = "700") -> str:
        return f"sip:{user}@{self._host}"

    def answers(self) -> bool:
        """To its PBX alone: for the test it is silent, like for any stranger."""
        return True
