"""Acts that staff did a moment ago and can take back, by "Undo" on the page that follows.

Kept in the memory of this process for ten minutes: who comes later, or to another node, is told so.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from datetime import datetime, timedelta

from gateway.domain.clock import Clock
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request, VolumeState
from gateway.domain.requests.take_back import MarkChange, is_undoable
from gateway.domain.requests.views import UndoableAct
from gateway.domain.roles import Right
from gateway.domain.value import value_object

UNDO_MINUTES = 10

MAX_RECENT_ACTS = 500
"""Those of longest ago are forgotten first."""


@value_object(kw_only=True)
class DoneEvent:
    """The event of one request. `details`: for the event by which it is taken back."""

    act: UndoableAct
    details: EventDetails


@value_object(kw_only=True)
class RecentAct:
    """`right`: what doing it asked for; `back`: the page that it was done on. Either marks were changed, or
    events happened, or a mail (`mail`: its id) was dismissed."""

    library: str
    user: str
    right: Right
    back: str
    marks: tuple[MarkChange, ...] = ()
    events: tuple[DoneEvent, ...] = ()
    mail: str = ""


def note_done_event(before: Request, after: Request, kind: EventKind, details: EventDetails) -> DoneEvent | None:
    """None: nothing takes it back."""
    if EVENT_CATALOGUE[kind].inverse is None and not is_undoable(before, after, kind):
        return None
    act = UndoableAct(before=before, version=after.version, kind=kind)
    return DoneEvent(act=act, details=EventDetails(volumes=details.volumes or _list_moved_volumes(before, after, kind)))


def _list_moved_volumes(before: Request, after: Request, kind: EventKind) -> tuple[str, ...]:
    """Those to which it happened: others of the request are left alone when it is taken back. What was never checked
    out is not checked in."""
    states = {volume.id: volume.state for volume in before.volumes}
    if kind is EventKind.RETURNED_BY_PATRON:
        return tuple(id_ for id_, state in states.items() if state is VolumeState.LENT)
    return tuple(volume.id for volume in after.volumes if states.get(volume.id) is not volume.state)


class RecentActs:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._acts: OrderedDict[str, tuple[datetime, RecentAct]] = OrderedDict()

    def keep_act(self, act: RecentAct) -> str:
        """The word by which it is taken back; empty: there is nothing to take back."""
        if not (act.marks or act.events or act.mail):
            return ""
        word = secrets.token_urlsafe(12)
        self._acts[word] = self._clock.now(), act
        while len(self._acts) > MAX_RECENT_ACTS:
            self._acts.popitem(last=False)
        return word

    def take_act(self, word: str, library: str, user: str) -> RecentAct | None:
        """Take an act once, and only for who did it. None: it was too long ago, or was taken back, or is somebody
        else's."""
        if word not in self._acts:
            return None
        at, act = self._acts[word]
        if (act.library, act.user) != (library, user):
            return None
        del self._acts[word]
        return act if self._clock.now() - at <= timedelta(minutes=UNDO_MINUTES) else None
