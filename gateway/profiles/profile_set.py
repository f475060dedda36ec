"""Profiles in use: LoadedProfile, ProfileSet, ProfileStore.

A reload checks everything first, then swaps the whole set; a profile whose edit is bad stays in it as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from gateway.configuration.live_reload import LiveConfiguration, accept_any_file
from gateway.configuration.yaml_document import SourcePosition, YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.profiles.matching import MessageSender, ProfileCandidate, ProfileMatcher


@value_object
class LoadedProfile:
    """A profile and where each of its values was said: in its own file or in one that it extends."""

    profile: Profile
    document: YamlDocument = field(repr=False)
    file: Path

    def find_position(self, path: KeyPath) -> SourcePosition:
        return self.document.find_position(path)

    def make_problem(
        self, path: KeyPath, message: str, value: str = "", allowed: tuple[str, ...] = ()
    ) -> ConfigurationProblem:
        suggestion = nearest_match(value, allowed) if value else ""
        return self.document.make_problem(path, message, f"'{value}'" if value else "", allowed, suggestion)


class ProfileSet:
    """Profiles that fit together. Never changed; a reload makes another one. `own_documents`: what their files say by
    themselves, without what they extend."""

    def __init__(
        self, loaded: Mapping[str, LoadedProfile], own_documents: Mapping[str, YamlDocument] | None = None
    ) -> None:
        self.loaded = dict(loaded)
        self.own_documents = dict(own_documents or {})
        self._by_name = {name.casefold(): loaded_profile.profile for name, loaded_profile in loaded.items()}
        self._matcher = ProfileMatcher(self._by_name.values())
        self.max_bytes = max((profile.max_bytes for profile in self), default=1_000_000)
        """The largest message that any of them takes: what a listener reads before it knows the profile."""

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def find_profile(self, name: str) -> Profile | None:
        """Find a profile, also an abstract one; without case."""
        return self._by_name.get(name.casefold())

    def find_candidates(self, sender: MessageSender) -> tuple[ProfileCandidate, ...]:
        """Profiles that a message may belong to, each with the rule that fits, best first: most conditions, then by
        name. A profile comes once for each of its rules that fits."""
        return self._matcher.match(sender)

    def list_libraries_at(self, path: str) -> frozenset[str]:
        """List the symbols of the libraries that an address may mean, whoever sends there."""
        return self._matcher.list_libraries_at(path)

    def is_agency_of_another(self, profile: Profile, protocol: str, agency: str) -> bool:
        """Return whether other profiles name this agency as theirs, and this one doesn't. Without case."""
        return self._matcher.agencies.is_of_another(profile, protocol, agency)


class ProfileStore(LiveConfiguration[ProfileSet]):
    """All profiles of a folder, live: see `LiveConfiguration`. `load_with_fallback`: the profiles as
    `read_profiles_with_fallback` finds them, where something is wrong in them."""

    def __init__(
        self, folder: Path, load: Callable[[], ProfileSet], load_with_fallback: Callable[[ProfileSet], ProfileSet]
    ) -> None:
        super().__init__("profiles", (folder,), load, accept_any_file)
        self.folder = folder
        self._load_with_fallback = load_with_fallback

    def load_fallback(self) -> ProfileSet:
        return self._load_with_fallback(self.current)
