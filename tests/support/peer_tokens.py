"""A partner's system that signs tokens, and publishes its keys or not."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import RSAAlgorithm

from gateway.domain.peer_authentication import TrustedPeer
from gateway.domain.problems import Unavailable
from gateway.services.exchange.published_keys import FetchedKeySet
from gateway.store.peer_keys import PeerKeyRow

ISSUER = "https://hub.fjord.example"
AUDIENCE = "ill.riverside.example"
SYSTEM = "FJORD-HUB"
KEYS_URL = f"{ISSUER}/keys"


@cache
def make_rsa_key(name: str) -> rsa.RSAPrivateKey:
    """The same for the same name: making one takes a while."""
    return rsa.generate_private_key(65537, 2048)


def public_jwk(key: str, kid: str, **more: str) -> dict[str, Any]:
    return {**json.loads(RSAAlgorithm.to_jwk(make_rsa_key(key).public_key())), "kid": kid, "use": "sig", **more}


def sign_token(key: str = "first", kid: str | None = "k1", at: datetime | None = None, **claims: Any) -> str:
    """As `Authorization` has it. Whole numbers are seconds from `at`, or from now; a claim that is None is left out."""
    usual = {"iss": ISSUER, "sub": SYSTEM, "aud": [AUDIENCE], "iat": 0, "nbf": 0, "exp": 300, "protocol": "NCIP2"}
    now = int(time.time()) if at is None else int(at.timestamp())
    said = {
        name: now + value if isinstance(value, int) else value
        for name, value in {**usual, **claims}.items()
        if value is not None
    }
    header = {"kid": kid} if kid is not None else None
    return f"Bearer {jwt.encode(said, make_rsa_key(key), 'RS256', headers=header)}"


def trusted_peer(**said: Any) -> TrustedPeer:
    where = said or {"jwks_url": KEYS_URL}
    return TrustedPeer(issuer=ISSUER, audience=AUDIENCE, claims={"protocol": "NCIP2"}, **where)


@dataclass
class KeyPublisher:
    """`keys` by id; None: it can't be reached. `asked`: URLs, in order."""

    keys: Mapping[str, str] | None = field(default_factory=lambda: {"k1": "first"})
    asked: list[str] = field(default_factory=list)

    async def fetch(self, url: str) -> FetchedKeySet:
        self.asked.append(url)
        if self.keys is None:
            raise Unavailable("the keys cannot be fetched: timeout")
        return FetchedKeySet({"keys": [public_jwk(key, kid) for kid, key in self.keys.items()]}, None)


def make_peer_key(library: str) -> PeerKeyRow:
    """One of our own, as the store has it."""
    pem = make_rsa_key("first").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return PeerKeyRow(library, "k1", pem, datetime.now(UTC))
