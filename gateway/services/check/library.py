"""Does the library know what a profile names: pickup places, branches, item policies, institutional patrons?"""

from __future__ import annotations

import string
from collections.abc import AsyncIterator, Collection, Iterator

from gateway.configuration.problems import Path, Problem
from gateway.domain.frozen import frozen
from gateway.domain.policy import CirculationPolicy
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.ports.library import LibraryCodes, LibrarySystem, ListsCodes, PatronKey
from gateway.profiles import LoadedProfile


@frozen
class Known:
    """What a library knows."""

    system: LibrarySystem
    pickups: frozenset[str]
    codes: LibraryCodes


async def ask(system: LibrarySystem) -> Known:
    """Raises Unavailable."""
    pickups = frozenset(location.code for location in await system.pickup_locations())
    codes = await system.codes() if isinstance(system, ListsCodes) else LibraryCodes()
    return Known(system, pickups, codes)


async def check_against_library(loaded: LoadedProfile, known: Known) -> list[Problem]:
    """Raises Unavailable."""
    policy = loaded.profile.circulation
    problems = [
        _unknown(loaded, path, what, value, codes)
        for what, codes, values in (
            ("pickup location", known.pickups, _pickups(policy)),
            ("branch", known.codes.branches, _profile_branches(policy)),
            ("item policy", known.codes.item_policies, _profile_item_policies(policy)),
            ("patron category", known.codes.patron_categories, _profile_categories(policy)),
            ("fee type", known.codes.fee_types, _fee_types(policy)),
        )
        if codes is not None
        for path, value in values
        if value and value not in codes
    ]
    problems += _shelf(loaded, known.codes)
    problems += [problem async for problem in _patrons(loaded, known)]
    return problems


def _unknown(loaded: LoadedProfile, path: Path, what: str, value: str, codes: Collection[str]) -> Problem:
    where = ("circulation", *path)
    default = "" if where in loaded.document.places else " (the default; name another in the profile)"
    return loaded.problem(where, f"the library knows no such {what}{default}", value, tuple(sorted(codes)))


_Values = Iterator[tuple[Path, str]]


def _pickups(policy: CirculationPolicy) -> _Values:
    yield ("pickup", "default"), policy.pickup.default
    for sent, code in policy.pickup.map.items():
        yield ("pickup", "map", sent), code


def _profile_branches(policy: CirculationPolicy) -> _Values:
    yield ("accept", "library"), policy.accept.library
    yield ("check_in", "branch"), policy.check_in.branch
    for index, branch in enumerate(policy.check_in.delete_libraries):
        yield ("check_in", "delete_libraries", index), branch


def _profile_item_policies(policy: CirculationPolicy) -> _Values:
    yield ("accept", "policy"), policy.accept.policy
    yield ("accept", "library_use_policy"), policy.accept.library_use_policy
    for sent, code in policy.accept.policies.items():
        yield ("accept", "policies", sent), code
    for index, code in enumerate(policy.check_in.delete_policies):
        yield ("check_in", "delete_policies", index), code


def _profile_categories(policy: CirculationPolicy) -> _Values:
    yield ("patrons", "create_category"), policy.patrons.create_category


def _fee_types(policy: CirculationPolicy) -> _Values:
    yield ("fees", "default_type"), policy.fees.default_type
    for sent, code in policy.fees.types.items():
        yield ("fees", "types", sent), code


def _shelf(loaded: LoadedProfile, codes: LibraryCodes) -> Iterator[Problem]:
    """A shelving location belongs to a branch; without a branch any one's will do."""
    accept = loaded.profile.circulation.accept
    if codes.shelves is None or (codes.branches is not None and accept.library not in {"", *codes.branches}):
        return
    shelves = {shelf for branch, shelf in codes.shelves if accept.library in ("", branch)}
    if accept.location and accept.location not in shelves:
        yield _unknown(loaded, ("accept", "location"), "shelving location", accept.location, shelves)


async def _patrons(loaded: LoadedProfile, known: Known) -> AsyncIterator[Problem]:
    for path, patron in _institutions(loaded.profile):
        try:
            await known.system.find_patron(PatronKey(patron))
        except Refused as refused:
            message = f"the institution's patron is not usable ({refused.reason.value})"
            yield loaded.problem(("circulation", *path), message, patron)


def _institutions(profile: Profile) -> _Values:
    """Patrons that can be told from the profile alone; what a message has to say (\\1, {user}) is left out."""
    policy = profile.circulation
    for index, rule in enumerate(policy.patrons.institutional):
        path: Path = ("patrons", "institutional", index, "patron")
        fields = {name for _, name, _, _ in string.Formatter().parse(rule.patron) if name}
        if "\\" in rule.patron or "user" in fields:
            continue
        agencies = sorted({_own(policy, one.from_agency) for one in profile.match if one.from_agency})
        for agency in agencies if "agency" in fields else [""]:
            yield path, rule.patron.format(agency=agency)
    if policy.notifications.institutional_patron:
        yield ("notifications", "institutional_patron"), policy.notifications.institutional_patron


def _own(policy: CirculationPolicy, agency: str) -> str:
    by_fold = {wire.casefold(): own for wire, own in policy.agencies.items()}
    return by_fold.get(agency.casefold(), agency)
