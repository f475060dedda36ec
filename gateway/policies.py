"""requests.yml of each library: read, checked, swapped on reload, and its JSON Schema.

It says how a library runs the requests that the gateway manages; a library without the file works by the defaults.
It is checked when it is read, never when it is used: a reload checks everything first, then swaps all policies; a bad
edit changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from gateway.configuration import yaml_document
from gateway.configuration.live_reload import LiveConfiguration
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerRole
from gateway.domain.requests.policy import RequestPolicy, RuleConditions
from gateway.domain.value import replace, value_object
from gateway.profiles import ProfileSet
from gateway.settings import Settings

_SAYS_WHAT = frozenset({"rota", "then"})
"""Keys of a rule that are no conditions."""

POLICY_FILE = "requests.yml"
"""As the settings call it where they say nothing else; only a file of another name must be there."""

SCHEMA_FILE = "requests.schema.json"
MODELINE = f"# yaml-language-server: $schema=profiles/{SCHEMA_FILE}"
"""First line of requests.yml, by which editors find the schema; it stands with that of the profiles."""


def check_policy(entry: LoadedPolicy) -> Iterator[ConfigurationProblem]:
    """Check the policy of one file."""
    yield from _check_rota_names(entry)
    yield from _check_campuses(entry)
    yield from _check_unreachable_rules(entry)
    lending = entry.policy.lending
    for index, code in enumerate(lending.never):
        if code in lending.item_policies:
            yield entry.make_problem(("lending", "never", index), "stands in item_policies too, which are lent", code)


def check_with_profiles(loaded_policy: LoadedPolicy, profiles: ProfileSet) -> Iterator[ConfigurationProblem]:
    """Check what the policy says of profiles."""
    partners = {profile.name: profile for profile, _ in profiles.of_library(loaded_policy.library).partners}
    names = tuple(partners)
    yield from _check_groups(loaded_policy, profiles)
    for path, name in _iter_named_profiles(loaded_policy):
        if name not in partners:
            yield loaded_policy.make_problem(path, _explain_missing_partner(profiles.find_profile(name)), name, names)
        elif path[0] == "rotas":
            yield from _check_supplier(loaded_policy, path, partners[name])
    yield from _check_catalogues(loaded_policy, profiles)
    categories = {profile.partner.category for profile in partners.values() if profile.partner} - {""}
    for category in loaded_policy.policy.lending.loan_days.categories:
        if category not in categories:
            path = ("lending", "loan_days", "categories", category)
            yield loaded_policy.make_problem(path, "no partner has this category", category, tuple(sorted(categories)))


# --- rules -----------------------------------------------------------------------------------------------


def iter_rules(loaded_policy: LoadedPolicy) -> Iterator[tuple[KeyPath, RuleConditions]]:
    """All conditions, each with its place."""
    for index, mediation in enumerate(loaded_policy.policy.intake.mediation):
        yield ("intake", "mediation", index), mediation
    for index, assignment in enumerate(loaded_policy.policy.rules):
        yield ("rules", index), assignment


def _check_rota_names(entry: LoadedPolicy) -> Iterator[ConfigurationProblem]:
    names = tuple(entry.policy.rotas)
    for index, rule in enumerate(entry.policy.rules):
        if rule.rota not in names:
            yield entry.make_problem(("rules", index, "rota"), "no such rota", rule.rota, names)
    if entry.policy.default_rota and entry.policy.default_rota not in names:
        yield entry.make_problem(("default_rota",), "no such rota", entry.policy.default_rota, names)
    if entry.policy.brokering.rota and entry.policy.brokering.rota not in names:
        yield entry.make_problem(("brokering", "rota"), "no such rota", entry.policy.brokering.rota, names)


def _check_campuses(entry: LoadedPolicy) -> Iterator[ConfigurationProblem]:
    names = tuple(entry.policy.campuses)
    folded = {name.casefold() for name in names}
    for path, rule in iter_rules(entry):
        for index, campus in enumerate(rule.campuses):
            if campus.casefold() not in folded:
                yield entry.make_problem((*path, "campuses", index), "no such campus in `campuses`", campus, names)


def _check_unreachable_rules(loaded_policy: LoadedPolicy) -> Iterator[ConfigurationProblem]:
    """Rules behind one that fits everything."""
    ended: dict[KeyPath, KeyPath] = {}
    for path, rule in iter_rules(loaded_policy):
        group = path[:-1]
        if group in ended:
            line = loaded_policy.document.find_position(ended[group]).line
            yield loaded_policy.make_problem(path, f"never reached: the rule in line {line} has no conditions")
        elif not rule.model_fields_set - _SAYS_WHAT:
            ended[group] = path


# --- catalogues ------------------------------------------------------------------------------------------


def _check_catalogues(entry: LoadedPolicy, profiles: ProfileSet) -> Iterator[ConfigurationProblem]:
    """Check the catalogues; whether a profile has one is looked at by `illgate check`, which knows the protocols."""
    ours = {profile.name for profile in profiles.of_library(entry.library)}
    groups = entry.policy.catalogues.groups
    for group, members in groups.items():
        for index, name in enumerate(members):
            if name not in ours:
                yield entry.make_problem(("catalogues", "groups", group, index), "no such profile", name, tuple(ours))
        if group in ours:
            yield entry.make_problem(("catalogues", "groups", group), "a profile has this name", group)
    look_up = entry.policy.catalogues.look_up
    if look_up and look_up not in {*ours, *groups}:
        yield entry.make_problem(
            ("catalogues", "look_up"), "no such profile or group", look_up, (*groups, *sorted(ours))
        )


# --- partners --------------------------------------------------------------------------------------------


def _iter_named_profiles(loaded_policy: LoadedPolicy) -> Iterator[tuple[KeyPath, str]]:
    """Every profile that the file names."""
    for name, rota in loaded_policy.policy.rotas.items():
        for index, line in enumerate(rota.lines):
            if not line.named_groups:
                yield ("rotas", name, "lines", index, "partner"), line.partner
    for profile in loaded_policy.policy.numbers.partners:
        yield ("numbers", "partners", profile), profile
    for index, name in enumerate(loaded_policy.policy.brokering.requesters):
        yield ("brokering", "requesters", index), name


def _check_groups(entry: LoadedPolicy, profiles: ProfileSet) -> Iterator[ConfigurationProblem]:
    for name, rota in entry.policy.rotas.items():
        for index, line in enumerate(rota.lines):
            at: KeyPath = ("rotas", name, "lines", index)
            for place, group in enumerate(line.named_groups):
                path: KeyPath = (*at, "group") if line.group else (*at, "groups", place)
                if group not in profiles.groups:
                    yield entry.make_problem(path, "no such group in groups.yml", group, tuple(profiles.groups))
                elif not profiles.groups[group].member_names and not profiles.groups[group].source:
                    message = "none of its members is a partner: its libraries have no `mesh: true`"
                    yield entry.make_problem(path, message, group)
            ours = profiles.of_library(entry.library)
            if line.catalogue and ours.find_profile(line.catalogue) is None:
                known = tuple(profile.name for profile in ours)
                yield entry.make_problem((*at, "from"), "no such profile", line.catalogue, known)


def _expand_groups(entry: LoadedPolicy, profiles: ProfileSet) -> LoadedPolicy:
    """The policy whose rotas name the members of groups that its library can ask."""
    if not any(line.named_groups for rota in entry.policy.rotas.values() for line in rota.lines):
        return entry
    suppliers = {
        profile.name
        for profile, partner in profiles.of_library(entry.library).partners
        if PartnerRole.SUPPLIER in partner.roles and partner.channel
    }
    members = {
        name: [member for member in group.member_names if member in suppliers]
        for name, group in profiles.groups.items()
    }
    rotas = {name: rota.expand_groups(members) for name, rota in entry.policy.rotas.items()}
    return replace(entry, policy=entry.policy.model_copy(update={"rotas": rotas}))


def _explain_missing_partner(profile: Profile | None) -> str:
    if profile is None:
        return "no such profile"
    if profile.abstract:
        return "this profile is abstract"
    if profile.partner is None:
        return "this profile has no section `partner`"
    return "this profile belongs to another library, or its name is spelt otherwise"


def _check_supplier(entry: LoadedPolicy, path: KeyPath, profile: Profile) -> Iterator[ConfigurationProblem]:
    partner = profile.partner
    assert partner is not None, profile.name
    if PartnerRole.SUPPLIER not in partner.roles:
        yield entry.make_problem(path, "this partner is no supplier (`partner.roles` of its profile)", profile.name)
    elif not partner.channel:
        yield entry.make_problem(
            path, "this partner can't be asked: `partner.channel` of its profile is empty", profile.name
        )


@value_object
class LoadedPolicy:
    """A library's policy and where each of its values was said."""

    library: str
    policy: RequestPolicy
    document: YamlDocument = field(repr=False)

    def make_problem(
        self, path: KeyPath, message: str, value: str = "", allowed: tuple[str, ...] = ()
    ) -> ConfigurationProblem:
        suggestion = nearest_match(value, allowed) if value else ""
        return self.document.make_problem(path, message, f"'{value}'" if value else "", allowed, suggestion)


class PolicySet:
    """The policies of all libraries. Never changed; a reload makes another one."""

    def __init__(self, loaded: Mapping[str, LoadedPolicy]) -> None:
        self.loaded = dict(loaded)

    def __iter__(self) -> Iterator[LoadedPolicy]:
        return iter(self.loaded.values())

    def for_library(self, library: str) -> RequestPolicy:
        """Return the policy by the library's symbol, as in the settings. Raises KeyError."""
        return self.loaded[library].policy


@value_object
class PolicyLoadResult:
    """The result of reading the files: the policies that are whole, and everything that is wrong."""

    policies: PolicySet
    problems: tuple[ConfigurationProblem, ...]
    wrong: frozenset[str] = frozenset()
    """The symbols of the libraries whose rules have them."""


def load_policies(settings: Settings, profiles: ProfileSet) -> PolicySet:
    """Load all policies; raises ConfigurationError with everything that is wrong in any of them."""
    loading = read_policies(settings, profiles)
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return loading.policies


def read_policies(settings: Settings, profiles: ProfileSet) -> PolicyLoadResult:
    """Read as `load_policies` does, but what is whole is there even if another library's has problems."""
    loaded: dict[str, LoadedPolicy] = {}
    wrong = set[str]()
    by_file: dict[Path, LoadedPolicy] = {}
    problems: list[ConfigurationProblem] = []
    for index, library in enumerate(settings.libraries):
        if library.problems:
            continue
        if not library.is_served:  # its requests are only shown, and partners that its rules named may be gone
            plain = YamlDocument(yaml_document.display_path(settings.folder / library.requests))
            loaded[library.symbol] = LoadedPolicy(library.symbol, RequestPolicy(), plain)
            continue
        file = settings.folder / library.requests
        try:
            if file not in by_file:
                by_file[file] = _load_policy(settings, index, file)
        except ConfigurationError as error:
            problems += error.problems
            wrong.add(library.symbol)
            continue
        policy = replace(by_file[file], library=library.symbol)
        loaded[library.symbol] = _expand_groups(policy, profiles)
        if own := [*check_policy(policy), *check_with_profiles(policy, profiles)]:
            problems += own
            wrong.add(library.symbol)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))
    return PolicyLoadResult(PolicySet(loaded), tuple(unique), frozenset(wrong))


def read_policies_with_fallback(settings: Settings, profiles: ProfileSet, before: PolicySet) -> PolicySet:
    """The policies as they are now; those of a library in whose rules something is wrong are as they were `before`, or
    left out where they weren't there."""
    result = read_policies(settings, profiles)
    kept = {symbol: policy for symbol, policy in before.loaded.items() if symbol in result.wrong}
    whole = {symbol: policy for symbol, policy in result.policies.loaded.items() if symbol not in result.wrong}
    return PolicySet(whole | kept)


def _load_policy(settings: Settings, index: int, file: Path) -> LoadedPolicy:
    """Load the policy of the library at an index; raises ConfigurationError."""
    library = settings.libraries[index]
    document = YamlDocument(yaml_document.display_path(file))
    if file.exists():
        document = yaml_document.read_yaml(file)
    elif library.requests != POLICY_FILE:
        raise ConfigurationError(
            [settings.make_problem(("libraries", index, "requests"), "no such file", library.requests)]
        )
    return LoadedPolicy(library.symbol, validate_section(RequestPolicy, document), document)


def build_policy_schema() -> dict[str, Any]:
    schema = RequestPolicy.model_json_schema()
    title = "illgate rules for managed requests"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title, "description": title}


def format_policy_schema() -> str:
    """Format the schema as it stands in profiles/requests.schema.json."""
    return json.dumps(build_policy_schema(), indent=1, ensure_ascii=False) + "\n"


class PolicyStore(LiveConfiguration[PolicySet]):
    """The policies of all libraries, live: see `LiveConfiguration`. Read them anew when profiles have changed, too:
    they name some."""

    def __init__(self, settings: Settings, profiles: Callable[[], ProfileSet]) -> None:
        self._settings = settings
        self._profiles = profiles

        def list_files() -> set[Path]:
            return {settings.folder / library.requests for library in settings.libraries}

        def list_folders() -> tuple[Path, ...]:
            return tuple(sorted({file.parent for file in list_files() if file.parent.is_dir()}))

        def is_policy_file(file: Path) -> bool:
            return file.name in {each.name for each in list_files()}

        super().__init__("request policies", list_folders, lambda: load_policies(settings, profiles()), is_policy_file)

    def load_first(self) -> tuple[PolicySet, tuple[ConfigurationProblem, ...]]:
        """Load at the start: what is wrong in libraries' folders is left out."""
        try:
            return super().load_first()
        except ConfigurationError as error:
            if not all(self._settings.find_owner_of_file(problem.file) for problem in error.problems):
                raise
            return read_policies_with_fallback(self._settings, self._profiles(), PolicySet({})), error.problems

    def load_fallback(self) -> PolicySet:
        return read_policies_with_fallback(self._settings, self._profiles(), self.current)
