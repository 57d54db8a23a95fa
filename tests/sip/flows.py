"""What the flows are made of whose messages get lost, come twice or overtake each other (test_loss.py).

A flow is one function: what the sides do up to the last message; `yield`, while all that is under way arrives or is sent
again; then what both must have been told, whatever happened on the way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.sip.harness import ANSWER, OFFER, Pair, accept, answer, ring
from voicebot.sip import Answered, Credentials, Established, IncomingCall, Offer, Realm

REALM = Realm("lab", {"alice": "secret"})
ALICE = Credentials("alice", "secret")
SETTLED = 400.0  # seconds after which nothing of a call that is over is left
Story = Callable[[Pair], Iterator[None]]


@dataclass(frozen=True)
class Flow:
    story: Story
    options: dict[str, Any]  # of its Pair

    def play(self, **network: Any) -> Pair:
        """Play it with what the network does (`lose`, `copies`, `delays` of a Pair); return the pair, all checked."""
        pair = Pair(accept_refer=True, **self.options, **network)
        with contextmanager(self.story)(pair):
            pair.run(SETTLED)
        pair.assert_nothing_held()
        return pair


class Flows(dict[str, Flow]):
    """Flows by their names."""

    def add(self, **options: Any) -> Callable[[Story], Story]:
        def note(story: Story) -> Story:
            self[story.__name__] = Flow(story, options)
            return story

        return note


def answering(pair: Pair) -> None:
    """The callee rings and answers; both sides take every change of the session."""
    pair.callee.on(IncomingCall, ring(), accept())
    pair.callee.on(Offer, answer(ANSWER))
    pair.caller.on(Offer, answer(OFFER))


def standing(pair: Pair, credentials: Credentials | None = None) -> tuple[int, int]:
    """Let a call stand; return the caller's session and the callee's."""
    answering(pair)
    call = pair.call(credentials=credentials)
    pair.run(40)
    return call, pair.callee.one(IncomingCall).session


def both_established(pair: Pair) -> None:
    assert pair.caller.one(Answered).sdp == ANSWER
    pair.callee.one(Established)
