"""Stories in real time, with an end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LIMIT = 10.0  # seconds


def run(story: Coroutine[Any, Any, T], limit: float = LIMIT) -> T:
    """Run a story to its end; return what it does. Raises TimeoutError after `limit` seconds."""

    async def within() -> T:
        async with asyncio.timeout(limit):
            return await story

    return asyncio.run(within())
