"""The journal and an exchange of messages that a command opens in its own process, beside the daemon's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gateway.cli.installation import Installation
from gateway.domain.problems import (
    ConfigurationError,
    ConfigurationProblem,
)
from gateway.ports.shared_store import Store
from gateway.runtime.exchange_assembly import build_exchange, make_journal_options
from gateway.runtime.library_contexts import build_library_contexts
from gateway.services.exchange import MessageExchange
from gateway.store.journal import Journal
from gateway.store.journal_records import BodyUnreadable


@asynccontextmanager
async def open_journal(installation: Installation) -> AsyncIterator[tuple[Journal, Store]]:
    """Open the journal; raises ConfigurationError, SchemaTooNew, SchemaTooOld, Unavailable."""
    async with installation.open_current_store() as store:
        journal = Journal(store, make_journal_options(installation.parts))
        try:
            yield journal, store
        finally:
            await journal.close()


async def open_exchange(installation: Installation, journal: Journal, store: Store) -> MessageExchange:
    """An exchange of its own in this process, beside the daemon's. Raises ConfigurationError, Unavailable."""
    loading, policies = installation.profiles, installation.policies
    if problems := (*loading.problems, *policies.problems):
        raise ConfigurationError(problems)
    parts = installation.parts
    libraries = await parts.open_libraries(store)
    contexts = build_library_contexts(
        installation.settings,
        store,
        installation.clock,
        libraries,
        lambda: loading.profiles,
        policies.policies.for_library,
    )
    return build_exchange(parts, libraries, lambda: loading.profiles, store, journal, contexts=contexts)


@contextmanager
def body_errors_as_configuration() -> Iterator[None]:
    """A body that can't be decrypted is a matter of configuration."""
    try:
        yield
    except BodyUnreadable as error:
        raise ConfigurationError([ConfigurationProblem("", 0, ("journal", "encryption_keys"), str(error))]) from error
