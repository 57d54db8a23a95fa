"""The parts of config.yaml about registrations: ours at a PBX, and those of phones at us; and literal passwords."""

import re
from collections.abc import Mapping
from dataclasses import replace

from voicebot.config.model import AgentConfig, Login, Register, Registrar
from voicebot.config.section import Refused, Section, integer, number, text
from voicebot.dialplan.source import Finding, Node, Scalar, finding
from voicebot.dialplan.source import Mapping as MappingNode

LITERAL_SECRET = "VB042"
ANY_DOMAIN = "registrar"  # the domain of our phones' URIs where the configuration names none
_DATABASE_LOGIN = re.compile(r"[A-Za-z0-9+]+://[^:/@]*:([^/@]+)@")
_USER = re.compile(r"[A-Za-z0-9_.+*~-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})")


def register(section: Section) -> Register | None:
    """Our account at a PBX: {user, password, auth_user, expires_seconds}."""
    login = _login(section)
    auth_user = section.value("auth_user", text, None)
    expires = section.value("expires_seconds", integer(30, 86400), 300)
    section.done()
    return None if login is None else Register(login.user, login.password, expires, auth_user)


def login(section: Section) -> Login | None:
    """{user, password}."""
    found = _login(section)
    section.done()
    return found


def _login(section: Section) -> Login | None:
    user = section.required("user", text)
    password = section.required("password", text)
    if user is not None and not _USER.fullmatch(user):
        section.refuse("user", "a user is letters, digits and any of _ . + * ~ -")
    return Login(user, password) if user is not None and password is not None else None


def phone(name: str, section: Section) -> Login | None:
    """The account of an agent's phone at our registrar: {user, password}; `user` is the agent's name if absent."""
    user = section.value("user", text, name)
    password = section.required("password", text)
    if not _USER.fullmatch(user):
        section.refuse("user", "a user is letters, digits and any of _ . + * ~ -", "name one: user: alice")
        password = None
    section.done()
    return None if password is None else Login(user, password)


def registrar(section: Section, *, wanted: bool) -> Registrar | None:
    """The registrar; None unless there is a section, or `wanted` by an agent's phone."""

    def domain(node: Node) -> str:
        value = text(node)
        if not _DOMAIN.fullmatch(value):
            raise Refused("not a domain", 'for example "phones.example.com"')
        return value

    default = Registrar()
    result = Registrar(
        domain=section.value("domain", domain, None),
        dialplan=section.value("dialplan", text, None),
        users=section.entries("users", lambda _name, node: text(node)),
        min_expires_seconds=section.value(
            "min_expires_seconds", integer(10, 3600), default.min_expires_seconds
        ),
        max_expires_seconds=section.value(
            "max_expires_seconds", integer(60, 86400), default.max_expires_seconds
        ),
        contacts=section.value("contacts", integer(1, 20), default.contacts),
        ping_seconds=section.value("ping_seconds", number(0, 3600), default.ping_seconds),
    )
    section.done()
    if result.min_expires_seconds > result.max_expires_seconds:
        section.refuse("min_expires_seconds", "more than max_expires_seconds")
    return result if wanted or section.present else None


def with_phones(
    found: Registrar | None, agents: Mapping[str, AgentConfig], section: Section
) -> tuple[Registrar | None, dict[str, AgentConfig]]:
    """Give agents with a phone at our registrar their URI, and the registrar their passwords."""
    named = dict(agents)
    if found is None:
        return None, named
    users = dict(found.users)
    for name, agent in agents.items():
        if agent.phone is None:
            continue
        if agent.phone.user in users:
            section.refuse("agents", f"two phones are to register as {agent.phone.user!r}")
        users[agent.phone.user] = agent.phone.password
        uri = f"sip:{agent.phone.user}@{found.domain or ANY_DOMAIN}"
        named[name] = replace(agent, uri=uri)
    return replace(found, users=users), named


def warn_of_literal_secrets(node: Node, findings: list[Finding], path: tuple[str, ...] = ()) -> None:
    """Warn of every password and token that stands in the file itself, where backups and colleagues read it."""
    if isinstance(node, MappingNode):
        for key, value in node.entries:
            warn_of_literal_secrets(value, findings, (*path, key.text))
        return
    secret = path[-1:] == ("password",) or path[:-1] in (("sip", "auth", "users"), ("registrar", "users"))
    if not isinstance(node, Scalar):
        return
    text = node.text
    if path == ("storage", "database"):
        login = _DATABASE_LOGIN.match(text)
        secret, text = login is not None, login.group(1) if login is not None else ""
    elif path == ("api", "token"):
        secret = bool(text)
    if secret and "${" not in text.replace("$${", ""):
        findings.append(
            finding(
                LITERAL_SECRET,
                node.position,
                f"a {'token' if path[-1] == 'token' else 'password'} stands in the file itself",
                "keep it outside: ${NAME} is an environment variable, ${file:PATH} a file",
                severity="warning",
            )
        )
