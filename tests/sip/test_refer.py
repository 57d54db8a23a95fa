"""REFER towards a peer (RFC 3515, RFC 5589): what is told of it, whatever the peer does."""

import pytest

from tests.sip.harness import ANSWER, OFFER, Pair, accept, answer_refer
from voicebot.sip import (
    Credentials,
    Ended,
    IncomingCall,
    Offer,
    OfferAnswered,
    Realm,
    ReferProgress,
    ReferReceived,
)
from voicebot.sip.digest import ServerAuthentication
from voicebot.sip.message import Request, Response
from voicebot.sip.transaction_layer import Server

TARGET = "sip:6001@192.0.2.9"


def standing(pair: Pair) -> tuple[int, int]:
    """Let a call stand; return the caller's session and the callee's, who is the one that transfers."""
    pair.callee.on(IncomingCall, accept())
    call = pair.call()
    pair.run(1)
    return call, pair.callee.one(IncomingCall).session


def finals(pair: Pair) -> list[tuple[int, str]]:
    return [(one.status, one.why) for one in pair.callee.all(ReferProgress) if one.final]


def referred(pair: Pair, status: int) -> tuple[int, int]:
    """Transfer; the peer answers the REFER so."""
    pair.caller.on(ReferReceived, answer_refer(status))
    call, session = standing(pair)
    assert pair.callee.endpoint.refer(session, TARGET, pair.now)
    pair.run(1)
    return call, session


def test_a_refusal_is_told_as_the_peers_own() -> None:
    pair = Pair(accept_refer=True)
    referred(pair, 603)
    assert finals(pair) == [(603, "refused")]


def test_a_202_alone_is_no_end_and_silence_is_told_apart_after_a_bounded_wait() -> None:
    pair = Pair(accept_refer=True)
    referred(pair, 202)
    assert finals(pair) == []
    pair.run(100)
    assert finals(pair) == [(408, "no_news")]
    assert pair.callee.all(Ended) == []


@pytest.mark.parametrize("how", ["told", "given_up", "no_news"])
def test_a_transfer_that_was_begun_and_failed_is_followed_by_an_invite_with_what_held(how: str) -> None:
    """RFC 5589 section 6.3: the transferor takes the transferee back."""
    pair = Pair(accept_refer=True)
    call, session = referred(pair, 202)
    if how == "told":
        pair.caller.endpoint.notify_refer(call, 486, pair.now)
    elif how == "given_up":
        pair.callee.endpoint.give_up_refer(session, pair.now)
    pair.run(1 if how != "no_news" else 91)
    assert [event.sdp for event in pair.caller.all(Offer)] == [ANSWER]
    pair.caller.endpoint.answer(call, OFFER, pair.now)
    pair.run(1)
    assert pair.callee.all(Ended) == []
    assert pair.callee.one(OfferAnswered).refresh


@pytest.mark.parametrize("status", [403, 481, 603])
def test_a_transfer_that_was_refused_leaves_the_call_as_it_is(status: int) -> None:
    pair = Pair(accept_refer=True)
    referred(pair, status)
    assert pair.caller.all(Offer) == []


def test_a_transfer_that_was_given_up_hears_no_more_and_may_be_followed_by_another() -> None:
    pair = Pair(accept_refer=True)
    call, session = referred(pair, 202)
    pair.callee.endpoint.give_up_refer(session, pair.now)
    pair.run(0.5)
    pair.caller.endpoint.answer(call, OFFER, pair.now)
    pair.caller.endpoint.notify_refer(call, 200, pair.now)
    pair.run(1)
    assert finals(pair) == []
    answers = [message for message in pair.sent() if isinstance(message, Response)]
    assert 481 in [each.status for each in answers if each.cseq.method == "NOTIFY"]
    assert pair.callee.endpoint.refer(session, TARGET, pair.now)
    pair.run(1)
    assert len(pair.caller.all(ReferReceived)) == 2


def test_a_bye_without_a_word_about_the_target_ends_the_call_four_seconds_later() -> None:
    """The caller may have hung up while the target rang: only the NOTIFY could tell."""
    pair = Pair(accept_refer=True)
    call, _ = referred(pair, 202)
    pair.caller.endpoint.bye(call, pair.now)
    pair.run(3.5)
    assert pair.callee.all(Ended) == []
    pair.run(1)
    assert finals(pair) == []
    assert pair.callee.one(Ended).by_peer


def test_a_peer_that_takes_the_refer_sends_no_notify_and_hangs_up_is_told_apart() -> None:
    pair = Pair(accept_refer=True, lose=lambda index, data: data.startswith(b"NOTIFY"))
    call, _ = referred(pair, 202)
    pair.caller.endpoint.bye(call, pair.now)
    pair.run(5)
    assert finals(pair) == [(202, "no_news")]
    assert pair.callee.one(Ended).by_peer


def challenging(pair: Pair, realm: Realm | None) -> list[Request]:
    """Let the caller's side ask for a password at every REFER; return the REFERs that came."""
    endpoint, authentication = pair.caller.endpoint, ServerAuthentication(b"k")
    came: list[Request] = []
    honest = endpoint._transfers.refer_received

    def refer_received(session: object, server: Server, request: Request, now: float) -> None:
        came.append(request)
        verdict = authentication.check(request, realm, now) if realm is not None else None
        if verdict is None or verdict.user is None:
            headers = authentication.challenge(realm or Realm("pbx", {}), now, stale=False)
            endpoint._core.respond(server, 401, now, headers=headers)
        else:
            honest(session, server, request, now)  # type: ignore[arg-type]

    endpoint._transfers.refer_received = refer_received  # type: ignore[method-assign]
    return came


@pytest.mark.parametrize(
    ("credentials", "told", "requests"),
    [
        (None, [(401, "no_credentials")], 1),
        (Credentials("700", "wrong"), [(401, "credentials_refused")], 2),
        (Credentials("700", "right"), [], 2),
    ],
)
def test_a_challenged_refer_in_a_received_call_is_answered_with_the_trunks_credentials(
    credentials: Credentials | None, told: list[tuple[int, str]], requests: int
) -> None:
    pair = Pair(accept_refer=True)
    pair.callee.endpoint._core.credentials_for = lambda invite, source: credentials
    came = challenging(pair, Realm("pbx", {"700": "right"}))
    referred(pair, 202)
    assert finals(pair) == told
    assert len(came) == requests
    assert pair.callee.all(Ended) == [], "the call stands"


def test_a_transfer_in_the_place_of_another_call_names_its_dialog() -> None:
    """RFC 5589 section 7: the target finds the dialog by Call-ID, its own tag and ours."""
    pair = Pair(accept_refer=True)
    _, session = standing(pair)
    pair.call()
    pair.run(1)
    other = pair.callee.all(IncomingCall)[1].session
    assert pair.callee.endpoint.refer(session, TARGET, pair.now, replacing=other)
    pair.run(1)
    refer = next(
        message for message in pair.sent() if isinstance(message, Request) and message.method == "REFER"
    )
    dialog = pair.callee.endpoint._core.sessions[other].dialog
    assert dialog is not None
    assert refer.first("refer-to") == (
        f"<{TARGET}?Replaces={dialog.call_id}%3Bto-tag%3D{dialog.remote.tag}%3Bfrom-tag%3D{dialog.local.tag}>"
    )
