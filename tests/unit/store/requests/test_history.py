"""History, files and sequences, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.requests import history, timers
from gateway.store.requests.history import EventRow
from gateway.store.schema import make_exchange_id
from tests.unit.store.requests.samples import AT, LIBRARY


def row(minute: int, request: str = "r-1", library: str = LIBRARY, **changes: Any) -> EventRow:
    at = AT + timedelta(minutes=minute)
    event = Event(
        partner_signal(EventKind.UNFILLED),
        at,
        "partner:NL-UT",
        EventDetails(reason="on-loan", note="до мая"),
        attempt=1,
    )
    made = {"id": make_exchange_id(at), "at": at, "event": event, "before": "requested", "after": "sourcing"}
    return EventRow(library=library, request_id=request, **(made | changes))


async def add(store: Store, *rows: EventRow) -> None:
    for one in rows:
        await store.write(lambda c, one=one: history.add_history_event(c, one))


async def test_a_requests_history_is_told_oldest_first(migrated: Store) -> None:
    refused = row(
        2,
        event=Event(local_signal(EventKind.RENEW), AT, "patron"),
        after="requested",
        denied="not-now",
        note="'renew' is not …",
    )
    first = row(1)
    await add(migrated, refused, first, row(3, request="r-2"), row(4, library="OTHER"))

    assert await migrated.read(lambda c: history.list_events_of_request(c, LIBRARY, "r-1")) == (first, refused)
    assert await migrated.read(lambda c: history.list_events_of_request(c, LIBRARY, "r-3")) == ()


async def test_events_of_all_requests_are_followed_from_where_one_was(migrated: Store) -> None:
    rows = [row(n, request=f"r-{n}") for n in range(5)]
    await add(migrated, *rows, row(2, library="OTHER"))

    first = await migrated.read(lambda c: history.list_events_after(c, LIBRARY, "", 3))
    rest = await migrated.read(lambda c: history.list_events_after(c, LIBRARY, first[-1].id, 3))
    end = await migrated.read(lambda c: history.list_events_after(c, LIBRARY, rest[-1].id, 3))

    assert (*first, *rest) == tuple(rows)
    assert end == ()


async def test_an_event_is_kept_once(migrated: Store) -> None:
    one = row(1)
    await add(migrated, one)
    with pytest.raises(IntegrityError):
        await add(migrated, one)


# --- files -----------------------------------------------------------------------------------------------


async def test_a_file_is_kept_byte_by_byte(migrated: Store) -> None:
    content = bytes(range(256)) * 300
    await migrated.write(lambda c: history.put_file(c, LIBRARY, "f-1", content))
    assert await migrated.read(lambda c: history.get_file(c, LIBRARY, "f-1")) == content
    assert await migrated.read(lambda c: history.get_file(c, "OTHER", "f-1")) is None


async def test_a_file_never_changes(migrated: Store) -> None:
    await migrated.write(lambda c: history.put_file(c, LIBRARY, "f-1", b"%PDF-1.7"))
    with pytest.raises(IntegrityError):
        await migrated.write(lambda c: history.put_file(c, LIBRARY, "f-1", b"other"))


# --- sequences -------------------------------------------------------------------------------------------


async def test_numbers_follow_each_other_without_gap_or_repeat_on_many_nodes(migrated: Store, store_url: str) -> None:
    nodes = [open_store(store_url) for _ in range(3)]
    try:
        given = await asyncio.gather(
            *(nodes[n % 3].write(lambda c: timers.next_in_sequence(c, LIBRARY, "borrowing-2026")) for n in range(60))
        )
    finally:
        for node in nodes:
            await node.close()
    assert sorted(given) == list(range(1, 61))


async def test_each_library_and_name_counts_for_itself(migrated: Store) -> None:
    def following(library: str, name: str) -> Any:
        return migrated.write(lambda c: timers.next_in_sequence(c, library, name))

    assert [await following(LIBRARY, "a"), await following(LIBRARY, "a")] == [1, 2]
    assert [await following(LIBRARY, "b"), await following("OTHER", "a")] == [1, 1]


async def test_a_number_taken_in_vain_is_given_again(migrated: Store) -> None:
    def fail(connection: Any) -> None:
        timers.next_in_sequence(connection, LIBRARY, "a")
        raise LookupError("no")

    with pytest.raises(LookupError):
        await migrated.write(fail)
    assert await migrated.write(lambda c: timers.next_in_sequence(c, LIBRARY, "a")) == 1
