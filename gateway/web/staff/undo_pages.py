"""Undo: what the user did a moment ago is taken back, as far as nobody has gone on since."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.take_back import TAKEN_BACK_BY
from gateway.domain.requests.views import ActionRequest, EventDenied, NotFound, VersionConflict
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.web.staff.recent_acts import UNDO_MINUTES, DoneEvent, RecentAct
from gateway.web.staff.staff_request import StaffPage, StaffRequest


async def undo_recent_act(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    act = request.parts.recent.take_act(form["act"], request.library, request.user.name)
    if act is None:
        said = request.ngettext(
            "This can’t be taken back any more: it was done over %(num)s minute ago, or is taken back already.",
            "This can’t be taken back any more: it was done over %(num)s minutes ago, or is taken back already.",
            UNDO_MINUTES,
        )
        return request.redirect(request.path(), said, "look")
    request.require_right(act.right)
    if act.marks:
        done = await request.parts.bulk.take_back_marks(request.library, act.marks)
        return _tell_result(request, act, UndoResult(done=done, gone_on=len(act.marks) - done))
    return _tell_result(request, act, await _take_back_events(request, act))


@value_object(kw_only=True)
class UndoResult:
    """Numbers of requests. `gone_on`: somebody has done something with them since; `refused`: by the library's system,
    or it doesn't answer."""

    done: int
    gone_on: int = 0
    refused: int = 0


async def _take_back_events(request: StaffRequest, act: RecentAct) -> UndoResult:
    done = gone_on = refused = 0
    for event in act.events:
        try:
            await request.parts.requests.act(request.library, event.request_id, _make_inverse(request, event))
            done += 1
        except (NotFound, EventDenied, VersionConflict):
            gone_on += 1
        except (Refused, Unavailable, OutcomeUnknown):
            refused += 1
    return UndoResult(done=done, gone_on=gone_on, refused=refused)


def _make_inverse(request: StaffRequest, event: DoneEvent) -> ActionRequest:
    return ActionRequest(
        kind=TAKEN_BACK_BY[event.kind], details=event.details, actor=request.user.actor, version=event.version
    )


def _tell_result(request: StaffRequest, act: RecentAct, result: UndoResult) -> web.Response:
    said = [request.ngettext("%(num)s taken back.", "%(num)s taken back.", result.done)]
    if result.gone_on:
        said.append(
            request.ngettext(
                "%(num)s stays as it is, since somebody has gone on with it.",
                "%(num)s stay as they are, since somebody has gone on with them.",
                result.gone_on,
            )
        )
    if result.refused:
        said.append(
            request.ngettext(
                "%(num)s stays as it is, since the library’s system refuses it or does not answer.",
                "%(num)s stay as they are, since the library’s system refuses it or does not answer.",
                result.refused,
            )
        )
    return request.redirect(act.back, " ".join(said), "good" if len(said) == 1 else "look")


PAGES = (StaffPage("POST", "/undo", undo_recent_act, Right.WORK_READ),)
