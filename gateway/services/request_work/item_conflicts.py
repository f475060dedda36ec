"""The library refuses because of what it still has for another request of ours: the answer is "not yet", not "no".

An item counts as free for the next request as soon as the one before it is closed or has moved to another copy. What
the library has for that one (a hold, a loan, a temporary record) ends with a step of it in the outbox, which may wait
there or may have been cut short by a crash.
"""

from __future__ import annotations

from gateway.domain.library import Item, ItemStatus
from gateway.domain.problems import MessagePart, RefusalReason, Refused, UnfinishedWork
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.state_table import LibraryAction
from gateway.domain.sentences import write_sentence
from gateway.ports.shared_store import Transaction
from gateway.services.requests.effects import LIBRARY
from gateway.services.requests.library_context import LibraryContext
from gateway.store.requests import outbox_queries, requests

KEPT_FOR_SOMEBODY = frozenset(
    {
        RefusalReason.DUPLICATE_REQUEST,
        RefusalReason.ON_LOAN_SAME_PATRON,
        RefusalReason.ITEM_ON_LOAN,
        RefusalReason.REQUESTED_BY_OTHER,
    }
)
"""Refusals of a hold or a loan that may come from what is there for another request."""

ON_LOAN = frozenset({RefusalReason.ON_LOAN_SAME_PATRON, RefusalReason.ITEM_ON_LOAN})


async def wait_for_copy(context: LibraryContext, request: Request, barcode: str, refused: Refused) -> None:
    """A hold was refused: raises UnfinishedWork while another request of ours has the copy, or has not finished with
    it, and when what stood against the hold is over by now. Returns where the refusal is final."""
    if refused.reason not in KEPT_FOR_SOMEBODY:
        return
    item = await context.find_item(barcode)
    if item is None:
        return
    numbers = await _numbers_on(context, item)
    if not numbers:
        raise UnfinishedWork(write_sentence("the conflict has ended"))
    for other in await _other_requests(context, request, numbers):
        if other.open or await _has_unfinished_steps(context, other):
            raise _still_kept(barcode, other)


async def wait_for_loan(context: LibraryContext, request: Request, barcode: str, refused: Refused) -> None:
    """A loan was refused to somebody at the desk, where a wrong barcode must be told at once: raises UnfinishedWork
    only while a request of ours that has let go of the item has not finished with it. Where the item is on loan for
    good, raises Refused with what is to be done; returns where another refusal is final."""
    if refused.reason not in KEPT_FOR_SOMEBODY:
        return
    item = await context.find_item(barcode)
    numbers = await _numbers_on(context, item) if item is not None else frozenset()
    for other in await _other_requests(context, request, numbers):
        has_let_go = not other.open or other.item_barcode != barcode
        if has_let_go and await _has_unfinished_steps(context, other):
            raise _still_kept(barcode, other)
    if refused.reason not in ON_LOAN or item is None:
        return
    loan, now = await context.system.item_loan(item.id), await context.find_item(barcode)
    if loan is None and now is not None and now.status is not ItemStatus.ON_LOAN:
        raise UnfinishedWork(write_sentence("the conflicting loan has ended"))  # another step ended it meanwhile
    raise _refuse_lent(barcode, loan.request_id if loan is not None else "", refused) from refused


async def wait_for_record(context: LibraryContext, request: Request, barcode: str, refused: Refused) -> None:
    """A temporary record was refused: raises UnfinishedWork while the one of another request, with the same barcode,
    is still to be deleted, and then Refused with what is to be done. Returns where another refusal is final."""
    if refused.reason is not RefusalReason.DUPLICATE_ITEM:
        return

    def find_deleting_request(connection: Transaction) -> Request | None:
        ids = outbox_queries.requests_with_unfinished(
            connection, context.symbol, LIBRARY, LibraryAction.DELETE_TEMPORARY.value
        )
        others = (requests.load_request(connection, context.symbol, id_) for id_ in ids if id_ != request.id)
        return next((other for other in others if other is not None and barcode in _barcodes_of(other)), None)

    other = await context.store.read(find_deleting_request)
    if other is not None:
        raise _still_kept(barcode, other)
    item = await context.find_item(barcode)
    numbers = await _numbers_on(context, item) if item is not None and item.temporary else frozenset()
    raise _refuse_taken(barcode, next(iter(sorted(filter(None, numbers))), ""), refused) from refused


def _refuse_lent(barcode: str, number: str, refused: Refused) -> Refused:
    """`number`: of the request that it is lent for; empty: for none."""
    detail = (
        write_sentence(
            "%(barcode)s is already on loan for request %(number)s. Check it in first, or scan the item at hand.",
            barcode=barcode,
            number=number,
        )
        if number
        else write_sentence(
            "%(barcode)s is already on loan. Check it in first, or scan the item at hand.", barcode=barcode
        )
    )
    return Refused(refused.reason, detail, about=MessagePart.ITEM, internal=refused.internal)


def _refuse_taken(barcode: str, number: str, refused: Refused) -> Refused:
    """`number`: of the request whose item has this barcode; empty: an item of the library, or nobody knows."""
    detail = (
        write_sentence(
            "Another item with the barcode %(barcode)s is here for request %(number)s. Receive this item with another "
            "barcode, or return the other one first.",
            barcode=barcode,
            number=number,
        )
        if number
        else write_sentence(
            "The library system already has an item with the barcode %(barcode)s. Receive this item with another "
            "barcode.",
            barcode=barcode,
        )
    )
    return Refused(refused.reason, detail, about=MessagePart.ITEM, internal=refused.internal)


def _still_kept(barcode: str, other: Request) -> UnfinishedWork:
    return UnfinishedWork(
        write_sentence(
            "%(barcode)s is still linked to request %(number)s in the library system",
            barcode=barcode,
            number=other.number,
        )
    )


def _barcodes_of(request: Request) -> frozenset[str]:
    """Return the barcodes of all pieces that came for it, from any supplier."""
    past = (code for attempt in request.attempts for code in attempt.pieces)
    return frozenset((*past, *(volume.barcode for volume in request.volumes)))


async def _numbers_on(context: LibraryContext, item: Item) -> frozenset[str]:
    """Request numbers of the loan and the holds that the library has on it; empty for what is for no request."""
    loan = await context.system.item_loan(item.id)
    holds = await context.system.item_holds(item.id)
    return frozenset((*((loan.request_id,) if loan is not None else ()), *(hold.request_id for hold in holds)))


async def _other_requests(context: LibraryContext, request: Request, numbers: frozenset[str]) -> tuple[Request, ...]:
    """Ours, by our number or by that of the same partner."""

    def load_others(connection: Transaction) -> tuple[Request, ...]:
        ids = set()
        for number in filter(None, numbers):
            own = requests.find_by_number(connection, context.symbol, number)
            theirs = requests.find_by_transaction(
                connection, context.symbol, Role.LENDING, request.partner.profile, number
            )
            ids |= {own} if own is not None else {theirs.request_id} if theirs is not None else set()
        others = (requests.load_request(connection, context.symbol, id_) for id_ in sorted(ids - {request.id}))
        return tuple(other for other in others if other is not None)

    return await context.store.read(load_others)


async def _has_unfinished_steps(context: LibraryContext, request: Request) -> bool:
    return await context.store.read(
        lambda c: any(
            row.kind == LIBRARY for row in outbox_queries.unfinished_of_request(c, context.symbol, request.id)
        )
    )
