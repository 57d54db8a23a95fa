"""Requests of a dialplan to its declared services, with httpx.

Only services that the dialplan declares are asked, at their own base URL: redirects are not followed, TLS is verified,
an answer is at most MAX_BODY long and must be JSON. Nothing of a request or an answer is logged but its outcome.
"""

import asyncio
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from voicebot.dialplan.line import FetchRequest, FetchResult
from voicebot.dialplan.schema import RETRY_AFTER, Service

MAX_BODY = 256 * 1024  # bytes
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ServiceError(Exception):
    """A service cannot be set up; the text is one line for the person who can mend it."""


@dataclass(frozen=True, slots=True)
class _Known:
    base: httpx.URL
    headers: Mapping[str, str]
    auth: httpx.Auth | None
    service: Service


class WebServices:
    """The services of one dialplan; implements `calls.protocols.Services`."""

    def __init__(self, services: Mapping[str, Service], environment: Mapping[str, str]) -> None:
        """Fill `${NAME}` in from `environment`. Raises ServiceError, naming the service and the variable."""
        self._known = {name: _known(service, environment) for name, service in services.items()}
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, request: FetchRequest) -> FetchResult:
        """See `dialplan.line.Line.fetch`."""
        service = self._known.get(request.service)
        if service is None:
            return FetchResult(0, kind="unreachable")
        result = FetchResult(0, kind="unreachable")
        for attempt in range(service.service.attempts(request.method)):
            if attempt:
                await asyncio.sleep(RETRY_AFTER)
            result = await self._once(service, request)
            if result.kind not in ("unreachable", "timeout") and result.status < 500:
                break
        return result

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _once(self, service: _Known, request: FetchRequest) -> FetchResult:
        if (
            self._client is None
        ):  # made late: reading the certificates takes 50 ms, and most dialplans need none
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False)
        path = request.path.lstrip("/")
        url = service.base.copy_with(raw_path=service.base.raw_path.rstrip(b"/") + b"/" + _quoted(path))
        limit = service.service.timeout if request.timeout is None else request.timeout
        try:
            async with (
                asyncio.timeout(limit),
                self._client.stream(
                    request.method,
                    url,
                    params=dict(request.query) or None,
                    json=request.json,
                    headers=dict(service.headers),
                    auth=service.auth,
                    timeout=limit,
                ) as response,
            ):
                return await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            return FetchResult(0, kind="timeout")
        except (httpx.HTTPError, httpx.InvalidURL):
            return FetchResult(0, kind="unreachable")


async def _read(response: httpx.Response) -> FetchResult:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_BODY:
            return FetchResult(response.status_code, kind="too_large")
    if not body or not 200 <= response.status_code < 300:
        return FetchResult(response.status_code)
    try:
        return FetchResult(response.status_code, json.loads(body))
    except ValueError:
        return FetchResult(response.status_code, kind="not_json")


def _quoted(path: str) -> bytes:
    """Return a rendered path as it travels; it cannot leave the service's base (no `..`, no scheme, no query)."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return "/".join(urllib.parse.quote(part, safe="") for part in parts).encode()


def _known(service: Service, environment: Mapping[str, str]) -> _Known:
    def fill(text: str) -> str:
        missing = [name for name in _REFERENCE.findall(text) if name not in environment]
        if missing:
            raise ServiceError(
                f"{service.position}: service {service.name}: the variable {missing[0]} is not set"
            )
        return _REFERENCE.sub(lambda match: environment[match[1]], text)

    try:
        base = httpx.URL(fill(service.base_url))
    except httpx.InvalidURL as error:
        raise ServiceError(f"{service.position}: service {service.name}: base_url is no URL") from error
    if base.scheme not in ("http", "https") or not base.host:
        raise ServiceError(
            f"{service.position}: service {service.name}: base_url must begin with https:// or http://"
        )
    headers = {name: fill(value) for name, value in (service.headers or {}).items()}
    auth: httpx.Auth | None = None
    wanted = service.auth or {}
    if "bearer" in wanted:
        headers["Authorization"] = f"Bearer {fill(str(wanted['bearer']))}"
    elif "basic" in wanted and isinstance(wanted["basic"], Mapping):
        basic = wanted["basic"]
        auth = httpx.BasicAuth(fill(str(basic.get("user", ""))), fill(str(basic.get("password", ""))))
    elif wanted:
        raise ServiceError(
            f"{service.position}: service {service.name}: auth is bearer: TOKEN or basic: {{user, password}}"
        )
    return _Known(base, headers, auth, service)
