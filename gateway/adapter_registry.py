"""Finding what plugs into the daemon: entry points in the group `illgate.adapters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel

from gateway.domain.value import value_object
from gateway.ports.adapter import (
    Adapter,
    ArticleSourceAdapter,
    ChannelAdapter,
    LibraryAdapter,
    LinkAdapter,
    MailboxAdapter,
    MailerAdapter,
    MailFormatAdapter,
    ProtocolAdapter,
    SearchAdapter,
)

GROUP = "illgate.adapters"

SHIPPED = "adapters."
"""Begins the entry points of our own."""

A = TypeVar("A", bound=Adapter)
V = TypeVar("V")


class AdapterError(Exception):
    """An adapter can't be loaded; the message names its entry point."""


class _ThirdPartyError(AdapterError):
    """The adapter is somebody else's."""


@value_object
class AdapterRegistry:
    """The adapters that are plugged in, by name: the words used in `system.type`, as the sections of profiles, as a
    partner's channel."""

    libraries: Mapping[str, LibraryAdapter] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolAdapter] = field(default_factory=dict)
    channels: Mapping[str, ChannelAdapter] = field(default_factory=dict)
    mailers: Mapping[str, MailerAdapter] = field(default_factory=dict)
    mail_formats: Mapping[str, MailFormatAdapter] = field(default_factory=dict)
    mailboxes: Mapping[str, MailboxAdapter] = field(default_factory=dict)
    searches: Mapping[str, SearchAdapter] = field(default_factory=dict)
    links: Mapping[str, LinkAdapter] = field(default_factory=dict)
    article_sources: Mapping[str, ArticleSourceAdapter] = field(default_factory=dict)
    sections: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """Keys in a profile that belong to adapters, and the models of what stands there."""
    list_broken: Callable[[], tuple[str, ...]] = tuple
    """Of a third party's adapters that can't be used, why, a sentence each: they are not in it, and all else is."""

    @classmethod
    def from_adapters(cls, *adapters: Adapter) -> AdapterRegistry:
        """Make a registry; raises AdapterError when two of a kind have the same name, or a section has two models."""
        found = cls(
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, LibraryAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, ProtocolAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, ChannelAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, MailerAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, MailFormatAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, MailboxAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, SearchAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, LinkAdapter)),
            _index_by_name(adapter for adapter in adapters if isinstance(adapter, ArticleSourceAdapter)),
        )
        return replace(found, sections=_index_sections(found))


class MappingOnDemand(Mapping[str, V], Generic[V]):
    """The parts that adapters bring, by name. One thing is looked for in the adapters alone whose entry points have its
    name: a command that needs the library's system needn't wait for all protocols. All are loaded and compared when
    anything else is asked. Each raises AdapterError where adapters can't be loaded, or don't fit together."""

    def __init__(self, find_named: Callable[[str], V | None], load_all: Callable[[], Mapping[str, V]]) -> None:
        """`find_named`: None where it takes all adapters to find it."""
        self._find_named = find_named
        self._load_all = load_all

    def __getitem__(self, name: str) -> V:
        if not name:
            raise KeyError(name)  # a partner's channel may be none
        found = self._find_named(name)
        return found if found is not None else self._load_all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load_all())

    def __len__(self) -> int:
        return len(self._load_all())


def find_adapters() -> AdapterRegistry:
    """All that are installed, each loaded when it is asked for."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    load_all = cache(load_adapters)

    def load_named(name: str) -> Iterator[Adapter]:
        """Those whose entry points have this name or begin with it: `iso-ill-channel` is of `iso_ill` too."""
        wanted = name.replace("_", "-")
        for point in sorted(points):
            if f"{point.replace('_', '-')}-".startswith(f"{wanted}-"):
                with suppress(_ThirdPartyError):  # as if it weren't there; `list_broken` has it
                    yield _load_adapter(points[point])

    def find_by_kind(kind: type[A], load_of_kind: Callable[[], Mapping[str, A]]) -> Mapping[str, A]:
        def find_adapter(name: str) -> A | None:
            return next((one for one in load_named(name) if isinstance(one, kind) and one.name == name), None)

        return MappingOnDemand(find_adapter, load_of_kind)

    def find_section(name: str) -> type[BaseModel] | None:
        sections = (section for one in load_named(name) for section in _list_sections(one))
        return next((model for section, model in sections if section == name), None)

    return AdapterRegistry(
        find_by_kind(LibraryAdapter, lambda: load_all().libraries),
        find_by_kind(ProtocolAdapter, lambda: load_all().protocols),
        find_by_kind(ChannelAdapter, lambda: load_all().channels),
        find_by_kind(MailerAdapter, lambda: load_all().mailers),
        find_by_kind(MailFormatAdapter, lambda: load_all().mail_formats),
        find_by_kind(MailboxAdapter, lambda: load_all().mailboxes),
        find_by_kind(SearchAdapter, lambda: load_all().searches),
        find_by_kind(LinkAdapter, lambda: load_all().links),
        find_by_kind(ArticleSourceAdapter, lambda: load_all().article_sources),
        MappingOnDemand(find_section, lambda: load_all().sections),
        lambda: load_all().list_broken(),
    )


def load_adapters() -> AdapterRegistry:
    """All that are installed, loaded. Raises AdapterError for the first of ours that can't be: then the installation is
    damaged. One of a third party is left out."""
    points = sorted(entry_points(group=GROUP), key=lambda point: (not _is_shipped(point), point.name))
    loaded: list[Adapter] = []
    broken: list[str] = []
    for point in points:
        try:
            adapter = _load_adapter(point)
            if not _is_shipped(point):
                AdapterRegistry.from_adapters(*loaded, adapter)
        except AdapterError as error:
            if _is_shipped(point):
                raise
            broken.append(str(error))
        else:
            loaded.append(adapter)
    return replace(AdapterRegistry.from_adapters(*loaded), list_broken=lambda: tuple(broken))


def _is_shipped(point: EntryPoint) -> bool:
    return point.value.startswith(SHIPPED)


def _load_adapter(point: EntryPoint) -> Adapter:
    """Load an adapter; raises AdapterError; of a third party's, _ThirdPartyError."""
    where = f"adapter '{point.name}' ({point.value}, entry point group {GROUP})"
    kind_of_error = AdapterError if _is_shipped(point) else _ThirdPartyError
    try:
        adapter = point.load()
    except Exception as error:  # whatever a third party's module raises while it is imported
        raise kind_of_error(f"{where} can't be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(adapter, Adapter):
        kinds = ", ".join(kind.__name__ for kind in get_args(Adapter))
        raise kind_of_error(f"{where} is a {type(adapter).__name__}, not one of {kinds}")
    return adapter


def _index_by_name(adapters: Iterable[A]) -> dict[str, A]:
    found: dict[str, A] = {}
    for adapter in adapters:
        if adapter.name in found:
            raise AdapterError(f"two adapters are called '{adapter.name}' (entry point group {GROUP})")
        found[adapter.name] = adapter
    return found


def _index_sections(registry: AdapterRegistry) -> dict[str, type[BaseModel]]:
    """Sections may be shared by those with the same model. Raises AdapterError."""
    kinds: Mapping[str, Mapping[str, Adapter]] = {
        "protocol": registry.protocols,
        "channel": registry.channels,
        "mail format": registry.mail_formats,
        "search": registry.searches,
    }
    sections: dict[str, type[BaseModel]] = {}
    for kind, adapters in kinds.items():
        for adapter in adapters.values():
            for section, model in _list_sections(adapter):
                if sections.setdefault(section, model) is not model:
                    raise AdapterError(f"{kind} '{adapter.name}': section '{section}' has another model already")
    return sections


def _list_sections(adapter: Adapter) -> tuple[tuple[str, type[BaseModel]], ...]:
    match adapter:
        case ChannelAdapter():
            return ((adapter.section, adapter.dialect),)
        case ProtocolAdapter() | MailFormatAdapter() | SearchAdapter():
            return ((adapter.name, adapter.dialect),)
    return ()
