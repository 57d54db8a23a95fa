"""The errors of the test phone."""


class PhoneError(Exception):
    """Something a person can put right; the text says how."""


class CallFailed(PhoneError):
    """The call was not answered. `status` is the final SIP response (408 also when nobody answered)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
