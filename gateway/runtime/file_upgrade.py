"""Files of an installation of an earlier state in the layout of this one: `illgate upgrade --files`.

Each file in `profiles/` was a dialect and somebody who may send messages. Here partners are in `partners/`, dialects of
the program are not copied, and `profiles/` has dialects of the installation's own (docs/decisions/0048). The result is
read before anything is written: each partner has all its values as before, and nothing is wrong that was not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration.file_replacement import read_bytes, write_beside
from gateway.configuration.yaml_document import YamlDocument, display_path
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from gateway.domain.value import value_object
from gateway.policies import PolicyLoadResult, read_policies
from gateway.profiles import LoadedProfile, ProfileLoadResult, read_profiles
from gateway.profiles.effective import dump_profile
from gateway.profiles.loader import OWN, make_modeline
from gateway.profiles.shipped import find_shipped_folder, is_as_shipped
from gateway.settings import Settings
from gateway.settings.loader import iter_words

COPY_PREFIX = "files-before-upgrade-"
UNDONE_PREFIX = "files-before-undo-"

NOT_COMPARED = ("description", "examples", "library")
"""What an unchanged copy says for itself alone, and that a partner names its only library."""


@value_object
class FileChange:
    """What is done with a file. `texts`: what files hold afterwards, None: nothing, they are removed; none: the file
    stays."""

    file: Path
    sentence: str
    texts: Mapping[Path, bytes | None] = field(default_factory=dict, repr=False)


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

    def plan_changes(self) -> tuple[FileChange, ...]:
        """Plan what is done with each file. One that would not be as before, or in which something is wrong, stays.
        Raises ConfigurationError for what would be wrong elsewhere."""
        staying: dict[str, str] = {}
        while True:
            changes = tuple(self._plan_files(staying))
            problems = self._find_new_problems(changes)
            changed = {change.file.stem for change in changes if change.texts}
            if elsewhere := [problem for problem in problems if Path(problem.file).stem not in changed]:
                raise ConfigurationError(elsewhere)
            if not problems:
                return changes
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

    def _find_new_problems(self, changes: tuple[FileChange, ...]) -> list[ConfigurationProblem]:
        """Find what would be wrong and is not, and partners that would not be as before."""
        with TemporaryDirectory(prefix="illgate-upgrade-") as folder:
            after, policies = self._read_result(Path(folder), changes)
        known = {_identify_problem(problem) for problem in (*self._before.problems, *self._policies.problems)}
        new = [problem for problem in (*after.problems, *policies.problems) if _identify_problem(problem) not in known]
        for change in changes:
            name = change.file.stem
            before, entry = self._before.profiles.loaded.get(name), after.profiles.loaded.get(name)
            if before is None or (change.file == before.file and not any(change.texts.values())):
                continue
            if entry is None or _dump_versions(before) != _dump_versions(entry):
                new.append(ConfigurationProblem(str(change.file), 0, (), "as a partner it would have other values"))
        return new

    def _read_result(self, folder: Path, changes: tuple[FileChange, ...]) -> tuple[ProfileLoadResult, PolicyLoadResult]:
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
        settings = self._settings.model_copy(update={"profiles": self._settings.profiles.model_copy(update=named)})
        profiles = read_profiles(places[self._folder], self._adapters, settings)
        return profiles, read_policies(settings, profiles.profiles)


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


# --- writing ---------------------------------------------------------------------------------------------------


def copy_files(settings: Settings, prefix: str, now: datetime) -> Path:
    """Copy profiles and partners beside gateway.yml, and return the copy. Raises OSError."""
    copy = settings.folder / f"{prefix}{now:%Y%m%dT%H%M%SZ}"
    copy.mkdir(mode=0o700)
    for name, folder in _name_folders(settings).items():
        if folder.is_dir():
            shutil.copytree(folder, copy / name)
    return copy


def find_copy(settings: Settings) -> Path | None:
    """Find the newest copy from before an upgrade."""
    return max(settings.folder.glob(f"{COPY_PREFIX}*"), default=None)


def plan_way_back(settings: Settings, copy: Path) -> tuple[FileChange, ...]:
    """Plan how the files become those of the copy."""
    changes = []
    for name, folder in _name_folders(settings).items():
        there, then = _read_folder(folder), _read_folder(copy / name)
        for file in sorted(there.keys() | then.keys()):
            if there.get(file) != then.get(file):
                sentence = "removed" if file not in then else "as it was" if file in there else "is there again"
                changes.append(FileChange(folder / file, sentence, {folder / file: then.get(file)}))
    return tuple(changes)


def apply_changes(settings: Settings, changes: tuple[FileChange, ...]) -> None:
    """Write what is new, then remove what is gone: a daemon that reads in between finds each partner once, since one
    goes before a profile of its name. Raises OSError, FileChangedError, FileNotReplaceableError."""
    if not settings.partners_folder.exists():
        settings.partners_folder.mkdir()
        shutil.copymode(settings.profiles_folder, settings.partners_folder)
    texts = [(change, file, text) for change in changes for file, text in change.texts.items()]
    for change, file, text in texts:
        if text is not None:
            waiting = write_beside(file, read_bytes(file), text)
            if change.file.exists():
                waiting.waiting.chmod(change.file.stat().st_mode & 0o7777)
            waiting.replace_file()
            waiting.remove_waiting_file()
    for _, file, text in texts:
        if text is None:
            file.unlink()


def _name_folders(settings: Settings) -> Mapping[str, Path]:
    return {"profiles": settings.profiles_folder, "partners": settings.partners_folder}


def _read_folder(folder: Path) -> Mapping[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} if folder.is_dir() else {}
