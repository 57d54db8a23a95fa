"""Digest authentication (RFC 7616; RFC 8760)."""

import pytest

from voicebot.sip import Credentials, DigestError, MessageError, Realm, Request, Response
from voicebot.sip.digest import (
    MAX_NONCES,
    ClientAuthentication,
    ServerAuthentication,
    Verdict,
    _response,
    challenges,
    parse_parameters,
)
from voicebot.sip.message import HeaderList

REALM = Realm("lab", {"alice": "secret", 'we"ird': "a\\b"}, ("SHA-512-256", "SHA-256", "MD5"))
URI = "sip:bot@192.0.2.2"


def response(*lines: str, name: str = "www-authenticate", status: int = 401) -> Response:
    return Response(status, "x", [(name, line) for line in lines])


def request(headers: HeaderList, method: str = "INVITE") -> Request:
    return Request(method, URI, headers)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_section_3_9_1(algorithm: str, expected: str) -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    rest = "00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth"
    result = _response(
        algorithm,
        "Mufasa",
        "http-auth@example.org",
        "Circle of Life",
        "GET",
        "/dir/index.html",
        nonce,
        rest,
    )
    assert result == expected


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
@pytest.mark.parametrize(("user", "password"), [("alice", "secret"), ('we"ird', "a\\b")])
def test_client_and_server_agree(algorithm: str, user: str, password: str) -> None:
    realm = Realm("lab", REALM.passwords, (algorithm,))
    server = ServerAuthentication(b"k")
    client = ClientAuthentication(Credentials(user, password))
    client.challenged(Response(401, "", server.challenge(realm, 10.0)))
    for _ in range(3):
        verdict = server.check(request(client.headers("INVITE", URI, "c")), realm, 11.0)
        assert verdict.user == user
    other = client.headers("INVITE", URI, "c")
    assert server.check(request(other, "BYE"), realm, 11.0).user is None


def test_the_strongest_algorithm_that_both_know_is_used() -> None:
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(Response(401, "", ServerAuthentication(b"k").challenge(REALM, 0.0)))
    [(_, value)] = client.headers("INVITE", URI, "c")
    assert "algorithm=SHA-512-256" in value


def test_a_nonce_grows_old_is_not_used_twice_and_cannot_be_made_up() -> None:
    server = ServerAuthentication(b"k", lifetime=60.0)
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(Response(401, "", server.challenge(REALM, 0.0)))
    late = server.check(request(client.headers("INVITE", URI, "c")), REALM, 61.0)
    assert (late.user, late.stale) == (None, True)
    headers = client.headers("INVITE", URI, "c")
    assert server.check(request(headers), REALM, 1.0).user == "alice"
    assert server.check(request(headers), REALM, 1.0).stale
    foreign = ServerAuthentication(b"other")
    assert foreign.check(request(client.headers("INVITE", URI, "c")), REALM, 1.0).user is None


def test_an_answer_without_qop_is_good_for_one_request() -> None:
    """RFC 3261 section 22.4: a client of RFC 2069 age neither counts nor names a qop. pyVoIP is one."""
    server = ServerAuthentication(b"k")
    [(_, line)] = server.challenge(Realm("lab", REALM.passwords, ("MD5",)), 0.0)
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(response(line.replace(', qop="auth"', "")))
    headers = client.headers("REGISTER", URI, "c")
    assert "qop" not in headers[0][1]
    assert server.check(request(headers, "INVITE"), REALM, 1.0).wrong
    assert server.check(request(headers, "REGISTER"), REALM, 1.0).user == "alice"
    assert server.check(request(headers, "REGISTER"), REALM, 1.0).stale


@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("nobody", ""), ("nobody", "secret")])
def test_a_stranger_is_not_let_in_and_does_not_learn_why(user: str, password: str) -> None:
    server = ServerAuthentication(b"k")
    client = ClientAuthentication(Credentials(user, password))
    client.challenged(Response(401, "", server.challenge(REALM, 0.0)))
    verdict = server.check(request(client.headers("INVITE", URI, "c")), REALM, 1.0)
    assert (verdict.user, verdict.stale) == (None, False)


def test_a_peer_of_rfc_2069_age_is_answered_without_qop() -> None:
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(response('Digest realm="old", nonce="n", opaque="o"'))
    [(name, value)] = client.headers("INVITE", URI, "c")
    given = parse_parameters(value)
    assert name == "authorization"
    assert "qop" not in given
    assert "algorithm" not in given
    assert given["opaque"] == "o"


def test_counts_rise_with_every_request() -> None:
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(response('Digest realm="r", nonce="n", qop="auth,auth-int"'))
    counts = [parse_parameters(client.headers("BYE", URI, "c")[0][1])["nc"] for _ in range(3)]
    assert counts == ["00000001", "00000002", "00000003"]


def test_proxy_and_server_are_both_answered() -> None:
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(response('Digest realm="p", nonce="1"', name="proxy-authenticate", status=407))
    client.challenged(response('Digest realm="s", nonce="2"'))
    assert {name for name, _ in client.headers("INVITE", URI, "c")} == {
        "authorization",
        "proxy-authorization",
    }


def test_several_challenges_may_share_a_line() -> None:
    found = challenges(
        response('Basic realm="b", Digest realm="x, y", nonce="1", Digest realm="z", nonce="2"')
    )
    assert [parameters["realm"] for _, parameters in found] == ["x, y", "z"]


@pytest.mark.parametrize(
    "line",
    [
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest realm="x", nonce="n", algorithm=ROT13',
        'Digest realm="x", nonce="n", qop="auth-int"',
    ],
)
def test_a_challenge_that_cannot_be_answered_is_told(line: str) -> None:
    with pytest.raises(DigestError) as caught:
        ClientAuthentication(Credentials("alice", "secret")).challenged(response(line))
    assert caught.value.why == "no_credentials"


def test_secrets_do_not_show() -> None:
    assert "secret" not in repr(Credentials("alice", "secret"))
    assert "secret" not in repr(REALM)


def test_another_scheme_is_an_error() -> None:
    with pytest.raises(MessageError):
        parse_parameters("Basic abc")


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        (URI, True),
        ("sip:bot@192.0.2.2:5060", True),
        ("sip:bot@192.0.2.2;transport=udp", True),
        ("<sip:bot@192.0.2.2>", True),
        ("sip:%62ot@192.0.2.2", True),
        ("sip:other@192.0.2.2", False),
        ("sip:192.0.2.2", False),
        ("sip:bot@192.0.2.3", False),
        ("sip:bot@192.0.2.2:5070", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_the_uri_of_an_answer_may_be_written_otherwise_but_not_mean_another(uri: str, accepted: bool) -> None:
    server = ServerAuthentication(b"k")
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(Response(401, "", server.challenge(REALM, 0.0)))
    verdict = server.check(request(client.headers("INVITE", uri, "c")), REALM, 1.0)
    assert (verdict.user == "alice") is accepted


def test_algorithms_are_offered_in_the_order_that_was_configured() -> None:
    realm = Realm("lab", REALM.passwords, ("SHA-256", "MD5"))
    offered = [
        parse_parameters(value)["algorithm"] for _, value in ServerAuthentication(b"k").challenge(realm, 0.0)
    ]
    assert offered == ["SHA-256", "MD5"]
    assert "SHA" not in str(ServerAuthentication(b"k").challenge(Realm("lab", {}), 0.0))


def test_two_who_are_asked_in_the_same_instant_do_not_share_a_nonce() -> None:
    server = ServerAuthentication(b"k")
    for _ in range(2):
        client = ClientAuthentication(Credentials("alice", "secret"))
        client.challenged(Response(401, "", server.challenge(REALM, 0.0)))
        assert server.check(request(client.headers("INVITE", URI, "c")), REALM, 0.0).user == "alice"


def answered(
    server: ServerAuthentication, host: str, password: str = "secret", asked: str = "192.0.2.1"
) -> Verdict:
    client = ClientAuthentication(Credentials("alice", password))
    client.challenged(Response(401, "", server.challenge(REALM, 0.0, asked)))
    return server.check(request(client.headers("INVITE", URI, "c")), REALM, 1.0, host)


def test_a_nonce_holds_for_the_site_that_was_asked() -> None:
    """Whoever forges the address of a PBX has not received what the PBX was asked, and uses up none of its tries."""
    server = ServerAuthentication(b"k")
    assert answered(server, "192.0.2.1") == Verdict("alice")
    assert answered(server, "192.0.2.1", "wrong") == Verdict(wrong="alice")
    for password in ("secret", "wrong"):  # nor does he learn which is right
        assert answered(server, "192.0.2.2", password) == Verdict(stale=True)
    assert answered(server, "2001:db8::1", asked="2001:db8::2") == Verdict("alice")


def test_a_nonce_whose_count_is_forgotten_is_used_no_more() -> None:
    server = ServerAuthentication(b"k")
    client = ClientAuthentication(Credentials("alice", "secret"))
    client.challenged(Response(401, "", server.challenge(REALM, 0.0)))
    first = request(client.headers("INVITE", URI, "c"))
    assert server.check(first, REALM, 1.0).user == "alice"
    for _ in range(MAX_NONCES):
        other = ClientAuthentication(Credentials("alice", "secret"))
        other.challenged(Response(401, "", server.challenge(REALM, 2.0)))
        assert server.check(request(other.headers("INVITE", URI, "c")), REALM, 2.0).user == "alice"
    assert server.check(first, REALM, 3.0) == Verdict(stale=True)
