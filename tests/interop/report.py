"""What the run found: the table of docs/interop.md."""

import datetime
import os
import platform
import re
from collections.abc import Callable

import pytest

_HEAD = """# Interoperability

Which telephones and telephone systems have been called, and what worked. Written by `make interop`, which runs on Debian 12
as root and installs the peers itself. Each line is a test in `tests/interop/`.
"""

_WORKS, _NOT_RUN = "works", "not run"
_ROW = re.compile(r"^\| *(?:\*\*(\S+)[^|]*)?\| (.+) \| (.+) \|$", re.MULTILINE)
_NOTES = """## Good to know about the peers

- `media.srtp: optional` (the default) offers keys on RTP/AVP. Asterisk without encryption, pyVoIP, SIPp, Linphone and baresip take
  such an offer and answer without keys; Asterisk with `media_encryption=sdes` answers with one.
- Keys that are sent as tones in the audio are not understood: set the peer to RFC 4733 (`dtmf_mode=rfc4733`) or INFO.
- Asterisk tells by NOTIFY how a blind transfer goes, but has let go of our call when it begins: a caller whose target is busy or never answers does
  not come back. A packet of audio that passes in that moment counts for it as an answer: then it says 200. Whoever wants the caller back uses
  `mode: attended` or a bridge.
- Asterisk reports an attended transfer as done before it has moved the call: a BYE of ours at that moment ended what it moved, and once
  Asterisk itself. It ends the replaced call; we only when it does not.
- pyVoIP loses a 200 that no 100 or 180 came before.
- baresip 1.0 repeats a REGISTER with a wrong password at once and for ever. After ten in a minute it gets no answer.
- pyVoIP 1.6 is a telephone for UDP, G.711 and 8-bit audio, at a registrar alone. It answers challenges without `qop`, acknowledges with
  a To tag of its own making, a second late, and cannot send keys.
- Linphone without a sound card cannot record: that it is sent the prompt is seen on the wire.
"""


def features_of(peer: str, page: str = "") -> Callable[..., pytest.MarkDecorator]:
    """Return the marker of tests that stand for a peer's lines of the table: its name, and what it says if it passes.

    `page`: of docs/pbx, which the tests follow.
    """
    of_page = f"docs/pbx/{page} word for word: " if page else ""

    def feature(name: str, means: str = _WORKS) -> pytest.MarkDecorator:
        return pytest.mark.feature(peer, of_page + name, means=means)

    return feature


class Report:
    """Collects the outcome of each test that has a `feature` marker, the peers' versions, and figures."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._results: dict[str, dict[str, str]] = {}
        self._figures: list[tuple[str, str]] = []
        self.ended: set[str] = set()  # the tests that were run to their end, or skipped

    def version(self, peer: str, version: str) -> None:
        self._versions[peer] = version

    def figure(self, name: str, value: str) -> None:
        """Note something measured, and print it."""
        print(f"\n{name}: {value}")
        self._figures.append((name, value))

    def take(self, item: pytest.Item, outcome: pytest.TestReport) -> None:
        if outcome.when != "call" and outcome.passed:
            return
        self.ended.add(item.nodeid)
        marker = item.get_closest_marker("feature")
        if marker is None:
            return
        peer, name = marker.args
        if outcome.skipped:
            reason = outcome.longrepr[2] if isinstance(outcome.longrepr, tuple) else ""
            word = f"{_NOT_RUN}: {reason.removeprefix('Skipped: ')}"
        elif outcome.passed:
            word = marker.kwargs.get("means", _WORKS)
        else:
            word = "**does not work**"
        lines = self._results.setdefault(peer, {})
        if lines.get(name, _WORKS) == _WORKS:  # several tests may stand for one line: the worst counts
            lines[name] = word

    def table(self) -> list[str]:
        """Return peer x feature, as lines of Markdown; the peer is named where its lines begin."""
        lines = ["| peer | feature | result |", "|---|---|---|"]
        for peer in sorted(self._results, key=str.lower):
            title = " ".join(["**" + peer, self._versions.get(peer, "")]).rstrip() + "**"
            for name, word in self._results[peer].items():
                lines.append(f"| {title} | {name} | {word} |")
                title = ""
        return lines

    def lost(self, old: str) -> list[str]:
        """Return the features that a document tells something of and this run does not, since a peer was not there."""
        known, peer = set(), ""
        for name, feature, word in _ROW.findall(old):
            peer = name.rstrip("*") or peer
            if not word.startswith(_NOT_RUN):
                known.add((peer, feature))
        return [
            f"{peer}: {feature}"
            for peer, lines in self._results.items()
            for feature, word in lines.items()
            if word.startswith(_NOT_RUN) and (peer, feature) in known
        ]

    def text(self) -> str:
        """Return the document."""
        lines = [_HEAD, f"Last run: {datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {_machine()}.", ""]
        lines += self.table()
        lines.append("")
        if self._figures:
            lines += ["## Figures", "", "| measured | value |", "|---|---|"]
            lines += [f"| {name} | {value} |" for name, value in self._figures]
            lines.append("")
        lines.append(_NOTES)
        return "\n".join(lines)


def _machine() -> str:
    return f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
