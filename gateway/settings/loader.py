"""gateway.yml read from its file, with the sections that belong to adapters, and checked as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel

from gateway.adapter_registry import AdapterRegistry
from gateway.configuration import yaml_document
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, nearest_match
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.sentences import mark_template
from gateway.domain.value import replace
from gateway.ports.adapter import LibraryAdapter, NestedSystem
from gateway.settings.article_lookup import UNKNOWN_SERVICE, find_service_mistakes
from gateway.settings.library_brand import read_logo
from gateway.settings.library_documents import LIBRARIES, add_libraries, check_ownership, find_own_file
from gateway.settings.sections import LibrarySettings, Settings, SystemSettings


def load_settings(file: Path, adapters: AdapterRegistry) -> Settings:
    """Load the settings; raises ConfigurationError with everything that is wrong in them. Of several libraries those
    whose own sections are wrong are held back, each alone (`LibrarySettings.problems`)."""
    return settings_of_document(read_settings_file(file), file, adapters)


def read_settings_file(file: Path, drafts: Mapping[Path, str] = MappingProxyType({})) -> YamlDocument:
    """Read the file, and those of libraries that have a folder. `drafts`: texts of libraries' files that aren't written
    yet. Raises ConfigurationError."""
    if not file.exists():
        hint = "no such file; `illgate init DIR` writes one, --config or ILLGATE_CONFIG names another"
        raise ConfigurationError([ConfigurationProblem(yaml_document.display_path(file), 0, (), hint)])
    return add_libraries(yaml_document.read_yaml(file), file.parent / LIBRARIES, drafts)


def find_adapter_names(document: YamlDocument) -> frozenset[str]:
    """Find the names of all adapters that settings have to do with, among other words of their sections."""
    sections = [document.data.get(key) for key in ("libraries", "tcp", "article_lookup")]
    return frozenset((SystemSettings().type, *iter_words(sections)))


def iter_words(value: object) -> Iterator[str]:
    """Iterate over all texts among values of a document, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from iter_words(inner)


def settings_of_document(document: YamlDocument, file: Path, adapters: AdapterRegistry) -> Settings:
    """Make settings as `load_settings` does, of a document that was read already."""
    try:
        faults = _group_by_library(document, document.problems)
        settings = _make_settings(_drop_faults(document, faults), file, adapters, faults)
    except ConfigurationError as error:
        faults = _group_by_library(document, (*document.problems, *error.problems))
        settings = _make_settings(_drop_faults(document, faults), file, adapters, faults)
    settings._document = document
    for index, problems in faults.items():
        settings.libraries[index].hold_back(problems)
    return settings


def _group_by_library(
    document: YamlDocument, problems: Sequence[ConfigurationProblem]
) -> Mapping[int, tuple[ConfigurationProblem, ...]]:
    """Group by the library's place in the list. Raises ConfigurationError with all of them where not all are a
    library's own, or none would be left. Who a library is must be known, so a wrong symbol is everybody's, unless the
    library has a folder, whose name stands in for it (`document.problems`)."""
    libraries = document.data.get(LIBRARIES)
    faults: dict[int, tuple[ConfigurationProblem, ...]] = {}
    for problem in problems:
        section, index, key = (*problem.path, "", "", "")[:3]
        is_known = problem in document.problems or key not in ("", "symbol")
        if section != LIBRARIES or not isinstance(index, int) or not is_known:
            raise ConfigurationError(_keep_first_of_each(problems))
        faults[index] = (*faults.get(index, ()), problem)
    if problems and not (isinstance(libraries, list) and len(faults) < len(libraries)):
        raise ConfigurationError(_keep_first_of_each(problems))
    return faults


def _keep_first_of_each(problems: Sequence[ConfigurationProblem]) -> Iterator[ConfigurationProblem]:
    """Each problem once: a default is the same line of gateway.yml for all libraries."""
    return iter({str(problem): problem for problem in reversed(problems)}.values())


def _drop_faults(document: YamlDocument, faults: Mapping[int, tuple[ConfigurationProblem, ...]]) -> YamlDocument:
    """The document without the keys of libraries in which something is wrong; each library keeps its place."""
    if not faults:
        return document
    libraries: list[object] = list(document.data[LIBRARIES])  # type: ignore[call-overload]
    for index, problems in faults.items():
        wrong = {problem.path[2] for problem in problems if len(problem.path) > 2 and problem.path[2] != "symbol"}
        libraries[index] = {key: value for key, value in libraries[index].items() if key not in wrong}  # type: ignore[attr-defined]
    return replace(document, data={**document.data, LIBRARIES: libraries})


def _make_settings(
    document: YamlDocument, file: Path, adapters: AdapterRegistry, held_back: Collection[int] = ()
) -> Settings:
    """Make settings; nobody looks at the systems of libraries at the places `held_back`. Raises ConfigurationError."""
    systems = _SystemSections(document, adapters, held_back)
    problems: list[ConfigurationProblem] = list(systems.problems)
    try:
        settings = validate_section(Settings, systems.drop_options())
    except ConfigurationError as error:
        raise ConfigurationError([*error.problems, *problems]) from error
    settings = settings.model_copy(update={"libraries": systems.restore_options(settings.libraries)})
    settings._file, settings._document = file, document
    for index, library in enumerate(settings.libraries):
        if (own := find_own_file(document, index)) is not None:
            library.live_in(f"{LIBRARIES}/{Path(own).parent.name}")
    problems += [*_check_across_sections(settings, adapters), *check_ownership(settings), *_read_logos(settings)]
    if problems:
        raise ConfigurationError(problems)
    return settings


class _SystemSections:
    """The sections `libraries[].system`, whose keys but `type` belong to the adapter that `type` names."""

    def __init__(self, document: YamlDocument, adapters: AdapterRegistry, held_back: Collection[int]) -> None:
        self._document = document
        self._adapters = adapters.libraries
        self.problems: list[ConfigurationProblem] = []
        self._options: dict[int, BaseModel] = {}
        libraries = document.data.get("libraries", [{}])
        for index, library in enumerate(libraries if isinstance(libraries, list) else []):
            system = library.get("system", {}) if isinstance(library, dict) else None
            if isinstance(system, dict) and index not in held_back:
                self._read_system(index, system)

    def _read_system(self, index: int, system: dict[str, object]) -> None:
        options = self._read_options(("libraries", index, "system"), system)
        if options is not None:
            self._options[index] = options

    def _read_options(self, path: KeyPath, system: dict[str, object]) -> BaseModel | None:
        """None: something is wrong with them, which is among the problems or will be said of the section as a whole."""
        name = system.get("type", SystemSettings().type)
        adapter = self._adapters.get(name) if isinstance(name, str) else None
        if adapter is None:
            if isinstance(name, str):
                known = tuple(self._adapters)
                near = nearest_match(name, known)
                self.problems.append(
                    self._document.make_problem(
                        (*path, "type"), mark_template("no such adapter"), f"'{name}'", known, near
                    )
                )
            return None
        nested = self._read_nested(adapter, path, system)
        try:
            options = self._validate_options(adapter, path, system)
        except ConfigurationError as error:
            self.problems += error.problems
            return None
        return options.model_copy(update=nested) if nested else options

    def _read_nested(
        self, adapter: LibraryAdapter, path: KeyPath, system: dict[str, object]
    ) -> dict[str, NestedSystem]:
        """The sections of other systems within that of this adapter, by key."""
        systems = {}
        for key in adapter.nested:
            section = system.get(key)
            if isinstance(section, dict) and isinstance(section.get("type"), str):
                systems[key] = NestedSystem(type=section["type"], options=self._read_options((*path, key), section))
        return systems

    def _validate_options(self, adapter: LibraryAdapter, path: KeyPath, system: dict[str, object]) -> BaseModel:
        options = {
            key: _keep_type(value) if key in adapter.nested else value for key, value in system.items() if key != "type"
        }
        return validate_section(adapter.options, _document_at_path(self._document, path, options), path)

    def drop_options(self) -> YamlDocument:
        """The document as `Settings` knows it."""
        data = dict(self._document.data)
        libraries = data.get("libraries")
        if isinstance(libraries, list):
            data["libraries"] = [_keep_only_type(library) for library in libraries]
        return replace(self._document, data=data)

    def restore_options(self, libraries: tuple[LibrarySettings, ...]) -> tuple[LibrarySettings, ...]:
        return tuple(
            library.model_copy(update={"system": library.system.model_copy(update={"options": options})})
            if (options := self._options.get(index))
            else library
            for index, library in enumerate(libraries)
        )


def _keep_only_type(library: object) -> object:
    if not isinstance(library, dict) or not isinstance(system := library.get("system"), dict):
        return library
    return {**library, "system": _keep_type(system)}


def _keep_type(section: object) -> object:
    """Keep the type, without the keys that belong to the adapter."""
    return {key: value for key, value in section.items() if key == "type"} if isinstance(section, dict) else section


def _document_at_path(document: YamlDocument, path: KeyPath, value: dict[str, object]) -> YamlDocument:
    """A document in which this value stands at this path, for the sake of its places."""
    inner: object = value
    for part in reversed(path):
        inner = {part: inner}
    return YamlDocument(document.file, inner, document.places, document.texts)  # type: ignore[arg-type]


def _check_across_sections(settings: Settings, adapters: AdapterRegistry) -> list[ConfigurationProblem]:
    problems: list[ConfigurationProblem] = []
    names: set[str] = set()
    for index, library in enumerate(settings.libraries):
        symbol, short = library.symbol.casefold(), library.short_name
        if symbol in names:
            problems.append(
                settings.make_problem(("libraries", index, "symbol"), mark_template("is listed twice"), library.symbol)
            )
        elif short in names:
            key = "short" if library.short else "symbol"
            message = f"another library is called '{short}' too; give one of them a name of its own by `short`"
            problems.append(settings.make_problem(("libraries", index, key), message))
        names |= {symbol, short}
        if library.staff.oidc.issuer and not settings.http.public_url:
            path = ("libraries", index, "staff", "oidc", "issuer")
            problems.append(settings.make_problem(path, "needs http.public_url, where staff come back"))
    if all(library.state == "closed" for library in settings.libraries):
        problems.append(settings.make_problem(("libraries", 0, "state"), "one library at least is not closed"))
    addresses: set[tuple[str, int]] = {(settings.http.host, settings.http.port)}
    for index, listener in enumerate(settings.tcp):
        address = (listener.host, listener.port)
        if listener.port and address in addresses:
            problems.append(settings.make_problem(("tcp", index, "port"), f"port {listener.port} is listened on twice"))
        addresses.add(address)
        if listener.protocol not in adapters.protocols:
            protocols = tuple(adapters.protocols)
            problems.append(
                settings.make_problem(
                    ("tcp", index, "protocol"), mark_template("no such adapter"), listener.protocol, protocols
                )
            )
        elif not listener.profile and not adapters.protocols[listener.protocol].for_all:
            message = f"a listener for {listener.protocol} needs a profile"
            problems.append(settings.make_problem(("tcp", index, "profile"), message))
    return [*problems, *_check_article_sources(settings, adapters)]


def _read_logos(settings: Settings) -> Iterator[ConfigurationProblem]:
    for index, library in enumerate(settings.libraries):
        if not (name := library.brand.logo):
            continue
        folders = [settings.letters_folder, *([settings.folder / library.folder] if library.folder else [])]
        try:
            library.take_logo(read_logo(settings.folder / name, folders))
        except (OSError, ValueError) as error:
            message = f"can't be read: {error.strerror}" if isinstance(error, OSError) else str(error)
            yield settings.make_problem((LIBRARIES, index, "brand", "logo"), message, name)


def _check_article_sources(settings: Settings, adapters: AdapterRegistry) -> list[ConfigurationProblem]:
    source_adapters = adapters.article_sources
    return [
        settings.make_problem(
            ("article_lookup", *path), message, name, tuple(source_adapters) if message == UNKNOWN_SERVICE else ()
        )
        for path, name, message in find_service_mistakes(settings.article_lookup, source_adapters)
    ]
