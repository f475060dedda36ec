"""The settings of each library: its entry in gateway.yml or its folder, over the `defaults` of all, with placeholders
filled in; secrets and files that its own file may name."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.configuration import yaml_document
from gateway.configuration.named_resources import iter_resources
from gateway.configuration.yaml_document import SourcePosition, YamlDocument, cut_section, merge_documents
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.sentences import mark_template
from gateway.domain.value import replace
from gateway.settings.placeholders import PlaceholderFilling
from gateway.settings.sections import SYMBOL_PATTERN, LibrarySettings, Settings, SystemSettings

LIBRARIES = "libraries"
"""The key in gateway.yml, and the folder beside it."""

LIBRARY_FILE = "library.yml"

DEFAULTS = "defaults"

IDENTITY_KEYS = ("symbol", "short", "symbols")
"""Keys that say which library it is: no default, and no placeholder in them."""

_NAMES = ("name", "email")
"""Keys whose values may be filled in elsewhere, and so are filled in first."""

NO_SYMBOL = mark_template("must name its library, such as ISIL:US-AAA")

_WRITTEN_SYMBOL = re.compile(r"^symbol:[ \t]*[\"']?([A-Za-z0-9][A-Za-z0-9:._-]*)[\"']?[ \t\r]*(?:#.*)?$", re.MULTILINE)


def add_libraries(document: YamlDocument, folder: Path, drafts: Mapping[Path, str]) -> YamlDocument:
    """The document of gateway.yml with all that counts for each library in `libraries`: an entry more for each folder
    that has a library.yml, by name, and the defaults in each. Each value keeps its own file and line. What is wrong
    with one library alone is among the document's `problems`. `drafts`: texts of files that aren't written yet. Raises
    ConfigurationError."""
    files = sorted({*folder.glob(f"*/{LIBRARY_FILE}"), *drafts})
    if not files and LIBRARIES not in document.data:
        return document  # the library of a demonstration, which has nothing of theirs
    written = document.data.get(LIBRARIES, [])
    defaults = document.data.get(DEFAULTS, {})
    if not isinstance(written, list) or not isinstance(defaults, dict):
        return document  # wrong as a whole
    if wrong := [key for key in IDENTITY_KEYS if key in defaults]:
        message = "says which library it is: no default for all"
        raise ConfigurationError([document.make_problem((DEFAULTS, key), message) for key in wrong])
    adding = _AddedLibraries(document)
    for index, entry in enumerate(written):
        adding.add_library(cut_section(document, (LIBRARIES, index)) if isinstance(entry, dict) else entry)
    for file in files:
        adding.add_library(adding.read_file(file, drafts.get(file)))
    data = {**document.data, LIBRARIES: adding.entries}
    return replace(document, data=data, places=adding.places, texts=adding.texts, problems=tuple(adding.problems))


def find_own_file(document: YamlDocument, index: int) -> str | None:
    """Find the file of the library at this place of the list; None: it is an entry of gateway.yml."""
    place = document.places.get((LIBRARIES, index))
    return place.file if place is not None and place.path == () else None


class _AddedLibraries:
    def __init__(self, document: YamlDocument) -> None:
        self.entries: list[object] = []
        self.places: dict[KeyPath, SourcePosition] = dict(document.places)
        self.texts: dict[KeyPath, str] = dict(document.texts)
        self.problems: list[ConfigurationProblem] = []
        section = cut_section(document, (DEFAULTS,))
        places = {
            path: place._replace(path=(DEFAULTS, *path), is_default=True) for path, place in section.places.items()
        }
        self._defaults = replace(section, places=places)

    def read_file(self, file: Path, draft: str | None) -> YamlDocument:
        """Read a library's file; where it can't be read, what must be known of a library that is held back."""
        own = _find_own_files(file.parent)
        try:
            read = yaml_document.read_yaml(file) if draft is None else yaml_document.parse_yaml(draft, own.file)
        except ConfigurationError as error:
            self.problems += (self._relocate(problem) for problem in error.problems)
            return merge_documents(own, YamlDocument(own.file, {"symbol": _find_written_symbol(file)}))
        places = {path: place._replace(path=path) for path, place in read.places.items()}
        read = replace(read, places={(): SourcePosition(own.file, 1, path=())} | places)
        symbol = read.data.get("symbol")
        if not (isinstance(symbol, str) and re.match(SYMBOL_PATTERN, symbol)) and ("symbol",) not in read.texts:
            message = NO_SYMBOL if symbol is None else mark_template("is not a symbol")
            self.problems.append(self._relocate(read.make_problem(("symbol",), message)))
            read = replace(read, data={**read.data, "symbol": file.parent.name})
        return merge_documents(own, read)

    def _relocate(self, problem: ConfigurationProblem) -> ConfigurationProblem:
        """The problem of the library that is added next."""
        path = problem.path if problem.path_in_file is None else problem.path_in_file
        return replace(problem, path=(LIBRARIES, len(self.entries), *problem.path), path_in_file=path)

    def add_library(self, own: YamlDocument | object) -> None:
        index = len(self.entries)
        path: KeyPath = (LIBRARIES, index)
        if not isinstance(own, YamlDocument):
            self.entries.append(own)
            return
        whole = merge_documents(_choose_defaults(self._defaults, own), own)
        places = {(*path, *key): place for key, place in whole.places.items()}
        document = YamlDocument(whole.file, {}, {**places})
        self.entries.append(self._fill_placeholders(whole.data, path, document))
        self.places |= places
        self.texts |= {(*path, *key): text for key, text in whole.texts.items()}

    def _fill_placeholders(self, data: dict[str, object], path: KeyPath, document: YamlDocument) -> dict[str, object]:
        """`document`: for the sake of its places. Of a library whose symbol is wrong nothing is filled in."""
        if not isinstance(data.get("symbol", ""), str):
            return data
        before = _make_library(data)
        first = PlaceholderFilling(before, document, self.problems)
        named = {key: first.fill_value(data[key], (*path, key)) for key in _NAMES if key in data}
        filling = PlaceholderFilling(_make_library({**data, **named}), document, self.problems)
        rest = {key: value for key, value in data.items() if key not in (*IDENTITY_KEYS, *_NAMES)}
        filled = {key: filling.fill_value(value, (*path, key)) for key, value in rest.items()}
        return {**data, **named, **filled}


def _make_library(data: Mapping[str, object]) -> LibrarySettings:
    """Make the library that placeholders know, of values that nobody has checked yet."""
    texts = {key: value for key in ("symbol", "short", *_NAMES) if isinstance(value := data.get(key), str)}
    known = {key: text for key, text in texts.items() if "{library" not in text}
    symbols = data.get("symbols")
    further = tuple(symbol for symbol in symbols if isinstance(symbol, str)) if isinstance(symbols, list) else ()
    return LibrarySettings.model_construct(**{"name": "", **known, "symbols": further})  # type: ignore[arg-type]


def _choose_defaults(defaults: YamlDocument, own: YamlDocument) -> YamlDocument:
    """The defaults without those of a system of another type: its keys mean nothing to this one."""
    system, usual = own.data.get("system"), defaults.data.get("system")
    if not isinstance(usual, dict) or not isinstance(system, dict) or "type" not in system:
        return defaults
    if system["type"] == usual.get("type", SystemSettings().type):
        return defaults
    return yaml_document.drop_keys(defaults, frozenset({"system"}))


def _find_own_files(folder: Path) -> YamlDocument:
    """Find what a library's folder says by itself: its short name, and its own rules and letters."""
    found: dict[str, object] = {"short": folder.name}
    if (folder / "requests.yml").is_file():
        found["requests"] = f"{LIBRARIES}/{folder.name}/requests.yml"
    if (folder / "letters").is_dir():
        found["letters"] = {"folder": f"{LIBRARIES}/{folder.name}/letters"}
    file = yaml_document.display_path(folder / LIBRARY_FILE)
    return YamlDocument(file, found, {(): SourcePosition(file, 1, path=())})


def _find_written_symbol(file: Path) -> str:
    """Find the symbol in a file that is no YAML, or else the name of the folder: the place of a library that is held
    back must not become another's."""
    try:
        with file.open("rb") as stream:
            text = stream.read(yaml_document.MAX_BYTES).decode(errors="replace")
    except OSError:
        return file.parent.name
    match = _WRITTEN_SYMBOL.search(text)
    return match.group(1) if match else file.parent.name


def check_ownership(settings: Settings) -> Iterator[ConfigurationProblem]:
    """Check libraries that have a folder: each value of their own file that names a secret or a file. The office may
    name any. Whoever writes a library's file could else have another library's secret, or the gateway's own, sent to an
    address of its choice."""
    names: dict[str, LibrarySettings] = {}
    for index, library in enumerate(settings.libraries):
        if not library.folder:
            continue
        begin = f"{library.environment_name}_"
        for other, owner in names.items():
            if begin.startswith(other) or other.startswith(begin):
                message = f"names of variables would begin as those of library {owner.symbol} do ({other}…)"
                yield settings.make_problem((LIBRARIES, index, "short"), message, library.short_name)
        names[begin] = library
        for resource in iter_resources(library):
            path = _find_path_in_document(index, resource.path)
            yield from _check_resource(settings, library, path, resource.reference)
        for number, pattern in enumerate(library.secrets):
            yield from _check_resource(settings, library, (LIBRARIES, index, "secrets", number), pattern)


def _find_path_in_document(index: int, path: KeyPath) -> KeyPath:
    """A system's options are beside its type in the file."""
    return (LIBRARIES, index, *(part for part in path if part != "options"))


def _check_resource(
    settings: Settings, library: LibrarySettings, path: KeyPath, reference: str
) -> Iterator[ConfigurationProblem]:
    """`reference`: also a pattern with * at its end."""
    if settings.document.find_position(path).is_default:
        return  # the office's
    kind, _, name = reference.partition(":")
    if kind == "env":
        is_own = name.startswith(f"{library.environment_name}_")
    else:
        folder = os.path.realpath(settings.folder / library.folder)
        fixed = name.rpartition("/")[0] if name.endswith("*") else name  # `lib01*` is lib012, too
        is_own = f"{os.path.realpath(settings.folder / fixed)}{os.sep}".startswith(f"{folder}{os.sep}")
    if not is_own:
        message = mark_template("the file of a library may name its own secrets and files alone")
        yield settings.make_problem(path, message, reference, library.own_resources)
