"""A library behind FOLIO with what the contract suite takes for granted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.library.folio.options import FolioOptions
from adapters.library.folio.system import FolioLibrary, open_folio
from gateway.domain.clock import Clock, FixedClock
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.shared_store import Store
from gateway.store.migration import OWN, migrate_store
from rehearsal.fakes.folio import FakeFolio
from rehearsal.fakes.folio_sample import fill_sample
from tests.library_contract import embedded_world
from tests.library_contract.embedded_world import KNOWN
from tests.support.paths import ROOT
from tests.support.recorded_calls import RecordingFolio

OVERRIDES = {
    "circulation.override-patron-block.post",
    "circulation.override-item-limit-block.post",
    "circulation.override-item-not-loanable-block.post",
}


def make_options(url: str, more: Mapping[str, Any] | None = None) -> FolioOptions:
    """As a library would write them; a busy machine may take its time."""
    sections: dict[str, Any] = {
        "url": url,
        "tenant": "diku",
        "login": {"user": "illgate", "password": "env:FOLIO"},
        "service_point": "RS",
        "cancellation_reason": "Interlibrary loan ended",
        "title_requests": True,
        "not_lent": ["reference"],
        "override": "override",
        "temporary_items": {"location": "ill", "loan_type": "ill", "material_type": "interlibrary loan"},
        "fee_owner": "Interlibrary loan",
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
    }
    return FolioOptions.model_validate({**sections, **(more or {})})


class FolioWorld:
    def __init__(self, library: FolioLibrary, fake: FakeFolio, clock: FixedClock) -> None:
        self.library = library
        self.fake = fake
        self.known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        self._clock.advance(by)
        return True


def read_guide_permissions() -> frozenset[str]:
    """All that the guide tells a library to give our user."""
    page = (ROOT / "docs" / "library-systems" / "folio.md").read_text("utf-8")
    table = page.partition("## Permissions")[2].partition("## ")[0]
    return frozenset(re.findall(r"^\| `([\w.-]+)` \|", table, flags=re.MULTILINE))


def make_fake(clock: Clock, flavour: str = "okapi") -> RecordingFolio:
    """Its user has the permissions of the guide, and no more."""
    fake = RecordingFolio(clock.now, flavour=flavour)
    fill_sample(fake)
    fake.granted = read_guide_permissions()
    fake.rules.permissions |= OVERRIDES
    return fake


def resolve_secret(reference: str) -> str:
    if reference != "env:FOLIO":
        raise ConfigurationError([ConfigurationProblem("", 0, (), f"no secret at {reference}")])
    return "secret"


async def make_context(store: Store, clock: Clock) -> LibraryAdapterContext:
    await migrate_store(store, OWN)
    return embedded_world.make_context(store, clock, resolve_secret)


async def folio_world(
    store: Store, fake: FakeFolio, clock: FixedClock, more: Mapping[str, Any] | None = None
) -> FolioWorld:
    """The fake is running."""
    context = await make_context(store, clock)
    return FolioWorld(await open_folio(context, make_options(fake.url, more)), fake, clock)
