"""What must fit within requests.yml, and with the profiles; what no single key can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.configuration.problems import Path, Problem
from gateway.domain.profile import Profile
from gateway.domain.requests.partner import PartnerRole
from gateway.domain.requests.policy import Conditions
from gateway.profiles import ProfileSet

if TYPE_CHECKING:
    from gateway.policies.loading import LoadedPolicy

_SAYS_WHAT = frozenset({"rota", "then"})
"""Keys of a rule that are no conditions."""


def within(one: LoadedPolicy) -> Iterator[Problem]:
    """Of one file."""
    yield from _rotas(one)
    yield from _campuses(one)
    yield from _never_reached(one)
    lending = one.policy.lending
    for index, code in enumerate(lending.never):
        if code in lending.item_policies:
            yield one.problem(("lending", "never", index), "stands in item_policies too, which are lent", code)


def with_profiles(one: LoadedPolicy, profiles: ProfileSet, *, only_library: bool) -> Iterator[Problem]:
    """`only_library`: a profile that names no library belongs to this one."""
    partners = {
        profile.name: profile
        for profile in profiles
        if not profile.abstract and profile.partner and (profile.library == one.library or only_library)
    }
    names = tuple(partners)
    for path, name in _named(one):
        if name not in partners:
            yield one.problem(path, _why_none(profiles.by_name(name)), name, names)
        elif path[0] == "rotas":
            yield from _supplier(one, path, partners[name])
    yield from _catalogues(one, profiles, only_library=only_library)
    categories = {profile.partner.category for profile in partners.values() if profile.partner} - {""}
    for category in one.policy.lending.loan_days.categories:
        if category not in categories:
            path = ("lending", "loan_days", "categories", category)
            yield one.problem(path, "no partner has this category", category, tuple(sorted(categories)))


# --- rules -----------------------------------------------------------------------------------------------


def rules(one: LoadedPolicy) -> Iterator[tuple[Path, Conditions]]:
    """All conditions, each with its place."""
    for index, mediation in enumerate(one.policy.intake.mediation):
        yield ("intake", "mediation", index), mediation
    for index, assignment in enumerate(one.policy.rules):
        yield ("rules", index), assignment


def _rotas(one: LoadedPolicy) -> Iterator[Problem]:
    names = tuple(one.policy.rotas)
    for index, rule in enumerate(one.policy.rules):
        if rule.rota not in names:
            yield one.problem(("rules", index, "rota"), "no such rota", rule.rota, names)
    if one.policy.default_rota and one.policy.default_rota not in names:
        yield one.problem(("default_rota",), "no such rota", one.policy.default_rota, names)


def _campuses(one: LoadedPolicy) -> Iterator[Problem]:
    names = tuple(one.policy.campuses)
    folded = {name.casefold() for name in names}
    for path, rule in rules(one):
        for index, campus in enumerate(rule.campuses):
            if campus.casefold() not in folded:
                yield one.problem((*path, "campuses", index), "no such campus in `campuses`", campus, names)


def _never_reached(one: LoadedPolicy) -> Iterator[Problem]:
    """Rules behind one that fits everything."""
    ended: dict[Path, Path] = {}
    for path, rule in rules(one):
        group = path[:-1]
        if group in ended:
            line = one.document.place(ended[group]).line
            yield one.problem(path, f"never reached: the rule in line {line} has no conditions")
        elif not rule.model_fields_set - _SAYS_WHAT:
            ended[group] = path


# --- catalogues ------------------------------------------------------------------------------------------


def _catalogues(one: LoadedPolicy, profiles: ProfileSet, *, only_library: bool) -> Iterator[Problem]:
    """Whether a profile has a catalogue is looked at by `illgate check`, which knows the protocols."""
    ours = {
        profile.name
        for profile in profiles
        if not profile.abstract and (profile.library in ("", one.library) or only_library)
    }
    groups = one.policy.catalogues.groups
    for group, members in groups.items():
        for index, name in enumerate(members):
            if name not in ours:
                yield one.problem(("catalogues", "groups", group, index), "no such profile", name, tuple(ours))
        if group in ours:
            yield one.problem(("catalogues", "groups", group), "a profile has this name", group)
    look_up = one.policy.catalogues.look_up
    if look_up and look_up not in {*ours, *groups}:
        yield one.problem(("catalogues", "look_up"), "no such profile or group", look_up, (*groups, *sorted(ours)))


# --- partners --------------------------------------------------------------------------------------------


def _named(one: LoadedPolicy) -> Iterator[tuple[Path, str]]:
    """Every profile that the file names."""
    for name, rota in one.policy.rotas.items():
        for index, line in enumerate(rota.lines):
            yield ("rotas", name, "lines", index, "partner"), line.partner
    for profile in one.policy.numbers.partners:
        yield ("numbers", "partners", profile), profile


def _why_none(profile: Profile | None) -> str:
    if profile is None:
        return "no such profile"
    if profile.abstract:
        return "this profile is abstract"
    if profile.partner is None:
        return "this profile has no section `partner`"
    return "this profile belongs to another library, or its name is spelt otherwise"


def _supplier(one: LoadedPolicy, path: Path, profile: Profile) -> Iterator[Problem]:
    partner = profile.partner
    assert partner is not None, profile.name
    if PartnerRole.SUPPLIER not in partner.roles:
        yield one.problem(path, "this partner is no supplier (`partner.roles` of its profile)", profile.name)
    elif not partner.channel:
        yield one.problem(path, "this partner can't be asked: `partner.channel` of its profile is empty", profile.name)
