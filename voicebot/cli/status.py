"""`voicebot status`: what a running server does now; nothing of its callers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from voicebot.cli.options import WRONG_USE, ConfigOption, DataOption, JsonOption
from voicebot.cli.reload import asked
from voicebot.cli.timeline import duration, plain


def status(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Print calls, versions, queues, agents and worker processes of the running server. Exit code 2: none runs."""
    answer = asked(config, data, {"command": "status"})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    elif answer.get("ok"):
        show(answer, Console(emoji=False))
    else:
        typer.echo(answer.get("error", ""), err=True)
    raise typer.Exit(0 if answer.get("ok") else WRONG_USE)


def show(answer: Mapping[str, Any], console: Console) -> None:
    """Print a server's answer as tables."""
    metrics = answer["metrics"]
    state = f"{metrics.get('calls', 0):g} calls" if answer["ready"] else "it starts or stops"
    console.print(plain(f"server {answer['pid']}: {state}"))
    if metrics:
        lag = f"loop lag p99 {metrics['loop_lag_p99_ms']:.1f} ms, worst {metrics['loop_lag_max_ms']:.1f} ms"
        console.print(plain(f"{metrics['legs']:g} legs, {lag}"))
    dialplans = [
        (
            item["name"] or "-",
            item["version"],
            item["standing"] + (f" {item['share'] * 100:g} %" if item["share"] else ""),
            str(item["calls"]),
        )
        for item in answer["dialplans"]
    ]
    queues = [
        (item["name"], str(item["waiting"]), duration(item["longest_wait"]), str(item["talking"]))
        for item in answer["queues"]
    ]
    agents = [
        (item["name"], item["status"], str(item["calls"]), _phones(item.get("phones")))
        for item in answer["agents"]
    ]
    workers = [
        (item["name"], str(item["pid"]), "alive" if item["alive"] else "gone", str(item["restarts"]))
        for item in answer["workers"]
    ]
    guard = dict(answer.get("guard", {}))
    banned = guard.pop("banned", [])
    if guard:
        told = ", ".join(f"{name} {count:g}" for name, count in sorted(guard.items()))
        console.print(
            plain(f"not listened to: {told}" + (f"; banned now: {', '.join(banned)}" if banned else ""))
        )
    table(console, ("dialplan", "version", "standing", "calls now"), dialplans)
    table(console, ("queue", "waiting", "longest", "talking"), queues)
    table(console, ("agent", "status", "calls taken", "phones"), agents)
    table(console, ("worker", "pid", "state", "restarts"), workers)


def _phones(phones: Mapping[str, Any] | None) -> str:
    if phones is None:
        return "-"
    if not phones["registered"]:
        return f"none has registered as {phones['user']}"
    silent = f", {phones['silent']} silent" if phones["silent"] else ""
    return f"{phones['registered']} registered{silent}"


def table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; nothing for no rows."""
    if not rows:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*map(plain, row))
    console.print("")
    console.print(table)
