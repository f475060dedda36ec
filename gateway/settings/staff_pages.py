"""Section of gateway.yml for the pages of staff at /staff, and for how staff sign in there."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.roles import StaffRole
from gateway.settings.identity_provider import IdentityProviderSettings


class StaffSettings(ProfileSection):
    """The pages of staff at /staff. Accounts are made by `illgate user`; without one the pages are closed."""

    enabled: bool = Field(True, description="false: no staff pages")
    idle_minutes: int = Field(60, ge=1, le=1440, description="minutes of inactivity until a user is signed out")
    session_hours: int = Field(10, ge=1, le=24, description="hours after sign-in until a user is signed out")
    password: bool = Field(True, description="allow sign-in with user name and password")
    second_factor: tuple[StaffRole, ...] = Field(
        (), description="roles that need a second factor to sign in with a password; others may set one up"
    )
    edit_profiles: bool = Field(False, description="allow operators to edit profiles on the staff pages")
    oidc: IdentityProviderSettings = IdentityProviderSettings.model_construct()
    audit_days: int = Field(1095, ge=1, le=36_500, description="days until entries of the audit log are deleted")

    @model_validator(mode="after")
    def _check_sign_in_possible(self) -> Self:
        if not (self.password or self.oidc.issuer):
            raise ValueError("staff must be able to sign in: by password or oidc")
        return self
