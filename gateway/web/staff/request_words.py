"""A request in the words of staff: its state as a tag, whose move it is, what each act is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import Request, RequestFlag, Role
from gateway.domain.requests.task_lists import OPEN_QUERY
from gateway.domain.value import value_object
from gateway.services.localization import Localization, mark_text


@value_object
class StateTag:
    """`kind` is the shape and tint (page-design), `word` the exact state."""

    kind: str
    word: str


_BORROWING: Mapping[str, tuple[str, str]] = {
    B.NEW: ("waiting", mark_text("New")),
    B.REVIEW: ("todo", mark_text("To be reviewed")),
    B.SOURCING: ("waiting", mark_text("Choosing whom to ask")),
    B.NO_SUPPLIER: ("todo", mark_text("Nobody left to ask")),
    B.REQUESTED: ("waiting", mark_text("Asked")),
    B.HOLD_PLACED: ("waiting", mark_text("Reserved there")),
    B.WILL_SUPPLY: ("waiting", mark_text("Promised")),
    B.CONDITIONAL: ("look", mark_text("Condition to answer")),
    B.CANCEL_PENDING: ("waiting", mark_text("Being cancelled")),
    B.SHIPPED: ("way", mark_text("On its way to us")),
    B.RECEIVED: ("good", mark_text("Here")),
    B.LENT: ("good", mark_text("With the reader")),
    B.BACK: ("todo", mark_text("To be sent back")),
    B.RETURNED: ("way", mark_text("On its way back")),
    B.COMPLETED: ("closed", mark_text("Finished")),
    B.CANCELLED: ("closed", mark_text("Cancelled")),
    B.UNFILLED: ("closed", mark_text("Not supplied")),
    B.EXPIRED: ("closed", mark_text("Expired")),
    B.LOST: ("late", mark_text("Lost")),
}

_LENDING: Mapping[str, tuple[str, str]] = {
    L.NEW: ("todo", mark_text("To be answered")),
    L.LOCATED: ("todo", mark_text("To be fetched")),
    L.HOLD_PLACED: ("waiting", mark_text("Reserved here")),
    L.WILL_SUPPLY: ("todo", mark_text("To be sent")),
    L.CONDITIONAL: ("waiting", mark_text("Condition set")),
    L.DIGITISING: ("todo", mark_text("To be copied")),
    L.CLEARANCE: ("todo", mark_text("To be cleared")),
    L.CLEARED: ("todo", mark_text("To be delivered")),
    L.CANCEL_PENDING: ("look", mark_text("They want to cancel")),
    L.SHIPPED: ("way", mark_text("Out on loan")),
    L.RETURNED: ("way", mark_text("On its way to us")),
    L.COMPLETED: ("closed", mark_text("Finished")),
    L.CANCELLED: ("closed", mark_text("Cancelled")),
    L.UNFILLED: ("closed", mark_text("Refused")),
    L.EXPIRED: ("closed", mark_text("Expired")),
    L.FORWARDED: ("closed", mark_text("Passed on")),
    L.LOST: ("late", mark_text("Lost")),
}

_FLAGS: tuple[tuple[Callable[[Request], bool], str, str], ...] = (
    (lambda r: RequestFlag.TROUBLE in r.flags, "late", mark_text("Message refused")),
    (lambda r: RequestFlag.RECALLED in r.flags, "late", mark_text("Recalled")),
    (lambda r: RequestFlag.OVERDUE in r.flags, "late", mark_text("Overdue")),
    (
        lambda r: RequestFlag.RENEWAL_PENDING in r.flags and r.role is Role.LENDING,
        "look",
        mark_text("Renewal to answer"),
    ),
    (OPEN_QUERY.holds, "look", mark_text("Question to the reader")),
)
"""What wins over the state, most pressing first; of open requests only."""


def tag_of_state(role: Role, state: str, localization: Localization) -> StateTag:
    """Without flags, as lists of states show it."""
    kind, word = (_BORROWING if role is Role.BORROWING else _LENDING)[state]
    return StateTag(kind, localization.gettext(word))


def tag_of_request(request: Request, localization: Localization) -> StateTag:
    if request.open:
        for holds, kind, word in _FLAGS:
            if holds(request):
                return StateTag(kind, localization.gettext(word))
    return tag_of_state(request.role, request.state.value, localization)
