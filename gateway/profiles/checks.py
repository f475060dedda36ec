"""What must fit within a profile, between profiles, and with the settings; what no single key can show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from gateway.configuration.problems import Path, Problem, nearest
from gateway.configuration.source import Document
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.profiles.matching import conditions
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.profiles.loading import LoadedProfile

_NEEDS: Mapping[AuthKind, tuple[str, ...]] = {
    AuthKind.NONE: (),
    AuthKind.NETWORK: ("networks",),
    AuthKind.BASIC: ("user", "secret"),
    AuthKind.BEARER: ("secret",),
    AuthKind.PATH_KEY: ("secret",),
    AuthKind.QUERY_KEY: ("secret", "parameter"),
    AuthKind.AGENCY_SECRET: ("secret",),
    AuthKind.SYSTEM_SECRET: ("secret",),
    AuthKind.CERTIFICATE: ("user",),
}


class _Check(Protocol):
    def __call__(self, profile: Profile, document: Document, settings: Settings) -> Iterable[Problem]: ...


def within(profile: Profile, document: Document, settings: Settings) -> list[Problem]:
    """Of one profile."""
    return [problem for check in _CHECKS for problem in check(profile, document, settings)]


def between(loaded: Mapping[str, LoadedProfile], settings: Settings) -> Iterator[Problem]:
    """A rule that stands twice: it would be chance which profile a message gets."""
    seen: dict[tuple[str, object], tuple[str, str]] = {}
    for one in loaded.values():
        for index, rule in enumerate(one.profile.match):
            path: Path = ("match", index)
            place = one.place(path)
            for protocol in one.profile.dialects:
                first = seen.setdefault((protocol, conditions(rule)), (one.profile.name, f"{place.file}:{place.line}"))
                if first[1] != f"{place.file}:{place.line}":
                    asked = ", ".join(f"{name}: {value}" for name, value in conditions(rule)) or "anything"
                    yield one.problem(path, f"the same rule ({asked}) as profile '{first[0]}' at {first[1]}")


def listeners(loaded: Mapping[str, LoadedProfile], settings: Settings) -> Iterator[Problem]:
    """Settings name profiles too: each TCP listener has one, but those for all partners."""
    for index, listener in enumerate(settings.tcp):
        path: Path = ("tcp", index, "profile")
        if not listener.profile:
            continue
        one = loaded.get(listener.profile)
        if one is None:
            yield settings.problem(path, "no such profile", listener.profile, tuple(loaded))
        elif one.profile.abstract:
            yield settings.problem(path, "this profile is abstract", listener.profile)
        elif listener.protocol not in one.profile.dialects:
            yield settings.problem(path, f"this profile has no section `{listener.protocol}`", listener.profile)


def _library(profile: Profile, document: Document, settings: Settings) -> Iterator[Problem]:
    symbols = tuple(library.symbol for library in settings.libraries)
    if profile.library:
        if profile.library not in symbols:
            near = nearest(profile.library, symbols)
            yield document.problem(
                ("library",), "no such library in gateway.yml", f"'{profile.library}'", symbols, near
            )
    elif len(symbols) > 1 and not profile.abstract:
        yield document.problem(("library",), "must say which library, since there are several", "", symbols)


def _role(profile: Profile, document: Document, settings: Settings) -> Iterator[Problem]:
    if profile.abstract and profile.match:
        yield document.problem(("match",), "an abstract profile is never chosen, so it can't have rules")
    if not profile.abstract and not profile.dialects and profile.partner is None:
        yield document.problem((), "has no section of any protocol, such as `ncip: {}`, and no section `partner`")


def _auth(profile: Profile, document: Document, settings: Settings) -> Iterator[Problem]:
    for index, entry in enumerate(profile.auth):
        path: Path = ("auth", index)
        missing = [name for name in _NEEDS[entry.kind] if not getattr(entry, name)]
        if missing:
            yield document.problem(path, f"kind {entry.kind.value} needs {' and '.join(missing)}")
        yield from _unread(entry, path, document)


def _unread(entry: Authentication, path: Path, document: Document) -> Iterator[Problem]:
    for name in ("user", "secret", "parameter"):
        default = Authentication.model_fields[name].default
        if getattr(entry, name) != default and name not in _NEEDS[entry.kind]:
            yield document.problem((*path, name), f"is not used for kind {entry.kind.value}")


def _credentials(profile: Profile, document: Document, settings: Settings) -> Iterator[Problem]:
    names = tuple(entry.name for entry in profile.auth if entry.name)
    for index, rule in enumerate(profile.match):
        if rule.credential is not None and rule.credential.casefold() not in {name.casefold() for name in names}:
            path: Path = ("match", index, "credential")
            near = nearest(rule.credential, names)
            yield document.problem(path, "no such name in auth", f"'{rule.credential}'", names, near)


def _examples(profile: Profile, document: Document, settings: Settings) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, example in enumerate(profile.examples):
        if example.name in seen:
            yield document.problem(("examples", index, "name"), "stands twice", f"'{example.name}'")
        seen.add(example.name)


_CHECKS: tuple[_Check, ...] = (_library, _role, _auth, _credentials, _examples)
