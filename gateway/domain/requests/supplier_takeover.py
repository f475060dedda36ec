"""The library in hand behind a broker, within one attempt: who it is, and what becomes of its word when another takes
over. Pure.

A broker asks one library after the other without a word of its own on what the former one said. Its promise, condition,
price, day and item end with its no (`forwarded`), or as soon as another speaks. What it said no with stands in the
attempt, for the history and for statistics.
"""

from __future__ import annotations

from gateway.domain.requests.events import Event, EventKind, EventOrigin, NamedSupplier
from gateway.domain.requests.prices import restart_costs
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    AttemptStatus,
    BorrowingState,
    FormerSupplier,
    LibraryParty,
    LoanTerms,
    Request,
    Role,
    SupplierAttempt,
)
from gateway.domain.value import replace

BEFORE_SENDING = frozenset(
    {
        BorrowingState.REQUESTED,
        BorrowingState.HOLD_PLACED,
        BorrowingState.WILL_SUPPLY,
        BorrowingState.CONDITIONAL,
        BorrowingState.CANCEL_PENDING,
    }
)
_ITEM_SENT = frozenset({EventKind.SHIPPED, EventKind.COPY_DELIVERED})
_SPEAKS = _ITEM_SENT | {
    EventKind.ACKNOWLEDGED,
    EventKind.EXPECT_TO_SUPPLY,
    EventKind.WILL_SUPPLY,
    EventKind.HOLD_PLACED,
    EventKind.CONDITIONAL,
    EventKind.RETRY,
}
"""What only the library whose turn it is says. A message may be a former one's."""


def is_taken_over(request: Request, event: Event) -> bool:
    """Return whether by this event another library behind the partner takes over, or has to be found."""
    attempt = request.attempt
    if request.role is not Role.BORROWING or event.signal.origin is not EventOrigin.PARTNER or attempt is None:
        return False
    is_open = attempt.status in OPEN_ATTEMPT and attempt.status is not AttemptStatus.SHIPPED
    if event.attempt != request.current or not is_open or request.state not in BEFORE_SENDING:
        return False
    if event.kind is EventKind.FORWARDED:
        return not names_another(attempt, event)
    return _meant_kind(event) in _SPEAKS and names_another(attempt, event)


def is_late_refusal(request: Request, event: Event) -> bool:
    """Return whether a library behind the partner says no after another has spoken already."""
    attempt = request.attempt
    is_refusal = event.kind is EventKind.FORWARDED and event.signal.origin is EventOrigin.PARTNER
    if request.role is not Role.BORROWING or not is_refusal or attempt is None or event.attempt != request.current:
        return False
    return names_another(attempt, event)


def names_another(attempt: SupplierAttempt, event: Event) -> bool:
    """Return whether it names another library than the one in hand. Where a broker takes items out of a note, the last
    sign of the name may go too (facts/iso-18626.md 8.6)."""
    known, named = attempt.supplier.symbol, event.details.supplier.symbol if event.details.supplier is not None else ""
    if not known or not named or _is_same_symbol(known, named):
        return False
    may_be_cut = _meant_kind(event) in _ITEM_SENT or attempt.status not in OPEN_ATTEMPT - {AttemptStatus.SHIPPED}
    return not (may_be_cut and _is_cut(known, named))


def _meant_kind(event: Event) -> EventKind:
    return event.details.reported or event.kind if event.kind is EventKind.STATUS_REPORT else event.kind


def _is_same_symbol(symbol: str, other: str) -> bool:
    return _bare_symbol(symbol) == _bare_symbol(other)


def _is_cut(symbol: str, other: str) -> bool:
    shorter, longer = sorted((_bare_symbol(symbol), _bare_symbol(other)), key=len)
    return longer[:-1] == shorter


def _bare_symbol(symbol: str) -> str:
    """Notes name it without its type."""
    return symbol.rpartition(":")[2].casefold()


def was_taken_over(request: Request, event: Event) -> bool:
    """Return whether a library behind the partner is out by this event; the request is as it is after it."""
    attempt = request.attempt
    if attempt is None or event.signal.origin is not EventOrigin.PARTNER or not attempt.former:
        return False
    return attempt.former[-1].at == event.at and event.attempt == request.current


# --- the former one's word ends --------------------------------------------------------------------------


def hand_over(request: Request, event: Event) -> Request:
    """The request as when nobody has promised anything, before the event happens to it. Where it is being cancelled it
    still is; `forwarded` leads to its state by itself."""
    attempt = request.attempt
    assert attempt is not None
    is_refusal = event.kind is EventKind.FORWARDED
    left = attempt if is_refusal else leave_supplier(attempt, event)
    stays = is_refusal or request.state is BorrowingState.CANCEL_PENDING
    handed = clear_terms(request, replace(left, status=AttemptStatus.ASKED))
    return replace(handed, state=request.state if stays else BorrowingState.REQUESTED)


def leave_supplier(attempt: SupplierAttempt, event: Event) -> SupplierAttempt:
    """Another speaks instead of it, or is asked since we have skipped or declined it."""
    left = attempt.supplier
    if event.signal.origin is EventOrigin.PARTNER:
        status = AttemptStatus.NO_ANSWER
    else:
        is_skipped = event.kind is EventKind.NEXT_SUPPLIER
        status = AttemptStatus.SKIPPED if is_skipped else AttemptStatus.CONDITION_REFUSED
    former = (FormerSupplier(symbol=left.symbol, name=left.name, at=event.at, status=status),) if left.symbol else ()
    return replace(attempt, supplier=NamedSupplier(), former=(*attempt.former, *former))


def clear_terms(request: Request, attempt: SupplierAttempt) -> Request:
    """The request, and its attempt, without a word of the library that was in hand: what the library itself noted
    stays, and what was asked of the patron for that one's sake is no question any more."""
    left = replace(
        attempt,
        theirs="",
        reason="",
        note="",
        retry_after=None,
        expected=None,
        cost=None,
        agreed=None,
        agreed_by="",
        conditions=(),
        offered_item="",
    )
    return replace(
        request,
        attempts=tuple(left if other.number == left.number else other for other in request.attempts),
        terms=LoanTerms(note=request.terms.note),
        costs=restart_costs(request.costs, left),
        volumes=tuple(replace(volume, theirs="", call_number="") for volume in request.volumes),
        query=None if request.query is not None and not request.query.answer else request.query,
    )


def note_refusal(attempt: SupplierAttempt, event: Event) -> SupplierAttempt:
    """The attempt with the no of a library behind the broker: of the one in hand, or of a former one."""
    details, known = event.details, attempt.supplier
    is_out = attempt.status is AttemptStatus.ASKED and not names_another(attempt, event)
    named = details.supplier.symbol if details.supplier is not None else ""
    refusal = FormerSupplier(
        symbol=named or known.symbol,
        name=known.name if not named or _is_same_symbol(named, known.symbol) else "",
        at=event.at,
        reason=details.reason,
        note=details.note,
    )
    before = tuple(
        supplier
        for supplier in attempt.former
        if supplier.status is not AttemptStatus.NO_ANSWER or not _is_same_symbol(supplier.symbol, refusal.symbol)
    )
    return replace(attempt, supplier=NamedSupplier() if is_out else known, former=(*before, refusal))


def find_last_reason(attempt: SupplierAttempt) -> str:
    """The reason of the last library behind the partner that gave one."""
    return next((supplier.reason for supplier in reversed(attempt.former) if supplier.reason), "")


def is_word_of_another(attempt: SupplierAttempt, event: Event) -> bool:
    """Return whether what a partner says is nothing that the library in hand has to stand by."""
    if event.signal.origin is not EventOrigin.PARTNER:
        return False
    named = event.details.supplier.symbol if event.details.supplier is not None else ""
    is_message = event.kind is EventKind.MESSAGE and bool(named) and not attempt.supplier.symbol
    return event.kind is EventKind.FORWARDED or is_message or names_another(attempt, event)


# --- who it is -------------------------------------------------------------------------------------------


def learn_supplier(attempt: SupplierAttempt, event: Event) -> NamedSupplier:
    """The library in hand after an event of it."""
    known, named = attempt.supplier, event.details.supplier
    if named is None or event.kind in (EventKind.MESSAGE, EventKind.FORWARDED):
        return known
    is_shorter = bool(known.symbol) and len(_bare_symbol(named.symbol)) < len(_bare_symbol(known.symbol))
    return NamedSupplier(
        symbol=known.symbol if is_shorter or not named.symbol else named.symbol,
        name=named.name or known.name,
        address=named.address or known.address,
    )


def is_behind_partner(attempt: SupplierAttempt, supplier: NamedSupplier | None = None) -> bool:
    """Return whether the library in hand, or the one that is named, is known to be another than the partner."""
    symbol = (supplier or attempt.supplier).symbol
    return bool(symbol) and not _is_same_symbol(symbol, attempt.symbol)


def find_supplier_party(request: Request) -> LibraryParty:
    """Find who supplies the request, and where its item goes back to: the library behind the partner where one is
    known, never the partner's own address in place of its."""
    partner, attempt = request.partner, request.attempt
    if request.role is not Role.BORROWING or attempt is None:
        return partner
    supplier = attempt.supplier
    if not is_behind_partner(attempt):
        return replace(partner, name=partner.name or supplier.name, address=supplier.address or partner.address)
    return LibraryParty(
        symbol=supplier.symbol,
        profile=partner.profile,
        name=supplier.name or supplier.symbol,
        address=supplier.address or supplier.symbol,
    )
