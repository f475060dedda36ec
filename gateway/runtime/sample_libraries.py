"""Libraries with sample data, made for a while: for examples of profiles, and for library systems that are played.

A sample library is made for each library of the installation and copied for whoever works with it.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.profile import Authentication, AuthKind, Profile
from gateway.domain.requests.policy import RequestPolicy
from gateway.domain.value import replace
from gateway.ports.adapter import LibraryAdapter
from gateway.ports.responder import OutcomeClass, RawMessage
from gateway.ports.shared_store import Store
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.runtime.assembly import Assembly, make_open_library
from gateway.runtime.exchange_assembly import build_exchange, make_body_concealers, observe_nothing
from gateway.runtime.library_contexts import build_library_contexts
from gateway.services.exchange import ExchangeRecord, MessageExchange
from gateway.services.operation.check import ExampleAnswer, ExampleExchange
from gateway.settings import LibrarySettings
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOptions
from gateway.store.migration import OWN, migrate_store


class _ExampleRun:
    """`ExampleExchange` by the real exchange, which tells how it ended only to its observer."""

    def __init__(self) -> None:
        self.exchange: MessageExchange | None = None
        self._outcome = OutcomeClass.PENDING

    def record_outcome(self, done: ExchangeRecord) -> None:
        self._outcome = done.outcome

    async def __call__(self, arrival: RawMessage) -> ExampleAnswer:
        assert self.exchange is not None
        answer = await self.exchange.handle(arrival)
        return ExampleAnswer(answer.body, self._outcome)


class SampleLibraries:
    """`folder` is empty, and whoever gives it removes it. `introductions`: who and what can be tried in a library, in
    plain lines, by symbol; once there is an exchange of it."""

    def __init__(self, parts: Assembly, folder: Path) -> None:
        self._parts = replace(parts, secrets=_refuse_secret)
        self._folder = folder
        self._templates: dict[tuple[str, str], Path] = {}
        self._copies = 0
        self.introductions: dict[str, str] = {}

    @property
    def is_usable(self) -> bool:
        return all(self._choose_sample_adapter(library) is not None for library in self._parts.settings.libraries)

    def _choose_sample_adapter(self, library: LibrarySettings) -> LibraryAdapter | None:
        """The library's own where it can make a sample, or else any that can."""
        adapters = (self._parts.adapter_of(library), *self._parts.adapters.libraries.values())
        return next((adapter for adapter in adapters if adapter.sample is not None), None)

    @asynccontextmanager
    async def open_sample_exchange(self, profile: Profile, symbol: str = "") -> AsyncIterator[ExampleExchange]:
        """`symbol`: by which the profile's library is called; empty: its own."""
        run = _ExampleRun()
        async with self.open_exchange(profile, symbol, run.record_outcome) as run.exchange:
            yield run

    @asynccontextmanager
    async def open_exchange(
        self, profile: Profile, symbol: str = "", observe: Callable[[ExchangeRecord], None] = observe_nothing
    ) -> AsyncIterator[MessageExchange]:
        """The same as the daemon has it, for the profile alone, which lets everybody in."""
        parts, library = self._parts, self._parts.settings.find_library(profile.library)
        names = library.symbol, symbol
        if symbol:
            library = library.model_copy(update={"symbol": symbol})
            profile = profile.model_copy(update={"library": symbol})
            parts = replace(parts, settings=parts.settings.model_copy(update={"libraries": (library,)}))
        adapter = self._choose_sample_adapter(library)
        assert adapter is not None, "asked though not usable"
        file = await self._copy_template(names, library, adapter)
        store = open_store(f"sqlite:///{file}")
        journal = Journal(store, JournalOptions(concealers=make_body_concealers(parts)))
        try:
            system = await adapter.open(parts.library_context(library, store), _choose_system_options(adapter, library))
            profiles = _make_open_profile_set(profile)
            opened = {library.symbol: make_open_library(library, system)}
            contexts = build_library_contexts(
                parts.settings, store, parts.clock, opened, lambda: profiles, lambda _: RequestPolicy()
            )
            yield build_exchange(parts, opened, lambda: profiles, store, journal, observe, contexts)
        finally:
            await journal.close()
            await store.close()

    async def _copy_template(self, names: tuple[str, str], library: LibrarySettings, adapter: LibraryAdapter) -> Path:
        """`names`: its own symbol, and the one by which it is called."""
        template = self._templates.get(names)
        if template is None:
            template = self._templates[names] = self._folder / f"template{len(self._templates)}.db"
            store = open_store(f"sqlite:///{template}")
            try:
                await self._fill_template(store, library, adapter)
            finally:
                await store.close()
        self._copies += 1
        copy = self._folder / f"copy{self._copies}.db"
        shutil.copyfile(template, copy)
        return copy

    async def _fill_template(self, store: Store, library: LibrarySettings, adapter: LibraryAdapter) -> None:
        assert adapter.sample is not None
        await migrate_store(store, OWN, *([adapter.migrations] if adapter.migrations else []))
        self.introductions[library.symbol] = await adapter.sample(self._parts.library_context(library, store))


def _choose_system_options(adapter: LibraryAdapter, library: LibrarySettings) -> object:
    options = library.system.options
    return options if isinstance(options, adapter.options) else adapter.options()


def _make_open_profile_set(profile: Profile) -> ProfileSet:
    """The profile alone, open to all: examples are about understanding and answering, not about who may speak."""
    anyone = Authentication(kind=AuthKind.NONE)
    example = profile.model_copy(update={"auth": (anyone,), "match": (), "abstract": False})
    return ProfileSet({profile.name: LoadedProfile(example, YamlDocument(profile.name), Path(profile.name))})


def _refuse_secret(reference: str) -> str:
    raise AssertionError(f"an example needs no secret, but was asked for {reference}")
