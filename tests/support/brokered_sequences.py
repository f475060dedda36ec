"""What becomes of a request that goes through a broker (tests/support/brokered_trio.py): each sequence is a tale of
NORTH that asks, SOUTH that brokers, and EAST that lends, and checks that all four requests agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import RequestCosts, RequestFlag, ServiceType
from tests.support.brokered_trio import ADDRESS, Trio
from tests.support.iso_pair import day_of

WORKFLOW = {"lending": {"cancel": "staff", "renew": "staff", "clearance": "not-required"}}
DUE_DAYS = 3
PRICE = Money(Decimal("9.00"), "EUR")

Sequence = Callable[[Trio], Awaitable[None]]


async def loan(trio: Trio) -> None:
    """There and back; the requester has it due earlier than we."""
    await trio.ask()
    assert await trio.all_states() == ("requested", "new", "requested", "located")
    supplied = await trio.supplied()
    where = f"{supplied.citation.note}\n{supplied.partner.address}"
    assert "North" in where  # it goes straight there
    assert ADDRESS.splitlines()[0] in where
    await trio.east(EventKind.WILL_SUPPLY)
    assert await trio.all_states() == ("will-supply", "will-supply", "will-supply", "will-supply")
    await _lent(trio)
    await _home(trio)


async def _lent(trio: Trio) -> None:
    await trio.east(EventKind.SHIPPED)
    assert await trio.all_states() == ("shipped", "shipped", "shipped", "shipped")
    ours, theirs = await trio.borrowing(), await trio.supplied()
    assert day_of(theirs.terms.lender_due) - day_of(ours.terms.lender_due) == timedelta(days=DUE_DAYS)
    await trio.north(EventKind.RECEIVED)
    await trio.north(EventKind.LOANED_TO_PATRON)
    _, far = await trio.legs()
    assert far.state.value == "received"


async def _home(trio: Trio) -> None:
    await trio.north(EventKind.RETURNED_BY_PATRON)
    await trio.north(EventKind.RETURNED)
    assert await trio.all_states() == ("returned", "returned", "returned", "returned")
    await trio.east(EventKind.CHECKED_IN)
    assert await trio.all_states() == ("completed", "completed", "completed", "completed")


async def two_volumes(trio: Trio) -> None:
    """Sent one by one, come together, and back one by one."""
    await trio.ask(volumes=("Bind 1", "Bind 2"))
    first, second = (book.barcodes[0] for book in trio.books[:2])
    await trio.east(EventKind.SHIPPED, volumes=("1",), barcode=first)
    assert await list_volume_states(trio) == [["shipped", "expected"]] * 4
    await trio.east(EventKind.SHIPPED, volumes=("2",), barcode=second)
    assert await list_volume_states(trio) == [["shipped", "shipped"]] * 4
    await trio.north(EventKind.RECEIVED, volumes=("1",))
    await trio.north(EventKind.RECEIVED, volumes=("2",))
    assert await list_volume_states(trio) == [["received", "received"]] * 4
    await trio.north(EventKind.RETURNED, volumes=("2",))
    assert await list_volume_states(trio) == [["received", "returned"]] * 4
    await trio.north(EventKind.RETURNED, volumes=("1",))
    await trio.east(EventKind.CHECKED_IN)
    assert await trio.all_states() == ("completed", "completed", "completed", "completed")


async def list_volume_states(trio: Trio) -> list[list[str]]:
    """Of the requester, the broker's two legs, and the supplier."""
    requests = (await trio.borrowing(), *await trio.legs(), await trio.supplied())
    return [[one.state.value for one in request.volumes] for request in requests]


async def copy(trio: Trio) -> None:
    """The link goes on to the requester."""
    await trio.ask(service=ServiceType.COPY)
    await trio.east(EventKind.DIGITISED, link="https://east.example/c/1")
    await trio.east(EventKind.COPY_DELIVERED, link="https://east.example/c/1")
    assert await trio.all_states() == ("completed", "completed", "completed", "completed")
    links = [line.document for line in await trio.towns["NORTH"].history() if "copy-delivered" in line.document]
    assert "https://east.example/c/1" in links[0]


async def unfilled(trio: Trio) -> None:
    """Nobody is left on the rota: the requester hears the supplier's reason."""
    await trio.ask()
    await trio.east(EventKind.UNFILLED, reason="not-held")
    lending, far = await trio.legs()
    assert (lending.state.value, far.state.value) == ("unfilled", "unfilled")
    ours = await trio.borrowing()
    assert ours.state.value == "no-supplier"
    assert ours.attempts[0].reason == "not-held"


async def conditional_yes(trio: Trio) -> None:
    await trio.ask()
    await trio.east(EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    assert await trio.all_states() == ("conditional", "conditional", "conditional", "conditional")
    assert (await trio.attempt()).conditions == (LoanCondition.LIBRARY_USE_ONLY,)
    await trio.north(EventKind.CONDITION_ACCEPTED)
    assert await trio.all_states() == ("will-supply", "will-supply", "will-supply", "will-supply")


async def conditional_no(trio: Trio) -> None:
    await trio.ask()
    await trio.east(EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    await trio.north(EventKind.CONDITION_REFUSED)
    lending, far = await trio.legs()
    assert (lending.state.value, far.state.value) == ("unfilled", "cancelled")
    assert (await trio.supplied()).state.value == "unfilled"


async def conditional_no_of_one(trio: Trio) -> None:
    """A requester that knows us as a broker declines one supplier: the next is asked, until nobody is left."""
    await trio.ask()
    await trio.east(EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    await trio.north(EventKind.CONDITION_REFUSED)
    lending, far = await trio.legs()
    assert (lending.state.value, far.state.value) == ("unfilled", "unfilled")
    assert [one.status.value for one in far.attempts] == ["condition-refused"]
    assert (await trio.supplied()).state.value == "unfilled"
    assert (await trio.borrowing()).state.value == "no-supplier"


async def promise_then_no(trio: Trio) -> None:
    """What was promised ends with its supplier, on the requester's side as well."""
    await trio.ask()
    await trio.east(EventKind.WILL_SUPPLY)
    assert await trio.all_states() == ("will-supply", "will-supply", "will-supply", "will-supply")
    await trio.east(EventKind.UNFILLED, reason="not-held")
    states = await trio.all_states()
    assert states == ("no-supplier", "unfilled", "unfilled", "unfilled")
    assert (await trio.borrowing()).costs == RequestCosts()


async def price_yes(trio: Trio) -> None:
    """A price that is asked about goes through to who pays, and its yes comes back."""
    await trio.ask()
    await trio.east(EventKind.CONDITIONAL, cost=PRICE)
    states = await trio.all_states()
    assert states == ("conditional", "conditional", "conditional", "conditional")
    ours, (near, far) = await trio.borrowing(), await trio.legs()
    for request in (ours, near, far, await trio.supplied()):
        assert (request.costs.offered, request.costs.agreed) == (PRICE, None)
    await trio.north(EventKind.CONDITION_ACCEPTED)
    ours, (near, far), theirs = await trio.borrowing(), await trio.legs(), await trio.supplied()
    assert theirs.state.value == "will-supply"
    for request in (ours, near, far, theirs):
        assert request.costs.agreed == PRICE
    await trio.east(EventKind.SHIPPED)
    assert await trio.all_states() == ("shipped", "shipped", "shipped", "shipped")


async def cancel_yes(trio: Trio) -> None:
    await trio.ask()
    await trio.north(EventKind.CANCEL)
    assert await trio.all_states() == ("cancel-pending", "cancel-pending", "cancel-pending", "cancel-pending")
    await trio.east(EventKind.CANCEL_ACCEPTED)
    assert await trio.all_states() == ("cancelled", "cancelled", "cancelled", "cancelled")


async def cancel_no(trio: Trio) -> None:
    await trio.ask()
    await trio.north(EventKind.CANCEL)
    await trio.east(EventKind.CANCEL_REFUSED, reason="not-available")
    north, near, far, _ = await trio.all_states()
    assert (north, near, far) == ("requested", "new", "requested")
    await trio.east(EventKind.SHIPPED)
    assert await trio.all_states() == ("shipped", "shipped", "shipped", "shipped")


async def crossing_cancel(trio: Trio) -> None:
    """The cancellation meets the parcel: it stays on its way, and goes straight back."""
    await trio.ask()
    await trio.east(EventKind.WILL_SUPPLY)
    await trio.north(EventKind.CANCEL, quiet=False)
    await trio.east(EventKind.SHIPPED, quiet=False)
    await trio.quiet()
    assert await trio.all_states() == ("shipped", "shipped", "shipped", "shipped")
    await trio.north(EventKind.RECEIVED)
    await trio.north(EventKind.RETURNED)
    await trio.east(EventKind.CHECKED_IN)
    assert await trio.all_states() == ("completed", "completed", "completed", "completed")


async def renew(trio: Trio) -> None:
    """Granted, then refused."""
    await trio.ask()
    await _lent(trio)
    await trio.north(EventKind.RENEW)
    assert RequestFlag.RENEWAL_PENDING in (await trio.supplied()).flags
    until = date(2026, 5, 8)
    await trio.east(EventKind.RENEW_ACCEPTED, due=until)
    assert day_of((await trio.borrowing()).terms.lender_due) == until - timedelta(days=DUE_DAYS)
    await trio.pass_days(1)  # by mail the same words on the same day are a repeat
    await trio.north(EventKind.RENEW)
    await trio.east(EventKind.RENEW_REFUSED, reason="policy")
    ours = await trio.borrowing()
    assert RequestFlag.RENEWAL_PENDING not in ours.flags
    assert day_of(ours.terms.lender_due) == until - timedelta(days=DUE_DAYS)
    await _home(trio)


async def overdue_and_recall(trio: Trio) -> None:
    await trio.ask()
    await _lent(trio)
    await trio.east(EventKind.OVERDUE)
    lending, far = await trio.legs()
    for request in (await trio.borrowing(), lending, far, await trio.supplied()):
        assert RequestFlag.OVERDUE in request.flags
    await trio.east(EventKind.RECALL)
    lending, far = await trio.legs()
    for request in (await trio.borrowing(), lending, far, await trio.supplied()):
        assert RequestFlag.RECALLED in request.flags
    await _home(trio)


async def lost_by_the_borrower(trio: Trio) -> None:
    await trio.ask()
    await _lent(trio)
    await trio.north(EventKind.DAMAGED, note="wet")
    assert RequestFlag.DAMAGED in (await trio.supplied()).flags
    await trio.north(EventKind.LOST)
    assert await trio.all_states() == ("lost", "lost", "lost", "lost")


async def lost_by_the_lender(trio: Trio) -> None:
    await trio.ask()
    await _lent(trio)
    await trio.east(EventKind.LOST, note="never came home")
    assert await trio.all_states() == ("lost", "lost", "lost", "lost")


async def messages(trio: Trio) -> None:
    """Both ways."""
    await trio.ask()
    await trio.north(EventKind.MESSAGE, note="გამარჯობა")
    await trio.east(EventKind.MESSAGE, note="Buenos días")
    supplied, ours = await trio.supplied(), await trio.borrowing()
    assert any("გამარჯობა" in note.text for note in supplied.notes)
    assert any("Buenos días" in note.text for note in ours.notes)


SEQUENCES: Mapping[str, Sequence] = {
    one.__name__: one
    for one in (
        loan,
        two_volumes,
        copy,
        unfilled,
        conditional_yes,
        conditional_no,
        promise_then_no,
        price_yes,
        cancel_yes,
        cancel_no,
        crossing_cancel,
        renew,
        overdue_and_recall,
        lost_by_the_borrower,
        lost_by_the_lender,
        messages,
    )
}
"""By name."""
