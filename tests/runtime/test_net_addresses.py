"""Which of our addresses a peer is told."""

import ipaddress

import pytest

from voicebot.runtime.net import addresses as addresses_module
from voicebot.runtime.net.addresses import LocalAddresses
from voicebot.sip import Address

PEER = Address("udp", "127.0.0.1", 5080)


def test_a_socket_bound_to_all_is_reached_where_the_kernel_routes_from() -> None:
    addresses = LocalAddresses()
    addresses.bound(Address("udp", "0.0.0.0", 5062))
    assert addresses.contact(PEER, None) == Address("udp", "127.0.0.1", 5062)


def test_a_socket_bound_to_one_address_is_reached_there() -> None:
    addresses = LocalAddresses(public_address="203.0.113.9")
    bound = Address("udp", "127.0.0.3", 5062)
    addresses.bound(bound)
    assert addresses.contact(PEER, bound) == bound


def test_the_public_address_is_told_to_the_world_but_not_to_this_machine() -> None:
    addresses = LocalAddresses(public_address="203.0.113.9")
    addresses.bound(Address("udp", "0.0.0.0", 5062))
    assert addresses.contact(Address("udp", "198.51.100.7", 5060), None).host == "203.0.113.9"
    assert addresses.host_for("127.0.0.1") == "127.0.0.1"
    assert ":" in addresses.host_for("2001:db8::7")  # an IPv4 address is no use to a peer of IPv6


def test_behind_a_nat_the_public_address_is_told_though_a_private_one_is_listened_on() -> None:
    """Else ACK, BYE and re-INVITE of a carrier go to 10.0.0.5, and the call is torn down after 32 s."""
    bound = Address("udp", "10.0.0.5", 5060)
    configured, asked = LocalAddresses(public_address="203.0.113.9"), LocalAddresses()
    asked.learned = "203.0.113.9"
    for addresses in (configured, asked):
        addresses.bound(bound)
        carrier, neighbour = Address("udp", "198.51.100.7", 5060), Address("udp", "10.0.0.7", 5060)
        assert addresses.contact(carrier, bound) == Address("udp", "203.0.113.9", 5060)
        assert addresses.contact(carrier, None) == Address("udp", "203.0.113.9", 5060)
        assert addresses.contact(neighbour, bound) == bound
    several = LocalAddresses(public_address="203.0.113.9")
    several.bound(outside := Address("udp", "198.51.100.5", 5060))
    assert several.contact(carrier, outside) == outside, "it is in nobody's private network"


def test_who_is_on_our_side_of_the_nat_is_told_our_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent's phone beside the server: audio by way of the public address would go nowhere on most routers."""
    monkeypatch.setattr(addresses_module, "_probe", lambda _host: "192.168.1.5")
    addresses = LocalAddresses(
        public_address="203.0.113.9",
        local_networks=[ipaddress.ip_network("192.168.1.0/24"), ipaddress.ip_network("fd00::/8")],
    )
    addresses.bound(Address("udp", "0.0.0.0", 5062))
    phone = Address("udp", "192.168.1.77", 5060)
    assert addresses.host_for(phone.host) == "192.168.1.5"
    assert addresses.contact(phone, None) == Address("udp", "192.168.1.5", 5062)
    assert addresses.host_for("192.168.2.77") == addresses.host_for("198.51.100.7") == "203.0.113.9"
    assert addresses.host_for("phone.example") == "203.0.113.9"


def test_of_several_sockets_the_one_on_the_route_is_used() -> None:
    addresses = LocalAddresses()
    addresses.bound(Address("udp", "127.0.0.9", 5062))
    addresses.bound(Address("udp", "127.0.0.1", 5064))
    chosen = addresses.choose(PEER)
    assert chosen is not None
    assert chosen.port == 5064
    assert addresses.choose(Address("udp", "::1", 5060)) is None


def test_audio_uses_the_address_that_is_listened_on() -> None:
    """With `listen: udp:127.44.3.9:5060` the kernel would send from 127.0.0.1: that address is nobody's business."""
    addresses = LocalAddresses()
    addresses.bound(Address("udp", "127.44.3.9", 5060))
    assert addresses.host_for("127.0.0.1") == "127.44.3.9"
    assert addresses.socket_host("127.0.0.1") == "127.44.3.9"


def test_audio_uses_the_route_where_it_is_one_of_the_addresses_or_all_are_listened_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses_module, "_probe", lambda _host: "192.0.2.1")
    two = LocalAddresses()
    two.bound(Address("udp", "198.51.100.5", 5060))
    two.bound(Address("udp", "192.0.2.1", 5060))
    assert two.host_for("203.0.113.7") == "192.0.2.1"
    everything = LocalAddresses()
    everything.bound(Address("tcp", "198.51.100.5", 5060))
    everything.bound(Address("udp", "0.0.0.0", 5060))
    assert everything.host_for("203.0.113.7") == "192.0.2.1"


def test_audio_for_the_world_does_not_leave_from_the_loopback() -> None:
    """A proxy on this machine speaks SIP for us; audio goes its own way."""
    addresses = LocalAddresses()
    addresses.bound(Address("tcp", "127.0.0.1", 5060))
    addresses.bound(Address("udp", "::1", 5060))
    addresses._routes["198.51.100.7"] = ("192.0.2.1", float("inf"))
    assert addresses.host_for("198.51.100.7") == "192.0.2.1"


def test_the_public_address_is_told_in_sdp_whatever_is_listened_on() -> None:
    addresses = LocalAddresses(public_address="203.0.113.9")
    addresses.bound(Address("udp", "10.0.0.5", 5060))
    addresses._routes["198.51.100.7"] = ("10.0.0.7", float("inf"))
    assert addresses.host_for("198.51.100.7") == "203.0.113.9"
    assert addresses.socket_host("198.51.100.7") == "10.0.0.5"


def test_a_route_that_changes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ours = 0.0, "192.0.2.1"
    monkeypatch.setattr(addresses_module, "_probe", lambda _host: ours)
    addresses = LocalAddresses(clock=lambda: now)
    assert addresses.host_for("198.51.100.7") == "192.0.2.1"
    ours = "192.0.2.99"
    assert addresses.host_for("198.51.100.7") == "192.0.2.1"
    now = addresses_module.ROUTE_LIFETIME
    assert addresses.host_for("198.51.100.7") == "192.0.2.99"
