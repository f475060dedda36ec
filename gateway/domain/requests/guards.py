"""The conditions that the tables name. A name completes the sentence 'this is possible only if …'."""

from __future__ import annotations

from gateway.domain.requests.events import Event
from gateway.domain.requests.request import AttemptStatus, Flag, Request, ServiceType, VolumeState
from gateway.domain.requests.table import Guard, Test
from gateway.domain.requests.workflow import Workflow


def _guard(name: str, test: Test) -> Guard:
    return Guard(name, test)


def both(one: Guard, other: Guard) -> Guard:
    return Guard(f"{one.name}, {other.name}", lambda r, e, w: one.holds(r, e, w) and other.holds(r, e, w))


def _flag(flag: Flag) -> Test:
    return lambda request, _event, _workflow: flag in request.flags


def _attempt_is(*statuses: AttemptStatus) -> Test:
    return lambda r, _e, _w: r.attempt is not None and r.attempt.status in statuses


def _volumes_left(*states: VolumeState) -> Test:
    """Whether volumes in one of these states are left that the event is not about."""

    def holds(request: Request, event: Event, _workflow: Workflow) -> bool:
        named = event.details.volumes
        return bool(named) and any(v.state in states and v.id not in named for v in request.volumes)

    return holds


# --- what is asked for, by whom --------------------------------------------------------------------------

COPY = _guard("a copy is asked for", lambda r, _e, _w: r.service.type is ServiceType.COPY)
LOAN = _guard("a loan will do", lambda r, _e, _w: r.service.type is not ServiceType.COPY)
COPY_WILL_DO = _guard("a copy will do", lambda r, _e, _w: r.service.type is not ServiceType.LOAN)
MEDIATED = _guard("staff look first", lambda r, _e, _w: r.mediated)

# --- the supplier and what it said -----------------------------------------------------------------------

SUPPLIER_CHOSEN = _guard("a supplier is chosen", _attempt_is(AttemptStatus.ASKED))
SUPPLIER_ASKED = _guard("a supplier was asked", lambda r, _e, _w: bool(r.attempts))
HELD = _guard("the supplier placed a hold", _attempt_is(AttemptStatus.HOLD_PLACED))
PROMISED = _guard("the supplier will supply", _attempt_is(AttemptStatus.WILL_SUPPLY))
CONDITION_OPEN = _guard("the supplier set a condition", _attempt_is(AttemptStatus.CONDITIONAL))
OLD_NEWS = _guard("the item was lost or is back already", _attempt_is(AttemptStatus.LOST, AttemptStatus.COMPLETED))
ELECTRONIC = _guard("it came as a link or file", lambda _r, e, _w: bool(e.details.link or e.details.attachment))
MAY_CANCEL = _guard("the partner takes cancellations", lambda _r, _e, w: w.borrowing.cancel)
ENDS_AT_RETURN = _guard("the partner tells no check-in", lambda _r, _e, w: not w.borrowing.expects_check_in)

# --- what is true of the request -------------------------------------------------------------------------

EXPIRING = _guard("it is expiring", _flag(Flag.EXPIRING))
UNWANTED = _guard("nobody waits for it", _flag(Flag.UNWANTED))
RECALLED = _guard("it is recalled", _flag(Flag.RECALLED))
TO_GO_BACK = _guard(
    "nobody waits for it or it is recalled", lambda r, _e, _w: bool(r.flags & {Flag.UNWANTED, Flag.RECALLED})
)
RENEWAL_PENDING = _guard("a renewal is open", _flag(Flag.RENEWAL_PENDING))
MAY_RENEW = _guard(
    "renewals are possible, none is open and the item is not recalled",
    lambda r, _e, w: (
        w.borrowing.renew and r.terms.renewals_allowed and not r.flags & {Flag.RENEWAL_PENDING, Flag.RECALLED}
    ),
)
DATE_IS_NEWS = _guard(
    "no due date is known yet", lambda r, e, _w: r.terms.lender_due is None and e.details.due is not None
)
RETRY_OPEN = _guard(
    "a supplier may be asked again later",
    lambda r, e, _w: any(
        a.status is AttemptStatus.RETRY and a.retry_after is not None and a.retry_after > e.at.date()
        for a in r.attempts
    ),
)
QUESTION_OPEN = _guard(
    "this question to the patron is open",
    lambda r, e, _w: r.query is not None and not r.query.answer and e.details.query in ("", r.query.id),
)

# --- volumes ---------------------------------------------------------------------------------------------

MORE_TO_RECEIVE = _guard("more volumes are to come", _volumes_left(VolumeState.EXPECTED, VolumeState.SHIPPED))
MORE_TO_RETURN = _guard(
    "more volumes are here or to come",
    _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK),
)
MORE_WITH_PATRON = _guard("more volumes are with the patron", _volumes_left(VolumeState.LENT))
MORE_OUT = _guard("more volumes are out", _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED))
MORE_TO_CHECK_IN = _guard(
    "more volumes are to come back",
    _volumes_left(VolumeState.SHIPPED, VolumeState.RECEIVED, VolumeState.RETURNED),
)

# --- lending ---------------------------------------------------------------------------------------------

NO_ITEM = _guard("no item is chosen", lambda r, _e, _w: not r.item_barcode)
CANCEL_BY_RULE = _guard("cancellations are granted by rule", lambda _r, _e, w: w.lending.cancel == "grant")
CANCEL_REFUSED_BY_RULE = _guard("cancellations are refused by rule", lambda _r, _e, w: w.lending.cancel == "refuse")
CLEARANCE_NEEDED = _guard("copyright clearance is required", lambda _r, _e, w: w.lending.clearance == "required")
SIGNED_OFF = _guard("it is signed off or need not be", lambda r, _e, w: _may_deliver(r, w))
TAKES_CONDITIONS = _guard("the partner takes conditions", lambda _r, _e, w: w.lending.conditional)
TAKES_HOLDS = _guard("the partner takes hold-placed", lambda _r, _e, w: w.lending.hold_placed)


def _may_deliver(request: Request, workflow: Workflow) -> bool:
    return workflow.lending.clearance == "not-required" or (bool(request.sign_offs) and request.sign_offs[-1].granted)
