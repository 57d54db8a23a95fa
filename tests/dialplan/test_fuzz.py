"""Whatever stands in a file: a dialplan, or a DialplanError. Whatever a caller does: the call ends in order."""

import contextlib
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialplan.fake_line import Act, FakeLine, Keyed, Mumble, Nothing, Said, ScriptEnded
from tests.dialplan.helpers import dialled, findings, loaded
from voicebot.dialplan.line import QueueResult, TransferResult
from voicebot.dialplan.loader import DialplanError, load

ROOT = Path(__file__).parent.parent.parent
SAMPLE = (ROOT / "dialplans" / "examples" / "order_status.yaml").read_text(encoding="utf-8")
TOKENS = re.findall(r"[A-Za-z_]+|\"[^\"]*\"|[\[\]{}:,]|\n *- |\n *|.", SAMPLE)
DEMO = load(ROOT / "dialplans" / "demo.yaml")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(
    st.lists(
        st.tuples(st.integers(0, len(TOKENS) - 1), st.integers(0, len(TOKENS) - 1)), min_size=1, max_size=4
    )
)
def test_a_dialplan_with_tokens_swapped_is_read_or_refused(swaps: list[tuple[int, int]]) -> None:
    tokens = list(TOKENS)
    for one, two in swaps:
        tokens[one] = tokens[two]
    with contextlib.suppress(DialplanError):
        loaded("".join(tokens))


@QUICK
@given(
    st.integers(0, len(TOKENS) - 1),
    st.sampled_from(
        ["", "null", "{}", "[]", "[[]]", "{a: {b: c}}", "1", "1.5", "true", '""', "0123", "\t", '"{{ x }}"']
    ),
)
def test_a_dialplan_with_a_token_replaced_is_read_or_refused(at: int, text: str) -> None:
    for item in findings("".join([*TOKENS[:at], text, *TOKENS[at + 1 :]])):
        assert item.line >= 1
        assert item.code.startswith("VB")


ACTS: st.SearchStrategy[Act] = st.one_of(
    st.just(Nothing()),
    st.just(Mumble()),
    st.text("0123459*#", min_size=1, max_size=6).map(Keyed),
    st.builds(
        Said,
        st.sampled_from(
            [
                "english",
                "opening hours",
                "account balance",
                "lost card",
                "yes",
                "no",
                "operator",
                "help",
                "four seven one one",
            ]
        ),
        st.just("en"),
        st.floats(0, 1),
    ),
    st.builds(Said, st.sampled_from(["中文", "余额", "挂失", "人工", "对", "不是"]), st.just("zh")),
)


@QUICK
@given(st.lists(ACTS, max_size=25))
def test_whatever_a_caller_does_the_demo_ends_in_order(acts: list[Act]) -> None:
    line = FakeLine(
        [*acts, *[Nothing()] * 40],
        queue_results=[QueueResult("timeout"), QueueResult("agent_done")] * 20,
        transfer_results=[TransferResult("busy")] * 20,
    )
    with contextlib.suppress(ScriptEnded):
        assert dialled(DEMO, line) in ("normal", "loop", "transferred", "error")
        assert line.hung_up is not None
    assert not line.acts or line.hung_up  # 40 silences are enough to end any call
