"""What is asked for with every message reads by index, so that it costs the same with a million rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event

from gateway.domain.library import Bib, ItemStatus, RecordId
from gateway.ports.library_system import HoldWish, PatronKey, TemporaryHold, TemporaryItem
from tests.library_contract.embedded_world import KNOWN
from tests.unit.adapters.embedded.installed import Installed

FEW_ROWS = ("SCAN CONSTANT ROW", "SCAN one_row")


def _is_long(step: str) -> bool:
    """All rows of a table, or all of a library."""
    if step.startswith("SCAN"):
        return step not in FEW_ROWS
    return step.endswith("(library=?)") and "embedded_branches" not in step and "embedded_loan_rules" not in step


async def _everything(system: Any) -> None:
    patron = await system.find_patron(PatronKey("21000000000017"))
    wish = TemporaryItem("ILL-1", Bib(title="t"), "R1", KNOWN.ill, "ill", hold=TemporaryHold(patron.id, "MAIN"))
    await system.create_temporary_item(wish, "k1")
    await system.change_barcode("ILL-1", "ILL-2", "k2")
    await system.item_by_request("R1")
    await system.find_hold("R1")
    await system.check_in("ILL-2", "k3", at="MAIN")
    loan = await system.check_out("ILL-2", patron.id, "k4")
    await system.set_due_date(loan.id, loan.due - timedelta(days=20), "k5")
    await system.renew_loan("ILL-2", "k6")
    await system.recall_loan("ILL-2", "k7")
    await system.patron_loans(patron.id)
    await system.last_loan(loan.item_id)
    await system.check_in("ILL-2", "k8", at="RS")
    await system.delete_temporary_item("ILL-2", "k9")
    await system.delete_temporary_item("ILL-2", "k9")
    bib = await system.find_bib(RecordId("isbn", "9780000010018"))
    await system.find_bib(RecordId("local", "1001"))
    await system.holdings(bib.id)
    await system.search_bibs("three-body problem")
    hold = await system.place_hold(HoldWish(patron.id, "MAIN", bib_id=bib.id), "k10")
    await system.update_hold(hold.id, "k11", pickup="NORTH")
    await system.cancel_hold(hold.id, "k12")
    await system.set_item_status("39000000000011", ItemStatus.MISSING, "k13")
    await system.patron_holds(patron.id)
    await system.patron_charges(patron.id)


async def test_nothing_reads_a_whole_table(installed: Installed) -> None:
    asked: dict[str, Any] = {}

    def note(_c: Connection, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        if not statement.lstrip().startswith(("INSERT", "BEGIN", "EXPLAIN")):
            asked.setdefault(statement, parameters[0] if many else parameters)

    async with installed.library() as opened:
        store: Any = opened.context.store

        def listen(connection: Connection) -> None:
            event.listen(connection, "before_cursor_execute", note)

        def explain(connection: Connection) -> list[tuple[str, str]]:
            event.remove(connection, "before_cursor_execute", note)
            return [
                (row[3], statement)
                for statement, parameters in asked.items()
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]

        await store.read(listen)
        await store.write(listen)
        await _everything(opened.system)
        plan = await store.read(explain)

    assert len(asked) > 25
    assert [(step, sql) for step, sql in plan if _is_long(step)] == []
