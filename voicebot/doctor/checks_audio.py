"""The audio of the call: what was settled, what came, what the PBX says of ours, keys."""

from collections.abc import Sequence
from itertools import pairwise

from voicebot.doctor.evidence import Evidence, Heard
from voicebot.doctor.finding import Finding, fail, not_tested, ok, warn
from voicebot.media.reception import Reception
from voicebot.sdp import Description, MediaDescription, SdpError

WORST_LOSS = 0.01  # of the packets: more is heard with G.711 without concealment
WORST_JITTER_MS = 30.0
LONGEST_GAP = 0.1  # seconds: more than a jitter buffer holds
COMFORT_NOISE = 13  # RFC 3389
_G711 = {0: "PCMU", 8: "PCMA"}
_FEW = 10  # packets: fewer are no stream to judge


def section(sdp: bytes | None) -> MediaDescription | None:
    """Return the first audio section of a description, None for none."""
    try:
        found = Description.parse(sdp or b"").media
    except SdpError:
        return None
    return next((each for each in found if each.kind == "audio"), None)


def codec(seen: Evidence) -> Finding:
    if seen.answered is None:
        if seen.final is not None and seen.final[1].status in (415, 488, 606):
            text = "the PBX takes neither PCMU nor PCMA on this line, or encrypted audio (SRTP) alone, which is not tried here"
            return fail("codec", f"{seen.final[1].status}: {text}")
        return not_tested("codec", "the call was not answered")
    theirs = section(seen.answer)
    if theirs is None or seen.unusable:
        return fail("codec", seen.unusable or "the answer has no audio")
    names = [
        theirs.rtpmaps[n].name if n in theirs.rtpmaps else _G711.get(n, str(n)) for n in theirs.payload_types
    ]
    text = f"offered PCMU, PCMA; answered {', '.join(name for name in names if name != 'TELEPHONE-EVENT')}"
    strange = {each.payload_type for each in _stream(seen)} - set(theirs.payload_types) - {COMFORT_NOISE}
    if strange:
        return warn("codec", f"{text}; but payload types {sorted(strange)} come that were not answered")
    return ok("codec", text)


def ptime(seen: Evidence) -> Finding:
    audio = [each for each in _stream(seen) if each.payload_type in _G711]
    if not audio:
        return not_tested("ptime", "no audio came")
    sizes = sorted({len(each.payload) // 8 for each in audio})
    theirs = section(seen.answer)
    told = theirs.attribute("ptime") if theirs is not None else None
    text = f"packets of {', '.join(map(str, sizes))} ms" + (f", a=ptime:{told}" if told else "")
    common = max(sizes, key=lambda size: sum(len(each.payload) // 8 == size for each in audio))
    if common != 20 or (told and told.isdigit() and int(told) != common):
        return warn("ptime", text)
    return ok("ptime", text)


def received(seen: Evidence) -> Finding:
    if seen.answered is None:
        return not_tested("audio-received", "the call was not answered")
    stream = _stream(seen)
    if not stream:
        theirs = section(seen.answer)
        told = (
            theirs is not None and (theirs.attribute("sendonly") or theirs.attribute("sendrecv")) is not None
        )
        return fail("audio-received", "no RTP came" + (", though the SDP announces it" if told else ""))
    delay = stream[0].at - seen.answered_at
    text = f"{len(stream)} packets, the first {max(0.0, delay):.2f} s after the answer"
    return (warn if delay > 1.0 else ok)("audio-received", text)


def sent(seen: Evidence) -> Finding:
    """Whether our audio arrives: by what comes back of it, or by the receiver reports of RTCP."""
    if seen.answered is None or not seen.sent_audio:
        return not_tested("audio-sent", "the call was not answered")
    if seen.echo is not None:
        return ok("audio-sent", "our sound comes back: it is heard")
    if seen.reports:
        block = seen.reports[-1].block
        share = max(0, block.lost) / max(1, seen.sent_audio)
        text = f"RTCP: it has our audio, {max(0, block.lost)} packets of it lost"
        return (warn if share > WORST_LOSS else ok)("audio-sent", text)
    return not_tested("audio-sent", "no RTCP comes and nothing echoes: call an echo extension to be sure")


def loss(seen: Evidence) -> Finding:
    stream = _stream(seen)
    if len(stream) < _FEW:
        return not_tested("loss", "too little audio came")
    counted = _counted(stream)
    share = counted.lost / (counted.lost + counted.received)
    text = f"{counted.lost} of {counted.lost + counted.received} packets ({100 * share:.1f} %)"
    return (fail if share > 0.05 else warn if share > WORST_LOSS else ok)("loss", text)


def order(seen: Evidence) -> Finding:
    stream = _stream(seen)
    if len(stream) < _FEW:
        return not_tested("order", "too little audio came")
    counted = _counted(stream)
    text = f"{counted.reordered} out of order, {counted.duplicate} twice"
    many = counted.reordered + counted.duplicate > WORST_LOSS * len(stream)
    return (warn if many else ok)("order", text)


def jitter(seen: Evidence) -> Finding:
    stream = [each for each in _stream(seen) if each.payload_type in _G711]
    if len(stream) < _FEW:
        return not_tested("jitter", "too little audio came")
    counted = Reception()
    for each in stream:
        counted.measure(each.rtp_timestamp, each.at)
    text = f"{counted.jitter_ms:.1f} ms"
    return (warn if counted.jitter_ms > WORST_JITTER_MS else ok)("jitter", text)


def gaps(seen: Evidence) -> Finding:
    """Times without packets that the timestamps do not explain: they are holes in the network, or a slow sender."""
    stream = [each for each in _stream(seen) if each.payload_type in _G711]
    if len(stream) < _FEW:
        return not_tested("gaps", "too little audio came")
    found = [
        later.at - earlier.at
        for earlier, later in _neighbours(seen, stream)
        if _ahead(earlier, later) <= len(earlier.payload)
    ]
    longest = max(found, default=0.0)
    return (warn if longest > LONGEST_GAP else ok)("gaps", f"longest {1000 * longest:.0f} ms between packets")


def silence_suppression(seen: Evidence) -> Finding:
    """RFC 3551 section 4.1: a sender that is silent sends nothing; the clock goes on, the sequence does not."""
    stream = _stream(seen)
    if len(stream) < _FEW:
        return not_tested("silence-suppression", "too little audio came")
    if any(each.payload_type == COMFORT_NOISE for each in stream):
        return warn("silence-suppression", "comfort noise packets (RFC 3389) come: silence is not sent")
    pauses = [
        pair
        for pair in _neighbours(seen, stream)
        if (pair[1].sequence_number - pair[0].sequence_number) & 0xFFFF == 1
        and _ahead(*pair) > 2 * len(pair[0].payload)
        and pair[1].payload_type in _G711
        and pair[0].payload_type in _G711
    ]
    if pauses:
        return warn("silence-suppression", f"{len(pauses)} pauses in the stream: silence is not sent")
    return ok("silence-suppression", "none: audio is continuous")


def echo(seen: Evidence) -> Finding:
    if not seen.chirped:
        return not_tested("echo", "the call was over before")
    if seen.echo is None:
        return not_tested("echo", "the other side does not echo")
    text = f"audio comes back after {1000 * seen.echo.delay:.0f} ms"
    return (warn if seen.echo.delay > 0.4 else ok)("echo", text)


def transcoding(seen: Evidence) -> Finding:
    if seen.echo is None:
        return not_tested("transcoding", "the other side does not echo")
    if seen.echo.exact:
        return ok("transcoding", "none: the echo is ours byte for byte")
    return warn("transcoding", "the echo is not ours byte for byte: the PBX decodes and encodes it anew")


def dtmf(seen: Evidence) -> Finding:
    if seen.answered is None:
        return not_tested("dtmf", "the call was not answered")
    if seen.event_payload_type is None:
        return fail("dtmf", "no telephone-event in the answer: keys cannot be told from speech")
    text = f"RFC 4733, payload type {seen.event_payload_type}"
    if seen.keys_heard:
        return ok("dtmf", f"{text}; keys come back: {len(seen.keys_heard)}")
    return ok("dtmf", f"{text}; a key was sent" if seen.keys_sent else text)


# --- the stream


def _stream(seen: Evidence) -> list[Heard]:
    """Return what came after the answer of the source that sent most; telephone events and all."""
    heard = [each for each in seen.heard if each.at >= seen.answered_at] if seen.answered is not None else []
    counts: dict[int, int] = {}
    for each in heard:
        counts[each.ssrc] = counts.get(each.ssrc, 0) + 1
    main = max(counts, key=lambda ssrc: counts[ssrc], default=None)
    return [each for each in heard if each.ssrc == main]


def _counted(stream: Sequence[Heard]) -> Reception:
    counted = Reception()
    for each in stream:
        counted.accept(each.ssrc, each.sequence_number)
    return counted


def _neighbours(seen: Evidence, stream: Sequence[Heard]) -> list[tuple[Heard, Heard]]:
    """Return packets that followed each other, but for the time in which we had the other side on hold."""
    start, end = (
        seen.hold.asked_at if seen.hold else 0.0,
        seen.resume.answered_at + 1.0 if seen.resume else 0.0,
    )
    if seen.hold is not None and seen.resume is None:
        end = stream[-1].at if stream else 0.0
    return [pair for pair in pairwise(stream) if not start <= pair[1].at <= end]


def _ahead(earlier: Heard, later: Heard) -> int:
    return (later.rtp_timestamp - earlier.rtp_timestamp) & 0xFFFFFFFF
