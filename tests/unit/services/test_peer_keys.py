"""Our own keys: made, published before they sign, retired; and the tokens that go along with messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.domain.clock import FixedClock
from gateway.domain.peer_authentication import OwnPeerIdentity, PeerAuthentication
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.ports.shared_store import Store
from gateway.services.exchange.peer_keys import (
    KEY_SET_PATH,
    MAX_RING_AGE,
    PUBLISHED_BEFORE_SIGNING,
    PeerKeyRing,
    PeerKeyService,
    PeerTokenWriter,
)
from gateway.services.exchange.peer_tokens import PeerTokenVerifier
from gateway.services.exchange.published_keys import FetchedKeySet
from gateway.store.library_store import LibraryStore
from gateway.web.app import make_key_page
from tests.support.peer_tokens import AUDIENCE, ISSUER, KEYS_URL, SYSTEM, trusted_peer

PROFILE = Profile(
    name="fjord",
    peer_authentication=PeerAuthentication(
        ours=OwnPeerIdentity(issuer=ISSUER, subject=SYSTEM, audience=AUDIENCE, claims={"protocol": "NCIP2"})
    ),
)


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


on_sqlite = pytest.mark.parametrize("migrated_store_url", ["sqlite"], indirect=True)


class Keys:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FixedClock(datetime.now(UTC))
        self.service = PeerKeyService(LibraryStore(symbol="RIV", store=store, clock=self.clock))
        self.ring = PeerKeyRing(store, self.clock)
        self.show_keys = make_key_page(self.ring)
        self.writer = PeerTokenWriter(self.ring, self.clock, lambda profile: profile.library or "RIV")

    async def make(self, library: str = "RIV") -> str:
        made = await PeerKeyService(LibraryStore(symbol=library, store=self.store, clock=self.clock)).make_key()
        self.clock.advance(MAX_RING_AGE)
        return made.kid

    async def list_published(self) -> list[str]:
        answer = await self.show_keys(make_mocked_request("GET", KEY_SET_PATH))
        assert isinstance(answer, web.Response)
        if answer.status == 404:
            return []
        assert answer.text is not None
        keys = json.loads(answer.text)["keys"]
        assert {frozenset(key) for key in keys} == {frozenset({"kty", "n", "e", "kid", "use", "alg"})}
        return [key["kid"] for key in keys]

    async def find_signing_key(self) -> str:
        headers = await self.writer.make_headers(PROFILE)
        return str(jwt.get_unverified_header(headers["Authorization"].removeprefix("Bearer "))["kid"])


async def test_a_new_key_is_published_before_it_signs_and_an_old_one_until_it_is_retired(store: Store) -> None:
    keys = Keys(store)
    assert await keys.list_published() == []
    first = await keys.make()
    assert await keys.find_signing_key() == first, "there is no other"

    keys.clock.advance(timedelta(days=300))
    second = await keys.make()
    assert await keys.list_published() == [first, second]
    assert await keys.find_signing_key() == first
    keys.clock.advance(PUBLISHED_BEFORE_SIGNING)
    assert await keys.find_signing_key() == second
    assert await keys.list_published() == [first, second]

    assert await keys.service.retire_key(first)
    assert not await keys.service.retire_key(first)
    keys.clock.advance(MAX_RING_AGE)
    assert await keys.list_published() == [second]
    assert [row.kid for row in await keys.service.list_keys()] == [second]


@on_sqlite
async def test_libraries_sign_with_keys_of_their_own(store: Store) -> None:
    keys = Keys(store)
    other = await keys.make("ALT")
    with pytest.raises(Unavailable, match="illgate peer-key make"):
        await keys.writer.make_headers(PROFILE)

    own = await keys.make()

    assert await keys.find_signing_key() == own
    assert await keys.list_published() == [other, own]
    assert await keys.writer.make_headers(Profile(name="plain")) == {}


@on_sqlite
async def test_a_partner_can_verify_what_we_sign(store: Store) -> None:
    keys = Keys(store)
    await keys.make()
    key_set = await keys.ring.build_key_set()
    assert key_set is not None

    async def fetch(_url: str) -> FetchedKeySet:
        return FetchedKeySet(key_set, None)

    token = (await keys.writer.make_headers(PROFILE))["Authorization"]
    fault = await PeerTokenVerifier(keys.clock, fetch).find_fault(trusted_peer(jwks_url=KEYS_URL), token, SYSTEM)

    assert fault == ""
    claims = jwt.decode(token.removeprefix("Bearer "), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert claims["nbf"] == claims["iat"]
    assert jwt.get_unverified_header(token.removeprefix("Bearer "))["typ"] == "JWT"
