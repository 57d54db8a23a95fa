"""Queues that nobody can serve, by the agents of the configuration."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from voicebot.dialplan.checks.around import Around, Skills
from voicebot.dialplan.expressions import Expression, Template
from voicebot.dialplan.schema import Dialplan, Queue
from voicebot.dialplan.source import Finding, finding, nearest


def check_staff(dialplan: Dialplan, around: Around) -> Iterator[Finding]:
    """VB133: a queue that nobody can serve; VB134: an agent that the configuration does not know."""
    if around.agents is None:
        return
    for queue in dialplan.queues.values():
        for name in queue.agents:
            if name not in around.agents:
                hint = nearest(name, around.agents) or "agents are declared in the configuration"
                yield finding("VB134", queue.position, f"there is no agent {name!r}", hint, "warning")
        unserved = [
            language
            for language in dialplan.hotline.languages
            if not any(_serves(name, skills, queue, language) for name, skills in around.agents.items())
        ]
        if unserved:
            message = f"nobody can serve the queue {queue.name!r} for callers in {', '.join(unserved)}"
            hint = "let an agent have the skills that it requires, or relax them"
            yield finding("VB133", queue.position, message, hint, "warning")


def _serves(name: str, skills: Skills, queue: Queue, language: str) -> bool:
    if queue.agents and name not in queue.agents:
        return False
    required = {text for template in queue.require if (text := _required(template, language)) is not None}
    kept = {skill for skill in required if not any(fnmatchcase(skill, item.drop) for item in queue.relax)}
    return kept <= skills


def _required(template: Template, language: str) -> str | None:
    """Return the skill for callers of a language; None where it depends on what only a call knows."""
    parts: list[str] = []
    for piece in template.pieces:
        if not isinstance(piece, Expression):
            parts.append(piece)
        elif {reference.path for reference in piece.references} == {("call", "language")}:
            parts.append(language)
        else:
            return None
    return "".join(parts)
