"""control.sock: one JSON object a line; nobody who speaks to it can harm the server, or another client."""

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicebot.runtime.control import socket as control
from voicebot.runtime.control.socket import NAME, ControlError, ControlSocket, ask, short_path


async def echo(request: Mapping[str, Any]) -> Mapping[str, object]:
    return {"said": request.get("say")}


async def refuse(request: Mapping[str, Any]) -> Mapping[str, object]:
    raise ControlError("not today")


async def explode(request: Mapping[str, Any]) -> Mapping[str, object]:
    raise RuntimeError("secret")


async def much(request: Mapping[str, Any]) -> Mapping[str, object]:
    return {"much": "x" * 8_000_000}


COMMANDS = {"echo": echo, "refuse": refuse, "explode": explode, "much": much}


def listening(folder: Path, story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        ours = ControlSocket(folder, COMMANDS)
        await ours.open()
        try:
            await story()
        finally:
            await ours.close()
        assert not (folder / NAME).exists()

    asyncio.run(whole())


async def exchange(folder: Path, sent: bytes) -> bytes:
    """Send, and return what comes back until the server or our side is done."""
    reader, writer = await asyncio.open_unix_connection(str(folder / NAME))
    writer.write(sent)
    writer.write_eof()
    got = await asyncio.wait_for(reader.read(), 5.0)
    writer.close()
    return got


def test_commands_are_answered_in_order_on_one_connection(tmp_path: Path) -> None:
    async def story() -> None:
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
        got = await exchange(
            tmp_path, b'{"command": "echo", "say": 1}\n{"command": "echo", "say": "\xe4\xbd\xa0"}\n'
        )
        assert [json.loads(line) for line in got.splitlines()] == [
            {"ok": True, "said": 1},
            {"ok": True, "said": "你"},
        ]
        answer = await asyncio.to_thread(ask, tmp_path, {"command": "echo", "say": 2}, 5.0)
        assert answer == {"ok": True, "said": 2}

    listening(tmp_path, story)


def test_failures_are_answers_and_tell_nothing_of_the_inside(tmp_path: Path) -> None:
    async def story() -> None:
        lines = b'{"command": "refuse"}\n{"command": "explode"}\n{"command": "none"}\n[1]\nnonsense\n'
        told = [json.loads(line) for line in (await exchange(tmp_path, lines)).splitlines()]
        assert [item["ok"] for item in told] == [False] * 5
        assert told[0]["error"] == "not today"
        assert "secret" not in told[1]["error"]
        assert "known commands are echo" in told[2]["error"]

    listening(tmp_path, story)


def test_line_that_is_too_long_is_answered_and_ends_the_connection(tmp_path: Path) -> None:
    async def story() -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
        writer.write(b"x" * (control.LONGEST_REQUEST + 10))
        told = json.loads(await asyncio.wait_for(reader.readline(), 5.0))
        assert not told["ok"]
        assert "at most" in told["error"]
        writer.close()
        assert (await asyncio.to_thread(ask, tmp_path, {"command": "echo"}, 5.0))["ok"]

    listening(tmp_path, story)


def test_clients_that_do_not_read_are_left_and_others_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "READS_WITHIN", 0.1)

    async def story() -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME), limit=1)
        writer.write(b'{"command": "much"}\n')
        assert (await asyncio.to_thread(ask, tmp_path, {"command": "echo"}, 5.0))["ok"]
        await asyncio.sleep(0.3)  # longer than the server waits
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(8_000_000), 5.0)
        writer.close()

    listening(tmp_path, story)


def test_no_more_clients_than_there_is_room_for(tmp_path: Path) -> None:
    async def story() -> None:
        held = [await asyncio.open_unix_connection(str(tmp_path / NAME)) for _ in range(control.MOST_CLIENTS)]
        for reader, writer in held:
            writer.write(b'{"command": "echo"}\n')
            assert await asyncio.wait_for(reader.readline(), 5.0)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
        assert await asyncio.wait_for(reader.read(), 5.0) == b""
        writer.close()
        for _, writer in held:
            writer.close()

    listening(tmp_path, story)


def test_socket_of_a_dead_server_is_replaced_and_a_living_ones_is_not(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / NAME))

    async def story() -> None:
        with pytest.raises(ControlError, match="another server"):
            await ControlSocket(tmp_path, COMMANDS).open()
        assert (await asyncio.to_thread(ask, tmp_path, {"command": "echo"}, 5.0))["ok"]

    listening(tmp_path, story)
    with pytest.raises(ControlError, match="no server runs"):
        ask(tmp_path, {"command": "echo"}, 1.0)


def test_data_folder_may_have_a_long_name(tmp_path: Path) -> None:
    """sockaddr_un has room for 107 bytes."""
    folder = tmp_path / ("d" * 100)
    folder.mkdir()
    with short_path(folder) as path:
        assert len(os.fsencode(path)) < 108

    async def story() -> None:
        assert (await asyncio.to_thread(ask, folder, {"command": "echo"}, 5.0))["ok"]

    listening(folder, story)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_is_sent_is_answered_with_json_or_not_at_all(tmp_path: Path, sent: bytes) -> None:
    async def story() -> None:
        for line in (await exchange(tmp_path, sent + b"\n")).splitlines():
            assert json.loads(line)["ok"] is False

    listening(tmp_path, story)
