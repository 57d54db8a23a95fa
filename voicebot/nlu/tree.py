"""The tree of a phrase template."""

from collections.abc import Iterator
from dataclasses import dataclass

from voicebot.nlu.text import join


@dataclass(frozen=True, slots=True)
class Words:
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sequential:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple["Node", ...]
    optional: bool


Node = Words | Sequential | Choice


def nullable(node: Node) -> bool:
    """Return whether the node may stand for no word at all."""
    match node:
        case Words(items):
            return not items
        case Sequential(parts):
            return all(map(nullable, parts))
        case Choice(options, optional):
            return optional or any(map(nullable, options))


def to_jsgf(node: Node) -> str:
    """Return the node as a JSGF expansion."""
    match node:
        case Words(items):
            return join(items)
        case Sequential(parts):
            return " ".join(to_jsgf(part) for part in parts)
        case Choice(options, optional):
            inner = " | ".join(to_jsgf(option) for option in options)
            return f"[{inner}]" if optional else f"({inner})"


def cores(node: Node, limit: int) -> Iterator[tuple[str, ...]]:
    """Return expansions without the optional parts; about `limit` of them where there are very many."""
    match node:
        case Words(items):
            yield items
        case Choice(options, optional):
            if optional:
                yield ()
            else:
                for option in options:
                    yield from cores(option, limit)
        case Sequential(parts):
            heads: list[tuple[str, ...]] = [()]
            for part in parts:
                tails: list[tuple[str, ...]] = []
                for items in cores(part, limit):
                    tails.append(items)
                    if len(tails) >= limit:
                        break
                heads = [head + tail for head in heads for tail in tails][:limit]
            yield from heads
