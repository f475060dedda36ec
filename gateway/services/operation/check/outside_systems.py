"""Do library, catalogues and addresses know what profiles and requests.yml name?"""

from __future__ import annotations

import asyncio
import string
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerRole
from gateway.domain.value import value_object
from gateway.policies import LoadedPolicy, iter_rules
from gateway.ports.adapter import SearchAdapter, SearchContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability, LibraryCodes, ListsCodes, PatronKey, ProbesItself
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.services.operation.partner_probe import ask_catalogue
from gateway.services.searching.article_lookup import Secrets, make_article_source
from gateway.services.searching.targets import CatalogueTarget, failure_reason, find_catalogue
from gateway.settings import Settings

CREATING_SERVICE = "CreateUser"
"""The service of NCIP by which a partner creates patrons."""


@value_object
class KnownCodes:
    """The codes that a library knows."""

    system: LibrarySystem
    pickups: frozenset[str] | None  # None: the system can't tell
    codes: LibraryCodes

    @property
    def by_kind(self) -> Mapping[str, frozenset[str] | None]:
        """None: the system can't tell. Shelving locations belong to a branch and aren't here."""
        return {"pickup location": self.pickups, **_codes_by_kind(self.codes)}

    @property
    def is_empty(self) -> bool:
        """It can list its codes, and none of any kind is set up: it has just been made."""
        lists = (self.codes.shelves, *self.by_kind.values())
        return isinstance(self.system, ListsCodes) and not any(lists)


def _codes_by_kind(codes: LibraryCodes) -> Mapping[str, frozenset[str] | None]:
    return {
        "branch": codes.branches,
        "item policy": codes.item_policies,
        "patron category": codes.patron_categories,
        "fee type": codes.fee_types,
    }


async def ask_library(system: LibrarySystem) -> KnownCodes:
    """Ask a library for its codes; raises Unavailable."""
    is_listed = Capability.PICKUP_LIST in system.capabilities
    pickups = frozenset(location.code for location in await system.pickup_locations()) if is_listed else None
    codes = await system.codes() if isinstance(system, ListsCodes) else LibraryCodes()
    return KnownCodes(system, pickups, codes)


def check_codes(loaded: LoadedProfile, known_codes: KnownCodes) -> list[ConfigurationProblem]:
    problems = [
        _unknown_code_problem(loaded, path, what, value, codes)
        for what, values in _profile_codes(loaded.profile.circulation)
        if (codes := known_codes.by_kind[what]) is not None
        for path, value in values
        if value and value not in codes and _is_code_used(loaded, path)
    ]
    problems += _check_shelf(loaded, known_codes.codes)
    return problems


def _is_code_used(loaded: LoadedProfile, path: KeyPath) -> bool:
    """A partner that can send us nothing and has no requests with us, such as a catalogue to be searched, never meets
    the defaults of `circulation`; one that neither creates patrons nor is one meets no patron category. What its
    profile says there is looked at all the same."""
    profile = loaded.profile
    if ("circulation", *path) in loaded.document.places or profile.partner is not None:
        return True
    return bool(profile.auth) and (path != ("patrons", "create_category") or _can_create_patrons(profile))


def _can_create_patrons(profile: Profile) -> bool:
    services = getattr(profile.dialects.get("ncip"), "services", ())
    return not services or CREATING_SERVICE in services


def describe_named_codes(codes: KnownCodes, profiles: Iterable[LoadedProfile], policies: Iterable[LoadedPolicy]) -> str:
    """All that these name of an empty library, by kind: what it still lacks. Empty: they name nothing."""
    named: dict[str, set[str]] = {}
    for loaded in profiles:
        accept = loaded.profile.circulation.accept
        for what, values in _profile_codes(loaded.profile.circulation):
            named.setdefault(what, set()).update(value for path, value in values if _is_code_used(loaded, path))
        if _is_code_used(loaded, ("accept", "location")):
            named.setdefault("shelving location", set()).add(accept.location)
        named.setdefault("patron", set()).update(patron for _, patron in _institutional_patrons(loaded.profile))
    for policy in policies:
        for what, values in _policy_codes(policy):
            named.setdefault(what, set()).update(value for _, value in values)
    return "; ".join(
        f"{what}: {', '.join(sorted(values - {''}))}"
        for what, values in named.items()
        if values - {""} and codes.by_kind.get(what, frozenset()) is not None
    )


def _unknown_code_problem(
    loaded: LoadedProfile, path: KeyPath, what: str, value: str, codes: Collection[str]
) -> ConfigurationProblem:
    where = ("circulation", *path)
    default = "" if where in loaded.document.places else " (the default; name another in the profile)"
    return loaded.make_problem(where, f"unknown {what}{default}", value, tuple(sorted(codes)))


_Values = Iterator[tuple[KeyPath, str]]


def _profile_codes(policy: CirculationPolicy) -> Iterator[tuple[str, _Values]]:
    """Iterate over the kinds of code, as in `KnownCodes.by_kind`, and those that are named."""
    yield "pickup location", _profile_pickups(policy)
    yield "branch", _profile_branches(policy)
    yield "item policy", _profile_item_policies(policy)
    yield "patron category", _profile_categories(policy)
    yield "fee type", _fee_types(policy)


def _profile_pickups(policy: CirculationPolicy) -> _Values:
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


def describe_missing_sharing_branch(known_codes: KnownCodes, profiles: Iterable[LoadedProfile]) -> str:
    """Describe what can't be done for these profiles, since no branch is the one through which partners' items come and
    go. Empty: all can."""
    if known_codes.codes.sharing_branch != "":
        return ""
    used = [loaded.profile for loaded in profiles if loaded.profile.auth or loaded.profile.partner is not None]
    received = [profile.name for profile in used if not profile.circulation.accept.library]
    lent = [peer.name for peer in used if peer.partner is not None and not peer.circulation.patrons.create_library]
    needs = [
        f"{done}, unless {key} names a branch (profiles: {', '.join(sorted(names))})"
        for done, key, names in (
            ("a partner's item can't be received", "circulation.accept.library", received),
            ("nothing can be lent to a partner that has no account yet", "circulation.patrons.create_library", lent),
        )
        if names
    ]
    return "; ".join(needs)


def _check_shelf(loaded: LoadedProfile, codes: LibraryCodes) -> Iterator[ConfigurationProblem]:
    """A shelving location belongs to a branch; without a branch any one's will do."""
    accept = loaded.profile.circulation.accept
    if codes.shelves is None or (codes.branches is not None and accept.library not in {"", *codes.branches}):
        return
    shelves = {shelf for branch, shelf in codes.shelves if accept.library in ("", branch)}
    if accept.location and accept.location not in shelves and _is_code_used(loaded, ("accept", "location")):
        yield _unknown_code_problem(loaded, ("accept", "location"), "shelving location", accept.location, shelves)


async def check_patrons(loaded: LoadedProfile, codes: KnownCodes, *, live: bool) -> AsyncIterator[ConfigurationProblem]:
    """`live`: patrons are looked up in a library's own system too. Raises Unavailable."""
    if isinstance(codes.system, ProbesItself) and not live:
        return
    for path, patron in _institutional_patrons(loaded.profile):
        try:
            await codes.system.find_patron(PatronKey(patron))
        except Refused as refused:
            message = f"the institution's patron is not usable ({refused.reason.value})"
            yield loaded.make_problem(("circulation", *path), message, patron)


def check_loan_to(
    loaded: LoadedProfile, codes: KnownCodes | None, adapters: AdapterRegistry
) -> Iterator[ConfigurationProblem]:
    """`codes`: of the library's system; None: it can't be looked at. A partner without any protocol is written to and
    telephoned: staff enter its patrons."""
    profile, partner = loaded.profile, loaded.profile.partner
    if profile.abstract or partner is None or partner.workflow.lending.loan_to != "requester":
        return
    if PartnerRole.REQUESTER not in partner.roles:
        yield loaded.make_problem(_LOAN_TO, "needs the role requester in `partner.roles`", "requester")
    spoken = [adapters.protocols[name] for name in profile.dialects if name in adapters.protocols]
    if spoken and not any(adapter.names_patrons for adapter in spoken):
        able = tuple(name for name, protocol in adapters.protocols.items() if protocol.names_patrons)
        names = ", ".join(adapter.name for adapter in spoken)
        message = f"its requests name no patron: it needs the section of a protocol that does, besides {names}"
        yield loaded.make_problem(_LOAN_TO, message, "requester", able)
    if codes is not None and Capability.PATRON_CREATE not in codes.system.capabilities:
        message = "the library's system cannot create patrons, so a partner's patron has no account to lend on"
        yield loaded.make_problem(_LOAN_TO, message, "requester")


_LOAN_TO: KeyPath = ("partner", "workflow", "lending", "loan_to")


def _institutional_patrons(profile: Profile) -> _Values:
    """Patrons that can be told from the profile alone; what a message has to say (\\1, {user}) is left out."""
    policy = profile.circulation
    for index, rule in enumerate(policy.patrons.institutional):
        path: KeyPath = ("patrons", "institutional", index, "patron")
        fields = {name for _, name, _, _ in string.Formatter().parse(rule.patron) if name}
        if "\\" in rule.patron or "user" in fields:
            continue
        agencies = sorted({_own_agency(policy, match.from_agency) for match in profile.match if match.from_agency})
        for agency in agencies if "agency" in fields else [""]:
            yield path, rule.patron.format(agency=agency)
    if policy.notifications.institutional_patron:
        yield ("notifications", "institutional_patron"), policy.notifications.institutional_patron


def _own_agency(policy: CirculationPolicy, agency: str) -> str:
    by_fold = {wire.casefold(): own for wire, own in policy.agencies.items()}
    return by_fold.get(agency.casefold(), agency)


def check_policy_codes(loaded_policy: LoadedPolicy, library_codes: LibraryCodes) -> list[ConfigurationProblem]:
    """Check the codes; what a system can't list isn't looked at."""
    return [
        loaded_policy.make_problem(path, f"unknown {what}", value, tuple(sorted(codes)))
        for what, values in _policy_codes(loaded_policy)
        if (codes := _codes_by_kind(library_codes)[what]) is not None
        for path, value in values
        if value not in codes
    ]


def _policy_codes(loaded_policy: LoadedPolicy) -> Iterator[tuple[str, _Values]]:
    yield "patron category", _policy_categories(loaded_policy)
    yield "branch", _policy_branches(loaded_policy)
    yield "item policy", _policy_item_policies(loaded_policy)


def _policy_categories(loaded_policy: LoadedPolicy) -> _Values:
    for category in loaded_policy.policy.intake.open_requests.categories:
        yield ("intake", "open_requests", "categories", category), category
    for path, rule in iter_rules(loaded_policy):
        for index, category in enumerate(rule.patron_categories):
            yield (*path, "patron_categories", index), category


def _policy_branches(loaded_policy: LoadedPolicy) -> _Values:
    for branch in loaded_policy.policy.numbers.branches:
        yield ("numbers", "branches", branch), branch
    for campus, branches in loaded_policy.policy.campuses.items():
        for index, branch in enumerate(branches):
            yield ("campuses", campus, index), branch
    for path, rule in iter_rules(loaded_policy):
        for index, branch in enumerate(rule.branches):
            yield (*path, "branches", index), branch


def _policy_item_policies(loaded_policy: LoadedPolicy) -> _Values:
    lending = loaded_policy.policy.lending
    for key, codes in (("item_policies", lending.item_policies), ("never", lending.never)):
        for index, code in enumerate(codes):
            yield ("lending", key, index), code
    for code in lending.loan_days.item_policies:
        yield ("lending", "loan_days", "item_policies", code), code


def check_policy_catalogues(
    loaded_policy: LoadedPolicy, profiles: ProfileSet, searches: Iterable[str]
) -> Iterator[ConfigurationProblem]:
    """Profiles in groups, and in lines of rotas, that have no catalogue; those that aren't there are named in reading
    the file."""
    known = tuple(searches)
    rules = loaded_policy.policy.catalogues
    named: list[tuple[KeyPath, str]] = [
        (("catalogues", "groups", group, index), name)
        for group, members in rules.groups.items()
        for index, name in enumerate(members)
    ]
    if rules.look_up and rules.look_up not in rules.groups:
        named.append((("catalogues", "look_up"), rules.look_up))
    for rota_name, rota in loaded_policy.policy.rotas.items():
        tiers = rota.list_tiers()
        unions = {tiers[line.partner]: line.catalogue for line in rota.lines if line.catalogue}
        named += [(("rotas", rota_name, "lines", tier, "from"), name) for tier, name in unions.items()]
    own = profiles.of_library(loaded_policy.library)
    for path, name in named:
        profile = own.find_profile(name)
        if profile is None:
            continue
        try:
            find_catalogue(profile, own, known)
        except Refused as refused:
            yield loaded_policy.make_problem(path, failure_reason(refused), name)


async def probe_catalogues(
    loaded: LoadedProfile, adapters: Mapping[str, SearchAdapter], context: SearchContext
) -> list[ConfigurationProblem]:
    """Each catalogue of the profile is asked how many titles have a certain word."""
    names = [name for name in adapters if name in loaded.profile.dialects] if not loaded.profile.abstract else []
    searches = {name: adapters[name].make(context) for name in names}
    try:
        problems = await asyncio.gather(
            *(ask_catalogue(CatalogueTarget(loaded.profile, name), searches[name]) for name in names)
        )
    finally:
        for search in searches.values():
            await search.close()
    return [
        loaded.make_problem((name,), f"its catalogue: {problem}", adapters[name].address(loaded.profile.dialects[name]))
        for name, problem in zip(names, problems, strict=True)
        if problem
    ]


async def probe_article_sources(
    settings: Settings, adapters: AdapterRegistry, secrets: Secrets, clock: Clock
) -> list[ConfigurationProblem]:
    """Each service that the settings name is asked about one number; that it doesn't know it is an answer too. Keys
    that aren't there are found without asking anybody."""
    problems = await asyncio.gather(
        *(_probe_article_source(name, settings, adapters, secrets, clock) for name in settings.article_lookup.sources)
    )
    return [
        settings.make_problem(("article_lookup", "sources", index), f"{name}: {problem}")
        for index, (name, problem) in enumerate(zip(settings.article_lookup.sources, problems, strict=True))
        if problem
    ]


async def _probe_article_source(
    name: str, settings: Settings, adapters: AdapterRegistry, secrets: Secrets, clock: Clock
) -> str:
    """Return why there is no answer; empty: there is one."""
    try:
        source = make_article_source(name, settings, adapters, secrets, clock)
    except ConfigurationError:  # named at its key already
        return ""
    try:
        await source.look_up(adapters.article_sources[name].probe)
    except (Unavailable, Refused) as error:
        return failure_reason(error)
    finally:
        await source.close_connections()
    return ""
