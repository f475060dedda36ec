"""A partner's file for each library that it is `for`: what `each` changes there, and `{library}` filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.configuration.yaml_document import YamlDocument, cut_section, merge_documents, nearest_match
from gateway.domain.problems import ConfigurationProblem, KeyPath
from gateway.domain.value import replace, value_object
from gateway.settings import LibrarySettings, Settings
from gateway.settings.placeholders import PlaceholderFilling

ALL = "all"

SCOPE_KEYS = ("for", "each")
"""Keys of a partner's file alone."""

SHARED_KEYS = frozenset({"name", "extends", "abstract", "library", "match", "examples", *SCOPE_KEYS})
"""Keys that say who the partner is, and so are the same for all its libraries; so are `partner.symbols`."""


IDENTITY_KEYS = ("auth", "match", "for", "max_bytes", "peer_authentication.theirs", "partner.symbols")
"""Keys of a shared partner that say whom we let in as it, and so aren't a library's to change in its own folder."""


@value_object
class PartnerScope:
    """The libraries that a partner's file is for, and what is wrong with that. `each`: by symbol, what the file says of
    one library."""

    libraries: tuple[LibrarySettings, ...]
    each: Mapping[str, YamlDocument]
    problems: tuple[ConfigurationProblem, ...]


def read_scope(
    document: YamlDocument, settings: Settings, groups: Mapping[str, tuple[LibrarySettings, ...]]
) -> PartnerScope:
    """Read `for`, `each` and `library` (one library, as profiles have it) of a partner's own file. `groups`: their
    libraries, by name."""
    problems: list[ConfigurationProblem] = []
    named = {library.symbol: library for library in _read_libraries(document, settings, groups, problems)}
    libraries = tuple(named.values())
    each = dict(read_each(document, ("each",), libraries, settings, problems))
    return PartnerScope(libraries, each, tuple(problems))


def _read_libraries(
    document: YamlDocument,
    settings: Settings,
    groups: Mapping[str, tuple[LibrarySettings, ...]],
    problems: list[ConfigurationProblem],
) -> Iterator[LibrarySettings]:
    key = "library" if "library" in document.data else "for"
    value = document.data.get(key, ALL)
    if "library" in document.data and "for" in document.data:
        problems.append(document.make_problem(("library",), "`for` says it already"))
    names: list[object] = value if isinstance(value, list) else [value]
    if value == ALL:
        yield from settings.libraries
    elif not names:
        problems.append(document.make_problem((key,), "names no library; a file for nobody is better taken away"))
    for index, name in enumerate(names if value != ALL else ()):
        path: KeyPath = (key, index) if isinstance(value, list) else (key,)
        library = find_library(str(name), settings)
        if library is not None:
            yield library
        elif name in groups:
            yield from groups[str(name)]
        else:
            known = (ALL, *(entry.short_name for entry in settings.libraries), *groups)
            message = "no such library or group" if groups else "no such library"
            near = nearest_match(str(name), known)
            problems.append(document.make_problem(path, message, f"'{name}'", known, near))


def read_each(
    document: YamlDocument,
    path: KeyPath,
    libraries: tuple[LibrarySettings, ...],
    settings: Settings,
    problems: list[ConfigurationProblem],
    objection: str = "this partner is not for it",
) -> Iterator[tuple[str, YamlDocument]]:
    """Read a section of what differs for each library, of a partner's file or of a group. `objection`: to a library
    that isn't among `libraries`."""
    section: object = document.data
    for key in path:
        section = section.get(key, {}) if isinstance(section, dict) else section
    if not isinstance(section, dict):
        problems.append(document.make_problem(path, "expected a library in each line, with what differs for it"))
        return
    known = tuple(library.short_name for library in libraries)
    for name, changes in section.items():
        library = find_library(name, settings)
        if library is None or library.short_name not in known:
            message = "no such library" if library is None else objection
            near = nearest_match(name, known)
            problems.append(document.make_problem((*path, name), message, f"'{name}'", known, near))
        elif not isinstance(changes, dict):
            problems.append(document.make_problem((*path, name), "expected `key: value` lines"))
        else:
            message = "says who the partner is, which is the same for all its libraries"
            shared = find_shared_keys((*path, name), changes)
            problems += (document.make_problem(shared_path, message) for shared_path in shared)
            yield library.symbol, cut_section(document, (*path, name))


def find_shared_keys(path: KeyPath, changes: Mapping[str, object]) -> Iterator[KeyPath]:
    """Find keys that say who a partner is, among changes at a path."""
    for key in changes.keys() & SHARED_KEYS:
        yield (*path, key)
    partner = changes.get("partner")
    if isinstance(partner, dict) and "symbols" in partner:
        yield (*path, "partner", "symbols")


def check_differences(own: YamlDocument, shared: YamlDocument) -> Iterator[ConfigurationProblem]:
    """Check what a library's own file changes of a shared partner."""
    theirs = own.data.get("peer_authentication")
    paths: list[KeyPath] = [(key,) for key in ("auth", "max_bytes") if key in own.data]
    paths += find_shared_keys((), {key: value for key, value in own.data.items() if key != "name"})
    paths += [("peer_authentication", "theirs")] if isinstance(theirs, dict) and "theirs" in theirs else []
    for path in paths:
        message = f"belongs to {shared.file}; a library may set all but {', '.join(IDENTITY_KEYS)}"
        yield own.make_problem(path, message)


def find_library(name: str, settings: Settings) -> LibrarySettings | None:
    """Find a library by its symbol or short name, without case."""
    return next((library for library in settings.libraries if library.is_called(name)), None)


def document_of_library(
    whole: YamlDocument, scope: PartnerScope, library: LibrarySettings, problems: list[ConfigurationProblem]
) -> YamlDocument:
    """The document as it counts for one library; the same object where nothing is special for it."""
    changes = scope.each.get(library.symbol)
    document = merge_documents(whole, changes) if changes is not None else whole
    filling = PlaceholderFilling(library, document, problems)
    data = filling.fill_value(document.data, ())
    return document if data is document.data else replace(document, data=data)  # type: ignore[arg-type]
