"""What a command works with: the installation that --config names, read when it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path

import click

from gateway.adapters import Adapters, load_adapters
from gateway.configuration.problems import ConfigurationError, Problem
from gateway.configuration.source import shown
from gateway.domain.clock import Clock, SystemClock
from gateway.ports.adapter import LibraryAdapter, LibraryContext, OpenLibrary
from gateway.profiles import Loading, read_profiles
from gateway.settings import LibrarySettings, Settings, load_settings
from gateway.store.engine import Store, open_store
from gateway.store.migrate import OWN, Migrations, migrate


class Installation:
    """click's `ctx.obj` in every command."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.clock: Clock = SystemClock()

    @cached_property
    def adapters(self) -> Adapters:
        """Raises AdapterError."""
        return load_adapters()

    @cached_property
    def settings(self) -> Settings:
        """Raises ConfigurationError, AdapterError."""
        return load_settings(self.config, self.adapters)

    @cached_property
    def profiles(self) -> Loading:
        """Raises ConfigurationError for settings; what is wrong with profiles is in it."""
        return read_profiles(self.settings.profiles_folder, self.adapters, self.settings)

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

    @property
    def histories(self) -> tuple[Migrations, ...]:
        """Of all tables: the gateway's own and those of the library systems in use."""
        kinds = {library.system.type: self.adapter_of(library) for library in self.settings.libraries}
        return (OWN, *(adapter.migrations for adapter in kinds.values() if adapter.migrations is not None))

    @property
    def database(self) -> Path | None:
        """The store's file; None for a database server."""
        url = self.settings.store_url()
        return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None

    @asynccontextmanager
    async def store_as_it_is(self) -> AsyncIterator[Store]:
        """Not brought up to date, which is for whoever works with it. Raises ConfigurationError when there is none."""
        file = self.database
        if file is not None and not file.exists():
            hint = "no database yet; `illgate init` or `illgate serve` makes it"
            raise ConfigurationError([Problem(shown(file), 0, (), hint)])
        store = open_store(self.settings.store_url().render_as_string(hide_password=False))
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The store, there and up to date. Raises ConfigurationError, SchemaTooNew, Unavailable."""
        async with self.store_as_it_is() as store:
            await migrate(store, *self.histories)
            yield store

    @asynccontextmanager
    async def library(self, symbol: str = "") -> AsyncIterator[OpenLibrary]:
        """See `gateway.ports.adapter.CommandContext`."""
        try:
            settings = self.settings.library(symbol)
        except KeyError:
            known = ", ".join(library.symbol for library in self.settings.libraries)
            raise click.UsageError(f"which library? there are: {known}") from None
        async with self.store() as store:
            yield await self.open_library(settings, store)

    async def open_library(self, settings: LibrarySettings, store: Store) -> OpenLibrary:
        """Raises Unavailable."""
        context = self.context_of(settings, store)
        system = await self.adapter_of(settings).open(context, settings.system.options)
        return OpenLibrary(context, settings.system.options, system)


pass_installation = click.make_pass_decorator(Installation)
