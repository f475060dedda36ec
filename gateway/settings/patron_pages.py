"""Sections of gateway.yml for the patrons' pages at /openurl and for how patrons sign in there."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.settings.identity_provider import IdentityProviderSettings, ProxyHeader

_ORIGIN = re.compile(r"(https?://)?(\*\.)?[A-Za-z0-9.-]+(:\d{1,5}|:\*)?|'self'")


def _check_origin(text: str) -> str:
    if not _ORIGIN.fullmatch(text):
        raise ValueError("not a site such as https://discovery.library.example, or https://*.library.example")
    return text


Origin = Annotated[str, AfterValidator(_check_origin)]
IdentifierTypes = tuple[Annotated[str, Field(min_length=1)], ...]


class HeaderSignIn(ProxyHeader):
    """A proxy before us has signed the patron in, and says so in a header."""

    identifier_types: IdentifierTypes = Field(
        (), description="types of the number; empty: any type that the library system finds"
    )


class OidcSettings(IdentityProviderSettings):
    """An identity provider of patrons. `claim` holds what the library knows the patron by."""

    identifier_types: IdentifierTypes = Field(
        (), description="types of the number; empty: any type that the library system finds"
    )


class SignInSettings(ProfileSection):
    """The ways in which the patrons of a library say who they are."""

    password: bool = Field(True, description="card number and PIN, checked by the library system")
    header: HeaderSignIn = HeaderSignIn.model_construct()
    oidc: OidcSettings = OidcSettings.model_construct()

    @model_validator(mode="after")
    def _check_sign_in_possible(self) -> Self:
        if not (self.password or self.header.name or self.oidc.issuer):
            raise ValueError("patrons must be able to sign in: by password, header or oidc")
        return self


class PagesSettings(ProfileSection):
    """The patrons' pages at /openurl."""

    enabled: bool = Field(True, description="false: no patron pages")
    embed_in: tuple[Origin, ...] = Field((), description="sites that may embed the pages in a frame; empty: none")
    session_minutes: int = Field(30, ge=1, le=720, description="minutes of inactivity until a patron is signed out")
    tries: int = Field(
        5,
        ge=1,
        le=1000,
        description="failed PINs per patron and address, on pages or in messages, until sign-in is blocked",
    )
    address_tries: int = Field(
        50,
        ge=1,
        le=100_000,
        description="failed PINs per address; also the limit of pending sign-ins at the identity provider",
    )
    tries_minutes: int = Field(15, ge=1, le=1440, description="minutes for which sign-in is blocked")
