"""A partner's item arrives: barcode, record, hold, loan, fee, and what happens when it comes twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.circulation_policy import DuePolicy
from gateway.domain.commands import AcceptItem, Action, CancelRequest, CheckOut, DeleteItem, LookUpItem, Named
from gateway.domain.library import Bib, HoldStatus, ItemStatus, Money
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import LoanCondition
from gateway.ports.library_system import Capability, TemporaryItem
from gateway.services.circulation import dispatch_command
from tests.unit.services.circulation.support import ANA, BLOCKED, BOOK, CHIDI, Counter, Failing, Without, who

END = datetime(2026, 4, 1, 21, 59, tzinfo=UTC)
TITLE = "Ἀνάβασις ποταμοῦ"


def arrives(**more: Any) -> AcceptItem:
    usual = {
        "request": Named("TN-77"),
        "action": Action.HOLD_AND_NOTIFY,
        "patron": who(ANA),
        "item": Named("TN-77"),
        "citation": Bib(title=TITLE, author="Μελίτη, Δάφνη"),
        "pickup": "MAIN",
    }
    return AcceptItem(**{**usual, **more})


class Recording:
    """Passes everything on and keeps what temporary records were asked for."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self.items: list[TemporaryItem] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    async def create_temporary_item(self, item: TemporaryItem, key: str) -> Any:
        self.items.append(item)
        return await self._library.create_temporary_item(item, key)


async def described(counter: Counter, command: AcceptItem, **sections: Any) -> TemporaryItem:
    recording = Recording(counter.library)
    await counter.ask(command, library=recording, **sections)
    return recording.items[0]


# --- the usual course ------------------------------------------------------------------------------------


async def test_the_item_waits_for_its_patron(counter: Counter) -> None:
    accepted = await counter.ask(arrives())
    assert (accepted.item.barcode, accepted.item.temporary, accepted.item.policy) == ("TN-77", True, "ill")
    assert (accepted.item.home.library, accepted.item.home.shelf) == ("RS", "ill")
    assert (accepted.bib.title, accepted.bib.suppressed) == (TITLE, True)
    assert (accepted.hold.pickup, accepted.hold.request_id) == ("MAIN", "TN-77")
    assert accepted.hold.status is HoldStatus.IN_TRANSIT
    assert accepted.patron.identifier("barcode") == ANA


async def test_a_repeat_changes_nothing(counter: Counter) -> None:
    first = await counter.ask(arrives())
    again = await counter.ask(arrives())
    assert (again.item.id, again.hold.id) == (first.item.id, first.hold.id)
    assert len(await counter.library.patron_holds(first.patron.id)) == 1


async def test_the_pieces_of_one_request(counter: Counter) -> None:
    """ULS sends one message per piece under one request number; each can be cancelled by itself."""
    pieces = [await counter.ask(arrives(item=Named(f"TN-77-{n}OF2"))) for n in (1, 2)]
    assert pieces[0].item.id != pieces[1].item.id
    cancelled = await counter.ask(CancelRequest(who(ANA), Named("TN-77"), Named("TN-77-2OF2")))
    assert cancelled.hold.id == pieces[1].hold.id


async def test_after_a_crash_half_way_the_repeat_completes_it(counter: Counter) -> None:
    command = arrives(action=Action.CIRCULATE, fee=Money(Decimal("5.00"), "EUR"))
    desk = counter.desk(library=Failing(counter.library, "post_fee"), accept={"circulate_as": "check-out"})
    with pytest.raises(Unavailable):
        await dispatch_command(command, desk)
    accepted: Any = await dispatch_command(command, desk)
    await dispatch_command(command, desk)
    assert len(await counter.library.patron_loans(accepted.patron.id)) == 1
    assert len(await counter.library.patron_charges(accepted.patron.id)) == 1


@pytest.mark.parametrize("lent", [True, False])
@pytest.mark.parametrize("request_number", ["TN-77", "TN-78"])
async def test_what_was_lost_comes_again(counter: Counter, lent: bool, request_number: str) -> None:
    """Under the same request or another: the lost record gives way to one with a hold of its own."""
    first = await counter.ask(arrives())
    if lent:
        await counter.ask(CheckOut(who(ANA), Named("TN-77")))
    await counter.library.set_item_status("TN-77", ItemStatus.LOST, "desk")

    for _ in range(2):
        again = await counter.ask(arrives(request=Named(request_number)))
        assert again.item.id != first.item.id
        assert (again.hold.request_id, again.hold.status) == (request_number, HoldStatus.IN_TRANSIT)
    assert [hold.id for hold in await counter.library.patron_holds(first.patron.id)] == [again.hold.id]
    assert "TN-77" not in [loan.item_barcode for loan in await counter.library.patron_loans(first.patron.id)]


# --- barcodes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "barcode"),
    [
        pytest.param({}, "X-1", id="the item's id"),
        pytest.param({"barcode_from": "request-id"}, "TN-77", id="the request number"),
        pytest.param({"barcode": {"strip_prefix": ["X-"], "prefix": "CPILL"}}, "CPILL1", id="with a prefix"),
        pytest.param({"barcode_from": "request-id", "barcode": {"suffix": "-EBU"}}, "TN-77-EBU", id="with a suffix"),
    ],
)
async def test_barcodes(counter: Counter, rules: dict[str, Any], barcode: str) -> None:
    accepted = await counter.ask(arrives(item=Named("X-1")), accept=rules)
    assert accepted.item.barcode == barcode


async def test_the_item_is_found_by_the_id_that_acceptitem_had(counter: Counter) -> None:
    rules = {"accept": {"barcode": {"prefix": "ILL-"}}, "items": {"rewrite": {"case": "upper"}}}
    accepted = await counter.ask(arrives(item=Named("x-1")), **rules)
    found = await counter.ask(LookUpItem(Named("x-1")), **rules)
    assert found.item.id == accepted.item.id


async def test_a_partner_s_item_never_gets_the_barcode_of_one_of_ours(counter: Counter) -> None:
    """docs/profiles.md: why `items.rewrite` and `accept.barcode` are two rules."""
    rules = {"items": {"rewrite": {"strip_prefix": ["LIB-"]}}, "accept": {"barcode": {"prefix": "ILL-"}}}
    accepted = await counter.ask(arrives(item=Named(BOOK)), **rules)

    assert accepted.item.barcode == f"ILL-{BOOK}"
    assert (await counter.ask(LookUpItem(Named(f"LIB-{BOOK}")), **rules)).item.barcode == BOOK
    assert (await counter.ask(LookUpItem(Named(BOOK)), **rules)).item.barcode == BOOK, "one of ours first"


async def test_generated_barcodes_stay_the_same(counter: Counter) -> None:
    rules = {"barcode_from": "generated", "barcode_template": "G{number:09d}/{request}"}
    first = await counter.ask(arrives(item=None), accept=rules)
    assert first.item.barcode.startswith("G")
    assert first.item.barcode.endswith("/TN-77")
    assert (await counter.ask(arrives(item=None), accept=rules)).item.barcode == first.item.barcode
    other = await counter.ask(arrives(item=None, request=Named("TN-78")), accept=rules)
    assert other.item.barcode.partition("/")[0] != first.item.barcode.partition("/")[0]


async def test_a_generated_barcode_that_is_taken_is_replaced(counter: Counter) -> None:
    rules = {"barcode_from": "generated", "barcode_template": "G{number}"}
    taken = (await counter.ask(arrives(item=None), accept=rules)).item.barcode
    await counter.ask(DeleteItem(Named(taken)))
    await counter.ask(arrives(item=Named(taken), request=Named("other")))
    accepted = await counter.ask(arrives(item=None), accept=rules)
    assert accepted.item.barcode != taken
    assert (await counter.ask(arrives(item=None), accept=rules)).item.id == accepted.item.id


async def test_barcodes_that_cannot_be(counter: Counter) -> None:
    refused = await counter.refusal(arrives(item=Named("123456")), accept={"barcode_max": 5})
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.INVALID_VALUE, MessagePart.ITEM, "123456")
    assert (await counter.refusal(arrives(item=None))).reason is RefusalReason.DATA_MISSING
    assert (await counter.refusal(arrives(request=Named("")))).about is MessagePart.REQUEST


# --- the record ------------------------------------------------------------------------------------------


async def test_the_record_is_made_as_the_profile_says(counter: Counter) -> None:
    accept = {
        "library": "MAIN", "location": "stacks", "policy": "standard", "suppressed": False,
        "call_number": "ILL {request}", "note": "{agency} {request}", "title_prefix": "[ILL] ", "title_suffix": " *",
    }  # fmt: skip
    item = await described(counter, arrives(), accept=accept)
    assert (item.location.library, item.location.shelf, item.policy) == ("MAIN", "stacks", "standard")
    assert (item.call_number, item.note, item.suppressed) == ("ILL TN-77", "EBU TN-77", False)
    assert item.bib.title == f"[ILL] {TITLE} *"


async def test_the_message_knows_call_number_and_lender(counter: Counter) -> None:
    """OCLC names the lender in the item's AgencyId; the profile's map spells it our way."""
    command = arrives(item=Named("31822", "Barcode", "ocl-valm"), call_number="PA 3612")
    item = await described(
        counter, command, accept={"call_number": "ILL", "note": "{agency}"}, agencies={"OCL-VALM": "VALM"}
    )
    assert (item.call_number, item.lender, item.note) == ("PA 3612", "VALM", "VALM")


@pytest.mark.parametrize(
    ("command", "rules", "policy", "library_use", "renewable"),
    [
        pytest.param({}, {}, "ill", False, True, id="as shipped"),
        pytest.param({"format": "DVD"}, {"accept": {"policies": {"dvd": "media"}}}, "media", False, True,
                     id="an item policy by medium"),
        pytest.param({"renewals_allowed": False}, {}, "ill", False, False, id="the message says no renewals"),
        pytest.param({"conditions": (LoanCondition.SUPERVISED,)}, {}, "ill-library-use", True, True,
                     id="the lender's condition"),
        pytest.param(
            {"request": Named("LU-9")},
            {"requests": {"prefixes": [{"prefix": "LU-", "means": ["library-use-only", "not-renewable"]}]}},
            "ill-library-use", True, False, id="the request's prefix says so (VCU)",
        ),
        pytest.param(
            {"request": Named("RN-9"), "renewals_allowed": False},
            {"requests": {"prefixes": [{"prefix": "RN-", "means": ["renewable"]}]}}, "ill", False, True,
            id="a prefix for renewable items",
        ),
        pytest.param(
            {"citation": Bib(title="Flora *Library Use Only* NO RENEWALS")},
            {"accept": {"library_use_words": ["LIBRARY USE ONLY"], "no_renewal_words": ["no renewals"],
                        "library_use_policy": "reference"}},
            "reference", True, False, id="words in the title (ULS)",
        ),
    ],
)  # fmt: skip
async def test_restrictions(
    counter: Counter, command: Any, rules: Any, policy: str, library_use: bool, renewable: bool
) -> None:
    item = await described(counter, arrives(**command), **rules)
    assert (item.policy, item.library_use_only, item.renewals_allowed) == (policy, library_use, renewable)


async def test_the_desk_reads_the_lender_s_terms(counter: Counter) -> None:
    terms = {"condition_words": ("Overnight Only",), "is_returnable": False, "is_open_ended": True}
    item = await described(counter, arrives(**terms), accept={"note": "{agency}"}, sender="VALM")
    assert item.note == (
        "VALM; terms of use: Overnight Only; need not be returned to the lender; the lender has not set a due date"
    )


@pytest.mark.parametrize(
    ("due", "rules", "kept"),
    [
        pytest.param(None, {}, None, id="none"),
        pytest.param(END, {}, END, id="a moment"),
        pytest.param(date(2026, 4, 1), {}, END, id="a day ends in Berlin"),
        pytest.param(date(2026, 4, 1), {"time_of_day": "12:00:00"}, datetime(2026, 4, 1, 10, tzinfo=UTC), id="at noon"),
        pytest.param(
            date(2026, 4, 1), {"transit_days": 7}, datetime(2026, 3, 25, 22, 59, tzinfo=UTC),
            id="less a week for the way back, across the change to summer time",
        ),
    ],
)  # fmt: skip
async def test_the_lenders_due_date(counter: Counter, due: Any, rules: Any, kept: datetime | None) -> None:
    item = await described(counter, arrives(due=due), due_dates={"policy": "earlier", **rules})
    assert (item.lender_due, item.due_policy) == (kept, DuePolicy.EARLIER)


@pytest.mark.parametrize(("due", "days"), [(date(2026, 3, 9), 0), (date(2026, 3, 14), 7)])
@pytest.mark.parametrize("circulate_as", ["hold", "check-out"])
async def test_a_due_date_that_leaves_no_time_is_noted(
    counter: Counter, due: date, days: int, circulate_as: str
) -> None:
    """The book is on the table. The library's own rules say when it is due: the loan rule of partners' items."""
    rules = {"due_dates": {"transit_days": days}, "accept": {"circulate_as": circulate_as, "note": "from {agency}"}}
    recording = Recording(counter.library)
    accepted = await counter.ask(arrives(due=due, action=Action.CIRCULATE), library=recording, **rules)
    (item,) = recording.items
    assert item.lender_due is None
    assert item.note.startswith(f"from EBU; due date of the lender {due} ignored")
    assert accepted.due is None
    assert [str(due) in note for note in accepted.notes] == [True]
    loan = accepted.loan or (await counter.ask(CheckOut(who(ANA), Named("TN-77")))).loan
    assert loan.due == datetime(2026, 3, 31, 21, 59, 59, tzinfo=UTC)


async def test_a_last_day_on_the_hold_shelf_that_has_passed_is_noted(counter: Counter) -> None:
    accepted = await counter.ask(arrives(pickup="RS", pickup_expires=date(2026, 3, 9)))
    assert accepted.notes == ("last day on the hold shelf 2026-03-09 ignored: This date has already passed.",)
    assert accepted.hold.ready_until > date(2026, 3, 10)


# --- hold and loan ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        pytest.param({}, ItemStatus.ON_HOLD_SHELF, id="on the hold shelf at once"),
        pytest.param({"trap_hold": "at-check-in"}, ItemStatus.AVAILABLE, id="when staff scan it"),
    ],
)
async def test_when_the_hold_shelf_gets_it(counter: Counter, rules: Any, status: ItemStatus) -> None:
    accepted = await counter.ask(arrives(pickup="RS"), accept=rules)
    assert accepted.item.status is status
    assert accepted.hold is not None


@pytest.mark.parametrize(
    ("command", "accept", "hold", "loan"),
    [
        pytest.param({"action": Action.HOLD}, {}, True, False, id="hold"),
        pytest.param({"action": Action.CIRCULATE}, {}, True, False, id="circulate means a hold, as in Koha"),
        pytest.param({"action": Action.CIRCULATE}, {"circulate_as": "check-out"}, False, True, id="or a loan"),
        pytest.param({"action": Action.CIRCULATE_AND_NOTIFY}, {"circulate_as": "check-out"}, False, True, id="notify"),
        pytest.param({"action": Action.RECORD_ONLY}, {}, False, False, id="a record only"),
        pytest.param(
            {"action": Action.CIRCULATE, "action_word": "Hold For Fulfillment"},
            {"circulate_as": "check-out", "actions": {"hold for fulfillment": "hold"}}, True, False,
            id="the profile's meaning of a word",
        ),
        pytest.param({"action_word": "Keep"}, {"actions": {"keep": "record-only"}}, False, False, id="no hold by word"),
    ],
)  # fmt: skip
async def test_actions(counter: Counter, command: Any, accept: Any, hold: bool, loan: bool) -> None:
    accepted = await counter.ask(arrives(**command), accept=accept)
    assert (accepted.hold is not None, accepted.loan is not None) == (hold, loan)
    assert accepted.item.status is (ItemStatus.ON_LOAN if loan else accepted.item.status)


async def test_a_refused_loan_leaves_the_item_on_hold(counter: Counter) -> None:
    """The piece is in the house: staff at the desk find it waiting, and see why it can't be lent."""
    command = arrives(action=Action.CIRCULATE, pickup="RS")
    rules = {"circulate_as": "check-out", "policy": "reference"}
    accepted = await counter.ask(command, accept=rules)
    assert (accepted.loan, accepted.hold.status) == (None, HoldStatus.READY)
    again = await counter.ask(command, accept=rules)
    assert (again.loan, again.hold.id) == (None, accepted.hold.id)


async def test_no_hold_by_the_place_it_is_sent_to(counter: Counter) -> None:
    """USMAI: `NONE` in ToAgencyId."""
    accepted = await counter.ask(
        arrives(pickup="", receiver="NONE"),
        pickup={"source": ["receiver"], "no_hold_words": ["none"], "none_words": []},
    )
    assert (accepted.hold, accepted.patron.identifier("barcode")) == (None, ANA)


async def test_days_on_the_hold_shelf(counter: Counter) -> None:
    accepted = await counter.ask(arrives(pickup="RS"), accept={"pickup_days": 5})
    assert accepted.hold.ready_until == date(2026, 3, 15)
    said = arrives(request=Named("2"), item=Named("2"), pickup="RS", pickup_expires=date(2026, 3, 12))
    assert (await counter.ask(said, accept={"pickup_days": 5})).hold.ready_until == date(2026, 3, 12)


@pytest.mark.parametrize("patron", [None, who("2199999")])
async def test_without_a_patron(counter: Counter, patron: Any) -> None:
    refused = await counter.refusal(arrives(patron=patron))
    assert refused.about is MessagePart.PATRON
    accepted = await counter.ask(arrives(patron=patron), accept={"patron_required": False})
    assert (accepted.patron, accepted.hold) == (None, None)


async def test_a_blocked_patron_gets_no_item(counter: Counter) -> None:
    refused = await counter.refusal(arrives(patron=who(BLOCKED)))
    assert refused.reason is RefusalReason.PATRON_BLOCKED
    with pytest.raises(Refused):
        await counter.library.item_by_barcode("TN-77")
    accepted = await counter.ask(arrives(patron=who(BLOCKED)), patrons={"blocks_stop": False})
    assert accepted.hold is not None


async def test_an_item_that_is_here_waits_for_a_blocked_patron(counter: Counter) -> None:
    rules = {"blocks_stop": False, "circulate_as": "check-out"}
    accepted = await counter.ask(arrives(patron=who(BLOCKED), action=Action.CIRCULATE), accept=rules)
    assert (accepted.hold.status, accepted.loan) == (HoldStatus.IN_TRANSIT, None)


async def test_a_fee_is_charged_once(counter: Counter) -> None:
    command = arrives(fee=Money(Decimal("3.50"), "EUR"), fee_type="Interlibrary Loan Fee")
    for _ in range(2):
        accepted = await counter.ask(command, fees={"types": {"interlibrary loan fee": "ill"}})
    (charge,) = await counter.library.patron_charges(accepted.patron.id)
    assert (charge.type, charge.amount, charge.item_barcode) == ("ill", Money(Decimal("3.50"), "EUR"), "TN-77")
    limited = Without(counter.library, Capability.POST_FEE)
    refused = await counter.refusal(arrives(item=Named("2"), fee=command.fee), library=limited)
    assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE


@pytest.mark.parametrize("fee", [Money(Decimal("3.50"), "USD"), Money(Decimal("-3.50"), "EUR")])
@pytest.mark.parametrize("action", [Action.HOLD, Action.RECORD_ONLY])
async def test_a_fee_that_cannot_be_charged_leaves_nothing_behind(counter: Counter, fee: Money, action: Action) -> None:
    refused = await counter.refusal(arrives(fee=fee, action=action))
    assert (refused.reason, refused.about) == (RefusalReason.INVALID_AMOUNT, MessagePart.AMOUNT)
    with pytest.raises(Refused):
        await counter.library.item_by_barcode("TN-77")


@pytest.mark.parametrize(
    ("fee", "action", "charged"),
    [
        pytest.param(Money(Decimal(0), "EUR"), "Charge-Default-Patron-Fee", ["2.50"], id="as ReShare says it"),
        pytest.param(None, "charge-default-patron-fee", ["2.50"], id="no amount"),
        pytest.param(Money(Decimal(0), "EUR"), "Assess", [], id="nothing is nothing"),
        pytest.param(Money(Decimal(4), "EUR"), "charge-default-patron-fee", ["4.00"], id="an amount is said"),
        pytest.param(Money(Decimal(4), "XXX"), "Assess", ["4.00"], id="no currency: ours"),
    ],
)
async def test_the_usual_fee_of_an_item(counter: Counter, fee: Money | None, action: str, charged: list[str]) -> None:
    accepted = await counter.ask(arrives(fee=fee, fee_action=action), fees={"default_amount": "2.50"})
    charges = await counter.library.patron_charges(accepted.patron.id)
    assert [f"{one.amount.amount:.2f}" for one in charges] == charged


async def test_by_which_words_the_usual_fee_is_charged(counter: Counter) -> None:
    fees = {"default_amount": "2.50", "default_actions": ["assess"]}
    accepted = await counter.ask(arrives(fee_action="Assess"), fees=fees)
    assert len(await counter.library.patron_charges(accepted.patron.id)) == 1


async def test_no_usual_fee_is_no_fee(counter: Counter) -> None:
    accepted = await counter.ask(arrives(fee_action="charge-default-patron-fee"))
    assert await counter.library.patron_charges(accepted.patron.id) == ()


# --- here already ----------------------------------------------------------------------------------------


ANOTHER_REQUEST = arrives(request=Named("TN-78"))


@pytest.mark.parametrize(
    ("mode", "command", "answered"),
    [
        ("repeat", arrives(), True),
        ("repeat", ANOTHER_REQUEST, False),
        ("success", arrives(), True),
        ("success", ANOTHER_REQUEST, True),
        ("refuse", arrives(), False),
        ("refuse", ANOTHER_REQUEST, False),
    ],
)
async def test_duplicates(counter: Counter, mode: str, command: AcceptItem, answered: bool) -> None:
    first = await counter.ask(arrives())
    if answered:
        assert (await counter.ask(command, accept={"duplicate": mode})).item.id == first.item.id
        return
    refused = await counter.refusal(command, accept={"duplicate": mode})
    assert (refused.reason, refused.about, refused.value) == (RefusalReason.DUPLICATE_ITEM, MessagePart.ITEM, "TN-77")
    assert "Send another ID, or check in and delete the other item first." in refused.detail


async def test_duplicates_as_success(counter: Counter) -> None:
    """USMAI repeats after a time-out and takes `Duplicate Item` for a success."""
    first = await counter.ask(arrives())
    answered = await counter.ask(ANOTHER_REQUEST, as_success={"accept-item": ["duplicate-item"]})
    assert answered.item.id == first.item.id


async def test_the_librarys_own_item_is_never_taken_for_a_partners(counter: Counter) -> None:
    refused = await counter.refusal(arrives(item=Named(BOOK)), accept={"duplicate": "success"})
    assert refused.reason is RefusalReason.DUPLICATE_ITEM


async def test_what_staff_have_deleted_can_come_again(counter: Counter) -> None:
    first = await counter.ask(arrives())
    await counter.library.delete_temporary_item("TN-77", "staff")
    again = await counter.ask(arrives())
    assert again.item.id != first.item.id
    assert again.hold.status.is_open


async def test_a_loan_of_it_has_the_lenders_date(counter: Counter) -> None:
    due = datetime(2026, 5, 4, 21, 59, tzinfo=UTC)
    accepted = await counter.ask(
        arrives(action=Action.CIRCULATE, due=due), accept={"circulate_as": "check-out"}, due_dates={"transit_days": 3}
    )
    assert accepted.loan.due == due - timedelta(days=3)
    assert (accepted.loan.request_id, accepted.loan.patron_id) == ("TN-77", accepted.patron.id)


async def test_another_patron_cannot_have_it(counter: Counter) -> None:
    await counter.ask(arrives(pickup="RS"))
    refused = await counter.refusal(CheckOut(who(CHIDI), Named("TN-77")))
    assert (refused.reason, refused.about, refused.value) == (
        RefusalReason.REQUESTED_BY_OTHER,
        MessagePart.ITEM,
        "TN-77",
    )
    assert ANA not in refused.detail
