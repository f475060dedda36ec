"""Check-out, renewal and recall: due dates, blocks, repeats."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.commands import (
    AcceptItem,
    Action,
    CheckIn,
    CheckOut,
    LookUpItem,
    Named,
    PatronRef,
    PlaceRequest,
    Recall,
    Renew,
    RenewAll,
)
from gateway.domain.library import Bib, HoldStatus, ItemStatus
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.ports.library_system import Capability, PatronKey
from tests.unit.services.circulation.support import ANA, BLOCKED, BOOK, CHIDI, PSEUDOPATRON, Counter, Without, who

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
NUMBER = Named("TN-501")
OUR_RULE = datetime(2026, 4, 7, 21, 59, 59, tzinfo=UTC)  # four weeks, by the library's rules
PARTNERS_RULE = datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)  # three weeks, for what partners own
SOON, LATE = datetime(2026, 3, 20, 22, 59, tzinfo=UTC), datetime(2026, 6, 1, 21, 59, tzinfo=UTC)


def lends(patron: str = ANA, **more: Any) -> CheckOut:
    return CheckOut(who(patron), Named(BOOK), **more)


async def partners_item(counter: Counter, due: Any = None, **sections: Any) -> Named:
    """A partner's item that waits for Ana at the resource-sharing desk."""
    arrived = AcceptItem(NUMBER, Action.HOLD, "", who(ANA), NUMBER, due, citation=Bib(title="Сто лет"), pickup="RS")
    await counter.ask(arrived, **sections)
    return NUMBER


# --- check-out -------------------------------------------------------------------------------------------


async def test_an_item_is_lent_and_a_repeat_changes_nothing(counter: Counter) -> None:
    first = await counter.ask(lends(PSEUDOPATRON, request=NUMBER))
    assert (first.item.status, first.loan.request_id, first.bib.id) == (ItemStatus.ON_LOAN, NUMBER.value, "1001")
    again = await counter.ask(lends(PSEUDOPATRON, request=NUMBER))
    assert (again.loan.id, again.loan.due) == (first.loan.id, first.loan.due)


async def test_after_its_return_the_same_message_lends_anew(counter: Counter) -> None:
    first = await counter.ask(lends())
    await counter.ask(CheckIn(Named(BOOK)))
    counter.clock.advance(timedelta(days=30))
    second = await counter.ask(lends())
    assert second.loan.id != first.loan.id
    assert second.loan.returned is None


async def test_an_item_is_lent_by_the_number_of_its_request(counter: Counter) -> None:
    """OCLC may name the item by its request: type `ILL Request Id`."""
    await counter.ask(PlaceRequest(who(ANA), items=(Named(BOOK),), request=NUMBER))
    lent = await counter.ask(CheckOut(who(ANA), Named(NUMBER.value, "ILL Request Id")))
    assert lent.item.barcode == BOOK


@pytest.mark.parametrize("named", [who(ANA), who(PSEUDOPATRON)])
async def test_a_mis_scanned_barcode_lends_no_other_item(counter: Counter, named: PatronRef) -> None:
    """The request's own item stays on the shelf, whoever was to get it; the request number in place of a barcode is
    no mistake."""
    by_request: dict[str, Any] = {"items": {"find_by_request": True}}
    await counter.ask(PlaceRequest(who(ANA), items=(Named(BOOK),), request=NUMBER))
    wrong = Named("39000000990011")
    refused = await counter.refusal(CheckOut(named, wrong, NUMBER), **by_request)
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.UNKNOWN_ITEM,
        MessagePart.ITEM,
        wrong.value,
    )
    item = await counter.library.item_by_barcode(BOOK)
    assert await counter.library.item_loan(item.id) is None
    assert (await counter.ask(CheckOut(who(ANA), NUMBER, NUMBER), **by_request)).item.barcode == BOOK


async def test_a_look_up_by_a_mis_scanned_barcode_tells_of_no_other_item(counter: Counter) -> None:
    by_request: dict[str, Any] = {"items": {"find_by_request": True}}
    await counter.ask(PlaceRequest(who(ANA), items=(Named(BOOK),), request=NUMBER))
    refused = await counter.refusal(LookUpItem(Named("39000000990011"), NUMBER), **by_request)
    assert refused.reason is RefusalReason.UNKNOWN_ITEM
    assert (await counter.ask(LookUpItem(NUMBER), **by_request)).item.barcode == BOOK


@pytest.mark.parametrize(
    ("sent", "rules", "due"),
    [
        pytest.param(LATE, {}, LATE, id="the lender's, as shipped"),
        pytest.param(None, {}, OUR_RULE, id="none said: ours"),
        pytest.param(LATE, {"policy": "local"}, OUR_RULE, id="ours"),
        pytest.param(LATE, {"policy": "earlier"}, OUR_RULE, id="the earlier is ours"),
        pytest.param(SOON, {"policy": "earlier"}, SOON, id="the earlier is the lender's"),
        pytest.param(date(2026, 3, 20), {}, SOON, id="a day ends at 23:59 in Berlin"),
        pytest.param(date(2026, 3, 20), {"time_of_day": "18:00:00"}, datetime(2026, 3, 20, 17, tzinfo=UTC), id="18:00"),
        pytest.param(SOON, {"transit_days": 5}, SOON, id="our own item has no way back"),
        pytest.param(SOON, {"mandated": "local"}, SOON, id="not mandated"),
    ],
)
async def test_due_dates(counter: Counter, sent: Any, rules: dict[str, Any], due: datetime) -> None:
    lent = await counter.ask(lends(due=sent), due_dates=rules)
    assert lent.loan.due == due
    assert (await counter.ask(lends(due=sent), due_dates=rules)).loan.due == due


@pytest.mark.parametrize(
    ("rules", "due"),
    [({}, LATE), ({"mandated": "local"}, OUR_RULE), ({"mandated": "earlier"}, OUR_RULE), ({"policy": "local"}, LATE)],
)
async def test_due_dates_of_what_has_happened_already(counter: Counter, rules: dict[str, Any], due: datetime) -> None:
    assert (await counter.ask(lends(due=LATE, mandated=NOW), due_dates=rules)).loan.due == due


async def test_a_partners_item_comes_back_in_time_for_its_way(counter: Counter) -> None:
    item = await partners_item(counter)
    lent = await counter.ask(CheckOut(who(ANA), item, due=SOON), due_dates={"transit_days": 5})
    assert lent.loan.due == SOON - timedelta(days=5)


async def test_without_a_date_the_one_from_acceptitem_counts(counter: Counter) -> None:
    item = await partners_item(counter, due=SOON, due_dates={"transit_days": 5})
    assert (await counter.ask(CheckOut(who(ANA), item))).loan.due == SOON - timedelta(days=5)


@pytest.mark.parametrize(
    ("policy", "lenders", "due"),
    [("local", LATE, PARTNERS_RULE), ("earlier", LATE, PARTNERS_RULE), ("earlier", SOON, SOON)],
)
async def test_the_policy_of_acceptitem_holds_for_loans_at_the_desk(
    counter: Counter, policy: str, lenders: datetime, due: datetime
) -> None:
    item = await partners_item(counter, due=lenders, due_dates={"policy": policy})
    assert (await counter.ask(CheckOut(who(ANA), item))).loan.due == due


async def test_a_system_that_sets_its_dates_alone(counter: Counter) -> None:
    """The answer then tells the library's own date."""
    limited = Without(counter.library, Capability.DUE_DATE_GIVEN)
    assert (await counter.ask(lends(due=SOON), library=limited)).loan.due == OUR_RULE


async def test_due_dates_in_the_past(counter: Counter) -> None:
    past = NOW - timedelta(days=1)
    refused = await counter.refusal(lends(due=past))
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.INVALID_DATE,
        MessagePart.DUE_DATE,
        past.isoformat(),
    )
    late_news = lends(due=past, mandated=NOW - timedelta(days=20))
    assert (await counter.ask(late_news)).loan.due == past


async def test_what_has_happened_is_not_stopped(counter: Counter) -> None:
    """WorldShare's shipped: the item has left already."""
    assert (await counter.refusal(lends(BLOCKED))).reason is RefusalReason.PATRON_BLOCKED
    assert (await counter.ask(lends(BLOCKED, mandated=NOW))).loan.patron_id


@pytest.mark.parametrize(
    ("sections", "lent"),
    [
        ({}, False),
        ({"patrons": {"blocks_stop": False}}, False),  # the library itself refuses
        ({"check_out": {"override_blocks": True}}, True),
    ],
)
async def test_blocks_are_overridden_only_on_purpose(counter: Counter, sections: Any, lent: bool) -> None:
    if lent:
        assert (await counter.ask(lends(BLOCKED), **sections)).loan
    else:
        refused = await counter.refusal(lends(BLOCKED), **sections)
        assert (refused.reason, refused.about, refused.value) == (RefusalReason.PATRON_BLOCKED, MessagePart.PATRON, "")


async def test_the_request_is_cancelled_before_lending(counter: Counter) -> None:
    """ULS: the hold under this number is on the patron, the loan goes to the partner's account."""
    placed = await counter.ask(PlaceRequest(who(ANA), items=(Named(BOOK),), request=NUMBER))
    refused = await counter.refusal(lends(PSEUDOPATRON, request=NUMBER))
    assert refused.reason is RefusalReason.REQUESTED_BY_OTHER
    for _ in range(2):
        await counter.ask(lends(PSEUDOPATRON, request=NUMBER), check_out={"cancel_request": True})
    assert (await counter.library.find_hold(NUMBER.value)).status is HoldStatus.CANCELLED
    assert placed.hold.status.is_open


async def test_an_item_that_somebody_has(counter: Counter) -> None:
    await counter.ask(lends())
    refused = await counter.refusal(lends(CHIDI))
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.ITEM_ON_LOAN, MessagePart.ITEM, BOOK)
    assert ANA not in refused.detail


async def test_out_to_the_same_patron_can_be_a_success(counter: Counter) -> None:
    """Lent at the desk before the partner's message came."""
    at_the_desk = await counter.ask(lends(request=Named("other")))
    assert (await counter.refusal(lends())).reason is RefusalReason.ON_LOAN_SAME_PATRON
    answered = await counter.ask(lends(), as_success={"check-out": ["on-loan-same-patron"]})
    assert answered.loan.id == at_the_desk.loan.id


async def test_what_has_happened_gives_the_same_loan_its_date(counter: Counter) -> None:
    """Lent at the desk, then WorldShare's shipped with its own date; and shipped once more with another."""
    at_the_desk = (await counter.ask(lends(request=Named("other")))).loan
    for due in (LATE, LATE + timedelta(days=7), LATE + timedelta(days=7)):
        lent = await counter.ask(lends(due=due, mandated=NOW))
        assert (lent.loan.id, lent.loan.due, lent.loan.renewals) == (at_the_desk.id, due, 0)
    early = await counter.ask(lends(due=SOON, mandated=NOW), due_dates={"mandated": "earlier"})
    assert early.loan.due == SOON
    kept = await counter.ask(lends(due=LATE, mandated=NOW), due_dates={"mandated": "local"})
    assert kept.loan.due == SOON


async def test_what_has_happened_and_comes_again_leaves_a_renewal_alone(counter: Counter) -> None:
    await counter.ask(lends(due=SOON, mandated=NOW))
    renewed = (await counter.ask(Renew(Named(BOOK), due=LATE))).loan
    assert (await counter.ask(lends(due=SOON, mandated=NOW))).loan == renewed


async def test_what_has_happened_though_another_has_the_item(counter: Counter) -> None:
    """By the profile's rule; a message that is older than the other's loan ends nothing."""
    await counter.ask(lends(CHIDI))
    shipped = lends(due=LATE, mandated=NOW + timedelta(hours=1))
    assert (await counter.refusal(shipped)).reason is RefusalReason.ITEM_ON_LOAN
    rules = {"check_out": {"mandated_on_loan": "check-in-first"}}
    assert (await counter.refusal(lends(due=LATE), **rules)).reason is RefusalReason.ITEM_ON_LOAN
    late = lends(due=LATE, mandated=NOW - timedelta(hours=1))
    assert (await counter.refusal(late, **rules)).reason is RefusalReason.ITEM_ON_LOAN

    counter.clock.advance(timedelta(hours=2))
    lent = await counter.ask(shipped, **rules)
    assert (lent.loan.due, lent.patron.identifier("barcode")) == (LATE, ANA)
    assert lent.notes == ("another patron had the item on loan; that loan was ended",)
    again = await counter.ask(shipped, **rules)
    assert (again.loan, again.notes) == (lent.loan, ())
    chidi = await counter.library.find_patron(PatronKey(CHIDI))
    assert BOOK not in [loan.item_barcode for loan in await counter.library.patron_loans(chidi.id)]


# --- renewal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("patron", [None, who(ANA)])
async def test_a_loan_is_renewed_once_a_day(counter: Counter, patron: Any) -> None:
    await counter.ask(lends())
    counter.clock.advance(timedelta(days=10))
    for _ in range(2):
        renewed = await counter.ask(Renew(Named(BOOK), patron))
        assert (renewed.loan.renewals, renewed.loan.due) == (1, datetime(2026, 4, 17, 21, 59, 59, tzinfo=UTC))
    counter.clock.advance(timedelta(days=1))
    assert (await counter.ask(Renew(Named(BOOK), patron))).loan.renewals == 2


@pytest.mark.parametrize(
    ("sent", "rules", "due"),
    [
        pytest.param(LATE, {}, LATE, id="the lender's, as shipped"),
        pytest.param(date(2026, 6, 1), {}, LATE, id="a day (Princeton)"),
        pytest.param(LATE, {"policy": "local"}, datetime(2026, 4, 17, 21, 59, 59, tzinfo=UTC), id="ours"),
        pytest.param(LATE, {"policy": "earlier"}, datetime(2026, 4, 17, 21, 59, 59, tzinfo=UTC), id="the earlier"),
        pytest.param(
            datetime(2026, 4, 10, tzinfo=UTC), {"policy": "earlier"}, datetime(2026, 4, 10, tzinfo=UTC), id="theirs"
        ),
    ],
)
async def test_due_dates_of_renewals(counter: Counter, sent: Any, rules: dict[str, Any], due: datetime) -> None:
    await counter.ask(lends())
    counter.clock.advance(timedelta(days=10))
    for _ in range(2):
        renewed = await counter.ask(Renew(Named(BOOK), due=sent), due_dates=rules)
        assert (renewed.loan.due, renewed.loan.renewals) == (due, 1)


async def test_days_for_the_way_back_are_taken_off_a_renewal(counter: Counter) -> None:
    item = await partners_item(counter)
    await counter.ask(CheckOut(who(ANA), item))
    renewed = await counter.ask(Renew(item, due=LATE), due_dates={"transit_days": 5})
    assert renewed.loan.due == LATE - timedelta(days=5)


async def test_renewals_that_cannot_be(counter: Counter) -> None:
    assert (await counter.refusal(Renew(Named(BOOK)))).reason is RefusalReason.NOT_CHECKED_OUT
    await counter.ask(lends())
    assert (await counter.refusal(Renew(Named(BOOK), who(CHIDI)))).reason is RefusalReason.NOT_CHECKED_OUT
    refused = await counter.refusal(Renew(Named(BOOK), due=NOW - timedelta(hours=1)))
    assert (refused.reason, refused.about) == (RefusalReason.INVALID_DATE, MessagePart.DUE_DATE)


@pytest.mark.parametrize(
    ("sent", "rules"),
    [
        pytest.param(None, {}, id="on the day of the loan, by our rules"),
        pytest.param(OUR_RULE, {}, id="to the date that it has"),
        pytest.param(date(2026, 3, 20), {}, id="to an earlier one"),
        pytest.param(date(2026, 3, 20), {"policy": "earlier"}, id="not later than an earlier one"),
    ],
)
async def test_a_renewal_that_would_not_move_the_date_uses_up_nothing(
    counter: Counter, sent: Any, rules: dict[str, Any]
) -> None:
    lent = (await counter.ask(lends())).loan
    refused = await counter.refusal(Renew(Named(BOOK), due=sent), due_dates=rules)
    assert (refused.reason, refused.detail) == (
        RefusalReason.NOT_RENEWABLE,
        "the renewal would not change the due date",
    )
    loan = await counter.library.item_loan(lent.item_id)
    assert (loan.renewals, loan.due) == (0, OUR_RULE)
    counter.clock.advance(timedelta(days=10))
    assert (await counter.ask(Renew(Named(BOOK), due=LATE))).loan.renewals == 1


async def test_a_blocked_patron_cannot_renew(counter: Counter) -> None:
    await counter.ask(lends(BLOCKED, mandated=NOW))
    refused = await counter.refusal(Renew(Named(BOOK)))
    assert (refused.reason, refused.about) == (RefusalReason.PATRON_BLOCKED, MessagePart.PATRON)


OWN = "39000000000019"


async def test_all_that_a_patron_has_is_renewed_and_what_cannot_be_is_told(counter: Counter) -> None:
    await counter.ask(lends())
    await counter.ask(CheckOut(who(ANA), Named(OWN)))
    await counter.ask(PlaceRequest(who(CHIDI), items=(Named(OWN),)))
    counter.clock.advance(timedelta(days=10))
    for _ in range(2):
        done = await counter.ask(RenewAll(who(ANA)))
        told = {one.loan.item_barcode: one for one in done.renewals}
        assert set(told) == {BOOK, OWN}
        assert told[BOOK].refusal is None
        assert told[BOOK].renewed.loan.renewals == 1
        assert told[BOOK].renewed.loan.due == datetime(2026, 4, 17, 21, 59, 59, tzinfo=UTC)
        assert told[OWN].renewed is None
        assert (told[OWN].refusal.reason, told[OWN].refusal.value) == (RefusalReason.RENEWAL_HAS_REQUESTS, OWN)
    counter.clock.advance(timedelta(days=1))
    later = {one.loan.item_barcode: one for one in (await counter.ask(RenewAll(who(ANA)))).renewals}
    assert later[BOOK].renewed.loan.renewals == 2


async def test_nothing_to_renew(counter: Counter) -> None:
    refused = await counter.refusal(RenewAll(who(ANA)))
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.NOT_CHECKED_OUT, MessagePart.PATRON, ANA)
    assert (await counter.refusal(RenewAll(who(BLOCKED)))).reason is RefusalReason.PATRON_BLOCKED
    assert (await counter.refusal(RenewAll(who("nobody")))).reason is RefusalReason.UNKNOWN_PATRON


# --- recall ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "rules", "due"),
    [
        pytest.param(None, {}, datetime(2026, 3, 17, 22, 59, 59, tzinfo=UTC), id="a week, by our rules"),
        pytest.param(date(2026, 3, 13), {}, datetime(2026, 3, 13, 22, 59, tzinfo=UTC), id="the lender's"),
        pytest.param(
            date(2026, 3, 13), {"policy": "local"}, datetime(2026, 3, 17, 22, 59, 59, tzinfo=UTC), id="ours"
        ),
        pytest.param(
            date(2026, 3, 13), {"policy": "earlier"}, datetime(2026, 3, 13, 22, 59, tzinfo=UTC), id="the earlier"
        ),
    ],
)  # fmt: skip
async def test_a_recall_shortens_the_loan(counter: Counter, sent: Any, rules: dict[str, Any], due: datetime) -> None:
    await counter.ask(lends())
    for _ in range(2):
        recalled = await counter.ask(Recall(Named(BOOK), sent), due_dates=rules)
        assert (recalled.loan.due, recalled.item.status) == (due, ItemStatus.RECALLED)


async def test_what_is_not_lent_cannot_be_recalled(counter: Counter) -> None:
    assert (await counter.refusal(Recall(Named(BOOK)))).reason is RefusalReason.NOT_CHECKED_OUT


@pytest.mark.parametrize(
    ("command", "missing", "words"),
    [
        (lends(), Capability.CHECK_OUT, "check items out"),
        (Renew(Named(BOOK)), Capability.RENEW, "renew loans"),
        (RenewAll(who(ANA)), Capability.RENEW, "renew loans"),
        (Recall(Named(BOOK)), Capability.RECALL, "recall loans"),
        (CheckIn(Named(BOOK)), Capability.CHECK_IN, "check items in"),
    ],
)
async def test_what_the_system_cannot_do_is_said(
    counter: Counter, command: Any, missing: Capability, words: str
) -> None:
    refused = await counter.refusal(command, library=Without(counter.library, missing))
    assert (refused.reason, refused.about) == (RefusalReason.UNSUPPORTED_SERVICE, MessagePart.SERVICE)
    assert refused.detail == f"The library system cannot {words}."
