"""http: one request to a declared service; a 2xx answer's parsed body is saved."""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from voicebot.dialplan.control import StepError
from voicebot.dialplan.expressions import Template
from voicebot.dialplan.fields import (
    Named,
    Reader,
    Refused,
    Value,
    duration,
    identifier,
    key,
    map_of,
    pointer,
    template,
    value,
)
from voicebot.dialplan.line import FetchRequest
from voicebot.dialplan.run import Run
from voicebot.dialplan.source import Mapping, Node
from voicebot.dialplan.targets import PASS, Step, Target, Way, target, verb, way_to
from voicebot.dialplan.texts import Text, text
from voicebot.dialplan.variables import references_in

METHODS: tuple[Literal["get", "post", "put", "delete"], ...] = ("get", "post", "put", "delete")


@dataclass(frozen=True)
class Filler:
    after: float = key(duration(0, 30), required=True)
    say: Text = key(text, required=True)


def _on_error(reader: Reader, node: Node) -> "Target | dict[str, Target]":
    if isinstance(node, Mapping):
        found: dict[str, Target] = map_of(target, _status)(reader, node)
        return found
    single: Target = target(reader, node)
    return single


def _status(reader: Reader, node: Node) -> str:
    name = str(getattr(node, "text", ""))
    if name != "else" and not (name.isdigit() and 100 <= int(name) <= 599):
        reader.refuse(node, "VB023", f"{name!r} is no status", '"404", or else')
    return name


@dataclass(frozen=True, kw_only=True)
class Request(Step):
    """What http and notify share."""

    service: Named = key(pointer, required=True)
    get: Template | None = key(template)
    post: Template | None = key(template)
    put: Template | None = key(template)
    delete: Template | None = key(template)
    json: Value | None = key(value)
    query: dict[str, Value] | None = key(map_of(value))
    timeout: float | None = key(duration(0.1, 60))

    @classmethod
    def read(cls, reader: Reader, node: Node, **given: Any) -> Self:
        found = reader.build(cls, node, **given)
        written = [getattr(found, name) for name in METHODS if getattr(found, name) is not None]
        if len(written) != 1:
            reader.refuse(node, "VB022", "exactly one of get, post, put, delete names the path")
        if not written[0].source.startswith("/"):
            reader.note(node.position, "VB023", "the path does not begin with /")
            raise Refused
        return found

    def request(
        self, run: Run, *, filler_after: float | None = None, filler: Text | None = None
    ) -> FetchRequest:
        """Return the rendered request. Raises ExpressionError."""
        scope, language = run.variables, run.language
        method = next(name for name in METHODS if getattr(self, name) is not None)
        path: Template = getattr(self, method)
        query = {name: scope.render(item, language) for name, item in (self.query or {}).items()}
        references = path.references.union(
            *(references_in(item) for item in (self.query or {}).values()),
            references_in(self.json) if self.json is not None else (),
        )
        return FetchRequest(
            self.id,
            self.service.name,
            _UPPER[method],
            path.text(scope, language),
            {name: item if isinstance(item, str) else _written(item) for name, item in query.items()},
            scope.render(self.json, language) if self.json is not None else None,
            self.timeout,
            filler_after,
            run.spoken(filler) if filler is not None else (),
            run.is_sensitive(references),
        )


_UPPER: MappingType[str, Literal["GET", "POST", "PUT", "DELETE"]] = {
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "delete": "DELETE",
}


def _written(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (int, float)):
        return str(item)
    raise StepError("type")


@verb
@dataclass(frozen=True, kw_only=True)
class Http(Request):
    verb: ClassVar[str] = "http"

    save: str | None = key(identifier)
    filler: Filler | None = key(lambda reader, node: reader.build(Filler, node))
    on_error: Target | dict[str, Target] | None = key(_on_error)

    async def run(self, run: Run) -> None:
        filler = self.filler
        request = self.request(
            run, filler_after=filler.after if filler else None, filler=filler.say if filler else None
        )
        result = await run.line.fetch(request)
        run.trace("http", service=self.service.name, status=result.status, kind=result.kind)
        if 200 <= result.status < 300 and not result.kind:
            if self.save is not None:
                run.variables.saved[self.save] = result.body
            return
        run.variables.error = {"kind": result.kind or "status", "status": result.status}
        on_error = self.on_error
        if isinstance(on_error, dict):
            on_error = on_error.get(str(result.status), on_error.get("else"))
        if on_error is None:
            raise StepError(result.kind or "status", result.status)
        await run.go(on_error)

    def ways(self) -> tuple[Way, ...]:
        on_error = self.on_error
        targets = on_error.values() if isinstance(on_error, dict) else () if on_error is None else (on_error,)
        return (PASS, *(way_to(item) for item in targets))
