"""Who cannot be called or transferred for want of a password: told apart for the author, and for whoever reads the log."""

import asyncio
import random
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.calls.office import BRANCH, QUEUE, Office, to_branch, told
from tests.calls.server import Server, play
from voicebot.sip import Credentials, Endpoint, Realm
from voicebot.sip.digest import ServerAuthentication

REALM = Realm("pbx", {"bot": "right"})


@pytest.mark.parametrize(
    ("password", "why", "words"),
    [
        (None, "no_credentials", "has none"),
        ("wrong", "credentials_refused", "does not take"),
        ("right", "tries_exhausted", "kept asking"),
    ],
)
def test_the_reason_is_told_to_the_dialplan_and_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str | None, why: str, words: str
) -> None:
    """`tries_exhausted`: a target to whom every nonce has grown old by the time that it comes back."""
    monkeypatch.setattr(ServerAuthentication, "_fresh", lambda *_: False)

    async def story(server: Server) -> None:
        office = Office(server)
        office.branch.endpoint = Endpoint(
            rng=random.Random(4),
            user_agent="test",
            contact=office.branch.address,
            authenticate=lambda request, source: REALM,
        )
        if password is not None:
            ours = server.end.endpoint
            monkeypatch.setattr(
                ours, "invite", partial(ours.invite, credentials=Credentials("bot", password))
            )
        call = office.pbx.call()
        await asyncio.sleep(8.0)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    with capture_logs() as lines:
        server = play(tmp_path, story, dialplan=to_branch("bridge"))
    (end,) = told(server, "transfer_exit")
    assert (end["exit"], end["status"], end["reason"]) == ("auth_failed", 401, why)
    [line] = [line for line in lines if line["log_level"] == "warning"]
    assert (line["call"], line["peer"], line["why"]) == ("call-1", BRANCH.host, why)
    assert words in line["event"]


def test_an_agent_who_is_not_rung_for_want_of_a_password_is_told_so_in_the_timeline(tmp_path: Path) -> None:
    async def story(server: Server) -> None:
        office = Office(server)
        office.agent.endpoint = Endpoint(
            rng=random.Random(4),
            user_agent="test",
            contact=office.agent.address,
            authenticate=lambda request, source: REALM,
        )
        call = office.pbx.call()
        await asyncio.sleep(8.0)
        office.pbx.bye(call)
        await asyncio.sleep(1.0)

    missed = told(play(tmp_path, story, dialplan=QUEUE), "agent_missed")[0]
    assert (missed["cause"], missed["status"], missed["reason"]) == ("auth_failed", 401, "no_credentials")
