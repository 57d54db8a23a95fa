"""`voicebot test --wire`: a call that did not come about is never as it was expected."""

from pathlib import Path

import pytest

from tests.stories import run
from voicebot.cli.wire import _call
from voicebot.dialplan.loader import load
from voicebot.phone.errors import CallFailed
from voicebot.sim.runner import Verdict
from voicebot.storage import CallRecord

DIALPLAN = """\
dialplan: 1
hotline: {name: shop, languages: [en], start: main}
flows:
  main: [{say: Welcome.}, {hangup: normal}]
tests:
  - {name: nothing bad is said, caller: silence, expect: {not_heard: closed}}
"""


class Call:
    """What the phone has of a call: one that is refused, or hung up by the server at once."""

    over = True

    def __init__(self, status: int) -> None:
        self._status = status

    async def answered(self, _within: float) -> None:
        if self._status != 200:
            raise CallFailed(self._status, "so it is")

    async def ended(self, _within: float) -> None: ...

    async def hang_up(self) -> None: ...

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"{name} of a call that is over")


class Phone:
    user = "caller"

    def __init__(self, status: int) -> None:
        self._status = status

    async def dial(self, _uri: str, **_who: object) -> Call:
        return Call(self._status)


class NoRecords:
    async def of(self, _caller: str) -> CallRecord | None:
        return None


@pytest.mark.parametrize(
    ("status", "problem"),
    [(406, "the call was not answered: 406 so it is"), (200, "the server wrote no record of the call")],
)
def test_a_call_without_an_answer_or_a_record_fails(tmp_path: Path, status: int, problem: str) -> None:
    (tmp_path / "shop.yaml").write_text(DIALPLAN, "utf-8")
    test = load(tmp_path / "shop.yaml").tests[0]

    async def story() -> Verdict:
        return await _call(Phone(status), "sip:700@127.0.0.1", test, None, NoRecords())  # type: ignore[arg-type]

    verdict = run(story())
    assert not verdict.passed
    assert problem in verdict.failures[0]
