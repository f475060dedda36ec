"""Undoing of an act of staff, and what is left alone then because others have gone on.

An event is taken back by an event of its own, where there is one that does: what has happened stays in the history.
Others are undone, by the event `undone`, as long as nobody has been told of them: the request is what it was before.
Marks (who sees to it, labels) are set back to what they were.
"""

from __future__ import annotations

from datetime import datetime

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import LendingState, Request, RequestFlag
from gateway.domain.requests.state_machine import TABLES
from gateway.domain.requests.state_table import ForbiddenCell
from gateway.domain.value import replace, value_object


def is_undoable(before: Request, after: Request, kind: EventKind) -> bool:
    """Return whether an act that made `after` of `before` is of a kind that can be undone. What we broker was passed on
    at once, a further word about what is out already has gone with it."""
    if before.other_leg is not None or after.version != before.version + 1:
        return False
    if kind is EventKind.SHIPPED and before.state is LendingState.SHIPPED and not _ships_more(before, after):
        return False
    if before.role not in EVENT_CATALOGUE[kind].undoable:
        return False
    cell = TABLES[after.role].find_cell(after.state, local_signal(EventKind.UNDONE))
    return not isinstance(cell, ForbiddenCell) and any(branch.to is before.state for branch in cell)


def _ships_more(before: Request, after: Request) -> bool:
    """Return whether a further volume has gone out, and those that were out are the items that they were: a loan that
    was ended for another is not begun anew."""
    was = {volume.id: volume for volume in before.volumes}
    out = [volume for volume in after.volumes if volume.id in was and volume.state is was[volume.id].state]
    return len(out) < len(after.volumes) and all(volume.barcode == was[volume.id].barcode for volume in out)


def make_undo_event(before: Request, kind: EventKind, at: datetime, actor: str) -> Event:
    details = EventDetails(status=before.state.value, reason=kind.value)
    return Event(local_signal(EventKind.UNDONE), at, actor, details)


def restore_request(now: Request, before: Request) -> Request:
    """Restore a request as it was before the act, still in its present state and version: the state table has the last
    word. Marks and numbers that don't count as changes, and what was read since, stay."""
    return replace(
        before,
        state=now.state,
        version=now.version,
        changed=now.changed,
        flags=(before.flags - {RequestFlag.UNREAD}) | (now.flags & {RequestFlag.UNREAD}),
        assignee=now.assignee,
        labels=now.labels,
        external=now.external,
    )


@value_object(kw_only=True)
class MarkChange:
    """The change that an act has made to the marks of one request."""

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
    """Take back the marks; what somebody else has changed since stays: another assignee, and labels that the act had
    nothing to do with."""
    is_own = request.assignee == change.assignee_after
    added = set(change.labels_after) - set(change.labels_before)
    removed = tuple(label for label in change.labels_before if label not in change.labels_after)
    labels = tuple(dict.fromkeys((*(label for label in request.labels if label not in added), *removed)))
    return replace(request, assignee=change.assignee_before if is_own else request.assignee, labels=labels)
