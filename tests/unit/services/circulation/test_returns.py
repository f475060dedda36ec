"""Check-in and deletion."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.commands import AcceptItem, Action, CheckIn, CheckOut, DeleteItem, Named, PlaceRequest
from gateway.domain.library import Bib, HoldStatus, ItemStatus
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from tests.unit.services.circulation.support import ANA, BOOK, CHIDI, PSEUDOPATRON, Counter, who

NUMBER = Named("TN-88")
DELETES = {"delete_item": "temporary"}


async def partners_item(counter: Counter, *, lent: bool = True, **sections: Any) -> None:
    arrived = AcceptItem(NUMBER, Action.HOLD, "", who(ANA), NUMBER, citation=Bib(title="東の海"), pickup="RS")
    await counter.ask(arrived, **sections)
    if lent:
        await counter.ask(CheckOut(who(ANA), NUMBER, NUMBER))


async def is_here(counter: Counter, barcode: str = "TN-88") -> bool:
    try:
        await counter.library.item_by_barcode(barcode)
    except Refused:
        return False
    return True


# --- check-in --------------------------------------------------------------------------------------------


async def test_an_item_comes_back_and_a_repeat_is_answered_alike(counter: Counter) -> None:
    await counter.ask(CheckOut(who(PSEUDOPATRON), Named(BOOK)))
    for _ in range(2):
        returned = await counter.ask(CheckIn(Named(BOOK)))
        assert returned.loan.returned is not None
        assert (returned.item.barcode, returned.bib.id, returned.deleted) == (BOOK, "1001", False)


async def test_by_request_number(counter: Counter) -> None:
    """OCLC: the number as an item id of type `ILL Request Id`; others in RequestId alone, or in place of a barcode."""
    for n, command, rules in (
        (1, CheckIn(Named(NUMBER.value, "ILL Request Id")), {}),
        (2, CheckIn(None, NUMBER), {}),
        (3, CheckIn(NUMBER), {"items": {"find_by_request": True}}),
        (4, CheckIn(Named(NUMBER.value, "Our Ref")), {"items": {"request_id_types": ["our ref"]}}),
    ):
        await counter.ask(CheckOut(who(PSEUDOPATRON), Named(BOOK), NUMBER))
        assert (await counter.ask(command, **rules)).item.barcode == BOOK, n
    assert (await counter.refusal(CheckIn(NUMBER))).reason is RefusalReason.UNKNOWN_ITEM
    assert (await counter.refusal(CheckIn(None))).reason is RefusalReason.DATA_MISSING


async def test_an_unknown_barcode_beside_a_request_number(counter: Counter) -> None:
    """A partner's item may have another barcode there than here; our own item would be a mis-scanned one (illiad-alma,
    relais-d2d)."""
    by_request: dict[str, Any] = {"items": {"find_by_request": True}}
    await counter.ask(CheckOut(who(PSEUDOPATRON), Named(BOOK), NUMBER))
    refused = await counter.refusal(CheckIn(Named("unknown"), NUMBER), **by_request)
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.UNKNOWN_ITEM, MessagePart.ITEM, "unknown")
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.ON_LOAN

    theirs = Named("TN-77")
    await counter.ask(AcceptItem(theirs, Action.HOLD, "", who(ANA), Named("TN-77-1OF2"), citation=Bib(title="Дорога")))
    await counter.ask(CheckOut(who(ANA), Named("TN-77-1OF2")))
    assert (await counter.ask(CheckIn(Named("unknown"), theirs), **by_request)).item.barcode == "TN-77-1OF2"
    assert (await counter.refusal(CheckIn(Named("unknown"), theirs))).reason is RefusalReason.UNKNOWN_ITEM
    assert (await counter.refusal(CheckIn(Named("unknown"), Named("R-0")), **by_request)).reason is (
        RefusalReason.UNKNOWN_ITEM
    )


async def test_who_had_it_is_told_only_to_those_who_know(counter: Counter) -> None:
    for named, told in ((who(ANA), True), (who(CHIDI), False), (None, False)):
        await counter.ask(CheckOut(who(ANA), Named(BOOK)))
        returned = await counter.ask(CheckIn(Named(BOOK), patron=named))
        assert (returned.patron is not None) is told


@pytest.mark.parametrize(("branch", "route"), [("", "MAIN"), ("NORTH", "MAIN"), ("MAIN", None)])
async def test_the_desk_decides_on_the_way(counter: Counter, branch: str, route: str | None) -> None:
    """As shipped it counts as checked in at the resource-sharing desk."""
    await counter.ask(CheckOut(who(ANA), Named(BOOK)))
    returned = await counter.ask(CheckIn(Named(BOOK)), check_in={"branch": branch})
    assert (returned.route_to.library if returned.route_to else None) == route


@pytest.mark.parametrize(("trap", "status"), [(True, HoldStatus.READY), (False, HoldStatus.WAITING)])
async def test_waiting_holds_at_check_in(counter: Counter, trap: bool, status: HoldStatus) -> None:
    await counter.ask(CheckOut(who(ANA), Named(BOOK)))
    wanted = PlaceRequest(who(CHIDI), items=(Named(BOOK),), request=NUMBER, pickup="MAIN")
    await counter.ask(wanted)
    await counter.ask(CheckIn(Named(BOOK)), check_in={"branch": "MAIN", "trap_hold": trap})
    assert (await counter.library.find_hold(NUMBER.value)).status is status


@pytest.mark.parametrize(
    ("command", "reason"),
    [(CheckIn(Named("gone")), RefusalReason.UNKNOWN_ITEM), (CheckIn(Named(BOOK)), RefusalReason.NOT_CHECKED_OUT)],
)
async def test_nothing_to_return(counter: Counter, command: CheckIn, reason: RefusalReason) -> None:
    refused = await counter.refusal(command)
    assert (refused.reason, refused.about, refused.value) == (
        reason,
        MessagePart.ITEM,
        command.item and command.item.value,
    )
    answered = await counter.ask(command, as_success={"check-in": [reason.value]})
    assert answered.loan is None
    assert (answered.item is None) is (reason is RefusalReason.UNKNOWN_ITEM)
    other = {"check-in": ["unknown-request"]}
    assert (await counter.refusal(command, as_success=other)).reason is reason


@pytest.mark.parametrize(
    ("command", "answered"),
    [
        (CheckIn(Named("gone", "ILL Request Id")), True),
        (CheckIn(None, NUMBER), True),
        (CheckIn(Named("gone", "Barcode"), NUMBER), False),
    ],
)
async def test_nothing_to_return_by_request(counter: Counter, command: CheckIn, answered: bool) -> None:
    """OCLC: by request number it is a success, by barcode a refusal (facts/ncip.md 2.6)."""
    rules = {"as_success": {"check-in-by-request": ["unknown-item", "not-checked-out"]}}
    if answered:
        assert (await counter.ask(command, **rules)).item is None
    else:
        assert (await counter.refusal(command, **rules)).reason is RefusalReason.UNKNOWN_ITEM


# --- a partner's item goes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "deleted"),
    [
        ({}, False),
        (DELETES, True),
        ({**DELETES, "delete_policies": ["ill"]}, True),
        ({**DELETES, "delete_policies": ["media"]}, False),
        ({**DELETES, "delete_libraries": ["RS"]}, True),
        ({**DELETES, "delete_libraries": ["MAIN"]}, False),
    ],
)
async def test_deletion_at_check_in(counter: Counter, rules: dict[str, Any], deleted: bool) -> None:
    await partners_item(counter)
    for _ in range(2):
        returned = await counter.ask(CheckIn(NUMBER, NUMBER), check_in=rules)
        assert returned.deleted is deleted
        assert returned.item.barcode == "TN-88"
    assert await is_here(counter) is not deleted


async def test_our_own_item_is_never_deleted(counter: Counter) -> None:
    await counter.ask(CheckOut(who(ANA), Named(BOOK)))
    assert (await counter.ask(CheckIn(Named(BOOK)), check_in=DELETES)).deleted is False
    assert await is_here(counter, BOOK)


async def test_an_item_that_nobody_fetched_goes_too(counter: Counter) -> None:
    await partners_item(counter, lent=False)
    await counter.ask(CheckIn(NUMBER), check_in=DELETES)
    assert not await is_here(counter)
    assert (await counter.library.find_hold("TN-88")).status is HoldStatus.CANCELLED


async def test_the_same_barcode_may_come_and_go_again(counter: Counter) -> None:
    for _ in range(2):
        await partners_item(counter)
        assert (await counter.ask(CheckIn(NUMBER), check_in=DELETES)).deleted
        assert not await is_here(counter)


@pytest.mark.parametrize(
    ("action", "here", "hold"),
    [("delete", False, HoldStatus.CANCELLED), ("cancel-request", True, HoldStatus.CANCELLED), ("keep", True, None)],
)
async def test_delete_item(counter: Counter, action: str, here: bool, hold: HoldStatus | None) -> None:
    await partners_item(counter, lent=False)
    for _ in range(2):
        changed = await counter.ask(DeleteItem(NUMBER), delete={"action": action})
        assert changed.item.barcode == "TN-88"
    assert await is_here(counter) is here
    assert (await counter.library.find_hold("TN-88")).status is (hold or HoldStatus.READY)


async def test_deletions_that_are_refused(counter: Counter) -> None:
    await partners_item(counter)
    for command, reason in (
        (DeleteItem(NUMBER), RefusalReason.IN_USE),
        (DeleteItem(Named(BOOK)), RefusalReason.NOT_ALLOWED),
        (DeleteItem(Named("gone")), RefusalReason.UNKNOWN_ITEM),
    ):
        refused = await counter.refusal(command)
        assert (refused.reason, refused.about, refused.value) == (reason, MessagePart.ITEM, command.item.value)
    answered = await counter.ask(DeleteItem(Named("gone")), as_success={"delete-item": ["unknown-item"]})
    assert answered.item is None


async def test_a_returned_partners_item_waits_for_its_way_home(counter: Counter) -> None:
    await partners_item(counter)
    returned = await counter.ask(CheckIn(NUMBER))
    assert returned.item.status is ItemStatus.AVAILABLE
    assert (await counter.ask(DeleteItem(NUMBER))).item.barcode == "TN-88"
