"""OPTIONS: of the examination itself, and by the transports that it does not use."""

import asyncio
import ssl
from collections.abc import Sequence

from voicebot.phone.errors import PhoneError
from voicebot.phone.signalling import Signalling
from voicebot.sip import Address, Event, PingAnswered, SipError
from voicebot.sip.address import DEFAULT_PORT, bracketed

PROBED_WITHIN = 3.0  # seconds


def ask(
    signalling: Signalling, uri: str, from_uri: str, peer: Address, headers: Sequence[tuple[str, str]]
) -> int:
    """Send OPTIONS to whom we are about to call; return its number. Raises PhoneError for an unusable URI."""
    try:
        number = signalling.endpoint.options(uri, from_uri, signalling.now, destination=peer, headers=headers)
    except SipError as error:
        raise PhoneError(f"`{uri}` cannot be asked: {error}") from error
    signalling.pump()
    return number


async def probe_transports(peer: Address, own_host: str, name: str) -> dict[str, str]:
    """Return, for each transport but `peer`'s own, "" if the PBX speaks SIP by it, else why not.

    TLS is looked for one port above where the given port is not its own, as 5061 is above 5060.
    """
    found: dict[str, str] = {}
    addresses = [_beside(peer, transport) for transport in DEFAULT_PORT if transport != peer.transport]
    results = await asyncio.gather(*(_probe(each, own_host, name) for each in addresses))
    for address, result in zip(addresses, results, strict=True):
        found[address.transport] = result
    return found


def _beside(peer: Address, transport: str) -> Address:
    port = peer.port
    if (transport == "tls") != (peer.transport == "tls"):
        port += 1 if transport == "tls" else -1
    return peer._replace(transport=transport, port=port)


async def _probe(peer: Address, own_host: str, name: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only whether it is there
    answered = asyncio.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, PingAnswered) and not event.local:
            answered.set()

    signalling = Signalling(own_host, 0, on_event)
    try:
        async with asyncio.timeout(PROBED_WITHIN):
            await signalling.connect(peer, context, name)
            uri = f"sip:{bracketed(peer.host)}:{peer.port}"
            ask(signalling, uri, f"sip:doctor@{bracketed(own_host)}", peer, [])
            await answered.wait()
    except TimeoutError:
        return "no answer to OPTIONS"
    except PhoneError as error:
        return str(error)
    finally:
        signalling.close()
    return ""
