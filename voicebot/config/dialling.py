"""What may be dialled: the guard against toll fraud. Every outgoing number passes here."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from voicebot.config.model import AgentConfig, Trunk

_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": "[0-9]+", "!": "[0-9]*"}
_PATTERN = re.compile(r"\+?(?:[0-9*#XZN]|\[[0-9](?:-?[0-9])*\])*[.!]?")
_TEL = re.compile(r"tel:(\+?[0-9*#.()-]{1,40})(?:;[A-Za-z0-9=.;+-]{0,80})?", re.IGNORECASE)
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_URI = re.compile(
    r"(sips?):([A-Za-z0-9_.+*#~-]{1,64})@([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?"
)


_TRANSPORT = re.compile(r";transport=(?:udp|tcp|tls)")


def check_pattern(pattern: str) -> str | None:
    """Return what is wrong with a dial pattern, or None."""
    if not pattern:
        return "the pattern is empty"
    if _PATTERN.fullmatch(_user_part(pattern)[0]) and _user_part(pattern)[0] not in ("", "+"):
        return None
    return (
        "not a dial pattern: digits, * and #, X (0-9), Z (1-9), N (2-9), sets as [1-5], and at the end"
        " . (one digit or more) or ! (any digits); or sip:PATTERN@HOST"
    )


# Numbers that ring where lives are saved: each is dialled only where a pattern spells it out, digit by digit. Those of
# some countries are extensions everywhere else (111, 133, 144 ...): a trunk names them.
EMERGENCY = frozenset({"000", "110", "112", "118", "119", "120", "122", "911", "995", "999"})


def is_emergency(number: str, others: Collection[str] = ()) -> bool:
    """Say whether a number is one for emergencies, or of `others`, also behind the 0 or 9 for an outside line, or a + that has no place there."""
    number = number.removeprefix("+")
    bare = (number, number[1:]) if number[:1] in ("0", "9") else (number,)
    return any(each in EMERGENCY or each in others for each in bare)


def may_dial(
    target: str, patterns: Sequence[str], agents: Iterable[str] = (), emergency: Collection[str] = ()
) -> bool:
    """Say whether `target` (an extension, +E.164 number or sip: URI) may be dialled.

    It may if it is one of the agents' URIs, or matches a pattern. Patterns are Asterisk's, without the leading
    underscore. A plain pattern lets numbers through; a URI needs a pattern `sip:PATTERN@HOST` with its very host.
    A number for emergencies, or of `emergency`, needs a pattern that is that number: `1XX` does not let 112 through.
    A target with URI parameters, headers, spaces, CR, LF or anything else that is not part of the plain forms never may.
    """
    uri = _URI.fullmatch(target)
    if uri is not None:
        if target in agents:
            return True
        scheme, user, host, port = uri.groups()
        return any(
            pattern.startswith(f"{scheme}:")
            and where.lower() == (host + (port or "")).lower()
            and _lets_through(numbers, user, emergency)
            for pattern in patterns
            for numbers, where in [_user_part(pattern)]
        )
    if not _NUMBER.fullmatch(target):
        return False
    return any(_lets_through(pattern, target, emergency) for pattern in patterns if "@" not in pattern)


def outgoing(number: str, trunk: Trunk, trunks: Mapping[str, Trunk]) -> tuple[Trunk, ...]:
    """Return the trunks by which a number leaves that came up in a call by `trunk`, the first choice first.

    They are those that the first pattern names which lets the number through. None: it may not be dialled, or leads nowhere.
    What is for emergencies at one of them needs a pattern that is that number, as what is so at `trunk` does.
    """
    for pattern in trunk.dial:
        ways = leads_on(pattern, trunk, trunks)
        emergency = {each for way in (trunk, *ways) for each in way.emergency}
        if "@" not in pattern and _lets_through(pattern, number, emergency):
            return ways
    return ()


def leads_on(pattern: str, trunk: Trunk, trunks: Mapping[str, Trunk]) -> tuple[Trunk, ...]:
    """Return the trunks by which the numbers of a pattern leave, the first choice first."""
    named = trunk.via.get(pattern)
    found = (trunk,) if named is None else tuple(trunks[name] for name in named if name in trunks)
    return tuple(each for each in found if each.host is not None)


def number_uri(number: str, trunk: Trunk) -> str:
    """Return the URI of a number at a trunk's host."""
    user = number.replace("#", "%23")  # RFC 3261 section 25.1: `#` is no user-unreserved character
    port = "" if trunk.port is None else f":{trunk.port}"
    return f"sip:{user}@{trunk.host}{port}" + (f";transport={trunk.transport}" if trunk.transport else "")


def proxy_uri(trunk: Trunk) -> str | None:
    """Return the URI of a trunk's outbound proxy, if it has one."""
    if trunk.proxy is None:
        return None
    host, port = trunk.proxy
    transport = f";transport={trunk.transport}" if trunk.transport else ""
    return f"sip:{host}{'' if port is None else f':{port}'}{transport};lr"


def dial_uri(
    target: str,
    trunk: Trunk | None,
    agents: Mapping[str, AgentConfig],
    trunks: Mapping[str, Trunk] | None = None,
) -> str | None:
    """Return the SIP URI to call for `target`, or None if it may not be dialled or leads nowhere.

    A `tel:` URI stands for its number (RFC 3966), without visual separators and parameters.

    An agent's name, extension or URI leads to the agent; another number to the host of the trunk, or of the first of
    `trunks` that its pattern names (`outgoing`), if the trunk's patterns allow it.
    """
    tel = _TEL.fullmatch(target)
    if tel is not None:
        target = re.sub(r"[-.()]", "", tel.group(1))
    for agent in agents.values():
        if target in (agent.name, agent.uri, *agent_forms(agent.uri)):
            return agent.uri
    if trunk is None or not may_dial(target, trunk.dial, emergency=trunk.emergency):
        return None
    if _URI.fullmatch(target):
        return target
    ways = outgoing(target, trunk, trunks or {})
    return number_uri(target, ways[0]) if ways else None


def agent_forms(uri: str) -> tuple[str, ...]:
    """Return how an agent's URI may be written besides: without parameters, and as the extension alone."""
    plain = uri.partition(";")[0]
    found = _URI.fullmatch(plain)
    return (plain,) if found is None else (plain, found.group(2))


def is_agent_uri(text: str) -> bool:
    """Say whether `text` is `sip:user@host[:port]`, with `;transport=udp`, `tcp` or `tls` or nothing more."""
    match = _URI.match(text)
    rest = text[match.end() :] if match else text
    return match is not None and (not rest or _TRANSPORT.fullmatch(rest) is not None)


def _user_part(pattern: str) -> tuple[str, str]:
    """Split `sip:PATTERN@HOST` into pattern and host; the host is empty for a plain pattern."""
    match = re.fullmatch(r"sips?:([^@]*)@(.+)", pattern)
    return (match.group(1), match.group(2)) if match else (pattern, "")


def _lets_through(pattern: str, number: str, emergency: Collection[str]) -> bool:
    return pattern == number if is_emergency(number, emergency) else _matches(pattern, number)


def _matches(pattern: str, number: str) -> bool:
    if not _PATTERN.fullmatch(pattern):
        return False
    parts = re.findall(r"\[[^]]*\]|.", pattern)
    expression = "".join(
        _CLASSES.get(part, part if part.startswith("[") else re.escape(part)) for part in parts
    )
    return re.fullmatch(expression, number) is not None
