"""Orders that wait for others, and the files that they become, on both databases."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.migration import OWN, migrate_store
from gateway.store.requests import order_batches, outbox, outbox_decisions, outbox_queries
from gateway.store.requests.order_batches import FILE, GATHER, ORDER, FiledOrder
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.schema import make_exchange_id
from tests.unit.store.requests.samples import AT, LIBRARY

LEASE = timedelta(minutes=2)
DUE = AT + timedelta(hours=4)
LATER = AT + timedelta(hours=5)
KINDS = (GATHER, FILE, "partner")


def order(request_id: str, target: str = "bldss", **changes: Any) -> OutboxRow:
    made: dict[str, Any] = {
        "library": LIBRARY,
        "id": make_exchange_id(AT),
        "lane": f"{request_id}/partner/{target}",
        "kind": ORDER,
        "target": target,
        "request_id": request_id,
        "payload": '{"title":"Приключения"}',
        "created": AT,
        "next_at": AT,
    }
    return OutboxRow(**(made | changes))


async def add(store: Store, *rows: OutboxRow, most: int = 50) -> None:
    def work(connection: Connection) -> None:
        for row in rows:
            outbox.add_outbox_row(connection, row)
            if row.kind == ORDER:
                order_batches.schedule_batch(connection, LIBRARY, row.target, AT, DUE, most)

    await store.write(work)


async def claim(store: Store, now: datetime = LATER, node: str = "a/1") -> tuple[OutboxRow, ...]:
    return await store.write(lambda c: outbox.claim_rows(c, now, 10, LEASE, node, KINDS))


async def row_of(store: Store, row: OutboxRow) -> OutboxRow:
    found = await store.read(lambda c: outbox_queries.get_outbox_row(c, row.library, row.id))
    assert found is not None
    return found


def filing(number: str, orders: list[OutboxRow]) -> tuple[OutboxRow, list[FiledOrder]]:
    file = OutboxRow(
        library=LIBRARY, id=make_exchange_id(LATER), lane="", kind=FILE, target="bldss", payload="{}", created=LATER,
        next_at=LATER,
    )  # fmt: skip
    entries = [
        FiledOrder(
            library=LIBRARY,
            profile="bldss",
            number=number,
            place=place,
            file_id=file.id,
            order_id=one.id,
            request_id=one.request_id,
            reference=f"Ñ-{one.request_id}",
            at=LATER,
        )
        for place, one in enumerate(orders, start=1)
    ]
    return file, entries


# --- waiting ---------------------------------------------------------------------------------------------


async def test_one_alarm_rings_for_all_orders_of_a_partner(migrated: Store) -> None:
    await add(migrated, order("r-1"), order("r-2"), order("r-3", target="subito"))

    assert await claim(migrated, DUE - timedelta(seconds=1)) == ()
    alarms = await claim(migrated, DUE)

    assert sorted((one.kind, one.target) for one in alarms) == [(GATHER, "bldss"), (GATHER, "subito")]


async def test_enough_orders_bring_the_alarm_forward(migrated: Store) -> None:
    await add(migrated, order("r-1"), most=2)
    assert await claim(migrated, AT) == ()

    await add(migrated, order("r-2"), most=2)

    assert [one.kind for one in await claim(migrated, AT)] == [GATHER]


async def test_an_order_that_comes_while_the_alarm_rings_has_one_of_its_own(migrated: Store) -> None:
    await add(migrated, order("r-1"))
    (ringing,) = await claim(migrated, DUE)

    await add(migrated, order("r-2"))

    assert [one.kind for one in await claim(migrated, DUE)] == [GATHER]
    assert (await row_of(migrated, ringing)).status is OutboxStatus.IN_HAND


async def test_ready_are_those_whose_turn_in_their_lane_has_come(migrated: Store) -> None:
    earlier = order("r-2", kind="partner")
    first, behind = order("r-1"), order("r-2")
    await add(migrated, earlier, first, behind)

    ready = await migrated.write(lambda c: order_batches.lock_ready_orders(c, LIBRARY, "bldss", 10))

    assert [one.id for one in ready] == [first.id]
    assert await migrated.read(lambda c: order_batches.has_waiting_orders(c, LIBRARY, "bldss"))


async def test_each_for_itself_they_are_messages_like_others(migrated: Store) -> None:
    one = order("r-1")
    await add(migrated, one)

    await migrated.write(lambda c: order_batches.send_singly(c, LIBRARY, "bldss"))

    assert [(row.id, row.kind) for row in await claim(migrated, AT)] == [(one.id, "partner")]


@pytest.mark.postgresql
async def test_an_alarm_is_not_claimed_while_an_order_is_being_added(fresh_postgresql_url: str) -> None:
    """Else it could be over before the order is seen. On SQLite there is one writer at a time anyhow."""
    store = open_store(fresh_postgresql_url)
    await migrate_store(store, OWN)
    await add(store, order("r-1"))
    added, seen = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> None:
        outbox.add_outbox_row(connection, order("r-2"))
        order_batches.schedule_batch(connection, LIBRARY, "bldss", AT, DUE, 50)
        added.set()
        assert seen.wait(20)

    async def elsewhere() -> None:
        """Another node, in a thread and a loop of its own."""
        node = open_store(fresh_postgresql_url)
        await node.write(slowly)
        await node.close()

    adding = asyncio.create_task(asyncio.to_thread(asyncio.run, elsewhere()))
    await asyncio.to_thread(added.wait, 20)
    meanwhile = await claim(store, DUE)
    seen.set()
    await adding
    afterwards = await claim(store, DUE)
    await store.close()

    assert (meanwhile, [one.kind for one in afterwards]) == ((), [GATHER])


# --- files -----------------------------------------------------------------------------------------------


async def test_orders_in_a_file_are_nobody_elses(migrated: Store) -> None:
    first, second = order("r-1"), order("r-2")
    await add(migrated, first, second)
    file, entries = filing("F1", [first, second])
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))

    held = await migrated.read(lambda c: order_batches.list_orders_in_hand(c, LIBRARY, file.id))
    skipped = await migrated.write(lambda c: outbox_decisions.skip_row(c, LIBRARY, first.id, "no", "ada", LATER))
    released = await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, second.id, LATER))

    assert [one.id for one in held] == [first.id, second.id]
    assert (skipped, released) == (False, False)
    assert [one.kind for one in await claim(migrated)] == [GATHER, FILE]
    assert (
        await migrated.write(lambda c: outbox.expire_node_leases(c, "a/1", LATER)) == 2
    )  # the file is, its orders stay in it
    assert [order_batches.file_id_of_order(one) for one in held] == [file.id, file.id]


async def test_an_order_that_ends_lets_the_next_of_its_lane_go_on(migrated: Store) -> None:
    one, cancel = order("r-1"), order("r-1", kind="partner")
    await add(migrated, one, cancel)
    file, entries = filing("F1", [one])
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))
    (held,) = await migrated.read(lambda c: order_batches.list_orders_in_hand(c, LIBRARY, file.id))

    await migrated.write(lambda c: outbox.mark_done(c, held, "250 Ok", LATER))

    assert cancel.id in {row.id for row in await claim(migrated)}
    assert order_batches.file_id_of_order(await row_of(migrated, one)) == ""


async def test_a_file_is_found_by_its_number_and_by_its_row(migrated: Store) -> None:
    orders = [order("r-1"), order("r-2")]
    await add(migrated, *orders)
    file, entries = filing("F1", orders)
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))

    by_number = await migrated.read(lambda c: order_batches.find_filed_orders(c, LIBRARY, "bldss", ["F9", "F1"]))
    assert by_number == tuple(entries)
    assert await migrated.read(lambda c: order_batches.list_filed_orders(c, LIBRARY, file.id)) == tuple(entries)
    assert await migrated.read(lambda c: order_batches.find_filed_orders(c, LIBRARY, "subito", ["F1"])) == ()


async def test_a_dissolved_file_leaves_messages_like_others(migrated: Store) -> None:
    one = order("r-1")
    await add(migrated, one)
    file, entries = filing("F1", [one])
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))

    await migrated.write(lambda c: order_batches.dissolve_batch(c, LIBRARY, file.id, LATER))

    left = await row_of(migrated, one)
    assert (left.kind, left.status, left.node) == ("partner", OutboxStatus.WAITING, "")
    assert await migrated.read(lambda c: order_batches.list_filed_orders(c, LIBRARY, file.id)) == ()


async def test_what_staff_release_goes_alone(migrated: Store) -> None:
    one = order("r-1")
    await add(migrated, one)

    assert await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, one.id, AT))

    assert [(row.id, row.kind) for row in await claim(migrated, AT)] == [(one.id, "partner")]


async def test_what_waits_is_listed_page_by_page(migrated: Store) -> None:
    orders = [order(f"r-{n}") for n in range(3)]
    await add(migrated, *orders)
    file, entries = filing("F1", orders[:1])
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))

    page = await migrated.read(lambda c: order_batches.unsent_orders(c, LIBRARY, 2))
    rest = await migrated.read(lambda c: order_batches.unsent_orders(c, LIBRARY, 2, page.cursor))

    assert [row.id for row in (*page.rows, *rest.rows)] == [one.id for one in orders]
    assert await migrated.read(lambda c: order_batches.find_batch_due(c, LIBRARY, "bldss")) == DUE


async def test_files_are_forgotten_with_their_rows(migrated: Store) -> None:
    one = order("r-1")
    await add(migrated, one)
    file, entries = filing("F1", [one])
    await migrated.write(lambda c: order_batches.add_batch(c, file, entries))
    much_later = LATER + timedelta(days=400)

    kept = await migrated.write(lambda c: order_batches.prune_filed_orders(c, much_later, 10))
    claimed = next(row for row in await claim(migrated) if row.id == file.id)
    await migrated.write(lambda c: outbox.mark_done(c, claimed, "", LATER))
    await migrated.write(lambda c: outbox.prune_ended_rows(c, much_later, 10))
    forgotten = await migrated.write(lambda c: order_batches.prune_filed_orders(c, much_later, 10))

    assert (kept, forgotten) == (0, 1)
