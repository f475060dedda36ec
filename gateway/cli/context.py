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
from gateway.policies import Loading as PolicyLoading
from gateway.policies import read_policies
from gateway.ports.adapter import OpenLibrary
from gateway.profiles import Loading, read_profiles
from gateway.runtime.assemble import Assembly, at_work
from gateway.runtime.houses import houses_of
from gateway.secrets import resolve
from gateway.services.letters import Letters
from gateway.services.requests.own_desk import OwnDesk
from gateway.settings import LibrarySettings, Settings, load_settings
from gateway.store.engine import Store
from gateway.store.migrate import migrate


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

    @cached_property
    def policies(self) -> PolicyLoading:
        """Of each library's requests.yml, against the profiles that are whole. Raises as `profiles` does."""
        return read_policies(self.settings, self.profiles.profiles)

    @cached_property
    def parts(self) -> Assembly:
        """Raises ConfigurationError, AdapterError."""
        folder = self.settings.folder
        return Assembly(self.settings, self.adapters, self.clock, lambda reference: resolve(reference, folder))

    @asynccontextmanager
    async def store_as_it_is(self) -> AsyncIterator[Store]:
        """Not brought up to date, which is for whoever works with it. Raises ConfigurationError when there is none."""
        file = self.parts.database
        if file is not None and not file.exists():
            hint = "no database yet; `illgate init` or `illgate serve` makes it"
            raise ConfigurationError([Problem(shown(file), 0, (), hint)])
        store = self.parts.open_store()
        try:
            yield store
        finally:
            await store.close()

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The store, there and up to date. Raises ConfigurationError, SchemaTooNew, Unavailable."""
        async with self.store_as_it_is() as store:
            await migrate(store, *self.parts.histories)
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

    def desk(self, opened: OpenLibrary) -> OwnDesk:
        """See `gateway.ports.adapter.CommandContext`."""
        settings, context = self.settings, opened.context
        library = at_work(settings.library(context.library), opened.system)
        profiles, policies = self.profiles.profiles, self.policies.policies
        houses = houses_of(
            settings, context.store, self.clock, {library.symbol: library}, lambda: profiles, policies.of
        )
        return OwnDesk(houses[library.symbol], Letters(settings.letters_folder, settings.letters.language))

    async def open_library(self, settings: LibrarySettings, store: Store) -> OpenLibrary:
        """Raises Unavailable."""
        context = self.parts.context_of(settings, store)
        system = await self.parts.adapter_of(settings).open(context, settings.system.options)
        return OpenLibrary(context, settings.system.options, system)


pass_installation = click.make_pass_decorator(Installation)
