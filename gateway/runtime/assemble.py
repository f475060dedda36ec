"""What the settings ask for, put together in one place for the daemon and for commands alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.adapters import Adapters
from gateway.configuration.problems import ConfigurationError
from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.ports.adapter import LibraryAdapter, LibraryContext
from gateway.ports.library import LibrarySystem
from gateway.profiles import ProfileSet
from gateway.services.authentication import Secrets
from gateway.services.exchange import Done, Exchange
from gateway.services.hand import OpenLibrary
from gateway.services.requests.broker import RequestBroker
from gateway.services.requests.house import House
from gateway.services.requests.incoming import Doors
from gateway.services.requests.linking import Linker
from gateway.settings import LibrarySettings, Settings
from gateway.store.cipher import BodyCipher
from gateway.store.engine import Store, open_store
from gateway.store.journal import Journal
from gateway.store.migrate import OWN, Migrations
from gateway.store.records import JournalOptions


def nobody(_done: Done) -> None:
    """Observes nothing."""


@frozen
class Assembly:
    """`secrets` resolves what settings and profiles name as env:NAME or file:PATH."""

    settings: Settings
    adapters: Adapters
    clock: Clock
    secrets: Secrets

    # --- the store ---------------------------------------------------------------------------------------

    @property
    def database(self) -> Path | None:
        """The store's file; None for a database server."""
        url = self.settings.store_url()
        in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if in_file else None

    def make_database(self) -> None:
        """Makes the store's file and folder where they aren't there, for nobody else's eyes: it names patrons."""
        if (file := self.database) is not None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)

    def open_store(self) -> Store:
        """Raises ConfigurationError when the password isn't there."""
        return open_store(self.settings.store_url().render_as_string(hide_password=False))

    @property
    def histories(self) -> tuple[Migrations, ...]:
        """Of all tables: the gateway's own and those of the library systems in use."""
        kinds = {library.system.type: self.adapter_of(library) for library in self.settings.libraries}
        return (OWN, *(adapter.migrations for adapter in kinds.values() if adapter.migrations is not None))

    def journal_options(self) -> JournalOptions:
        """Raises ConfigurationError naming the place in gateway.yml."""
        wanted = self.settings.journal
        keys = [self.secrets(reference) for reference in wanted.encryption_keys]
        try:
            cipher = BodyCipher(keys) if keys else None
        except ValueError as error:
            raise ConfigurationError([self.settings.problem(("journal", "encryption_keys"), str(error))]) from error
        return JournalOptions(wanted.body_limit, wanted.keep_bodies_days, wanted.keep_rows_days, cipher)

    # --- libraries ---------------------------------------------------------------------------------------

    def adapter_of(self, library: LibrarySettings) -> LibraryAdapter:
        return self.adapters.libraries[library.system.type]

    def context_of(self, library: LibrarySettings, store: Store) -> LibraryContext:
        return LibraryContext(
            library=library.symbol,
            store=store,
            clock=self.clock,
            zone=library.zone,
            currency=library.currency,
            folder=self.settings.folder,
            info=library.info,
        )

    async def open_libraries(self, store: Store) -> dict[str, OpenLibrary]:
        """All, by symbol. Raises Unavailable, ConfigurationError."""
        found = {}
        for library in self.settings.libraries:
            adapter, context = self.adapter_of(library), self.context_of(library, store)
            found[library.symbol] = at_work(library, await adapter.open(context, library.system.options))
        return found

    # --- the exchange ------------------------------------------------------------------------------------

    def exchange(
        self,
        libraries: Mapping[str, OpenLibrary],
        profiles: Callable[[], ProfileSet],
        journal: Journal,
        observe: Callable[[Done], None] = nobody,
        houses: Mapping[str, House] | None = None,
    ) -> Exchange:
        """`houses`: managed requests of the libraries, by symbol; None: messages are for the libraries alone."""
        return Exchange(
            responders={name: adapter.responder() for name, adapter in self.adapters.protocols.items()},
            profiles=profiles,
            libraries=libraries,
            journal=journal,
            clock=self.clock,
            secrets=self.secrets,
            library_seconds=self.settings.library_timeout_seconds,
            observe=observe,
            link=Linker(houses) if houses is not None else None,
            broker=RequestBroker(houses) if houses is not None else None,
            doors=Doors(houses) if houses is not None else None,
        )


def at_work(library: LibrarySettings, system: LibrarySystem) -> OpenLibrary:
    return OpenLibrary(library.symbol, library.name, system, library.zone, library.currency)
