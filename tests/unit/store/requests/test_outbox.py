"""The outbox, on both databases: order, leases, what staff do, retention."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.domain.requests.task_lists import DEAD_LETTERS
from gateway.domain.sentences import Sentence, write_sentence
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from gateway.store.requests import outbox, outbox_decisions, outbox_queries, request_counts
from gateway.store.requests.outbox import LeaseLost, OutboxRow, OutboxStatus
from gateway.store.requests.outbox_lanes import take_place
from gateway.store.schema import make_exchange_id
from tests.unit.store.requests.samples import AT, LIBRARY

LEASE = timedelta(minutes=2)
NOW = AT + timedelta(hours=1)


def row(lane: str = "r-1", **changes: Any) -> OutboxRow:
    made: dict[str, Any] = {
        "library": LIBRARY,
        "id": make_exchange_id(AT),
        "lane": lane,
        "kind": "partner",
        "target": "utrecht",
        "request_id": "r-1",
        "payload": '{"to":"Лебедева"}',
        "created": AT,
        "next_at": AT,
    }
    return OutboxRow(**(made | changes))


async def add(store: Store, *rows: OutboxRow) -> None:
    for one in rows:
        await store.write(lambda c, one=one: outbox.add_outbox_row(c, one))


async def claim(
    store: Store, now: datetime = NOW, limit: int = 10, node: str = "a", **more: Any
) -> tuple[OutboxRow, ...]:
    return await store.write(lambda c: outbox.claim_rows(c, now, limit, LEASE, node, **more))


async def claimed_ids(store: Store, now: datetime = NOW) -> list[str]:
    return [one.id for one in await claim(store, now)]


async def done(store: Store, claimed: OutboxRow) -> None:
    await store.write(lambda c: outbox.mark_done(c, claimed, "250 taken", NOW))


async def status_of(store: Store, one: OutboxRow) -> OutboxStatus:
    found = await store.read(lambda c: outbox_queries.get_outbox_row(c, one.library, one.id))
    assert found is not None
    return found.status


# --- claiming --------------------------------------------------------------------------------------------


async def test_a_claimed_row_is_what_was_added_and_in_hand(migrated: Store) -> None:
    added = row(note="of event 17")
    await add(migrated, added)

    (claimed,) = await claim(migrated)

    assert (claimed.payload, claimed.target, claimed.note) == (added.payload, "utrecht", "of event 17")
    assert (claimed.status, claimed.tries, claimed.node) == (OutboxStatus.IN_HAND, 1, "a")
    assert claimed.lease_until == NOW + LEASE
    assert await migrated.read(lambda c: outbox_queries.get_outbox_row(c, LIBRARY, added.id)) == claimed
    assert await migrated.read(lambda c: outbox_queries.get_outbox_row(c, "OTHER", added.id)) is None


async def test_a_row_is_not_taken_before_its_time(migrated: Store) -> None:
    later = row(next_at=NOW + timedelta(seconds=1))
    await add(migrated, later)
    assert await claimed_ids(migrated) == []
    assert await claimed_ids(migrated, NOW + timedelta(seconds=1)) == [later.id]


async def test_those_due_longest_come_first_and_no_more_than_wanted(migrated: Store) -> None:
    rows = [row(f"r-{n}", next_at=AT + timedelta(minutes=9 - n)) for n in range(5)]
    await add(migrated, *rows)
    assert [one.id for one in await claim(migrated, limit=3)] == [one.id for one in rows[:1:-1]]


async def test_only_the_kinds_asked_for_are_taken(migrated: Store) -> None:
    letter, call = row("r-1", kind="letter"), row("r-2", kind="library")
    await add(migrated, letter, call)
    assert [one.id for one in await claim(migrated, kinds={"library", "work"})] == [call.id]
    assert [one.id for one in await claim(migrated, kinds=None)] == [letter.id]


async def add_flood(store: Store) -> None:
    """Ten old rows of one library, and newer ones of two others."""
    await add(store, *(row(f"r-{n}", next_at=AT + timedelta(seconds=n)) for n in range(10)))
    await add(store, *(row(f"s-{n}", library="SMALL", next_at=NOW) for n in range(2)), row(library="TINY", next_at=NOW))


async def claim_libraries(store: Store, **more: Any) -> list[str]:
    return [one.library for one in await claim(store, **more)]


async def test_libraries_take_turns_whoever_waits_longest(migrated: Store) -> None:
    await add_flood(migrated)
    assert await claim_libraries(migrated, limit=3) == [LIBRARY, "SMALL", "TINY"]
    claimed = await claim(migrated)
    assert [one.library for one in claimed] == [LIBRARY, "SMALL", *[LIBRARY] * 8]
    assert [one.next_at for one in claimed if one.library == LIBRARY] == [
        AT + timedelta(seconds=n) for n in range(1, 10)
    ]


async def test_the_turn_goes_on_behind_the_library_that_had_it_last(migrated: Store) -> None:
    await add_flood(migrated)
    assert await claim_libraries(migrated, limit=1, last=LIBRARY) == ["SMALL"]
    assert await claim_libraries(migrated, limit=2, last="SMALL") == ["TINY", LIBRARY]
    assert await claim_libraries(migrated, limit=3, last="TINY") == [LIBRARY, "SMALL", LIBRARY]


async def test_a_library_with_more_in_hand_waits_until_others_have_as_much(migrated: Store) -> None:
    await add_flood(migrated)
    held = [LIBRARY, "SMALL", LIBRARY, LIBRARY, "SMALLER"]
    assert await claim_libraries(migrated, limit=4, held=held) == ["TINY", "SMALL", "SMALL", LIBRARY]


async def test_libraries_without_a_row_that_may_be_taken_now_use_up_no_turn(migrated: Store) -> None:
    await add_flood(migrated)
    await add(migrated, row(library="AWAY", target="kyoto", next_at=AT), row(library="LATER", next_at=NOW + LEASE))
    besides = [outbox.Route("partner", target="kyoto")]
    assert await claim_libraries(migrated, limit=1, besides=besides, kinds={"partner"}) == [LIBRARY]
    assert await claim_libraries(migrated, limit=2, besides=besides, last=LIBRARY) == ["SMALL", "TINY"]


async def test_one_row_can_be_asked_for(migrated: Store) -> None:
    first, second = row("r-1"), row("r-1")
    await add(migrated, first, second)

    def one(wanted: OutboxRow, now: datetime = NOW) -> Any:
        return migrated.write(lambda c: outbox.claim_single_row(c, LIBRARY, wanted.id, now, LEASE, "desk"))

    assert await one(second) is None  # not its turn
    assert await one(first, AT - timedelta(seconds=1)) is None  # not yet
    claimed = await one(first)
    assert (claimed.id, claimed.node, claimed.tries) == (first.id, "desk", 1)
    assert await one(first) is None  # in hand
    await done(migrated, claimed)
    assert await one(first) is None  # ended
    assert (await one(second)).id == second.id


@pytest.fixture
async def nodes(store_url: str, migrated: Store) -> AsyncIterator[list[Store]]:
    opened = [open_store(store_url) for _ in range(4)]
    yield opened
    for node in opened:
        await node.close()


async def test_nodes_that_claim_at_once_never_get_the_same_row(migrated: Store, nodes: list[Store]) -> None:
    rows = [row(f"r-{n}") for n in range(60)]
    await add(migrated, *rows)

    taken: list[str] = []

    async def work(number: int) -> None:
        while got := await claim(nodes[number], limit=3, node=f"node-{number}"):
            taken.extend(one.id for one in got)

    await asyncio.gather(*map(work, range(4)))

    assert sorted(taken) == sorted(one.id for one in rows)


async def test_lanes_keep_their_order_with_many_nodes(migrated: Store, nodes: list[Store]) -> None:
    """While some add, others take and end: in every lane one after the other, and nothing is left behind."""
    ended: dict[str, list[str]] = {}
    added: dict[str, list[str]] = {}
    adding = 3

    async def feed(number: int) -> None:
        nonlocal adding
        for n in range(20):
            one = row(f"lane-{n % 4}", payload=f"{number}-{n}")
            await add(nodes[number], one)
            added.setdefault(one.lane, []).append(one.id)
        adding -= 1

    async def serve(number: int) -> None:
        while True:
            last = adding == 0
            got = await claim(nodes[number], limit=2, node=f"node-{number}")
            for one in got:
                ended.setdefault(one.lane, []).append(one.id)
                await done(nodes[number], one)
            if last and not got:
                return
            await asyncio.sleep(0)

    await asyncio.gather(*map(feed, range(3)), *map(serve, range(4)))

    rows = {
        one.id: one
        for one in (
            await migrated.read(lambda c: outbox_queries.list_oldest_by_status(c, LIBRARY, OutboxStatus.DONE, 100))
        ).rows
    }
    assert len(rows) == 60
    assert {lane: sorted(ids) for lane, ids in ended.items()} == {lane: sorted(ids) for lane, ids in added.items()}
    assert await claimed_ids(migrated, NOW + timedelta(days=1)) == []


# --- lanes -----------------------------------------------------------------------------------------------


async def test_rows_of_a_lane_are_taken_one_after_the_other(migrated: Store) -> None:
    rows = [row("r-1"), row("r-1"), row("r-1")]
    elsewhere = row("r-2")
    same_name = row("r-1", library="OTHER")
    await add(migrated, *rows, elsewhere, same_name)

    first = await claim(migrated)
    assert {one.id for one in first} == {rows[0].id, elsewhere.id, same_name.id}
    assert await claimed_ids(migrated) == []
    await done(migrated, first[0])
    assert await claimed_ids(migrated) == [rows[1].id]


async def test_a_row_that_waits_for_its_next_try_holds_up_its_lane(migrated: Store) -> None:
    rows = [row("r-1"), row("r-1")]
    await add(migrated, *rows)
    (first,) = await claim(migrated)
    await migrated.write(lambda c: outbox.schedule_retry(c, first, NOW + timedelta(minutes=5), "451 try again"))

    assert await claimed_ids(migrated) == []
    (again,) = await claim(migrated, NOW + timedelta(minutes=5))
    assert (again.id, again.tries, again.error) == (rows[0].id, 2, "451 try again")


async def test_an_error_keeps_what_it_was_made_of(migrated: Store) -> None:
    lost = write_sentence("not reached: %(report)s", report=write_sentence("Connection refused"))
    failed = write_sentence("unavailable (%(count)s): %(report)s", count=1, report=lost)
    await add(migrated, row("r-1"), row("r-2"))
    retried, dead = await claim(migrated)
    await migrated.write(lambda c: outbox.schedule_retry(c, retried, NOW, failed))
    await migrated.write(lambda c: outbox.mark_dead(c, dead, failed, NOW))

    (again,) = await claim(migrated)
    (cause,) = await migrated.read(lambda c: outbox_queries.group_dead_rows(c, dead.library))
    for error in (again.error, cause.error):
        assert error == "unavailable (1): not reached: Connection refused"
        assert isinstance(error, Sentence)
        assert (error.template, error.values) == (failed.template, {"count": "1", "report": lost})


async def test_a_row_behind_another_keeps_its_own_time(migrated: Store) -> None:
    rows = [row("r-1"), row("r-1", next_at=NOW + timedelta(hours=2))]
    await add(migrated, *rows)
    (first,) = await claim(migrated)
    await done(migrated, first)
    assert await claimed_ids(migrated) == []
    assert await claimed_ids(migrated, NOW + timedelta(hours=2)) == [rows[1].id]


@pytest.mark.parametrize("ending", [outbox.mark_done, outbox.mark_refused])
async def test_an_ended_row_lets_the_next_one_go(migrated: Store, ending: Any) -> None:
    rows = [row("r-1"), row("r-1")]
    await add(migrated, *rows)
    (first,) = await claim(migrated)
    await migrated.write(lambda c: ending(c, first, "as it came", NOW))
    assert await claimed_ids(migrated) == [rows[1].id]


async def test_what_goes_on_with_an_ended_row_comes_before_those_behind_it(migrated: Store) -> None:
    begun, behind, later = row("r-1"), row("r-1"), row("r-1")

    async def end_with_part(ended: OutboxRow) -> str:
        part = row("r-1")

        def write_part(connection: Connection) -> None:
            outbox.add_outbox_row(connection, part)
            take_place(connection, part.library, part.id, ended.id)
            outbox.mark_done(connection, ended, "as it came", NOW)

        await migrated.write(write_part)
        return part.id

    await add(migrated, begun, behind)
    for whole in (begun, behind):
        (first,) = await claim(migrated)
        assert first.id == whole.id
        part = await end_with_part(first)
        (second,) = await claim(migrated)
        assert second.id == part
        await done(migrated, second)
    await add(migrated, later)
    assert await claimed_ids(migrated) == [later.id], "the lane is free again"


async def test_rows_without_a_lane_wait_for_nobody(migrated: Store) -> None:
    await add(migrated, row(""), row(""))
    first = await claim(migrated)
    assert len(first) == 2
    for one in first:
        await done(migrated, one)


async def test_a_lane_that_was_empty_starts_again(migrated: Store) -> None:
    for _ in range(3):
        one = row("r-1")
        await add(migrated, one)
        (claimed,) = await claim(migrated)
        assert claimed.id == one.id
        await done(migrated, claimed)


# --- leases ----------------------------------------------------------------------------------------------


async def test_a_row_whose_lease_is_over_is_taken_by_another(migrated: Store) -> None:
    await add(migrated, row())
    (lost,) = await claim(migrated, node="a")
    assert await claim(migrated, NOW + LEASE - timedelta(seconds=1), node="b") == ()
    (taken,) = await claim(migrated, NOW + LEASE, node="b")
    assert (taken.id, taken.tries, taken.node) == (lost.id, 2, "b")


@pytest.mark.parametrize("node", ["b", "a"], ids=["another", "the same after a restart"])
async def test_whoever_lost_the_lease_records_nothing(migrated: Store, node: str) -> None:
    await add(migrated, row())
    (lost,) = await claim(migrated, node="a")
    (taken,) = await claim(migrated, NOW + LEASE, node=node)

    for end in (
        lambda c: outbox.mark_done(c, lost, "", NOW),
        lambda c: outbox.schedule_retry(c, lost, NOW, ""),
        lambda c: outbox.mark_dead(c, lost, "", NOW),
        lambda c: outbox.mark_refused(c, lost, "", NOW),
    ):
        with pytest.raises(LeaseLost, match="not in the hands of a any more"):
            await migrated.write(end)
    await done(migrated, taken)
    with pytest.raises(LeaseLost):
        await done(migrated, taken)


# --- staff -----------------------------------------------------------------------------------------------


@pytest.fixture
async def stuck(migrated: Store) -> tuple[OutboxRow, OutboxRow]:
    """A dead row and one that waits behind it."""
    rows = (row("r-1"), row("r-1"))
    await add(migrated, *rows)
    (first,) = await claim(migrated)
    await migrated.write(lambda c: outbox.mark_dead(c, first, "550 no such mailbox", NOW))
    return rows


async def test_a_dead_row_holds_up_its_lane_and_is_shown(migrated: Store, stuck: tuple[OutboxRow, OutboxRow]) -> None:
    assert await claimed_ids(migrated, NOW + timedelta(days=30)) == []
    (shown,) = (
        await migrated.read(lambda c: outbox_queries.list_oldest_by_status(c, LIBRARY, OutboxStatus.DEAD, 10))
    ).rows
    assert (shown.id, shown.error, shown.tries) == (stuck[0].id, "550 no such mailbox", 1)
    counts = await migrated.read(lambda c: request_counts.read_task_counts(c, LIBRARY))
    assert counts[DEAD_LETTERS] == 1


async def test_a_dead_letter_to_a_patron_holds_up_none_of_the_later_ones(migrated: Store) -> None:
    placed, ready, overdue = (row("r-1", kind="letter") for _ in range(3))
    await add(migrated, placed, ready, overdue)
    (first,) = await claim(migrated)
    await migrated.write(lambda c: outbox.mark_dead(c, first, "550 no such mailbox", NOW))

    (second,) = await claim(migrated)
    assert second.id == ready.id
    assert await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, placed.id, NOW))
    await done(migrated, second)

    assert await claimed_ids(migrated) == [overdue.id]


async def test_a_released_row_is_tried_anew_and_first(migrated: Store, stuck: tuple[OutboxRow, OutboxRow]) -> None:
    assert await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, stuck[0].id, NOW))
    (again,) = await claim(migrated)
    assert (again.id, again.tries) == (stuck[0].id, 1)
    await done(migrated, again)
    assert await claimed_ids(migrated) == [stuck[1].id]


async def test_an_edited_row_is_tried_with_its_new_payload(migrated: Store, stuck: tuple[OutboxRow, OutboxRow]) -> None:
    assert await migrated.write(lambda c: outbox_decisions.edit_row(c, LIBRARY, stuck[0].id, "new", NOW))
    (again,) = await claim(migrated)
    assert (again.id, again.payload) == (stuck[0].id, "new")


async def test_a_skipped_row_lets_the_next_one_go(migrated: Store, stuck: tuple[OutboxRow, OutboxRow]) -> None:
    assert await migrated.write(
        lambda c: outbox_decisions.skip_row(c, LIBRARY, stuck[0].id, "told by telephone", "staff:mira", NOW)
    )
    assert await claimed_ids(migrated) == [stuck[1].id]
    skipped = await migrated.read(lambda c: outbox_queries.get_outbox_row(c, LIBRARY, stuck[0].id))
    assert skipped is not None
    assert (skipped.status, skipped.ended, skipped.note) == (
        OutboxStatus.SKIPPED,
        NOW,
        "skipped by staff:mira: told by telephone",
    )


async def test_what_waits_behind_can_be_skipped_and_released_without_jumping_the_queue(
    migrated: Store, stuck: tuple[OutboxRow, OutboxRow]
) -> None:
    third = row("r-1")
    await add(migrated, third)
    assert await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, third.id, NOW))
    assert await migrated.write(
        lambda c: outbox_decisions.skip_row(c, LIBRARY, stuck[1].id, "twice", "staff:mira", NOW)
    )
    assert await claimed_ids(migrated) == []
    assert await migrated.write(lambda c: outbox_decisions.skip_row(c, LIBRARY, stuck[0].id, "gone", "staff:mira", NOW))
    assert await claimed_ids(migrated) == [third.id]


async def test_staff_do_not_touch_what_is_in_hand_ended_or_of_another_library(migrated: Store) -> None:
    one = row()
    await add(migrated, one)
    acts = (
        lambda c, library: outbox_decisions.release_row(c, library, one.id, NOW),
        lambda c, library: outbox_decisions.edit_row(c, library, one.id, "", NOW),
        lambda c, library: outbox_decisions.skip_row(c, library, one.id, "", "staff:mira", NOW),
    )

    async def tried(library: str) -> list[bool]:
        return [await migrated.write(lambda c, act=act: act(c, library)) for act in acts]

    assert await tried("OTHER") == [False, False, False]
    (claimed,) = await claim(migrated)
    assert await tried(LIBRARY) == [False, False, False]
    await done(migrated, claimed)
    assert await tried(LIBRARY) == [False, False, False]
    assert await status_of(migrated, one) is OutboxStatus.DONE


# --- looking, retention ----------------------------------------------------------------------------------


async def test_rows_of_a_request_go_page_by_page_newest_first(migrated: Store) -> None:
    rows = [row(f"r-{n}", request_id=f"r-{n % 2}") for n in range(5)]
    await add(migrated, *rows, row("r-9", library="OTHER"))
    newest_first = [one.id for one in reversed(rows)]

    page = await migrated.read(lambda c: outbox_queries.list_rows_of_request(c, LIBRARY, "r-0", 2))
    rest = await migrated.read(lambda c: outbox_queries.list_rows_of_request(c, LIBRARY, "r-0", 2, page.cursor))
    assert [one.id for one in (*page.rows, *rest.rows)] == newest_first[::2]


async def test_a_list_goes_page_by_page_oldest_first(migrated: Store) -> None:
    rows = [row(f"r-{n}") for n in range(3)]
    await add(migrated, *rows, row("r-9", library="OTHER"))

    first = await migrated.read(lambda c: outbox_queries.list_oldest_by_status(c, LIBRARY, OutboxStatus.WAITING, 2))
    rest = await migrated.read(
        lambda c: outbox_queries.list_oldest_by_status(c, LIBRARY, OutboxStatus.WAITING, 2, first.cursor)
    )

    assert [one.id for one in (*first.rows, *rest.rows)] == [one.id for one in rows]
    assert (first.cursor != "", rest.cursor) == (True, "")


async def test_what_is_unfinished_is_counted_and_the_oldest_told(migrated: Store) -> None:
    assert await migrated.read(outbox_queries.find_oldest_waiting) is None
    old = AT - timedelta(days=1)
    rows = [row("a", id=make_exchange_id(old), created=old), row("b"), row("c")]
    await add(migrated, *rows)
    assert await migrated.read(outbox_queries.find_oldest_waiting) == old

    first, second = await claim(migrated, limit=2)
    await add(migrated, row("d", library="OTHER"))
    await done(migrated, first)
    await migrated.write(lambda c: outbox.mark_dead(c, second, "no", NOW))
    assert await migrated.read(outbox_queries.count_unfinished_rows) == {
        (LIBRARY, OutboxStatus.DEAD): 1,
        (LIBRARY, OutboxStatus.WAITING): 1,
        ("OTHER", OutboxStatus.WAITING): 1,
    }
    assert await migrated.read(outbox_queries.find_oldest_waiting) == AT


async def test_ended_rows_are_forgotten_in_slices_and_others_stay(migrated: Store) -> None:
    await add(migrated, *(row(f"r-{n}") for n in range(6)))
    claimed = await claim(migrated)
    for n, one in enumerate(claimed[:5]):
        await migrated.write(lambda c, n=n, one=one: outbox.mark_done(c, one, "", NOW + timedelta(days=n)))

    def prune(days: int, limit: int) -> Any:
        return migrated.write(lambda c: outbox.prune_ended_rows(c, NOW + timedelta(days=days), limit))

    assert [await prune(4, 3), await prune(4, 3), await prune(4, 3)] == [3, 1, 0]
    assert await status_of(migrated, claimed[4]) is OutboxStatus.DONE
    assert await status_of(migrated, claimed[5]) is OutboxStatus.IN_HAND


@pytest.mark.parametrize(
    ("own_days", "days_of_others", "forgotten"),
    [({}, 5, 2), ({"OTHER": 30}, 5, 1), ({LIBRARY: 2}, 30, 1), ({LIBRARY: 5, "OTHER": 2}, 30, 2)],
)
async def test_each_library_keeps_ended_rows_as_long_as_it_says(
    migrated: Store, own_days: dict[str, int], days_of_others: int, forgotten: int
) -> None:
    """Both ended ten days ago."""
    await add(migrated, row(), row(library="OTHER"))
    for one in await claim(migrated):
        await migrated.write(lambda c, one=one: outbox.mark_done(c, one, "", NOW - timedelta(days=10)))
    by_library = {library: NOW - timedelta(days=days) for library, days in own_days.items()}
    before = NOW - timedelta(days=days_of_others)

    assert await migrated.write(lambda c: outbox.prune_ended_rows(c, before, 9, by_library)) == forgotten


# --- words alone, and what was refused -------------------------------------------------------------------


@pytest.mark.parametrize("fail", ["schedule_retry", "mark_dead"])
@pytest.mark.parametrize(("kind", "holds"), [("message", False), ("status-query", False), ("shipped", True)])
async def test_words_that_fail_leave_their_lane(migrated: Store, fail: str, kind: str, holds: bool) -> None:
    words, behind = row(payload=f'{{"format":1,"kind":"{kind}"}}'), row()
    await add(migrated, words, behind)
    (held,) = await claim(migrated)
    if fail == "mark_dead":
        await migrated.write(lambda c: outbox.mark_dead(c, held, "refused: other: no", NOW))
    else:
        await migrated.write(lambda c: outbox.schedule_retry(c, held, NOW + timedelta(hours=1), "away"))

    following = await claim(migrated)
    assert [one.id for one in following] == ([] if holds else [behind.id])
    if holds:
        return
    await done(migrated, following[0])
    if fail == "mark_dead":
        await migrated.write(lambda c: outbox_decisions.release_row(c, LIBRARY, words.id, NOW))
    assert await claimed_ids(migrated, NOW + timedelta(hours=1)) == [words.id], "they wait for nobody"


async def test_words_wait_for_what_comes_before_them(migrated: Store) -> None:
    first, words = row(), row(payload='{"kind":"message"}')
    await add(migrated, first, words)

    assert await claimed_ids(migrated) == [first.id]
    assert await claimed_ids(migrated) == []


async def test_a_refused_row_is_tried_anew_behind_all_that_wait(migrated: Store) -> None:
    refused, behind = row(), row()
    await add(migrated, refused, behind)
    (held,) = await claim(migrated)
    await migrated.write(lambda c: outbox.mark_refused(c, held, "refused: other: no", NOW))

    assert await migrated.write(lambda c: outbox_decisions.resend_row(c, LIBRARY, refused.id, NOW))

    (second,) = await claim(migrated)
    assert second.id == behind.id
    await done(migrated, second)
    (again,) = await claim(migrated)
    assert (again.id, again.tries, again.error, again.ended) == (refused.id, 1, "", None)
    assert not await migrated.write(lambda c: outbox_decisions.resend_row(c, LIBRARY, behind.id, NOW)), "it is done"
