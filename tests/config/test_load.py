"""config.yaml is read whole, or refused with every mistake at its place."""

import contextlib
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicebot.config import Config, ConfigError, Listen, Overrides, api_token, load_config
from voicebot.config.model import KeyPair, Tls

ROOT = Path(__file__).parents[2]
MINIMAL = "dialplans: {main: demo.yaml}\n"


def load(tmp_path: Path, text: str, overrides: Overrides | None = None, **environment: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    return load_config(file, overrides, environment)


def findings(tmp_path: Path, text: str, **environment: str) -> list[str]:
    """Return what is wrong, as `line:column: message (hint)`."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, None, **environment)
    return [
        f"{item.line}:{item.column}: {item.message}" + (f" ({item.hint})" if item.hint else "")
        for item in caught.value.findings
    ]


def test_shipped_configuration_loads_without_a_warning() -> None:
    config = load_config(ROOT / "config.yaml", environment={})
    assert config.warnings == ()
    assert config.sip.listen == (Listen("udp", "0.0.0.0", 5060), Listen("tcp", "0.0.0.0", 5060))
    assert config.dialplans == {"main": ROOT / "dialplans/demo.yaml"}
    assert config.agents["bob"].uri == "sip:6002@127.0.0.1:5070"
    assert config.storage.database == f"sqlite:///{ROOT}/data/voicebot.db"
    assert config.api.token is None


def test_shipped_values_are_the_defaults(tmp_path: Path) -> None:
    """The comments of config.yaml say so."""
    shipped, minimal = load_config(ROOT / "config.yaml", environment={}), load(tmp_path, MINIMAL)
    assert (shipped.sip, shipped.media, shipped.limits) == (minimal.sip, minimal.media, minimal.limits)
    assert (shipped.shutdown, shipped.log, shipped.api) == (minimal.shutdown, minimal.log, minimal.api)


def test_shipped_trunk_takes_private_addresses_only() -> None:
    config = load_config(ROOT / "config.yaml", environment={})
    for address in ("127.0.0.1", "10.1.2.3", "192.168.1.9", "::ffff:172.16.0.1", "::1"):
        trunk = config.trunk_for(address)
        assert trunk is not None, address
        assert trunk.dialplan == "main"
    for address in ("8.8.8.8", "172.32.0.1", "2001:db8::1", "nonsense"):
        assert config.trunk_for(address) is None


def test_every_mistake_is_reported_at_its_place(tmp_path: Path) -> None:
    text = """\
sip: {listn: ["udp:0.0.0.0:5060"], public_address: here}
trunks:
  lab: {networks: ["10.0.0.1/8"], dialplan: mian, dial: ["6XXX", "call me"]}
  bare: {dialplan: main}
media: {ports: "3-4", codecs: [G729]}
dialplans: {main: demo.yaml}
agents: {alice: {uri: "sip:6001@pbx;transport=xyz", skills: {en: 0}}}
limits: {calls: many}
limit: {}
"""
    assert findings(tmp_path, text) == [
        "1:7: unknown key 'listn' (did you mean 'listen'?)",
        "1:52: not an IP address",
        "3:20: the address has bits behind the prefix (did you mean 10.0.0.0/8?)",
        "3:45: there is no dialplan 'mian' in `dialplans` (did you mean 'main'?)",
        "3:66: not a dial pattern: digits, * and #, X (0-9), Z (1-9), N (2-9), sets as [1-5], and at the end"
        " . (one digit or more) or ! (any digits); or sip:PATTERN@HOST",
        "4:9: a trunk needs `networks`, `host`, or both",
        "5:16: ports for media begin at 1024",
        "5:32: must be one of: PCMU, PCMA, G722, OPUS (did you mean 'G722'?)",
        '7:23: not a plain SIP URI (for example "sip:6001@127.0.0.1:5070", '
        "or with ;transport=tcp or tls behind it)",
        "7:66: must be between 1 and 10",
        "8:17: a number is expected, this is text",
        "9:1: unknown key 'limit' (did you mean 'limits'?)",
    ]


def test_networks_beside_the_server_are_named_as_those_of_trunks_are(tmp_path: Path) -> None:
    text = 'sip: {public_address: "203.0.113.9", local_networks: [192.168.1.0/24, "fd00::/8"]}\n'
    config = load(tmp_path, MINIMAL + text)
    assert [str(network) for network in config.sip.local_networks] == ["192.168.1.0/24", "fd00::/8"]
    [problem] = findings(tmp_path, MINIMAL + "sip: {local_networks: [192.168.1.7/24]}\n")
    assert "192.168.1.0/24" in problem


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("stun:stun.example.com", ("stun.example.com", 3478)),
        ("stun:192.0.2.1:19302", ("192.0.2.1", 19302)),
        ("auto", None),
    ],
)
def test_a_stun_server_is_named_in_place_of_the_public_address(
    tmp_path: Path, written: str, server: tuple[str, int] | None
) -> None:
    config = load(tmp_path, MINIMAL + f'sip: {{public_address: "{written}"}}\n')
    assert (config.sip.public_address, config.sip.stun) == (None, server)
    found = findings(tmp_path, MINIMAL + 'sip: {public_address: "stun:a b"}\n')
    assert "not a STUN server" in found[0]


def test_yaml_traps_and_our_own_checks_come_together(tmp_path: Path) -> None:
    found = findings(tmp_path, "dialplans: {main: demo.yaml}\nlimits: {calls: 0200}\nlogs: {}\n")
    assert [item.split(":")[0] for item in found] == ["2", "3"]


def test_a_missing_dialplan_section_is_an_error(tmp_path: Path) -> None:
    assert findings(tmp_path, "log: {level: info}\n") == [
        "1:1: the key 'dialplans' is missing: which hotline answers?"
    ]


@pytest.mark.parametrize("text", ["[]", "just text", "a: [", "\x00", ""])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    assert len(findings(tmp_path, text)) == 1


def test_missing_file_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "none.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no configuration \(config\.yaml\) in this folder .*--config"):
        load_config()


def test_environment_and_files_fill_values(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n", "utf-8")
    text = MINIMAL + (
        'sip: {auth: {users: {a: "${PASSWORD}-1", b: "${file:secret}", c: "$${PASSWORD}"}}}\n'
        'limits: {calls: "${CALLS}"}\n'
    )
    config = load(tmp_path, text, PASSWORD="p", CALLS="12")
    assert config.sip.auth.users == {"a": "p-1", "b": "hush", "c": "${PASSWORD}"}
    assert config.limits.calls == 12


def test_unset_variables_and_missing_files_are_errors_at_their_place(tmp_path: Path) -> None:
    text = MINIMAL + (
        "sip:\n  auth:\n    users:\n"
        '      a: "${NOT_SET}"\n      b: "${file:none}"\n      c: "${unclosed"\n      d: "${}"\n'
    )
    found = findings(tmp_path, text)
    assert [item.split(": ")[0] for item in found] == ["5:10", "6:10", "7:10", "8:10"]
    assert "NOT_SET is not set" in found[0]


def test_no_finding_and_no_repr_tells_a_secret(tmp_path: Path) -> None:
    text = MINIMAL + (
        'sip: {auth: {users: {a: "${S}"}}, public_address: "${S}", listen: ["${S}"]}\n'
        'api: {token: "${S} ${S}", listen: "${S}"}\nstorage: {database: "${S}"}\nagents: {a: {uri: "${S}"}}\n'
    )
    assert "hunter2" not in "".join(findings(tmp_path, text, S="hunter2"))
    good = MINIMAL + (
        'sip: {auth: {users: {a: "${S}"}}}\napi: {token: "${S}"}\n'
        'storage: {database: "postgresql://u:${S}@h/d"}\n'
        'trunks: {t: {host: h.example, register: {user: u, password: "${S}"}, dialplan: main}}\n'
    )
    config = load(tmp_path, good, S="hunter2")
    assert config.storage.database == "postgresql+psycopg://u:hunter2@h/d"
    assert "hunter2" not in repr(config)


def test_relative_paths_lie_beside_the_file_or_below_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "elsewhere"
    config = load(tmp_path, MINIMAL, Overrides(data=data))
    assert config.dialplans["main"] == tmp_path / "demo.yaml"
    assert config.prompts == tmp_path / "prompts"
    assert config.speech.models == tmp_path / "models"
    assert config.storage.database == f"sqlite:///{data}/voicebot.db"
    assert config.storage.recordings == data / "recordings"
    assert load(tmp_path, MINIMAL).data == tmp_path / "data"
    assert not data.exists()


def test_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL + "storage: {database: sqlite:////var/v.db}\n")
    assert config.storage.database == "sqlite:////var/v.db"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "voicebot.db"])
def test_database_that_cannot_keep_records_is_refused(tmp_path: Path, url: str) -> None:
    [found] = findings(tmp_path, MINIMAL + f'storage: {{database: "{url}"}}\n')
    assert found.startswith("2:21: ")


def test_flags_beat_the_file(tmp_path: Path) -> None:
    text = MINIMAL + "trunks: {t: {networks: [10.0.0.0/8], dialplan: other}}\n"
    flags = Overrides(listen=("udp:127.0.0.1:0", "udp:[::1]:5062"), dialplan=tmp_path / "mine.yaml")
    config = load(tmp_path, text, flags)
    assert [str(item) for item in config.sip.listen] == ["udp:127.0.0.1:0", "udp:[::1]:5062"]
    assert config.dialplans == {"main": tmp_path / "mine.yaml"}
    assert config.trunks["t"].dialplan == "main"


def test_wrong_listen_flag_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--listen:1:1"):
        load(tmp_path, MINIMAL, Overrides(listen=("5060",)))


def test_tls_is_read_with_its_files_below_the_folder_of_the_configuration(tmp_path: Path) -> None:
    tls = "{certificate: c.pem, key: k.pem, ca: ca.pem, client_certificate: required, verify_server: false}"
    sip = load(tmp_path, MINIMAL + f'sip: {{listen: ["tls:0.0.0.0:5061"], tls: {tls}}}\n').sip
    assert sip.listen == (Listen("tls", "0.0.0.0", 5061),)
    assert sip.tls == Tls(
        tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "ca.pem", "required", verify_server=False
    )


@pytest.mark.parametrize(
    ("sip", "expected"),
    [
        ('{listen: ["tls:0.0.0.0:5061"]}', "a certificate is needed"),
        ("{tls: {certificate: c.pem}}", "belong together"),
        ("{tls: {client_certificate: sometimes}}", "must be one of: off, optional, required"),
        ("{tls: {names: {Pbx.example: {certificate: c.pem, key: k.pem}}}}", "a host name in lower case"),
        ("{tls: {names: {pbx.example: {certificate: c.pem}}}}", "the key 'key' is missing"),
    ],
)
def test_tls_that_cannot_work_is_a_finding(tmp_path: Path, sip: str, expected: str) -> None:
    [found] = findings(tmp_path, MINIMAL + f"sip: {sip}\n")
    assert expected in found


def test_certificates_have_names_and_trunks_their_own(tmp_path: Path) -> None:
    pair = "{certificate: c.pem, key: k.pem}"
    text = MINIMAL + f"sip: {{tls: {{names: {{a.example: {pair}, '*.b.example': {pair}}}}}}}\n"
    text += f"trunks: {{t: {{host: x.example, dialplan: main, srtp: required, tls: {pair}}}}}\n"
    config = load(tmp_path, text)
    expected = KeyPair(tmp_path / "c.pem", tmp_path / "k.pem")
    assert config.sip.tls.names == {"a.example": expected, "*.b.example": expected}
    assert (config.trunks["t"].tls, config.trunks["t"].srtp) == (expected, "required")


def test_two_trunks_at_one_host_cannot_show_it_two_certificates(tmp_path: Path) -> None:
    text = MINIMAL + "trunks:\n"
    for name, where in (("one", "x.example"), ("two", "x.example"), ("four", "y.example, proxy: X.example")):
        text += f"  {name}: {{host: {where}, dialplan: main, tls: {{certificate: {name}, key: {name}}}}}\n"
    text += "  three: {networks: [10.0.0.0/8], dialplan: main, tls: {certificate: a, key: b}}\n"
    assert [found.partition(": ")[2] for found in findings(tmp_path, text)] == [
        "trunk 'one' shows another certificate to x.example",
        "trunk 'one' shows another certificate to X.example",
        "to connect to the trunk, it needs a `host`",
    ]


def test_numbers_leave_by_the_trunks_that_their_pattern_names(tmp_path: Path) -> None:
    dial = (
        '["6XXX", {to: "0ZX.", via: carrier}, {to: "00.", via: [carrier, backup]}, {to: "6XXX", via: backup}]'
    )
    text = MINIMAL + f"trunks:\n  pbx: {{host: 192.0.2.1, dialplan: main, dial: {dial}}}\n"
    for name in ("carrier", "backup"):
        text += f"  {name}: {{host: {name}.example, dialplan: main}}\n"
    trunk = load(tmp_path, text).trunks["pbx"]
    assert trunk.dial == ("6XXX", "0ZX.", "00.", "6XXX")
    assert trunk.via == {"0ZX.": ("carrier",), "00.": ("carrier", "backup")}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{to: "0.", via: carier}', "there is no trunk 'carier' (did you mean 'carrier'?)"),
        ('{to: "0.", via: lan}', "trunk 'lan' has no `host`: no number can leave by it"),
        ('{to: "0."}', "the key 'via' is missing"),
        ('{to: "call me", via: carrier}', "not a dial pattern"),
        ('{to: "sip:0.@carrier.example", via: carrier}', "`via` is for numbers"),
        ('{to: "0.", by: carrier, via: carrier}', "unknown key 'by'"),
        ('{to: "0.", via: []}', "at least one trunk"),
    ],
)
def test_a_way_out_that_is_none_is_a_finding(tmp_path: Path, entry: str, expected: str) -> None:
    text = MINIMAL + (
        f"trunks:\n  lan: {{networks: [10.0.0.0/8], dialplan: main, dial: [{entry}]}}\n"
        "  carrier: {host: carrier.example, dialplan: main}\n"
    )
    [found] = findings(tmp_path, text)
    assert expected in found


def test_media_settings_are_read(tmp_path: Path) -> None:
    media = load(
        tmp_path, MINIMAL + "media: {srtp: required, codec_order: ours, codecs: [G722, PCMA]}\n"
    ).media
    assert (media.srtp, media.codec_order, media.codecs) == ("required", "ours", ("G722", "PCMA"))


def test_narrowest_network_wins(tmp_path: Path) -> None:
    text = MINIMAL + (
        "trunks:\n  wide: {networks: [10.0.0.0/8], dialplan: main}\n"
        "  narrow: {networks: [10.1.0.0/16], dialplan: main}\n  pbx: {host: '10.1.2.3:5080', dialplan: main}\n"
    )
    config = load(tmp_path, text)
    names = [trunk.name for ip in ("10.2.0.1", "10.1.0.1", "10.1.2.3") if (trunk := config.trunk_for(ip))]
    assert names == ["wide", "narrow", "pbx"]


def test_two_trunks_cannot_share_a_network_and_auth_needs_users(tmp_path: Path) -> None:
    text = MINIMAL + (
        "trunks:\n  a: {networks: [10.0.0.0/8], dialplan: main}\n"
        "  b: {networks: [10.0.0.0/8], dialplan: main, auth: true}\n"
    )
    found = findings(tmp_path, text)
    assert [item.split(": ")[0] for item in found] == ["4:17", "4:53"]


def test_api_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL + 'api: {token: "${VOICEBOT_TOKEN}"}\n')
    token = api_token(config)
    assert len(token) >= 32
    assert api_token(config) == token
    assert stat.S_IMODE((config.data / "api.token").stat().st_mode) == 0o600


def test_configured_token_is_used_and_an_empty_one_refused(tmp_path: Path) -> None:
    text = MINIMAL + 'api: {token: "${VOICEBOT_TOKEN}"}\n'
    assert api_token(load(tmp_path, text, VOICEBOT_TOKEN="t0ken")) == "t0ken"
    assert not (tmp_path / "data").exists()
    [found] = findings(tmp_path, text, VOICEBOT_TOKEN="")
    assert "empty token" in found


values = st.recursive(
    st.one_of(
        st.sampled_from(["auto", "main", "${X}", "${file:/dev/null}", "6XXX", "10.0.0.0/8", "''", "-1", "~"]),
        st.text(max_size=8).map(repr),
        st.integers().map(str),
        st.booleans().map(lambda value: str(value).lower()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["a", "en", "engine", "uri", "dialplan", "host"]), inner, max_size=3
        ).map(lambda entries: "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"),
    ),
    max_leaves=6,
)
SECTIONS = [
    "sip", "trunks", "media", "speech", "dialplans", "prompts", "agents", "storage", "api", "limits", "log", "x",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sections=st.dictionaries(st.sampled_from(SECTIONS), values, max_size=4))
def test_whatever_stands_in_the_file_it_loads_or_is_refused(tmp_path: Path, sections: dict[str, str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("".join(f"{key}: {value}\n" for key, value in sections.items()), "utf-8")
    with contextlib.suppress(ConfigError):
        assert load_config(file, environment={}).dialplans is not None


def test_session_timers_are_read_and_must_fit_together(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL + "sip: {session_expires: 90, min_session_expires: 90}\n")
    assert (config.sip.session_expires, config.sip.min_session_expires) == (90, 90)
    [problem] = findings(tmp_path, MINIMAL + "sip: {session_expires: 100, min_session_expires: 200}\n")
    assert "min_session_expires" in problem
    assert findings(tmp_path, MINIMAL + "sip: {min_session_expires: 30}\n")


def test_a_password_in_the_file_itself_is_a_warning_where_it_stands_and_not_quoted(tmp_path: Path) -> None:
    text = MINIMAL + (
        "sip: {auth: {users: {a: hunter2}}}\n"
        "trunks:\n"
        "  t: {host: h.example, register: {user: u, password: hunter2}, dialplan: main}\n"
        '  s: {host: i.example, login: {user: u, password: "${P}"}, dialplan: main}\n'
        "registrar: {users: {desk: hunter2}}\n"
        "agents: {alice: {register: {password: hunter2}}}\n"
        "storage: {database: 'postgresql://bot:hunter2@db/calls'}\n"
        "api: {token: hunter2}\n"
    )
    config = load(tmp_path, text, P="out of sight")
    assert [(item.code, item.line, item.column) for item in config.warnings] == [
        ("VB042", 2, 25),
        ("VB042", 4, 54),
        ("VB042", 6, 27),
        ("VB042", 7, 39),
        ("VB042", 8, 21),
        ("VB042", 9, 14),
    ]
    outside = load(tmp_path, MINIMAL + "storage: {database: 'postgresql://bot:${P}@db/calls'}\n", P="hunter2")
    assert (outside.warnings, "hunter2" in repr(outside)) == ((), False)
    assert "hunter2" not in f"{config.warnings}{config!r}"


def test_an_agents_phone_registers_here_by_name_or_number(tmp_path: Path) -> None:
    text = MINIMAL + (
        "agents:\n"
        '  alice: {register: {password: "${P}"}}\n'
        '  bob: {register: {user: "6002", password: "${P}"}, skills: {cards: 5}}\n'
    )
    config = load(tmp_path, text, P="p")
    assert config.registrar is not None
    assert config.registrar.users == {"alice": "p", "6002": "p"}
    assert config.registrar.dialplan is None
    assert (config.agents["alice"].uri, config.agents["bob"].uri) == (
        "sip:alice@registrar",
        "sip:6002@registrar",
    )
    assert dict(config.agents["bob"].skills) == {"cards": 5}
    assert load(tmp_path, MINIMAL).registrar is None


def test_what_cannot_register_is_said_at_its_place(tmp_path: Path) -> None:
    text = MINIMAL + (
        "trunks: {t: {networks: [10.0.0.0/8], register: {user: a b, password: x}, dialplan: main}}\n"
        "registrar: {dialplan: mian, min_expires_seconds: 700, domain: a b}\n"
        "agents:\n"
        "  alice: {uri: sip:a@b, register: {password: x}}\n"
        "  bob: {register: {user: alice, password: x}}\n"
        "  小王: {register: {password: x}}\n"
    )
    assert findings(tmp_path, text) == [
        "2:48: to register, the trunk needs a `host`",
        "2:55: a user is letters, digits and any of _ . + * ~ -",
        "3:23: there is no dialplan 'mian' in `dialplans` (did you mean 'main'?)",
        "3:50: more than max_expires_seconds",
        '3:63: not a domain (for example "phones.example.com")',
        "5:3: two phones are to register as 'alice'",
        "5:16: a phone that registers here has no `uri` of its own (remove one of the two)",
        "7:18: a user is letters, digits and any of _ . + * ~ - (name one: user: alice)",
    ]


def test_a_codec_whose_library_is_missing_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "voicebot.config.audio.problem_of", lambda codec: "no libopus" if codec == "OPUS" else ""
    )
    assert findings(tmp_path, MINIMAL + "media: {codecs: [PCMA, OPUS]}\n") == [
        "2:24: OPUS cannot be used: no libopus (install voicebot[opus], or leave it out)"
    ]
