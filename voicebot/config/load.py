"""Reading config.yaml: the top level, paths, the checks between sections, and the API token."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from voicebot.config import audio, registering, sections, signalling
from voicebot.config.model import Config, Storage, Trunk
from voicebot.config.section import Interpolation, Refused, Section, boolean, text
from voicebot.dialplan.source import (
    Finding,
    Node,
    Position,
    SourceError,
    describe,
    finding,
    nearest,
    read_source,
)
from voicebot.dialplan.source import Mapping as MappingNode

DEFAULT_FILE = "config.yaml"
TOKEN_FILE = "api.token"
OVERRIDDEN_DIALPLAN = "main"
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class ConfigError(SourceError):
    """The configuration cannot be used: `findings` says everything that is wrong, as file:line:column."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says; it beats the file. `dialplan` answers the calls of every trunk."""

    listen: tuple[str, ...] = ()
    dialplan: Path | None = None
    data: Path | None = None


def load_config(
    path: str | Path | None = None,
    overrides: Overrides | None = None,
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Read, check and complete a configuration. `path` None: config.yaml in the current folder.

    Relative dialplans, prompts, models and certificates lie beside the file; the database and recordings lie under
    the data folder, which is `data` beside the file unless overridden. Nothing is written and no folder is made.
    Raises ConfigError with every finding.
    """
    file = Path(DEFAULT_FILE if path is None else path)
    findings: list[Finding] = []
    if path is None and not file.exists():
        message = "there is no configuration (config.yaml) in this folder"
        missing = finding(
            "VB001", Position(str(file)), message, "go to the folder that holds it, or name it with --config"
        )
        raise ConfigError([missing])
    node = read_source(file, findings)
    folder = Path(os.path.abspath(file)).parent
    config = None
    if node is not None:
        registering.warn_of_literal_secrets(node, findings)
        values = os.environ if environment is None else environment
        filled = Interpolation(values, folder, frozenset({"api.token"})).fill(node, findings)
        config = _config(file, folder, filled, overrides or Overrides(), findings)
    if config is None or any(item.severity == "error" for item in findings):
        raise ConfigError(item for item in findings if item.severity == "error")
    return config


def api_token(config: Config) -> str:
    """Return the API's token: the configured one, else the one below the data folder, made (mode 0600) if need be."""
    if config.api.token is not None:
        return config.api.token
    path = config.data / TOKEN_FILE
    try:
        token = path.read_text("utf-8").strip()
        if token:
            return token
        path.unlink()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_urlsafe(32)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(token + "\n")
    return token


def _config(
    file: Path, folder: Path, node: Node | None, overrides: Overrides, findings: list[Finding]
) -> Config | None:
    start = Position(str(file))
    if not isinstance(node, MappingNode):
        what = "nothing" if node is None else describe(node)
        findings.append(finding("VB021", start, f"the configuration is a map of sections, this is {what}"))
        return None
    top = Section(node, start, findings)
    data = Path(os.path.abspath(folder / "data" if overrides.data is None else overrides.data))
    sip = signalling.sip(top.section("sip"), folder, overrides.listen)
    trunks = top.entries("trunks", lambda name, item: signalling.trunk(name, top.below(item), folder))
    agents = top.entries("agents", lambda name, item: sections.agent(name, top.below(item)))
    phones = any(agent.phone is not None for agent in agents.values())
    registrar = registering.registrar(top.section("registrar"), wanted=phones)
    registrar, agents = registering.with_phones(registrar, agents, top)
    entries = top.entries("dialplans", lambda _name, item: sections.dialplan(item, top, folder))
    dialplans = {name: file for name, (file, _) in entries.items()}
    canaries = {name: share for name, (_, share) in entries.items() if share is not None}
    if overrides.dialplan is not None:
        dialplans, canaries = {OVERRIDDEN_DIALPLAN: Path(os.path.abspath(overrides.dialplan))}, {}
        trunks = {name: replace(trunk, dialplan=OVERRIDDEN_DIALPLAN) for name, trunk in trunks.items()}
        if registrar is not None and registrar.dialplan is not None:
            registrar = replace(registrar, dialplan=OVERRIDDEN_DIALPLAN)
    elif top.get("dialplans") is None:
        top.refuse("dialplans", "the key 'dialplans' is missing: which hotline answers?")
    config = Config(
        file=file,
        data=data,
        dialplans=dialplans,
        prompts=top.value("prompts", lambda item: folder / text(item), folder / "prompts"),
        storage=_storage(top.section("storage"), data),
        sip=sip,
        trunks=trunks,
        media=audio.media(top.section("media")),
        speech=audio.speech(top.section("speech"), folder),
        agents=agents,
        registrar=registrar,
        api=sections.api(top.section("api")),
        limits=sections.limits(top.section("limits")),
        callbacks=sections.callbacks(top.section("callbacks")),
        shutdown=sections.shutdown(top.section("shutdown")),
        reload=sections.reload(top.section("reload")),
        log=sections.log(top.section("log")),
        guard=sections.guard(top.section("guard")),
        homer=sections.homer(top.section("homer")) if top.get("homer") is not None else None,
        canaries=canaries,
        warnings=tuple(item for item in findings if item.severity == "warning"),
    )
    top.done()
    _check_trunks(config, node, findings)
    return config


def _storage(section: Section, data: Path) -> Storage:
    def database(node: Node) -> str:
        try:
            url = make_url(text(node))
        except ArgumentError as error:
            raise Refused("not a database URL", 'for example "sqlite:///voicebot.db"') from error
        driver = _DRIVERS.get(url.get_backend_name())
        if driver is None:
            raise Refused("the database must be sqlite:///FILE or postgresql://...")
        if driver == "sqlite":
            if not url.database or url.database == ":memory:":
                raise Refused("the database needs a file", 'for example "sqlite:///voicebot.db"')
            url = url.set(database=str(data / url.database))
        elif "+" not in url.drivername:
            url = url.set(drivername=driver)
        return url.render_as_string(hide_password=False)

    storage = Storage(
        database=section.value("database", database, f"sqlite:///{data / 'voicebot.db'}"),
        recordings=section.value("recordings", lambda node: data / text(node), data / "recordings"),
        recording=section.value("recording", boolean, True),
    )
    section.done()
    return storage


def _check_trunks(config: Config, node: MappingNode, findings: list[Finding]) -> None:
    """Check what trunks and the registrar name elsewhere, at the place where they name it."""
    if config.registrar is not None and config.registrar.dialplan not in (None, *config.dialplans):
        below = node.get("registrar")
        section = Section(below if isinstance(below, MappingNode) else None, node.position, findings)
        hint = nearest(config.registrar.dialplan or "", config.dialplans)
        section.refuse("dialplan", f"there is no dialplan {config.registrar.dialplan!r} in `dialplans`", hint)
    written = node.get("trunks")
    seen: dict[str, str] = {}
    shown: dict[str, Trunk] = {}
    for name, trunk in config.trunks.items():
        entry = written.get(name) if isinstance(written, MappingNode) else None
        section = Section(entry if isinstance(entry, MappingNode) else None, node.position, findings)
        if trunk.dialplan and trunk.dialplan not in config.dialplans:
            hint = nearest(trunk.dialplan, config.dialplans) or f"there are: {', '.join(config.dialplans)}"
            section.refuse("dialplan", f"there is no dialplan {trunk.dialplan!r} in `dialplans`", hint)
        if trunk.auth and not config.sip.auth.users and config.registrar is None:
            section.refuse("auth", "nobody could call: `sip.auth.users` is empty")
        if trunk.tls is not None and trunk.host is None:
            section.refuse("tls", "to connect to the trunk, it needs a `host`")
        elif trunk.tls is not None:
            for host in (trunk.host, trunk.proxy[0] if trunk.proxy is not None else None):
                first = shown.setdefault(host.lower(), trunk) if host is not None else trunk
                if first.tls != trunk.tls:
                    section.refuse("tls", f"trunk {first.name!r} shows another certificate to {host}")
        for named in dict.fromkeys(each for names in trunk.via.values() for each in names):
            if named not in config.trunks:
                section.refuse("dial", f"there is no trunk {named!r}", nearest(named, config.trunks))
            elif config.trunks[named].host is None:
                section.refuse("dial", f"trunk {named!r} has no `host`: no number can leave by it")
        for network in trunk.networks:
            other = seen.setdefault(str(network), name)
            if other != name:
                section.refuse("networks", f"{network} belongs to trunk {other!r} already")
