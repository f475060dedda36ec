"""What settings ask for, built once for daemon and commands: libraries, exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError
from gateway.domain.value import value_object
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext, NestedSystem, ProtocolAdapter
from gateway.ports.library_system import LibrarySystem
from gateway.ports.shared_store import SchemaMigrations, Store
from gateway.profiles import ProfileSet
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.exchange.admission import Secrets
from gateway.services.exchange.handlers import DefectReporter, log_defect
from gateway.services.exchange.message_context import ExchangeLibrary
from gateway.services.patron_authentication import PatronAuthenticator
from gateway.services.requests.broker import RequestBroker
from gateway.services.requests.circulation_link import CirculationLinker
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.partner_inbox import PartnerInbox
from gateway.services.sign_in_attempts import AttemptLimits
from gateway.settings import LibrarySettings, Settings
from gateway.store.engine import open_store
from gateway.store.file_lock import DatabaseFileLock
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyCipher, JournalOptions
from gateway.store.library_changes import StoredLibraryChanges, prune_library_changes
from gateway.store.migration import OWN

SLICE = 500
"""Rows that retention takes at once."""


def observe_nothing(_done: ExchangeRecord) -> None:
    """Observes nothing."""


@value_object
class Assembly:
    """`secrets` resolves what settings and profiles name as env:NAME or file:PATH."""

    settings: Settings
    adapters: AdapterRegistry
    clock: Clock
    secrets: Secrets

    # --- the store ---------------------------------------------------------------------------------------

    @property
    def database(self) -> Path | None:
        """The store's file; None for a database server."""
        url = self.settings.resolve_store_url()
        in_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return Path(str(url.database)) if in_file else None

    def make_database(self) -> None:
        """Makes the store's file and folder where they aren't there, for nobody else's eyes: it names patrons."""
        if (file := self.database) is not None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)

    @property
    def database_lock(self) -> DatabaseFileLock | None:
        """Not held yet. None for a database server, where several daemons may work."""
        file = self.database
        return DatabaseFileLock(file) if file is not None else None

    def open_store(self) -> Store:
        """Raises ConfigurationError when the password isn't there."""
        return open_store(self.settings.resolve_store_url().render_as_string(hide_password=False))

    @property
    def migration_histories(self) -> tuple[SchemaMigrations, ...]:
        """Of all tables: the gateway's own and those of the library systems in use."""
        kinds = {name: kind for library in self.settings.libraries for name, kind in self.kinds_of(library).items()}
        return (OWN, *(adapter.migrations for adapter in kinds.values() if adapter.migrations is not None))

    def make_journal_options(self) -> JournalOptions:
        """Raises ConfigurationError naming the place in gateway.yml."""
        wanted = self.settings.journal
        keys = [self.secrets(reference) for reference in wanted.encryption_keys]
        try:
            cipher = BodyCipher(keys) if keys else None
        except ValueError as error:
            raise ConfigurationError(
                [self.settings.make_problem(("journal", "encryption_keys"), str(error))]
            ) from error
        return JournalOptions(
            wanted.body_limit, wanted.keep_bodies_days, wanted.keep_rows_days, cipher, self.make_body_concealers()
        )

    def make_body_concealers(self) -> Mapping[str, Callable[[bytes], bytes]]:
        """By protocol, as `JournalOptions` has them."""
        return {name: _make_body_concealer(adapter) for name, adapter in self.adapters.protocols.items()}

    # --- libraries ---------------------------------------------------------------------------------------

    def adapter_of(self, library: LibrarySettings) -> LibraryAdapter:
        return self.adapters.libraries[library.system.type]

    def kinds_of(self, library: LibrarySettings) -> Mapping[str, LibraryAdapter]:
        """By name: the kind of the library's system, and of those nested in it."""
        adapter = self.adapter_of(library)
        names = (library.system.type, *(one.type for one in adapter.list_nested(library.system.options)))
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

    async def open_libraries(self, store: Store) -> dict[str, ExchangeLibrary]:
        """All, by symbol. Raises Unavailable, ConfigurationError."""
        found = {}
        for library in self.settings.libraries:
            adapter, context = self.adapter_of(library), self.library_context(library, store)
            found[library.symbol] = make_open_library(library, await adapter.open(context, library.system.options))
        return found

    async def prune_library_changes(self, store: Store) -> int:
        """Forgets what was asked of libraries' systems as long ago as messages are forgotten; how much that was."""
        before = self.clock.now() - timedelta(days=self.settings.journal.keep_rows_days)
        forgotten = 0
        while found := await store.write(lambda c: prune_library_changes(c, before, SLICE)):
            forgotten += found
        return forgotten

    # --- the exchange ------------------------------------------------------------------------------------

    def build_exchange(
        self,
        libraries: Mapping[str, ExchangeLibrary],
        profiles: Callable[[], ProfileSet],
        store: Store,
        journal: Journal,
        observe: Callable[[ExchangeRecord], None] = observe_nothing,
        contexts: Mapping[str, LibraryContext] | None = None,
        report_defect: DefectReporter = log_defect,
    ) -> MessageExchange:
        """`contexts`: managed requests of the libraries, by symbol; None: messages are for the libraries alone."""
        return MessageExchange(
            responders={name: adapter.responder() for name, adapter in self.adapters.protocols.items()},
            profiles=profiles,
            libraries=libraries,
            journal=journal,
            clock=self.clock,
            authenticator=make_authenticator(self.settings, store, self.clock),
            secrets=self.secrets,
            library_seconds=self.settings.library_timeout_seconds,
            observe=observe,
            link=CirculationLinker(contexts) if contexts is not None else None,
            broker=RequestBroker(contexts) if contexts is not None else None,
            partner_inbox=PartnerInbox(contexts) if contexts is not None else None,
            report_defect=report_defect,
        )


def _make_body_concealer(adapter: ProtocolAdapter) -> Callable[[bytes], bytes]:
    """The responder is made with the first body: a command that only reads loads no protocol."""
    make_once = cache(adapter.responder)
    return lambda body: make_once().conceal_secrets(body)


def make_open_library(library: LibrarySettings, system: LibrarySystem) -> ExchangeLibrary:
    return ExchangeLibrary(library.symbol, library.name, system, library.zone, library.currency)


def make_authenticator(settings: Settings, store: Store, clock: Clock) -> PatronAuthenticator:
    """By the limits of the pages, which count wherever a PIN comes in."""
    return PatronAuthenticator(store, clock, attempt_limits(settings))


def attempt_limits(settings: Settings) -> AttemptLimits:
    """Of wrong PINs and passwords, of patrons and of staff."""
    pages = settings.pages
    return AttemptLimits(pages.tries, pages.address_tries, pages.tries_minutes)
