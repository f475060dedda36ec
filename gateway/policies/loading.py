"""requests.yml of each library, read and checked. A library without the file works by the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path as FilePath

from gateway.configuration import source
from gateway.configuration.problems import ConfigurationError, Path, Problem, nearest
from gateway.configuration.source import Document
from gateway.configuration.validation import validate
from gateway.domain.frozen import frozen
from gateway.domain.requests.policy import RequestPolicy
from gateway.policies import checks
from gateway.profiles import ProfileSet
from gateway.settings import LibrarySettings, Settings

POLICY_FILE = "requests.yml"
"""As the settings call it where they say nothing else; only a file of another name must be there."""


@frozen
class LoadedPolicy:
    """A library's policy and where each of its values was said."""

    library: str
    policy: RequestPolicy
    document: Document = field(repr=False)

    def problem(self, path: Path, message: str, found: str = "", allowed: tuple[str, ...] = ()) -> Problem:
        suggestion = nearest(found, allowed) if found else ""
        return self.document.problem(path, message, f"'{found}'" if found else "", allowed, suggestion)


class PolicySet:
    """The policies of all libraries. Never changed; a reload makes another one."""

    def __init__(self, loaded: Mapping[str, LoadedPolicy]) -> None:
        self.loaded = dict(loaded)

    def __iter__(self) -> Iterator[LoadedPolicy]:
        return iter(self.loaded.values())

    def of(self, library: str) -> RequestPolicy:
        """By the library's symbol, as in the settings. Raises KeyError."""
        return self.loaded[library].policy


@frozen
class Loading:
    """What came of reading the files: the policies that are whole, and everything that is wrong."""

    policies: PolicySet
    problems: tuple[Problem, ...]


def load_policies(settings: Settings, profiles: ProfileSet) -> PolicySet:
    """Raises ConfigurationError with everything that is wrong in any of them."""
    loading = read_policies(settings, profiles)
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return loading.policies


def read_policies(settings: Settings, profiles: ProfileSet) -> Loading:
    """As `load_policies`, but what is whole is there even if another library's has problems."""
    loaded: dict[str, LoadedPolicy] = {}
    problems: list[Problem] = []
    for index, library in enumerate(settings.libraries):
        try:
            one = _load(settings, index, library)
        except ConfigurationError as error:
            problems += error.problems
            continue
        loaded[library.symbol] = one
        problems += checks.within(one)
        problems += checks.with_profiles(one, profiles, only_library=len(settings.libraries) == 1)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))
    return Loading(PolicySet(loaded), tuple(unique))


def _load(settings: Settings, index: int, library: LibrarySettings) -> LoadedPolicy:
    """Raises ConfigurationError."""
    file = settings.folder / library.requests
    document = _read(settings, index, library, file)
    return LoadedPolicy(library.symbol, validate(RequestPolicy, document), document)


def _read(settings: Settings, index: int, library: LibrarySettings, file: FilePath) -> Document:
    if file.exists():
        return source.read(file)
    if library.requests != POLICY_FILE:
        raise ConfigurationError([settings.problem(("libraries", index, "requests"), "no such file", library.requests)])
    return Document(source.shown(file))
