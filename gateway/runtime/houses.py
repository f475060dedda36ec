"""Where the managed requests of each library live, put together from settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.clock import Clock
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.catalogue import Catalogue
from gateway.ports.channel import PartnerChannel
from gateway.profiles import ProfileSet
from gateway.services.hand import OpenLibrary
from gateway.services.requests.catalogue import StaticCatalogue
from gateway.services.requests.house import House, Network, nothing_reported
from gateway.settings import Settings
from gateway.store.engine import Store


def nobody_waits() -> None:
    """Another process has the outbox worker: it looks by itself."""


def houses_of(
    settings: Settings,
    store: Store,
    clock: Clock,
    libraries: Mapping[str, OpenLibrary],
    profiles: Callable[[], ProfileSet],
    policies: Callable[[str], RequestPolicy],
    channels: Mapping[str, PartnerChannel] | None = None,
    nudge: Callable[[], None] = nobody_waits,
    network: Network = nothing_reported,
    catalogue: Catalogue | None = None,
) -> dict[str, House]:
    """By symbol of the library. `channels` may be filled later; None: nothing is sent from here. `catalogue` None: no
    catalogue is searched from here."""
    catalogue = catalogue or StaticCatalogue()
    return {
        symbol: House(
            symbol=symbol,
            info=settings.library(symbol).info,
            system=library.system,
            zone=library.zone,
            currency=library.currency,
            store=store,
            clock=clock,
            profiles=profiles,
            policy=lambda symbol=symbol: policies(symbol),  # type: ignore[misc]
            channels=channels if channels is not None else {},
            catalogue=catalogue,
            nudge=nudge,
            public_url=settings.http.public_url,
            writes_letters=bool(settings.mail.host),
            network=network,
        )
        for symbol, library in libraries.items()
    }
