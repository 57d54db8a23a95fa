"""Small dialplans to simulate."""

from pathlib import Path

from voicebot.dialplan.loader import load
from voicebot.dialplan.schema import Dialplan

HERE = Path(__file__).parent
DEMO = HERE.parent.parent / "dialplans" / "demo.yaml"
SERVICE = HERE / "service.yaml"

HEAD = """\
dialplan: 1
hotline: {name: t, languages: [en], timezone: Asia/Shanghai, start: main}
services: {core: {base_url: "http://127.0.0.1:1", timeout: 20s}}
queues: {agents: {ring_timeout: 15s, max_wait: 2m, join_empty: true}}
handlers:
  noinput: [{count: 1, reprompt: full}, {count: 2, goto: bye}]
  nomatch: [{count: 1, reprompt: full}, {count: 2, goto: bye}]
  error: [{say: "Sorry, trouble.", goto: bye}]
flows:
  bye:
    - say: "Goodbye."
    - hangup: normal
  main:
"""


def written(folder: Path, text: str) -> Dialplan:
    """Return the dialplan of HEAD and `text`, which goes on in the flow `main`."""
    path = folder / "main.yaml"
    path.write_text(HEAD + text, "utf-8")
    return load(path)
