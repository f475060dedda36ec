"""Suppliers of a request: those that were asked, passed over, or are still to be asked."""

from __future__ import annotations

from gateway.domain.requests.events import NamedSupplier
from gateway.domain.requests.request import BorrowingState, FormerSupplier, Request, RotaLineStatus
from gateway.domain.requests.supplier_takeover import is_behind_partner
from gateway.domain.sentences import strip_full_stop
from gateway.domain.value import replace, value_object
from gateway.web.staff.coded_words import ATTEMPTS, describe_reason
from gateway.web.staff.staff_request import StaffRequest

MAX_NEAR_SUPPLIERS = 5
"""Around the one that is asked now."""


@value_object(kw_only=True)
class ShownSupplier:
    """A line of "Who is asked". `number`: of the attempt, or place among those still to be asked; `moves`: the buttons
    that change the order; `is_far`: on a telephone it is shown when all are asked for."""

    number: str
    partner: str
    profile: str
    kind: str = ""
    word: str = ""
    texts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    over: bool = False
    current: bool = False
    moves: tuple[str, ...] = ()
    is_far: bool = False


def list_suppliers(page: StaffRequest, request: Request) -> tuple[ShownSupplier, ...]:
    """Those who were asked, those passed over, then those still to be asked, in their order."""
    suppliers = [_show_attempt(page, request, number) for number in range(1, len(request.attempts) + 1)]
    tried = {attempt.partner for attempt in request.attempts}
    passed = [
        ShownSupplier(
            number="",
            partner=page.context.name_of_partner(line.partner),
            profile=line.partner,
            kind="closed",
            word=page.gettext("Skipped"),
            remarks=(page.localization.translate_stored(line.why),) if line.why else (),
            over=True,
        )
        for line in request.rota
        if line.standing is RotaLineStatus.SKIPPED and line.partner not in tried
    ]
    return mark_far_suppliers((*suppliers, *passed, *_show_waiting(page, request)))


def mark_far_suppliers(suppliers: tuple[ShownSupplier, ...]) -> tuple[ShownSupplier, ...]:
    """Mark, of many, all but those around the one that is asked now, or else the one that is asked next."""
    if len(suppliers) <= MAX_NEAR_SUPPLIERS:
        return suppliers
    middle = next((at for at, supplier in enumerate(suppliers) if supplier.current), None)
    if middle is None:
        middle = next(
            (at for at, supplier in enumerate(suppliers) if supplier.moves or not supplier.over), len(suppliers)
        )
    first = max(0, min(middle - 1, len(suppliers) - MAX_NEAR_SUPPLIERS))
    near = range(first, first + MAX_NEAR_SUPPLIERS)
    return tuple(replace(supplier, is_far=at not in near) for at, supplier in enumerate(suppliers))


def _show_attempt(page: StaffRequest, request: Request, number: int) -> ShownSupplier:
    attempt = request.attempts[number - 1]
    kind, word = ATTEMPTS[attempt.status]
    gettext, localization = page.gettext, page.localization
    texts = [gettext("Requested %(day)s.", day=strip_full_stop(page.format_short(attempt.asked)))]
    if attempt.answered is not None:
        texts.append(gettext("Answered %(day)s.", day=strip_full_stop(page.format_short(attempt.answered))))
    if attempt.reason:
        texts.append(gettext("Reason: %(reason)s.", reason=describe_reason(attempt.reason, localization)))
    if attempt.retry_after is not None:
        texts.append(gettext("Retry on or after %(day)s.", day=localization.format_day(attempt.retry_after)))
    if is_behind_partner(attempt):
        texts.append(gettext("Supplier: %(supplier)s.", supplier=name_supplier(attempt.supplier)))
    texts += [_describe_former(page, supplier) for supplier in attempt.former]
    line = next((rota_line for rota_line in request.rota if rota_line.partner == attempt.partner), None)
    why = localization.translate_stored(line.why) if line is not None else ""
    remarks = [*filter(None, (why, localization.translate_stored(attempt.holdings)))]
    is_current = number == request.current
    return ShownSupplier(
        number=str(number),
        partner=page.context.name_of_partner(attempt.partner) or attempt.symbol,
        profile=attempt.partner,
        kind=kind,
        word=gettext(word),
        texts=tuple(texts),
        remarks=tuple(remarks),
        over=not is_current,
        current=is_current,
    )


def name_supplier(supplier: NamedSupplier) -> str:
    return f"{supplier.name} ({supplier.symbol})" if supplier.name else supplier.symbol


def _describe_former(page: StaffRequest, former: FormerSupplier) -> str:
    """A library behind a broker, and why it is out."""
    _, word = ATTEMPTS[former.status]
    reason = describe_reason(former.reason, page.localization) if former.reason else ""
    note = page.localization.translate_stored(former.note) if former.note else ""
    why = strip_full_stop("; ".join(filter(None, (reason or page.gettext(word), note))))
    return page.gettext("%(supplier)s: %(reason)s.", supplier=former.name or former.symbol, reason=why)


_SENT = frozenset(
    {BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK, BorrowingState.RETURNED}
)
"""A supplier has sent it: nobody is next."""


def _show_waiting(page: StaffRequest, request: Request) -> tuple[ShownSupplier, ...]:
    waiting = [line for line in request.rota if line.standing is RotaLineStatus.WAITING]
    first = len(request.attempts) + 1
    is_wanted = request.open and request.state not in _SENT
    suppliers = []
    for index, line in enumerate(waiting):
        moves = (*(("up",) if index else ()), *(("down",) if index + 1 < len(waiting) else ()), "skip")
        texts = (page.gettext("Last resort."),) if line.last_resort else ()
        suppliers.append(
            ShownSupplier(
                number=str(first + index),
                partner=page.context.name_of_partner(line.partner),
                profile=line.partner,
                kind="waiting" if is_wanted and not index else "",
                word=page.gettext("Next") if is_wanted and not index else "",
                texts=texts,
                remarks=(page.localization.translate_stored(line.why),) if line.why else (),
                moves=moves if is_wanted else (),
            )
        )
    return tuple(suppliers)
