"""Identities that a partner's system and ours show each other: tokens that each signs (JWT, RFC 7519)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.network_addresses import is_this_machine
from gateway.domain.secret_reference import SECRET_ERROR, UrlWithoutSecret

_PRIVATE_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Of a JWK (RFC 7518, 6.3.2 and 6.4)."""

_REGISTERED_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat"})
"""Those that we write ourselves (RFC 7519, 4.1)."""


def _check_public_jwk(key: Mapping[str, Any]) -> Mapping[str, Any]:
    if not _PRIVATE_PARTS.isdisjoint(key):
        raise PydanticCustomError(SECRET_ERROR, "is a secret or private key; only a public one may stand here")
    if key.get("kty") != "RSA" or not all(isinstance(key.get(name), str) and key[name] for name in ("n", "e")):
        raise ValueError("not a public RSA key as a JWK: kty is RSA, and n and e are its parts")
    return key


def _check_keys_url(text: str) -> str:
    """Require TLS: without it anybody between us and it could have us believe in another key."""
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError("not a URL such as https://ill.partner.example/.well-known/jwks.json")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("must be https://…")
    return text


def _check_own_claims(claims: Mapping[str, str]) -> Mapping[str, str]:
    taken = sorted(_REGISTERED_CLAIMS.intersection(claims))
    if taken:
        raise ValueError(f"{', '.join(taken)}: written from the other keys and the time")
    return claims


PublicJwk = Annotated[Mapping[str, Any], AfterValidator(_check_public_jwk)]
KeysUrl = Annotated[UrlWithoutSecret, AfterValidator(_check_keys_url)]
OwnClaims = Annotated[Mapping[str, str], AfterValidator(_check_own_claims)]


class PublicKeySet(ProfileSection):
    """A JWK set as its owner gives it away (RFC 7517, 5)."""

    keys: tuple[PublicJwk, ...] = Field(min_length=1, max_length=20, description="public RSA keys, each with its kid")


class TrustedPeer(ProfileSection):
    """Whose tokens count, and what must stand in them besides the message's own FromSystemId (`sub`)."""

    issuer: str = Field(min_length=1, description="iss of its tokens (exact match)")
    audience: str = Field(min_length=1, description="aud of its tokens, or one of its values: its name for us")
    claims: Mapping[str, str] = Field({}, description="further required claims, such as protocol: NCIP2")
    jwks_url: KeysUrl = Field("", description="HTTPS URL of its JWK set")
    jwks: PublicKeySet | None = Field(None, description="its keys, if it does not publish them")

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if bool(self.jwks_url) == (self.jwks is not None):
            raise ValueError("either jwks_url or jwks says what its keys are")
        return self


class OwnPeerIdentity(ProfileSection):
    """What stands in the tokens that we sign for this partner."""

    issuer: str = Field(min_length=1, description="iss of our tokens, as approved by the partner")
    subject: str = Field(
        min_length=1, description="sub of our tokens: our system as named in messages, such as FromSystemId"
    )
    audience: str = Field(min_length=1, description="aud of our tokens: the partner's name for itself")
    claims: OwnClaims = Field({}, description="further claims, such as protocol: NCIP2")


class PeerAuthentication(ProfileSection):
    """Signed tokens, in `Authorization: Bearer` of each message by HTTP."""

    theirs: TrustedPeer | None = Field(None, description="tokens accepted by `auth` with kind signed-token")
    ours: OwnPeerIdentity | None = Field(None, description="tokens sent with our messages; none: no token")
