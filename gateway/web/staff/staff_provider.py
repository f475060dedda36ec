"""Identity providers at which staff sign in: the installation's, and libraries' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.domain.roles import RoleGrant
from gateway.domain.value import value_object
from gateway.services.people.staff_sign_in import StaffSignInMethod
from gateway.settings.staff_pages import StaffOidcSettings
from gateway.web.oidc import OidcClient


@value_object
class StaffProvider:
    """`library`: symbol of the one whose own it is; empty: the installation's. `read_grants`: roles by the claims of
    its ID token."""

    library: str
    settings: StaffOidcSettings
    client: OidcClient
    read_grants: Callable[[Mapping[str, Any]], tuple[RoleGrant, ...]]

    @property
    def method(self) -> StaffSignInMethod:
        return StaffSignInMethod.LIBRARY_OIDC if self.library else StaffSignInMethod.OIDC
