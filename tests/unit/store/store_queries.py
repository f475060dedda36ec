"""Every function of the store that asks journal, requests or outbox, with each filter that makes another statement.

The database is that of `filled_database`. A call that reads more than it gives says how much more, and why.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.network_load import LoadReport
from gateway.domain.requests.print_batches import PrintBatch, PrintKind
from gateway.domain.requests.request import BorrowingState, LendingState, Request, Role, ServiceType
from gateway.domain.requests.request_figures import FigureFilter, find_supply_moments, list_request_figures
from gateway.domain.requests.search_terms import NUMBER_KINDS, SearchTermKind, parse_search
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.views import RequestFilter, RequestOrder
from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.store import journal_queries, journal_writer, mailbox, replay_jobs
from gateway.store import requests as requests_package
from gateway.store.journal_records import JournalFilter, MessageDirection, mark_patron
from gateway.store.replay_jobs import JobStatus, ReplayStatus
from gateway.store.request_names import RequestNames
from gateway.store.requests import (
    history,
    order_batches,
    outbox,
    outbox_decisions,
    outbox_lanes,
    outbox_queries,
    print_batches,
    request_counts,
    request_facets,
    request_figures,
    request_lists,
    request_messages,
    request_search,
    requests,
    timers,
)
from gateway.store.requests.list_paths import choose_index_path
from gateway.store.requests.outbox import OutboxStatus, Route
from gateway.store.schema import first_id_at
from tests.unit.store.filled_database import (
    BEGUN,
    CARD,
    ENDING,
    LIBRARY,
    NOW,
    OPENING,
    REQUEST_IDS,
    TARGET,
    WAITING_NODE,
    outbox_row,
)

LEASE = timedelta(minutes=5)


@value_object
class StoreCall:
    """`more_steps`: what it may do, beside giving its rows, by design, which `reason` says. Of 100,000 rows not one can
    be left out with fewer than 300,000."""

    function: Callable[..., Any]
    call: Callable[[Connection], object]
    more_steps: int = 0
    reason: str = ""

    @property
    def name(self) -> str:
        return name_function(self.function)


def name_function(function: Callable[..., Any]) -> str:
    return f"{function.__module__.removeprefix('gateway.store.')}.{function.__name__}"


MODULES = (
    *(
        importlib.import_module(f"{requests_package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(requests_package.__path__)
    ),
    journal_queries,
    journal_writer,
)
"""All of whose functions ask or change journal, requests or outbox."""

OTHERS: tuple[Callable[..., Any], ...] = (
    mailbox.find_by_references,
    mailbox.list_references_of_requests,
    mailbox.find_ids_by_number,
    replay_jobs.insert_job,
    replay_jobs.list_items,
    replay_jobs.find_next_item,
)
"""Of other modules."""

WITHOUT_STATEMENT: tuple[Callable[..., Any], ...] = (
    history.collect_new_events,
    print_batches.lock_batches,
    requests.lock_barcode,
    requests.lock_patron,
    requests.lock_transaction,
)
"""They ask SQLite nothing."""


def list_store_functions() -> set[str]:
    """By name: the public ones that are given a connection."""
    found = {name_function(function) for function in OTHERS}
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and next(iter(inspect.signature(function).parameters), "") == "connection":
                found.add(name_function(function))
    return found - {name_function(function) for function in WITHOUT_STATEMENT}


def make_call(function: Callable[..., Any], *arguments: Any, more_steps: int = 0, reason: str = "") -> StoreCall:
    return StoreCall(function, lambda connection: function(connection, *arguments), more_steps, reason)


def list_store_calls(connection: Connection) -> list[StoreCall]:
    """`connection`: of a filled database."""
    return [
        *_journal_calls(),
        *_outbox_calls(connection),
        *_order_calls(),
        *_request_calls(connection),
        *_list_calls(connection),
        *_search_calls(),
        *_count_calls(connection),
        *_history_calls(connection),
        *_print_calls(),
    ]


# --- journal ---------------------------------------------------------------------------------------------

LOOK = {"more_steps": 50_000, "reason": "a look for rare rows goes through SCAN rows"}


def _journal_calls() -> Iterator[StoreCall]:
    q = journal_queries
    exchange = f"{first_id_at(BEGUN + timedelta(days=300))}000000cccc"
    names = RequestNames(REQUEST_IDS[0], ("N-2026-00",), (("visby", "4711"), ("utrecht", "4711")))
    about = JournalFilter(LIBRARY, request_id="N-2026-00", managed_request=names)
    recent = {"since": BEGUN + timedelta(days=200), "until": NOW}
    yield make_call(q.find_message, LIBRARY, f"{exchange}-1")
    yield make_call(q.find_exchange, LIBRARY, exchange)
    yield make_call(q.find_pending, LIBRARY, NOW, 1_000)
    yield make_call(q.list_pending_nodes, LIBRARY)
    yield make_call(q.list_profiles, LIBRARY, exchange, 100)
    yield make_call(
        q.count_troubles,
        LIBRARY,
        BEGUN + timedelta(days=200),
        more_steps=3_000,
        reason="of the newest SCAN refused messages each is asked for its replays",
    )
    yield make_call(q.find_oldest_pending)
    job = replay_jobs.ReplayJob(LIBRARY, "job-2", JobStatus.RUNNING, "", BEGUN, "staff:anna", None)
    yield make_call(replay_jobs.insert_job, job, ["of-1", f"{exchange}-1"])
    yield make_call(replay_jobs.find_next_item, LIBRARY, "job-1")
    for status in (None, ReplayStatus.WAITING):
        yield make_call(replay_jobs.list_items, LIBRARY, "job-1", status, -1, 50)
    yield make_call(q.find_processed, LIBRARY, "utrecht", "key-0")
    yield make_call(q.insert_recovery, LIBRARY, f"{exchange}-1")
    yield make_call(q.delete_recovery, LIBRARY, f"{exchange}-1")
    yield make_call(q.count_interrupted, LIBRARY, 0)
    for wanted in (
        JournalFilter(LIBRARY),
        JournalFilter(LIBRARY, **recent),
        JournalFilter(LIBRARY, request_id="4711"),
        JournalFilter(LIBRARY, request_id="4711", profile="visby", **recent),
        JournalFilter(LIBRARY, item_id="I-3"),
        JournalFilter(LIBRARY, item_id="I-3", direction=MessageDirection.IN, **recent),
        JournalFilter(LIBRARY, outcome=OutcomeClass.PENDING),
        JournalFilter(LIBRARY, outcome=OutcomeClass.PENDING, node=WAITING_NODE),
        JournalFilter(LIBRARY, replay_of="of-1"),
        JournalFilter(LIBRARY, replay_of="of-1", direction=MessageDirection.IN),
        about,
        replace(about, **recent),
        replace(about, direction=MessageDirection.OUT, profile="utrecht"),
        replace(about, item_id="I-4"),
        replace(about, outcome=OutcomeClass.PENDING),
        replace(about, outcome=OutcomeClass.OK, note="way", replays=False, service="AcceptItem", protocol="ncip"),
    ):
        yield make_call(q.list_without_bodies, wanted, "g", 50)
        yield make_call(q.list_ids, wanted, "g", 2_000)
    yield make_call(q.list_with_bodies, about, f"{exchange[:14]}0005", 4)
    for more in (
        {"profile": "utrecht"},
        {"protocol": "iso18626"},
        {"service": "AcceptItem"},
        {"outcome": OutcomeClass.REJECTED},
        {"note": "way", "replays": True},
        {"direction": MessageDirection.IN, "replays": False, **recent},
    ):
        wanted = JournalFilter(LIBRARY, **more)
        yield StoreCall(q.list_messages, lambda c, w=wanted: q.list_with_bodies(c, w, "g", 50), **LOOK)
    yield make_call(q.list_about_request, LIBRARY, names)
    yield make_call(q.list_exchanges_by, LIBRARY, "mail", [f"{exchange[:14]}{n:04}" for n in range(100)])
    yield make_call(q.forget_bodies_about_request, LIBRARY, names)
    yield make_call(q.forget_bodies_about_patron, LIBRARY, mark_patron(LIBRARY, CARD))
    yield make_call(q.list_patron_marks, LIBRARY, names)
    yield make_call(q.find_last_moments, [LIBRARY, "OTHER"])
    yield make_call(q.next_library, None)
    yield make_call(q.next_library, LIBRARY)
    for forget in (q.forget_bodies, q.forget_messages, q.forget_processed):
        yield make_call(forget, LIBRARY, NOW, 200)
    yield make_call(journal_writer.link_exchanges_at, LIBRARY, BEGUN + timedelta(days=300), "ncip", REQUEST_IDS[0])
    change = journal_writer.make_completion_values(exchange, OPENING, ENDING)
    processed = journal_writer.make_processed_row(exchange, OPENING, ENDING)
    rows = journal_writer.JournalRows(changes=(change,), processed=(processed,))
    yield make_call(journal_writer.write_journal_rows, [rows])


# --- outbox ----------------------------------------------------------------------------------------------


def _outbox_calls(connection: Connection) -> Iterator[StoreCall]:
    o, q = outbox, outbox_queries
    held = [
        row
        for row in q.list_oldest_by_status(connection, LIBRARY, OutboxStatus.IN_HAND, 50).rows
        if row.node == WAITING_NODE
    ]
    dead = q.list_oldest_by_status(connection, LIBRARY, OutboxStatus.DEAD, 1).rows[0]
    yield make_call(o.add_outbox_row, outbox_row(99, lane="lane-45"))
    yield make_call(o.claim_rows, NOW, 20, LEASE, "node-2")
    yield make_call(o.claim_rows, NOW, 20, LEASE, "node-2", ("letter", "partner"))
    yield make_call(o.claim_single_row, LIBRARY, outbox_row(40).id, NOW, LEASE, "node-2")
    routes = (Route("letter"), Route("partner", LIBRARY, "bonn"))
    yield make_call(o.claim_rows, NOW, 20, LEASE, "node-2", ("letter", "partner", "work"), routes, [LIBRARY], LIBRARY)
    yield make_call(o.list_nodes_in_hand)
    yield make_call(o.expire_node_leases, WAITING_NODE, NOW)
    yield make_call(o.put_back_rows, held[:2])
    yield make_call(o.mark_done, held[0], "sent", NOW)
    yield make_call(o.mark_refused, held[0], "no", NOW)
    yield make_call(o.leave_unsent, held[0], "no use", "anna", NOW)
    yield make_call(o.schedule_retry, held[0], NOW, "away")
    yield make_call(o.mark_dead, next(row for row in held if row.kind != "partner"), "away", NOW)
    yield make_call(o.forget_ended_rows, LIBRARY, "old-00007")
    yield make_call(o.replace_texts, LIBRARY, dead.id, "{}", "away")
    yield make_call(o.prune_ended_rows, NOW, 200)
    yield make_call(outbox_lanes.enter_lane, LIBRARY, "lane-45", outbox_row(98).id)
    yield make_call(outbox_lanes.leave_lane, LIBRARY, "lane-45")
    yield make_call(outbox_lanes.leave_lane_as_first, LIBRARY, "lane-45", outbox_row(98).id)
    yield make_call(outbox_lanes.take_place, LIBRARY, outbox_row(99).id, outbox_row(98).id)
    for decide in (outbox_decisions.release_row, outbox_decisions.put_off_row):
        yield make_call(decide, LIBRARY, dead.id, NOW)
    yield make_call(outbox_decisions.lock_row, LIBRARY, dead.id)
    yield make_call(outbox_decisions.edit_row, LIBRARY, dead.id, "{}", NOW)
    yield make_call(outbox_decisions.mark_as_tried, LIBRARY, outbox_row(45).id, "away")
    yield make_call(outbox_decisions.skip_row, LIBRARY, dead.id, "no use", "anna", NOW)
    refused = q.list_oldest_by_status(connection, LIBRARY, OutboxStatus.REFUSED, 1).rows[0]
    yield make_call(outbox_decisions.resend_row, LIBRARY, refused.id, NOW)
    yield make_call(outbox_decisions.skip_refused_row, LIBRARY, refused.id, "by telephone", "anna")
    yield make_call(outbox_decisions.end_row, LIBRARY, dead.id, OutboxStatus.DONE, "answered", NOW)
    yield make_call(outbox_lanes.step_aside, LIBRARY, dead.lane, dead.id)
    yield make_call(q.get_outbox_row, LIBRARY, dead.id)
    for status in OutboxStatus:
        yield make_call(q.list_oldest_by_status, LIBRARY, status, 50, "00")
    yield make_call(q.list_rows_of_request, LIBRARY, REQUEST_IDS[0], 50)
    yield make_call(q.unfinished_of_request, LIBRARY, REQUEST_IDS[0])
    yield make_call(q.has_rows_to_go, LIBRARY, REQUEST_IDS[0], "webhook")
    yield make_call(q.requests_with_dead_letters, LIBRARY, [*(f"old-{n:05}" for n in range(40)), *REQUEST_IDS])
    yield make_call(q.requests_with_unfinished, LIBRARY, "partner", "utrecht")
    yield make_call(q.list_rows_of_kind, LIBRARY, "partner", "", 50)
    yield make_call(q.list_rows_of_kind, LIBRARY, "partner", REQUEST_IDS[0], 50)
    yield make_call(q.list_refused_of_request, LIBRARY, "partner", REQUEST_IDS[0])
    yield make_call(q.list_rows_of_requests, LIBRARY, "partner", REQUEST_IDS, 50)
    yield make_call(q.count_unfinished_rows)
    yield make_call(q.count_waiting_by_target, "partner")
    yield make_call(q.group_dead_rows, LIBRARY)
    yield make_call(q.list_dead_of_cause, LIBRARY, dead.kind, dead.target, "connection refused", 50)
    yield make_call(q.find_oldest_waiting)
    yield make_call(q.find_oldest_due, LIBRARY, NOW)
    yield make_call(q.list_retried_targets, LIBRARY, "partner", 1)


def _order_calls() -> Iterator[StoreCall]:
    b, file = order_batches, outbox_row(70).id
    order = outbox_row(60).id
    yield make_call(b.schedule_batch, LIBRARY, TARGET, BEGUN, BEGUN, 3)
    yield make_call(b.schedule_batch, LIBRARY, "nobody", BEGUN, BEGUN, 3)
    yield make_call(b.lock_ready_orders, LIBRARY, TARGET, 20)
    yield make_call(b.find_waiting_orders, LIBRARY, TARGET, 20)
    yield make_call(b.has_waiting_orders, LIBRARY, TARGET)
    yield make_call(b.send_singly, LIBRARY, TARGET)
    yield make_call(b.send_batch_now, LIBRARY, TARGET, NOW)
    yield make_call(b.unsent_orders, LIBRARY, 50)
    yield make_call(b.find_batch_due, LIBRARY, TARGET)
    new = outbox_row(97, lane="", kind=b.FILE, target=TARGET, request_id="")
    filed = b.FiledOrder(
        library=LIBRARY,
        profile=TARGET,
        number="F-2",
        place=1,
        file_id=new.id,
        order_id=outbox_row(62).id,
        request_id=REQUEST_IDS[0],
        reference="R-9",
        at=NOW,
    )
    yield make_call(b.add_batch, new, [filed])
    yield make_call(b.list_filed_orders, LIBRARY, file)
    yield make_call(b.find_filed_orders, LIBRARY, TARGET, ("F-0", "F-1"))
    yield make_call(b.find_file_with_order, LIBRARY, order)
    yield make_call(b.list_orders_in_hand, LIBRARY, file)
    yield make_call(b.drop_order, LIBRARY, file, order)
    yield make_call(b.dissolve_batch, LIBRARY, file, NOW)
    yield make_call(b.prune_filed_orders, NOW, 200)
    yield make_call(b.find_order_file, LIBRARY, file)
    yield make_call(b.keep_order_file, LIBRARY, file, "orders", NOW)
    yield make_call(b.forget_order_file, LIBRARY, file)
    yield make_call(b.prune_order_files, 200)


# --- requests --------------------------------------------------------------------------------------------


def _load_sample(connection: Connection, number: int) -> Request:
    found = requests.load_request(connection, LIBRARY, REQUEST_IDS[number])
    assert found is not None
    return found


def _request_calls(connection: Connection) -> Iterator[StoreCall]:
    r, id_ = requests, REQUEST_IDS[0]
    one = _load_sample(connection, 0)
    changed = replace(one, version=one.version + 1, changed=NOW, external=("TN-new",), branch="south")
    yield make_call(r.insert_request, replace(one, id=f"{one.id[:-3]}fff", number="N-new"))
    yield make_call(r.save_request, changed)
    yield make_call(r.amend_request, replace(one, external=("TN-other",)))
    yield make_call(r.load_request, LIBRARY, id_)
    yield make_call(r.lock_request, LIBRARY, id_)
    yield make_call(r.lock_version, LIBRARY, id_)
    yield make_call(r.find_by_number, LIBRARY, "N-2026-00")
    yield make_call(r.count_open_requests, LIBRARY, "p-17")
    yield make_call(r.count_open_of_library, LIBRARY, more_steps=500_000, reason="all are counted, for one command")
    yield make_call(r.find_similar, LIBRARY, "p-17", "a fingerprint", BEGUN)
    reference = (LIBRARY, one.role, "NL-UT", "B-0.1")
    yield make_call(r.find_by_transaction, *reference)
    yield make_call(r.find_by_any_transaction, LIBRARY, one.role, ["NL-UT", "BROKER"], "B-0.1")
    yield make_call(r.remove_transaction, *reference)
    yield make_call(r.add_transaction, LIBRARY, one.role, "NL-UT", "B-new", id_, 1)
    yield make_call(r.find_barcodes_in_use, LIBRARY, ("390000", "390001", "39"), id_)
    yield make_call(r.update_barcodes, one)
    yield make_call(r.find_by_any_reference, LIBRARY, "NL-UT", ("TN-1", "B-2.1", "N-2026-03", "390004"))
    yield make_call(mailbox.find_by_references, LIBRARY, "NL-UT", ("B-1.1", "B-2.1", "TN-1"))
    yield make_call(mailbox.list_references_of_requests, LIBRARY, "NL-UT", REQUEST_IDS[:3])
    yield make_call(mailbox.find_ids_by_number, LIBRARY, ("N-2026-00", "N-2026-01", "none"))
    yield make_call(timers.start_timer, LIBRARY, id_, TimerKind.CHASE, NOW)
    yield make_call(timers.stop_timer, LIBRARY, id_, TimerKind.NEED_BY)
    yield make_call(timers.due_timers, NOW, 50)
    yield make_call(timers.measure_timers, LIBRARY, NOW)
    yield make_call(timers.take_timer, timers.TimerRow(LIBRARY, id_, TimerKind.NEED_BY, NOW))
    yield make_call(timers.list_timers_of_request, LIBRARY, id_)
    yield make_call(timers.next_in_sequence, LIBRARY, "B")
    yield make_call(timers.peek_sequence, LIBRARY, "B")


LISTED = {"more_steps": 290_000, "reason": "conditions that no index serves are tried on SCAN rows of one"}
OPEN_STATES = (LendingState.NEW, LendingState.LOCATED, LendingState.WILL_SUPPLY)


def _list_filters() -> Iterator[RequestFilter]:
    f, borrowing, lending = RequestFilter, Role.BORROWING, Role.LENDING
    yield from (f(), f(role=borrowing), f(role=borrowing, open=True), f(role=lending, open=False), f(open=True))
    yield from (f(role=borrowing, states=(BorrowingState.LENT,)), f(role=lending, states=OPEN_STATES, open=True))
    yield f(role=borrowing, states=tuple(BorrowingState))
    yield f(states=(BorrowingState.SHIPPED, LendingState.SHIPPED))
    yield from (f(patron_id="p-17"), f(patron_id="p-17", role=borrowing, open=True), f(assignee="anna"))
    yield from (f(partners=("utrecht",)), f(partners=("utrecht-3",), role=borrowing), f(partners=("utrecht", "kyoto")))
    yield from (f(unassigned=True, role=borrowing, open=True), f(label="rush"), f(label="rush", role=borrowing))
    yield from (f(branches=("north",), open=True), f(services=(ServiceType.COPY,)), f(text="города", role=lending))
    yield f(role=borrowing, need_by_before=NOW.date(), open=True)
    for order in RequestOrder:
        yield from (f(order=order), f(role=borrowing, open=True, order=order), f(label="rush", order=order))
        yield from (f(task="awaiting-review", order=order), f(task="new", role=lending, branches=("x",), order=order))
        yield f(assignee="anna", role=borrowing, open=True, order=order)
        yield f(role=borrowing, states=(BorrowingState.LENT, BorrowingState.SHIPPED), order=order)
        for typed in ("N-2026-01", "города история", "nothing"):
            yield f(search=typed, order=order)
            yield f(search=typed, role=borrowing, states=(BorrowingState.LENT,), open=True, order=order)
        yield f(search="TN-1", task="awaiting-review", patron_id="p-17", order=order)


def _list_calls(connection: Connection) -> Iterator[StoreCall]:
    for wanted in _list_filters():
        yield make_call(request_lists.list_requests, LIBRARY, wanted, 50, **LISTED)
        page = request_lists.list_requests(connection, LIBRARY, wanted, 3)
        if page.cursor:
            yield make_call(request_lists.list_requests, LIBRARY, wanted, 50, page.cursor, **LISTED)
        yield make_call(request_lists.find_hits, LIBRARY, replace(wanted, search="города"), **LISTED)
    for wanted in _list_filters():
        if wanted.order is RequestOrder.NEWEST:
            yield make_call(request_facets.count_list, LIBRARY, wanted, **LISTED)
    path = choose_index_path(LIBRARY, RequestFilter(role=Role.LENDING, open=False))
    yield make_call(request_lists.find_scan_end, path, None, **LISTED)
    listed = request_lists.list_requests(connection, LIBRARY, RequestFilter(task="awaiting-review"), 50).requests
    yield make_call(request_lists.read_waiting_since, LIBRARY, "awaiting-review", listed)


HITS = {"more_steps": 50_000, "reason": "a word is counted up to MAX_HITS"}


def _search_calls() -> Iterator[StoreCall]:
    s = request_search
    for typed in ("N-2026-01", "TN-1", "2100017", "9783161484100"):
        yield make_call(s.find_by_search_number, LIBRARY, parse_search(typed), NUMBER_KINDS)
    yield make_call(s.find_ids_by_term, LIBRARY, SearchTermKind.BARCODE, "390001", 20)
    yield make_call(s.find_by_label, LIBRARY, "rush")
    yield make_call(s.find_by_rarest_word, LIBRARY, ("города", "истори"), **HITS)
    yield make_call(s.update_terms, LIBRARY, REQUEST_IDS[0], "word old", "word new")


def _count_calls(connection: Connection) -> Iterator[StoreCall]:
    k = request_counts
    yield make_call(k.list_libraries)
    yield make_call(k.count_change, LIBRARY, REQUEST_IDS[0], [("task", "new")], [("task", "overdue")])
    yield make_call(k.count_supply, _load_sample(connection, 0), 1)
    yield make_call(k.read_task_counts, LIBRARY)
    yield make_call(k.read_oldest_of_tasks, LIBRARY)
    listed = {"more_steps": 200_000, "reason": "for short lists: each request on them is looked at"}
    yield make_call(k.read_task_figures, LIBRARY, ("new", "awaiting-review"), **listed)
    yield make_call(k.read_task_figures, LIBRARY, ("new", "overdue"), ("north",), **listed)
    yield make_call(k.read_partner_loads, LIBRARY, Role.BORROWING)
    days = {"more_steps": 40_000, "reason": "grows with days and partners"}
    yield make_call(k.read_supply_times, LIBRARY, NOW - timedelta(days=30), **days)
    yield make_call(k.read_counts, LIBRARY, "task")
    yield make_call(k.read_counts_of_libraries, [LIBRARY, "OTHER"], "task")
    yield make_call(k.store_report, LIBRARY, [LoadReport(member="visby", library="VISBY", at=NOW, open={"X": 2})])
    yield make_call(k.list_reports, LIBRARY)
    yield make_call(k.forget_former_members, LIBRARY, ("visby",))
    figures = request_figures
    months = {"more_steps": 200_000, "reason": "grows with the requests of these months, here a twelfth of all"}
    month = FigureFilter(library=LIBRARY, first=202602, last=202602)
    for wanted in (month, replace(month, branch="north", partner="utrecht-1")):
        for ask in (
            figures.count_figures,
            figures.count_reasons,
            figures.count_endings,
            figures.sum_costs,
            figures.count_partner_hours,
            figures.list_branches,
        ):
            yield make_call(ask, wanted, **months)
        for step in figures.HOURS:
            yield make_call(figures.count_hours_taken, wanted, step, **months)
    one = _load_sample(connection, 0)
    yield make_call(figures.update_request_figures, one)
    yield make_call(figures.forget_words_of_reasons, one)
    yield make_call(
        figures.write_request_figures,
        LIBRARY,
        one.id,
        list_request_figures(one, find_supply_moments(one)),
    )
    yield make_call(figures.withdraw_supply, one)


def _history_calls(connection: Connection) -> Iterator[StoreCall]:
    h, m, id_ = history, request_messages, REQUEST_IDS[0]
    row = h.list_events_of_request(connection, LIBRARY, id_)[0]
    new = replace(row, id=f"{row.id[:-3]}fff")
    yield make_call(h.add_history_event, new)
    yield make_call(h.link_events, LIBRARY, [row.id], "exchange")
    yield make_call(h.list_events_of_request, LIBRARY, id_)
    yield make_call(h.list_events_after, LIBRARY, row.id, 50)
    yield make_call(h.forget_people_in_history, LIBRARY, id_)
    yield make_call(h.find_partner_message, LIBRARY, "utrecht", "message-1")
    yield make_call(h.store_partner_message, LIBRARY, "utrecht", "new", h.PartnerMessageResult(id_), NOW)
    yield make_call(h.put_file, LIBRARY, "file-2", b"")
    yield make_call(h.get_file, LIBRARY, "file-1")
    yield make_call(m.add_message, Role.BORROWING, new)
    yield make_call(m.mark_messages_read, LIBRARY, id_, [row.id], "anna", NOW)
    yield make_call(m.find_unread_ids, LIBRARY, id_)
    yield make_call(m.find_unread_ids, LIBRARY, id_, (EventKind.SHIPPED,), 1)
    yield make_call(m.list_read_marks, LIBRARY, id_)
    yield make_call(m.list_unread_messages, LIBRARY, (Role.BORROWING,), 50)
    yield make_call(m.list_unread_messages, LIBRARY, tuple(Role), 50, "00")
    yield make_call(m.count_unread_messages)


# --- paper -----------------------------------------------------------------------------------------------


def _print_calls() -> Iterator[StoreCall]:
    p = print_batches
    piles = {"more_steps": 250_000, "reason": "all requests in the states that need the paper are looked at"}
    for kind in PrintKind:
        yield make_call(p.find_waiting_requests, LIBRARY, kind, ("utrecht",), NOW, 100, **piles)
        yield make_call(p.find_waiting_requests, LIBRARY, kind, ("utrecht",), NOW, 100, REQUEST_IDS[:5])
        yield make_call(p.count_waiting_requests, LIBRARY, kind, ("utrecht",), NOW, 100, **piles)
        yield make_call(p.count_waiting_requests, LIBRARY, kind, ("utrecht",), NOW, 100, ("WEST",), **piles)
    new = PrintBatch(
        library=LIBRARY,
        id="new",
        number=0,
        kind=PrintKind.HOLD_SLIPS,
        made_at=NOW,
        made_by="anna",
        request_ids=tuple(REQUEST_IDS[:3]),
    )
    yield make_call(p.insert_batch, new)
    yield make_call(p.extend_batch, replace(new, id="batch-1", number=1), REQUEST_IDS[:1])
    yield make_call(p.find_newest_batch, LIBRARY, PrintKind.PULL_SLIPS, REQUEST_IDS[-4])
    yield make_call(p.list_batches_of_request, LIBRARY, REQUEST_IDS[-4])
    yield make_call(p.find_batch, LIBRARY, 1)
    yield make_call(p.list_batches, LIBRARY, 20)
    yield make_call(p.list_items_at, LIBRARY, ["batch-1", "batch-2"], ("WEST",))
    yield make_call(p.mark_batch_printed, LIBRARY, "batch-1", "anna", NOW)
