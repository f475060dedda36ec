"""Undo: what the user did a moment ago is taken back, as far as nobody has gone on since."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.request import Request, VolumeState
from gateway.domain.requests.views import ActionRequest, EventDenied, NotFound, VersionConflict
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.requests.undone_acts import GoneOutError
from gateway.web.html.assets import HEADERS
from gateway.web.staff.recent_acts import UNDO_MINUTES, DoneEvent, RecentAct
from gateway.web.staff.request_words import tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest


async def undo_recent_act(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    act = request.parts.recent.take_act(form["act"], request.library.symbol, request.user.name)
    if act is None:
        banner = request.ngettext(
            "This can no longer be undone: it was done more than %(num)s minute ago or has already been undone.",
            "This can no longer be undone: it was done more than %(num)s minutes ago or has already been undone.",
            UNDO_MINUTES,
        )
        return _answer_undo(request, request.path(), banner, "look")
    request.require_right(act.right)
    if act.mail:
        return await _put_back_mail(request, act)
    if act.marks:
        done = await request.library.bulk.take_back_marks(act.marks)
        return _tell_result(request, act, UndoResult(done=done, gone_on=len(act.marks) - done))
    return _tell_result(request, act, await _take_back_events(request, act))


async def _put_back_mail(request: StaffRequest, act: RecentAct) -> web.Response:
    try:
        await request.library.mails.put_back_mail(act.mail)
    except NotFound:  # a colleague has put it back, and may have decided about it
        banner = request.gettext("This email has already been restored.")
        return _answer_undo(request, act.back, banner, "look")
    return _answer_undo(request, act.back, request.gettext("The email is listed as unmatched again."), "good")


@value_object(kw_only=True)
class UndoResult:
    """Numbers of requests. `only`: the one, where there was but one, and `before` as it was then; `gone_on`: somebody
    has done something with them since; `gone_out`: others have been told of it; `refused`: by the library's system, or
    it doesn't answer."""

    done: int
    only: Request | None = None
    before: Request | None = None
    gone_on: int = 0
    gone_out: int = 0
    refused: int = 0


async def _take_back_events(request: StaffRequest, act: RecentAct) -> UndoResult:
    done = gone_on = gone_out = refused = 0
    undone: Request | None = None
    for event in act.events:
        try:
            undone = await _take_back_event(request, event)
            done += 1
        except (NotFound, EventDenied, VersionConflict):
            gone_on += 1
        except GoneOutError:
            gone_out += 1
        except (Refused, Unavailable, OutcomeUnknown):
            refused += 1
    only, before = (undone, act.events[0].act.before) if len(act.events) == 1 else (None, None)
    return UndoResult(done=done, only=only, before=before, gone_on=gone_on, gone_out=gone_out, refused=refused)


async def _take_back_event(request: StaffRequest, event: DoneEvent) -> Request:
    """Take back an event; raises NotFound, EventDenied, VersionConflict, Refused, Unavailable, OutcomeUnknown."""
    act, actor = event.act, request.user.actor
    inverse = EVENT_CATALOGUE[act.kind].inverse
    if inverse is None:
        return await request.library.requests.undo_act(act, actor)
    action = ActionRequest(kind=inverse, details=event.details, actor=actor, version=act.version, confirmed=True)
    return await request.library.requests.apply_action(act.before.id, action)


def _tell_result(request: StaffRequest, act: RecentAct, result: UndoResult) -> web.Response:
    sentences = []
    if result.only is not None:
        sentences.append(_describe_undone(request, result.only, result.before))
    elif result.done:
        sentences.append(request.ngettext("%(num)s undone.", "%(num)s undone.", result.done))
    if result.gone_on:
        sentences.append(
            request.ngettext(
                "%(num)s was not undone because somebody has changed it since.",
                "%(num)s were not undone because somebody has changed them since.",
                result.gone_on,
            )
        )
    if result.gone_out:
        sentences.append(
            request.ngettext(
                "%(num)s was not undone because others have already been told.",
                "%(num)s were not undone because others have already been told.",
                result.gone_out,
            )
        )
    if result.refused:
        sentences.append(
            request.ngettext(
                "%(num)s was not undone because the library system refused or did not respond.",
                "%(num)s were not undone because the library system refused or did not respond.",
                result.refused,
            )
        )
    all_done = not (result.gone_on or result.gone_out or result.refused)
    return _answer_undo(request, act.back, " ".join(sentences), "good" if all_done else "look")


def _describe_undone(request: StaffRequest, undone: Request, before: Request | None) -> str:
    """An act that its inverse takes back may lead elsewhere than it came from."""
    if before is None or (undone.state is before.state and _list_volume_states(undone) == _list_volume_states(before)):
        return request.gettext("Undone: %(number)s.", number=undone.number)
    if undone.state is before.state:
        return request.gettext("Undone: %(number)s. Please check its volumes.", number=undone.number)
    state = tag_of_request(undone, request.localization).word
    return request.gettext("Undone: %(number)s, but its status is now “%(state)s”.", number=undone.number, state=state)


def _list_volume_states(request: Request) -> list[VolumeState]:
    return [volume.state for volume in request.volumes]


def _answer_undo(request: StaffRequest, back: str, text: str, kind: str) -> web.Response:
    """Answer a script in JSON, people on the page they came from."""
    if request.is_asked_by_script:
        return web.json_response({"text": text}, headers=HEADERS)
    return request.redirect(back, text, kind)


PAGES = (StaffPage("POST", "/undo", undo_recent_act, Right.WORK_READ),)
