"""Settings of an identity provider (OpenID Connect), for whoever signs in there: patrons or staff."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.network_addresses import is_this_machine
from gateway.domain.profile import Network
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret


def _check_issuer(text: str) -> str:
    """Require TLS: without it anybody between us and it could sign anybody in; on this machine there is nobody
    between."""
    if not text:
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("not a URL such as https://login.library.example/realms/patrons")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("must be https://…")
    return text


class ProxyHeader(ProfileSection):
    """A proxy before us has signed somebody in, and says so in a header."""

    name: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="name of the header, such as X-Patron; empty: off")
    proxies: tuple[Network, ...] = Field((), description="proxies that may send the header")

    @model_validator(mode="after")
    def _check_header_complete(self) -> Self:
        if bool(self.name) != bool(self.proxies):
            raise ValueError("name and proxies go together: a header from anywhere could come from anybody")
        return self


Issuer = Annotated[UrlWithoutSecret, AfterValidator(_check_issuer)]
SignInWord = Annotated[str, Field(pattern=r"^\S+$")]


class IdentityProviderSettings(ProfileSection):
    """An identity provider (OpenID Connect, authorization code with PKCE)."""

    issuer: Issuer = Field("", description="issuer URL, with /.well-known/openid-configuration below it; empty: off")
    client_id: str = Field("", description="client ID at the provider")
    client_secret: SecretReference = Field("", description="empty: a public client")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="requested scopes")
    claim: str = Field(
        "preferred_username",
        min_length=1,
        description="claim with the name of the staff account at its first sign-in, or with the patron's number",
    )
    acr: tuple[SignInWord, ...] = Field(
        (), description="accepted authentication contexts: requested, and the ID token must have one; empty: any"
    )
    amr: tuple[SignInWord, ...] = Field(
        (), description="accepted authentication methods, such as mfa: the ID token must have one; empty: any"
    )

    @model_validator(mode="after")
    def _check_oidc_complete(self) -> Self:
        if bool(self.issuer) != bool(self.client_id):
            raise ValueError("issuer and client_id go together")
        if "openid" not in self.scopes:
            raise ValueError("scopes must have openid")
        return self
