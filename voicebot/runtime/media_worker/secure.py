"""SRTP and SRTCP of one leg (RFC 3711), keyed by SDES."""

from pylibsrtp import Error, Policy, Session

from voicebot.wire import SrtpKeys

_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


class Secure:
    """Both directions. A direction whose key stays keeps its state when the other gets a new key."""

    __slots__ = ("_inbound", "_keys", "_outbound")

    def __init__(self, keys: SrtpKeys) -> None:
        self._keys = keys
        self._outbound = _session(keys.suite, keys.send_key, Policy.SSRC_ANY_OUTBOUND)
        self._inbound = _session(keys.suite, keys.receive_key, Policy.SSRC_ANY_INBOUND)

    def rekey(self, keys: SrtpKeys) -> None:
        """Take what another offer and answer have settled."""
        before, self._keys = self._keys, keys
        if (keys.suite, keys.send_key) != (before.suite, before.send_key):
            self._outbound = _session(keys.suite, keys.send_key, Policy.SSRC_ANY_OUTBOUND)
        if (keys.suite, keys.receive_key) != (before.suite, before.receive_key):
            self._inbound = _session(keys.suite, keys.receive_key, Policy.SSRC_ANY_INBOUND)

    def seal(self, packet: bytes) -> bytes | None:
        """Return the packet encrypted, None when it cannot be (a sequence number twice, too long)."""
        try:
            return self._outbound.protect(packet)
        except (Error, ValueError):
            return None

    def seal_report(self, packet: bytes) -> bytes | None:
        try:
            return self._outbound.protect_rtcp(packet)
        except (Error, ValueError):
            return None

    def open(self, packet: bytes) -> bytes | None:
        """Return the RTP packet, None when it is not authentic, or is a replay."""
        try:
            return self._inbound.unprotect(packet)
        except (Error, ValueError):  # ValueError: longer than any packet
            return None

    def open_report(self, packet: bytes) -> bytes | None:
        try:
            return self._inbound.unprotect_rtcp(packet)
        except (Error, ValueError):
            return None


def _session(suite: str, key: bytes, direction: int) -> Session:
    return Session(policy=Policy(key=key, ssrc_type=direction, srtp_profile=_PROFILES[suite]))
