"""Section of gateway.yml for the pages of staff at /staff, and for how staff sign in there."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.roles import ALL_LIBRARIES, StaffRole, parse_grant
from gateway.settings.identity_provider import IdentityProviderSettings, ProxyHeader

LIBRARY = "{library}"


class ProviderGrant(ProfileSection):
    """A role for whoever has a value, such as a group, in a claim of the ID token."""

    claim: str = Field("groups", min_length=1, description="claim that is a text or a list of texts")
    value: str = Field(
        min_length=1,
        description="value in the claim, such as ill-{library}-staff; {library} is a library's symbol or short name",
    )
    role: str = Field(
        description="role, such as staff, or patron-services@BRANCH; in all libraries: office, or another as manager@*"
    )
    library: str = Field(
        "", description="symbol or short name of the library in which the role counts, if value has no {library}"
    )

    @field_validator("role")
    @classmethod
    def _check_role(cls, role: str) -> str:
        parse_grant("", role)
        return role

    @model_validator(mode="after")
    def _check_one_library(self) -> Self:
        if self.library and LIBRARY in self.value:
            raise ValueError("value names the library already, by {library}")
        if self.counts_everywhere and (self.library or LIBRARY in self.value):
            raise ValueError(f"{self.role} counts in all libraries, so no library is named")
        return self

    @property
    def counts_everywhere(self) -> bool:
        return parse_grant("", self.role).library == ALL_LIBRARIES


class StaffOidcSettings(IdentityProviderSettings):
    """An identity provider of staff."""

    grants: tuple[ProviderGrant, ...] = Field(
        (), description="roles by groups, replaced at each sign-in there; the account keeps those assigned here"
    )


class LibraryStaffSettings(ProfileSection):
    """The way in which staff of one library sign in at /staff/LIBRARY, in place of the provider of the installation."""

    oidc: StaffOidcSettings = StaffOidcSettings.model_construct()

    @model_validator(mode="after")
    def _check_own_grants(self) -> Self:
        for grant in self.oidc.grants:
            if grant.library or grant.counts_everywhere:
                message = "a library's own provider gives roles in it alone: no library, no @*, no office"
                raise ValueError(f"oidc.grants: {grant.value}: {message}")
        return self


class StaffSettings(ProfileSection):
    """The pages of staff at /staff. Accounts are made by `illgate user`; without one the pages are closed."""

    enabled: bool = Field(True, description="false: no staff pages")
    idle_minutes: int = Field(60, ge=1, le=1440, description="minutes of inactivity until a user is signed out")
    session_hours: int = Field(10, ge=1, le=24, description="hours after sign-in until a user is signed out")
    password: bool = Field(True, description="allow sign-in with user name and password")
    second_factor: tuple[StaffRole, ...] = Field(
        (), description="roles that need a second factor to sign in with a password; others may set one up"
    )
    edit_profiles: bool = Field(False, description="allow operators and member-admins to edit profiles at /staff")
    oidc: StaffOidcSettings = StaffOidcSettings.model_construct()
    header: ProxyHeader = ProxyHeader.model_construct()
    audit_days: int = Field(1095, ge=1, le=36_500, description="days until entries of the audit log are deleted")

    @model_validator(mode="after")
    def _check_sign_in_possible(self) -> Self:
        if not (self.password or self.oidc.issuer or self.header.name):
            raise ValueError("staff must be able to sign in: by password, oidc or header")
        if self.oidc.issuer and self.header.name:
            raise ValueError("oidc and header exclude each other: an account is linked to one of them")
        return self
