"""`voicebot`: every command of the product."""

import typer

from voicebot import __version__
from voicebot.cli import calls, check, diff, fmt, graph, schema, serve
from voicebot.cli.call import InOrder, call
from voicebot.cli.callbacks import callbacks
from voicebot.cli.demo import demo
from voicebot.cli.dialplans import dialplans
from voicebot.cli.doctor import doctor
from voicebot.cli.ping import ping
from voicebot.cli.reload import reload
from voicebot.cli.replay import replay
from voicebot.cli.status import status
from voicebot.cli.talk import talk
from voicebot.cli.test import run_caller_tests
from voicebot.cli.trunks import trunks
from voicebot.cli.why import why

app = typer.Typer(
    name="voicebot",
    help="A telephone hotline: SIP, speech, YAML dialplans, and a queue for human agents. Offline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voicebot {__version__}")
        raise typer.Exit


@app.callback()
def voicebot(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Exit codes: 0 good, 1 found something (a failed test, an unanswered call), 2 wrong use or configuration."""


app.command()(serve.serve)
app.command()(check.check)
app.command()(fmt.fmt)
app.command()(diff.diff)
app.command()(graph.graph)
app.command()(schema.schema)
app.command(cls=InOrder)(call)
app.add_typer(calls.app, name="calls")
app.command()(callbacks)
app.command()(demo)
app.command()(ping)
app.command()(doctor)
app.command()(reload)
app.command()(status)
app.command()(trunks)
app.command()(dialplans)
app.command()(why)
app.command()(replay)
app.command("test")(run_caller_tests)
app.command()(talk)


def main() -> None:
    """The entry point."""
    app()


if __name__ == "__main__":
    main()
