"""Signed tokens that come with messages: whether one shows that its sender is who it says (RFC 7519, RFC 8725).

A token is good for the message that names its subject as the sending system. It isn't bound to the message's other
words, and may come again until it ends.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError

from gateway.domain.clock import Clock
from gateway.domain.peer_authentication import TrustedPeer
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import sentence_of_text, write_sentence
from gateway.services.exchange.peer_keys import ALGORITHM
from gateway.services.exchange.published_keys import (
    FetchedKeySet,
    Jwk,
    PublishedKeys,
    choose_signing_keys,
    fetch_key_set,
)

LEEWAY = timedelta(seconds=30)
MAX_TOKEN_LIFE = timedelta(hours=1)
"""From now on; whoever gets hold of a token can use it as long."""

MAX_TOKEN_CHARS = 8_000

MAX_MOMENT = 1e11
"""In seconds since 1970; there are larger numbers in JSON, infinite ones too."""

_BEARER = re.compile(r"bearer +([A-Za-z0-9_.=-]+) *", re.IGNORECASE)
_REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp"]


class PeerTokenVerifier:
    """Keeps the keys of all peers that publish theirs. `fetch` gets a set from its URL and raises Unavailable."""

    def __init__(self, clock: Clock, fetch: Callable[[str], Awaitable[FetchedKeySet]] = fetch_key_set) -> None:
        self._clock = clock
        self._fetch = fetch
        self._published: dict[str, PublishedKeys] = {}  # by URL; profiles name these

    async def find_fault(self, peer: TrustedPeer, authorization: str, system: str) -> str:
        """Find what is wrong with the token in this header, in words that hold nothing of it; empty: nothing. `system`:
        by which the message names its sender."""
        if not authorization:
            return write_sentence("the token is missing")
        match = _BEARER.fullmatch(authorization) if len(authorization) <= MAX_TOKEN_CHARS else None
        if match is None:
            return write_sentence("Authorization has no Bearer token")
        if not system:
            return write_sentence("the message does not name its system")
        try:
            header = jwt.get_unverified_header(match[1])
            if header.get("alg") != ALGORITHM:
                return write_sentence("the token is not signed with RS256")
            fault = self._find_claim_fault(self._read_claims(match[1], None, peer, system), peer)
            if fault:  # before anybody is asked for keys
                return fault
            key = await self._find_key(peer, header.get("kid", ""))
            if key is None:
                return write_sentence("the token was signed with a key that its issuer does not publish")
            self._read_claims(match[1], jwt.PyJWK(dict(key), ALGORITHM), peer, system)
        except (jwt.PyJWTError, RecursionError) as error:
            return _describe_token_error(error)
        except Unavailable as error:
            return sentence_of_text(str(error))
        return ""

    def _read_claims(self, token: str, key: Any, peer: TrustedPeer, system: str) -> dict[str, Any]:
        """`key` None: its signature isn't looked at. Times aren't: PyJWT has a clock of its own. Raises PyJWTError."""
        claims: dict[str, Any] = jwt.decode(
            token,
            key or "",
            algorithms=[ALGORITHM],
            issuer=peer.issuer,
            audience=peer.audience,
            subject=system,
            options={
                "verify_signature": key is not None,
                "verify_iss": True,
                "verify_aud": True,
                "verify_sub": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": _REQUIRED_CLAIMS,
                "enforce_minimum_key_length": True,
            },
        )
        return claims

    async def _find_key(self, peer: TrustedPeer, kid: str) -> Jwk | None:
        """The only one that fits. Raises Unavailable."""
        if peer.jwks is not None:
            usable = choose_signing_keys({"keys": peer.jwks.keys})
            matching = tuple(key for key in usable if not kid or key.get("kid") == kid)
        else:
            published = self._published.setdefault(peer.jwks_url, PublishedKeys(peer.jwks_url, self._clock))
            matching = await published.find_keys(kid, lambda: self._fetch_published(peer.jwks_url))
        usable = tuple(key for key in matching if is_peer_key(key))
        return usable[0] if len(usable) == 1 else None

    async def _fetch_published(self, url: str) -> Any:
        return (await self._fetch(url)).published

    def _find_claim_fault(self, claims: dict[str, Any], peer: TrustedPeer) -> str:
        now, leeway = self._clock.now().timestamp(), LEEWAY.total_seconds()
        times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
        if not all(type(time) in (int, float) and abs(time) < MAX_MOMENT for time in times.values()):
            return write_sentence("the token cannot be parsed")
        if times["exp"] <= now - leeway:
            return write_sentence("the token has expired")
        if max(times.get("nbf", 0), times.get("iat", 0)) > now + leeway:
            return write_sentence("the token is not valid yet")
        if times["exp"] > now + MAX_TOKEN_LIFE.total_seconds():
            return write_sentence("the token expires more than an hour from now")
        for name, value in peer.claims.items():
            if claims.get(name) != value:
                return write_sentence("the token's claim %(name)s does not match this profile", name=name)
        return ""


def is_peer_key(key: Jwk) -> bool:
    """Return whether tokens of peers may be signed with the key."""
    return key.get("kty") == "RSA" and key.get("alg", ALGORITHM) == ALGORITHM


def _describe_token_error(error: Exception) -> str:
    match error:
        case jwt.InvalidIssuerError():
            return write_sentence("the token's issuer does not match this profile")
        case jwt.InvalidAudienceError():
            return write_sentence("the token's audience is another system")
        case InvalidSubjectError():
            return write_sentence("the token belongs to a different system than the message's sender")
        case jwt.MissingRequiredClaimError():
            return write_sentence("iss, sub, aud or exp is missing from the token")
        case jwt.InvalidSignatureError():
            return write_sentence("the token's signature is invalid")
        case jwt.InvalidKeyError():
            return write_sentence("the token was signed with a key that is too short")
    return write_sentence("the token cannot be parsed")
