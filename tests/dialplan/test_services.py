"""How a service is told who asks: what is right, what is refused at the line, and what is no place for a secret."""

import pytest

from tests.dialplan.helpers import EN, findings, loaded

PLAN = (
    EN
    + """services: {shop: {base_url: "https://shop.example.com", auth: AUTH}}
flows:
  main:
    - http: {service: shop, get: /open, save: shop, on_error: main}
    - hangup: normal
"""
)


def told(auth: str) -> list[tuple[str, str]]:
    return [(item.code, item.message) for item in findings(PLAN.replace("AUTH", auth))]


@pytest.mark.parametrize(
    ("written", "auth"),
    [
        ('{bearer: "${TOKEN}"}', {"bearer": "${TOKEN}"}),
        ('{basic: {user: me, password: "${PASS}"}}', {"basic": {"user": "me", "password": "${PASS}"}}),
    ],
)
def test_auth_is_kept_as_it_is_written(written: str, auth: object) -> None:
    assert loaded(PLAN.replace("AUTH", written)).services["shop"].auth == auth


@pytest.mark.parametrize(
    "auth",
    ["{}", "[]", "{token: x}", '{bearer: ""}', "{basic: {user: me}}", "{bearer: a, basic: {}}", "secret"],
)
def test_an_auth_that_no_service_understands_is_refused_where_it_stands(auth: str) -> None:
    assert told(auth) == [("VB023", "auth is bearer: TOKEN or basic: {user, password}")]


@pytest.mark.parametrize(
    "auth", ["{bearer: [a]}", "{bearer: 5}", "{basic: me}", "{basic: {user: me, password: 5}}"]
)
def test_a_secret_is_text(auth: str) -> None:
    assert [code for code, _ in told(auth)] == ["VB021"]


@pytest.mark.parametrize(
    ("auth", "where"),
    [("{bearer: 8f2c}", "auth.bearer"), ("{basic: {user: me, password: 8f2c}}", "auth.basic.password")],
)
def test_a_secret_in_the_dialplan_is_warned_of(auth: str, where: str) -> None:
    assert told(auth) == [("VB153", f"a secret of the service shop stands in the dialplan: {where}")]
