"""Which catalogue a profile means."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Reason, Refused
from gateway.domain.profile import Profile
from gateway.profiles import ProfileSet
from gateway.profiles.locating import sections


@frozen
class Target:
    """`by`: the protocol, by the name of the profile's section."""

    profile: Profile
    by: str

    @property
    def name(self) -> str:
        return self.profile.name


def target_of(profile: Profile, by: str, searches: Iterable[str]) -> Target:
    """`by` empty: the profile's only section of that kind, or the one that its `locate` names.

    Raises Refused(INVALID_VALUE) where there is none, or it isn't clear which.
    """
    found = tuple(name for name in sections(profile, searches) if by in ("", name))
    if len(found) != 1:
        how = "has several catalogues; `locate.by` must say which" if found else "has no catalogue that can be searched"
        raise Refused(
            Reason.INVALID_VALUE, f"Profile '{profile.name}' {how}.", about=About.RECEIVER, value=profile.name
        )
    return Target(profile, found[0])


def catalogue_of(partner: Profile, profiles: ProfileSet, searches: Iterable[str]) -> Target:
    """Where a partner's holdings are looked up. Raises Refused(INVALID_VALUE)."""
    locate = partner.locate
    if locate is None:
        return target_of(partner, "", searches)
    profile = profiles.by_name(locate.target) if locate.target else partner
    if profile is None or profile.abstract:
        raise Refused(
            Reason.INVALID_VALUE, f"There is no profile '{locate.target}'.", about=About.RECEIVER, value=locate.target
        )
    return target_of(profile, locate.by, searches)
