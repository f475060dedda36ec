"""Notifications: INN-Reach's course of a loan on both sides (facts/ncip.md 2.9), and what profiles make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.commands import AcceptItem, Action, CheckOut, Named, Notice, NoticeKind
from gateway.domain.library import Bib, HoldStatus, ItemStatus
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from tests.unit.services.circulation.support import ANA, BOOK, CHIDI, EASTBROOK, Counter, who

THEIRS, OURS = Named("i5551"), Named(BOOK)
DUE = datetime(2026, 4, 20, 21, 59, tzinfo=UTC)
LATER = datetime(2026, 5, 20, 21, 59, tzinfo=UTC)
INNREACH: dict[str, Any] = {
    "notifications": {
        "own_item_pattern": "^i",
        "barcode_suffix_agency": True,
        "institutional_patron": EASTBROOK,
    },
    "pickup": {"map": {"Science desk": "SCI"}},
    "due_dates": {"transit_days": 2},
}


def says(kind: str, item: Named | None = THEIRS, **more: Any) -> Notice:
    return Notice(NoticeKind(kind), item, **{"sender": "9ebu", "receiver": "BERG", **more})


async def hear(counter: Counter, notice: Notice, **sections: Any) -> str:
    """What was made of it. The sender's site code is 9ebu."""
    noted = await counter.ask(notice, sender="9ebu", **{**INNREACH, **sections})
    assert noted.kind is notice.kind
    return str(noted.carried_out)


async def requested(counter: Counter) -> None:
    wish = says("requested", patron=who(ANA), citation=Bib(title="Дорога"), call_number="891.7", pickup="MAIN")
    for _ in range(2):
        assert await hear(counter, wish) == "accept-item"


# --- a partner's item ------------------------------------------------------------------------------------


async def test_requested_makes_a_record_and_a_hold(counter: Counter) -> None:
    await requested(counter)
    item = await counter.library.item_by_barcode("i55519ebu")
    assert (item.temporary, item.status, item.call_number) == (True, ItemStatus.AVAILABLE, "891.7")
    (hold,) = await counter.library.item_holds(item.id)
    assert (hold.status, hold.pickup) == (HoldStatus.WAITING, "MAIN")


async def test_shipped_brings_the_real_barcode_and_the_place(counter: Counter) -> None:
    await requested(counter)
    before = await counter.library.item_by_barcode("i55519ebu")
    shipped = says("shipped", new_barcode="31822001", pickup="Science desk")
    assert await hear(counter, shipped) == "change-barcode, update-request"
    item = await counter.library.item_by_barcode("318220019ebu")
    (hold,) = await counter.library.item_holds(item.id)
    assert (item.id, hold.pickup) == (before.id, "SCI")
    assert await hear(counter, shipped) == ""  # a repeat finds nothing to do


ARRIVAL: dict[str, Any] = {
    "request": Named("4711"),
    "action": Action.HOLD,
    "patron": who(ANA),
    "piece_barcode": "31822001",
    "citation": Bib(title="Дорога"),
}


@pytest.mark.parametrize(
    ("item", "shipped"),
    [
        pytest.param(THEIRS, True, id="by its id"),
        pytest.param(Named("31822001"), True, id="by the barcode on it"),
        pytest.param(Named("unknown to us"), True, id="by VisibleItemId alone"),
        pytest.param(THEIRS, False, id="when ItemShipped got lost"),
    ],
)
async def test_accept_item_brings_the_piece_to_its_hold(counter: Counter, item: Named, shipped: bool) -> None:
    """As INN-Reach sends it, with a request number that ItemRequested hadn't."""
    await requested(counter)
    before = await counter.library.item_by_barcode("i55519ebu")
    if shipped:
        await hear(counter, says("shipped", new_barcode="31822001", pickup="Science desk"))
    for _ in range(2):
        accepted = await counter.ask(AcceptItem(item=item, **ARRIVAL), sender="9ebu", **INNREACH)
        assert (accepted.item.id, accepted.item.barcode) == (before.id, "318220019ebu")
        assert (accepted.hold.status, accepted.hold.pickup) == (HoldStatus.IN_TRANSIT, "SCI" if shipped else "MAIN")
    patron = (await counter.library.find_hold("i5551")).patron_id
    assert len(await counter.library.patron_holds(patron)) == 1
    lent = says("checked-out", Named("31822001"), patron=who(ANA), due=DUE)
    assert await hear(counter, lent) == "check-out"
    again = await counter.ask(AcceptItem(item=item, **ARRIVAL), sender="9ebu", **INNREACH)
    assert again.item.status is ItemStatus.ON_LOAN


async def test_an_announced_item_for_another_patron_is_refused(counter: Counter) -> None:
    await requested(counter)
    other = AcceptItem(item=THEIRS, **{**ARRIVAL, "patron": who(CHIDI)})
    refused = await counter.refusal(other, sender="9ebu", **INNREACH)
    assert (refused.reason, refused.value) == (RefusalReason.DUPLICATE_ITEM, "i5551")


async def test_an_item_that_nobody_announced_gets_a_record(counter: Counter) -> None:
    accepted = await counter.ask(AcceptItem(item=THEIRS, **ARRIVAL), sender="9ebu", **INNREACH)
    assert (accepted.item.temporary, accepted.hold.request_id) == (True, "4711")


async def test_an_announced_item_whose_hold_was_cancelled_gets_another(counter: Counter) -> None:
    await requested(counter)
    hold = await counter.library.find_hold("i5551")
    await counter.library.cancel_hold(hold.id, "desk")
    accepted = await counter.ask(AcceptItem(item=THEIRS, **ARRIVAL), sender="9ebu", **INNREACH)
    assert (accepted.hold.patron_id, accepted.hold.status.is_open) == (hold.patron_id, True)


async def test_the_barcode_on_the_piece_names_it_in_every_notice(counter: Counter) -> None:
    """INC reads VisibleItemId alone; the record goes whichever id the last message has."""
    await requested(counter)
    await hear(counter, says("shipped", new_barcode="31822001"))
    assert (
        await hear(counter, says("checked-out", None, new_barcode="31822001", patron=who(ANA), due=DUE)) == "check-out"
    )
    assert await hear(counter, says("checked-in", Named("?"), new_barcode="31822001")) == "check-in, update-status"
    for _ in range(2):
        assert await hear(counter, says("received", Named("31822001"))) in ("delete-item", "")
    with pytest.raises(Refused):
        await counter.library.item_by_barcode("318220019ebu")


async def test_the_whole_course(counter: Counter) -> None:
    """After it has been shipped, messages still name it by the id that is its barcode no more."""
    await requested(counter)
    await hear(counter, says("shipped", new_barcode="31822001"))
    lent = says("checked-out", patron=who(ANA), due=DUE)
    assert await hear(counter, lent) == "check-out"
    assert await hear(counter, lent) == "check-out"  # arrives twice in the wild
    item = await counter.library.item_by_barcode("318220019ebu")
    loan = await counter.library.item_loan(item.id)
    assert loan.due == datetime(2026, 4, 18, 21, 59, tzinfo=UTC)

    assert await hear(counter, says("renewed", due=LATER)) == "set-due-date"
    assert (await counter.library.item_loan(item.id)).due == datetime(2026, 5, 18, 21, 59, tzinfo=UTC)
    assert await hear(counter, says("recalled", due=DUE)) == "recall"
    assert (await counter.library.item_loan(item.id)).recalled is not None

    assert await hear(counter, says("checked-in")) == "check-in, update-status"
    assert (await counter.library.item_by_barcode("318220019ebu")).status is ItemStatus.IN_TRANSIT
    assert await hear(counter, says("received")) == "delete-item"
    with pytest.raises(Refused):
        await counter.library.item_by_barcode("318220019ebu")


async def test_received_while_on_loan_ends_the_loan(counter: Counter) -> None:
    await requested(counter)
    await hear(counter, says("checked-out", patron=who(ANA), due=DUE))
    for _ in range(2):
        assert await hear(counter, says("received")) == "delete-item"
    patron = (await counter.library.find_hold("i5551")).patron_id
    assert await counter.library.patron_loans(patron) == ()


async def test_cancelled_before_it_came(counter: Counter) -> None:
    await requested(counter)
    assert await hear(counter, says("request-cancelled")) == "delete-item"
    assert (await counter.library.find_hold("i5551")).status is HoldStatus.CANCELLED


# --- our own item ----------------------------------------------------------------------------------------


async def test_our_item_goes_out_and_comes_back(counter: Counter) -> None:
    assert await hear(counter, says("requested", OURS, patron=who(ANA))) == "place-request"
    item = await counter.library.item_by_barcode(BOOK)
    (hold,) = await counter.library.item_holds(item.id)
    assert await hear(counter, says("shipped", OURS, new_barcode="x")) == ""
    assert await hear(counter, says("checked-out", OURS, patron=who(ANA), due=DUE)) == "check-out"
    loan = await counter.library.item_loan(item.id)
    assert (loan.patron_id, loan.due) == (hold.patron_id, DUE)  # the partner's account; no way back to take off
    assert await hear(counter, says("received", OURS)) == ""
    counter.clock.advance(timedelta(days=30))
    assert await hear(counter, says("renewed", OURS)) == "renew"
    assert await hear(counter, says("checked-in", OURS)) == "check-in"
    assert await counter.library.item_loan(item.id) is None


async def test_a_mis_scanned_barcode_of_ours_stands_for_no_other_item(counter: Counter) -> None:
    number, wrong = Named("IR-7"), Named("39000000990011")
    await hear(counter, says("requested", OURS, request=number))
    refused = await counter.refusal(says("checked-out", wrong, request=number, due=DUE), sender="9ebu", **INNREACH)
    assert (refused.reason, refused.value) == (RefusalReason.UNKNOWN_ITEM, wrong.value)
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.AVAILABLE
    assert await hear(counter, says("checked-out", None, request=number, due=DUE)) == "check-out"


async def test_our_item_is_no_longer_wanted(counter: Counter) -> None:
    number = Named("IR-1")
    await hear(counter, says("requested", OURS, request=number))
    assert await hear(counter, says("request-updated", OURS, request=number, pickup="Science desk")) == "update-request"
    assert (await counter.library.find_hold("IR-1")).pickup == "SCI"
    assert await hear(counter, says("request-cancelled", OURS, request=number)) == "cancel-request"
    assert (await counter.library.find_hold("IR-1")).status is HoldStatus.CANCELLED


async def test_without_an_institutional_patron_the_message_must_name_one(counter: Counter) -> None:
    rules = {"notifications": {"own_item_pattern": "^i"}}
    refused = await counter.refusal(says("checked-out", OURS), **rules)
    assert (refused.reason, refused.about) == (RefusalReason.DATA_MISSING, MessagePart.PATRON)
    assert await hear(counter, says("checked-out", OURS, patron=who(ANA)), **rules) == "check-out"


async def test_without_a_pattern_the_record_tells_whose_item_it_is(counter: Counter) -> None:
    rules = {"notifications": {"institutional_patron": EASTBROOK}}
    assert await hear(counter, says("checked-out", OURS, due=DUE), **rules) == "check-out"
    assert await hear(counter, says("received", OURS), **rules) == ""


@pytest.mark.parametrize(("mandated", "due"), [("lender", LATER), ("local", None), ("earlier", DUE)])
async def test_whose_date_a_granted_renewal_has(counter: Counter, mandated: str, due: datetime | None) -> None:
    """It has happened already, so `due_dates.mandated` decides."""
    lent = (await counter.ask(CheckOut(who(ANA), OURS, due=DUE))).loan
    rules = {"due_dates": {"mandated": mandated}}
    done = await hear(counter, says("renewed", OURS, due=LATER), **rules)
    assert done == ("set-due-date" if mandated == "lender" else "")
    assert (await counter.library.item_loan(lent.item_id)).due == (due or DUE)


# --- what profiles make of it ----------------------------------------------------------------------------


async def test_a_status_is_taken_over(counter: Counter) -> None:
    rules = {"items": {"settable_statuses": ["missing"]}}
    assert await hear(counter, says("status-updated", OURS, status=ItemStatus.MISSING), **rules) == "update-status"
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.MISSING
    assert await hear(counter, says("status-updated", OURS), **rules) == ""
    assert await hear(counter, says("status-updated", OURS, status=ItemStatus.LOST), **rules) == ""  # only kept
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.MISSING


@pytest.mark.parametrize(
    "notifications", [{"mode": "notes"}, {"ignore": ["requested", "checked-out"]}], ids=["all kept", "some kept"]
)
async def test_kept_and_not_carried_out(counter: Counter, notifications: Any) -> None:
    rules = {"notifications": {"own_item_pattern": "^i", **notifications}}
    for notice in (says("requested", patron=who(ANA)), says("checked-out", OURS, patron=who(ANA))):
        assert await hear(counter, notice, **rules) == ""
    assert (await counter.library.item_by_barcode(BOOK)).status is ItemStatus.AVAILABLE


async def test_refusals_of_notices(counter: Counter) -> None:
    refused = await counter.refusal(says("checked-in", Named("unknown")))
    assert (refused.reason, refused.value) == (RefusalReason.UNKNOWN_ITEM, "unknown")
    gone = says("checked-in", Named("unknown"))
    assert await hear(counter, gone, as_success={"notice": ["unknown-item"]}) == ""
    assert (await counter.refusal(says("requested", None))).reason is RefusalReason.DATA_MISSING


def test_a_misspelt_kind_is_found_when_the_profile_is_read() -> None:
    with pytest.raises(ValueError, match=r"notifications\.ignore"):
        CirculationPolicy.model_validate({"notifications": {"ignore": ["checkedout"]}})
