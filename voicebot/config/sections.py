"""The smaller sections of config.yaml, one function each. What is missing has the default of its dataclass."""

import re
from pathlib import Path
from typing import Literal

from voicebot.config import registering
from voicebot.config.addresses import (
    HOST,
    parse_ip,
    parse_port,
)
from voicebot.config.dialling import is_agent_uri
from voicebot.config.model import (
    AgentConfig,
    Api,
    CallbackConfig,
    Homer,
    Limits,
    Log,
    Reload,
    Shutdown,
)
from voicebot.config.section import (
    Refused,
    Section,
    boolean,
    integer,
    number,
    one_of,
    text,
)
from voicebot.dialplan.source import Mapping as MappingNode
from voicebot.dialplan.source import Node, Scalar
from voicebot.sip.guard import GuardRules

_SHARE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%")


def parse_share(value: str) -> float:
    """Return `10%` as 0.1. Raises Refused unless it is more than 0 % and less than 100 %."""
    match = _SHARE.fullmatch(value.strip())
    share = float(match.group(1)) / 100 if match is not None else 0.0
    if share <= 0.0:
        raise Refused("a share of the calls is expected", 'for example "10%"')
    return share


def dialplan(node: Node, top: Section, folder: Path) -> tuple[Path, float | None]:
    """A file, or {file, canary}: a changed file gets that share of the new calls first."""
    if not isinstance(node, MappingNode):
        return folder / text(node), None
    section = top.below(node)
    file = section.required("file", text)
    share = section.value("canary", lambda item: parse_share(text(item)), None)
    section.done()
    return folder / (file or ""), share


def agent(name: str, section: Section) -> AgentConfig:
    def uri(node: Node) -> str:
        value = text(node)
        if not is_agent_uri(value):
            raise Refused(
                "not a plain SIP URI",
                'for example "sip:6001@127.0.0.1:5070", or with ;transport=tcp or tls behind it',
            )
        return value

    phone = None
    if section.get("register") is not None:
        phone = registering.phone(name, section.section("register"))
        if section.get("uri") is not None:
            section.refuse(
                "uri", "a phone that registers here has no `uri` of its own", "remove one of the two"
            )
    result = AgentConfig(
        name=name,
        uri="" if section.get("register") is not None else section.required("uri", uri) or "",
        skills=section.entries("skills", lambda _skill, node: integer(1, 10)(node)),
        phone=phone,
    )
    section.done()
    return result


def api(section: Section) -> Api:
    def listen(node: Node) -> tuple[str, int] | None:
        if isinstance(node, Scalar) and node.value == "off":
            return None
        match = HOST.fullmatch(text(node))
        if match is None or match.group(2) is None:
            raise Refused("not an address to listen on", 'for example "127.0.0.1:8080", or off')
        return parse_ip(match.group(1).strip("[]")), parse_port(match.group(2))

    def token(node: Node) -> str:
        if isinstance(node, Scalar) and node.value == "":
            raise Refused("an empty token would let everyone in", "remove the key, and a token is made")
        value = text(node)
        if not re.fullmatch(r"[\x21-\x7e]+", value):
            raise Refused("a token is plain ASCII without spaces")
        return value

    result = Api(
        listen=section.value("listen", listen, Api().listen),
        token=section.value("token", token, None),
    )
    section.done()
    return result


def guard(section: Section) -> GuardRules:
    default = GuardRules()
    result = GuardRules(
        section.value("strangers_per_minute", number(0, 100_000), default.strangers_per_minute),
        section.value("registers_per_second", number(0.1, 100_000), default.registers_per_second),
        section.value("wrong_passwords_per_minute", number(1, 100_000), default.wrong_passwords_per_minute),
        section.value("ban_seconds", number(1, 86_400), default.ban_seconds),
    )
    section.done()
    return result


def homer(section: Section) -> Homer | None:
    def address(node: Node) -> tuple[str, int]:
        match = HOST.fullmatch(text(node))
        if match is None or match.group(2) is None:
            raise Refused("not an address", 'an IP address and a UDP port, for example "192.0.2.9:9060"')
        return parse_ip(match.group(1).strip("[]")), parse_port(match.group(2))

    result = Homer(
        address=section.required("address", address) or ("", 0),
        capture_id=section.value("capture_id", integer(1, 2**32 - 1), 2001),
        password=section.value("password", text, ""),
    )
    section.done()
    return result


def limits(section: Section) -> Limits:
    result = Limits(
        calls=section.value("calls", integer(1, 100_000), Limits().calls),
        call_seconds=section.value("call_seconds", number(10, 86_400), Limits().call_seconds),
        connections=section.value("connections", integer(1, 100_000), Limits().connections),
        connections_per_address=section.value(
            "connections_per_address", integer(1, 100_000), Limits().connections_per_address
        ),
        messages_per_second_per_address=section.value(
            "messages_per_second_per_address", number(1, 1_000_000), Limits().messages_per_second_per_address
        ),
        messages_per_second_per_trunk_address=section.value(
            "messages_per_second_per_trunk_address",
            number(1, 1_000_000),
            Limits().messages_per_second_per_trunk_address,
        ),
        dialled_per_caller_and_day=section.value(
            "dialled_per_caller_and_day", integer(0, 1_000_000), Limits().dialled_per_caller_and_day
        ),
        dialled_per_day=section.value("dialled_per_day", integer(0, 1_000_000), Limits().dialled_per_day),
    )
    section.done()
    return result


def callbacks(section: Section) -> CallbackConfig:
    default = CallbackConfig()
    result = CallbackConfig(
        attempts=section.value("attempts", integer(1, 10), default.attempts),
        retry_seconds=section.value("retry_seconds", number(1, 86_400), default.retry_seconds),
        ring_seconds=section.value("ring_seconds", number(5, 180), default.ring_seconds),
        keep_hours=section.value("keep_hours", number(1, 168), default.keep_hours),
    )
    section.done()
    return result


def shutdown(section: Section) -> Shutdown:
    result = Shutdown(section.value("drain_seconds", number(0, 3600), Shutdown().drain_seconds))
    section.done()
    return result


def reload(section: Section) -> Reload:
    result = Reload(section.value("watch", boolean, Reload().watch))
    section.done()
    return result


_LEVELS: dict[str, Literal["debug", "info", "warning", "error"]] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
}


def log(section: Section) -> Log:
    result = Log(section.value("level", one_of(_LEVELS), "info"))
    section.done()
    return result
