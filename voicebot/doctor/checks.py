"""All checks in the order of the report."""

from collections.abc import Callable

from voicebot.doctor import checks_addresses, checks_audio, checks_call, checks_changes
from voicebot.doctor.evidence import Evidence
from voicebot.doctor.finding import Finding

Check = Callable[[Evidence], Finding]

CHECKS: dict[str, Check] = {
    "reachable": checks_call.reachable,
    "transports": checks_call.transports,
    "certificate": checks_call.certificate,
    "large-request": checks_call.large_request,
    "round-trip": checks_call.round_trip,
    "rport": checks_addresses.rport,
    "authentication": checks_call.authentication,
    "answer": checks_call.answer,
    "early-media": checks_call.early_media,
    "100rel": checks_call.reliable,
    "codec": checks_audio.codec,
    "ptime": checks_audio.ptime,
    "contact": checks_addresses.contact,
    "sdp-address": checks_addresses.sdp_address,
    "rtp-source": checks_addresses.rtp_source,
    "audio-received": checks_audio.received,
    "audio-sent": checks_audio.sent,
    "loss": checks_audio.loss,
    "order": checks_audio.order,
    "jitter": checks_audio.jitter,
    "gaps": checks_audio.gaps,
    "silence-suppression": checks_audio.silence_suppression,
    "echo": checks_audio.echo,
    "transcoding": checks_audio.transcoding,
    "dtmf": checks_audio.dtmf,
    "dtmf-info": checks_changes.dtmf_info,
    "hold": checks_changes.hold,
    "resume": checks_changes.resume,
    "update": checks_changes.update,
    "session-timer": checks_changes.session_timer,
    "refer": checks_changes.refer,
    "stability": checks_call.stability,
}


def findings(evidence: Evidence) -> list[Finding]:
    """Judge everything that was seen."""
    return [check(evidence) for check in CHECKS.values()]
