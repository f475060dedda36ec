"""Sections of gateway.yml for the patrons' pages at /openurl and for how patrons sign in there."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Network
from gateway.settings.identity_provider import IdentityProviderSettings

_ORIGIN = re.compile(r"(https?://)?(\*\.)?[A-Za-z0-9.-]+(:\d{1,5}|:\*)?|'self'")


def _check_origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError("not a site such as https://discovery.library.example, or https://*.library.example")
    return text


Origin = Annotated[str, AfterValidator(_check_origin)]
IdentifierTypes = tuple[Annotated[str, Field(min_length=1)], ...]


class HeaderSignIn(ProfileSection):
    """A proxy before us has signed the patron in, and says so in a header."""

    name: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="of the header: X-Patron; empty: off")
    proxies: tuple[Network, ...] = Field((), description="from where alone the header is believed")
    identifier_types: IdentifierTypes = Field((), description="what it holds; empty: as the library's system looks up")

    @model_validator(mode="after")
    def _check_header_complete(self) -> Self:
        if bool(self.name) != bool(self.proxies):
            raise ValueError("name and proxies go together: a header from anywhere could come from anybody")
        return self


class OidcSettings(IdentityProviderSettings):
    """An identity provider of patrons. `claim` holds what the library knows the patron by."""

    identifier_types: IdentifierTypes = Field((), description="what it holds; empty: as the library's system looks up")


class SignInSettings(ProfileSection):
    """How the patrons of a library say who they are."""

    password: bool = Field(True, description="number and PIN, which the library's system checks")
    header: HeaderSignIn = HeaderSignIn.model_construct()
    oidc: OidcSettings = OidcSettings.model_construct()

    @model_validator(mode="after")
    def _check_sign_in_possible(self) -> Self:
        if not (self.password or self.header.name or self.oidc.issuer):
            raise ValueError("patrons must be able to sign in: by password, header or oidc")
        return self


class PagesSettings(ProfileSection):
    """The patrons' pages at /openurl."""

    enabled: bool = Field(True, description="off: there are no such pages")
    embed_in: tuple[Origin, ...] = Field((), description="sites that may show the pages in a frame; empty: none")
    session_minutes: int = Field(30, ge=1, le=720, description="without a page, then a patron is signed out")
    tries: int = Field(
        5,
        ge=1,
        le=1000,
        description="wrong PINs of one patron from one address, on the pages or in messages, then it has to wait",
    )
    address_tries: int = Field(
        50,
        ge=1,
        le=100_000,
        description="the same of anybody at one address; as many may be at the provider from there",
    )
    tries_minutes: int = Field(15, ge=1, le=1440, description="that wait")
