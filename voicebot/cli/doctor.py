"""`voicebot doctor URI`: a call through the customer's PBX, and what to change there."""

import asyncio
import json
import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from voicebot.cli.options import FOUND, ConfigOption, JsonOption, configuration, give_up
from voicebot.cli.timeline import plain
from voicebot.config import Config, Overrides
from voicebot.config.model import Trunk
from voicebot.doctor import Evidence, Finding, Pace, Target, examine, findings
from voicebot.doctor.settings import settings_for
from voicebot.media.telephone_event import KEYS
from voicebot.phone.errors import PhoneError
from voicebot.phone.signalling import destination, local_host
from voicebot.sip import Credentials, SipError, Uri
from voicebot.sip.address import bracketed

_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "not tested": "dim"}


def doctor(
    uri: Annotated[
        str, typer.Argument(metavar="URI", help="Whom to call: sip:600@pbx.example.com;transport=tcp.")
    ],
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Who calls; the user of the password.")
    ] = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable with the password.")
    ] = None,
    trunk: Annotated[
        str | None, typer.Option(metavar="T", help="Call as this trunk of the configuration does.")
    ] = None,
    refer: Annotated[
        str | None, typer.Option(metavar="URI", help="At the end transfer the call there (REFER).")
    ] = None,
    key: Annotated[str, typer.Option(metavar="KEYS", help="The keys that are sent; none: ''.")] = "1",
    seconds: Annotated[float, typer.Option(min=5.0, max=600.0, help="The longest it may take.")] = 45.0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a number of your PBX and tell, line by line, what is well and what to change there (docs/doctor.md).

    Best called: an echo extension, or a number that the PBX routes to the running hotline. With --config (or --trunk) the
    user, password and certificates are those of the trunk whose host is called. Exit code 0: nothing was found; 1:
    something is to be changed; 2: wrong use.
    """
    unknown = set(key.upper()) - set(KEYS)
    if unknown:
        give_up(f"--key takes the keys {KEYS}")
    if trunk is not None and config is None and not Path("config.yaml").exists():
        give_up("--trunk names a trunk of a configuration: give it by --config")
    settings = configuration(config, Overrides()) if config is not None or trunk is not None else None
    try:
        seen = asyncio.run(_examine(uri, user, password_env, trunk, refer, key.upper(), seconds, settings))
    except PhoneError as error:
        give_up(str(error))
    except KeyboardInterrupt as error:
        raise typer.Exit(FOUND) from error
    found = findings(seen)
    if as_json:
        typer.echo(json.dumps(as_data(seen, found), ensure_ascii=False, indent=2))
    else:
        show(Console(highlight=False, soft_wrap=True), seen, found)
    raise typer.Exit(FOUND if any(each.verdict in ("warn", "fail") for each in found) else 0)


async def _examine(
    uri: str,
    user: str | None,
    password_env: str | None,
    trunk_name: str | None,
    refer: str | None,
    key: str,
    seconds: float,
    settings: Config | None,
) -> Evidence:
    goal = await destination(uri)
    wanted = Uri.parse(uri)
    trunk = _trunk(settings, trunk_name, wanted)
    if trunk is not None and trunk.proxy is not None:
        host, port = trunk.proxy
        where = host if port is None else f"{host}:{port}"
        goal = await destination(f"sip:{where};transport={goal.transport}")
    if refer is not None:
        _checked(refer)
    own = local_host(goal)
    credentials = _credentials(trunk, user, password_env)
    name = user or (trunk.register.user if trunk is not None and trunk.register is not None else None)
    # A registered user is known by the PBX's domain; anybody else comes from here.
    domain = bracketed(wanted.host if name is not None else own)
    target = Target(
        uri=uri,
        peer=goal,
        own_host=own,
        from_uri=f"sip:{name or 'doctor'}@{domain}",
        name=trunk.proxy[0].strip("[]") if trunk is not None and trunk.proxy is not None else wanted.host,
        credentials=credentials,
        tls=_tls(settings),
        refer_to=refer,
        key=key,
    )
    return await examine(target, Pace(answer=min(20.0, seconds / 2)), seconds)


def _trunk(settings: Config | None, name: str | None, wanted: Uri) -> Trunk | None:
    """Return the trunk to call as. Raises PhoneError for a name that there is not."""
    if settings is None:
        return None
    if name is not None:
        if name not in settings.trunks:
            raise PhoneError(f"no trunk {name!r}; there are: {', '.join(settings.trunks)}")
        return settings.trunks[name]
    hosts = [each for each in settings.trunks.values() if (each.host or "").strip("[]") == wanted.host]
    same_port = [each for each in hosts if (each.port or 5060) == (wanted.port or 5060)]
    return next(iter(same_port or hosts), None)


def _credentials(trunk: Trunk | None, user: str | None, password_env: str | None) -> Credentials | None:
    if password_env is not None:
        password = os.environ.get(password_env)
        if password is None:
            raise PhoneError(f"the environment variable {password_env} is not set")
        if user is None:
            raise PhoneError("--password-env needs --user")
        return Credentials(user, password)
    if trunk is None:
        return None
    if trunk.register is not None:
        return Credentials(trunk.register.auth_user or trunk.register.user, trunk.register.password)
    return Credentials(trunk.login.user, trunk.login.password) if trunk.login is not None else None


def _tls(settings: Config | None) -> ssl.SSLContext:
    """Return whom we trust, and our certificate, as the configuration says. Raises PhoneError."""
    files = settings.sip.tls if settings is not None else None
    try:
        context = ssl.create_default_context(cafile=files.ca if files is not None else None)
        if files is not None and files.certificate is not None:
            context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise PhoneError(f"sip.tls of the configuration cannot be used: {error}") from error
    if files is not None and not files.verify_server:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _checked(uri: str) -> None:
    try:
        Uri.parse(uri)
    except SipError as error:
        raise PhoneError(f"--refer `{uri}` is no URI: write sip:NUMBER@PBX") from error


def show(console: Console, seen: Evidence, found: Sequence[Finding]) -> None:
    """Print the report."""
    for each in found:
        line = Text.assemble((f"{each.verdict:<10}  ", _STYLES[each.verdict]), f"{each.name:<19}  ")
        console.print(line + plain(each.text))
        if each.verdict in ("warn", "fail"):
            for pbx, what in settings_for(each.name, seen.software).items():
                console.print(plain(f"{'':12}{pbx}: {what}"))
    counts = {verdict: sum(each.verdict == verdict for each in found) for verdict in _STYLES}
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    console.print("")
    console.print(plain(f"{summary}. What each line means: docs/doctor.md"))


def as_data(seen: Evidence, found: Sequence[Finding]) -> dict[str, object]:
    """Return the report as JSON data."""
    return {
        "peer": str(seen.peer),
        "software": seen.software,
        "findings": [
            {
                "name": each.name,
                "verdict": each.verdict,
                "text": each.text,
                "settings": settings_for(each.name, seen.software)
                if each.verdict in ("warn", "fail")
                else {},
                "more": f"docs/doctor.md#{each.name}",
            }
            for each in found
        ],
    }
