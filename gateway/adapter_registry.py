"""Finding what plugs into the daemon: entry points in the group `illgate.adapters`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
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

A = TypeVar("A", bound=Adapter)


class AdapterError(Exception):
    """An adapter can't be loaded; the message names its entry point."""


@value_object
class AdapterRegistry:
    """What is plugged in, by name: the words used in `system.type`, as the sections of profiles, as a partner's
    channel."""

    libraries: Mapping[str, LibraryAdapter] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolAdapter] = field(default_factory=dict)
    channels: Mapping[str, ChannelAdapter] = field(default_factory=dict)
    mailers: Mapping[str, MailerAdapter] = field(default_factory=dict)
    mail_formats: Mapping[str, MailFormatAdapter] = field(default_factory=dict)
    mailboxes: Mapping[str, MailboxAdapter] = field(default_factory=dict)
    searches: Mapping[str, SearchAdapter] = field(default_factory=dict)
    links: Mapping[str, LinkAdapter] = field(default_factory=dict)
    article_sources: Mapping[str, ArticleSourceAdapter] = field(default_factory=dict)

    @classmethod
    def from_adapters(cls, *adapters: Adapter) -> AdapterRegistry:
        """Raises AdapterError when two of a kind have the same name, or a section has two models."""
        found = cls(
            _index_by_name(one for one in adapters if isinstance(one, LibraryAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, ProtocolAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, ChannelAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, MailerAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, MailFormatAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, MailboxAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, SearchAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, LinkAdapter)),
            _index_by_name(one for one in adapters if isinstance(one, ArticleSourceAdapter)),
        )
        for section, model, what in found._iter_shared_sections():
            if found.sections[section] is not model:
                raise AdapterError(f"{what}: section '{section}' has another model already")
        return found

    @property
    def sections(self) -> Mapping[str, type[BaseModel]]:
        """Keys in a profile that belong to adapters, and the models of what stands there."""
        found = {name: adapter.dialect for name, adapter in self.protocols.items()}
        for section, model, _ in self._iter_shared_sections():
            found.setdefault(section, model)
        return found

    def _iter_shared_sections(self) -> Iterator[tuple[str, type[BaseModel], str]]:
        """Sections that may be shared: each by those with the same model."""
        for channel in self.channels.values():
            yield channel.section, channel.dialect, f"channel '{channel.name}'"
        for mail_format in self.mail_formats.values():
            yield mail_format.name, mail_format.dialect, f"mail format '{mail_format.name}'"
        for search in self.searches.values():
            yield search.name, search.dialect, f"search '{search.name}'"


class AdaptersOnDemand(Mapping[str, A], Generic[A]):
    """Those of one kind that are installed. One that is asked for by a name which its entry point has too is loaded
    alone: a command that needs the library's system needn't wait for all protocols. All are loaded and compared
    when anything else is asked. Each raises AdapterError where adapters can't be loaded, or don't fit together."""

    def __init__(
        self,
        kind: type[A],
        load_named: Callable[[str], Adapter | None],
        load_all: Callable[[], Mapping[str, A]],
    ) -> None:
        """`load_named` gets the name of an entry point."""
        self._kind = kind
        self._load_named = load_named
        self._load_all = load_all

    def __getitem__(self, name: str) -> A:
        adapter = self._load_named(name)
        return adapter if isinstance(adapter, self._kind) and adapter.name == name else self._load_all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load_all())

    def __len__(self) -> int:
        return len(self._load_all())


def find_adapters() -> AdapterRegistry:
    """All that are installed, each loaded when it is asked for."""
    points = {point.name: point for point in entry_points(group=GROUP)}
    load_all = cache(load_adapters)

    def load_named(name: str) -> Adapter | None:
        return _load_adapter(points[name]) if name in points else None

    return AdapterRegistry(
        AdaptersOnDemand(LibraryAdapter, load_named, lambda: load_all().libraries),
        AdaptersOnDemand(ProtocolAdapter, load_named, lambda: load_all().protocols),
        AdaptersOnDemand(ChannelAdapter, load_named, lambda: load_all().channels),
        AdaptersOnDemand(MailerAdapter, load_named, lambda: load_all().mailers),
        AdaptersOnDemand(MailFormatAdapter, load_named, lambda: load_all().mail_formats),
        AdaptersOnDemand(MailboxAdapter, load_named, lambda: load_all().mailboxes),
        AdaptersOnDemand(SearchAdapter, load_named, lambda: load_all().searches),
        AdaptersOnDemand(LinkAdapter, load_named, lambda: load_all().links),
        AdaptersOnDemand(ArticleSourceAdapter, load_named, lambda: load_all().article_sources),
    )


def load_adapters() -> AdapterRegistry:
    """All that are installed, loaded. Raises AdapterError for the first that can't be."""
    return AdapterRegistry.from_adapters(
        *(_load_adapter(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name))
    )


def _load_adapter(point: EntryPoint) -> Adapter:
    where = f"adapter '{point.name}' ({point.value}, entry point group {GROUP})"
    try:
        adapter = point.load()
    except Exception as error:  # whatever a third party's module raises while it is imported
        raise AdapterError(f"{where} can't be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(adapter, Adapter):
        kinds = ", ".join(kind.__name__ for kind in get_args(Adapter))
        raise AdapterError(f"{where} is a {type(adapter).__name__}, not one of {kinds}")
    return adapter


def _index_by_name(adapters: Iterable[A]) -> dict[str, A]:
    found: dict[str, A] = {}
    for adapter in adapters:
        if adapter.name in found:
            raise AdapterError(f"two adapters are called '{adapter.name}' (entry point group {GROUP})")
        found[adapter.name] = adapter
    return found
