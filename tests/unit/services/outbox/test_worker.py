"""What the worker does with rows, by what becomes of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from gateway.domain.problems import OutcomeUnknown, Postponed, RefusalReason, Refused, Unavailable, UnclearAnswer
from gateway.services.outbox import DESK_GRACE, AttemptOutcome, HandlerResult
from gateway.store.requests import outbox, outbox_decisions, outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from tests.unit.services.outbox.support import LIBRARY, NOON, OPTIONS, House, Sent, a_row


async def test_a_row_is_handed_to_the_handler_of_its_kind_and_is_done(house: House) -> None:
    partner, letter = Sent(), Sent()
    message, notice = await house.add(a_row(), a_row("sent", kind="letter"))

    assert await house.worker({"partner": partner, "letter": letter}).drain() == 2

    assert (partner.ids, letter.ids) == ([message.id], [notice.id])
    ended = await house.row(message)
    assert (ended.status, ended.note, ended.ended) == (OutboxStatus.DONE, f"taken: {message.payload}", NOON)
    assert house.outcomes == {("partner", AttemptOutcome.DONE): 1, ("letter", AttemptOutcome.DONE): 1}


async def test_rows_without_a_handler_here_are_left_to_others(house: House) -> None:
    (row,) = await house.add(a_row(kind="webhook"))

    assert await house.worker(Sent()).drain() == 0

    assert (await house.row(row)).status is OutboxStatus.WAITING


async def test_what_follows_is_in_the_transaction_that_ends_the_row(house: House) -> None:
    first, following = a_row(), a_row()

    async def handler(row: OutboxRow) -> HandlerResult:
        return HandlerResult(then=(lambda c: outbox.add_outbox_row(c, following)) if row.id == first.id else None)

    await house.add(first)

    assert await house.worker(handler).drain() == 2

    assert [(await house.row(row)).status for row in (first, following)] == [OutboxStatus.DONE, OutboxStatus.DONE]


async def test_where_what_follows_fails_nothing_of_it_is_kept_and_it_is_tried_again(house: House) -> None:
    (row,) = await house.add(a_row())
    following = a_row(kind="letter")

    def then(connection: Connection) -> None:
        outbox.add_outbox_row(connection, following)
        raise Refused(RefusalReason.REQUEST_CLOSED, "The request is closed.")

    async def handler(row: OutboxRow) -> HandlerResult:
        return HandlerResult(then=then)

    await house.worker(handler).drain()

    assert (await house.row(row)).error == "refused: request-closed: The request is closed."
    assert await house.store.read(lambda c: outbox_queries.get_outbox_row(c, LIBRARY, following.id)) is None


# --- failures --------------------------------------------------------------------------------------------


async def test_an_unavailable_target_is_tried_again_after_longer_and_longer_pauses(house: House) -> None:
    sent = Sent(failing=lambda row: Unavailable("connection refused") if len(sent.rows) < 3 else None)
    (row,) = await house.add(a_row())
    worker = house.worker(sent)

    await worker.drain()
    first = await house.row(row)
    assert (first.status, first.tries, first.error) == (OutboxStatus.WAITING, 1, "unavailable (1): connection refused")
    assert timedelta(seconds=1) <= first.next_at - NOON <= timedelta(seconds=10)

    house.later(10)
    await worker.drain()
    second = await house.row(row)
    assert second.error == "unavailable (2): connection refused"
    assert timedelta(seconds=2) <= second.next_at - house.clock.now() <= timedelta(seconds=20)

    house.later(20)
    await worker.drain()
    assert (await house.row(row)).status is OutboxStatus.DONE
    assert house.outcomes == {("partner", AttemptOutcome.UNAVAILABLE): 2, ("partner", AttemptOutcome.DONE): 1}


async def test_an_unknown_outcome_is_tried_again_with_the_same_row_after_a_longer_pause(house: House) -> None:
    sent = Sent(failing=lambda row: OutcomeUnknown("no answer") if len(sent.rows) == 1 else None)
    (row,) = await house.add(a_row())
    worker = house.worker(sent)

    await worker.drain()
    after = await house.row(row)
    assert after.error == "outcome unknown (1): no answer"
    assert timedelta(seconds=4) <= after.next_at - NOON <= timedelta(seconds=40)

    house.later(40)
    await worker.drain()
    assert sent.ids == [row.id, row.id]
    assert (await house.row(row)).status is OutboxStatus.DONE


async def test_a_handler_that_takes_too_long_has_an_unknown_outcome(house: House) -> None:
    async def handler(row: OutboxRow) -> HandlerResult:
        await asyncio.sleep(60)
        return HandlerResult()

    (row,) = await house.add(a_row())

    await house.worker(handler, replace(OPTIONS, handler_seconds=0.05)).drain()

    assert (await house.row(row)).error == "outcome unknown (1): no answer within 0.05 s"


async def test_a_refused_row_is_dead_with_its_reason_and_holds_up_its_lane(house: House) -> None:
    sent = Sent(failing=lambda row: Refused(RefusalReason.UNKNOWN_AGENCY, "The partner does not know us."))
    row, behind = await house.add(a_row(lane="r1/zentral"), a_row(lane="r1/zentral"))

    with capture_logs() as logs:
        assert await house.worker(sent).drain() == 1

    dead = await house.row(row)
    assert (dead.status, dead.error) == (OutboxStatus.DEAD, "refused: unknown-agency: The partner does not know us.")
    (line,) = [one for one in logs if one["event"] == "outbox.dead"]
    assert (line["outcome"], line["reason"]) == ("refused", "unknown-agency")
    assert (await house.row(behind)).status is OutboxStatus.WAITING


async def test_a_defect_is_tried_three_times_and_its_text_is_not_kept(house: House) -> None:
    sent = Sent(failing=lambda row: KeyError("Müller, Änne"))
    (row,) = await house.add(a_row())
    worker = house.worker(sent)

    for _ in range(5):
        await worker.drain()
        house.later(600)

    dead = await house.row(row)
    assert (dead.status, dead.tries) == (OutboxStatus.DEAD, 3)
    assert dead.error == "internal error (3): KeyError (see the log)"
    assert house.outcomes == {("partner", AttemptOutcome.DEFECT): 3, ("partner", AttemptOutcome.DEAD): 1}


async def test_when_the_tries_are_over_it_is_dead_until_staff_release_it(house: House) -> None:
    sent = Sent(failing=lambda row: Unavailable("connection refused") if len(sent.rows) <= 6 else None)
    (row,) = await house.add(a_row())
    worker = house.worker(sent)
    for _ in range(8):
        await worker.drain()
        house.later(600)
    dead = await house.row(row)
    assert (dead.status, dead.tries, dead.error) == (OutboxStatus.DEAD, 6, "unavailable (6): connection refused")

    await house.store.write(lambda c: outbox_decisions.release_row(c, LIBRARY, row.id, house.clock.now()))
    await worker.drain()

    assert (await house.row(row)).status is OutboxStatus.DONE


async def test_a_row_that_never_came_to_an_end_is_not_tried_for_ever(house: House) -> None:
    (row,) = await house.add(a_row())
    for start in range(OPTIONS.max_tries):  # each start of the process dies with it
        now = house.clock.now()
        await house.store.write(
            lambda c, now=now, n=start: outbox.claim_rows(c, now, 1, OPTIONS.lease, f"elsewhere/{n}")
        )
        house.later(OPTIONS.lease.total_seconds())
    sent = Sent()

    await house.worker(sent).drain()

    assert sent.rows == []
    dead = await house.row(row)
    assert (dead.status, dead.error) == (
        OutboxStatus.DEAD,
        "every attempt was interrupted: the gateway stopped before an outcome was known",
    )


# --- many at once ----------------------------------------------------------------------------------------


class Crowd:
    """A handler that keeps count of how many rows are in its hands at once, by target."""

    def __init__(self) -> None:
        self.now: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.all_most = 0
        self.order: list[str] = []

    async def __call__(self, row: OutboxRow) -> HandlerResult:
        self.now[row.target] = self.now.get(row.target, 0) + 1
        self.most[row.target] = max(self.most.get(row.target, 0), self.now[row.target])
        self.all_most = max(self.all_most, sum(self.now.values()))
        await asyncio.sleep(0.002)
        self.now[row.target] -= 1
        self.order.append(row.id)
        return HandlerResult()


async def test_a_target_has_so_many_places_and_others_go_on_beside_it(house: House) -> None:
    crowd = Crowd()
    slow = [a_row("slow") for _ in range(20)]
    await house.add(*slow)
    others = [a_row(f"partner-{n}") for n in range(10)]
    await house.add(*others)

    assert await house.worker(crowd).drain() == 30

    assert crowd.most["slow"] == OPTIONS.per_target
    assert OPTIONS.per_target < crowd.all_most <= OPTIONS.concurrency
    last_slow = max(crowd.order.index(row.id) for row in slow)
    assert all(crowd.order.index(row.id) < last_slow for row in others)
    assert {(await house.row(row)).tries for row in slow} == {1}, "rows given back have not been tried"


async def test_rows_of_a_lane_are_done_in_order_one_at_a_time(house: House) -> None:
    crowd = Crowd()
    lanes = {name: [a_row(name, lane=name) for _ in range(5)] for name in ("a", "b", "c")}
    for rows in zip(*lanes.values(), strict=True):
        await house.add(*rows)

    await house.worker(crowd).drain()

    for name, rows in lanes.items():
        assert [one for one in crowd.order if one in {row.id for row in rows}] == [row.id for row in rows]
        assert crowd.most[name] == 1


# --- the breaker -----------------------------------------------------------------------------------------


async def test_a_target_that_fails_is_left_alone_and_its_rows_do_not_lose_tries(house: House) -> None:
    down = True
    sent = Sent(failing=lambda row: Unavailable("connection refused") if down and row.target == "down" else None)
    await house.add(*(a_row("down") for _ in range(10)), a_row("up"))
    worker = house.worker(sent, replace(OPTIONS, per_target=1, breaker_failures=3))

    await worker.drain()

    assert sum(row.target == "down" for row in sent.rows) == 3
    assert sum(row.target == "up" for row in sent.rows) == 1
    assert worker.open_breakers == 1

    house.later(61)
    await worker.drain()
    assert sum(row.target == "down" for row in sent.rows) == 4, "one probe"

    down = False
    house.later(61)
    await worker.drain()
    house.later(600)
    await worker.drain()
    assert worker.open_breakers == 0
    assert len({row.id for row in sent.rows}) == 11
    left = await house.store.read(outbox_queries.count_unfinished_rows)
    assert left == {}


@pytest.mark.parametrize("answer", [UnclearAnswer("HTTP 500"), Postponed("HTTP 503"), Postponed("not now")])
async def test_messages_that_are_answered_and_not_taken_hold_up_no_other(house: House, answer: Exception) -> None:
    """Seven of them are answered so for good; all else goes through at once, however often they were tried."""
    bad = {row.id for row in await house.add(*(a_row() for _ in range(7)))}
    sent = Sent(failing=lambda row: answer if row.id in bad else None)
    worker = house.worker(sent, replace(OPTIONS, max_tries=50))

    for _ in range(10):
        others = await house.add(*(a_row(at=house.clock.now()) for _ in range(3)))
        await worker.drain()
        assert [(await house.row(row)).status for row in others] == [OutboxStatus.DONE] * 3
        assert worker.open_breakers == 0
        house.later(60)

    assert min(sent.ids.count(id_) for id_ in bad) >= 3, "they are tried again"


async def test_one_message_that_is_never_answered_does_not_shut_the_way(house: House) -> None:
    (bad,) = await house.add(a_row())
    sent = Sent(failing=lambda row: OutcomeUnknown("no answer") if row.id == bad.id else None)
    worker = house.worker(sent, replace(OPTIONS, max_tries=50))

    for _ in range(OPTIONS.breaker_failures + 2):
        await worker.drain()
        house.later(600)
    (other,) = await house.add(a_row(at=house.clock.now()))
    await worker.drain()

    assert (await house.row(other)).status is OutboxStatus.DONE


async def test_the_probe_is_a_row_that_was_tried_least(house: House) -> None:
    """Rows that fail whatever the way is like don't keep it shut."""
    bad = [row.id for row in await house.add(*(a_row() for _ in range(OPTIONS.breaker_failures)))]
    sent = Sent(failing=lambda row: OutcomeUnknown("no answer") if row.id in bad else None)
    worker = house.worker(sent)
    await worker.drain()
    assert worker.open_breakers == 1
    house.later(600)
    fresh = await house.add(a_row(at=house.clock.now()), a_row(at=house.clock.now()))

    await worker.drain()

    assert [(await house.row(row)).status for row in fresh] == [OutboxStatus.DONE, OutboxStatus.DONE]


async def test_letters_share_a_breaker_and_each_library_has_its_own(house: House) -> None:
    sent = Sent(failing=lambda row: Unavailable("connection refused") if row.library == LIBRARY else None)
    await house.add(*(a_row(f"template-{n}", kind="letter") for n in range(5)))
    await house.add(*(a_row(f"act-{n}", kind="library") for n in range(5)))
    await house.add(*(a_row(f"act-{n}", kind="library", library="UBX") for n in range(5)))
    worker = house.worker({"letter": sent, "library": sent}, replace(OPTIONS, per_target=1))

    await worker.drain()

    tried = [(row.kind, row.library) for row in sent.rows]
    assert tried.count(("letter", LIBRARY)) == tried.count(("library", LIBRARY)) == OPTIONS.breaker_failures
    assert tried.count(("library", "UBX")) == 5


async def test_partners_of_one_name_in_two_libraries_folders_hold_up_only_their_own_rows(house: House) -> None:
    """A shared partner that is away is left alone by all libraries."""
    sent = Sent(failing=lambda row: Unavailable("gone") if row.library == LIBRARY or row.target == "shared" else None)
    libraries = (LIBRARY, "UBX")
    await house.add(*(a_row(name, library=each) for name in ("own", "shared") for _ in range(5) for each in libraries))
    worker = house.worker(sent, replace(OPTIONS, per_target=1), has_own=lambda library, name: name == "own")

    await worker.drain()

    tried = Counter((row.target, row.library) for row in sent.rows)
    assert (tried["own", LIBRARY], tried["own", "UBX"]) == (OPTIONS.breaker_failures, 5)
    assert tried["shared", LIBRARY] + tried["shared", "UBX"] == OPTIONS.breaker_failures
    assert worker.open_breakers == 2


# --- one row at once -------------------------------------------------------------------------------------


def at_the_desk(target: str = "check-in", lane: str = "") -> OutboxRow:
    return replace(a_row(target, lane=lane), next_at=NOON + DESK_GRACE)


async def test_a_desk_act_is_done_at_once_and_no_worker_takes_it_before(house: House) -> None:
    (row,) = await house.add(at_the_desk())
    worker = house.worker(Sent())

    assert await worker.drain() == 0
    done = await worker.run_row(row)

    assert (done.status, done.note) == (OutboxStatus.DONE, f"taken: {row.payload}")
    assert await worker.run_row(row) == done


async def test_who_waits_for_it_gets_the_refusal(house: House) -> None:
    (row,) = await house.add(at_the_desk(lane="r1"))
    refusal = Refused(RefusalReason.ITEM_ON_LOAN, "The item is on loan.")
    worker = house.worker(Sent(failing=lambda row: refusal))

    with pytest.raises(Refused) as found:
        await worker.run_row(row)

    assert found.value is refusal
    ended = await house.row(row)
    assert (ended.status, ended.error) == (OutboxStatus.REFUSED, "refused: item-on-loan: The item is on loan.")


async def test_where_the_library_cannot_be_reached_the_worker_goes_on_with_it(house: House) -> None:
    (row,) = await house.add(at_the_desk())
    sent = Sent(failing=lambda row: Unavailable("connection refused") if len(sent.rows) == 1 else None)
    worker = house.worker(sent)

    waiting = await worker.run_row(row)
    assert (waiting.status, waiting.error) == (OutboxStatus.WAITING, "unavailable (1): connection refused")

    house.later(10)
    await worker.drain()
    assert (await house.row(row)).status is OutboxStatus.DONE


async def test_behind_another_row_of_its_lane_it_waits_for_its_turn(house: House) -> None:
    first, second = await house.add(at_the_desk(lane="r1"), at_the_desk(lane="r1"))
    worker = house.worker(Sent())

    assert (await worker.run_row(second)).status is OutboxStatus.WAITING

    await worker.run_row(first)
    assert (await worker.run_row(second)).status is OutboxStatus.DONE


async def test_if_its_caller_died_a_worker_does_it(house: House) -> None:
    (row,) = await house.add(at_the_desk())
    house.later(DESK_GRACE.total_seconds())

    await house.worker(Sent()).drain()

    assert (await house.row(row)).status is OutboxStatus.DONE


async def test_who_goes_away_does_not_stop_the_work(house: House) -> None:
    (row,) = await house.add(at_the_desk())
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(row: OutboxRow) -> HandlerResult:
        begun.set()
        await go_on.wait()
        return HandlerResult()

    worker = house.worker(handler)
    caller = asyncio.create_task(worker.run_row(row))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await worker.stop(5)

    assert (await house.row(row)).status is OutboxStatus.DONE


# --- for as long as the process lives --------------------------------------------------------------------


async def until(house: House, row: OutboxRow, status: OutboxStatus) -> None:
    async with asyncio.timeout(5):
        while (await house.row(row)).status is not status:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.005)


async def test_it_works_when_nudged_and_by_itself(house: House) -> None:
    (before,) = await house.add(a_row())
    worker = house.worker(Sent(), replace(OPTIONS, poll_seconds=30))
    running = asyncio.create_task(worker.run())
    await until(house, before, OutboxStatus.DONE)

    (nudged,) = await house.add(a_row())
    worker.wake()
    await until(house, nudged, OutboxStatus.DONE)
    await worker.stop(5)
    await running

    (polled,) = await house.add(a_row())
    patient = house.worker(Sent())
    running = asyncio.create_task(patient.run())
    await asyncio.sleep(0.01)
    await until(house, polled, OutboxStatus.DONE)
    await patient.stop(5)
    await running


async def test_stopping_lets_what_is_in_hand_come_to_its_end(house: House) -> None:
    begun = asyncio.Event()

    async def handler(row: OutboxRow) -> HandlerResult:
        begun.set()
        await asyncio.sleep(0.05)
        return HandlerResult()

    rows = await house.add(a_row(lane="r1"), a_row(lane="r1"))
    worker = house.worker(handler)
    running = asyncio.create_task(worker.run())
    await begun.wait()
    await worker.stop(5)
    await running

    assert [(await house.row(row)).status for row in rows] == [OutboxStatus.DONE, OutboxStatus.WAITING]


async def test_what_a_cancelled_worker_had_in_hand_is_due_at_once_when_its_node_is_known_to_be_gone(
    house: House,
) -> None:
    begun = asyncio.Event()

    async def stuck(row: OutboxRow) -> HandlerResult:
        begun.set()
        await asyncio.sleep(60)
        return HandlerResult()

    (row,) = await house.add(a_row())
    running = asyncio.create_task(house.worker(stuck, node="gone").run())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await house.row(row)).status is OutboxStatus.IN_HAND

    heir = house.worker(Sent(), node="heir")
    assert await heir.drain() == 0
    assert await house.store.write(lambda c: outbox.expire_node_leases(c, "go", NOON)) == 0
    assert await house.store.write(lambda c: outbox.expire_node_leases(c, "gone", NOON)) == 1
    assert await heir.drain() == 1
    assert (await house.row(row)).status is OutboxStatus.DONE


async def test_other_nodes_take_it_when_the_lease_is_over(house: House) -> None:
    (row,) = await house.add(a_row())
    await house.store.write(lambda c: outbox.claim_rows(c, NOON, 1, OPTIONS.lease, "gone/1"))
    worker = house.worker(Sent())
    assert await worker.drain() == 0

    house.later(OPTIONS.lease.total_seconds())
    assert await worker.drain() == 1
    assert (await house.row(row)).tries == 2


async def test_who_lost_the_row_to_another_records_nothing(house: House) -> None:
    (row,) = await house.add(a_row())
    following = a_row(kind="letter")

    async def overtaken(row: OutboxRow) -> HandlerResult:
        late = NOON + OPTIONS.lease
        await house.store.write(lambda c: outbox.claim_rows(c, late, 1, OPTIONS.lease, "other/1"))
        return HandlerResult(then=lambda connection: outbox.add_outbox_row(connection, following))

    await house.worker(overtaken).drain()

    assert (await house.row(row)).node == "other/1"
    assert await house.store.read(lambda c: outbox_queries.get_outbox_row(c, LIBRARY, following.id)) is None


async def test_a_store_that_cannot_be_used_is_waited_for(house: House) -> None:
    class Failing:
        """Says no as often as told, then passes everything on."""

        url = house.store.url
        noes = 3

        async def write(self, work):  # type: ignore[no-untyped-def]
            if self.noes:
                self.noes -= 1
                raise Unavailable("the database cannot be reached")
            return await house.store.write(work)

        write_statement = write

        async def read(self, work):  # type: ignore[no-untyped-def]
            return await house.store.read(work)

    (row,) = await house.add(a_row())
    worker = House(Failing(), house.clock).worker(Sent())  # type: ignore[arg-type]
    running = asyncio.create_task(worker.run())

    await until(house, row, OutboxStatus.DONE)
    await worker.stop(5)
    await running


async def test_what_is_claimed_while_it_stops_is_put_back(house: House) -> None:
    """The store is closed right after `stop`, so nothing may begin then."""
    asked, go_on, sent = asyncio.Event(), asyncio.Event(), Sent()

    class Slow:
        read, write = house.store.read, house.store.write

        async def write_statement(self, work):  # type: ignore[no-untyped-def]
            asked.set()
            await go_on.wait()
            return await house.store.write_statement(work)

    (row,) = await house.add(a_row())
    worker = House(Slow(), house.clock).worker(sent)  # type: ignore[arg-type]
    running = asyncio.create_task(worker.run())
    await asked.wait()
    stopping = asyncio.create_task(worker.stop(5))
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert running.done()

    with pytest.raises(Unavailable, match="the gateway is stopping"):
        await worker.run_row(row)

    assert sent.rows == []
    assert worker.rows_in_hand == 0
    assert (await house.row(row)).status is OutboxStatus.WAITING


async def test_the_store_stays_free_of_locks_between_rows(house: House) -> None:
    """A handler may use the store itself."""

    async def handler(row: OutboxRow) -> HandlerResult:
        assert await house.store.write(lambda c: c.execute(text("SELECT 1")).scalar_one()) == 1
        return HandlerResult()

    (row,) = await house.add(a_row())
    await house.worker(handler).drain()
    assert (await house.row(row)).status is OutboxStatus.DONE


# --- many libraries --------------------------------------------------------------------------------------


async def test_a_flood_and_a_system_that_hangs_hold_up_no_other_library(house: House) -> None:
    """One library has 5,000 rows, all older, for 40 partners; another's system gives no answer."""
    old = NOON - timedelta(hours=1)
    await house.add(*(a_row(f"partner-{number % 40}", library="FLOOD", at=old) for number in range(5_000)))
    await house.add(*(a_row("check-in", kind="library", library="HANGING", at=old) for _ in range(20)))
    others = {f"LIB{number}" for number in range(8)}
    waiting = {row.id for row in await house.add(*(a_row(library, library=library) for library in others))}
    over, flooded = asyncio.Event(), 0

    async def send(row: OutboxRow) -> HandlerResult:
        nonlocal flooded
        flooded += row.library == "FLOOD"
        waiting.discard(row.id)
        if not waiting or flooded > 500:
            over.set()
        return HandlerResult()

    async def hang(_row: OutboxRow) -> HandlerResult:
        await asyncio.Event().wait()
        return HandlerResult()

    worker = house.worker({"partner": send, "library": hang}, replace(OPTIONS, handler_seconds=600))
    running = asyncio.create_task(worker.run())
    await over.wait()
    await worker.stop(0)
    await running

    assert waiting == set()
    assert flooded <= 2 * len(others)
