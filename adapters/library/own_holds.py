"""Holds that we placed in a library system outside the gateway: which one a request means, and what is to change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.library.refusals import make_refusal
from gateway.domain.library import Hold, HoldStatus, Loan
from gateway.domain.problems import RefusalReason
from gateway.domain.value import replace
from gateway.ports.library_changes import ChangeKind, LibraryChange
from gateway.ports.library_operations import HoldUpdate
from gateway.ports.library_system import HoldWish

CLOSED = frozenset({RefusalReason.UNKNOWN_REQUEST, RefusalReason.REQUEST_CLOSED})
"""The hold is not open any more."""


def draft_hold(wish: HoldWish, key: str, placed: datetime, *, bib_id: str, item_id: str = "", title: str = "") -> Hold:
    """Draft the hold that is wished, as it waits. `wish`: with the patron and the pickup location that were found."""
    return Hold(
        id="",
        key=key,
        request_id=wish.request_id,
        patron_id=wish.patron_id,
        bib_id=bib_id,
        item_id=item_id,
        pickup=wish.pickup,
        status=HoldStatus.WAITING,
        placed=placed,
        kind=wish.kind,
        need_by=wish.need_by,
        expires=wish.expires,
        item_barcode=wish.item_barcode,
        title=title,
    )


def edit_hold(hold: Hold, wish: HoldUpdate, pickup: str | None) -> Hold:
    """The hold as it is to be. `pickup`: as was found, None: it stays."""
    return replace(
        hold,
        pickup=pickup if pickup is not None else hold.pickup,
        need_by=wish.need_by or hold.need_by,
        expires=wish.expires or hold.expires,
    )


def list_cancellations(changes: Sequence[LibraryChange]) -> tuple[LibraryChange, ...]:
    return tuple(
        change for change in changes if change.kind is ChangeKind.HOLD_CANCELLATION and change.ended is not None
    )


def end_unlisted_hold(hold: Hold, loans: Sequence[Loan]) -> Hold:
    """End a hold that the system lists no more though nobody cancelled it. `loans`: its patron's."""
    is_filled = any(loan.item_id == hold.item_id or (not hold.item_id and loan.bib_id == hold.bib_id) for loan in loans)
    return replace(hold, status=HoldStatus.FILLED if is_filled else HoldStatus.EXPIRED)


def choose_hold_of_request(holds: Sequence[Hold]) -> Hold:
    """Choose, of all that were placed for one request, the open hold, else the first that has ended.

    Raises Refused(UNKNOWN_REQUEST | AMBIGUOUS_REQUEST).
    """
    if not holds:
        raise make_refusal(RefusalReason.UNKNOWN_REQUEST)
    open_ones = [hold for hold in holds if hold.status.is_open]
    if len(open_ones) > 1:
        raise make_refusal(RefusalReason.AMBIGUOUS_REQUEST)
    return (open_ones or holds)[0]
