"""The embedded library with its sample data, and a desk at which commands are carried out on it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.library.embedded import EmbeddedLibrary, EmbeddedOptions, migrations
from adapters.library.embedded.sample import create_sample
from adapters.library.embedded.system import open_embedded
from gateway.domain.clock import FixedClock
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import LibraryInfo
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.library_changes import StoredLibraryChanges
from gateway.store.migration import OWN, migrate_store
from tests.unit.services.circulation.support import Counter

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)  # a Tuesday
ZONE = ZoneInfo("Europe/Berlin")


def context(store: Store, clock: FixedClock, folder: Path) -> LibraryAdapterContext:
    info = LibraryInfo("BERG", "Stadtbibliothek Bergstadt")
    return LibraryAdapterContext(
        "BERG",
        store,
        clock,
        ZONE,
        "EUR",
        folder,
        info,
        dict[str, str]().__getitem__,
        StoredLibraryChanges(store, "BERG"),
    )


@pytest.fixture(scope="session")
def sample_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("sample")
    path = folder / "illgate.db"

    async def fill() -> None:
        store = open_store(f"sqlite:///{path}")
        await migrate_store(store, OWN, migrations)
        await create_sample(context(store, FixedClock(NOW), folder))
        await store.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def clock() -> FixedClock:
    """Tuesday, 10 March 2026, 10:30 in Berlin."""
    return FixedClock(NOW)


@pytest.fixture
async def store(sample_database: Path, tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "illgate.db"
    shutil.copy(sample_database, path)
    store = open_store(f"sqlite:///{path}")
    yield store
    await store.close()


@pytest.fixture
async def library(store: Store, tmp_path: Path, clock: FixedClock) -> EmbeddedLibrary:
    return await open_embedded(context(store, clock, tmp_path), EmbeddedOptions())


@pytest.fixture
def counter(library: EmbeddedLibrary, clock: FixedClock, store: Store) -> Counter:
    """Desks of this library, by the circulation section of a profile."""
    return Counter(library, clock, ZONE, store)
