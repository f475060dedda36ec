"""What commands on the journal open: its library, the store, the journal, and an exchange to carry messages out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import click

from gateway.cli.context import Installation
from gateway.configuration.problems import ConfigurationError, Problem
from gateway.secrets import resolve
from gateway.services.exchange import Exchange, OpenLibrary
from gateway.settings import LibrarySettings
from gateway.store.cipher import BodyCipher, BodyUnreadable
from gateway.store.engine import Store
from gateway.store.journal import Journal
from gateway.store.records import JournalOptions


def library_named(installation: Installation, symbol: str) -> LibrarySettings:
    """Raises click.UsageError."""
    try:
        return installation.settings.library(symbol)
    except KeyError:
        known = ", ".join(library.symbol for library in installation.settings.libraries)
        raise click.UsageError(f"which library? say --library; there are: {known}") from None


def journal_options(installation: Installation) -> JournalOptions:
    """Raises ConfigurationError."""
    settings = installation.settings
    wanted = settings.journal
    keys = [resolve(reference, settings.folder) for reference in wanted.encryption_keys]
    try:
        cipher = BodyCipher(keys) if keys else None
        return JournalOptions(wanted.body_limit, wanted.keep_bodies_days, wanted.keep_rows_days, cipher)
    except ValueError as error:
        raise ConfigurationError([settings.problem(("journal",), str(error))]) from error


@asynccontextmanager
async def open_journal(installation: Installation) -> AsyncIterator[tuple[Journal, Store]]:
    """Raises ConfigurationError, SchemaTooNew, Unavailable."""
    async with installation.store() as store:
        journal = Journal(store, journal_options(installation))
        try:
            yield journal, store
        finally:
            await journal.close()


async def open_exchange(installation: Installation, journal: Journal, store: Store) -> Exchange:
    """An exchange of its own in this process, beside the daemon's. Raises ConfigurationError, Unavailable."""
    settings, loading = installation.settings, installation.profiles
    if loading.problems:
        raise ConfigurationError(loading.problems)
    libraries = {}
    for library in settings.libraries:
        opened = await installation.open_library(library, store)
        libraries[library.symbol] = OpenLibrary(
            library.symbol, library.name, opened.system, library.zone, library.currency
        )
    return Exchange(
        responders={name: adapter.responder() for name, adapter in installation.adapters.protocols.items()},
        profiles=lambda: loading.profiles,
        libraries=libraries,
        journal=journal,
        clock=installation.clock,
        secrets=lambda reference: resolve(reference, settings.folder),
        library_seconds=settings.library_timeout_seconds,
    )


@contextmanager
def readable_bodies() -> Iterator[None]:
    """A body that can't be decrypted is a matter of configuration."""
    try:
        yield
    except BodyUnreadable as error:
        raise ConfigurationError([Problem("", 0, ("journal", "encryption_keys"), str(error))]) from error
