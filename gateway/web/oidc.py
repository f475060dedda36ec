"""OpenID Connect as a relying party: authorization code with PKCE (S256), discovery, checked ID tokens.

Sources: OpenID Connect Core 1.0 sections 3.1 and 3.1.3.7, Discovery 1.0 section 4, RFC 7636 (PKCE), RFC 9207 (`iss` in
the answer), RFC 9700 (best practice). The tokens are PyJWT's work (docs/decisions/0011-openurl-and-pages.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from aiohttp import hdrs
from yarl import URL

from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import HttpClient, HttpFailure, HttpLimits, HttpRequest, parse_url
from gateway.services.exchange.admission import Secrets
from gateway.services.exchange.published_keys import Jwk, PublishedKeys
from gateway.settings.identity_provider import IdentityProviderSettings

WELL_KNOWN = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signed with a key of the provider's; never `none`, never with a shared secret."""

LEEWAY = timedelta(seconds=60)
KNOWN_FOR = timedelta(hours=1)

SECONDS = 10.0
MAX_ANSWER_BYTES = 1_000_000
MAX_SUBJECT_CHARS = 255
"""OpenID Connect Core 1.0 section 2, `sub`."""


class OidcError(Exception):
    """The provider's answer can't be trusted, or it is a refusal. The message holds nothing of a patron."""


class WeakSignInError(OidcError):
    """The provider doesn't say that somebody signed in there as gateway.yml demands (`acr`, `amr`)."""


@value_object
class OidcProvider:
    """The provider as discovery describes it. `basic`: the client signs in at the token endpoint by HTTP Basic, not in
    the form."""

    authorization: str
    token: str
    keys: str
    basic: bool
    says_issuer: bool


class OidcClient:
    """A client of one provider. All methods raise Unavailable (the provider doesn't answer) and OidcError."""

    def __init__(self, settings: IdentityProviderSettings, secrets: Secrets, clock: Clock) -> None:
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._provider: tuple[datetime, OidcProvider] | None = None
        self._keys = PublishedKeys(settings.issuer, clock)

    async def make_sign_in_url(self, state: str, nonce: str, verifier: str, redirect_uri: str) -> str:
        """Make the URL to which the browser is sent to sign in."""
        provider = await self._discover_provider()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": pkce_challenge(verifier),
            "code_challenge_method": "S256",
        }
        if self._settings.acr:
            asked["acr_values"] = " ".join(self._settings.acr)
        return str(URL(provider.authorization).update_query(asked))

    async def fetch_claims(
        self, code: str, issuer: str, nonce: str, verifier: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        """Fetch the claims of the ID token that the code is exchanged for. `issuer`: `iss` of the answer, empty where
        it had none."""
        provider = await self._discover_provider()
        if issuer != self._settings.issuer and (issuer or provider.says_issuer):
            raise OidcError("the answer is from another provider")
        token = await self._exchange_code(provider, code, verifier, redirect_uri)
        return await self._verify_token(provider, token, nonce)

    # --- the provider ----------------------------------------------------------------------------------------

    async def _discover_provider(self) -> OidcProvider:
        now = self._clock.now()
        if self._provider is None or now - self._provider[0] > KNOWN_FOR:
            self._provider = (
                now,
                self._parse_discovery(await _fetch_json_object(self._settings.issuer.rstrip("/") + WELL_KNOWN)),
            )
        return self._provider[1]

    def _parse_discovery(self, document: Mapping[str, Any]) -> OidcProvider:
        """Discovery 1.0 section 4.3: it must name the issuer that we asked."""
        if document.get("issuer") != self._settings.issuer:
            raise OidcError("discovery names another issuer than gateway.yml")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return OidcProvider(
            authorization=self._require_endpoint(document, "authorization_endpoint"),
            token=self._require_endpoint(document, "token_endpoint"),
            keys=self._require_endpoint(document, "jwks_uri"),
            basic="client_secret_basic" in methods,
            says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _require_endpoint(self, document: Mapping[str, Any], name: str) -> str:
        """Require an endpoint as safe as the issuer: https unless that is on this machine."""
        url = document.get(name)
        scheme = self._settings.issuer.partition(":")[0]
        if not isinstance(url, str) or not url.startswith(("https://", f"{scheme}://")) or not _is_url(url):
            raise OidcError(f"discovery has no {name} that can be used")
        return url

    async def _exchange_code(self, provider: OidcProvider, code: str, verifier: str, redirect_uri: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._settings.client_id,
        }
        headers: dict[str, str] = {}
        if self._settings.client_secret:
            secret = self._secrets(self._settings.client_secret)
            if provider.basic:
                headers[hdrs.AUTHORIZATION] = _basic_credentials(self._settings.client_id, secret)
            else:
                form["client_secret"] = secret
        json_object = await _fetch_json_object(provider.token, form, headers)
        token = json_object.get("id_token")
        if not isinstance(token, str):
            raise OidcError("the provider gave no ID token")
        return token

    # --- the token -------------------------------------------------------------------------------------------

    async def _verify_token(self, provider: OidcProvider, token: str, nonce: str) -> Mapping[str, Any]:
        """Core 1.0 section 3.1.3.7."""
        try:
            header = jwt.get_unverified_header(token)
            key = _make_verification_key(
                await self._find_signing_key(provider, str(header.get("kid", ""))), str(header.get("alg", ""))
            )
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            raise OidcError(f"the ID token is not valid: {type(error).__name__}") from None
        if not 0 < len(str(claims["sub"])) <= MAX_SUBJECT_CHARS:
            raise OidcError("the ID token has no subject that can be kept")
        if claims.get("nonce") != nonce:
            raise OidcError("the ID token is not the answer to our question")
        if claims.get("azp", self._settings.client_id) != self._settings.client_id:
            raise OidcError("the ID token was made for another client")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
            raise OidcError("the ID token is for several clients and doesn't say which one asked")
        self._require_strong_sign_in(claims)
        return claims

    def _require_strong_sign_in(self, claims: Mapping[str, Any]) -> None:
        """Core 1.0 section 2; words of `amr`: RFC 8176. A claim of another type than it must have says nothing."""
        acr, amr = claims.get("acr"), claims.get("amr")
        if self._settings.acr and acr not in self._settings.acr:
            raise WeakSignInError("the ID token has none of the accepted authentication contexts (acr)")
        if self._settings.amr and not (isinstance(amr, list) and any(word in self._settings.amr for word in amr)):
            raise WeakSignInError("the ID token has none of the accepted authentication methods (amr)")

    async def _find_signing_key(self, provider: OidcProvider, kid: str) -> Jwk:
        """Find a key by its id; the only one where a token names none."""
        keys = await self._keys.find_keys(kid, lambda: _fetch_json_object(provider.keys))
        if len(keys) != 1:
            raise OidcError("the ID token is signed with a key that the provider doesn't publish")
        return keys[0]


def _is_url(text: str) -> bool:
    try:
        return bool(URL(text).host)
    except ValueError:
        return False


def pkce_challenge(verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _basic_credentials(client: str, secret: str) -> str:
    """RFC 6749 section 2.3.1: both are form-encoded first."""
    words = ":".join(URL.build(query={"x": word}).raw_query_string[2:] for word in (client, secret))
    return f"Basic {base64.b64encode(words.encode()).decode()}"


def _make_verification_key(key: Jwk, algorithm: str) -> jwt.PyJWK:
    """Many providers' keys don't say for which algorithm they are (RFC 7517 section 4.4); then the token does. Raises
    OidcError, PyJWTError."""
    if algorithm not in ALGORITHMS:
        raise OidcError("the ID token is not signed as it must be")
    return jwt.PyJWK(dict(key), algorithm=None if "alg" in key else algorithm)


async def _fetch_json_object(
    url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """A JSON object, by GET or, with `form`, by POST. No redirect is followed."""
    method = "GET" if form is None else "POST"
    request = HttpRequest(method, parse_url(url), form, {hdrs.ACCEPT: "application/json", **(headers or {})})
    try:
        async with HttpClient() as client:
            reply = await client.exchange(request, HttpLimits(None, SECONDS, MAX_ANSWER_BYTES))
    except HttpFailure as failure:
        raise Unavailable(
            write_sentence("the identity provider is not responding: %(report)s", report=failure.report)
        ) from failure
    if reply.is_cut:
        raise OidcError("the identity provider's answer is too large")
    status = reply.status
    if status >= 500:
        raise Unavailable(write_sentence("the identity provider returned status %(status)s", status=status))
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = None
    if status != 200 or not isinstance(document, dict):
        raise OidcError(f"the identity provider answers with {status}{_format_error_word(document)}")
    return document


def _format_error_word(answer: object) -> str:
    """RFC 6749 section 5.2: a word such as invalid_grant."""
    word = answer.get("error") if isinstance(answer, dict) else None
    return f", {word[:40]}" if isinstance(word, str) and word.replace("_", "").isalnum() and word.isascii() else ""
