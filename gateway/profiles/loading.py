"""Files to profiles: `extends` is followed, protocol sections become the adapters' own models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path as FilePath

from pydantic import BaseModel

from gateway.adapters import Adapters
from gateway.configuration import source
from gateway.configuration.merging import merge, only
from gateway.configuration.problems import ConfigurationError, Path, Problem, nearest
from gateway.configuration.source import Document, Place
from gateway.configuration.validation import validate
from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.profiles import checks, locating, partners
from gateway.profiles.matching import Candidate, Matcher, Sender
from gateway.settings import Settings

OWN = frozenset({"name", "description", "extends", "abstract", "match", "examples"})
"""Keys that say who a profile is: a profile that extends another doesn't take these over."""

KEYS = tuple(name for name in Profile.model_fields if name != "dialects")


@frozen
class LoadedProfile:
    """A profile and where each of its values was said: in its own file or in one that it extends."""

    profile: Profile
    document: Document = field(repr=False)
    file: FilePath

    def place(self, path: Path) -> Place:
        return self.document.place(path)

    def problem(self, path: Path, message: str, found: str = "", allowed: tuple[str, ...] = ()) -> Problem:
        suggestion = nearest(found, allowed) if found else ""
        return self.document.problem(path, message, f"'{found}'" if found else "", allowed, suggestion)


class ProfileSet:
    """Profiles that fit together. Never changed; a reload makes another one."""

    def __init__(self, loaded: Mapping[str, LoadedProfile]) -> None:
        self.loaded = dict(loaded)
        self._by_name = {name.casefold(): one.profile for name, one in loaded.items()}
        self._matcher = Matcher(self._by_name.values())
        self.max_bytes = max((profile.max_bytes for profile in self), default=1_000_000)
        """The largest message that any of them takes: what a listener reads before it knows the profile."""

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def by_name(self, name: str) -> Profile | None:
        """Also the abstract ones; without case."""
        return self._by_name.get(name.casefold())

    def candidates(self, sender: Sender) -> tuple[Candidate, ...]:
        """Profiles that a message may belong to, each with the rule that fits, best first: most conditions, then by
        name. A profile comes once for each of its rules that fits."""
        return self._matcher.match(sender)


@frozen
class Loading:
    """What came of reading a folder: the profiles that are whole, and everything that is wrong."""

    profiles: ProfileSet
    problems: tuple[Problem, ...]


def load_profiles(folder: FilePath, adapters: Adapters, settings: Settings) -> ProfileSet:
    """All profiles of a folder. Raises ConfigurationError with everything that is wrong in any of them."""
    loading = read_profiles(folder, adapters, settings)
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return loading.profiles


def read_profiles(folder: FilePath, adapters: Adapters, settings: Settings) -> Loading:
    """As `load_profiles`, but what is whole is there even if other profiles have problems."""
    reader = _Reader(adapters)
    loaded = reader.read(folder)
    problems = [*reader.problems, *checks.between(loaded, settings), *checks.listeners(loaded, settings)]
    problems += partners.partner_problems(loaded, adapters.channels)
    problems += locating.locate_problems(loaded, adapters.searches)
    for one in loaded.values():
        problems += checks.within(one.profile, one.document, settings)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))
    return Loading(ProfileSet(loaded), tuple(unique))


class _Reader:
    def __init__(self, adapters: Adapters) -> None:
        self._sections = adapters.sections
        self._known = (*KEYS, *self._sections)
        self._own: dict[str, Document] = {}
        self._whole: dict[str, Document] = {}
        self.problems: list[Problem] = []

    def read(self, folder: FilePath) -> dict[str, LoadedProfile]:
        files = self._files(folder)
        for name, file in files.items():
            self._read_file(name, file)
        loaded = {}
        for name in self._own:
            document = self._resolve(name, ())
            profile = self._profile(name, document) if document else None
            if document and profile:
                loaded[name] = LoadedProfile(profile, document, files[name])
        return loaded

    def _files(self, folder: FilePath) -> dict[str, FilePath]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.problems.append(Problem(source.shown(folder), 0, (), f"can't be read: {error.strerror or error}"))
            return {}
        for entry in entries:
            if entry.suffix == ".yaml":
                self.problems.append(Problem(source.shown(entry), 0, (), "a profile's file ends in .yml"))
        return {entry.stem: entry for entry in entries if entry.suffix == ".yml" and not entry.name.startswith(".")}

    def _read_file(self, name: str, file: FilePath) -> None:
        try:
            document = source.read(file)
        except ConfigurationError as error:
            self.problems += error.problems
            return
        said = document.data.setdefault("name", name)
        if said != name:
            self.problems.append(document.problem(("name",), "must be the file's name", f"'{said}'", (name,)))
        elif unknown := self._unknown_keys(document):
            self.problems += unknown
        else:
            for section in self._sections:
                if section in document.data and document.data[section] is None:
                    document.data[section] = {}  # `ncip:` alone is the plain protocol
            self._own[name] = document

    def _unknown_keys(self, document: Document) -> list[Problem]:
        return [
            document.problem((key,), "unknown key", "", self._known, nearest(key, self._known))
            for key in document.data
            if key not in self._known
        ]

    def _resolve(self, name: str, below: tuple[str, ...]) -> Document | None:
        """The document with all that it extends; None if that can't be had (the problem is noted)."""
        if name in self._whole:
            return self._whole[name]
        document = self._own[name]
        parent = document.data.get("extends")
        if parent is None:
            whole: Document | None = document
        elif not isinstance(parent, str) or parent not in self._own:
            self._complain_of_parent(document, str(parent))
            return None
        elif parent in (*below, name):
            chain = " -> ".join((*below, name, parent))
            self.problems.append(document.problem(("extends",), f"goes in a circle: {chain}"))
            return None
        else:
            base = self._resolve(parent, (*below, name))
            whole = merge(_inherited(base), document) if base else None
        if whole:
            self._whole[name] = whole
        return whole

    def _complain_of_parent(self, document: Document, parent: str) -> None:
        if any(FilePath(problem.file).stem == parent for problem in self.problems):
            return  # it is there, but broken: that is said already
        known = tuple(self._own)
        near = nearest(parent, known)
        self.problems.append(document.problem(("extends",), "no such profile", f"'{parent}'", known, near))

    def _profile(self, name: str, document: Document) -> Profile | None:
        found: list[Problem] = []
        dialects: dict[str, BaseModel] = {}
        for section, dialect in self._sections.items():
            if section in document.data:
                try:
                    dialects[section] = validate(dialect, document, (section,))
                except ConfigurationError as error:
                    found += error.problems
        data = {key: value for key, value in document.data.items() if key not in self._sections}
        plain = Document(document.file, data, document.places, document.texts)
        profile = None
        try:
            profile = validate(Profile, plain)
        except ConfigurationError as error:
            found += error.problems
        self.problems += found
        return profile.model_copy(update={"dialects": dialects}) if profile and not found else None


def _inherited(base: Document) -> Document:
    return only(base, frozenset(base.data) - OWN)
