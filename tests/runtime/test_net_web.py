"""Web services of a dialplan, against a small HTTP server on loopback."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from voicebot.dialplan.line import FetchRequest, FetchResult
from voicebot.dialplan.loader import load
from voicebot.dialplan.schema import Service
from voicebot.dialplan.source import Position
from voicebot.runtime.net.web import MAX_BODY, ServiceError, WebServices

HERE = Position("test.yaml", 1, 1)
Answer = Callable[[str], bytes]


def service(base_url: str, **options: Any) -> Service:
    return Service(name="core", position=HERE, base_url=base_url, timeout=1.0, **options)


def response(status: str, body: bytes, headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n".encode()
        + body
    )


def ask(answer: Answer, request: FetchRequest, **options: Any) -> tuple[FetchResult, list[str]]:
    """Return the result of one request, and the requests as the server saw them."""
    seen: list[str] = []
    finished = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lengths = [line for line in head.splitlines() if line.lower().startswith("content-length")]
            body = await reader.readexactly(int(lengths[0].split(":")[1]) if lengths else 0)
            seen.append(head + body.decode())
            if (reply := answer(head)) == b"never":
                await reader.read()  # until the client has gone
            writer.write(reply)
            await writer.drain()
        finally:
            writer.close()
            finished.set()

    async def story() -> FetchResult:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        services = WebServices({"core": service(f"http://127.0.0.1:{port}/v1", **options)}, {"TOKEN": "t0k"})
        try:
            return await services.fetch(request)
        finally:
            await services.close()
            await finished.wait()
            server.close()
            await asyncio.sleep(0)

    return _run(story()), seen


def _run(story: Coroutine[Any, Any, FetchResult]) -> FetchResult:
    return asyncio.run(story)


def get(path: str = "/balance", **options: Any) -> FetchRequest:
    return FetchRequest("flow.1", "core", "GET", path, **options)


def test_a_json_answer_comes_back_with_auth_and_query_sent() -> None:
    result, seen = ask(
        lambda head: response("200 OK", b'{"balance": 12.5}'),
        get(query={"card": "88 42"}),
        auth={"bearer": "${TOKEN}"},
    )
    assert result == FetchResult(200, {"balance": 12.5})
    assert seen[0].startswith("GET /v1/balance?card=88")
    assert "Authorization: Bearer t0k" in seen[0]


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        ('{bearer: "${TOKEN}"}', "Bearer t0k"),
        ('{basic: {user: me, password: "${TOKEN}"}}', f"Basic {base64.b64encode(b'me:t0k').decode()}"),
    ],
)
def test_the_auth_of_a_dialplan_is_sent_as_it_is_written(auth: str, sent: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(
        "dialplan: 1\nhotline: {name: shop, languages: [en], timezone: Europe/Berlin, start: main}\n"
        f'services: {{core: {{base_url: "https://shop.example.com", auth: {auth}}}}}\n'
        "flows: {main: [{hangup: {}}]}\n",
        "utf-8",
    )
    written = load(file).services["core"].auth
    _, seen = ask(lambda head: response("200 OK", b"{}"), get(), auth=written)
    assert f"Authorization: {sent}\r\n" in seen[0]


def test_a_post_carries_its_json() -> None:
    request = FetchRequest("flow.1", "core", "POST", "/cards", json={"card": "8842"})
    _, seen = ask(lambda head: response("201 Created", b""), request)
    assert json.loads(seen[0].split("\r\n\r\n")[1]) == {"card": "8842"}


def test_a_redirect_is_not_followed() -> None:
    result, seen = ask(lambda head: response("302 Found", b"", "Location: http://127.0.0.1:1/\r\n"), get())
    assert (result.status, len(seen)) == (302, 1)


def test_a_path_cannot_leave_the_base() -> None:
    _, seen = ask(lambda head: response("200 OK", b"{}"), get("/../../admin?x=1#y"))
    assert seen[0].startswith("GET /v1/admin%3Fx%3D1%23y ")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response("200 OK", b"<html>"), "not_json"),
        (response("200 OK", b'"' + b"x" * MAX_BODY + b'"'), "too_large"),
        (b"garbage\r\n\r\n", "unreachable"),
        (b"never", "timeout"),
    ],
)
def test_an_unusable_answer_has_its_kind(answer: bytes, kind: str) -> None:
    result, _ = ask(lambda head: answer, get(timeout=0.3))
    assert result.kind == kind


def test_only_get_is_tried_again() -> None:
    def broken(head: str) -> bytes:
        return response("503 Service Unavailable", b"")

    assert len(ask(broken, get(), retries=2)[1]) == 3
    assert len(ask(broken, FetchRequest("flow.1", "core", "POST", "/x"), retries=2)[1]) == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"base_url": "https://${HOST}/"}, "HOST is not set"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"base_url": "https://example.com", "auth": {"token": "x"}}, "bearer"),
    ],
)
def test_a_service_that_cannot_work_is_told_at_start(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ServiceError, match=problem):
        WebServices({"core": service(**options)}, {})
