"""Queues of dialplans as the ACD knows them."""

from collections.abc import Iterable

from voicebot.acd import QueueSpec, Relaxation
from voicebot.dialplan.schema import Dialplan


def queue_specs(dialplans: Iterable[Dialplan]) -> Iterable[QueueSpec]:
    """Return the queues of all dialplans as the ACD knows them; one name is one queue."""
    for dialplan in dialplans:
        for queue in dialplan.queues.values():
            yield QueueSpec(
                queue.name,
                strategy=queue.strategy,
                agents=queue.agents,
                prefer=queue.prefer,
                relax=tuple(Relaxation(relax.after, relax.drop) for relax in queue.relax),
                priority=queue.priority,
                max_wait=queue.max_wait,
                max_length=queue.max_length,
                join_empty=queue.join_empty,
                wrap_up=queue.wrap_up,
                ring_timeout=queue.ring_timeout,
                ageing=queue.ageing,
                sticky=bool(queue.sticky),
            )
