"""Our own keys for signed tokens: made, published, retired; and the tokens that go along with messages.

A new key is published for a while before it signs, so that partners who keep our keys have it by then. An old one stays
published until it is retired, since what it signed may still be on the way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_encode

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Store, Transaction
from gateway.services.people.api_keys import OPERATOR
from gateway.store.audit import add_audit_entry
from gateway.store.library_store import LibraryStore
from gateway.store.peer_keys import PeerKeyRow, add_peer_key, delete_peer_key, list_peer_keys

KEY_SET_PATH = "/.well-known/jwks.json"

KEY_BITS = 2048
ALGORITHM = "RS256"
"""Of all tokens, whoever signs them: what a token says of itself doesn't decide."""

TOKEN_LIFE = timedelta(minutes=5)
PUBLISHED_BEFORE_SIGNING = timedelta(hours=1)
MAX_RING_AGE = timedelta(seconds=15)
"""So long a daemon doesn't see what a command has changed."""

NO_KEY = write_sentence("no signing key; create one with `illgate peer-key make`")


class PeerKeyService:
    """The keys, as operators make, list and retire them. All methods raise Unavailable."""

    def __init__(self, library: LibraryStore) -> None:
        self._library = library

    async def make_key(self, actor: str = OPERATOR) -> PeerKeyRow:
        """`actor`: who makes it, for the audit log."""
        private, kid = _generate_key()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        now = self._library.now()
        row = PeerKeyRow(self._library.symbol, kid, pem, now)

        def insert_key(c: Transaction) -> None:
            add_peer_key(c, row)
            add_audit_entry(c, self._library.symbol, now, actor, "peer-key-made", row.kid)

        await self._library.store.write(insert_key)
        return row

    async def list_keys(self) -> tuple[PeerKeyRow, ...]:
        """Oldest first."""
        rows = await self._library.store.read(list_peer_keys)
        return tuple(row for row in rows if row.library == self._library.symbol)

    async def retire_key(self, kid: str, actor: str = OPERATOR) -> bool:
        """It is deleted. False: there is no such key."""
        now = self._library.now()

        def delete_key(c: Transaction) -> bool:
            is_deleted = delete_peer_key(c, self._library.symbol, kid)
            if is_deleted:
                add_audit_entry(c, self._library.symbol, now, actor, "peer-key-retired", kid)
            return is_deleted

        return await self._library.store.write(delete_key)


def _generate_key() -> tuple[RSAPrivateKey, str]:
    """The id never begins with a hyphen: `peer-key retire` would take it for options."""
    while True:
        private = rsa.generate_private_key(65537, KEY_BITS)
        kid = compute_thumbprint(private)
        if not kid.startswith("-"):
            return private, kid


def compute_thumbprint(private: RSAPrivateKey) -> str:
    """RFC 7638: the key's id, the same wherever it is worked out."""
    public = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    members = {name: public[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def choose_signing_key(keys: Sequence[PeerKeyRow], now: datetime) -> PeerKeyRow | None:
    """Choose, of one library's keys, oldest first, the newest that has been published long enough, or else the
    oldest."""
    published = [key for key in keys if now - key.created >= PUBLISHED_BEFORE_SIGNING]
    candidates = published or keys[:1]
    return candidates[-1] if candidates else None


class PeerKeyRing:
    """The keys of all libraries as the store has them, kept for a moment."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._rows: tuple[PeerKeyRow, ...] = ()
        self._read_at: datetime | None = None
        self._private: dict[str, RSAPrivateKey] = {}

    async def build_key_set(self) -> Mapping[str, Any] | None:
        """Public parts as a JWK set (RFC 7517, 5); None: there is no key. Raises Unavailable."""
        rows = await self._read_rows()
        keys = [
            {
                **_choose_public_parts(RSAAlgorithm.to_jwk(self._private[row.kid].public_key(), as_dict=True)),
                "kid": row.kid,
                "use": "sig",
                "alg": ALGORITHM,
            }
            for row in rows
        ]
        return {"keys": keys} if keys else None

    async def sign_claims(self, claims: Mapping[str, Any], library: str) -> str:
        """A token. Raises Unavailable, also where the library has no key."""
        rows = [row for row in await self._read_rows() if row.library == library]
        signing_key = choose_signing_key(rows, self._clock.now())
        if signing_key is None:
            raise Unavailable(NO_KEY)
        return jwt.encode(dict(claims), self._private[signing_key.kid], ALGORITHM, headers={"kid": signing_key.kid})

    async def _read_rows(self) -> tuple[PeerKeyRow, ...]:
        now = self._clock.now()
        if self._read_at is None or not timedelta() <= now - self._read_at < MAX_RING_AGE:
            rows = await self._store.read(list_peer_keys)
            keys = self._private
            self._private = {row.kid: keys.get(row.kid) or _load_private_key(row) for row in rows}
            self._rows, self._read_at = rows, now
        return self._rows


def _choose_public_parts(jwk: Mapping[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in ("kty", "n", "e")}


def _load_private_key(row: PeerKeyRow) -> RSAPrivateKey:
    key = load_pem_private_key(row.private_key, None, unsafe_skip_rsa_key_validation=True)  # we made it
    assert isinstance(key, RSAPrivateKey), row.kid
    return key


class PeerTokenWriter:
    """`port.MakePeerHeaders`. `library_of_profile`: the symbol of the library whose partner it is."""

    def __init__(self, ring: PeerKeyRing, clock: Clock, library_of_profile: Callable[[Profile], str]) -> None:
        self._ring = ring
        self._clock = clock
        self._library_of_profile = library_of_profile

    async def make_headers(self, profile: Profile) -> Mapping[str, str]:
        """Make headers with a new token for each message; empty where the partner gets none. Raises Unavailable."""
        ours = profile.peer_authentication.ours
        if ours is None:
            return {}
        now = self._clock.now()
        claims = {
            **ours.claims,
            "iss": ours.issuer,
            "sub": ours.subject,
            "aud": ours.audience,
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFE,
        }
        return {"Authorization": f"Bearer {await self._ring.sign_claims(claims, self._library_of_profile(profile))}"}
