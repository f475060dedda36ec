"""Items, sets of items, the library itself; items made and given a status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.commands import (
    CheckOut,
    CreateItem,
    LookUpAgency,
    LookUpItem,
    LookUpItemSet,
    Named,
    PlaceRequest,
    UpdateStatus,
)
from gateway.domain.library import Bib, ItemStatus, RecordId
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.ports.library_system import Capability
from tests.unit.services.circulation.support import ANA, BOOK, CHIDI, RECORD, Counter, Without, who


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        (Named(BOOK), {}),
        (Named(f" {BOOK} "), {}),
        (Named(f"b{BOOK}X"), {"rewrite": {"strip_prefix": ["b"], "strip_suffix": ["X", "Y"]}}),
    ],
)
async def test_an_item_by_barcode(counter: Counter, sent: Named, rules: Any) -> None:
    found = await counter.ask(LookUpItem(sent), items=rules)
    assert (found.item.barcode, found.bib.id, found.loan, found.requesters) == (BOOK, RECORD, None, ())


async def test_an_item_by_request_and_who_is_involved(counter: Counter) -> None:
    await counter.ask(CheckOut(who(ANA), Named(BOOK), Named("TN-1")))
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),), request=Named("TN-2")))
    found = await counter.ask(LookUpItem(request=Named("TN-2"), borrower=True, requesters=True))
    assert (found.item.barcode, found.hold.request_id) == (BOOK, "TN-2")
    assert found.borrower.identifier("barcode") == ANA
    assert [patron.identifier("barcode") for patron in found.requesters] == [CHIDI]


async def test_a_system_that_knows_requests_only_by_their_holds(counter: Counter) -> None:
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(BOOK),), request=Named("TN-2")))
    limited = Without(counter.library, Capability.ITEM_BY_REQUEST)
    assert (await counter.ask(LookUpItem(request=Named("TN-2")), library=limited)).item.barcode == BOOK
    refused = await counter.refusal(LookUpItem(request=Named("TN-3")), library=limited)
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.UNKNOWN_ITEM, MessagePart.REQUEST, "TN-3")


# --- sets ------------------------------------------------------------------------------------------------


async def test_a_set_tells_what_is_missing(counter: Counter) -> None:
    asked = LookUpItemSet((RecordId("", RECORD), RecordId("", "99")), (Named(BOOK), Named("gone")))
    found = await counter.ask(asked)
    assert found.cursor == ""
    assert [entry.bib and entry.bib.id for entry in found.entries] == [RECORD, None, RECORD, None]
    assert [entry.missing for entry in found.entries if not entry.bib] == [
        "Record not found.",
        "Item not found.",
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_a_set_comes_in_portions(counter: Counter, limit: int) -> None:
    records = tuple(RecordId("", str(number)) for number in (1001, 99, 1002, 1003))
    whole = await counter.ask(LookUpItemSet(records))
    wanted = [item.barcode for entry in whole.entries for item in entry.items]
    got: list[str] = []
    missing, cursor = 0, ""
    for _ in range(20):
        portion = await counter.ask(LookUpItemSet(records, limit=limit, cursor=cursor))
        barcodes = [item.barcode for entry in portion.entries for item in entry.items]
        assert len(barcodes) <= limit
        got += barcodes
        missing += sum(1 for entry in portion.entries if entry.missing)
        cursor = portion.cursor
        if not cursor:
            break
    assert (got, missing) == (wanted, 1)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (LookUpItemSet(), RefusalReason.DATA_MISSING),
        (LookUpItemSet((RecordId("", RECORD),), cursor="'; drop"), RefusalReason.INVALID_VALUE),
    ],
)
async def test_sets_that_cannot_be(counter: Counter, command: LookUpItemSet, reason: RefusalReason) -> None:
    assert (await counter.refusal(command)).reason is reason


# --- the library -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("agency", ["", "BERG", "berg", "DE-1"])
async def test_the_library_presents_itself(counter: Counter, agency: str) -> None:
    found = await counter.ask(LookUpAgency(agency), agencies={"de-1": "BERG"})
    assert (found.symbol, found.name) == ("BERG", "Stadtbibliothek Bergstadt")
    assert {place.code for place in found.pickup_locations} >= {"MAIN", "RS"}


async def test_other_agencies_are_unknown(counter: Counter) -> None:
    refused = await counter.refusal(LookUpAgency("DE-1"))
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.UNKNOWN_AGENCY,
        MessagePart.RECEIVER,
        "DE-1",
    )


# --- items made and changed ------------------------------------------------------------------------------


async def test_an_item_is_created(counter: Counter) -> None:
    command = CreateItem(Named("new-1"), Bib(title="स्मृति", medium="DVD"), status=ItemStatus.IN_PROCESS)
    rules = {"items": {"rewrite": {"case": "upper"}}, "accept": {"policies": {"dvd": "media"}, "call_number": "N"}}
    for _ in range(2):
        item = (await counter.ask(command, **rules)).item
        assert (item.barcode, item.temporary, item.policy, item.call_number) == ("NEW-1", False, "media", "N")
        assert item.status is ItemStatus.IN_PROCESS
    refused = await counter.refusal(CreateItem(Named(BOOK), Bib(title="x")))
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.DUPLICATE_ITEM, MessagePart.ITEM, BOOK)
    assert (await counter.refusal(CreateItem(Named("2"), Bib()))).about is MessagePart.RECORD


async def test_a_status_there_and_back(counter: Counter) -> None:
    rules = {"items": {"settable_statuses": ["missing", "available", "on-loan"]}}
    for status in (ItemStatus.MISSING, ItemStatus.AVAILABLE, ItemStatus.MISSING, ItemStatus.MISSING):
        assert (await counter.ask(UpdateStatus(Named(BOOK), status), **rules)).item.status is status
        counter.clock.advance(timedelta(minutes=1))
    refused = await counter.refusal(UpdateStatus(Named(BOOK), ItemStatus.ON_LOAN, "On Loan"), **rules)
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.NOT_ALLOWED, MessagePart.STATUS, "On Loan")


@pytest.mark.parametrize("settable", [[], ["missing"]])
async def test_a_status_that_the_profile_does_not_let_this_partner_give(counter: Counter, settable: list[str]) -> None:
    refused = await counter.refusal(
        UpdateStatus(Named(BOOK), ItemStatus.LOST, "Lost"), items={"settable_statuses": settable}
    )
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.UNAUTHORIZED_SERVICE,
        MessagePart.STATUS,
        "Lost",
    )
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.AVAILABLE
