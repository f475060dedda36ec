"""The sequences of facts/iso-ill-10161.md section 9.4, each as a tale of NORTH that asks and SOUTH and EAST that lend.
Each checks where both sides are on its way and at its end; how they are joined is none of its business."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any

from gateway.domain.requests.events import Condition, Kind
from gateway.domain.requests.request import AttemptStatus, Flag, ServiceType
from tests.support.iso_pair import Pair

WORKFLOW: Mapping[str, Any] = {"lending": {"cancel": "staff", "renew": "staff", "clearance": "not-required"}}
"""Staff decide, so that both answers can be given."""

Sequence = Callable[[Pair], Awaitable[None]]


async def loan(pair: Pair) -> None:
    await pair.ask()
    assert await pair.states() == ("requested", "located")
    await pair.south(Kind.WILL_SUPPLY)
    assert await pair.states() == ("will-supply", "will-supply")
    await _lent(pair)
    await _home(pair)


async def _lent(pair: Pair) -> None:
    """Shipped, received, with the patron."""
    await pair.south(Kind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")
    ours, theirs = await pair.borrowing(), await pair.lending()
    assert ours.terms.lender_due == theirs.terms.lender_due is not None
    await pair.north(Kind.RECEIVED)
    await pair.north(Kind.LOANED_TO_PATRON)
    assert await pair.states() == ("lent", "shipped")


async def _home(pair: Pair) -> None:
    await pair.north(Kind.RETURNED_BY_PATRON)
    await pair.north(Kind.RETURNED)
    assert await pair.states() == ("returned", "returned")
    await pair.south(Kind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


async def copy(pair: Pair) -> None:
    await pair.ask(service=ServiceType.COPY)
    assert await pair.states() == ("requested", "digitising")
    await pair.south(Kind.DIGITISED, link="https://south.example/c/1")
    await pair.south(Kind.COPY_DELIVERED, link="https://south.example/c/1")
    assert await pair.states() == ("completed", "completed")
    assert "partner:received" in await pair.told("SOUTH")


async def unfilled_then_the_next_lender(pair: Pair) -> None:
    await pair.ask()
    first = await pair.attempt()
    await pair.south(Kind.UNFILLED, reason="not-held")
    second = await pair.attempt()
    assert (first.partner, second.partner, second.number) == ("south", "east", 2)
    assert await pair.states("SOUTH") == ("requested", "unfilled")
    theirs = await pair.lending("EAST")
    assert ("already-tried", "SOUTH") in [(one.name, one.value) for one in theirs.extras]
    assert first.transaction != second.transaction
    assert theirs.transaction.startswith(f"{(await pair.borrowing()).number}/2")
    await pair.lender("EAST", Kind.SHIPPED)
    assert await pair.states("EAST") == ("shipped", "shipped")


async def retry_later(pair: Pair) -> None:
    await pair.ask()
    day = date(2026, 3, 9)
    await pair.south(Kind.RETRY, reason="on-loan", retry_after=day)
    assert (await pair.borrowing()).attempts[0].retry_after == day
    await pair.lender("EAST", Kind.UNFILLED, reason="not-held")
    assert await pair.states() == ("no-supplier", "unfilled")
    await pair.pass_days(8)
    again = await pair.attempt()
    assert (again.partner, again.number) == ("south", 3)
    theirs = await pair.lending()
    assert ("retry", "true") in [(one.name, one.value) for one in theirs.extras]
    await pair.south(Kind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def conditional_yes(pair: Pair) -> None:
    await pair.ask()
    await pair.south(Kind.CONDITIONAL, conditions=(Condition.LIBRARY_USE_ONLY,))
    assert await pair.states() == ("conditional", "conditional")
    assert (await pair.attempt()).conditions == (Condition.LIBRARY_USE_ONLY,)
    await pair.north(Kind.CONDITION_ACCEPTED)
    assert await pair.states() == ("will-supply", "will-supply")
    await pair.south(Kind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def conditional_no(pair: Pair) -> None:
    await pair.ask()
    await pair.south(Kind.CONDITIONAL, conditions=(Condition.SUPERVISED,))
    await pair.north(Kind.CONDITION_REFUSED)
    assert (await pair.lending()).state.value == "unfilled"
    assert (await pair.borrowing()).attempts[0].status is AttemptStatus.CONDITION_REFUSED
    assert (await pair.attempt()).partner == "east"


async def hold(pair: Pair) -> None:
    await pair.ask()
    await pair.south(Kind.HOLD_PLACED, expected=date(2026, 3, 20))
    assert await pair.states() == ("hold-placed", "hold-placed")
    await pair.south(Kind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def cancel_yes(pair: Pair) -> None:
    await pair.ask()
    await pair.north(Kind.CANCEL)
    assert await pair.states() == ("cancel-pending", "cancel-pending")
    await pair.south(Kind.CANCEL_ACCEPTED)
    assert await pair.states() == ("cancelled", "cancelled")


async def cancel_no(pair: Pair) -> None:
    await pair.ask()
    await pair.south(Kind.WILL_SUPPLY)
    await pair.north(Kind.CANCEL)
    await pair.south(Kind.CANCEL_REFUSED)
    assert await pair.states() == ("will-supply", "located")
    await pair.south(Kind.SHIPPED)
    assert await pair.states() == ("shipped", "shipped")


async def crossing_cancel(pair: Pair) -> None:
    """The cancellation meets the parcel on its way: it stays on its way, and comes straight back."""
    await pair.ask()
    await pair.south(Kind.WILL_SUPPLY)
    await pair.north(Kind.CANCEL, quiet=False)
    await pair.south(Kind.SHIPPED, quiet=False)
    await pair.quiet()
    assert await pair.states() == ("shipped", "shipped")
    await pair.north(Kind.RECEIVED)
    await pair.north(Kind.RETURNED)
    await pair.south(Kind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


async def renew(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.north(Kind.RENEW)
    assert Flag.RENEWAL_PENDING in (await pair.lending()).flags
    until = date(2026, 5, 4)
    await pair.south(Kind.RENEW_ACCEPTED, due=until)
    assert (await pair.borrowing()).terms.lender_due == until
    await pair.north(Kind.RENEW)
    await pair.south(Kind.RENEW_REFUSED, reason="policy")
    ours = await pair.borrowing()
    assert (ours.terms.lender_due, Flag.RENEWAL_PENDING in ours.flags) == (until, False)
    await _home(pair)


async def overdue_and_recall(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.pass_days(32)
    for request in (await pair.borrowing(), await pair.lending()):
        assert Flag.OVERDUE in request.flags
    await pair.south(Kind.RECALL)
    for request in (await pair.borrowing(), await pair.lending()):
        assert Flag.RECALLED in request.flags
    await _home(pair)


async def lost_by_the_borrower(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.north(Kind.DAMAGED, note="wet")
    assert "partner:damaged" in await pair.told("SOUTH")
    await pair.north(Kind.LOST)
    assert await pair.states() == ("lost", "lost")


async def lost_by_the_lender(pair: Pair) -> None:
    await pair.ask()
    await _lent(pair)
    await pair.south(Kind.LOST, note="never came home")
    assert await pair.states() == ("lost", "lost")


async def queries(pair: Pair) -> None:
    await pair.ask()
    await pair.north(Kind.STATUS_QUERY)
    assert "partner:status-query" in await pair.told("SOUTH")
    assert "partner:acknowledged" in await pair.told("NORTH")  # in process, the request being the last service
    await pair.north(Kind.MESSAGE, note="გამარჯობა")
    await pair.south(Kind.MESSAGE, note="Buenos días")
    assert "partner:message" in await pair.told("SOUTH")
    assert "partner:message" in await pair.told("NORTH")
    assert await pair.states() == ("requested", "located")


SEQUENCES: Mapping[str, Sequence] = {
    one.__name__: one
    for one in (
        loan,
        copy,
        unfilled_then_the_next_lender,
        retry_later,
        conditional_yes,
        conditional_no,
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
