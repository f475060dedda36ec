"""Profile files to profiles: inheritance, protocol sections, JSON Schema."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration import yaml_document
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, drop_keys, merge_documents, nearest_match
from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.domain.value import replace, value_object
from gateway.profiles import checks
from gateway.profiles.groups import Group, Groups, describe_member, read_groups
from gateway.profiles.library_resources import check_library_resources
from gateway.profiles.partner_versions import (
    ALL,
    SCOPE_KEYS,
    PartnerScope,
    check_differences,
    document_of_library,
    read_scope,
)
from gateway.profiles.profile_set import LoadedProfile, ProfileSet
from gateway.profiles.shipped import is_as_shipped, list_shipped_profiles
from gateway.settings import LibrarySettings, Settings

OWN = frozenset({"name", "description", "extends", "abstract", "match", "examples"})
"""Keys that say who a profile is: a profile that extends another doesn't take these over."""

KEYS = tuple(name for name in Profile.model_fields if name != "dialects")

FILE = "schema.json"
"""In the folder of profiles."""

DIRECTORY_KEYS = frozenset({"name", "extends", "partner", "iso18626"})
"""Keys that the file of a directory's entry may have: who may send as the partner is none of them."""

GROUPS = "groups"
"""The file of groups among documents of profiles and partners."""


@value_object
class ProfileLoadResult:
    """The result of reading a folder: the profiles that are whole, and everything that is wrong."""

    profiles: ProfileSet
    problems: tuple[ConfigurationProblem, ...]


def load_profiles(folder: FilePath, adapters: AdapterRegistry, settings: Settings) -> ProfileSet:
    """All profiles of a folder, and the partners that the settings name. Raises ConfigurationError with everything that
    is wrong in any of them."""
    loading = read_profiles(folder, adapters, settings)
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return loading.profiles


def read_profiles(folder: FilePath, adapters: AdapterRegistry, settings: Settings) -> ProfileLoadResult:
    """Read as `load_profiles` does, but what is whole is there even if other profiles have problems."""
    return _read_and_check(_find_files(folder, settings), adapters, settings, {})


def read_profiles_with_fallback(
    folder: FilePath, adapters: AdapterRegistry, settings: Settings, before: ProfileSet
) -> ProfileLoadResult:
    """The files as they are, with what is wrong in them; a profile whose file is wrong is as it was `before`, or left
    out where it wasn't there. So is one that doesn't fit together with these; in a library's or the directory's folder
    it is left out, and keeps nobody else's from being taken. If nothing fits, all is as before."""
    files = _find_files(folder, settings)
    result = _read_and_check(files, adapters, settings, {})
    problems, held_back, left_out = result.problems, dict[str, YamlDocument | None](), set[str]()
    while wrong := {files.name_document(problem.file) for problem in result.problems} - left_out:
        left_out |= {name for name in wrong if name in held_back or not files.is_own(name)}
        held_back |= {name: None if name in held_back else before.own_documents.get(name) for name in wrong}
        result = _read_and_check(files, adapters, settings, held_back)
    return ProfileLoadResult(before if result.problems else result.profiles, problems)


def read_profiles_with_draft(
    folder: FilePath, file: FilePath, text: str, adapters: AdapterRegistry, settings: Settings
) -> ProfileLoadResult:
    """Read as `read_profiles` does, with this text in the place of a file, or as one more."""
    files = _find_files(folder, settings, {file: text})
    return _read_and_check(files, adapters, settings, {})


def _find_files(
    folder: FilePath, settings: Settings, drafts: Mapping[FilePath, str] = MappingProxyType({})
) -> _ProfileFiles:
    own = {path: library for library in settings.libraries if (path := settings.find_own_partners(library))}
    names = {yaml_document.display_path(path): f"{library.folder}/partners" for path, library in own.items()}
    names[yaml_document.display_path(settings.partners_folder)] = "partners"
    sources = {source.name: settings.directory_folder / source.name for source in settings.directory.sources}
    names |= {yaml_document.display_path(path): f"directory/{source}" for source, path in sources.items()}
    return _ProfileFiles(folder, settings.partners_folder, settings.groups_file, own, sources, names, drafts)


@value_object
class _ProfileFiles:
    """The folders that are read, and the file of groups. `own`: libraries by the folders of their own partners;
    `sources`: the folder of each source of the directory, by its name; `names`: of all folders of partners, as problems
    show them. `drafts`: texts that are read in the place of files."""

    profiles: FilePath
    partners: FilePath
    groups: FilePath
    own: Mapping[FilePath, LibrarySettings]
    sources: Mapping[str, FilePath]
    names: Mapping[str, str]
    drafts: Mapping[FilePath, str]

    def name_document(self, shown: str) -> str:
        """Name a file as problems show it, wherever the folders are: `profiles/NAME`, `partners/NAME`,
        `libraries/LIBRARY/partners/NAME`, `directory/SOURCE/NAME` or `groups`."""
        file = FilePath(shown)
        if shown == yaml_document.display_path(self.groups):
            return GROUPS
        return f"{self.names.get(str(file.parent), 'profiles')}/{file.stem}"

    def is_own(self, name: str) -> bool:
        """Return whether the document of this name is in a library's folder, or an entry of a directory."""
        return name.count("/") > 1

    def is_of_partner(self, file: FilePath) -> bool:
        return file.parent == self.partners or file.parent in self.own

    def list_profiles(self, problems: list[ConfigurationProblem]) -> dict[str, FilePath]:
        """List the files by name. The folder may be missing where there are partners."""
        if self.partners.is_dir() and not self.profiles.exists():
            return {}
        return self._list_folder(self.profiles, problems)

    def list_partners(self, folder: FilePath, problems: list[ConfigurationProblem]) -> dict[str, FilePath]:
        """List the files of the shared partners, or of a library's own, by name."""
        is_there = folder.exists() or any(draft.parent == folder for draft in self.drafts)
        return self._list_folder(folder, problems) if is_there else {}

    def list_entries(self, problems: list[ConfigurationProblem]) -> dict[str, dict[str, FilePath]]:
        """List the files of the directory's entries, by source and name; before its first pull a source has none."""
        return {
            source: self._list_folder(folder, problems) if folder.exists() else {}
            for source, folder in self.sources.items()
        }

    def _list_folder(self, folder: FilePath, problems: list[ConfigurationProblem]) -> dict[str, FilePath]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            name = yaml_document.display_path(folder)
            problems.append(ConfigurationProblem(name, 0, (), f"can't be read: {error.strerror or error}"))
            return {}
        for entry in entries:
            if entry.suffix == ".yaml":
                problems.append(
                    ConfigurationProblem(yaml_document.display_path(entry), 0, (), "a profile's file ends in .yml")
                )
        files = {entry.stem: entry for entry in entries if entry.suffix == ".yml" and not entry.name.startswith(".")}
        return files | {draft.stem: draft for draft in self.drafts if draft.parent == folder}


def _read_and_check(
    files: _ProfileFiles, adapters: AdapterRegistry, settings: Settings, instead: Mapping[str, YamlDocument | None]
) -> ProfileLoadResult:
    """`instead`: what counts in the place of a file, by `name_document`; None: nothing."""
    reader = _ProfileReader(files, adapters, settings, instead)
    loaded = reader.read_files()
    problems = [
        *reader.problems,
        *checks.check_profiles_together(loaded, settings),
        *checks.check_path_rules(loaded, settings),
        *checks.check_partner_names(loaded, reader.partners, settings),
        *checks.check_listeners(loaded, settings),
    ]
    problems += checks.check_partners(loaded, adapters.channels)
    problems += checks.check_locate_policies(loaded, adapters.searches)
    for entry in loaded.values():
        problems += checks.check_profile(entry.profile, entry.document, settings)
        for version in (each for each in entry.versions if each.changed_by or each.own_of):
            faults = [
                *checks.check_connections(version, adapters.channels),
                *(checks.check_partner(version, adapters.channels) if version.changed_by else ()),
            ]
            problems += (_blame_library(fault, version.changed_by) for fault in faults if fault not in problems)
    problems += check_library_resources(loaded.values(), settings)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))
    symbols = {library.symbol: (library.symbol, *library.symbols) for library in settings.libraries}
    profiles = ProfileSet(loaded, reader.own_documents, reader.inert, symbols, reader.groups.by_name)
    return ProfileLoadResult(profiles, tuple(unique))


def _blame_library(problem: ConfigurationProblem, file: str) -> ConfigurationProblem:
    """Place in the library's file what is wrong with a shared partner only after the library's changes; empty: it has
    changed nothing."""
    return problem if not file or problem.file == file else replace(problem, file=file, line=0)


class _ProfileReader:
    """`own_documents`: what each file says by itself, by `_ProfileFiles.name_document`. `partners`: names of the
    files that live as partners. `inert`: names of files in the profiles' folder that are as shipped, and that live for
    none of several libraries."""

    def __init__(
        self,
        files: _ProfileFiles,
        adapters: AdapterRegistry,
        settings: Settings,
        instead: Mapping[str, YamlDocument | None],
    ) -> None:
        self._files = files
        self._settings = settings
        self._instead = instead
        self._sections = adapters.sections
        self.own_documents: dict[str, YamlDocument] = {}
        self._profile_files: dict[str, FilePath] = {}
        self._profiles: dict[str, YamlDocument] = {}
        self._whole: dict[str, YamlDocument] = {}
        self.partners: frozenset[str] = frozenset()
        self.groups = Groups()
        self.inert: tuple[str, ...] = ()
        self.problems: list[ConfigurationProblem] = []
        self._differences: dict[str, dict[str, YamlDocument]] = defaultdict(dict)

    def read_files(self) -> dict[str, LoadedProfile]:
        self._sections = dict(self._sections)  # all adapters: together their profiles need most of them
        self._profile_files = self._files.list_profiles(self.problems)
        self._profiles = self._read_documents(self._profile_files)
        partner_files = self._files.list_partners(self._files.partners, self.problems)
        partners = self._read_documents(partner_files)
        entry_files = self._files.list_entries(self.problems)
        self.groups = self._read_groups(partner_files, entry_files)
        for name, (document, file) in self._read_entries(entry_files).items():
            # a partner's own file says the rest of an entry, or other values
            partners[name] = merge_documents(document, partners[name]) if name in partners else document
            partner_files.setdefault(name, file)
        own_partners = list(self._read_own_partners(partners))
        loaded = {}
        for name, document in tuple(self._profiles.items()):
            file = self._profile_files[name]
            if name in partners or self._is_inert(document, file):
                continue
            whole = self._resolve_parents(name, ())
            profile = self._build_profile(whole, document) if whole else None
            if whole and profile:
                loaded[name] = LoadedProfile(profile, whole, file)
        for name, document in partners.items():
            if entry := self._build_partner(document, partner_files[name]):
                loaded[name] = entry
        built = (self._build_own_partner(library, document, file, loaded) for library, document, file in own_partners)
        own = {entry.key: entry for entry in built if entry is not None}
        self.partners = frozenset({*partners, *own})
        loaded |= self._build_mesh()
        return {**dict(sorted(loaded.items(), key=lambda pair: f"{pair[0]}.yml")), **own}

    def _read_own_partners(
        self, partners: Mapping[str, YamlDocument]
    ) -> Iterator[tuple[LibrarySettings, YamlDocument, FilePath]]:
        """Read what libraries have in their folders: partners of one library alone, and what differs there of a shared
        one, which is called the same (`_differences`)."""
        for folder, library in self._files.own.items():
            files = self._files.list_partners(folder, self.problems)
            for name, document in self._read_documents(files).items():
                if name in partners:
                    self._differences[name][library.symbol] = document
                else:
                    yield library, document, files[name]

    def _read_entries(self, files: Mapping[str, Mapping[str, FilePath]]) -> dict[str, tuple[YamlDocument, FilePath]]:
        """Read the entries of sources that groups name, by name; of two with the same name that of the first source."""
        entries: dict[str, tuple[YamlDocument, FilePath]] = {}
        for source, source_files in files.items():
            if any(group.source == source for group in self.groups.by_name.values()):
                for name, document in self._read_documents(source_files).items():
                    entries.setdefault(name, (document, source_files[name]))
        return entries

    def _read_groups(self, partners: Mapping[str, FilePath], entries: Mapping[str, Mapping[str, FilePath]]) -> Groups:
        file = self._files.groups
        if GROUPS in self._instead:
            document = self._instead[GROUPS] or YamlDocument(yaml_document.display_path(file))
        elif file.is_file():
            try:
                document = yaml_document.read_yaml(file)
            except ConfigurationError as error:
                self.problems += error.problems
                return Groups()
        else:
            return Groups()
        self.own_documents[GROUPS] = document
        groups = read_groups(document, self._settings, partners, self.problems, entries)
        for group in groups.by_name.values():
            self.problems += self._find_unknown_keys(group.values, ())
        return groups

    def _build_mesh(self) -> dict[str, LoadedProfile]:
        """Build each library of a mesh as a partner of all others there."""
        others: dict[str, dict[str, LibrarySettings]] = {}
        members: dict[str, tuple[LibrarySettings, Group]] = {}
        for group in self.groups.by_name.values():
            libraries = group.meshed_libraries
            for library in libraries:
                members.setdefault(library.symbol, (library, group))
                seen_by = others.setdefault(library.symbol, {})
                seen_by |= {other.symbol: other for other in libraries if other is not library}
        loaded: dict[str, LoadedProfile] = {}
        each = self.groups.each
        for symbol, (library, group) in members.items():
            own = describe_member(library, group, self._settings)
            whole = self.groups.add_values(library.short_name, own)
            scope = PartnerScope(tuple(others[symbol].values()), each, ())
            if entry := self._build_versions(own, whole, scope, self._settings.file, is_generated=True):
                loaded[library.short_name] = entry
        return loaded

    def _is_inert(self, document: YamlDocument, file: FilePath) -> bool:
        """Note a copy of a shipped profile that says none of several libraries: it is there to be extended."""
        if len(self._settings.libraries) == 1 or "library" in document.data or not is_as_shipped(file.stem, file):
            return False
        self.inert = (*self.inert, file.stem)
        return True

    def _read_documents(self, files: Mapping[str, FilePath]) -> dict[str, YamlDocument]:
        """Read the files that are right, by name."""
        documents = {name: self._read_file(name, file) for name, file in files.items()}
        return {name: document for name, document in documents.items() if document is not None}

    def _read_file(self, name: str, file: FilePath) -> YamlDocument | None:
        shown = yaml_document.display_path(file)
        document_name = self._files.name_document(shown)
        if document_name in self._instead:
            if (before := self._instead[document_name]) is not None:
                self.own_documents[document_name] = before
            return before
        draft = self._files.drafts.get(file)
        try:
            document = yaml_document.read_yaml(file) if draft is None else yaml_document.parse_yaml(draft, shown)
        except ConfigurationError as error:
            self.problems += error.problems
            return None
        written = document.data.setdefault("name", name)
        if written != name:
            self.problems.append(document.make_problem(("name",), "must be the file's name", f"'{written}'", (name,)))
            return None
        if unknown := self._find_unknown_keys(document, SCOPE_KEYS if self._files.is_of_partner(file) else ()):
            self.problems += unknown
            return None
        if file.parent in self._files.sources.values() and (keys := document.data.keys() - DIRECTORY_KEYS):
            message = "a directory doesn't say this; it belongs into the partner's own file or the group's `partner`"
            self.problems += [document.make_problem((key,), message) for key in sorted(keys)]
            return None
        for key, value in document.data.items():
            if value is None and self._is_section(key):
                document.data[key] = {}  # `ncip:` alone is the plain protocol
        self.own_documents[document_name] = document
        return document

    def _find_unknown_keys(self, document: YamlDocument, scope: tuple[str, ...]) -> list[ConfigurationProblem]:
        """`scope`: keys that this file may have besides."""
        unknown = [key for key in document.data if key not in (*KEYS, *scope) and not self._is_section(key)]
        known = (*KEYS, *scope, *self._sections) if unknown else ()
        return [document.make_problem((key,), "unknown key", "", known, nearest_match(key, known)) for key in unknown]

    def _is_section(self, key: str) -> bool:
        return key not in KEYS and key in self._sections

    def _resolve_parents(self, name: str, below: tuple[str, ...]) -> YamlDocument | None:
        """The document of a profile with all that it extends; None if that can't be had (the problem is noted)."""
        if name not in self._whole:
            whole = self._add_parents(self._profiles[name], (*below, name))
            if whole is None:
                return None
            self._whole[name] = whole
        return self._whole[name]

    def _add_parents(self, document: YamlDocument, chain: tuple[str, ...], partner: str = "") -> YamlDocument | None:
        """The document with all that it extends, and over that what the groups of a partner say. `chain`: names of
        profiles that lead here."""
        parent = document.data.get("extends")
        if parent is None:
            values = self.groups.add_values(partner, YamlDocument(document.file))
            return merge_documents(values, document) if values.data else document
        if not isinstance(parent, str) or not self._has_profile(parent):
            self._report_missing_parent(document, str(parent))
            return None
        if parent in chain:
            circle = " -> ".join((*chain, parent))
            self.problems.append(document.make_problem(("extends",), f"goes in a circle: {circle}"))
            return None
        base = self._resolve_parents(parent, chain)
        return merge_documents(self.groups.add_values(partner, _drop_own_keys(base)), document) if base else None

    def _has_profile(self, name: str) -> bool:
        """Return whether a profile can be extended; a shipped one is read when the first asks for it, unless there is a
        file of its name, in which something is wrong."""
        if name not in self._profile_files and name in (shipped := list_shipped_profiles()):
            document = yaml_document.read_yaml(shipped[name])
            self._profiles[name] = replace(document, shipped=frozenset({document.file}))
            self._profile_files[name] = shipped[name]
        return name in self._profiles

    def _report_missing_parent(self, document: YamlDocument, parent: str) -> None:
        if any(FilePath(problem.file).stem == parent for problem in self.problems):
            return  # it is there, but broken: that is said already
        known = tuple(sorted(self._profiles.keys() | list_shipped_profiles().keys()))
        near = nearest_match(parent, known)
        self.problems.append(document.make_problem(("extends",), "no such profile", f"'{parent}'", known, near))

    def _build_partner(self, own: YamlDocument, file: FilePath) -> LoadedProfile | None:
        """Build a partner as each of its libraries has it; None if that can't be had (the problem is noted)."""
        scope = read_scope(own, self._settings, self.groups.libraries)
        for changes in scope.each.values():
            self.problems += self._find_unknown_keys(changes, ())
        if own.data.get("abstract"):
            self.problems.append(own.make_problem(("abstract",), "a partner lives; what is only extended is a profile"))
        self.problems += scope.problems
        whole = self._add_parents(drop_keys(own, frozenset({*SCOPE_KEYS, "library"})), (), file.stem)
        differences = self._check_differences(own, scope)
        return self._build_versions(own, whole, scope, file, differences) if whole is not None else None

    def _check_differences(self, shared: YamlDocument, scope: PartnerScope) -> dict[str, YamlDocument]:
        """Find what libraries change of a shared partner in their folders, as far as it is right, by symbol."""
        right: dict[str, YamlDocument] = {}
        symbols = {library.symbol for library in scope.libraries}
        for symbol, changes in self._differences[str(shared.data["name"])].items():
            problems = list(check_differences(changes, shared))
            if symbol not in symbols:
                message = f"{shared.file} is called so, and is not for this library: choose another name"
                problems = [changes.make_problem((), message)]
            self.problems += problems
            if not problems:
                right[symbol] = changes
        return right

    def _build_own_partner(
        self, library: LibrarySettings, own: YamlDocument, file: FilePath, shared: Mapping[str, LoadedProfile]
    ) -> LoadedProfile | None:
        """Build a partner of one library alone; None if that can't be had (the problem is noted)."""
        namesake = shared.get(str(own.data["name"]))
        if namesake is not None and not namesake.profile.abstract:
            message = f"{namesake.document.file} is called so: choose another name"
            self.problems.append(own.make_problem((), message))
            return None
        for key in (*SCOPE_KEYS, "library", "abstract"):
            if key in own.data:
                self.problems.append(own.make_problem((key,), "has no use here: the folder says whose partner it is"))
        whole = self._add_parents(drop_keys(own, frozenset({*SCOPE_KEYS, "library", "abstract"})), ())
        entry = self._build_versions(own, whole, PartnerScope((library,), {}, ()), file) if whole is not None else None
        return replace(entry, own_of=library.short_name) if entry is not None else None

    def _build_versions(
        self,
        own: YamlDocument,
        whole: YamlDocument,
        scope: PartnerScope,
        file: FilePath,
        changes: Mapping[str, YamlDocument] = MappingProxyType({}),
        *,
        is_generated: bool = False,
    ) -> LoadedProfile | None:
        """Build a partner as each of its libraries has it; where nothing differs, all share the sections of one.
        `changes`: by symbol, what libraries say in their folders."""
        name = str(own.data["name"])
        versions: list[LoadedProfile] = []
        built: dict[object, LoadedProfile] = {}
        has_no_placeholders = False
        for library in scope.libraries:
            is_whole = has_no_placeholders and library.symbol not in scope.each
            document = whole if is_whole else document_of_library(whole, scope, library, self.problems)
            has_no_placeholders = has_no_placeholders or document is whole
            groups = self.groups.list_shared(name, library)
            terms = tuple((group.name, library.lends if group.settings.reciprocal else "") for group in groups)
            key = terms if document is whole else library.symbol
            if key not in built:
                document = self.groups.add_terms(document, groups, library)
                profile = self._build_profile(document, own)
                if profile is None:
                    return None
                built[key] = LoadedProfile(profile, document, file, is_generated=is_generated)
            changed = {"library": library.symbol} | ({"examples": ()} if versions else {})
            entry = built[key]
            if library.symbol in changes:
                entry = self._build_changed(own, whole, scope, library, changes[library.symbol]) or entry
            versions.append(replace(entry, profile=entry.profile.model_copy(update=changed)))
        return replace(versions[0], others=tuple(versions[1:])) if versions else None

    def _build_changed(
        self,
        own: YamlDocument,
        whole: YamlDocument,
        scope: PartnerScope,
        library: LibrarySettings,
        changes: YamlDocument,
    ) -> LoadedProfile | None:
        """Build a shared partner with what a library changes in its folder; None if that can't be had."""
        before, self.problems = self.problems, []
        each = scope.each.get(library.symbol, YamlDocument(own.file))
        merged = replace(merge_documents(each, drop_keys(changes, frozenset({"name"}))), file=own.file)
        document = document_of_library(whole, replace(scope, each={library.symbol: merged}), library, self.problems)
        groups = self.groups.list_shared(str(own.data["name"]), library)
        document = self.groups.add_terms(document, groups, library)
        profile = self._build_profile(document, own)
        self.problems = [*before, *(_blame_library(problem, changes.file) for problem in self.problems)]
        file = self._files.partners / f"{own.data['name']}.yml"
        return LoadedProfile(profile, document, file, changed_by=changes.file) if profile is not None else None

    def _build_profile(self, document: YamlDocument, own: YamlDocument) -> Profile | None:
        """Build a profile; `own`: what its file says by itself."""
        problems: list[ConfigurationProblem] = []
        dialects: dict[str, BaseModel] = {}
        for key in self._sections:
            if key in document.data and self._is_section(key):
                try:
                    dialects[key] = validate_section(self._sections[key], document, (key,))
                except ConfigurationError as error:
                    problems += error.problems
        data = {key: value for key, value in document.data.items() if key in KEYS}
        plain = replace(document, data=data)
        profile = None
        try:
            profile = validate_section(Profile, plain)
        except ConfigurationError as error:
            problems += error.problems
        self.problems += problems
        if profile is None or problems:
            return None
        changed: dict[str, object] = {"dialects": dialects}
        if _only_brings_requests(profile, own):
            changed["partner"] = None
        return profile.model_copy(update=changed)


def _only_brings_requests(profile: Profile, own: YamlDocument) -> bool:
    """Return whether it is a system of our own that tells what patrons want, and no library: what it extends is about
    partners, its own file isn't."""
    partner = profile.partner
    brings = profile.circulation.requests.managed is ManagedRole.BORROWING
    return brings and partner is not None and not partner.symbols and "partner" not in own.data


def _drop_own_keys(base: YamlDocument) -> YamlDocument:
    return drop_keys(base, OWN)


def make_modeline(file: FilePath, profiles: FilePath) -> str:
    """Make the first line of a profile's or partner's file, by which editors find the schema in the folder of
    profiles."""
    return f"# yaml-language-server: $schema={os.path.relpath(profiles / FILE, file.parent)}"


def build_profile_schema(adapters: AdapterRegistry) -> dict[str, Any]:
    own: dict[str, Any] = {name: (_profile_field(name).annotation, _profile_field(name)) for name in KEYS}
    own["name"] = (str | None, FieldInfo(default=None, description="the file's name; optional"))
    own["for"] = (
        str | list[str],
        FieldInfo(default=ALL, description="in partners/ only: all, or names of the libraries whose partner it is"),
    )
    own["each"] = (
        dict[str, dict[str, Any]],
        FieldInfo(default={}, description="in partners/ only: library -> what differs for it"),
    )
    sections: dict[str, Any] = {
        name: (dialect | None, FieldInfo(default=None, description=f"how this partner speaks {name}"))
        for name, dialect in adapters.sections.items()
    }
    model: type[BaseModel] = create_model("Profile", __config__=ConfigDict(extra="forbid"), **(own | sections))
    schema = model.model_json_schema()
    title = "illgate integration profile"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title, "description": title}


def format_profile_schema(adapters: AdapterRegistry) -> str:
    """Format the schema as it stands in profiles/schema.json."""
    return json.dumps(build_profile_schema(adapters), indent=1, ensure_ascii=False) + "\n"


def _profile_field(name: str) -> FieldInfo:
    return Profile.model_fields[name]
