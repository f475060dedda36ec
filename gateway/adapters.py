"""Finding what plugs into the daemon: entry points in the group `illgate.adapters`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from pydantic import BaseModel

from gateway.domain.frozen import frozen
from gateway.ports.adapter import Adapter, ChannelAdapter, LibraryAdapter, MailerAdapter, ProtocolAdapter

GROUP = "illgate.adapters"

A = TypeVar("A", bound=Adapter)


class AdapterError(Exception):
    """An adapter can't be loaded; the message names its entry point."""


@frozen
class Adapters:
    """What is plugged in, by name: the words used in `system.type`, as the sections of profiles, as a partner's
    channel."""

    libraries: Mapping[str, LibraryAdapter] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolAdapter] = field(default_factory=dict)
    channels: Mapping[str, ChannelAdapter] = field(default_factory=dict)
    mailers: Mapping[str, MailerAdapter] = field(default_factory=dict)

    @classmethod
    def of(cls, *adapters: Adapter) -> Adapters:
        """Raises AdapterError when two of a kind have the same name, or a section has two models."""
        found = cls(
            _by_name(one for one in adapters if isinstance(one, LibraryAdapter)),
            _by_name(one for one in adapters if isinstance(one, ProtocolAdapter)),
            _by_name(one for one in adapters if isinstance(one, ChannelAdapter)),
            _by_name(one for one in adapters if isinstance(one, MailerAdapter)),
        )
        for channel in found.channels.values():
            if found.sections[channel.section] is not channel.dialect:
                raise AdapterError(f"channel '{channel.name}': section '{channel.section}' has another model already")
        return found

    @property
    def sections(self) -> Mapping[str, type[BaseModel]]:
        """Keys in a profile that belong to adapters, and the models of what stands there."""
        found = {name: adapter.dialect for name, adapter in self.protocols.items()}
        for channel in self.channels.values():
            found.setdefault(channel.section, channel.dialect)
        return found


def load_adapters() -> Adapters:
    """All that are installed. Raises AdapterError for the first that can't be loaded."""
    return Adapters.of(*(_load(point) for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)))


def _load(point: EntryPoint) -> Adapter:
    where = f"adapter '{point.name}' ({point.value}, entry point group {GROUP})"
    try:
        adapter = point.load()
    except Exception as error:  # whatever a third party's module raises while it is imported
        raise AdapterError(f"{where} can't be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(adapter, Adapter):
        kinds = "LibraryAdapter, ProtocolAdapter, ChannelAdapter or MailerAdapter"
        raise AdapterError(f"{where} is a {type(adapter).__name__}, not a {kinds}")
    return adapter


def _by_name(adapters: Iterable[A]) -> dict[str, A]:
    found: dict[str, A] = {}
    for adapter in adapters:
        if adapter.name in found:
            raise AdapterError(f"two adapters are called '{adapter.name}' (entry point group {GROUP})")
        found[adapter.name] = adapter
    return found
