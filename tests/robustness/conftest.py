"""A hotline for each file of tests, and phones that call it."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live.hotline import Hotline, log_on_failure, running
from tests.stories import run
from voicebot.phone import Phone, PhoneCall

DIALPLAN = Path(__file__).parent / "hotline.yaml"
LIMIT = 18.0  # seconds for the story of a test


@pytest.fixture(scope="module")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    with running(Hotline(tmp_path_factory.mktemp("hotline"), DIALPLAN)) as each:
        yield each


@pytest.fixture
def own_hotline(tmp_path: Path) -> Iterator[Callable[..., Hotline]]:
    """Return a maker of hotlines that end with the test."""
    made: list[Hotline] = []

    def make(port: int = 0, **config: Any) -> Hotline:
        made.append(Hotline(tmp_path / f"hotline{len(made)}", DIALPLAN, port=port, config=config))
        return made[-1]

    yield make
    for each in made:
        each.discard()


def play(hotline: Hotline, story: Coroutine[Any, Any, None]) -> None:
    """Run the story of a test; print the server's log if it fails."""
    with log_on_failure(hotline):
        run(story, LIMIT)


@asynccontextmanager
async def calling(hotline: Hotline, caller: str = "tester") -> AsyncIterator[PhoneCall]:
    """Call the hotline; hang up at the end."""
    phone = Phone(user=caller)
    try:
        yield await phone.call(hotline.uri(), timeout=5.0)
    finally:
        await phone.close()


async def is_served(call: PhoneCall) -> None:
    """Check that the call lives: its caller keys 1, is told that the card is blocked, and is hung up."""
    await call.until(lambda: call.watch.speaking, 5.0)
    call.send_keys("1")
    assert await call.ended(10.0), "the hotline does not hang up after its goodbye"
    assert call.ended_by_peer
