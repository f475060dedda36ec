"""What commands on the journal open: its library, the store, the journal, and an exchange to carry messages out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import click

from gateway.cli.context import Installation
from gateway.configuration.problems import ConfigurationError, Problem
from gateway.runtime.houses import houses_of
from gateway.services.exchange import Exchange
from gateway.settings import LibrarySettings
from gateway.store.cipher import BodyUnreadable
from gateway.store.engine import Store
from gateway.store.journal import Journal


def library_named(installation: Installation, symbol: str) -> LibrarySettings:
    """Raises click.UsageError."""
    try:
        return installation.settings.library(symbol)
    except KeyError:
        known = ", ".join(library.symbol for library in installation.settings.libraries)
        raise click.UsageError(f"which library? say --library; there are: {known}") from None


@asynccontextmanager
async def open_journal(installation: Installation) -> AsyncIterator[tuple[Journal, Store]]:
    """Raises ConfigurationError, SchemaTooNew, Unavailable."""
    async with installation.store() as store:
        journal = Journal(store, installation.parts.journal_options())
        try:
            yield journal, store
        finally:
            await journal.close()


async def open_exchange(installation: Installation, journal: Journal, store: Store) -> Exchange:
    """An exchange of its own in this process, beside the daemon's. Raises ConfigurationError, Unavailable."""
    loading, policies = installation.profiles, installation.policies
    if problems := (*loading.problems, *policies.problems):
        raise ConfigurationError(problems)
    parts = installation.parts
    libraries = await parts.open_libraries(store)
    houses = houses_of(
        installation.settings,
        store,
        installation.clock,
        libraries,
        lambda: loading.profiles,
        policies.policies.of,
    )
    return parts.exchange(libraries, lambda: loading.profiles, journal, houses=houses)


@contextmanager
def readable_bodies() -> Iterator[None]:
    """A body that can't be decrypted is a matter of configuration."""
    try:
        yield
    except BodyUnreadable as error:
        raise ConfigurationError([Problem("", 0, ("journal", "encryption_keys"), str(error))]) from error
