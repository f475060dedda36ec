"""Profile files to profiles: inheritance, protocol sections, JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration import yaml_document
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, keep_only_keys, merge_documents, nearest_match
from gateway.domain.circulation_policy import ManagedRole
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.profiles import checks
from gateway.profiles.profile_set import LoadedProfile, ProfileSet
from gateway.settings import Settings

OWN = frozenset({"name", "description", "extends", "abstract", "match", "examples"})
"""Keys that say who a profile is: a profile that extends another doesn't take these over."""

KEYS = tuple(name for name in Profile.model_fields if name != "dialects")

FILE = "schema.json"
MODELINE = "# yaml-language-server: $schema=schema.json"
"""First line of a profile's file, by which editors find the schema."""


@value_object
class ProfileLoadResult:
    """The result of reading a folder: the profiles that are whole, and everything that is wrong."""

    profiles: ProfileSet
    problems: tuple[ConfigurationProblem, ...]


def load_profiles(folder: FilePath, adapters: AdapterRegistry, settings: Settings) -> ProfileSet:
    """All profiles of a folder. Raises ConfigurationError with everything that is wrong in any of them."""
    loading = read_profiles(folder, adapters, settings)
    if loading.problems:
        raise ConfigurationError(loading.problems)
    return loading.profiles


def read_profiles(folder: FilePath, adapters: AdapterRegistry, settings: Settings) -> ProfileLoadResult:
    """Read as `load_profiles` does, but what is whole is there even if other profiles have problems."""
    return _read_and_check(folder, adapters, settings, {})


def read_profiles_with_fallback(
    folder: FilePath, adapters: AdapterRegistry, settings: Settings, before: ProfileSet
) -> ProfileLoadResult:
    """The files as they are, with what is wrong in them; a profile whose file is wrong is as it was `before`, or left
    out where it wasn't there. So is one that doesn't fit together with these. If nothing fits, all is as before."""
    result = _read_and_check(folder, adapters, settings, {})
    problems, held_back = result.problems, dict[str, YamlDocument | None]()
    while wrong := {FilePath(problem.file).stem for problem in result.problems} - held_back.keys():
        held_back |= {name: before.own_documents.get(name) for name in wrong}
        result = _read_and_check(folder, adapters, settings, held_back)
    return ProfileLoadResult(before if result.problems else result.profiles, problems)


def read_profiles_with_draft(
    folder: FilePath, name: str, text: str, adapters: AdapterRegistry, settings: Settings
) -> ProfileLoadResult:
    """Read as `read_profiles` does, with this text in the place of a profile's file, or as one more."""
    return _read_and_check(folder, adapters, settings, {}, {name: text})


def _read_and_check(
    folder: FilePath,
    adapters: AdapterRegistry,
    settings: Settings,
    instead: Mapping[str, YamlDocument | None],
    drafts: Mapping[str, str] | None = None,
) -> ProfileLoadResult:
    """`instead`: what counts in the place of a file, by the profile's name; None: nothing. `drafts`: what is read and
    checked in the place of a file."""
    reader = _ProfileFolderReader(adapters, instead, drafts or {})
    loaded = reader.read_folder(folder)
    problems = [
        *reader.problems,
        *checks.check_profiles_together(loaded, settings),
        *checks.check_path_rules(loaded, settings),
        *checks.check_listeners(loaded, settings),
    ]
    problems += checks.check_partners(loaded, adapters.channels)
    problems += checks.check_locate_policies(loaded, adapters.searches)
    for loaded_profile in loaded.values():
        problems += checks.check_profile(loaded_profile.profile, loaded_profile.document, settings)
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))
    return ProfileLoadResult(ProfileSet(loaded, reader.own_documents), tuple(unique))


class _ProfileFolderReader:
    """`own_documents`: what each file says by itself, by the profile's name."""

    def __init__(
        self, adapters: AdapterRegistry, instead: Mapping[str, YamlDocument | None], drafts: Mapping[str, str]
    ) -> None:
        self._instead = instead
        self._drafts = drafts
        self._sections = adapters.sections
        self.own_documents: dict[str, YamlDocument] = {}
        self._whole: dict[str, YamlDocument] = {}
        self.problems: list[ConfigurationProblem] = []

    def read_folder(self, folder: FilePath) -> dict[str, LoadedProfile]:
        self._sections = dict(self._sections)  # all adapters: together their profiles need most of them
        files = self._list_profile_files(folder)
        files |= {name: folder / f"{name}.yml" for name in self._drafts}
        for name, file in files.items():
            self._read_file(name, file)
        loaded = {}
        for name in self.own_documents:
            document = self._resolve_parents(name, ())
            profile = self._build_profile(document, self._sections) if document else None
            if document and profile:
                loaded[name] = LoadedProfile(profile, document, files[name])
        return loaded

    def _list_profile_files(self, folder: FilePath) -> dict[str, FilePath]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self.problems.append(
                ConfigurationProblem(
                    yaml_document.display_path(folder), 0, (), f"can't be read: {error.strerror or error}"
                )
            )
            return {}
        for entry in entries:
            if entry.suffix == ".yaml":
                self.problems.append(
                    ConfigurationProblem(yaml_document.display_path(entry), 0, (), "a profile's file ends in .yml")
                )
        return {entry.stem: entry for entry in entries if entry.suffix == ".yml" and not entry.name.startswith(".")}

    def _read_file(self, name: str, file: FilePath) -> None:
        if name in self._instead:
            if (document := self._instead[name]) is not None:
                self.own_documents[name] = document
            return
        try:
            draft = self._drafts.get(name)
            document = (
                yaml_document.read_yaml(file)
                if draft is None
                else yaml_document.parse_yaml(draft, yaml_document.display_path(file))
            )
        except ConfigurationError as error:
            self.problems += error.problems
            return
        written = document.data.setdefault("name", name)
        if written != name:
            self.problems.append(document.make_problem(("name",), "must be the file's name", f"'{written}'", (name,)))
        elif unknown := self._find_unknown_keys(document):
            self.problems += unknown
        else:
            for key, value in document.data.items():
                if value is None and self._is_section(key):
                    document.data[key] = {}  # `ncip:` alone is the plain protocol
            self.own_documents[name] = document

    def _find_unknown_keys(self, document: YamlDocument) -> list[ConfigurationProblem]:
        unknown = [key for key in document.data if key not in KEYS and not self._is_section(key)]
        known = (*KEYS, *self._sections) if unknown else ()
        return [document.make_problem((key,), "unknown key", "", known, nearest_match(key, known)) for key in unknown]

    def _is_section(self, key: str) -> bool:
        return key not in KEYS and key in self._sections

    def _resolve_parents(self, name: str, below: tuple[str, ...]) -> YamlDocument | None:
        """The document with all that it extends; None if that can't be had (the problem is noted)."""
        if name in self._whole:
            return self._whole[name]
        document = self.own_documents[name]
        parent = document.data.get("extends")
        if parent is None:
            whole: YamlDocument | None = document
        elif not isinstance(parent, str) or parent not in self.own_documents:
            self._report_missing_parent(document, str(parent))
            return None
        elif parent in (*below, name):
            chain = " -> ".join((*below, name, parent))
            self.problems.append(document.make_problem(("extends",), f"goes in a circle: {chain}"))
            return None
        else:
            base = self._resolve_parents(parent, (*below, name))
            whole = merge_documents(_drop_own_keys(base), document) if base else None
        if whole:
            self._whole[name] = whole
        return whole

    def _report_missing_parent(self, document: YamlDocument, parent: str) -> None:
        if any(FilePath(problem.file).stem == parent for problem in self.problems):
            return  # it is there, but broken: that is said already
        known = tuple(self.own_documents)
        near = nearest_match(parent, known)
        self.problems.append(document.make_problem(("extends",), "no such profile", f"'{parent}'", known, near))

    def _build_profile(self, document: YamlDocument, keys: Iterable[str]) -> Profile | None:
        """`keys`: where its sections are looked for; the profile has them in this order."""
        problems: list[ConfigurationProblem] = []
        dialects: dict[str, BaseModel] = {}
        for key in keys:
            if key in document.data and self._is_section(key):
                try:
                    dialects[key] = validate_section(self._sections[key], document, (key,))
                except ConfigurationError as error:
                    problems += error.problems
        data = {key: value for key, value in document.data.items() if key in KEYS}
        plain = YamlDocument(document.file, data, document.places, document.texts)
        profile = None
        try:
            profile = validate_section(Profile, plain)
        except ConfigurationError as error:
            problems += error.problems
        self.problems += problems
        if profile is None or problems:
            return None
        changed: dict[str, object] = {"dialects": dialects}
        if self._only_brings_requests(profile):
            changed["partner"] = None
        return profile.model_copy(update=changed)

    def _only_brings_requests(self, profile: Profile) -> bool:
        """Return whether it is a system of our own that tells what patrons want, and no library: what it extends is
        about partners, its own file isn't."""
        partner = profile.partner
        brings = profile.circulation.requests.managed is ManagedRole.BORROWING
        return brings and partner is not None and not partner.symbols and "partner" not in self._find_own(profile.name)

    def _find_own(self, name: str) -> Mapping[str, object]:
        return self.own_documents[name].data if name in self.own_documents else {}


def _drop_own_keys(base: YamlDocument) -> YamlDocument:
    return keep_only_keys(base, frozenset(base.data) - OWN)


def build_profile_schema(adapters: AdapterRegistry) -> dict[str, Any]:
    own: dict[str, Any] = {name: (_profile_field(name).annotation, _profile_field(name)) for name in KEYS}
    own["name"] = (str | None, FieldInfo(default=None, description="the file's name; may be left out"))
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
