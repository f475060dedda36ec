"""Whatever is done in whatever order, the library never contradicts itself."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, text

from gateway.domain.library import Bib, ItemStatus
from gateway.domain.problems import Refused
from gateway.ports.library_system import HoldWish, PatronKey, TemporaryHold, TemporaryItem
from gateway.store.engine import open_store
from tests.library_contract.embedded_world import KNOWN, embedded_world

BARCODES = (KNOWN.shelf_item, *KNOWN.copies, "ILL-1", "ILL-2")
PEOPLE = (KNOWN.good, KNOWN.other, KNOWN.third)
DESKS = (KNOWN.desk, KNOWN.other_desk, KNOWN.ill.library)
STATUSES = (ItemStatus.AVAILABLE, ItemStatus.LOST, ItemStatus.MISSING, ItemStatus.IN_TRANSIT, ItemStatus.IN_PROCESS)

barcodes = st.sampled_from(BARCODES)
people = st.sampled_from(PEOPLE)
desks = st.sampled_from(DESKS)

CONTRADICTIONS = {
    "an item is on loan twice": """
        SELECT item_id FROM embedded_loans WHERE returned IS NULL GROUP BY item_id HAVING count(*) > 1""",
    "an item on loan has another status": """
        SELECT i.barcode, i.status FROM embedded_loans l JOIN embedded_items i ON i.id = l.item_id
        WHERE l.returned IS NULL AND i.status NOT IN ('on-loan', 'recalled', 'lost', 'missing', 'claimed-returned')""",
    "an item says it is on loan and is not": """
        SELECT i.barcode FROM embedded_items i WHERE i.status IN ('on-loan', 'recalled')
        AND NOT EXISTS (SELECT 1 FROM embedded_loans l WHERE l.item_id = i.id AND l.returned IS NULL)""",
    "a ready hold has its item elsewhere": """
        SELECT h.id, i.status, i.current_branch FROM embedded_holds h JOIN embedded_items i ON i.id = h.item_id
        WHERE h.closed IS NULL AND h.status = 'ready'
        AND (i.status <> 'on-hold-shelf' OR i.current_branch <> h.pickup)""",
    "a ready hold has no item": """
        SELECT id FROM embedded_holds WHERE closed IS NULL AND status IN ('ready', 'in-transit') AND item_id IS NULL""",
    "an item on the hold shelf is kept for nobody": """
        SELECT i.barcode FROM embedded_items i WHERE i.status = 'on-hold-shelf' AND i.deleted IS NULL
        AND NOT EXISTS (
          SELECT 1 FROM embedded_holds h WHERE h.item_id = i.id AND h.status = 'ready' AND h.closed IS NULL)""",
    "an item is kept for two": """
        SELECT item_id FROM embedded_holds WHERE closed IS NULL AND status IN ('ready', 'in-transit')
        GROUP BY item_id HAVING count(*) > 1""",
    "a hold in transit has its item elsewhere": """
        SELECT h.id, i.status FROM embedded_holds h JOIN embedded_items i ON i.id = h.item_id
        WHERE h.closed IS NULL AND h.status = 'in-transit'
        AND (i.status <> 'in-transit' OR i.transit_to <> h.pickup)""",
    "an open hold is on a deleted item or record": """
        SELECT h.id FROM embedded_holds h LEFT JOIN embedded_items i ON i.id = h.item_id
        JOIN embedded_bibs b ON b.id = h.bib_id
        WHERE h.closed IS NULL AND (i.deleted IS NOT NULL OR b.deleted IS NOT NULL)""",
    "in transit to nowhere, or with a destination at rest": """
        SELECT barcode, status, transit_to FROM embedded_items
        WHERE deleted IS NULL AND (status = 'in-transit') <> (transit_to <> '')""",
    "a hold's status and closing differ": """
        SELECT id, status FROM embedded_holds
        WHERE (closed IS NULL) <> (status IN ('waiting', 'paged', 'in-transit', 'ready'))""",
}

TABLES = ("patrons", "items", "holds", "loans", "charges", "operations", "bibs", "holdings")


def _contents(connection: Connection) -> list[list[Any]]:
    return [[tuple(row) for row in connection.execute(text(f"SELECT * FROM embedded_{t} ORDER BY 2"))] for t in TABLES]


def _contradictions(connection: Connection) -> dict[str, Any]:
    found = {name: connection.execute(text(query)).all() for name, query in CONTRADICTIONS.items()}
    return {name: rows for name, rows in found.items() if rows}


class Library(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._runner = asyncio.Runner()
        self._store = open_store(f"sqlite:///{Path(self._folder.name) / 'library.db'}")
        self._world = self._runner.run(embedded_world(self._store))
        self._library = self._world.library
        self._ids = {who: self._runner.run(self._library.find_patron(who)).id for who in PEOPLE}
        self._keys = (f"key-{n}" for n in itertools.count())

    def teardown(self) -> None:
        self._runner.run(self._store.close())
        self._runner.close()
        self._folder.cleanup()

    def _do(self, work: Callable[[str], Awaitable[Any]]) -> None:
        """Twice under the same key: the second time changes nothing, and is not refused either."""
        key = next(self._keys)

        async def twice() -> None:
            try:
                await work(key)
            except Refused:
                return
            before = await self._store.read(_contents)
            await work(key)
            assert await self._store.read(_contents) == before

        self._runner.run(twice())

    @rule(barcode=barcodes, who=people)
    def check_out(self, barcode: str, who: PatronKey) -> None:
        self._do(lambda key: self._library.check_out(barcode, self._ids[who], key))

    @rule(barcode=barcodes, who=people)
    def hand_over(self, barcode: str, who: PatronKey) -> None:
        self._do(lambda key: self._library.check_out(barcode, self._ids[who], key, override=True))

    @rule(barcode=barcodes, desk=desks, fill=st.booleans())
    def check_in(self, barcode: str, desk: str, fill: bool) -> None:
        self._do(lambda key: self._library.check_in(barcode, key, at=desk, fill_hold=fill))

    @rule(barcode=barcodes)
    def renew(self, barcode: str) -> None:
        self._do(lambda key: self._library.renew_loan(barcode, key))

    @rule(barcode=barcodes)
    def recall(self, barcode: str) -> None:
        self._do(lambda key: self._library.recall_loan(barcode, key))

    @rule(barcode=barcodes, who=people, desk=desks, kind=st.sampled_from(("hold", "recall")))
    def hold_item(self, barcode: str, who: PatronKey, desk: str, kind: str) -> None:
        wish = HoldWish(self._ids[who], desk, item_barcode=barcode, kind=kind)
        self._do(lambda key: self._library.place_hold(wish, key))

    @rule(who=people, desk=desks, days=st.sampled_from((None, 1, 20)))
    def hold_title(self, who: PatronKey, desk: str, days: int | None) -> None:
        async def place(key: str) -> None:
            item = await self._library.item_by_barcode(KNOWN.copies[0])
            expires = self._world.now().date() + timedelta(days=days) if days else None
            await self._library.place_hold(HoldWish(self._ids[who], desk, bib_id=item.bib_id, expires=expires), key)

        self._do(place)

    @rule(who=people, first=st.booleans(), desk=desks, cancel=st.booleans())
    def change_hold(self, who: PatronKey, first: bool, desk: str, cancel: bool) -> None:
        held = self._runner.run(self._library.patron_holds(self._ids[who]))
        if not held:
            return
        hold = held[0 if first else -1]
        if cancel:
            self._do(lambda key: self._library.cancel_hold(hold.id, key))
        else:
            self._do(lambda key: self._library.update_hold(hold.id, key, pickup=desk))

    @rule(barcode=st.sampled_from(("ILL-1", "ILL-2")), who=people, desk=desks, on_shelf=st.booleans())
    def accept(self, barcode: str, who: PatronKey, desk: str, on_shelf: bool) -> None:
        hold = TemporaryHold(self._ids[who], desk, on_shelf)
        wish = TemporaryItem(barcode, Bib(title="水滸傳"), "", KNOWN.ill, KNOWN.ill_policy, hold=hold)
        self._do(lambda key: self._library.create_temporary_item(wish, key))

    @rule(barcode=barcodes)
    def delete(self, barcode: str) -> None:
        self._do(lambda key: self._library.delete_temporary_item(barcode, key))

    @rule(barcode=barcodes, status=st.sampled_from(STATUSES))
    def set_status(self, barcode: str, status: ItemStatus) -> None:
        self._do(lambda key: self._library.set_item_status(barcode, status, key))

    @rule(barcode=barcodes, home=st.booleans())
    def move(self, barcode: str, home: bool) -> None:
        if home:
            self._do(lambda key: self._library.return_home(barcode, key))
        else:
            self._do(lambda key: self._library.move_to_ill(barcode, KNOWN.ill, key))

    @rule(days=st.sampled_from((1, 9, 35)))
    def time_passes(self, days: int) -> None:
        self._world.advance(timedelta(days=days))

    @invariant()
    def nothing_contradicts(self) -> None:
        assert self._runner.run(self._store.read(_contradictions)) == {}


Library.TestCase.settings = settings(max_examples=25, stateful_step_count=30, suppress_health_check=list(HealthCheck))
TestInvariants = Library.TestCase
