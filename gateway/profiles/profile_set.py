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
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.profile import Profile
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.value import value_object
from gateway.profiles.groups import Group
from gateway.profiles.matching import AgencyIndex, MessageSender, ProfileCandidate, ProfileMatcher, ReceiverIndex


@value_object
class LoadedProfile:
    """A profile and where each of its values was said: in its own file or in one that it extends. `others`: the same
    partner for its further libraries, each with the values that count there. `is_generated`: a library of a mesh as the
    partner of others, without a file of its own. `own_of`: the short name of the library that has this partner in its
    folder; others may have one of this name, too. `changed_by`: the file in a library's folder with what differs
    there."""

    profile: Profile
    document: YamlDocument = field(repr=False)
    file: Path
    others: tuple[LoadedProfile, ...] = field(default=(), repr=False)
    is_generated: bool = False
    own_of: str = ""
    changed_by: str = ""

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

    @property
    def key(self) -> str:
        """The name among all of an installation."""
        return f"{self.own_of}/{self.profile.name}" if self.own_of else self.profile.name

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
    """Profiles that fit together. Never changed; a reload makes another one. `loaded` by name, those in libraries'
    folders by `LIBRARY/NAME`; `own_documents`: what
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
        self._receivers = ReceiverIndex(symbols or {})
        written = [entry for entry in loaded.values() if not entry.is_generated]
        shared = (version.profile for entry in written if not entry.own_of for version in entry.versions)
        self._matcher = ProfileMatcher(shared, self._receivers)
        own: dict[str, list[Profile]] = defaultdict(list)
        for entry in written:
            if entry.own_of:
                own[entry.profile.library].append(entry.profile)
        self._own_keys = {(entry.profile.library, entry.profile.name): entry.key for entry in written if entry.own_of}
        self._own_matchers = {symbol: ProfileMatcher(group, self._receivers) for symbol, group in own.items()}
        self._agencies = AgencyIndex(version.profile for entry in written for version in entry.versions)
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

    def find_key(self, profile: Profile) -> str:
        """Find the name of a profile in `loaded`."""
        return self._own_keys.get((profile.library, profile.name), profile.name)

    def has_own_partner(self, symbol: str, name: str) -> bool:
        """Return whether a library has a partner of this name in its folder, which is no other's."""
        return (symbol, name) in self._own_keys

    def find_candidates(self, sender: MessageSender) -> tuple[ProfileCandidate, ...]:
        """Profiles that a message may belong to, each with the rule that fits, best first: most conditions, then by
        name. A profile comes once for each of its rules that fits. Those in a library's folder are among them where the
        message names this library, by its address or as the receiver."""
        shared = self._matcher.match(sender)
        if not self._own_matchers:
            return shared
        own = self._own_matchers.get(sender.library or self._receivers.find_library(sender.to_agency))
        if own is None:
            return shared
        return tuple(sorted((*own.match(sender), *shared), key=lambda candidate: -candidate.conditions))

    def has_address(self, path: str) -> bool:
        """Return whether an address may mean a profile: by its name, or by the path of a rule."""
        return self._matcher.has_address(path)

    def list_libraries_at(self, path: str) -> frozenset[str]:
        """List the symbols of the libraries that an address may mean, whoever sends there."""
        return self._matcher.list_libraries_at(path)

    def is_agency_of_another(self, profile: Profile, protocol: str, agency: str) -> bool:
        """Return whether other profiles name this agency as theirs, and this one doesn't. Without case."""
        return self._agencies.is_of_another(profile, protocol, agency)


def _group_by_library(profiles: tuple[Profile, ...]) -> dict[str, LibraryPartners]:
    groups: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        groups[profile.library].append(profile)
    for_all = groups.pop("", [])
    return {symbol: LibraryPartners([*for_all, *group]) for symbol, group in groups.items()}


class ProfileStore(LiveConfiguration[ProfileSet]):
    """The profiles and partners of an installation, live: see `LiveConfiguration`. `folder` has the profiles;
    `partners`, the file `groups`, the folders of libraries' own partners (`list_own`) and those of `sources`, with
    entries of directories, needn't be there. `load_with_fallback`: the profiles as `read_profiles_with_fallback` finds
    them, where something is wrong in them. `is_apart`: whether a file is in a library's folder or a directory's, by its
    name in problems."""

    def __init__(
        self,
        folder: Path,
        load: Callable[[], ProfileSet],
        load_with_fallback: Callable[[ProfileSet], ProfileSet],
        partners: Path | None = None,
        groups: Path | None = None,
        list_own: Callable[[], tuple[Path, ...]] = tuple,
        is_apart: Callable[[str], bool] = lambda _file: False,
        sources: tuple[Path, ...] = (),
    ) -> None:
        self._load_with_fallback = load_with_fallback
        self._is_apart = is_apart

        def list_shared() -> tuple[Path, ...]:
            return tuple(path for path in (folder, partners) if path is not None and path.is_dir()) or (folder,)

        def list_folders() -> tuple[Path, ...]:
            own = tuple(path if path.is_dir() else path.parent for path in list_own())
            entries = tuple(path for path in sources if path.is_dir())
            return (*list_shared(), *([groups.parent] if groups is not None else []), *own, *entries)

        def is_read(file: Path) -> bool:
            outside = {path.parent for path in list_own()}
            if file.parent in outside:
                return False
            return groups is None or file.parent != groups.parent or file.name == groups.name

        super().__init__("profiles", list_folders, load, is_read)
        self.folder = folder
        self._list_shared = list_shared

    def load_first(self) -> tuple[ProfileSet, tuple[ConfigurationProblem, ...]]:
        """Load at the start: what is wrong in libraries' folders, and in the directory's, is left out."""
        try:
            return super().load_first()
        except ConfigurationError as error:
            if not all(self._is_apart(problem.file) for problem in error.problems):
                raise
            return self._load_with_fallback(ProfileSet({})), error.problems

    def name_file(self, name: str) -> Path:
        """Name the file of a new partner: in the folder of partners, if there is one."""
        return self._list_shared()[-1] / f"{name}.yml"

    def load_fallback(self) -> ProfileSet:
        return self._load_with_fallback(self.current)
