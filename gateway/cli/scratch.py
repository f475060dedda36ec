"""Sample libraries that may be changed: on these `illgate check` carries out the examples of profiles.

One is made for each library of the installation and copied for each profile, whose examples run in their order and
may build upon one another.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.cli.context import Installation
from gateway.configuration.source import Document
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.requests.policy import RequestPolicy
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.protocol import Arrival, OutcomeClass
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.runtime.assemble import at_work
from gateway.runtime.houses import houses_of
from gateway.services.check import ExampleAnswer, ExampleExchange
from gateway.services.exchange import Done, Exchange
from gateway.settings import LibrarySettings
from gateway.store.engine import Store, open_store
from gateway.store.journal import Journal
from gateway.store.migrate import OWN, migrate
from gateway.store.records import JournalOptions


class _Run:
    """`ExampleExchange` by the real exchange, which tells how it ended only to its observer."""

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self._outcome = OutcomeClass.PENDING

    def observe(self, done: Done) -> None:
        self._outcome = done.outcome

    async def __call__(self, arrival: Arrival) -> ExampleAnswer:
        assert self.exchange is not None
        answer = await self.exchange.handle(arrival)
        return ExampleAnswer(answer.body, self._outcome)


class Scratch:
    """`folder` is empty, and whoever gives it removes it."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._parts = replace(installation.parts, secrets=_no_secrets)
        self._folder = folder
        self._copies = 0

    @property
    def usable(self) -> bool:
        return all(self._adapter(library) is not None for library in self._parts.settings.libraries)

    def _adapter(self, library: LibrarySettings) -> LibraryAdapter | None:
        """The library's own where it can make a sample, or else any that can."""
        adapters = (self._parts.adapter_of(library), *self._parts.adapters.libraries.values())
        return next((adapter for adapter in adapters if adapter.sample is not None), None)

    @asynccontextmanager
    async def exchange(self, profile: Profile) -> AsyncIterator[ExampleExchange]:
        parts, library = self._parts, self._parts.settings.library(profile.library)
        adapter = self._adapter(library)
        assert adapter is not None, "asked though not usable"
        file = await self._copy(library, adapter)
        store = open_store(f"sqlite:///{file}")
        journal = Journal(store, JournalOptions())
        try:
            system = await adapter.open(parts.context_of(library, store), _options(adapter, library))
            profiles = _only(profile)
            run = _Run()
            opened = {library.symbol: at_work(library, system)}
            houses = houses_of(parts.settings, store, parts.clock, opened, lambda: profiles, lambda _: RequestPolicy())
            run.exchange = parts.exchange(opened, lambda: profiles, journal, run.observe, houses)
            yield run
        finally:
            await journal.close()
            await store.close()

    async def _copy(self, library: LibrarySettings, adapter: LibraryAdapter) -> Path:
        template = self._folder / f"{self._parts.settings.libraries.index(library)}.db"
        if not template.exists():
            store = open_store(f"sqlite:///{template}")
            try:
                await self._fill(store, library, adapter)
            finally:
                await store.close()
        self._copies += 1
        copy = self._folder / f"copy{self._copies}.db"
        shutil.copyfile(template, copy)
        return copy

    async def _fill(self, store: Store, library: LibrarySettings, adapter: LibraryAdapter) -> None:
        assert adapter.sample is not None
        await migrate(store, OWN, *([adapter.migrations] if adapter.migrations else []))
        await adapter.sample(self._parts.context_of(library, store))


def _options(adapter: LibraryAdapter, library: LibrarySettings) -> object:
    options = library.system.options
    return options if isinstance(options, adapter.options) else adapter.options()


def _only(profile: Profile) -> ProfileSet:
    """The profile alone, open to all: examples are about understanding and answering, not about who may speak."""
    anyone = Authentication(kind=AuthKind.NONE)
    example = profile.model_copy(update={"auth": (anyone,), "match": (), "abstract": False})
    return ProfileSet({profile.name: LoadedProfile(example, Document(profile.name), Path(profile.name))})


def _no_secrets(reference: str) -> str:
    raise AssertionError(f"an example needs no secret, but was asked for {reference}")
