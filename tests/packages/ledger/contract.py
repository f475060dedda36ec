"""LEDGER keeps the contract of the port `LibrarySystem`: what `capabilities` lacks is skipped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from illgate_ledger import adapter

from gateway.domain.clock import FixedClock
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.shared_store import Store
from tests.library_contract.embedded_world import START, make_context
from tests.library_contract.sip2_world import KNOWN
from tests.library_contract.suite import LibraryContract, OnSqliteAlone
from tests.library_contract.world import Known

NAMES = ("Müller, Ana", "Папалазарова, Нина", "欧阳, 思远", "אלמוגי, נועה", "شمس, ليلى")
PEOPLE = (KNOWN.good, KNOWN.other, KNOWN.third, KNOWN.blocked, KNOWN.expired)


def write_ledger(file: Path) -> None:
    patrons = {
        key.value: {"name": name, "branch": "MAIN", "mail": f"{key.value}@library.example", "expires": "2090-12-31"}
        for key, name in zip(PEOPLE, NAMES, strict=True)
    }
    patrons[KNOWN.blocked.value]["block"] = "card reported lost"
    patrons[KNOWN.expired.value]["expires"] = (START.date() - timedelta(days=1)).isoformat()
    titles = {KNOWN.shelf_item: "Вишнёвый сад", KNOWN.reference_item: "Atlas", **dict.fromkeys(KNOWN.copies, "紅楼夢")}
    items = {
        barcode: {"title": title, "branch": "MAIN", "lent": barcode != KNOWN.reference_item}
        for barcode, title in titles.items()
    }
    file.write_text(json.dumps({"patrons": patrons, "items": items, "loans": []}), "utf-8")


class LedgerWorld:
    def __init__(self, library: LibrarySystem, clock: FixedClock) -> None:
        self.library = library
        self.known: Known = KNOWN
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def advance(self, by: timedelta) -> bool:
        self._clock.advance(by)
        return True


class TestLedger(OnSqliteAlone, LibraryContract):
    @pytest.fixture
    async def world(self, store: Store, tmp_path: Path) -> LedgerWorld:
        file = tmp_path / "ledger.json"
        write_ledger(file)
        clock = FixedClock(START)
        return LedgerWorld(await adapter.open(make_context(store, clock), adapter.options(file=str(file))), clock)
