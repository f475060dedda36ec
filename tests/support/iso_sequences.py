"""The sequences of facts/iso-ill-10161.md section 9.4 and of docs/facts/iso-18626.md 7.

Each is a tale of NORTH that asks and SOUTH and EAST that lend. It checks where both sides are on its way and at its
end; how they are joined is none of its business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import AttemptStatus, RequestFlag, ServiceType
from tests.support.iso_pair import Pair, day_of

WORKFLOW: Mapping[str, Any] = {"lending": {"cancel": "staff", "renew": "staff", "clearance": "not-required"}}
"""Staff decide, so that both answers can be given."""

PRICE = Money(Decimal("9.00"), "EUR")

Sequence = Callable[[Pair], Awaitable[None]]


async def loan(pair: Pair) -> None:
    await pair.ask()
    assert await pair.states() == ("requested", "located")
    await pair.south(EventKind.WILL_SUPPLY)
    assert await pair.states() == ("will-supply", "will-supply")
    await _lent(pair)
    await _home(pair)


async def _lent(pair: Pair) -> None:
    """Shipped, received, with the patron."""
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")
    ours, theirs = await pair.borrowing(), await pair.lending()
    assert day_of(ours.terms.lender_due) == day_of(theirs.terms.lender_due)
    await pair.north(EventKind.RECEIVED)
    await pair.north(EventKind.LOANED_TO_PATRON)
    assert await pair.states() == ("lent", "shipped")


async def _home(pair: Pair) -> None:
    await pair.north(EventKind.RETURNED_BY_PATRON)
    await pair.north(EventKind.RETURNED)
    assert await pair.states() == ("returned", "returned")
    await pair.south(EventKind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


async def two_volumes(pair: Pair) -> None:
    """Each is sent, lent and brought back on its own; that they have come is told once, with the last."""
    first, second = (book.barcodes[0] for book in pair.books[:2])
    await pair.ask(volumes=("Bind 1", "Bind 2"))
    theirs = await pair.lending()
    assert [(one.id, one.label) for one in theirs.volumes] == [("1", "Bind 1"), ("2", "Bind 2")]

    await pair.south(EventKind.SHIPPED, volumes=("1",), barcode=first)
    assert await _list_volume_states(pair) == (["shipped", "expected"], ["shipped", "expected"])
    await pair.north(EventKind.RECEIVED, volumes=("1",))
    assert await _list_volume_states(pair) == (["received", "expected"], ["shipped", "expected"])
    await pair.south(EventKind.SHIPPED, volumes=("2",), barcode=second)
    assert [one.barcode for one in (await pair.lending()).volumes] == [first, second]
    await pair.north(EventKind.RECEIVED, volumes=("2",))
    assert await _list_volume_states(pair) == (["received", "received"], ["received", "received"])
    await pair.north(EventKind.LOANED_TO_PATRON)

    await pair.north(EventKind.RETURNED_BY_PATRON, volumes=("1",))
    await pair.north(EventKind.RETURNED, volumes=("1",))
    assert await _list_volume_states(pair) == (["returned", "lent"], ["returned", "received"])
    await pair.south(EventKind.CHECKED_IN, volumes=("1",))
    assert await pair.states() == ("lent", "shipped")
    await pair.north(EventKind.RETURNED_BY_PATRON, volumes=("2",))
    await pair.north(EventKind.RETURNED, volumes=("2",))
    await pair.south(EventKind.CHECKED_IN, volumes=("2",))
    assert await _list_volume_states(pair) == (["checked-in", "checked-in"], ["checked-in", "checked-in"])
    assert await pair.states() == ("completed", "completed")


async def _list_volume_states(pair: Pair) -> tuple[list[str], list[str]]:
    """States of NORTH's volumes and of SOUTH's."""
    ours, theirs = await pair.borrowing(), await pair.lending()
    return [one.state.value for one in ours.volumes], [one.state.value for one in theirs.volumes]


async def copy(pair: Pair) -> None:
    await pair.ask(service=ServiceType.COPY)
    assert await pair.states() == ("requested", "digitising")
    await pair.south(EventKind.DIGITISED, link="https://south.example/c/1")
    await pair.south(EventKind.COPY_DELIVERED, link="https://south.example/c/1")
    assert await pair.states() == ("completed", "completed")
    assert "partner:received" in await pair.told("SOUTH")


async def unfilled_then_the_next_lender(pair: Pair) -> None:
    await pair.ask()
    first = await pair.attempt()
    await pair.south(EventKind.UNFILLED, reason="not-held")
    second = await pair.attempt()
    assert (first.partner, second.partner, second.number) == ("south", "east", 2)
    assert await pair.states("SOUTH") == ("requested", "unfilled")
    theirs = await pair.lending("EAST")
    if pair.joining.carries_extras:
        assert ("already-tried", "SOUTH") in [(one.name, one.value) for one in theirs.extras]
    assert first.transaction != second.transaction
    assert theirs.transaction.startswith((f"{(await pair.borrowing()).number}/2", second.transaction))
    await pair.lender("EAST", EventKind.SHIPPED)
    assert await pair.states("EAST") == ("shipped", "shipped")


async def retry_later(pair: Pair) -> None:
    await pair.ask()
    day = date(2026, 3, 9)
    await pair.south(EventKind.RETRY, reason="on-loan", retry_after=day)
    assert (await pair.borrowing()).attempts[0].retry_after == day
    await pair.lender("EAST", EventKind.UNFILLED, reason="not-held")
    assert await pair.states() == ("no-supplier", "unfilled")
    await pair.pass_days(8)
    again = await pair.attempt()
    assert (again.partner, again.number) == ("south", 3)
    theirs = await pair.lending()
    if pair.joining.carries_extras:
        assert ("retry", "true") in [(one.name, one.value) for one in theirs.extras]
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def conditional_yes(pair: Pair) -> None:
    await pair.ask()
    await pair.south(EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    assert await pair.states() == ("conditional", "conditional")
    assert (await pair.attempt()).conditions == (LoanCondition.LIBRARY_USE_ONLY,)
    await pair.north(EventKind.CONDITION_ACCEPTED)
    assert await pair.states() == ("will-supply", "will-supply")
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def conditional_no(pair: Pair) -> None:
    await pair.ask()
    await pair.south(EventKind.CONDITIONAL, conditions=(LoanCondition.SUPERVISED,))
    await pair.north(EventKind.CONDITION_REFUSED)
    assert (await pair.lending()).state.value == "unfilled"
    assert (await pair.borrowing()).attempts[0].status is AttemptStatus.CONDITION_REFUSED
    assert (await pair.attempt()).partner == "east"


async def price_yes(pair: Pair) -> None:
    """A price that is asked about; only a yes makes it agreed, on both sides."""
    await pair.ask()
    await pair.south(EventKind.CONDITIONAL, cost=PRICE)
    assert await pair.states() == ("conditional", "conditional")
    for request in (await pair.borrowing(), await pair.lending()):
        assert (request.costs.offered, request.costs.agreed) == (PRICE, None)
    await pair.north(EventKind.CONDITION_ACCEPTED)
    for request in (await pair.borrowing(), await pair.lending()):
        assert request.costs.agreed == PRICE
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def hold(pair: Pair) -> None:
    await pair.ask()
    await pair.south(EventKind.HOLD_PLACED, expected=date(2026, 3, 20))
    assert await pair.states() == ("hold-placed", "hold-placed")
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def cancel_yes(pair: Pair) -> None:
    await pair.ask()
    await pair.north(EventKind.CANCEL)
    assert await pair.states() == ("cancel-pending", "cancel-pending")
    await pair.south(EventKind.CANCEL_ACCEPTED)
    assert await pair.states() == ("cancelled", "cancelled")


async def cancel_no(pair: Pair) -> None:
    await pair.ask()
    await pair.south(EventKind.WILL_SUPPLY)
    await pair.north(EventKind.CANCEL)
    await pair.south(EventKind.CANCEL_REFUSED, reason="not-available")
    assert await pair.states() == ("will-supply", "will-supply")
    await pair.south(EventKind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def crossing_cancel(pair: Pair) -> None:
    """The cancellation meets the parcel on its way: it stays on its way, and comes straight back."""
    await pair.ask()
    await pair.south(EventKind.WILL_SUPPLY)
    await pair.north(EventKind.CANCEL, quiet=False)
    await pair.south(EventKind.SHIPPED, quiet=False)
    await pair.quiet()
    assert await pair.states() == ("shipped", "shipped")
    await pair.north(EventKind.RECEIVED)
    await pair.north(EventKind.RETURNED)
    await pair.south(EventKind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


async def renew(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.north(EventKind.RENEW)
    assert RequestFlag.RENEWAL_PENDING in (await pair.lending()).flags
    until = date(2026, 5, 4)
    await pair.south(EventKind.RENEW_ACCEPTED, due=until)
    assert (await pair.borrowing()).terms.lender_due == until
    await pair.pass_days(1)  # by mail the same words on the same day are a repeat
    await pair.north(EventKind.RENEW)
    await pair.south(EventKind.RENEW_REFUSED, reason="policy")
    ours = await pair.borrowing()
    assert (ours.terms.lender_due, RequestFlag.RENEWAL_PENDING in ours.flags) == (until, False)
    await _home(pair)


async def overdue_and_recall(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.pass_days(32)
    for request in (await pair.borrowing(), await pair.lending()):
        assert RequestFlag.OVERDUE in request.flags
    await pair.south(EventKind.RECALL)
    for request in (await pair.borrowing(), await pair.lending()):
        assert RequestFlag.RECALLED in request.flags
    await _home(pair)


async def lost_by_the_borrower(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.north(EventKind.DAMAGED, note="wet")
    assert "partner:damaged" in await pair.told("SOUTH")
    await pair.north(EventKind.LOST)
    assert await pair.states() == ("lost", "lost")


async def lost_by_the_lender(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.south(EventKind.LOST, note="never came home")
    assert await pair.states() == ("lost", "lost")


async def return_on_hold(pair: Pair) -> None:
    """Each side in turn says that the item is not to be sent back for now, or can't be, and that this is over."""
    await pair.ask()
    await _lent(pair)
    for says in (pair.south, pair.north):
        for is_held in (True, False):
            await says(EventKind.MESSAGE, note="Ausstellung bis Mai", return_on_hold=is_held)
            for request in (await pair.borrowing(), await pair.lending()):
                assert (RequestFlag.RETURN_ON_HOLD in request.flags) is is_held
    await pair.south(EventKind.MESSAGE, note="Ausstellung bis Juni", return_on_hold=True)
    await _home(pair)
    for request in (await pair.borrowing(), await pair.lending()):
        assert RequestFlag.RETURN_ON_HOLD not in request.flags


async def queries(pair: Pair) -> None:
    await pair.ask()
    await pair.north(EventKind.STATUS_QUERY)
    assert "partner:status-query" in await pair.told("SOUTH")
    # ISO ILL: in process, the request being the last service
    assert {"partner:acknowledged", "partner:status-report"} & set(await pair.told("NORTH"))
    await pair.north(EventKind.MESSAGE, note="გამარჯობა")
    await pair.south(EventKind.MESSAGE, note="Buenos días")
    assert "partner:message" in await pair.told("SOUTH")
    assert "partner:message" in await pair.told("NORTH")
    assert await pair.states() == ("requested", "located")


SEQUENCES: Mapping[str, Sequence] = {
    one.__name__: one
    for one in (
        loan,
        two_volumes,
        copy,
        unfilled_then_the_next_lender,
        retry_later,
        conditional_yes,
        conditional_no,
        price_yes,
        hold,
        cancel_yes,
        cancel_no,
        crossing_cancel,
        renew,
        overdue_and_recall,
        lost_by_the_borrower,
        lost_by_the_lender,
        queries,
    )
}
"""By name."""

ONLY_ISO18626: Mapping[str, Sequence] = {"return_on_hold": return_on_hold}
"""What the other protocols have words for alone."""
