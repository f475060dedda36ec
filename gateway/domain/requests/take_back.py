"""What an act of staff is taken back by, and what is left alone then because others have gone on.

An event is taken back by an event of its own, where there is one that does: what has happened stays in the history.
Marks (who sees to it, labels) are set back to what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.domain.value import value_object

TAKEN_BACK_BY: Mapping[EventKind, EventKind] = {
    EventKind.LOANED_TO_PATRON: EventKind.RETURNED_BY_PATRON,
    EventKind.RETURNED_BY_PATRON: EventKind.LOANED_TO_PATRON,
}
"""Of events that no partner is told of and that happen in this house alone. All others have left it, or have changed
what the library's system knows of the item in a way that nothing changes back."""


@value_object(kw_only=True)
class MarkChange:
    """What an act has made of the marks of one request."""

    request_id: str
    assignee_before: str
    assignee_after: str
    labels_before: tuple[str, ...]
    labels_after: tuple[str, ...]


def note_mark_change(before: Request, after: Request) -> MarkChange | None:
    """None: nothing is to be taken back."""
    if (before.assignee, before.labels) == (after.assignee, after.labels):
        return None
    return MarkChange(
        request_id=before.id,
        assignee_before=before.assignee,
        assignee_after=after.assignee,
        labels_before=before.labels,
        labels_after=after.labels,
    )


def take_back_marks(request: Request, change: MarkChange) -> Request:
    """What somebody else has changed since stays: another assignee, and labels that the act had nothing to do with."""
    is_own = request.assignee == change.assignee_after
    added = set(change.labels_after) - set(change.labels_before)
    removed = tuple(one for one in change.labels_before if one not in change.labels_after)
    labels = tuple(dict.fromkeys((*(one for one in request.labels if one not in added), *removed)))
    return replace(request, assignee=change.assignee_before if is_own else request.assignee, labels=labels)
