"""What `voicebot reload`, `voicebot status` and their like ask a running server, over its control socket."""

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voicebot.config.section import Refused
from voicebot.config.sections import parse_share
from voicebot.reloading import Change, Dialplans, tell
from voicebot.runtime.control.socket import Command, ControlError
from voicebot.runtime.net.tls import TlsError

if TYPE_CHECKING:
    from voicebot.app import Server


class Commands:
    """The commands of one server."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def table(self) -> Mapping[str, Command]:
        return {
            "reload": self._reload,
            "rollback": self._rollback,
            "promote": self._promote,
            "status": self._status,
            "trunks": self._trunks,
        }

    async def _reload(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        """`name`: a dialplan, all without it; `canary`: "10%"."""
        try:
            share = parse_share(str(request["canary"])) if request.get("canary") else None
        except Refused as refused:
            raise ControlError(f"canary: {refused.message} ({refused.hint})") from refused
        changes = []
        for name in self._names(request):
            change = await self._dialplans.reload(name, share=share, why="reload", who=_who(request))
            tell(change)
            changes.append(change)
        told = dict(_told(changes))
        if not request.get("name") and self._server.signalling.has_certificate:
            certificate = self._certificate()
            told["changes"] = [*(change.as_data() for change in changes), certificate]
            told["done"] = bool(told["done"] and certificate["done"])
        return told

    async def _rollback(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        return _told([await self._dialplans.rollback(self._one(request), who=_who(request))])

    async def _promote(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        return _told([await self._dialplans.promote(self._one(request), who=_who(request))])

    async def _status(self, request: Mapping[str, Any]) -> Mapping[str, object]:
        """Everything that is known without knowing any caller. `forget`: lag is measured anew from now on."""
        server = self._server
        status = {
            "ready": server.ready,
            "pid": os.getpid(),
            "metrics": dict(server.metrics()) if server.ready else {},
            "dialplans": self._versions() if server.ready else [],
            "workers": server.workers() if server.ready else [],
            "queues": self._queues() if server.ready else [],
            "agents": self._agents() if server.ready else [],
            "guard": self._guard() if server.ready else {},
        }
        if request.get("forget") and server.ready:
            server.forget_lag()
        return status

    async def _trunks(self, _request: Mapping[str, Any]) -> Mapping[str, object]:
        if not self._server.ready:
            raise ControlError("the server starts or stops")
        return {"trunks": self._server.trunks.state()}

    # --- parts ----------------------------------------------------------------------------------------------------------

    def _certificate(self) -> dict[str, object]:
        """Take a changed certificate, told like a dialplan's change."""
        problem, text = "", "unchanged"
        try:
            if self._server.signalling.reload_certificates():
                text = "new TLS connections get the new one"
        except TlsError as error:
            problem, text = str(error), "refused, the old one stays"
        return {
            "name": "certificate",
            "done": not problem,
            "text": text,
            "findings": [problem] if problem else [],
        }

    @property
    def _dialplans(self) -> Dialplans:
        if not self._server.ready:
            raise ControlError("the server starts or stops")
        return self._server.hotlines

    def _names(self, request: Mapping[str, Any]) -> list[str]:
        return [str(request["name"])] if request.get("name") else list(self._dialplans.versions.served)

    def _one(self, request: Mapping[str, Any]) -> str:
        names = self._names(request)
        if len(names) != 1:
            raise ControlError(f"name the dialplan: {', '.join(names)}")
        return names[0]

    def _versions(self) -> list[dict[str, object]]:
        versions = self._server.hotlines.versions
        in_use = [id(dialplan) for dialplan in self._server.reception.dialplans.values()]
        names = {version: served.name for served in versions.served.values() for version in served.versions}
        return [
            {
                "name": names.get(version, ""),
                "version": version.id,
                "standing": versions.standing(version),
                "share": next(
                    (item.share for item in versions.served.values() if item.canary is version), None
                ),
                "calls": in_use.count(id(version.dialplan)),
            }
            for version in reversed(versions.kept())
        ]

    def _queues(self) -> list[dict[str, object]]:
        state, now = self._server.floor.state, time.monotonic()
        return [
            {
                "name": name,
                "waiting": sum(call.queue == name for call in state.waiting.values()),
                "longest_wait": round(
                    max(
                        (now - call.since for call in state.waiting.values() if call.queue == name),
                        default=0.0,
                    ),
                    1,
                ),
                "talking": sum(
                    item.call.queue == name and item.answered_at is not None
                    for item in state.assignments.values()
                ),
            }
            for name in state.queues
        ]

    def _guard(self) -> dict[str, object]:
        guard = self._server.guard
        return {"banned": list(guard.banned(time.monotonic())), **guard.counters}

    def _agents(self) -> list[dict[str, object]]:
        return [
            {
                "name": agent.id,
                "status": agent.status.value,
                "calls": agent.calls_taken,
                "phones": self._server.phones.state(agent.id),
            }
            for agent in self._server.floor.state.agents.values()
        ]


def _told(changes: list[Change]) -> Mapping[str, object]:
    return {"done": all(change.done for change in changes), "changes": [item.as_data() for item in changes]}


def _who(request: Mapping[str, Any]) -> str:
    return str(request.get("who", ""))[:64]
