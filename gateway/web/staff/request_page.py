"""One request at /staff/requests/NUMBER: whose move it is, what can be done, who is asked, what happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import MESSAGE_TROUBLES, AttemptStatus, Request, RequestFlag, RequestNote, Role
from gateway.domain.requests.task_lists import list_task_names
from gateway.domain.requests.views import CopyLinkView, NotFound, RequestView, ResultPage, UnfinishedStep
from gateway.domain.roles import Right
from gateway.domain.sentences import Sentence
from gateway.domain.value import replace, value_object
from gateway.services.letters.localization import Localization
from gateway.services.requests.outbox_row_names import name_outbox_row
from gateway.web.html.assets import HEADERS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.act_audience import name_act
from gateway.web.staff.act_forms import can_correct
from gateway.web.staff.act_options import SimilarRequest, choose_acts, list_similar_requests
from gateway.web.staff.coded_words import (
    describe_condition,
    describe_note,
    describe_reason,
    describe_send_error,
    describe_service,
    list_citation_rows,
)
from gateway.web.staff.copy_pages import describe_link, list_files
from gateway.web.staff.list_positions import find_list_position, read_list_address
from gateway.web.staff.message_pages import build_message_lines, describe_answer, list_message_actors
from gateway.web.staff.print_pages import list_shown_papers
from gateway.web.staff.request_access import ACT_RIGHTS, find_named_request, list_permitted_acts, load_request_view
from gateway.web.staff.request_limits import list_limits
from gateway.web.staff.request_panels import (
    find_own_copies,
    list_candidate_items,
    list_extra_rows,
    make_panels,
    show_patron,
)
from gateway.web.staff.request_story import FILTERS, StoryLine, StorySources, count_topics, name_partner, tell_story
from gateway.web.staff.request_suppliers import list_suppliers
from gateway.web.staff.request_words import NextMove, find_next_move, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_NOTICES = 50


async def show_request(page: StaffRequest) -> web.StreamResponse:
    view = await load_request_view(page)
    if view.request.number != page.http.match_info["number"]:
        return page.redirect(page.path("requests", view.request.number))
    page.parts.readers.note_opening(page.library.symbol, view.request.id, page.user.name, page.user.shown_name)
    return await render_request(page, view)


async def show_readers(page: StaffRequest) -> web.Response:
    """List who else has it open, for `request.js`, whose asking says that this page is open still."""
    named_request = await find_named_request(page)
    page.parts.readers.note_reading(page.library.symbol, named_request.id, page.user.name, page.user.shown_name)
    return web.json_response({"text": _describe_readers(page, named_request)}, headers=HEADERS)


async def reveal_reader(page: StaffRequest) -> web.StreamResponse:
    """Names and numbers of the reader, for whom they are masked; it is recorded."""
    await page.read_own_form()
    view = await load_request_view(page)
    await page.reveal_patron(view.request.number)
    return await render_request(page, view, revealed=True)


def find_message_path(page: StaffRequest, number: str, line: StoryLine) -> str:
    """Find where the message is that a line of the story came from; empty: it came from none, the journal has it no
    more, or it isn't for this user."""
    duration = timedelta(days=page.parts.retention.messages)
    if not line.exchange or line.at < page.parts.clock.now() - duration:
        return ""
    message = f"{line.exchange}-1"
    if page.sees_patrons:
        return page.path("requests", number, "journal", message)
    return page.path("operation", "journal", message) if page.has_right(Right.OPERATION) else ""


def _has_words(view: RequestView) -> bool:
    """Return whether people have written something about the request, other than what the program says of it."""
    notes = (line.event.details.note for line in view.history)
    return bool(view.request.notes) or any(note and not isinstance(note, Sentence) for note in notes)


async def render_request(
    page: StaffRequest,
    view: RequestView,
    checked: FormCheck | None = None,
    *,
    revealed: bool = False,
) -> web.Response:
    """`checked`: a form of the open act that had mistakes."""
    request, context = view.request, page.context
    gettext, localization = page.gettext, page.localization
    partner = name_partner(request, context)
    move = find_next_move(request, partner, localization)
    since = await _find_since(page, view, move)
    place = await find_list_position(page, request)
    reader = await show_patron(page, request, revealed=revealed)
    acts = await choose_acts(page, view, move, reader, checked)
    notices = await page.library.notices.list_notices(request.id, MAX_NOTICES, "")
    await page.actors.load_names(_list_actors(view))
    if not revealed and _has_words(view):
        await page.note_words_shown(request.number)
    by_mail = await page.library.journaled.list_events_by_mail(view)
    story = tell_story(
        StorySources(
            request=request,
            history=view.history,
            unfinished=view.unfinished,
            notices=notices.items,
            library_steps=view.library_steps,
            refused=view.refused,
            by_mail=by_mail,
        ),
        context,
        localization,
        page.actors,
    )
    chosen = page.http.query.get("show", "")
    topics = count_topics(story)
    lines = [line for line in story if not chosen or chosen not in topics or chosen in line.topics]
    heading = request.citation.component_title or request.citation.title or gettext("(no title)")
    return page.render(
        "request",
        request.number,
        status=checked.status if checked is not None else 200,
        help_topic="request",
        view=view,
        request=request,
        heading=heading,
        tag=tag_of_request(request, localization),
        theirs=find_their_number(request),
        service=describe_service(request.service, localization),
        unread=sum(message.unread for message in view.messages),
        place=place,
        in_list=place.address_of_acts if place is not None else read_list_address(page),
        move=move,
        since=since,
        partner=partner,
        condition=_describe_condition(page, view),
        acts=acts,
        act_label=lambda kind: name_act(page, request, kind),
        limits=list_limits(page, view, move),
        may_settle=_may_settle(page, request),
        act_hint=lambda kind: localization.translate_sentence(view.hints.get(kind, "")),
        checked=checked or FormCheck(page, SubmittedForm()),
        seen=view.history[-1].id if view.history else "",
        suppliers=list_suppliers(page, request),
        describe_why_not=lambda why: describe_reason(why, localization),
        can_order=page.has_right(Right.BORROWING_ACT) and request.role is Role.BORROWING,
        readers=_describe_readers(page, request),
        story=lines,
        message_path=lambda line: find_message_path(page, request.number, line),
        topics=[(topic, gettext(text, count=topics[topic])) for topic, text in FILTERS.items() if topic in topics],
        topic=chosen if chosen in topics else "",
        citation=list(list_citation_rows(request.citation, localization)),
        beside=await make_panels(page, view, reader, own=await find_own_copies(page, request)),
        items=await list_candidate_items(page, request),
        extra_rows=list_extra_rows(page, request),
        notes=_list_own_notes(request, localization),
        warnings=[localization.translate_stored(warning) for warning in request.warnings],
        similar=await _list_warned_similar(page, request),
        failed=_list_failed_messages(page, view),
        may_resend=page.has_right(Right.OUTBOX_RETRY),
        volumes=request.volumes if len(request.volumes) > 1 else (),
        can_note=K.NOTE in list_permitted_acts(page, view),
        lines=build_message_lines(page, reversed(view.messages), by_mail),
        answer=describe_answer(page, view),
        can_edit=K.EDIT in list_permitted_acts(page, view) and can_correct(context, request),
        files=list_files(page, request),
        papers=await list_shown_papers(page, request),
        copy_links=[describe_link(page, link) for link in await _find_copy_links(page, request)],
        can_attach=page.has_right(ACT_RIGHTS[request.role]),
        is_borrowing=request.role is Role.BORROWING,
        urgent=not request.flags.isdisjoint(_URGENT),
    )


async def _list_warned_similar(page: StaffRequest, request: Request) -> tuple[SimilarRequest, ...]:
    """List the requests of which intake has warned, while that decides something."""
    is_warned = bool(request.warnings) and page.context.policy().intake.duplicates.action != "allow"
    return await list_similar_requests(page, request) if is_warned and request.open else ()


def _describe_readers(page: StaffRequest, request: Request) -> str:
    """Colleagues who have it open, or had it open a moment ago; empty: none."""
    others = page.parts.readers.list_others(page.library.symbol, request.id, page.user.name)
    there = [viewer.shown_name for viewer in others if viewer.is_there]
    parts = []
    if there:
        names = page.localization.format_list(there)
        parts.append(
            page.ngettext("%(names)s also has this open.", "%(names)s also have this open.", len(there), names=names)
        )
    for request_viewer in others:
        if not request_viewer.is_there:
            age = page.format_age_in_words(request_viewer.since)
            parts.append(page.gettext("Opened %(age)s ago by %(name)s.", name=request_viewer.shown_name, age=age))
    return " ".join(parts)


def _list_actors(view: RequestView) -> Iterator[str]:
    """List whom the page names."""
    yield from (line.event.actor for line in view.history)
    yield from (note.by for note in view.request.notes)
    yield from list_message_actors(view.messages)


def _list_own_notes(request: Request, localization: Localization) -> list[RequestNote]:
    return [
        replace(note, text=describe_note(note.text, localization))
        for note in request.notes
        if not note.for_partner and not note.by.startswith("partner:")
    ]


async def _find_copy_links(page: StaffRequest, request: Request) -> Sequence[CopyLinkView]:
    """Find the links by which a copy went out."""
    if request.role is not Role.LENDING or not request.attachments:
        return ()
    return await page.library.copies.list_links(request.id)


def find_last_move(view: RequestView) -> datetime:
    """Find since when it is as it is."""
    moves = [line.at for line in view.history if line.before != line.after and not line.denied]
    return moves[-1] if moves else view.request.created


async def _find_since(page: StaffRequest, view: RequestView, move: NextMove) -> datetime:
    """Find since when it waits for this move: the time at which the task came, as lists have it."""
    if move.task not in list_task_names(view.request):
        return find_last_move(view)
    page_of_request = ResultPage((view.request,))
    return (await page.library.requests.find_waiting_since(move.task, page_of_request))[view.request.id]


def find_their_number(request: Request) -> str:
    """Find the number that the partner gives it."""
    if request.role is Role.LENDING:
        return request.transaction
    return request.attempt.theirs if request.attempt is not None else ""


def _describe_condition(page: StaffRequest, view: RequestView) -> Mapping[str, str]:
    """Describe what the supplier wants, in its words and as understood; empty: it sets no condition."""
    attempt = view.request.attempt
    if attempt is None or attempt.status not in (AttemptStatus.CONDITIONAL, AttemptStatus.OFFERED):
        return {}
    understood = []
    if attempt.status is AttemptStatus.OFFERED:
        understood.append(page.gettext("ask again"))
        understood += [describe_reason(attempt.reason, page.localization)] if attempt.reason else []
        if attempt.retry_after is not None:
            understood.append(page.gettext("from %(day)s", day=page.localization.format_day(attempt.retry_after)))
    understood += [describe_condition(condition.value, page.localization) for condition in attempt.conditions]
    if attempt.cost is not None:
        understood.append(page.gettext("cost %(money)s", money=page.localization.format_money(attempt.cost)))
    asking = (K.CONDITIONAL, K.RETRY)
    notes = [line.event.details.note for line in view.history if line.event.kind in asking and not line.denied]
    return {"words": notes[-1] if notes else "", "understood": "; ".join(understood)}


@value_object
class FailedMessage:
    """`id`: of its row in the outbox; `text`: which message it is; `reason`: why it failed, or the partner's words."""

    id: str
    text: str
    reason: str
    created: datetime


def _list_failed_messages(page: StaffRequest, view: RequestView) -> tuple[FailedMessage, ...]:
    """List what the partner refused, and what was given up until somebody decides."""
    return tuple(
        FailedMessage(
            step.id,
            page.localization.translate_sentence(_name_step(page, step)),
            describe_send_error(step.error, page.localization),
            step.created,
        )
        for step in _list_failed_steps(view)
    )


def _list_failed_steps(view: RequestView) -> tuple[UnfinishedStep, ...]:
    return (*view.refused, *(step for step in view.unfinished if step.status == "dead"))


def _name_step(page: StaffRequest, step: UnfinishedStep) -> str:
    return (
        name_outbox_row(step.kind, step.target, page.context)
        if step.event is None
        else EVENT_CATALOGUE[step.event].words
    )


_URGENT = frozenset({RequestFlag.RECALLED, RequestFlag.OVERDUE, RequestFlag.TROUBLE, RequestFlag.UNTOLD})


def _may_settle(page: StaffRequest, request: Request) -> bool:
    """Return whether something that a partner rejected or wasn't told, or a stranger wrote, waits for a decision of
    this user."""
    is_open = not request.flags.isdisjoint(MESSAGE_TROUBLES)
    return is_open and page.has_right(ACT_RIGHTS[request.role])


async def settle_rejection(page: StaffRequest) -> web.Response:
    """Settle what was rejected in another way, or what a stranger wrote and was looked at."""
    form = await page.read_own_form()
    named_request = await find_named_request(page)
    page.require_right(ACT_RIGHTS[named_request.role])
    back = page.path("requests", named_request.number, **read_list_address(page))
    checked = FormCheck(page, form)
    note = checked.read_line("note")
    if not checked.is_good:
        return page.redirect(back, " ".join(checked.problems.values()), "late")
    if not await page.library.desk.settle_rejection(named_request.id, note, page.origin.actor):
        return page.redirect(back, page.gettext("Nothing was changed."), "look")
    return page.redirect(back, page.gettext("Marked as settled. Nothing was sent."))


async def resend_message(page: StaffRequest) -> web.Response:
    """One that failed goes again, as it is."""
    await page.read_own_form()
    view = await load_request_view(page)
    wanted = page.http.match_info["message"]
    if all(step.id != wanted for step in _list_failed_steps(view)):
        raise NotFound("message")
    await page.library.desk.release(wanted, page.origin.actor)
    return page.redirect(page.path("requests", view.request.number), page.gettext("The message is being sent again."))


PAGES = (
    StaffPage("GET", "/requests/{number}", show_request, Right.WORK_READ),
    StaffPage("GET", "/requests/{number}/readers", show_readers, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/failed/{message}", resend_message, Right.OUTBOX_RETRY),
    StaffPage("POST", "/requests/{number}/settled", settle_rejection, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/reader", reveal_reader, Right.PATRON_REVEAL),
)
