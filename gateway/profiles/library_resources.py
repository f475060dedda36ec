"""Secrets and files that a profile names: each belongs to a library, and no other library's profile may name it.

Whoever writes a profile could else have the secret of another library, or of the gateway itself, sent to an address of
its own choice.
"""

from __future__ import annotations

import os.path
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.configuration.named_resources import NamedResource, iter_resources
from gateway.domain.problems import ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.profiles.profile_set import LoadedProfile

_OF_PROCESSES = "file:/proc/"
"""Such as the daemon's environment, where its secrets may be."""


def check_library_resources(entries: Iterable[LoadedProfile], settings: Settings) -> Iterator[ConfigurationProblem]:
    """Check the resources of profiles that messages may belong to. Of a library that is held back nobody knows which
    secrets it may name, and nothing is sent."""
    owners = _ResourceOwners(settings)
    served = {library.symbol for library in settings.libraries if not library.problems}
    for entry in entries:
        if entry.profile.abstract:
            continue
        is_shared = len(entry.libraries) > 1
        common = tuple(iter_named_resources(entry.profile))
        for version in entry.versions:
            library = version.profile.library or settings.libraries[0].symbol
            if library not in served:
                continue
            is_common = version.document is entry.document
            for resource in common if is_common else tuple(iter_named_resources(version.profile)):
                is_own = _is_named_by_library(version, resource)
                if message := owners.find_objection(resource.reference, library, is_shared=is_shared and not is_own):
                    yield version.document.make_problem(resource.path, message, f"'{resource.reference}'")
                elif version.changed_by and not is_own and not owners.is_of_library(resource.reference, library):
                    yield from _check_changed_section(version, resource)


def _is_named_by_library(version: LoadedProfile, resource: NamedResource) -> bool:
    return bool(version.changed_by) and version.document.find_position(resource.path).file == version.changed_by


_ADDRESSES = (("partner", "email"), ("partner", "channel"))
"""Keys beside the sections of protocols that say where messages go."""


def _check_changed_section(version: LoadedProfile, resource: NamedResource) -> Iterator[ConfigurationProblem]:
    """Find changes of a shared partner by a library that would lead a secret of the office's to another address."""
    section = resource.path[0]
    for path, place in version.document.places.items():
        is_address = path[0] == section or path in _ADDRESSES
        if place.file == version.changed_by and is_address and section != "auth":
            message = "would change where a secret of the office's goes; name one of the library's own with it"
            yield version.document.make_problem(path, message, f"'{resource.reference}'")
            return


class _ResourceOwners:
    """The resources that profiles of each library may name, and those that gateway.yml names."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.folder
        self._patterns = [
            (library.symbol, pattern.endswith("*"), self._normalize_pattern(pattern))
            for library in settings.libraries
            for pattern in (*library.secrets, *library.own_resources)
        ]
        self._is_alone = len(settings.libraries) == 1 and not self._patterns
        self._of_gateway = frozenset(_resolve(self._folder, each.reference) for each in iter_resources(settings))
        self._owners: dict[str, list[str]] = {}

    def find_objection(self, reference: str, library: str, *, is_shared: bool) -> str:
        """Empty: there is none. `is_shared`: a partner of several libraries names it, whose file is nobody's but the
        office's."""
        if reference not in self._owners:  # partners of hundreds of libraries name the same
            self._owners[reference] = self._list_owners(reference)
        owners = self._owners[reference]
        if library in owners:
            return ""
        if owners:
            return f"belongs to library {owners[0]}, by its folder or its `secrets`"
        resolved = _resolve(self._folder, reference)
        if resolved.startswith(_OF_PROCESSES):
            return "is no file of an installation: it tells of running programs"
        if resolved in self._of_gateway:
            return "is named in gateway.yml for another use; `libraries.secrets` must name it if profiles may use it"
        if not is_shared and not self._is_alone:
            return f"is not among the `secrets` of library {library} in gateway.yml"
        return ""

    def is_of_library(self, reference: str, library: str) -> bool:
        """Return whether it is one of the library's own; it was looked for by `find_objection` before."""
        return library in self._owners[reference]

    def _list_owners(self, reference: str) -> list[str]:
        name = self._normalize(reference)
        return [
            symbol
            for symbol, is_beginning, pattern in self._patterns
            if (name.startswith(pattern) if is_beginning else name == pattern)
        ]

    def _normalize(self, reference: str) -> str:
        kind, _, name = reference.partition(":")
        return reference if kind == "env" else f"file:{_make_whole(self._folder, name)}"

    def _normalize_pattern(self, pattern: str) -> str:
        """Take away `*`. The end of a folder's name is kept: `file:keys/*` isn't `file:keys*`."""
        if not pattern.endswith("*"):
            return self._normalize(pattern)
        begin = pattern[:-1]
        kind, _, name = begin.partition(":")
        if kind == "env":
            return begin
        folder, _, rest = name.rpartition("/")
        whole = _make_whole(self._folder, folder or ("/" if name.startswith("/") else "."))
        return f"file:{posixpath.join(whole, rest)}"


def _resolve(folder: Path, reference: str) -> str:
    """Resolve a file, whatever links lead to it: `/proc/self/root/…` names any file."""
    kind, _, name = reference.partition(":")
    return reference if kind == "env" else f"file:{os.path.realpath(folder / name)}"


def _make_whole(folder: Path, name: str) -> str:
    """Make a path without `..`, and with one slash at its beginning, so that a file has one name. Links in listed
    folders are the operators' business."""
    return f"/{os.path.abspath(folder / name).lstrip('/')}"


def iter_named_resources(profile: Profile) -> Iterator[NamedResource]:
    """Iterate over the resources of its sections, in their order."""
    for resource in iter_resources(profile):
        is_dialect = resource.path[0] == "dialects"
        yield NamedResource(resource.path[1:], resource.reference) if is_dialect else resource
