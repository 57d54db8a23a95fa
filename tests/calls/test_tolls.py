"""What is dialled at our expense has a limit per caller and one in all, anew each day."""

import datetime
from pathlib import Path

from tests.calls.server import AGENT, Server, play
from voicebot.calls.call import Call
from voicebot.calls.tolls import Tolls

TODAY = datetime.date(2026, 11, 24)


def test_a_caller_may_be_transferred_so_often_a_day() -> None:
    tolls = Tolls(per_caller=2, in_all=100)
    assert [bool(tolls.problem("6001", TODAY, f"call-{number}")) for number in range(3)] == [
        False,
        False,
        True,
    ]
    assert "per_caller" in tolls.problem("6001", TODAY, "call-4")
    assert tolls.problem("6002", TODAY, "call-5") == ""
    assert tolls.problem("6001", TODAY + datetime.timedelta(days=1), "call-6") == ""


def test_a_number_that_is_looked_at_twice_in_a_call_counts_once() -> None:
    tolls = Tolls(per_caller=1, in_all=100)
    assert [tolls.problem("6001", TODAY, "call-1 sip:1@pbx") for _ in range(3)] == [""] * 3
    assert tolls.problem("6001", TODAY, "call-1 sip:2@pbx")


def test_callers_without_a_number_do_not_use_up_each_others_share() -> None:
    tolls = Tolls(per_caller=2, in_all=10)
    names = ["anonymous", "Anonymous", "Restricted", "", "unknown"] * 2
    assert [tolls.problem(name, TODAY, f"call-{number}") for number, name in enumerate(names)] == [""] * 10
    assert tolls.problem("anonymous", TODAY, "call-10")


def test_callers_with_ever_new_numbers_reach_the_limit_of_the_day() -> None:
    tolls = Tolls(per_caller=2, in_all=10)
    problems = [tolls.problem(f"spoofed-{number}", TODAY, f"call-{number}") for number in range(20)]
    assert problems[:10] == [""] * 10
    assert all("dialled_per_day" in problem for problem in problems[10:])


def test_a_restart_does_not_begin_anew() -> None:
    kept: dict[str, int] = {}
    before = Tolls(per_caller=2, in_all=4, on_count=lambda day, caller, count: kept.update({caller: count}))
    for number, caller in enumerate(("6001", "6001", "anonymous")):
        assert before.problem(caller, TODAY, f"call-{number}") == ""
    assert kept == {"6001": 2, "anonymous": 1}

    after = Tolls(per_caller=2, in_all=4)
    after.restore(TODAY, kept)
    assert "per_caller" in after.problem("6001", TODAY, "call-7")
    assert after.problem("6002", TODAY, "call-8") == ""
    assert "dialled_per_day" in after.problem("6003", TODAY, "call-9")
    assert after.problem("6001", TODAY + datetime.timedelta(days=1), "call-10") == ""


def test_what_was_dialled_yesterday_counts_no_more_after_a_restart() -> None:
    tolls = Tolls(per_caller=1, in_all=1)
    tolls.restore(TODAY - datetime.timedelta(days=1), {"6001": 1})
    assert tolls.problem("6001", TODAY, "call-1") == ""


def test_a_callback_that_waits_is_looked_at_without_being_counted(tmp_path: Path) -> None:
    """Each restart looks at all that are booked: that must not use up the limits of the day."""

    async def story(server: Server) -> None:
        counted: list[str] = []

        def dialled(_call: Call, to: str) -> str:
            counted.append(to)
            return to

        server.exchange.resolve, server.exchange.gate = dialled, lambda _call, to: to
        call, uri = Call("a", "100", "700", server.store), f"sip:6001@{AGENT.host_port}"
        await server.exchange.check(call, uri)
        assert counted == []
        assert server.exchange.target(call, uri) == uri
        assert counted == [uri]

    play(tmp_path, story)
