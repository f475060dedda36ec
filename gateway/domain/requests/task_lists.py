"""The task lists of staff: which requests wait for a person, and for what. Rules as data, like the state tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.domain.requests.request import (
    TERMINAL,
    AttemptStatus,
    BorrowingState,
    BrokeredDelivery,
    LendingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
    State,
)
from gateway.domain.value import value_object


@value_object
class TaskCondition:
    """A condition beside state and flags, by its name in the printed list."""

    name: str
    holds: Callable[[Request], bool]


@value_object
class TaskListRule:
    """A request is on the list when its role fits (None: both), its state is one of `states`, it has one of `flags`
    (empty: whatever its flags) and `only` holds."""

    name: str
    role: Role | None
    states: frozenset[State]
    description: str
    flags: frozenset[RequestFlag] = frozenset()
    only: TaskCondition | None = None

    def includes_request(self, request: Request) -> bool:
        return (
            request.state in self.states
            and (self.role is None or request.role is self.role)
            and (not self.flags or not self.flags.isdisjoint(request.flags))
            and (self.only is None or self.only.holds(request))
        )


TO_PULL = "to-pull"
"""The list with which staff go to the shelves."""

_B, _L = BorrowingState, LendingState
_HERE: tuple[State, ...] = (_B.SHIPPED, _B.RECEIVED, _B.LENT, _B.BACK)

OPEN_QUERY = TaskCondition("the patron has not answered", lambda r: r.query is not None and not r.query.answer)
TO_SEND_BACK = TaskCondition(
    "unwanted, or an extra item",
    lambda r: (
        (RequestFlag.UNWANTED in r.flags and r.state in _HERE)
        or any(attempt.status is AttemptStatus.EXTRA for attempt in r.attempts)
    ),
)
NOT_BROKERED = TaskCondition("no broker's", lambda r: not r.is_brokered)
SEVERAL = TaskCondition(
    "several candidates, no broker's",
    lambda r: len(r.candidates) > 1 and not r.item_barcode and NOT_BROKERED.holds(r),
)
NOT_SEVERAL = TaskCondition(
    "at most one candidate, no broker's", lambda r: not SEVERAL.holds(r) and NOT_BROKERED.holds(r)
)
PIECE = TaskCondition(
    "no copy, no broker's", lambda r: r.service.type is not ServiceType.COPY and NOT_BROKERED.holds(r)
)
COPY_TO_MAKE = TaskCondition(
    "a copy, also one that is promised",
    lambda r: r.state is _L.DIGITISING or (r.service.type is ServiceType.COPY and NOT_BROKERED.holds(r)),
)
COMES_HERE = TaskCondition(
    "not what goes straight from supplier to requester",
    lambda r: not r.is_brokered or (r.other_leg is not None and r.other_leg.delivery is BrokeredDelivery.BROKER),
)

UNDER_WAY = TaskCondition("not arrived yet", lambda r: RequestFlag.ARRIVED not in r.flags)

_OPEN_BORROWING = frozenset(_B) - TERMINAL
_ALL: frozenset[State] = frozenset((*_B, *_L))


def _borrowing_list(
    name: str, states: Iterable[State], description: str, *flags: RequestFlag, only: TaskCondition | None = None
) -> TaskListRule:
    return TaskListRule(name, Role.BORROWING, frozenset(states), description, frozenset(flags), only)


def _lending_list(
    name: str, states: Iterable[State], description: str, *flags: RequestFlag, only: TaskCondition | None = None
) -> TaskListRule:
    return TaskListRule(name, Role.LENDING, frozenset(states), description, frozenset(flags), only)


TASKS: tuple[TaskListRule, ...] = (
    _borrowing_list("unread-borrowing", _B, "unread messages from suppliers", RequestFlag.UNREAD),
    _lending_list("unread-lending", _L, "unread messages from requesters", RequestFlag.UNREAD),
    _borrowing_list("awaiting-review", [_B.REVIEW], "awaiting staff review"),
    _borrowing_list("no-supplier", [_B.NO_SUPPLIER], "no suppliers left"),
    _borrowing_list("condition-to-answer", [_B.CONDITIONAL], "a supplier has set a condition", only=NOT_BROKERED),
    _borrowing_list("price-to-check", _B, "sent at a price that nobody has agreed to", RequestFlag.PRICE_OPEN),
    _borrowing_list("to-receive", [_B.SHIPPED], "shipped to us", only=COMES_HERE),
    _borrowing_list(
        "in-transit", [_B.RECEIVED], "in transit to the pickup location", RequestFlag.IN_TRANSIT, only=UNDER_WAY
    ),
    _borrowing_list("arrived", [_B.RECEIVED], "arrived at the pickup location: shelve it", RequestFlag.ARRIVED),
    _borrowing_list("not-collected", [_B.RECEIVED], "hold-shelf period ended", RequestFlag.NOT_COLLECTED),
    _borrowing_list("overdue", _HERE, "overdue at the patron or the lender", RequestFlag.OVERDUE, only=NOT_BROKERED),
    _borrowing_list("lost", [_B.LOST], "lost: settle the loss with the lender", only=NOT_BROKERED),
    _borrowing_list("recalled", _HERE, "recalled by the lender", RequestFlag.RECALLED, only=NOT_BROKERED),
    _borrowing_list("to-return", [_B.BACK], "returned by the patron: return to the lender", only=COMES_HERE),
    # an extra item may lie here when the request itself is over
    _borrowing_list("unwanted", _B, "received but no longer needed: return to the lender", only=TO_SEND_BACK),
    _borrowing_list("patron-question", _OPEN_BORROWING, "waiting for the patron's answer", only=OPEN_QUERY),
    _lending_list("new", [_L.NEW], "new, not answered yet", only=NOT_SEVERAL),
    _lending_list("to-locate", [_L.NEW], "several possible copies: choose one", only=SEVERAL),
    _lending_list(TO_PULL, [_L.LOCATED], "to pull from the shelf"),
    _lending_list("to-ship", [_L.WILL_SUPPLY], "will supply, not shipped yet", only=PIECE),
    _lending_list("to-digitise", [_L.DIGITISING, _L.WILL_SUPPLY], "copy to make", only=COPY_TO_MAKE),
    _lending_list("to-clear", [_L.CLEARANCE], "copy awaiting copyright clearance"),
    _lending_list("to-deliver", [_L.CLEARED], "copy to deliver"),
    _lending_list("cancel-to-answer", [_L.CANCEL_PENDING], "cancellation to answer", only=NOT_BROKERED),
    _lending_list(
        "renewal-to-answer",
        [_L.SHIPPED],
        "renewal to answer",
        RequestFlag.RENEWAL_PENDING,
        only=NOT_BROKERED,
    ),
    _lending_list("overdue-out", [_L.SHIPPED], "overdue", RequestFlag.OVERDUE),
    _lending_list("lost-out", [_L.LOST], "lost: settle the loss with the requester", only=NOT_BROKERED),
    _lending_list("to-check-in", [_L.RETURNED], "returned, in transit to us", only=COMES_HERE),
    _lending_list("return-late", [_L.RETURNED], "returned, not arrived in time", RequestFlag.RETURN_LATE),
    TaskListRule(
        "to-tell", None, _ALL, "a notice could not be sent: tell the patron in person", frozenset({RequestFlag.TO_TELL})
    ),
    TaskListRule("trouble", None, _ALL, "a partner rejected our message", frozenset({RequestFlag.TROUBLE})),
    TaskListRule(
        "untold", None, _ALL, "no message could tell the partner: write or phone", frozenset({RequestFlag.UNTOLD})
    ),
    TaskListRule("stranger", None, _ALL, "a message came from another sender", frozenset({RequestFlag.STRANGER})),
)

DEAD_LETTERS = "dead-letters"
"""What the outbox has given up: listed and counted by the outbox, beside the task lists of requests."""

MAILBOXES_AWAY = "mailboxes-away"
"""Mailboxes that can't be read: no requests, and nothing that staff can mend, but partners' answers stay there."""

UNMATCHED_MAILS = "unmatched-mails"
"""Mails that fit no request: listed and counted by the mailboxes, beside the task lists of requests."""

BY_NAME = {task.name: task for task in TASKS}


def list_task_names(request: Request) -> tuple[str, ...]:
    """Names of the lists that it is on, in the order of TASKS."""
    return tuple(task.name for task in _MAY[request.role, request.state] if task.includes_request(request))


_MAY: dict[tuple[Role, State], tuple[TaskListRule, ...]] = {
    (role, state): tuple(t for t in TASKS if state in t.states and t.role in (role, None))
    for role, states in ((Role.BORROWING, _B), (Role.LENDING, _L))
    for state in states
}
