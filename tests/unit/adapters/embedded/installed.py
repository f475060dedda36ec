"""`ctx.obj` for the commands under test: one library in a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from adapters.library.embedded import EmbeddedLibrary, EmbeddedOptions, adapter, migrations
from gateway.domain.clock import FixedClock
from gateway.domain.library import Item, Loan, Patron
from gateway.ports.adapter import DeskAdvice, LibraryAdapterContext, OpenLibrary
from gateway.ports.library_system import CheckedIn, LibraryInfo
from gateway.store.engine import open_store
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.migration import OWN, migrate_store
from tests.library_contract.embedded_world import START, ZONE


class NothingManaged:
    """The desk of a library whose gateway manages no requests."""

    async def notify_checked_out(self, loan: Loan, item: Item, patron: Patron) -> None:
        pass

    async def notify_checked_in(self, done: CheckedIn) -> DeskAdvice:
        return DeskAdvice()

    async def notify_deleted(self, item: Item) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Installed:
    folder: Path

    def desk(self, opened: OpenLibrary) -> NothingManaged:
        return NothingManaged()

    @asynccontextmanager
    async def library(self, symbol: str = "") -> AsyncIterator[OpenLibrary]:
        store = open_store(f"sqlite:///{self.folder / 'library.db'}")
        await migrate_store(store, OWN, migrations)
        info = LibraryInfo(symbol or "LIB", "Městská knihovna")
        context = LibraryAdapterContext(
            info.symbol,
            store,
            FixedClock(START),
            ZONE,
            "EUR",
            self.folder,
            info,
            dict[str, str]().__getitem__,
            StoredLibraryChanges(store, info.symbol),
        )
        try:
            yield OpenLibrary(context, EmbeddedOptions(), EmbeddedLibrary(context))
        finally:
            await store.close()

    async def fill(self) -> str:
        async with self.library() as opened:
            assert adapter.sample is not None
            return await adapter.sample(opened.context)

    def run(self, *words: str) -> Result:
        assert adapter.load_command is not None
        return CliRunner().invoke(adapter.load_command(), list(words), obj=self)
