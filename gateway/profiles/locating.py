"""Which protocol a profile's catalogue is searched by, and what must fit in sections `locate`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.configuration.problems import Problem
from gateway.domain.profile import Profile
from gateway.domain.requests.locate import LocatePolicy

if TYPE_CHECKING:
    from gateway.profiles.loading import LoadedProfile


def sections(profile: Profile, searches: Iterable[str]) -> tuple[str, ...]:
    """The profile's sections of protocols in which catalogues are searched, `locate.by` alone where it says one."""
    said = profile.locate.by if profile.locate is not None and not profile.locate.target else ""
    return tuple(name for name in searches if name in profile.dialects and said in ("", name))


def locate_problems(loaded: Mapping[str, LoadedProfile], searches: Iterable[str]) -> Iterator[Problem]:
    """`searches`: the protocols that are installed; empty: only targets are looked at."""
    known = tuple(searches)
    for one in loaded.values():
        locate = one.profile.locate
        if locate is not None and not one.profile.abstract:
            yield from _target(one, locate, loaded) if locate.target else ()
            yield from _section(one, locate, loaded, known) if known else ()


def _target(one: LoadedProfile, locate: LocatePolicy, loaded: Mapping[str, LoadedProfile]) -> Iterator[Problem]:
    path = ("locate", "target")
    target = loaded.get(locate.target)
    if target is None:
        yield one.problem(path, "no such profile", locate.target, tuple(loaded))
    elif target.profile.abstract:
        yield one.problem(path, "this profile is abstract", locate.target)
    elif target.profile.library not in ("", one.profile.library):
        yield one.problem(path, "this profile belongs to another library", locate.target)


def _section(
    one: LoadedProfile, locate: LocatePolicy, loaded: Mapping[str, LoadedProfile], known: tuple[str, ...]
) -> Iterator[Problem]:
    """The section that says where the catalogue is."""
    target = loaded.get(locate.target) if locate.target else one
    if target is None or target.profile.abstract:
        return  # said already
    if locate.by and locate.by not in known:
        yield one.problem(("locate", "by"), "no such protocol of catalogues", locate.by, known)
        return
    there = tuple(name for name in known if name in target.profile.dialects)
    whose = f"profile '{target.profile.name}'" if locate.target else "this profile"
    if locate.by and locate.by not in there:
        yield one.problem(("locate", "by"), f"{whose} has no section `{locate.by}`", locate.by, there)
    elif not there:
        yield one.problem(("locate",), f"{whose} has no section that says where its catalogue is: {', '.join(known)}")
    elif not locate.by and len(there) > 1:
        yield one.problem(("locate",), f"{whose} has several catalogues: `by` must say which", "", there)
