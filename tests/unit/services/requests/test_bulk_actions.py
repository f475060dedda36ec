"""One act with many requests, and filters that staff have named."""

from __future__ import annotations

import pytest

from gateway.domain.problems import Refused
from gateway.domain.requests.event_catalogue import BULK_KINDS
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import BorrowingState, Role
from gateway.domain.requests.views import NotFound, RequestFilter
from gateway.services.desks import bulk_actions, saved_filters
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {"south": SOUTH}


async def test_what_fails_fails_alone_and_says_why(north: NcipTown) -> None:
    managed = north.town.gateway.managed
    first, closed, last = [await north.asked() for _ in range(3)]
    await north.act(closed, EventKind.RECEIVED, barcode="S-1")
    await north.quiet()

    ids = [first.id, closed.id, "no-such-id", last.id, first.id]
    result = await managed.libraries["NORTH"].bulk.apply_action(
        ids, EventKind.NEXT_SUPPLIER, EventDetails(note="?"), "staff:ruth"
    )

    assert [request.id for request in result.done] == [first.id, last.id]
    assert [(one.request_id, one.number, str(one.reason)) for one in result.failed] == [
        (closed.id, closed.number, "'next-supplier' is not possible while the request is in state 'received'."),
        ("no-such-id", "no-such-id", "no such request"),
    ]
    assert "staff:ruth" in [line.event.actor for line in await north.history(first)]


async def test_requests_are_given_to_somebody_and_labelled_together(north: NcipTown) -> None:
    managed = north.town.gateway.managed
    ids = [(await north.asked()).id for _ in range(2)]

    assert len((await managed.libraries["NORTH"].bulk.assign(ids, "ruth")).done) == 2
    labelled = await managed.libraries["NORTH"].bulk.label(ids, ["rush"], [])

    assert {(one.assignee, one.labels) for one in labelled.done} == {("ruth", ("rush",))}
    found = await managed.libraries["NORTH"].bulk.collect(RequestFilter(assignee="ruth", label="rush"))
    assert {one.id for one in found} == set(ids)
    counts = await managed.libraries["NORTH"].requests.count_list(RequestFilter(assignee="ruth"))
    assert counts.total == 2


async def test_of_more_than_can_be_done_at_once_the_first_are_taken(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    managed = north.town.gateway.managed
    for _ in range(3):
        await north.asked()
    everything = RequestFilter(role=Role.BORROWING, states=(BorrowingState.REQUESTED.value,))
    monkeypatch.setattr(bulk_actions, "MAX_BULK", 2)
    library = managed.libraries["NORTH"]
    collected = await library.bulk.collect(everything)
    assert [one.id for one in collected] == [one.id for one in await library.requests.list_requests(everything, 2, "")]


def test_only_what_needs_nothing_of_the_single_request_is_done_in_bulk() -> None:
    assert EventKind.RETURNED in BULK_KINDS
    assert EventKind.CHECKED_IN in BULK_KINDS
    assert not {EventKind.LOCATED, EventKind.UNFILLED, EventKind.NOTE, EventKind.EDIT, EventKind.REQUEST} & {
        *BULK_KINDS
    }


async def test_a_filter_is_named_for_oneself_or_for_the_house(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    service = north.town.gateway.managed.libraries["NORTH"].saved_filters
    mine = await service.save_filter("borrowing", "ruth", " Rush,  nobody’s ", "label=rush&assignee=nobody", False)
    shared = await service.save_filter("borrowing", "ada", "Late", "task=overdue", True)

    assert mine.name == "Rush, nobody’s"
    assert [one.name for one in await service.list_filters("borrowing", "ruth")] == ["Late", mine.name]
    assert [one.name for one in await service.list_filters("borrowing", "ada")] == ["Late"]
    assert await service.list_filters("lending", "ruth") == ()
    again = await service.save_filter("borrowing", "ruth", mine.name, "label=rush", False)
    assert [one.query for one in await service.list_filters("borrowing", "ruth")] == [
        "task=overdue",
        "label=rush",
    ]
    with pytest.raises(NotFound):
        await service.delete_filter(shared.id, "ruth")
    with pytest.raises(Refused, match="1 to 60 printable"):
        await service.save_filter("borrowing", "ruth", " ", "", False)
    monkeypatch.setattr(saved_filters, "MAX_FILTERS", 1)
    with pytest.raises(Refused, match="up to 1 filters"):
        await service.save_filter("borrowing", "ruth", "One more", "", False)
    await service.delete_filter(again.id, "ruth")
    assert [one.name for one in await service.list_filters("borrowing", "ruth")] == ["Late"]
