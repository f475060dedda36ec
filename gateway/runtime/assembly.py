"""Assembly of what settings ask for, built once for daemon and commands: the store and libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, NestedSystem
from gateway.ports.guarded_library import ExchangeLibrary, LibrarySystem
from gateway.ports.secrets import Secrets
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.settings import LibrarySettings, Settings
from gateway.store.engine import open_store
from gateway.store.file_lock import DatabaseFileLock
from gateway.store.library_changes import StoredLibraryChanges, prune_library_changes
from gateway.store.migration import OWN
from gateway.store.partner_things import KEPT_DAYS, prune_partner_things

SLICE = 500
"""Rows that retention takes at once."""


@value_object
class Assembly:
    """`secrets` resolves what settings and profiles name as env:NAME or file:PATH. `trace_system`: see `Tracing`; None:
    traces are off."""

    settings: Settings
    adapters: AdapterRegistry
    clock: Clock
    secrets: Secrets
    trace_system: Callable[[LibrarySystem, str, str], LibrarySystem] | None = None

    # --- the store ---------------------------------------------------------------------------------------

    @property
    def database(self) -> Path | None:
        """The store's file; None for a database server."""
        url = self.settings.resolve_store_url()
        in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if in_file else None

    @property
    def database_lock(self) -> DatabaseFileLock | None:
        """The lock, which is not held yet. None for a database server, where several daemons may work."""
        file = self.database
        return DatabaseFileLock(file) if file is not None else None

    def open_store(self) -> Store:
        """Open the store; raises ConfigurationError when the password isn't there, SqliteTooOld."""
        return open_store(self.settings.resolve_store_url().render_as_string(hide_password=False))

    @property
    def migration_histories(self) -> tuple[SchemaMigrations, ...]:
        """The histories of all tables: the gateway's own and those of the library systems in use."""
        libraries = [library for library in self.settings.libraries if not library.problems]
        kinds = {name: kind for library in libraries for name, kind in self.kinds_of(library).items()}
        return (OWN, *(adapter.migrations for adapter in kinds.values() if adapter.migrations is not None))

    # --- libraries ---------------------------------------------------------------------------------------

    def adapter_of(self, library: LibrarySettings) -> LibraryAdapter:
        return self.adapters.libraries[library.system.type]

    def kinds_of(self, library: LibrarySettings) -> Mapping[str, LibraryAdapter]:
        """Return by name the kind of the library's system, and of those nested in it."""
        adapter = self.adapter_of(library)
        names = (library.system.type, *(system.type for system in adapter.list_nested(library.system.options)))
        return {name: self.adapters.libraries[name] for name in names}

    async def open_other(self, context: LibraryAdapterContext, nested: NestedSystem) -> LibrarySystem:
        """See `ports.adapter.OpenOtherSystem`."""
        return await self.adapters.libraries[nested.type].open(context, nested.options)

    def library_context(self, library: LibrarySettings, store: Store) -> LibraryAdapterContext:
        return LibraryAdapterContext(
            library=library.symbol,
            store=store,
            clock=self.clock,
            zone=library.zone,
            currency=library.currency,
            folder=self.settings.folder,
            info=library.info,
            secrets=self.secrets,
            changes=StoredLibraryChanges(store, library.symbol),
            open_other=self.open_other,
        )

    async def open_libraries(self, store: Store, shown: str = "") -> dict[str, ExchangeLibrary]:
        """All that are served, by symbol, and one that is closed, to be `shown`. Raises Unavailable,
        ConfigurationError."""
        return {
            library.symbol: await self.open_library(library, store)
            for library in self.settings.libraries
            if library.is_served or library.symbol == shown
        }

    async def open_library(self, library: LibrarySettings, store: Store) -> ExchangeLibrary:
        """Open a library's system; raises Unavailable, ConfigurationError."""
        context = self.library_context(library, store)
        system = await self.adapter_of(library).open(context, library.system.options)
        if self.trace_system is not None:
            self.trace_system(system, library.system.type, library.symbol)
        return make_open_library(library, system)

    async def prune_library_changes(self, store: Store) -> int:
        """Forgets what was asked of libraries' systems as long ago as messages are forgotten; how much that was."""
        before = self.clock.now() - timedelta(days=self.settings.journal.keep_rows_days)
        forgotten = 0
        while count := await store.write(lambda c: prune_library_changes(c, before, SLICE)):
            forgotten += count
        return forgotten

    async def prune_partner_things(self, store: Store) -> int:
        """Forgets who made what nobody was heard of for years; how much that was."""
        before = self.clock.now() - timedelta(days=KEPT_DAYS)
        forgotten = 0
        while count := await store.write(lambda c: prune_partner_things(c, before, SLICE)):
            forgotten += count
        return forgotten


def make_open_library(library: LibrarySettings, system: LibrarySystem) -> ExchangeLibrary:
    return ExchangeLibrary(library.symbol, library.name, system, library.zone, library.currency, library.takes_requests)
