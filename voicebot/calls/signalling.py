"""What calls need of the SIP endpoint, as a Protocol: `runtime/net` implements it with sockets."""

from collections.abc import Sequence
from typing import Protocol

from voicebot.sip.address import Address


class Signalling(Protocol):
    """The SIP endpoint, with its clock and sockets behind it: what is called here leaves at once."""

    def ring(self, session: int, status: int, sdp: bytes | None) -> None:
        """Send a provisional response to an INVITE, with `sdp` reliably if its sender knows how (RFC 3262)."""

    def accept(self, session: int, sdp: bytes) -> None: ...

    def reject(self, session: int, status: int, *, headers: Sequence[tuple[str, str]] = ()) -> None: ...

    async def resolve(self, uri: str, trunk: str = "") -> Address:
        """Return where requests for `uri` go. Raises SipError for a name that leads nowhere. `trunk`: see `invite`."""

    def invite(
        self,
        target: str,
        destination: Address,
        *,
        from_uri: str,
        display_name: str = "",
        sdp: bytes,
        headers: Sequence[tuple[str, str]] = (),
        local: Address | None = None,
        trunk: str = "",
        impatient: bool = False,
    ) -> int:
        """Send an INVITE; return its session.

        `local`: from this address of ours, to a phone that registered there. Absent: by the way of the trunk whose peer
        the target is, with its credentials; where several have that peer, of the one that is called `trunk`.
        `impatient`: a peer that is silent is given up after a few seconds.
        """

    def cancel(self, session: int, *, elsewhere: bool = False) -> None:
        """Stop a phone's ringing. `elsewhere`: another one was answered, so that this one has missed no call."""

    def bye(self, session: int, *, cause: str = "") -> None: ...

    def answer(self, session: int, sdp: bytes) -> None: ...

    def reject_offer(self, session: int, status: int) -> None: ...

    def refer(self, session: int, target: str, *, replacing: int | None = None) -> bool:
        """Ask the peer to go to `target`, in the place of another session if given; False if it cannot be asked now."""

    def give_up_refer(self, session: int) -> None: ...

    def answer_refer(self, session: int, status: int) -> None: ...

    def notify_refer(self, session: int, status: int) -> None: ...

    def own_uri(self, session: int, replaces: str) -> str | None: ...

    def local_host(self, peer_host: str) -> str:
        """Return the local address from which audio to `peer_host` leaves: one that is listened on."""

    def advertised_host(self, peer_host: str) -> str:
        """Return the address that the peer is to send to: the local one, or the configured public one."""

    def belongs(self, session: int, call: str) -> None:
        """The session is a leg of the call with this uid: its messages go into the call's ladder."""

    def call_over(self, call: str) -> None:
        """Nothing more is to be sent for the call with this uid."""
