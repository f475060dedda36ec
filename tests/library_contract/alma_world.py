"""A library behind a fake Alma with what the contract suite takes for granted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from adapters.library.alma.options import AlmaOptions
from adapters.library.alma.system import AlmaLibrary
from gateway.domain.clock import Clock, FixedClock
from gateway.domain.library import RecordId
from gateway.ports.shared_store import Store
from rehearsal.fakes.alma import FakeAlma
from rehearsal.fakes.alma_state import AlmaState
from tests.library_contract import koha_world
from tests.library_contract.embedded_world import START
from tests.library_contract.sip2_world import make_context
from tests.support.paths import ROOT
from tests.support.pysip2_server import PASSWORD

KNOWN = replace(koha_world.KNOWN, record=RecordId("oclc", "1001"))

_PEOPLE = (("Müller", "Ana"), ("Папалазарова", "Нина"), ("欧阳", "思远"), ("אלמוגי", "נועה"), ("شمس", "ليلى"))


def stock_alma(clock: Clock) -> AlmaState:
    """`Known`, in an Alma in memory."""
    state = AlmaState(now=clock.now)
    for code in ("MAIN", "NORTH", "RS"):
        state.add_library(code, f"Library {code}", "DEFAULT_CIRC_DESK" if code != "NORTH" else "NORTH_DESK")
    state.not_lent.add("REF")
    keys = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)
    for number, (key, (surname, given)) in enumerate(zip(keys, _PEOPLE, strict=True), start=1):
        day = START.date() + timedelta(days=-1 if key is KNOWN.expired else 900)
        blocks = [{"block_status": "ACTIVE", "block_description": {"value": "02", "desc": "Card withheld"}}]
        user = state.add_user(f"P{number}", key.value, surname, given, day)
        user["user_block"] = blocks if key is KNOWN.blocked else []
        state.passwords[user["primary_id"]] = KNOWN.good_secret
    cherry = state.add_bib("Вишнёвый сад", "Чехов, А. П.", isbn="9780000010018", network_number=["(OCoLC)1001"])
    dream = state.add_bib("紅楼夢", "曹雪芹", network_number=["(OCoLC)1002"])
    atlas = state.add_bib("Atlas für den Lesesaal", "Grünwald, Öykü")
    state.add_item(cherry, KNOWN.shelf_item, "MAIN", "BOOK")
    for barcode in KNOWN.copies:
        state.add_item(dream, barcode, "MAIN", "BOOK")
    state.add_item(atlas, KNOWN.reference_item, "MAIN", "REF")
    return state


def make_alma_options(url: str, more: Mapping[str, Any] | None = None) -> AlmaOptions:
    """As a library would write them; a busy machine may take its time, and no call waits for its turn: that would be
    most of the time that these tests take. `more` may say how many calls a second there are."""
    sections: dict[str, Any] = {
        "url": f"{url}/almaws/v1",
        "api_key": "env:TERMINAL",
        "library": "RS",
        "desks": {"NORTH": "NORTH_DESK"},
        "checks_passwords": True,
        "not_lent": ["REF"],
        "fee_types": {"ill-fee": "OTHER"},
        "temporary_items": {"location": "ill", "policy": "ILL"},
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
        "breaker": {"failures": 1000},
    }
    options = AlmaOptions.model_validate({**sections, **(more or {})})
    is_said = "calls_per_second" in options.model_fields_set
    return options if is_said else options.model_copy(update={"calls_per_second": 10_000})


class AlmaWorld:
    def __init__(self, library: AlmaLibrary, fake: FakeAlma, clock: FixedClock) -> None:
        self.library = library
        self.fake = fake
        self.known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        return False


PATHS_OF_AREAS = {"Users": {"users"}, "Bibs": {"bibs", "items"}, "Configuration": {"conf"}}
"""The first part of the paths that an area of a key lets use."""


def read_guide_areas() -> Mapping[str, str]:
    """What the guide tells a library to give our key: areas, and the permission in each."""
    page = (ROOT / "docs" / "library-systems" / "alma.md").read_text("utf-8")
    table = page.partition("| area |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^ +\| (\w+) \| ([\w/-]+) \|", table, flags=re.MULTILINE))


def make_fake_alma(clock: Clock) -> FakeAlma:
    """Its key has the areas of the guide, and no more."""
    fake = FakeAlma(stock_alma(clock), PASSWORD)
    areas = read_guide_areas()
    fake.areas = set[str]().union(*(PATHS_OF_AREAS[area] for area in areas))
    fake.read_only = set[str]().union(*(PATHS_OF_AREAS[area] for area in areas if areas[area] == "read-only"))
    return fake


async def alma_world(
    store: Store, fake: FakeAlma, clock: FixedClock, more: Mapping[str, Any] | None = None
) -> AlmaWorld:
    context = await make_context(store, clock)
    return AlmaWorld(AlmaLibrary(context, make_alma_options(fake.url, more)), fake, clock)
