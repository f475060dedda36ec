"""The libraries of an installation as services on managed requests know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from gateway.domain.clock import Clock
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.catalogue import Catalogue
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.partner_channel import PartnerChannel
from gateway.ports.shared_store import Store
from gateway.services.requests.library_context import LibraryContext, Network, report_no_load
from gateway.services.requests.static_catalogue import StaticCatalogue
from gateway.settings import Settings

if TYPE_CHECKING:  # what reads profiles and watches them is slow to load, and needless where nothing is asked of them
    from gateway.profiles import ProfileSet


def wake_nobody(_library: str) -> None:
    """Another process has the outbox worker: it looks by itself."""


def build_library_contexts(
    settings: Settings,
    store: Store,
    clock: Clock,
    libraries: Mapping[str, ExchangeLibrary],
    profiles: Callable[[], ProfileSet],
    policies: Callable[[str], RequestPolicy],
    channels: Mapping[str, PartnerChannel] | None = None,
    nudge: Callable[[str], None] = wake_nobody,
    networks: Mapping[str, Network] | None = None,
    catalogue: Catalogue | None = None,
) -> dict[str, LibraryContext]:
    """Build the contexts by symbol of the library. `channels` may be filled later; None: nothing is sent from here.
    `catalogue` None: no catalogue is searched from here."""
    catalogue = catalogue or StaticCatalogue()
    return {
        symbol: LibraryContext(
            symbol=symbol,
            info=settings.find_library(symbol).info,
            system=library.system,
            zone=library.zone,
            currency=library.currency,
            takes_requests=library.takes_requests,
            store=store,
            clock=clock,
            profiles=profiles,
            policy=lambda symbol=symbol: policies(symbol),  # type: ignore[misc]
            channels=channels if channels is not None else {},
            catalogue=catalogue,
            wake_outbox=partial(nudge, symbol),
            public_url=settings.http.public_url,
            writes_letters=bool(settings.mail.host),
            network=(networks or {}).get(symbol, report_no_load),
        )
        for symbol, library in libraries.items()
    }
