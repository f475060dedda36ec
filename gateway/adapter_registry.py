"""Finding what plugs into the daemon: entry points in the group `illgate.adapters`."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import TypeVar, get_args

from pydantic import BaseModel

from gateway.domain.value import replace, value_object
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


class AdapterError(Exception):
    """An adapter can't be loaded; the message names its entry point."""


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
    broken: tuple[str, ...] = ()
    """A sentence for each adapter of a third party that can't be used, with the reason: they are not in it, and all
    else is."""

    @classmethod
    def from_adapters(cls, *adapters: Adapter) -> AdapterRegistry:
        """Make a registry; raises AdapterError when two of a kind have the same name, or a section has two models."""
        registry = cls(
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
        return replace(registry, sections=_index_sections(registry))


def list_entry_points() -> EntryPoints:
    """List those of all adapters; one that is installed later into these folders is found by the next process."""
    return _read_entry_points(tuple(sys.path))


@cache
def _read_entry_points(_folders: tuple[str, ...]) -> EntryPoints:
    """Look into all packages that are installed in these folders, which takes 10 ms."""
    return entry_points(group=GROUP)


def load_adapters(names: Collection[str] | None = None) -> AdapterRegistry:
    """Load all that are installed; where `names` are given, of our own those alone that have one of them. Raises
    AdapterError for the first of ours that can't be loaded: then the installation is damaged. One of a third party is
    left out."""
    points = sorted(list_entry_points(), key=lambda point: (not _is_shipped(point), point.name))
    if names is not None:
        points = [point for point in points if not _is_shipped(point) or has_adapter_name(point.name, names)]
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
    return replace(AdapterRegistry.from_adapters(*loaded), broken=tuple(broken))


@value_object
class InstalledAdapter:
    """An adapter as its package brings it. `kind`: library, protocol, channel, mail format …; `package` with its
    version; `problem`: why it can't be loaded, and then `name` is that of its entry point."""

    name: str
    kind: str
    package: str
    problem: str = ""


def list_installed_adapters() -> tuple[InstalledAdapter, ...]:
    """List all by kind and name, those that can't be loaded first."""
    listed = [_describe_adapter(point) for point in list_entry_points()]
    return tuple(sorted(listed, key=lambda adapter: (adapter.kind, adapter.name)))


def _describe_adapter(point: EntryPoint) -> InstalledAdapter:
    package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""
    try:
        adapter = _load_adapter(point)
    except AdapterError as error:
        return InstalledAdapter(point.name, "", package, str(error))
    words = re.findall("[A-Z][a-z]+", type(adapter).__name__.removesuffix("Adapter"))
    return InstalledAdapter(adapter.name, " ".join(words).lower(), package)


def has_adapter_name(point: str, names: Collection[str]) -> bool:
    """Return whether one of our entry points is of an adapter with one of these names: it begins with the name, and
    what kind of adapter it is may follow (`iso-ill-channel`, of `iso_ill`)."""
    return any(f"{point}-".startswith(f"{name.replace('_', '-')}-") for name in names)


def _is_shipped(point: EntryPoint) -> bool:
    return point.value.startswith(SHIPPED)


def _load_adapter(point: EntryPoint) -> Adapter:
    """Load the adapter that an entry point names; raises AdapterError."""
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
    by_name: dict[str, A] = {}
    for adapter in adapters:
        if adapter.name in by_name:
            raise AdapterError(f"two adapters are called '{adapter.name}' (entry point group {GROUP})")
        by_name[adapter.name] = adapter
    return by_name


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
