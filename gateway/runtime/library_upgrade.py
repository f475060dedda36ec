"""Entries of `libraries:` in gateway.yml as folders of libraries, for `illgate upgrade --files`.

Of several libraries each gets `libraries/SHORT/library.yml`, with the lines of its entry. Its rules, its letters and
the files with its secrets go along, unless something else names them too. A library whose file may not name what its
entry names stays in gateway.yml, where entries go on counting.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gateway.configuration.named_resources import iter_resources
from gateway.configuration.yaml_document import YamlDocument, display_path, parse_yaml, read_yaml
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.value import value_object
from gateway.policies import POLICY_FILE
from gateway.profiles.effective import dump_settings, format_yaml
from gateway.runtime.added_libraries import SECRETS_FOLDER
from gateway.runtime.file_changes import FileChange
from gateway.settings import LIBRARIES, LIBRARY_FILE, LibrarySettings, Settings
from gateway.settings.loader import iter_words

_DASH = re.compile(r" *-\s+")
_FILE = "file:"


@value_object
class _MovedName:
    """A value of an entry that names a file or a folder, and the one that it names afterwards."""

    path: KeyPath
    before: str
    after: str

    @property
    def files(self) -> tuple[str, str]:
        return self.before.removeprefix(_FILE), self.after.removeprefix(_FILE)


@value_object
class _MovedLibrary:
    """`first` to `end`: the lines of its entry in gateway.yml, from 0."""

    library: LibrarySettings
    first: int
    end: int
    text: str
    names: tuple[_MovedName, ...]

    @property
    def folder(self) -> str:
        return f"{LIBRARIES}/{self.library.short_name}"


class LibraryUpgrade:
    """`documents`: files besides gateway.yml that may name files. Raises ConfigurationError."""

    def __init__(self, settings: Settings, documents: Iterable[YamlDocument]) -> None:
        self._settings = settings
        self._config = settings.file.absolute()
        self._folder = settings.folder
        self._document = read_yaml(self._config)
        self._lines = self._config.read_bytes().decode().splitlines(keepends=True)
        self._words = [word for document in documents for word in iter_words(document.data)]
        self._staying: dict[str, str] = {}
        self._moved: list[_MovedLibrary] = []

    def plan_changes(self) -> tuple[FileChange, ...]:
        """Plan what is done with each entry. One library alone stays in gateway.yml."""
        moved = self._moved = self._list_moved()
        changes = [change for library in moved for change in self._plan_library(library)]
        for library in self._settings.libraries:
            if reason := self._staying.get(library.short_name):
                changes.append(FileChange(self._config, f"library {library.short_name} stays: {reason}"))
        if moved:
            text = self._write_settings(moved).encode()
            changes.append(FileChange(self._config, "without the libraries that move", {self._config: text}))
        return tuple(changes)

    def keep_entries(self, problems: Iterable[ConfigurationProblem]) -> bool:
        """Let libraries stay in whose files something would be wrong, or all if it would be wrong elsewhere. Return
        whether one stays more."""
        moving = {moved.library.short_name for moved in self._moved}
        for problem in problems:
            file, found = Path(problem.file), f", found {problem.found}" if problem.found else ""
            is_own = file.name == LIBRARY_FILE and file.parent.parent.name == LIBRARIES
            for short in moving & {file.parent.name} if is_own else moving:
                where = "" if is_own else f"{file.name}: "
                self._staying.setdefault(short, f"{where}{problem.message}{found}")
        return not moving.isdisjoint(self._staying)

    def find_differences(self, after: Settings) -> Iterator[ConfigurationProblem]:
        """Find values of settings that would not be as before, and a first library that would be another one."""
        moved = {library.library.symbol: library for library in self._moved}
        dumps = [dump_settings(settings) for settings in (self._settings, after)]
        sections, new_sections = ({k: v for k, v in dump.items() if k != LIBRARIES} for dump in dumps)
        if sections != new_sections:
            yield ConfigurationProblem(str(self._config), 0, (), "other sections would have other values")
        expected, found = ({str(values["symbol"]): values for values in _list_libraries(dump)} for dump in dumps)
        for symbol, values in expected.items():
            library = moved.get(symbol)
            names = library.names if library is not None else ()
            if found.get(symbol) != _change_values({**values, "short": found.get(symbol, {}).get("short")}, names):
                file = self._folder / library.folder / LIBRARY_FILE if library is not None else self._config
                yield ConfigurationProblem(str(file), 0, (), "it would have other values")
        first = self._settings.libraries[0]
        if after.libraries[0].symbol != first.symbol and first.symbol in moved:
            message = "it is the first one, whose currency and email count for all"
            yield ConfigurationProblem(str(self._folder / moved[first.symbol].folder / LIBRARY_FILE), 0, (), message)

    # --- entries ------------------------------------------------------------------------------------------------

    def _list_moved(self) -> list[_MovedLibrary]:
        entries = self._document.data.get(LIBRARIES)
        if not isinstance(entries, list) or len(self._settings.libraries) == 1:
            return []
        moved = []
        for index, entry in enumerate(entries):
            library = self._settings.libraries[index]
            short = library.short_name
            if short in self._staying:
                continue
            lines = self._find_lines(index, len(entries))
            if library.problems:
                self._staying[short] = f"this must be fixed first: {library.problems[0]}"
            elif any(file.is_file() for file in (self._folder / LIBRARIES / short).rglob("*")):
                self._staying[short] = f"there is a folder {LIBRARIES}/{short} with files"
            elif self._config.is_symlink():
                self._staying[short] = "the file is a link"
            elif lines is None:
                self._staying[short] = "its entry doesn't begin with a line `- key: value` of its own"
            else:
                moved.append(self._move_entry(library, index, entry, *lines))
        return moved

    def _find_lines(self, index: int, count: int) -> tuple[int, int] | None:
        """Find the lines of an entry, with comments right above it; None: others share them."""
        places = self._document.places
        begin = places[(LIBRARIES,)].line
        starts = [places[(LIBRARIES, each)].line - 1 for each in range(count)]
        ends = [place.line - 1 for path, place in places.items() if len(path) == 1 and place.line > begin]
        place = places[(LIBRARIES, index)]
        if not _DASH.fullmatch(self._lines[place.line - 1][: place.column - 1]) or len({*starts, begin - 1}) <= count:
            return None
        following = [start for start in starts if start > starts[index]]
        end = min(following or ends or [len(self._lines)])
        if following or ends:
            end = self._skip_comments(end)
        return self._skip_comments(starts[index], begin), end

    def _skip_comments(self, line: int, lowest: int = 0) -> int:
        """The line at which comments begin that stand right above a line."""
        while line > lowest and self._lines[line - 1].lstrip().startswith("#"):
            line -= 1
        return line

    def _move_entry(
        self, library: LibrarySettings, index: int, entry: Mapping[str, object], first: int, end: int
    ) -> _MovedLibrary:
        names = tuple(self._list_moved_names(library, index, entry))
        data = _change_values(entry, names)
        text = self._cut_text(index, first, end, names)
        try:
            is_same = not text.startswith("{") and parse_yaml(text, "").data == data
        except ConfigurationError:
            is_same = False
        return _MovedLibrary(library, first, end, text if is_same else format_yaml(data), names)

    def _cut_text(self, index: int, first: int, end: int, names: tuple[_MovedName, ...]) -> str:
        lines = self._lines[first:end]
        for name in names:
            place = self._document.places[(LIBRARIES, index, *name.path)]
            line = lines[place.line - 1 - first]
            begin, rest = line[: place.column - 1], line[place.column - 1 :]
            lines[place.line - 1 - first] = begin + rest.replace(name.before, name.after, 1)
        place = self._document.places[(LIBRARIES, index)]
        dash, width = place.line - 1 - first, place.column - 1
        lines[dash] = " " * width + lines[dash][width:]
        cut = [line[width:] if not line[:width].strip() and len(line) > width else line.lstrip(" ") for line in lines]
        return "".join(cut).rstrip() + "\n"

    # --- files that go along --------------------------------------------------------------------------------------

    def _list_moved_names(
        self, library: LibrarySettings, index: int, entry: Mapping[str, object]
    ) -> Iterator[_MovedName]:
        """List rules, letters and secrets that the entry names and nobody else does."""
        folder = f"{LIBRARIES}/{library.short_name}"
        wanted: dict[KeyPath, str] = {
            ("requests",): f"{folder}/requests.yml",
            ("letters", "folder"): f"{folder}/letters",
        }
        for resource in iter_resources(library):
            if resource.reference.startswith(_FILE):
                path = tuple(part for part in resource.path if part != "options")
                wanted[path] = f"{folder}/{SECRETS_FOLDER}/{Path(resource.reference).name}"
        others = self._list_words_of_others(index)
        targets: dict[str, str] = {}
        for path, target in wanted.items():
            before = _find_value(entry, path)
            name = before.removeprefix(_FILE) if isinstance(before, str) else ""
            if name and self._can_move(name, others) and targets.setdefault(target, name) == name:
                yield _MovedName(path, str(before), f"{_FILE}{target}" if str(before).startswith(_FILE) else target)

    def _list_words_of_others(self, index: int) -> set[str]:
        """List what all but an entry may name as files, as paths; what ends with * may be any that begin so."""
        entries: list[object] = list(self._document.data[LIBRARIES])  # type: ignore[call-overload]
        sections = {**self._document.data, LIBRARIES: [*entries[:index], *entries[index + 1 :]]}
        others = [each for place, each in enumerate(self._settings.libraries) if place != index]
        names = [*self._words, *iter_words(sections), self._settings.letters.folder, POLICY_FILE]
        names += [name for library in others for name in (library.requests, library.letters.folder)]
        return {os.path.normpath(self._folder / name.removeprefix(_FILE)) for name in names if name}

    def _can_move(self, name: str, others: set[str]) -> bool:
        """Return whether it is a file or folder of the installation, without links, and nobody else's."""
        path = os.path.normpath(self._folder / name)
        is_inside = path.startswith(f"{self._folder}{os.sep}") and os.path.realpath(path) == os.path.join(
            os.path.realpath(self._folder), os.path.relpath(path, self._folder)
        )
        inner = list(Path(path).rglob("*"))
        if not is_inside or not os.path.exists(path) or any(file.is_symlink() for file in inner):
            return False
        return not any(
            other == path
            or other.startswith(f"{path}{os.sep}")
            or (other.endswith("*") and path.startswith(other[:-1]))
            for other in others
        )

    # --- changes --------------------------------------------------------------------------------------------------

    def _plan_library(self, moved: _MovedLibrary) -> Iterator[FileChange]:
        target = self._folder / moved.folder / LIBRARY_FILE
        sentence = f"library {moved.library.short_name} moves to {display_path(target)}"
        yield FileChange(self._config, sentence, {target: moved.text.encode()})
        for before, after in sorted({name.files for name in moved.names}):
            source = self._folder / before
            for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
                if file.is_file():
                    new = self._folder / after / file.relative_to(source) if source.is_dir() else self._folder / after
                    texts = {new: file.read_bytes(), file: None}
                    yield FileChange(file, f"moved to {display_path(new)}", texts)

    def _write_settings(self, moved: list[_MovedLibrary]) -> str:
        gone = {line for library in moved for line in range(library.first, library.end)}
        entries = self._document.data[LIBRARIES]
        if isinstance(entries, list) and len(entries) == len(moved):
            gone.add(self._document.places[(LIBRARIES,)].line - 1)
        return "".join(line for number, line in enumerate(self._lines) if number not in gone)


def _list_libraries(dump: Mapping[str, object]) -> list[dict[str, object]]:
    libraries = dump[LIBRARIES]
    assert isinstance(libraries, list)
    return libraries


def _find_value(entry: object, path: KeyPath) -> object:
    for key in path:
        if isinstance(entry, Mapping):
            entry = entry.get(key)
        elif isinstance(entry, list) and isinstance(key, int):
            entry = entry[key]
        else:
            return None
    return entry


def _change_values(values: Mapping[str, object], names: Iterable[_MovedName]) -> dict[str, object]:
    """The values with other names at their paths; the given ones stay as they are."""

    def change(value: object, path: KeyPath) -> object:
        if path in changed:
            return changed[path]
        if isinstance(value, Mapping):
            return {key: change(inner, (*path, key)) for key, inner in value.items()}
        return (
            [change(inner, (*path, place)) for place, inner in enumerate(value)] if isinstance(value, list) else value
        )

    changed = {name.path: name.after for name in names}
    return {key: change(value, (key,)) for key, value in values.items()}
