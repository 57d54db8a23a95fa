"""The sections `media` and `speech` of config.yaml. What is missing has the default of its dataclass."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from voicebot.config.addresses import (
    parse_port,
)
from voicebot.config.model import (
    MediaConfig,
    Recogniser,
    SpeechConfig,
    Voice,
)
from voicebot.config.section import (
    Refused,
    Section,
    auto_or,
    integer,
    number,
    one_of,
    text,
)
from voicebot.dialplan.source import Mapping as MappingNode
from voicebot.dialplan.source import Node
from voicebot.media.coders import problem_of

T = TypeVar("T")

CODECS = ("PCMU", "PCMA", "G722", "OPUS")

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def media(section: Section) -> MediaConfig:
    def ports(node: Node) -> tuple[int, int]:
        match = re.fullmatch(r"([0-9]{1,5})\s*-\s*([0-9]{1,5})", text(node))
        if match is None:
            raise Refused("not a range of ports", 'for example "20000-29999"')
        first, last = parse_port(match.group(1)), parse_port(match.group(2))
        if first < 1024:
            raise Refused("ports for media begin at 1024")
        if last < first + (first % 2) + 1:
            raise Refused("the range holds no pair of ports (an even one and the next)")
        return first, last

    def codec(node: Node) -> str:
        name = one_of({name: name for name in CODECS})(node)
        if problem := problem_of(name):
            raise Refused(f"{name} cannot be used: {problem}", "install voicebot[opus], or leave it out")
        return name

    default = MediaConfig()
    codecs = section.items("codecs", codec, default.codecs)
    if not codecs:
        section.refuse("codecs", f"at least one codec is needed: {', '.join(CODECS)}")
    result = MediaConfig(
        ports=section.value("ports", ports, default.ports),
        workers=section.value("workers", auto_or(integer(1, 64)), None),
        codecs=tuple(dict.fromkeys(codecs)),
        codec_order=section.value("codec_order", one_of(_CODEC_ORDERS), default.codec_order),
        srtp=section.value("srtp", one_of(SRTP), default.srtp),
        rtp_timeout_seconds=section.value(
            "rtp_timeout_seconds", number(5, 3600), default.rtp_timeout_seconds
        ),
    )
    section.done()
    return result


_CODEC_ORDERS: dict[str, Literal["peer", "ours"]] = {"peer": "peer", "ours": "ours"}

SRTP: dict[str, Literal["off", "optional", "required"]] = {
    "off": "off",
    "optional": "optional",
    "required": "required",
}

_VADS: dict[str, Literal["auto", "webrtc", "energy"]] = {
    "auto": "auto",
    "webrtc": "webrtc",
    "energy": "energy",
}

_RECOGNISERS: dict[str, Literal["auto", "pocketsphinx", "vosk", "none"]] = {
    "auto": "auto",
    "pocketsphinx": "pocketsphinx",
    "vosk": "vosk",
    "none": "none",
}

_VOICES: dict[str, Literal["auto", "espeak", "pyttsx3"]] = {
    "auto": "auto",
    "espeak": "espeak",
    "pyttsx3": "pyttsx3",
}


def speech(section: Section, folder: Path) -> SpeechConfig:
    def recogniser(node: Node) -> Recogniser:
        if not isinstance(node, MappingNode):
            return Recogniser(one_of(_RECOGNISERS)(node))
        below = section.below(node)
        result = Recogniser(
            below.value("engine", one_of(_RECOGNISERS), "auto"),
            below.value("model", lambda item: folder / text(item), None),
        )
        below.done()
        return result

    def voice(node: Node) -> Voice:
        if not isinstance(node, MappingNode):
            return Voice(one_of(_VOICES)(node))
        below = section.below(node)
        result = Voice(below.value("engine", one_of(_VOICES), "auto"), below.value("voice", text, None))
        below.done()
        return result

    result = SpeechConfig(
        vad=section.value("vad", one_of(_VADS), "auto"),
        asr=section.entries("asr", _by_language(recogniser)),
        tts=section.entries("tts", _by_language(voice)),
        models=section.value("models", lambda node: folder / text(node), folder / "models"),
        workers=section.value("workers", auto_or(integer(1, 64)), None),
    )
    section.done()
    return result


def _by_language(parse: Callable[[Node], T]) -> Callable[[str, Node], T]:
    def parsed(language: str, node: Node) -> T:
        if not _LANGUAGE.fullmatch(language):
            raise Refused(f"{language!r} is not a language", "for example en or zh")
        return parse(node)

    return parsed
