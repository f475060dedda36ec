"""Signed tokens of a partner's system: which one lets a message in, and what strangers can make us do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from adapters.ncip.dialect import NcipDialect
from gateway.domain.clock import FixedClock
from gateway.domain.peer_authentication import PeerAuthentication
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Authentication, AuthKind
from gateway.ports.responder import OutcomeClass
from gateway.services.exchange.peer_tokens import PeerTokenVerifier
from gateway.services.exchange.published_keys import MAX_KEY_AGE, MIN_FETCH_PAUSE, FetchedKeySet, fetch_key_set
from gateway.store.journal_records import JournalFilter, MessageDirection
from tests.support.peer_tokens import (
    AUDIENCE,
    ISSUER,
    KEYS_URL,
    SYSTEM,
    KeyPublisher,
    make_rsa_key,
    public_jwk,
    sign_token,
    trusted_peer,
)
from tests.unit.services.exchange.support import PATRON, open_house


class Verification:
    def __init__(self) -> None:
        self.publisher = KeyPublisher()
        self.clock = FixedClock(datetime.now(UTC))
        self.verifier = PeerTokenVerifier(self.clock, self.publisher.fetch)

    def sign(self, key: str = "first", kid: str = "k1", **claims: Any) -> str:
        return sign_token(key, kid, self.clock.now(), **claims)

    async def find_fault(self, token: str, **peer: Any) -> str:
        return await self.verifier.find_fault(trusted_peer(**peer), token, SYSTEM)


@pytest.fixture
def checked() -> Verification:
    return Verification()


def rewrite_header(token: str, signature: bytes = b"", **header: object) -> str:
    """The same claims under another header."""
    _, claims, _ = token.removeprefix("Bearer ").split(".")
    parts = (json.dumps(header).encode(), base64.urlsafe_b64decode(claims + "=="), signature)
    return "Bearer " + ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def sign_with_public_key() -> str:
    """HS256 with the public key as the secret, which anybody has."""
    header = rewrite_header(sign_token(), alg="HS256", kid="k1", typ="JWT").removeprefix("Bearer ").rpartition(".")[0]
    secret = make_rsa_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.new(secret, header.encode(), hashlib.sha256).digest()
    return f"Bearer {header}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_good_tokens(checked: Verification) -> None:
    for token in (
        sign_token(),
        sign_token(aud=AUDIENCE),
        sign_token(iat=None, nbf=None),
        sign_token(kid=None),
        sign_token(exp=-20),  # clocks may differ by so much
        sign_token(nbf=20),
        sign_token().replace("Bearer", "bearer"),
    ):
        assert await checked.find_fault(token) == ""
    assert checked.publisher.asked == [KEYS_URL], "its keys are kept"


@pytest.mark.parametrize(
    ("make_token", "fault"),
    [
        (lambda: "", "the token is missing"),
        (lambda: "Basic aWxsOnNlY3JldA==", "Authorization has no Bearer token"),
        (lambda: f"Bearer {'a' * 9_000}", "Authorization has no Bearer token"),
        (lambda: "Bearer a.b.c", "the token cannot be parsed"),
        (lambda: sign_token(exp=-60), "the token has expired"),
        (lambda: sign_token(exp=None), "iss, sub, aud or exp is missing from the token"),
        (lambda: sign_token(exp="soon"), "the token cannot be parsed"),
        (lambda: sign_token(exp=float("inf")), "the token cannot be parsed"),
        (lambda: sign_token(exp=10**400), "the token cannot be parsed"),
        (lambda: sign_token(nbf=float("nan")), "the token cannot be parsed"),
        (lambda: sign_token(iat=[]), "the token cannot be parsed"),
        (lambda: sign_token(exp=7_200), "the token expires more than an hour from now"),
        (lambda: sign_token(nbf=120), "the token is not valid yet"),
        (lambda: sign_token(iat=120), "the token is not valid yet"),
        (lambda: sign_token(aud="somebody-else"), "the token's audience is another system"),
        (lambda: sign_token(aud=None), "iss, sub, aud or exp is missing from the token"),
        (lambda: sign_token(iss=f"{ISSUER}/"), "the token's issuer does not match this profile"),
        (lambda: sign_token(sub="OTHER"), "the token belongs to a different system than the message's sender"),
        (lambda: sign_token(protocol="NCIP"), "the token's claim protocol does not match this profile"),
        (lambda: sign_token(protocol=None), "the token's claim protocol does not match this profile"),
        (lambda: sign_token("second"), "the token's signature is invalid"),
        (lambda: sign_token(kid="k9"), "the token was signed with a key that its issuer does not publish"),
        (lambda: sign_token()[:-8] + "AAAAAAAA", "the token's signature is invalid"),
        (lambda: rewrite_header(sign_token(), alg="none"), "the token is not signed with RS256"),
        (lambda: rewrite_header(sign_token(), alg="RS256", kid="k1"), "the token's signature is invalid"),
        (lambda: rewrite_header(sign_token(), alg="RS256", kid="k1", crit=["x"]), "the token cannot be parsed"),
        (lambda: rewrite_header(sign_token(), alg="RS256", kid=["k1"]), "the token cannot be parsed"),
        (lambda: sign_with_public_key(), "the token is not signed with RS256"),
    ],
)
async def test_tokens_that_let_nobody_in(checked: Verification, make_token: Callable[[], str], fault: str) -> None:
    assert await checked.find_fault(make_token()) == fault


async def test_a_message_that_names_no_system_has_no_token(checked: Verification) -> None:
    assert await checked.verifier.find_fault(trusted_peer(), sign_token(), "") == (
        "the message does not name its system"
    )


async def test_keys_may_stand_in_the_profile(checked: Verification) -> None:
    jwks = {"keys": [public_jwk("second", "k2"), public_jwk("first", "k1"), public_jwk("third", "k3", alg="RS512")]}

    assert await checked.find_fault(sign_token(), jwks=jwks) == ""
    assert await checked.find_fault(sign_token("second", "k2"), jwks=jwks) == ""
    for kid in ("k3", "k9", None):
        assert "does not publish" in await checked.find_fault(sign_token("third", kid), jwks=jwks)
    assert checked.publisher.asked == []


async def test_a_short_key_is_none(checked: Verification) -> None:
    token = sign_token()
    short = {"kty": "RSA", "kid": "k1", "e": "AQAB", "n": base64.urlsafe_b64encode(b"\xff" * 128).decode().rstrip("=")}
    assert await checked.find_fault(token, jwks={"keys": [short]}) == (
        "the token was signed with a key that is too short"
    )


# --- keys that change --------------------------------------------------------------------------------------


async def test_a_new_key_is_fetched_and_a_withdrawn_one_forgotten(checked: Verification) -> None:
    assert await checked.find_fault(checked.sign()) == ""
    checked.clock.advance(MIN_FETCH_PAUSE)
    checked.publisher.keys = {"k1": "first", "k2": "second"}

    assert await checked.find_fault(checked.sign("second", "k2")) == ""
    assert len(checked.publisher.asked) == 2
    checked.publisher.keys = {"k2": "second"}
    assert await checked.find_fault(checked.sign()) == "", "nobody has asked"
    checked.clock.advance(MAX_KEY_AGE + timedelta(seconds=1))
    assert "does not publish" in await checked.find_fault(checked.sign())
    assert await checked.find_fault(checked.sign("second", "k2")) == ""


async def test_old_keys_count_while_new_ones_cannot_be_fetched(checked: Verification) -> None:
    assert await checked.find_fault(checked.sign()) == ""
    checked.publisher.keys = None
    checked.clock.advance(MAX_KEY_AGE + timedelta(seconds=1))

    assert await checked.find_fault(checked.sign()) == ""
    assert await checked.find_fault(checked.sign()) == ""
    assert len(checked.publisher.asked) == 2


async def test_without_any_keys_nobody_is_let_in_until_they_are_there(checked: Verification) -> None:
    checked.publisher.keys = None
    assert await checked.find_fault(checked.sign()) == "the keys cannot be fetched: timeout"
    checked.publisher.keys = {"k1": "first"}
    assert await checked.find_fault(checked.sign()) == "the keys could not be fetched a moment ago"

    checked.clock.advance(MIN_FETCH_PAUSE)
    assert await checked.find_fault(checked.sign()) == ""


async def test_strangers_who_make_keys_up_make_us_ask_but_once(checked: Verification) -> None:
    assert await checked.find_fault(checked.sign()) == ""
    checked.clock.advance(MIN_FETCH_PAUSE)

    token = checked.sign()
    forged = [rewrite_header(token, alg="RS256", kid=f"made-up-{number}") for number in range(200)]
    faults = await asyncio.gather(*(checked.find_fault(token) for token in forged))

    assert {"the token was signed with a key that its issuer does not publish"} == set(faults)
    assert len(checked.publisher.asked) == 2
    assert await checked.find_fault(checked.sign()) == ""


async def test_while_a_publisher_hangs_few_wait_for_it(checked: Verification) -> None:
    assert await checked.find_fault(checked.sign()) == ""
    checked.clock.advance(MIN_FETCH_PAUSE)
    answered = asyncio.Event()
    fetch = checked.publisher.fetch

    async def fetch_slowly(url: str) -> FetchedKeySet:
        await answered.wait()
        return await fetch(url)

    checked.verifier._fetch = fetch_slowly
    unknown = checked.sign("second", "k2")
    waiting = [asyncio.create_task(checked.find_fault(unknown)) for _ in range(50)]
    for _ in range(5):
        await asyncio.sleep(0)

    assert await checked.find_fault(checked.sign()) == "", "who is known waits for nobody"
    assert sum(not task.done() for task in waiting) == 8
    checked.publisher.keys = {"k1": "first", "k2": "second"}
    answered.set()
    assert (await asyncio.gather(*waiting)).count("") == 8


async def test_claims_are_looked_at_before_keys_are_asked_for(checked: Verification) -> None:
    await checked.find_fault(checked.sign("second", "k9", aud="somebody-else"))
    assert checked.publisher.asked == []


# --- a message ---------------------------------------------------------------------------------------------


async def test_a_message_needs_its_token_and_the_answer_says_why_it_was_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        plain = house.profiles["ncip2"]
        header = NcipDialect().header.model_copy(update={"partner_system": SYSTEM})
        house.profiles["ncip2"] = plain.model_copy(
            update={
                "auth": (Authentication(kind=AuthKind.SIGNED_TOKEN),),
                "peer_authentication": PeerAuthentication(
                    theirs=trusted_peer(jwks={"keys": [public_jwk("first", "k1")]})
                ),
                "dialects": {"ncip": NcipDialect().model_copy(update={"header": header})},
            }
        )
        message = house.message("lookup-user", patron=PATRON)
        assert SYSTEM.encode() in message.body
        token, stolen = sign_token(), sign_token(sub="SOMEBODY-ELSE")

        admitted = await house.exchange.handle(replace(message, headers={"authorization": token}))
        with capture_logs() as lines:
            refused = await house.exchange.handle(replace(message, headers={"authorization": stolen}))
            bare = await house.exchange.handle(message)
        page = await house.journal.list_messages(JournalFilter("DEMO", direction=MessageDirection.IN), 10)
        kept = [await house.journal.get_message("DEMO", one.id) for one in page.messages]

    assert (admitted.status, b"LookupUserResponse" in admitted.body, b"Problem" in admitted.body) == (200, True, False)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"<LookupUserResponse" in refused.body.replace(b"ns1:", b"")
    assert b"a different system than the message's sender" in refused.body
    assert (bare.status, b"the token is missing" in bare.body) == (401, True)
    rejected = [one.message for one in kept if one is not None and one.message.outcome is OutcomeClass.REJECTED]
    assert [one.reason for one in rejected] == ["sender-auth-failed"] * 2
    for kept_out in (ISSUER, "SOMEBODY-ELSE", *token.split("."), *stolen.split(".")):
        assert kept_out not in repr(kept) + repr(lines)
    assert [line["fault"] for line in lines if line["event"] == "sender.token_refused"] == [
        "the token belongs to a different system than the message's sender",
        "the token is missing",
    ]


async def test_a_url_that_is_none_is_told_like_a_server_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match="the URL is not valid"):
        await fetch_key_set("https://ill.example:99999/keys")
