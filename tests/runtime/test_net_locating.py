"""Where a URI leads (RFC 3263), with DNS answers made up; and the resolver against a DNS server on loopback."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicebot.runtime.net.dns import Resolver
from voicebot.runtime.net.locating import Naptr, Srv, by_weight, locate
from voicebot.sip import Address, SipError, Uri


@dataclass
class Zone:
    """DNS answers; `asked` says what was looked up."""

    naptrs: Mapping[str, Sequence[Naptr]] = field(default_factory=dict)
    srvs: Mapping[str, Sequence[Srv]] = field(default_factory=dict)
    addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def naptr(self, name: str) -> Sequence[Naptr]:
        self.asked.append(f"NAPTR {name}")
        return self.naptrs.get(name, ())

    async def srv(self, name: str) -> Sequence[Srv]:
        self.asked.append(f"SRV {name}")
        return self.srvs.get(name, ())

    async def hosts(self, name: str) -> Sequence[str]:
        self.asked.append(f"A {name}")
        return self.addresses.get(name, ())


def located(uri: str, zone: Zone) -> list[str]:
    return [str(each) for each in asyncio.run(locate(Uri.parse(uri), zone, random.Random(1)))]


ZONE = Zone(
    naptrs={
        "example.com": [
            Naptr(100, 20, "s", "SIP+D2U", "_sip._udp.example.com"),
            Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
            Naptr(10, 10, "u", "E2U+sip", ""),
        ]
    },
    srvs={
        "_sips._tcp.example.com": [Srv(1, 0, 5071, "a.example.com"), Srv(0, 0, 5061, "b.example.com")],
        "_sip._udp.example.com": [Srv(0, 0, 5080, "a.example.com")],
        "_sip._tcp.plain.com": [Srv(0, 0, 5090, "a.example.com")],
        "_sip._udp.closed.com": [Srv(0, 0, 0, ".")],
    },
    addresses={
        "a.example.com": ["192.0.2.1", "2001:db8::1"],
        "b.example.com": ["192.0.2.2"],
        "closed.com": ["192.0.2.9"],
    },
)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:x@192.0.2.7", ["udp:192.0.2.7:5060"]),
        ("sip:x@[2001:db8::7]:5070;transport=TCP", ["tcp:[2001:db8::7]:5070"]),
        ("sips:x@192.0.2.7", ["tls:192.0.2.7:5061"]),
        ("sip:x@a.example.com:5075", ["udp:192.0.2.1:5075", "udp:[2001:db8::1]:5075"]),
        ("sip:x@b.example.com", ["udp:192.0.2.2:5060"]),
        ("sip:x@b.example.com;transport=tls", ["tls:192.0.2.2:5061"]),
        ("sip:x@plain.com", ["tcp:192.0.2.1:5090", "tcp:[2001:db8::1]:5090"]),
        ("sip:x@example.com;transport=udp", ["udp:192.0.2.1:5080", "udp:[2001:db8::1]:5080"]),
        (
            "sip:x@example.com",
            [
                "tls:192.0.2.2:5061",
                "tls:192.0.2.1:5071",
                "tls:[2001:db8::1]:5071",
                "udp:192.0.2.1:5080",
                "udp:[2001:db8::1]:5080",
            ],
        ),
    ],
)
def test_a_uri_leads_where_rfc_3263_says(uri: str, expected: list[str]) -> None:
    assert located(uri, ZONE) == expected


def test_a_literal_address_asks_no_dns() -> None:
    zone = Zone()
    located("sip:x@192.0.2.7", zone)
    assert zone.asked == []


@pytest.mark.parametrize("uri", ["sip:x@nowhere.com", "sip:x@nowhere.com:5060"])
def test_a_name_that_nobody_has_is_404(uri: str) -> None:
    with pytest.raises(SipError, match="does not resolve") as caught:
        located(uri, ZONE)
    assert caught.value.status == 404


@pytest.mark.parametrize("uri", ["tel:123", "sip:x@192.0.2.7;transport=sctp"])
def test_what_we_do_not_speak_is_480(uri: str) -> None:
    with pytest.raises(SipError) as caught:
        located(uri, ZONE)
    assert caught.value.status == 480


@given(
    st.lists(
        st.builds(Srv, st.integers(0, 3), st.integers(0, 65535), st.just(5060), st.text("ab", max_size=3))
    )
)
def test_every_srv_record_is_tried_once_and_priorities_come_in_order(records: list[Srv]) -> None:
    ordered = by_weight(records, random.Random(3))
    assert Counter(ordered) == Counter(records)
    assert [each.priority for each in ordered] == sorted(each.priority for each in records)


def test_a_weight_is_a_share_of_the_calls() -> None:
    rng = random.Random(7)
    records = [Srv(0, 90, 1, "often"), Srv(0, 10, 1, "seldom")]
    first = Counter(by_weight(records, rng)[0].target for _ in range(1000))
    assert first["often"] == pytest.approx(900, abs=40)


class Server(asyncio.DatagramProtocol):
    """A DNS server with a few records, as text. `asked` counts the questions."""

    def __init__(self, *records: str) -> None:
        self.records = records
        self.asked = 0
        self.silent = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.silent:
            return
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        question = query.question[0]
        for record in self.records:
            name, ttl, kind, text = record.split(None, 3)
            found = dns.rrset.from_text(name, int(ttl), "IN", kind, text)
            if (found.name, found.rdtype) == (question.name, question.rdtype):
                answer.answer.append(found)
        if not answer.answer:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


def test_the_resolver_asks_once_within_the_ttl_and_the_hosts_file_first(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("::1 pbx.local pbx\n127.0.0.5 PBX.local # ours\nnonsense line\n")
    server = Server(
        'example.com. 60 NAPTR 1 2 "s" "SIP+D2T" "" _sip._tcp.example.com.',
        "_sip._tcp.example.com. 60 SRV 0 5 5071 a.example.com.",
        "a.example.com. 60 A 192.0.2.1",
        "a.example.com. 60 AAAA 2001:db8::1",
    )
    now = 100.0

    async def story() -> None:
        nonlocal now
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        resolver = Resolver(["127.0.0.1"], port=port, hosts=hosts, clock=lambda: now)
        uri = Uri.parse("sip:x@example.com")
        expected = (Address("tcp", "192.0.2.1", 5071), Address("tcp", "2001:db8::1", 5071))
        for _ in range(2):
            assert await locate(uri, resolver, random.Random(1)) == expected
        assert server.asked == 4
        now += 61
        assert await locate(uri, resolver, random.Random(1)) == expected
        assert server.asked == 8
        assert await resolver.hosts("pbx.LOCAL") == ["127.0.0.5", "::1"]
        assert await resolver.hosts("nobody.example.com") == []
        transport.close()

    asyncio.run(asyncio.wait_for(story(), 10))


def test_a_dns_server_that_is_silent_is_given_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voicebot.runtime.net.dns.ANSWER_WITHIN", 0.2)
    server = Server()
    server.silent = True

    async def story() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
        resolver = Resolver(
            ["127.0.0.1"], port=transport.get_extra_info("sockname")[1], hosts=tmp_path / "none"
        )
        with pytest.raises(SipError, match="no DNS server answers") as caught:
            await resolver.hosts("example.com")
        assert caught.value.status == 480
        transport.close()

    asyncio.run(asyncio.wait_for(story(), 10))
