"""Who looks at every SIP message of the examination as it passes, and keeps what is evidence."""

from collections.abc import Callable

from voicebot.doctor.evidence import Evidence
from voicebot.sip import Address
from voicebot.sip.errors import MessageError
from voicebot.sip.message import Response, parse

MOST_KEPT = 100  # of each kind


class Witness:
    """`large`: the OPTIONS under way is the large one, whose answer says nothing new."""

    def __init__(self, evidence: Evidence, now: Callable[[], float]) -> None:
        self.large = False
        self._evidence = evidence
        self._now = now

    def message(self, data: bytes, _peer: Address, _local: Address | None, ours: bool) -> None:
        """Take one message; those that make no sense are the endpoint's to count."""
        if ours:
            return
        try:
            message = parse(data)
            if isinstance(message, Response):
                message.validate()
                self._response(message)
            elif message is not None and len(self._evidence.requests) < MOST_KEPT:
                self._evidence.requests.append(message)
        except MessageError:
            return

    def _response(self, response: Response) -> None:
        evidence = self._evidence
        method, at = response.cseq.method, self._now()
        if method == "OPTIONS" and response.status >= 200 and evidence.options is None and not self.large:
            evidence.options = response
        if method != "INVITE" or evidence.answered is not None:
            return
        if response.status < 200:
            if len(evidence.provisionals) < MOST_KEPT:
                evidence.provisionals.append((at, response))
            return
        if response.status in (401, 407):
            evidence.challenges.append(response)
        if response.status == 422:
            evidence.too_brief.append(response)
        evidence.final = (at, response)
