"""groups.yml: libraries and partners under common terms, and libraries that lend to each other (`mesh`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, TypeVar

from pydantic import Field

from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import (
    SourcePosition,
    YamlDocument,
    cut_section,
    merge_documents,
    nearest_match,
)
from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, KeyPath
from gateway.domain.requests.partner_policy import Term
from gateway.domain.requests.request import ServiceType
from gateway.domain.value import replace, value_object
from gateway.profiles.partner_versions import ALL, SHARED_KEYS, find_library, find_shared_keys, read_each
from gateway.settings import LibrarySettings, Settings

MESH_CHANNEL = "loopback"
"""The channel between libraries of one installation."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_PARTNER = "{partner}"
_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class SourceMembers(ProfileSection):
    source: str = Field(min_length=1, description="name of a source in `directory.sources` of gateway.yml")


class GroupSettings(ProfileSection):
    members: str | tuple[str, ...] | SourceMembers = Field(
        description="all (libraries), or names of libraries and partners; or the entries of a directory: {source: NAME}"
    )
    mesh: bool = Field(False, description="its libraries are partners of each other, without a file for each pair")
    reciprocal: bool = Field(
        False, description="a term of price 0 counts only for libraries that lend that service themselves"
    )
    terms: tuple[Term, ...] = Field((), description="what its members agree on; the first that fits a request counts")
    partner: dict[str, Any] = Field(
        {},
        description="values of a partner's file that all members have, before those of their own files; {partner} in "
        "texts is the member's name",
    )
    each: dict[str, dict[str, Any]] = Field(
        {}, description="library of the mesh -> values that its partners in the mesh have for it alone"
    )


@value_object
class Group:
    """`libraries` and `partners`: its members, in their order; `symbols`: of the libraries. `values`: its section
    `partner`; `each`: by symbol, what differs for a library of the mesh."""

    name: str
    settings: GroupSettings
    document: YamlDocument = field(repr=False)
    libraries: tuple[LibrarySettings, ...]
    partners: tuple[str, ...]
    values: YamlDocument = field(repr=False)
    symbols: frozenset[str] = frozenset()
    each: Mapping[str, YamlDocument] = field(default_factory=dict, repr=False)

    @property
    def source(self) -> str:
        """The source of the directory whose entries are its members; empty: it names its members itself."""
        members = self.settings.members
        return members.source if isinstance(members, SourceMembers) else ""

    @property
    def meshed_libraries(self) -> tuple[LibrarySettings, ...]:
        return tuple(library for library in self.libraries if is_in_mesh(library)) if self.settings.mesh else ()

    @property
    def member_names(self) -> tuple[str, ...]:
        """The names of its members as partners have them."""
        return (*(library.short_name for library in self.meshed_libraries), *self.partners)

    def list_terms(self, library: LibrarySettings) -> list[tuple[int, dict[str, object]]]:
        """List the terms that count for one of its libraries, each with its place in the file."""
        written: Any = self.document.data[self.name]
        terms = []
        for index, term in enumerate(self.settings.terms):
            data = {**written["terms"][index], "group": self.name}
            if self.settings.reciprocal and term.price == 0:
                lent = [service for service in list_lent_services(library) if term.service in (None, service)]
                data |= {"service": lent[0].value} if len(lent) == 1 else {}
                if not lent:
                    continue
            terms.append((index, data))
        return terms


def is_in_mesh(library: LibrarySettings) -> bool:
    """Return whether a library is a partner of others where a group has a mesh; a closed one is nobody's."""
    return library.mesh and library.state != "closed"


def list_lent_services(library: LibrarySettings) -> tuple[ServiceType, ...]:
    """List what a library lends to the others of its groups; while it is being closed, nothing more."""
    return _LENT[library.lends] if library.takes_requests else ()


_LENT = {
    "all": (ServiceType.LOAN, ServiceType.COPY),
    "loans": (ServiceType.LOAN,),
    "copies": (ServiceType.COPY,),
    "off": (),
}

_VALUES_OF_MESH = frozenset({"circulation", "partner"})
"""Keys of a group's `partner` that count for members of a mesh, too: these have no address of any protocol."""


class Groups:
    """All groups, by name in the order of the file. Never changed."""

    def __init__(self, by_name: Mapping[str, Group] | None = None) -> None:
        self.by_name = dict(by_name or {})
        self._of_partner: dict[str, list[Group]] = {}
        for group in self.by_name.values():
            for name in group.member_names:
                self._of_partner.setdefault(name, []).append(group)

    @property
    def libraries(self) -> Mapping[str, tuple[LibrarySettings, ...]]:
        return {name: group.libraries for name, group in self.by_name.items()}

    def add_values(self, name: str, base: YamlDocument) -> YamlDocument:
        """The document of a partner with the values of its groups over it."""
        for group in self._of_partner.get(name, ()):
            kept = group.values.data
            if name not in group.partners:
                kept = {key: value for key, value in kept.items() if key in _VALUES_OF_MESH}
            kept = {key: _fill_name(value, name) for key, value in kept.items()}
            if kept:
                base = replace(merge_documents(base, replace(group.values, data=kept)), file=base.file)
        return base

    @property
    def each(self) -> Mapping[str, YamlDocument]:
        """Return what differs for libraries in meshes, by symbol."""
        changes: dict[str, YamlDocument] = {}
        for group in self.by_name.values():
            for symbol, own in group.each.items():
                changes[symbol] = merge_documents(changes[symbol], own) if symbol in changes else own
        return changes

    def list_shared(self, name: str, library: LibrarySettings) -> tuple[Group, ...]:
        """List the groups with terms to which both a partner and a library belong."""
        groups = self._of_partner.get(name, ())
        return tuple(group for group in groups if group.settings.terms and library.symbol in group.symbols)

    def add_terms(self, document: YamlDocument, groups: Iterable[Group], library: LibrarySettings) -> YamlDocument:
        """The document of a partner with the terms of groups that it shares with a library, before its own."""
        partner = document.data.get("partner")
        pairs = [(group, index, term) for group in groups for index, term in group.list_terms(library)]
        own: Any = partner.get("terms") or [] if isinstance(partner, dict) else None
        if not isinstance(partner, dict) or not isinstance(own, list) or not pairs:
            return document
        sources = [(group.document, (group.name, "terms", index)) for group, index, _ in pairs]
        sources += [(document, ("partner", "terms", index)) for index in range(len(own))]
        terms = [*(term for _, _, term in pairs), *own]
        return replace(
            document,
            data={**document.data, "partner": {**partner, "terms": terms}},
            places=_put_items(document.places, [(source.places, path) for source, path in sources]),
            texts=_put_items(document.texts, [(source.texts, path) for source, path in sources]),
        )


def _fill_name(value: Any, name: str) -> Any:
    """Put the partner's name in the place of {partner}, in texts at any depth."""
    match value:
        case str():
            return value.replace(_PARTNER, name)
        case dict():
            return {key: _fill_name(inner, name) for key, inner in value.items()}
        case list():
            return [_fill_name(inner, name) for inner in value]
    return value


V = TypeVar("V")


def _put_items(values: Mapping[KeyPath, V], sources: Sequence[tuple[Mapping[KeyPath, V], KeyPath]]) -> dict[KeyPath, V]:
    """The places or texts of a document whose list `partner.terms` has these items, each from where it was said."""
    terms: KeyPath = ("partner", "terms")
    result = {path: value for path, value in values.items() if path[:2] != terms or len(path) == 2}
    for index, (source, item) in enumerate(sources):
        result |= {(*terms, index, *path[3:]): value for path, value in source.items() if path[:3] == item}
    return result


def describe_member(library: LibrarySettings, group: Group, settings: Settings) -> YamlDocument:
    """The document of a library as a partner of the others, of what settings say of it. What no file says is the
    business of the line that makes the mesh."""
    lent = list_lent_services(library)
    partner: dict[str, object] = {
        "symbols": [library.symbol, *library.symbols],
        "name": library.name,
        "channel": MESH_CHANNEL,
        "address": library.info.address,
        "phone": library.phone,
        "roles": ["supplier", "requester"] if lent else ["requester"],
        "services": [service.value for service in lent] if len(lent) == 1 else [],
    }
    if _MAIL_ADDRESS.fullmatch(library.email):
        partner["email"] = library.email
    index = settings.libraries.index(library)
    places: dict[KeyPath, SourcePosition] = {
        ("partner", key): settings.document.find_position(("libraries", index, _SOURCES.get(key, key)))
        for key in partner
    }
    places[()] = group.document.find_position((group.name, "mesh"))
    return YamlDocument(places[()].file, {"name": library.short_name, MESH_CHANNEL: {}, "partner": partner}, places)


_SOURCES = {"symbols": "symbol", "roles": "lends", "services": "lends"}
"""Keys of a library's settings by those of a partner that come from them."""


def read_groups(
    document: YamlDocument,
    settings: Settings,
    partners: Collection[str],
    problems: list[ConfigurationProblem],
    entries: Mapping[str, Collection[str]],
) -> Groups:
    """Read all groups; one in which something is wrong is left out. `partners`: names of the files of partners;
    `entries`: those of each source of the directory."""
    groups: dict[str, Group] = {}
    for name in document.data:
        own: list[ConfigurationProblem] = list(_check_name(document, name, settings, partners))
        try:
            section = validate_section(GroupSettings, document, (name,))
        except ConfigurationError as error:
            problems += [*own, *error.problems]
            continue
        who = "says who a partner is, and so stands in the partner's own file"
        own += (document.make_problem(path, who) for path in find_shared_keys((name, "partner"), section.partner))
        libraries, outside = _read_members(document, name, section, settings, partners, own, entries)
        meshed = tuple(library for library in libraries if is_in_mesh(library)) if section.mesh else ()
        each = dict(
            read_each(document, (name, "each"), meshed, settings, own, "it has no part in a mesh of this group")
        )
        own += _check_values_of_mesh(document, name, section)
        problems += own
        if not own:
            values = cut_section(document, (name, "partner"))
            symbols = frozenset(library.symbol for library in libraries)
            groups[name] = Group(name, section, document, libraries, outside, values, symbols, each)
    return Groups(groups)


def _check_values_of_mesh(document: YamlDocument, name: str, section: GroupSettings) -> Iterator[ConfigurationProblem]:
    known = tuple(sorted(_VALUES_OF_MESH))
    for library, changes in section.each.items():
        for key in sorted(changes.keys() - _VALUES_OF_MESH - SHARED_KEYS):
            message = "does not apply to a library of a mesh"
            yield document.make_problem((name, "each", library, key), message, "", known, nearest_match(key, known))


def _check_name(
    document: YamlDocument, name: str, settings: Settings, partners: Collection[str]
) -> Iterator[ConfigurationProblem]:
    if not _NAME.fullmatch(name):
        yield document.make_problem((name,), "a group's name has lower-case letters, digits and . _ - only")
    elif name == ALL or name in partners or find_library(name, settings) is not None:
        what = "all libraries are" if name == ALL else "a partner is" if name in partners else "a library is"
        yield document.make_problem((name,), f"{what} called so; give the group another name")


def _read_members(
    document: YamlDocument,
    name: str,
    section: GroupSettings,
    settings: Settings,
    partners: Collection[str],
    problems: list[ConfigurationProblem],
    entries: Mapping[str, Collection[str]],
) -> tuple[tuple[LibrarySettings, ...], tuple[str, ...]]:
    libraries: dict[str, LibrarySettings] = {}
    outside: list[str] = []
    named = section.members
    if named == ALL:
        return settings.libraries, ()
    if isinstance(named, SourceMembers):
        if named.source not in entries:
            near = nearest_match(named.source, entries)
            path: KeyPath = (name, "members", "source")
            message = "no such source in `directory.sources` of gateway.yml"
            problems.append(document.make_problem(path, message, f"'{named.source}'", tuple(entries), near))
        return (), tuple(entries.get(named.source, ()))
    for index, member in enumerate((named,) if isinstance(named, str) else named):
        path = (name, "members") if isinstance(named, str) else (name, "members", index)
        library = find_library(member, settings)
        if (library.symbol if library is not None else member) in {*libraries, *outside}:
            problems.append(document.make_problem(path, "stands twice", f"'{member}'"))
        elif library is not None:
            libraries[library.symbol] = library
        elif member in partners:
            outside.append(member)
        else:
            known = (ALL, *(entry.short_name for entry in settings.libraries), *partners)
            near = nearest_match(member, known)
            problems.append(document.make_problem(path, "no such library or partner", f"'{member}'", known, near))
    return tuple(libraries.values()), tuple(outside)
