"""Profiles in use: LoadedProfile, LibraryPartners, ProfileSet, ProfileStore.

A reload checks everything first, then swaps the whole set; a profile whose edit is bad stays in it as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from gateway.configuration.live_reload import LiveConfiguration
from gateway.configuration.yaml_document import SourcePosition, YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.value import value_object
from gateway.profiles.groups import Group
from gateway.profiles.matching import MessageSender, ProfileCandidate, ProfileMatcher


@value_object
class LoadedProfile:
    """A profile and where each of its values was said: in its own file or in one that it extends. `others`: the same
    partner for its further libraries, each with the values that count there. `is_generated`: a library of a mesh as the
    partner of others, without a file of its own."""

    profile: Profile
    document: YamlDocument = field(repr=False)
    file: Path
    others: tuple[LoadedProfile, ...] = field(default=(), repr=False)
    is_generated: bool = False

    @property
    def versions(self) -> tuple[LoadedProfile, ...]:
        """The partner for each of its libraries."""
        return (self, *self.others)

    @property
    def libraries(self) -> frozenset[str]:
        """The symbols of its libraries; empty: it names none."""
        return frozenset(entry.profile.library for entry in self.versions) - {""}

    @property
    def owner(self) -> str:
        """The symbol of the library that alone has it; empty: it is shared, or that of the only one."""
        return "" if self.others else self.profile.library

    def for_library(self, symbol: str) -> LoadedProfile | None:
        """Find the partner as a library has it; None: it is for others."""
        return next((entry for entry in self.versions if entry.profile.library in ("", symbol)), None)

    def find_position(self, path: KeyPath) -> SourcePosition:
        return self.document.find_position(path)

    def make_problem(
        self, path: KeyPath, message: str, value: str = "", allowed: tuple[str, ...] = ()
    ) -> ConfigurationProblem:
        suggestion = nearest_match(value, allowed) if value else ""
        return self.document.make_problem(path, message, f"'{value}'" if value else "", allowed, suggestion)


class LibraryPartners:
    """The profiles that live for one library, made once for all look-ups. `partners`: those with whom it exchanges
    requests, by name."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_name = {profile.name.casefold(): profile for profile in profiles if not profile.abstract}
        pairs = ((profile, profile.partner) for profile in self)
        self.partners: tuple[tuple[Profile, PartnerPolicy], ...] = tuple(
            sorted(((profile, partner) for profile, partner in pairs if partner is not None), key=_name_of_pair)
        )
        self._by_symbol = {
            symbol.casefold(): profile for profile, partner in reversed(self.partners) for symbol in partner.symbols
        }

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    def find_profile(self, name: str) -> Profile | None:
        """Find a profile; without case."""
        return self._by_name.get(name.casefold())

    def find_by_symbol(self, symbol: str) -> Profile | None:
        """Find the partner that has this symbol, without case."""
        return self._by_symbol.get(symbol.casefold())


def _name_of_pair(pair: tuple[Profile, PartnerPolicy]) -> str:
    return pair[0].name


class ProfileSet:
    """Profiles that fit together. Never changed; a reload makes another one. `loaded` by name; `own_documents`: what
    files say by themselves, without what they extend, by `profiles/NAME` or `partners/NAME`; `inert`: names of files in
    the profiles' folder that are as shipped and live for no library; `symbols`: all symbols of each library, by that of
    its rows. `groups`: by name, those of groups.yml."""

    def __init__(
        self,
        loaded: Mapping[str, LoadedProfile],
        own_documents: Mapping[str, YamlDocument] | None = None,
        inert: tuple[str, ...] = (),
        symbols: Mapping[str, tuple[str, ...]] | None = None,
        groups: Mapping[str, Group] | None = None,
    ) -> None:
        self.groups = dict(groups or {})
        self.loaded = dict(loaded)
        self.own_documents = dict(own_documents or {})
        self.inert = inert
        self._by_name = {name.casefold(): entry for name, entry in loaded.items()}
        self._versions = tuple(version.profile for entry in loaded.values() for version in entry.versions)
        written = (entry for entry in loaded.values() if not entry.is_generated)
        self._matcher = ProfileMatcher((version.profile for entry in written for version in entry.versions), symbols)
        self._of_all = LibraryPartners(profile for profile in self._versions if not profile.library)
        self._of_library = _group_by_library(self._versions)
        self.max_bytes = max((profile.max_bytes for profile in self), default=1_000_000)
        """The largest message that any of them takes: what a listener reads before it knows the profile."""

    def __iter__(self) -> Iterator[Profile]:
        """Iterate over all; a partner of several libraries comes once for each."""
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._by_name)

    def of_library(self, symbol: str) -> LibraryPartners:
        """The partners and profiles that live for one library; a profile that names no library is for the only one."""
        return self._of_library.get(symbol, self._of_all)

    def find_profile(self, name: str) -> Profile | None:
        """Find a profile, also an abstract one; without case. A partner of several libraries is found as its first has
        it."""
        entry = self._by_name.get(name.casefold())
        return entry.profile if entry is not None else None

    def find_sole_version(self, name: str) -> Profile | None:
        """Find a profile that lives for one library alone, without case; None for one that is shared."""
        entry = self._by_name.get(name.casefold())
        return entry.profile if entry is not None and not entry.others else None

    def find_candidates(self, sender: MessageSender) -> tuple[ProfileCandidate, ...]:
        """Profiles that a message may belong to, each with the rule that fits, best first: most conditions, then by
        name. A profile comes once for each of its rules that fits."""
        return self._matcher.match(sender)

    def has_address(self, path: str) -> bool:
        """Return whether an address may mean a profile: by its name, or by the path of a rule."""
        return self._matcher.has_address(path)

    def list_libraries_at(self, path: str) -> frozenset[str]:
        """List the symbols of the libraries that an address may mean, whoever sends there."""
        return self._matcher.list_libraries_at(path)

    def is_agency_of_another(self, profile: Profile, protocol: str, agency: str) -> bool:
        """Return whether other profiles name this agency as theirs, and this one doesn't. Without case."""
        return self._matcher.agencies.is_of_another(profile, protocol, agency)


def _group_by_library(profiles: tuple[Profile, ...]) -> dict[str, LibraryPartners]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        groups[profile.library].append(profile)
    for_all = groups.pop("", [])
    return {symbol: LibraryPartners([*for_all, *group]) for symbol, group in groups.items()}


class ProfileStore(LiveConfiguration[ProfileSet]):
    """The profiles and partners of an installation, live: see `LiveConfiguration`. `folder` has the profiles;
    `partners` and the file `groups` needn't be there. `load_with_fallback`: the profiles as
    `read_profiles_with_fallback` finds them, where something is wrong in them."""

    def __init__(
        self,
        folder: Path,
        load: Callable[[], ProfileSet],
        load_with_fallback: Callable[[ProfileSet], ProfileSet],
        partners: Path | None = None,
        groups: Path | None = None,
    ) -> None:
        folders = tuple(path for path in (folder, partners) if path is not None and path.is_dir()) or (folder,)

        def is_read(file: Path) -> bool:
            return groups is None or file.parent != groups.parent or file.name == groups.name

        watched = (*folders, groups.parent) if groups is not None else folders
        super().__init__("profiles", watched, load, is_read)
        self.folder = folder
        self._new_files = folders[-1]
        self._load_with_fallback = load_with_fallback

    def name_file(self, name: str) -> Path:
        """Name the file of a new partner: in the folder of partners, if there is one."""
        return self._new_files / f"{name}.yml"

    def load_fallback(self) -> ProfileSet:
        return self._load_with_fallback(self.current)
