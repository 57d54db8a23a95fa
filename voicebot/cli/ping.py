"""`voicebot ping URI`: is a SIP server there? One OPTIONS; for health checks and for people."""

import asyncio
from typing import Annotated

import typer

from voicebot.cli.options import FOUND, WRONG_USE, ConfigOption, DataOption, JsonOption, give_up
from voicebot.phone.errors import PhoneError
from voicebot.phone.phone import Phone
from voicebot.phone.signalling import destination, local_host


def ping(
    uri: Annotated[str, typer.Argument(metavar="[URI]", help="Whom to ask.")] = "sip:127.0.0.1:5060",
    timeout: Annotated[float, typer.Option(min=0.05, help="Seconds to wait for the answer.")] = 2.0,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one OPTIONS request. Exit code 0: answered with 200; 1: no answer, or another one."""
    try:
        status, seconds = asyncio.run(_ping(uri, timeout))
    except PhoneError as error:
        give_up(str(error), WRONG_USE)
    if as_json:
        typer.echo(f'{{"status": {status}, "seconds": {seconds:.4f}}}')
    elif status == 200:
        typer.echo(f"{uri} answers: 200 after {1000 * seconds:.1f} ms")
    elif status == 408:
        typer.echo(f"{uri} does not answer within {timeout:g} s", err=True)
    else:
        typer.echo(f"{uri} answers: {status}", err=True)
    raise typer.Exit(0 if status == 200 else FOUND)


async def _ping(uri: str, timeout: float) -> tuple[int, float]:
    phone = Phone(local_host(await destination(uri)), user="ping")
    try:
        start = asyncio.get_running_loop().time()
        status = await phone.ping(uri, timeout)
        return status, asyncio.get_running_loop().time() - start
    finally:
        await phone.close()
