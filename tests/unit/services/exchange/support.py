"""An exchange over the sample library, with a journal, as the daemon has it; and messages that partners send it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from demo.prepared_databases import copy_prepared_database, keep_prepared_database
from gateway.adapter_registry import load_adapters
from gateway.cli.installation import Installation
from gateway.configuration.yaml_document import YamlDocument
from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.ports.guarded_library import ExchangeLibrary
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind
from gateway.ports.shared_store import Store
from gateway.profiles import LoadedProfile, ProfileSet
from gateway.profiles.loader import ProfileLoadResult, read_profiles
from gateway.runtime.database_setup import create_database
from gateway.runtime.exchange_assembly import build_exchange, make_body_concealers
from gateway.runtime.library_contexts import build_library_contexts
from gateway.settings import Settings
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalOpening, JournalOptions
from rehearsal.protocols.ncip.partner_simulator import NcipPartnerSimulator
from tests.support.partner_rights import give_all_rights
from tests.support.paths import ROOT

PATRON = "21000000000017"
PARTNER = NcipPartnerSimulator(lambda reference: reference)


class House:
    """`profiles` may be changed: the exchange sees the change with the next message."""

    def __init__(
        self, installation: Installation, store: Store, journal: Journal, libraries: dict[str, ExchangeLibrary]
    ) -> None:
        self.installation = installation
        self.store = store
        self.journal = journal
        self.libraries = libraries
        self.profiles: dict[str, Profile] = {one.name: one for one in installation.profiles.profiles}
        self.profiles |= {name: give_all_rights(self.profiles[name]) for name in ("ncip1", "ncip2")}
        self._profile_set = ProfileSet({})
        self._profiles_in_set: dict[str, Profile] = {}
        contexts = build_library_contexts(
            installation.settings,
            store,
            installation.clock,
            libraries,
            self.profile_set,
            installation.policies.policies.for_library,
        )
        self.exchange = build_exchange(
            installation.parts, libraries, self.profile_set, store, journal, contexts=contexts
        )

    def profile_set(self) -> ProfileSet:
        """The set of `profiles`, which a test may change: made anew where it has."""
        if self._profiles_in_set != self.profiles:
            self._profiles_in_set = dict(self.profiles)
            loaded = {name: LoadedProfile(one, YamlDocument(name), Path(name)) for name, one in self.profiles.items()}
            self._profile_set = ProfileSet(loaded)
        return self._profile_set

    @property
    def system(self) -> Any:
        return self.libraries["DEMO"].system

    def message(self, service: str, profile: str = "ncip2", **values: str) -> RawMessage:
        """`values`: the parameters of `illgate send`, with _ for -."""
        now = self.installation.clock.now()
        library = self.installation.settings.find_library()
        talk = ExchangeContext(self.profiles[profile], library.symbol, library.zone, library.currency, now)
        said = {name.replace("_", "-"): (value,) for name, value in values.items()}
        body = PARTNER.build(service, said, talk)
        return RawMessage(body, now, TransportKind.HTTP, "ncip", peer="127.0.0.1", profile=profile)

    def opening(self, arrival: RawMessage, service: str) -> JournalOpening:
        """What the journal has of it while it is in hand."""
        return JournalOpening(
            library="DEMO",
            at=arrival.received,
            body=arrival.body,
            protocol="ncip",
            transport="http",
            profile=arrival.profile,
            service=service,
            peer=arrival.peer,
        )


@contextlib.asynccontextmanager
async def open_house(
    folder: Path, options: JournalOptions | None = None, store_url: str = "sqlite:///data/illgate.db"
) -> AsyncIterator[House]:
    await _fill_library(_write_settings(folder, store_url))
    async with open_filled_house(folder, options, store_url=store_url) as house:
        yield house


@contextlib.asynccontextmanager
async def open_filled_house(
    folder: Path, options: JournalOptions | None = None, *, store_url: str
) -> AsyncIterator[House]:
    """On a database that has the sample library already."""
    installation = _write_settings(folder, store_url)
    installation.profiles = read_shipped_profiles()
    async with installation.open_current_store() as store:
        concealers = make_body_concealers(installation.parts)
        journal = Journal(store, replace(options or JournalOptions(), concealers=concealers))
        try:
            yield House(installation, store, journal, await installation.parts.open_libraries(store))
        finally:
            await journal.close()


def _write_settings(folder: Path, store_url: str) -> Installation:
    settings = f"profiles: {{folder: {ROOT / 'profiles'}}}\nstore: {{url: '{store_url}'}}\n"
    (folder / "gateway.yml").write_text(settings, encoding="utf-8")
    return Installation(folder / "gateway.yml")


@cache
def read_shipped_profiles() -> ProfileLoadResult:
    """Read all once in this process: each house has the same."""
    return read_profiles(ROOT / "profiles", load_adapters(), Settings())


async def _fill_library(installation: Installation) -> None:
    """The sample library, into a database that has nothing yet."""
    parts, library = installation.parts, installation.settings.find_library()
    if parts.database is not None and copy_prepared_database("exchange", parts.database):
        return
    await create_database(parts)
    async with installation.open_current_store() as store:
        sample = parts.adapter_of(library).sample
        assert sample is not None
        await sample(parts.library_context(library, store))
    if parts.database is not None:
        keep_prepared_database("exchange", parts.database)


@dataclass
class Silent:
    """A library's system that can't be reached."""

    async def ping(self) -> None:
        raise Unavailable("no route to host")
