"""Files of an installation of an earlier state in the layout of this one: `illgate upgrade --files`.

Each file in `profiles/` was a dialect and somebody who may send messages. Here partners are in `partners/`, dialects of
the program are not copied, and `profiles/` has dialects of the installation's own (docs/decisions/0048). Libraries have
folders (gateway.runtime.library_upgrade). The result is read before anything is written: each partner and each library
has all its values as before, and nothing is wrong that was not.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration.yaml_document import YamlDocument, display_path
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.policies import PolicyLoadResult, read_policies
from gateway.profiles import LoadedProfile, ProfileLoadResult, read_profiles
from gateway.profiles.effective import dump_profile
from gateway.profiles.loader import OWN, make_modeline
from gateway.profiles.shipped import find_shipped_folder, is_as_shipped
from gateway.runtime.file_changes import FileChange
from gateway.runtime.library_upgrade import LibraryUpgrade
from gateway.settings import Settings, load_settings
from gateway.settings.loader import iter_words

NOT_COMPARED = ("description", "examples", "library")
"""What an unchanged copy says for itself alone, and that a partner names its only library."""


class FileUpgrade:
    """The plan for one installation. `document`: gateway.yml; `profiles`, `policies`: as they were read; `used`: names
    of the profiles that the journal has messages of."""

    def __init__(
        self,
        settings: Settings,
        document: YamlDocument,
        adapters: AdapterRegistry,
        profiles: ProfileLoadResult,
        policies: PolicyLoadResult,
        used: frozenset[str],
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._before = profiles
        self._policies = policies
        self._documents = profiles.profiles.own_documents
        self._used = used
        self._named = [document, *(policy.document for policy in policies.policies)]
        self._folder = settings.profiles_folder
        self._partners = settings.partners_folder
        self._held_back = {library.symbol for library in settings.libraries if library.problems}
        documents = (*self._documents.values(), *(policy.document for policy in policies.policies))
        self._libraries = LibraryUpgrade(settings, documents)

    def plan_changes(self) -> tuple[FileChange, ...]:
        """Plan what is done with each file and each library. One that would not be as before, or in which something is
        wrong, stays. Raises ConfigurationError for what would be wrong elsewhere."""
        staying: dict[str, str] = {}
        while True:
            changes, libraries = tuple(self._plan_files(staying)), self._libraries.plan_changes()
            problems = self._find_new_problems(changes, libraries)
            changed = {change.file.stem for change in changes if change.texts}
            if elsewhere := [problem for problem in problems if Path(problem.file).stem not in changed]:
                if self._libraries.keep_entries(elsewhere):
                    continue
                raise ConfigurationError(elsewhere)
            if not problems:
                return (*changes, *libraries)
            staying |= {Path(problem.file).stem: problem.message for problem in problems}

    def _plan_files(self, staying: Mapping[str, str]) -> Iterator[FileChange]:
        wrong = {Path(problem.file).name: problem for problem in self._before.problems}
        for file in sorted(self._folder.glob("*.yml")):
            name, is_copy = file.stem, is_as_shipped(file.stem, file)
            if file.is_symlink():
                yield FileChange(file, "stays: it is a link")
            elif file.name in wrong and not is_copy:
                yield FileChange(file, f"stays until this is fixed: {wrong[file.name]}")
            elif name in staying:
                yield FileChange(file, f"stays: {staying[name]}")
            elif is_copy:
                yield self._plan_copy(file)
            else:
                yield self._plan_own_file(file)
        for schema in sorted((find_shipped_folder() / "profiles").glob("*.json")):
            file, text = self._folder / schema.name, schema.read_bytes()
            if file.is_file() and file.read_bytes() != text:
                yield FileChange(file, "is that of this release, for editors", {file: text})

    def _plan_copy(self, file: Path) -> FileChange:
        """Plan for an unchanged copy of a shipped profile."""
        loaded, target = self._find_living(file), self._partners / file.name
        if loaded is None:
            return FileChange(file, "removed: an unchanged copy, in use by itself for nobody", {file: None})
        if not self._is_used(loaded.profile):
            sentence = "removed: an unchanged copy, without messages in the journal and named in no file"
            return FileChange(file, sentence, {file: None})
        sentence = f"an unchanged copy, in use: {display_path(target)} extends what the program has"
        return FileChange(file, sentence, {target: self._write_extending(file, target), file: None})

    def _plan_own_file(self, file: Path) -> FileChange:
        target = self._partners / file.name
        if self._find_living(file) is None:
            return FileChange(file, "stays: a profile to be extended")
        if children := self._list_children(file.stem):
            return FileChange(file, f"stays, as a partner too: it is extended by {', '.join(children)}")
        text = _adapt_modeline(file.read_bytes(), make_modeline(target, self._folder))
        return FileChange(file, f"moved to {display_path(target)}", {target: text, file: None})

    def _find_living(self, file: Path) -> LoadedProfile | None:
        loaded = self._before.profiles.loaded.get(file.stem)
        return loaded if loaded is not None and loaded.file == file and not loaded.profile.abstract else None

    def _is_used(self, profile: Profile) -> bool:
        """Return whether it has messages or is named, or may be searched, which leaves no trace."""
        is_catalogue = not self._adapters.searches.keys().isdisjoint(profile.dialects)
        return is_catalogue or profile.name in self._used or self._is_named(profile.name)

    def _is_named(self, name: str) -> bool:
        """Return whether a file names it, but for its own and for those that extend it."""
        own = [document for key, document in self._documents.items() if key != f"profiles/{name}"]
        sections = [
            value for document in (*self._named, *own) for key, value in document.data.items() if key not in OWN
        ]
        return name in iter_words(sections)

    def _list_children(self, name: str) -> list[str]:
        extending = (key for key, document in self._documents.items() if document.data.get("extends") == name)
        return sorted({key.partition("/")[2] for key in extending} - {name})

    def _write_extending(self, file: Path, target: Path) -> bytes:
        """A partner with what a file that extends another does not take over."""
        document = self._documents[f"profiles/{file.stem}"]
        lines = [make_modeline(target, self._folder), f"extends: {file.stem}"]
        source = file.read_text("utf-8").splitlines()
        for key in ("description", "match"):
            lines += _cut_lines(source, document, key)
        return ("\n".join(lines) + "\n").encode()

    # --- the result, before it is written -----------------------------------------------------------------------

    def _find_new_problems(
        self, changes: tuple[FileChange, ...], libraries: tuple[FileChange, ...]
    ) -> list[ConfigurationProblem]:
        """Find what would be wrong and is not, and partners and libraries that would not be as before."""
        with TemporaryDirectory(prefix="illgate-upgrade-") as folder:
            try:
                settings = self._read_settings(Path(folder), libraries)
            except ConfigurationError as error:
                return list(error.problems)
            after, policies = self._read_result(Path(folder), changes, settings)
        known = {_identify_problem(problem) for problem in (*self._before.problems, *self._policies.problems)}
        new = [problem for problem in (*after.problems, *policies.problems) if _identify_problem(problem) not in known]
        is_moving = settings is not self._settings
        served = (library for library in settings.libraries if library.symbol not in self._held_back)
        new += [problem for library in served for problem in library.problems]
        removed = {change.file.stem for change in changes if not any(change.texts.values())}
        names = self._before.profiles.loaded if is_moving else {change.file.stem for change in changes}
        for name in names:
            before, entry = self._before.profiles.loaded.get(name), after.profiles.loaded.get(name)
            if before is None or (entry is None and name in removed):
                continue
            if entry is None or _dump_versions(before) != _dump_versions(entry):
                new.append(ConfigurationProblem(str(before.file), 0, (), "as a partner it would have other values"))
        if not new and is_moving:
            new += self._libraries.find_differences(settings)
        return new

    def _read_settings(self, folder: Path, libraries: tuple[FileChange, ...]) -> Settings:
        """The settings as they would be, read in a copy of the installation whose other files are links. Raises
        ConfigurationError."""
        texts = {file: text for change in libraries for file, text in change.texts.items()}
        if not texts:
            return self._settings
        source, target = self._settings.folder, folder / "installation"
        _link_files(source, target, {file.relative_to(source) for file in texts})
        for file, text in texts.items():
            if text is not None:
                copy = target / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(text)
        return load_settings(target / self._settings.file.name, self._adapters)

    def _read_result(
        self, folder: Path, changes: tuple[FileChange, ...], settings: Settings
    ) -> tuple[ProfileLoadResult, PolicyLoadResult]:
        places = {self._folder: folder / "profiles", self._partners: folder / "partners"}
        for source, place in places.items():
            place.mkdir()
            for file in source.glob("*.yml"):
                shutil.copy(file, place)
        for change in changes:
            for file, text in change.texts.items():
                target = places[file.parent] / file.name
                if text is not None:
                    target.write_bytes(text)
                else:
                    target.unlink()
        named = {"folder": str(places[self._folder]), "partners": str(places[self._partners])}
        settings = settings.model_copy(update={"profiles": settings.profiles.model_copy(update=named)})
        profiles = read_profiles(places[self._folder], self._adapters, settings)
        return profiles, read_policies(settings, profiles.profiles)


def _link_files(source: Path, target: Path, left_out: Collection[Path]) -> None:
    """Make a folder with links to what is in another one, but for files that are left out, by their names in it."""
    target.mkdir()
    for file in source.iterdir():
        inner = {path.relative_to(file.name) for path in left_out if path.parts[0] == file.name}
        if not inner:
            (target / file.name).symlink_to(file)
        elif file.is_dir():
            _link_files(file, target / file.name, inner)


def _identify_problem(problem: ConfigurationProblem) -> tuple[object, ...]:
    """Identify a problem, wherever its file is."""
    return Path(problem.file).name, problem.path, problem.message, problem.found


def _dump_versions(loaded: LoadedProfile) -> list[dict[str, object]]:
    dumps = [dump_profile(version) for version in loaded.versions]
    return [{key: value for key, value in dump.items() if key not in NOT_COMPARED} for dump in dumps]


def _cut_lines(source: list[str], document: YamlDocument, key: str) -> list[str]:
    """Cut the lines of a key at the top out of the file's; empty: it isn't there."""
    if (key,) not in document.places:
        return []
    starts = sorted(place.line for path, place in document.places.items() if len(path) == 1)
    begin = document.places[(key,)].line
    end = next((line for line in starts if line > begin), len(source) + 1)
    return [line for line in source[begin - 1 : end - 1] if line.strip()]


def _adapt_modeline(text: bytes, modeline: str) -> bytes:
    """Let the first line name the schema from the new folder, where it names one."""
    first, end, rest = text.partition(b"\n")
    return modeline.encode() + end + rest if first.startswith(b"# yaml-language-server:") else text
