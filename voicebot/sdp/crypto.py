"""Keys in session descriptions: a=crypto (SDES, RFC 4568) with the two suites that everybody has."""

import base64
import binascii
from dataclasses import dataclass, field

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")  # in our order of preference
KEY_BYTES = 30  # master key of 16 and master salt of 14 (RFC 4568 section 6.1)
_ALLOWED_PARAMETERS = ("WSH=",)  # a hint; any other session parameter changes the packets (section 6.3)


@dataclass(frozen=True, slots=True)
class Crypto:
    """One a=crypto line. `tag` ties the answer's line to the offer's."""

    tag: str
    suite: str
    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, value: str) -> "Crypto | None":
        """Return the line, or None for one that we cannot serve: another suite, several keys, an MKI, odd parameters."""
        parts = value.split()
        if len(parts) < 3 or not (parts[0].isascii() and parts[0].isdigit() and len(parts[0]) <= 9):
            return None
        tag, suite, method = parts[0], parts[1].upper(), parts[2]
        if suite not in SUITES or not method.lower().startswith("inline:"):
            return None
        if any(not item.upper().startswith(_ALLOWED_PARAMETERS) for item in parts[3:]):
            return None
        text, *options = method[len("inline:") :].split("|")
        if any(":" in option for option in options):  # an MKI in every packet (section 6.1)
            return None
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(tag, suite, key) if len(key) == KEY_BYTES else None

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"
