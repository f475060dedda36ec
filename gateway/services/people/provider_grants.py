"""Roles of staff by the groups that an identity provider names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.domain.roles import ALL_LIBRARIES, GrantSource, RoleGrant, parse_grant, sort_grants
from gateway.domain.value import replace
from gateway.settings.sections import LibrarySettings
from gateway.settings.staff_pages import LIBRARY, ProviderGrant


def grants_of_claims(
    rules: Iterable[ProviderGrant], claims: Mapping[str, Any], libraries: Sequence[LibrarySettings]
) -> tuple[RoleGrant, ...]:
    """The roles that the claims of an ID token give. A claim that is neither a text nor a list gives none."""
    return sort_grants(
        replace(grant, source=GrantSource.PROVIDER)
        for rule in rules
        for grant in _list_grants(rule, _read_values(claims.get(rule.claim)), libraries)
    )


def _list_grants(rule: ProviderGrant, values: set[str], libraries: Sequence[LibrarySettings]) -> tuple[RoleGrant, ...]:
    if rule.counts_everywhere:
        return (parse_grant(ALL_LIBRARIES, rule.role),) if rule.value in values else ()
    return tuple(
        parse_grant(library.symbol, rule.role)
        for library in libraries
        if not values.isdisjoint(_list_wanted_values(rule, library, len(libraries) == 1))
    )


def _read_values(claim: object) -> set[str]:
    values = claim if isinstance(claim, list) else [claim]
    return {value for value in values if isinstance(value, str)}


def _list_wanted_values(rule: ProviderGrant, library: LibrarySettings, is_only: bool) -> list[str]:
    """Each of them gives the role in this library; `is_only`: there is no other that could be meant."""
    if LIBRARY in rule.value:
        return [rule.value.replace(LIBRARY, name) for name in (library.symbol, library.short_name)]
    return [rule.value] if library.is_called(rule.library) or (is_only and not rule.library) else []
