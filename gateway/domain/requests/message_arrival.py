"""What a partner says that shows that a message of ours has reached it, whatever became of its confirmation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gateway.domain.requests.events import Event, EventOrigin
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Role

_ANSWERS: Mapping[tuple[Role, K], frozenset[K]] = {
    (Role.BORROWING, K.RENEW): frozenset({K.RENEW_ACCEPTED, K.RENEW_REFUSED}),
    (Role.BORROWING, K.CANCEL): frozenset({K.CANCEL_ACCEPTED, K.CANCEL_REFUSED}),
    (Role.BORROWING, K.CONDITION_REFUSED): frozenset({K.CANCEL_ACCEPTED, K.CANCEL_REFUSED}),
    (Role.BORROWING, K.STATUS_QUERY): frozenset({K.STATUS_REPORT}),
    (Role.BORROWING, K.RETURNED): frozenset({K.CHECKED_IN}),
    (Role.LENDING, K.CONDITIONAL): frozenset({K.CONDITION_ACCEPTED, K.CONDITION_REFUSED}),
    (Role.LENDING, K.SHIPPED): frozenset({K.RECEIVED, K.RETURNED}),
}
"""By our role and the kind of the message. A request is answered by whatever its supplier says of it."""


def proves_arrival(event: Event, kind: K, role: Role, attempt: int) -> bool:
    """Whether this event, that came after the message of this `kind`, shows that it has arrived. `attempt`: of the
    supplier that it went to; 0 as a lender."""
    if event.signal.origin is not EventOrigin.PARTNER or (role is Role.BORROWING and event.attempt != attempt):
        return False
    if (role, kind) == (Role.BORROWING, K.REQUEST):
        return event.kind is not K.REJECTED  # as which its refusal of the message is kept
    is_report = event.kind is K.STATUS_REPORT or event.details.reported is not None
    answers = _ANSWERS.get((role, kind), frozenset())
    return event.kind in answers or (is_report and K.STATUS_REPORT in answers)


def has_been_answered(events: Sequence[Event], kind: K, role: Role, attempt: int, at: datetime) -> bool:
    """`events`: the request's history, oldest first; `at`: of the event that the message tells."""
    return any(proves_arrival(event, kind, role, attempt) for event in _list_later_events(events, at))


def _list_later_events(events: Sequence[Event], at: datetime) -> Iterable[Event]:
    """Those behind the last event of ours at that moment; several may share it."""
    ours = [n for n, event in enumerate(events) if event.at == at and event.signal.origin is not EventOrigin.PARTNER]
    return events[ours[-1] + 1 :] if ours else [event for event in events if event.at > at]
