"""A library behind a fake Koha with what the contract suite takes for granted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.library.koha.options import KohaOptions
from adapters.library.koha.system import KohaLibrary, open_koha
from gateway.domain.clock import Clock, FixedClock
from gateway.domain.library import Location
from gateway.ports.shared_store import Store
from rehearsal.fakes.koha import (
    FakeKoha,
    KohaAccess,
    make_item_body,
    make_marcxml,
    make_patron_body,
)
from rehearsal.fakes.koha_state import KohaState
from tests.fakes.documented_koha import DocumentedKoha
from tests.library_contract import embedded_world
from tests.library_contract.embedded_world import START
from tests.library_contract.sip2_world import make_context
from tests.support.paths import ROOT
from tests.support.pysip2_server import PASSWORD

SECRET = "1234"

KNOWN = replace(embedded_world.KNOWN, ill=Location("RS"), ill_policy="ILL", visitor_category="VISITOR")

_PEOPLE = (("Müller", "Ana"), ("Папалазарова", "Нина"), ("欧阳", "思远"), ("אלמוגי", "נועה"), ("شمس", "ليلى"))


def stock_koha(clock: Clock) -> KohaState:
    """`Known`, in a Koha in memory."""
    state = KohaState(now=clock.now)
    state.next_number()
    for code in ("MAIN", "NORTH", "RS"):
        state.add_library(code, f"Branch {code}")
    state.categories |= {"ADULT", "VISITOR"}
    state.item_types |= {"BK", "REF", "ILL"}
    keys = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)
    for key, (surname, given) in zip(keys, _PEOPLE, strict=True):
        day = START.date() + timedelta(days=-1 if key is KNOWN.expired else 900)
        body = make_patron_body(key.value, surname, given, "MAIN", "ADULT", day)
        row = state.add_patron(body, restricted=key is KNOWN.blocked)
        state.passwords[row["patron_id"]] = SECRET
    cherry = state.add_biblio(make_marcxml("Вишнёвый сад", "Чехов, А. П.", isbn="9780000010018"))
    dream = state.add_biblio(make_marcxml("紅楼夢", "曹雪芹"))
    atlas = state.add_biblio(make_marcxml("Atlas für den Lesesaal", "Grünwald, Öykü"))
    state.add_item(cherry, make_item_body(KNOWN.shelf_item, "MAIN", "BK"))
    for barcode in KNOWN.copies:
        state.add_item(dream, make_item_body(barcode, "MAIN", "BK"))
    state.add_item(atlas, make_item_body(KNOWN.reference_item, "MAIN", "REF", 1))
    return state


def make_koha_options(url: str, more: Mapping[str, Any] | None = None) -> KohaOptions:
    """As a library would write them; a busy machine may take its time."""
    sections: dict[str, Any] = {
        "url": f"{url}/api/v1",
        "sign_in": {"client_id": "illgate", "client_secret": "env:TERMINAL"},
        "resource_sharing_branch": "RS",
        "temporary_item_types": ["ILL"],
        "moves_items": True,
        "fee_types": {"ill-fee": "MANUAL"},
        "seconds": {"connect": 20, "look_up": 20, "change": 20},
        "breaker": {"failures": 1000},
    }
    return KohaOptions.model_validate({**sections, **(more or {})})


class KohaWorld:
    def __init__(self, library: KohaLibrary, fake: FakeKoha, clock: FixedClock) -> None:
        self.library = library
        self.fake = fake
        self.known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        return False


def read_guide_permissions() -> Mapping[str, frozenset[str]]:
    """All that the guide tells a library to give our patron: groups, and the permissions of each; none: all of it."""
    page = (ROOT / "docs" / "library-systems" / "koha.md").read_text("utf-8")
    table = page.partition("| permission |")[2].partition("\n\n")[0]
    rows = re.findall(r"^ +\| `(\w+)`(?: \((.+?)\))? \|", table, flags=re.MULTILINE)
    return {group: frozenset(re.findall(r"`(\w+)`", some)) for group, some in rows}


def make_fake_koha(clock: Clock, **access: Any) -> FakeKoha:
    """Its user has the permissions of the guide, and no more."""
    granted = frozenset(read_guide_permissions())
    given = {"client_secret": PASSWORD, "password": PASSWORD, "permissions": granted, **access}
    return FakeKoha(stock_koha(clock), KohaAccess(**given))


def make_documented_koha(clock: Clock, specs: Path, document: str) -> DocumentedKoha:
    """Its user has the permissions of the guide, and no more."""
    access = KohaAccess(client_secret=PASSWORD, password=PASSWORD)
    granted = dict(read_guide_permissions())
    if document == "fork-near-main-2026":
        granted["parameters"] = frozenset()
    return DocumentedKoha(stock_koha(clock), access, specs, document, granted)


async def koha_world(
    store: Store, fake: FakeKoha, clock: FixedClock, more: Mapping[str, Any] | None = None
) -> KohaWorld:
    context = await make_context(store, clock)
    return KohaWorld(await open_koha(context, make_koha_options(fake.url, more)), fake, clock)
