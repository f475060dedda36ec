"""Pages of what people do with a request: its acts, the order of suppliers, files. Each by a plain form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.domain.problems import COLLISIONS, ConfigurationError, Refused, Unavailable
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import BorrowingState, Request, Role, RotaLineStatus
from gateway.domain.requests.scan_rules import ScanReason, find_question
from gateway.domain.requests.views import (
    ActionRequest,
    EventDenied,
    FileUpload,
    NotFound,
    RequestView,
    VersionConflict,
)
from gateway.domain.roles import Right
from gateway.domain.sentences import strip_full_stop
from gateway.ports.outgoing_mail import RenderedLetter
from gateway.services.letters.localization import mark_text
from gateway.services.request_work.act_forecasts import forecast_act
from gateway.services.requests.undone_acts import hold_of_act
from gateway.web.html.assets import HEADERS
from gateway.web.html.citation_fields import fill_citation_fields, read_citation
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm, read_upload_form
from gateway.web.staff.act_audience import name_act
from gateway.web.staff.act_forms import (
    can_correct,
    group_refusals,
    list_act_fields,
)
from gateway.web.staff.act_options import list_options
from gateway.web.staff.act_results import describe_done_act
from gateway.web.staff.act_values import read_act_details
from gateway.web.staff.coded_words import describe_letter_subject, describe_service, list_work_types
from gateway.web.staff.journal_pages import OUTCOMES
from gateway.web.staff.list_positions import read_list_address
from gateway.web.staff.partner_pages import list_explained_lines
from gateway.web.staff.recent_acts import RecentAct, note_done_event
from gateway.web.staff.request_access import ACT_RIGHTS, find_act_right, list_permitted_acts, load_request_view
from gateway.web.staff.request_limits import list_act_limits
from gateway.web.staff.request_page import MAX_NOTICES, render_request
from gateway.web.staff.request_panels import find_own_copies, make_panels, show_patron
from gateway.web.staff.request_story import (
    CHANNELS,
    StoryLine,
    StorySources,
    describe_message_kind,
    tell_story,
)
from gateway.web.staff.request_words import describe_act, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest
from gateway.web.staff.supplier_choice import choose_answers, compare_suppliers, explain_rota

QUESTIONS: Mapping[ScanReason, str] = {
    ScanReason.RECALLED: mark_text("The lender has recalled this item. Check it out anyway?"),
    ScanReason.ON_HOLD_SHELF: mark_text(
        "The item is ready for the patron, or on its way to the pickup location. Return it anyway?"
    ),
    ScanReason.ON_LOAN: mark_text("The item is checked out to the patron. Return it anyway?"),
}
"""Before what is seldom meant."""


async def show_act(page: StaffRequest) -> web.StreamResponse:
    """A folded act, on a page of its own."""
    view = await load_request_view(page)
    kind = _require_act(page, view, page.http.match_info["kind"])
    return await _render_act(page, view, kind, await _begin_letter(page, view.request, kind))


async def _begin_letter(page: StaffRequest, request: Request, kind: K) -> FormCheck | None:
    """The letter as the chosen template begins it; None: nothing was chosen. Raises NotFound."""
    chosen = page.http.query.get("begin", "")
    if kind is not K.PATRON_MESSAGE or not chosen:
        return None
    beginnings = await page.library.notices.list_beginnings(request)
    begun = next((beginning for beginning in beginnings if beginning.name == chosen), None)
    if begun is None:
        raise NotFound("letter template")
    return FormCheck(page, SubmittedForm(), {"reason": begun.subject, "note": begun.text})


async def submit_act(page: StaffRequest) -> web.StreamResponse:
    """Take a form from the page of the act, or the open form of the request's page, where a kind is chosen."""
    form = await page.read_own_form()
    view = await load_request_view(page)
    chosen = page.http.match_info.get("kind") or form["kind"]
    kind = _find_kind(chosen)
    checked = FormCheck(page, form)
    version = _read_version(form)
    if version != view.request.version:
        return await _show_conflict(page, view, kind, checked)
    if kind not in list_permitted_acts(page, view):
        page.require_right(ACT_RIGHTS[view.request.role])
        refused = page.gettext("“%(act)s” is not possible now.", act=describe_act(kind, page.localization))
        checked.general.append(refused)
        return await render_request(page, view, checked)
    fields = await list_act_fields(page, view.request, (kind,))
    details = read_act_details(page, kind, checked, fields)
    if kind in _LETTERS and form["preview"]:
        return await _preview_letter(page, view, kind, checked, details)
    if checked.is_good and find_question(kind, view.request) is not None and not form["confirmed"]:
        return await _render_act(page, view, kind, checked)
    if checked.is_good:
        return await _perform_act(page, view, kind, checked, details)
    return await _render_mistakes(page, view, kind, checked)


async def _preview_letter(
    page: StaffRequest, view: RequestView, kind: K, checked: FormCheck, details: EventDetails
) -> web.StreamResponse:
    """Show the letter as it would go out; nothing is sent or stored. It names the patron, so it is for those who see
    them."""
    page.require_right(Right.PATRON_DATA)
    preview = None
    if checked.is_good:
        try:
            preview = await page.library.notices.preview_letter(view.request, kind, details)
        except (EventDenied, Refused) as refused:
            checked.general.append(page.describe_refusal(refused))
        except Unavailable as away:
            checked.general.append(page.localization.translate_sentence(away.detail))
        except ConfigurationError as wrong:  # a template of the library's own, with file and line
            checked.general.append(str(wrong))
    return await _render_act(page, view, kind, checked, preview=preview)


async def _perform_act(
    page: StaffRequest, view: RequestView, kind: K, checked: FormCheck, details: EventDetails
) -> web.StreamResponse:
    action = ActionRequest(
        kind=kind,
        details=details,
        actor=page.origin.actor,
        version=view.request.version,
        hold=hold_of_act(page.context, view.request, kind),
        confirmed=bool(checked.form["confirmed"]),
    )
    back = page.path("requests", view.request.number, **read_list_address(page))
    try:
        after = await page.library.requests.apply_action(view.request.id, action)
        if kind is K.ASSIGN and checked.form["send"] and after.state is BorrowingState.REVIEW:
            approval = ActionRequest(kind=K.APPROVE, actor=page.origin.actor, version=after.version)
            after = await page.library.requests.apply_action(after.id, approval)
    except VersionConflict:
        return await _show_conflict(page, await load_request_view(page), kind, checked)
    except (EventDenied, Refused) as refused:
        checked.general.append(page.describe_refusal(refused))
        checked.collides = isinstance(refused, Refused) and refused.reason in COLLISIONS
    except Unavailable as away:
        why = page.localization.translate_sentence(strip_full_stop(away.detail))
        return page.redirect(
            back, page.gettext("Not done yet: %(why)s. It will be retried automatically.", why=why), "look"
        )
    if checked.is_good:
        right = find_act_right(view.request.role, kind)
        event = note_done_event(view.request, after, kind, details)
        events = (event,) if event is not None else ()
        act = RecentAct(library=page.library.symbol, user=page.user.name, right=right, back=back, events=events)
        undo = page.parts.recent.keep_act(act)
        hint = view.hints.get(kind, "")
        done_act = await describe_done_act(page, view.request, after, kind, hint=hint, can_undo=bool(undo))
        chosen = page.context.partner(details.partner) if checked.form["send"] else None
        if kind is K.ASSIGN and chosen is not None and chosen.channel:
            done_act = page.gettext(
                "%(partner)s is being asked.", partner=page.context.name_of_partner(details.partner)
            )
        return page.redirect(back, done_act, undo=undo)
    return await _render_mistakes(page, view, kind, checked)


async def _render_mistakes(page: StaffRequest, view: RequestView, kind: K, checked: FormCheck) -> web.StreamResponse:
    if page.http.match_info.get("kind"):
        return await _render_act(page, view, kind, checked)
    checked.values["kind"] = kind.value
    return await render_request(page, view, checked)


async def _show_conflict(page: StaffRequest, view: RequestView, kind: K, checked: FormCheck) -> web.StreamResponse:
    """Show what the others did meanwhile, and the form with all that was typed, to be sent again."""
    fields = await list_act_fields(page, view.request, (kind,))
    read_act_details(page, kind, checked, fields)
    checked.problems.clear()
    seen = checked.form["seen"]
    lines = await _tell_news(page, view, seen)
    return await _render_act(page, view, kind, checked, news=lines, status=409)


async def _tell_news(page: StaffRequest, view: RequestView, seen: str) -> Sequence[StoryLine]:
    """Tell what happened after the event with this id."""
    newer = tuple(line for line in view.history if line.id > seen)
    await page.actors.load_names(line.event.actor for line in newer)
    sources = StorySources(request=view.request, history=newer, unfinished=())
    return tell_story(sources, page.context, page.localization, page.actors)


async def _render_act(
    page: StaffRequest,
    view: RequestView,
    kind: K,
    checked: FormCheck | None = None,
    *,
    news: Sequence[StoryLine] | None = None,
    preview: RenderedLetter | None = None,
    status: int | None = None,
) -> web.Response:
    """`checked`: what was sent; `news`: what others did since the form was opened; `preview`: of the letter."""
    request, permitted = view.request, list_permitted_acts(page, view)
    possible = kind in permitted
    kinds = tuple(one for one in _ASKED_TOGETHER if one in permitted) if kind in _ASKED_TOGETHER else (kind,)
    if checked is not None:
        checked.values["kind"] = kind.value
    question = find_question(kind, request)
    is_letter = kind in _LETTERS
    patron = await show_patron(page, request, revealed=False)
    template = "request_supplier" if kind is K.ASSIGN else "request_act"
    options = await list_options(page, view, kinds if possible else (kind,), patron, checked, kind.value)
    option = next(option for option in options if option.is_chosen)
    return page.render(
        template,
        page.gettext("Lost or damaged") if kinds == _ASKED_TOGETHER else name_act(page, request, kind),
        status=status or (checked or option.checked).status,
        help_topic="request",
        request=request,
        kind=kind.value,
        tag=tag_of_request(request, page.localization),
        service=describe_service(request.service, page.localization),
        reader=patron if is_letter and patron is not None and not patron.masked else None,
        option=option,
        options=options,
        checked=checked or option.checked,
        seen=view.history[-1].id if view.history else "",
        news=news,
        possible=possible,
        question=page.gettext(QUESTIONS[question]) if question is not None else "",
        comparison=await compare_suppliers(page, request) if kind is K.ASSIGN else None,
        asks_later=request.state is BorrowingState.REVIEW,
        limits=_list_wishes(page, request) if kind is K.ASSIGN else list_act_limits(page, request, kind),
        refusals=await group_refusals(page) if kind is K.UNFILLED else (),
        beginnings=await _list_beginnings(page, request) if kind is K.PATRON_MESSAGE else (),
        can_preview=is_letter and page.sees_patrons and _has_letter(page, request, kind),
        preview=preview,
        has_answers=kind is K.PATRON_ASKED and bool(page.context.public_url),
        beside=await make_panels(
            page, view, patron, own=await find_own_copies(page, request) if kind is K.CLOSE else None
        ),
        letters=await _list_letters(page, view) if is_letter else (),
        in_list=read_list_address(page),
    )


async def _list_letters(page: StaffRequest, view: RequestView) -> Sequence[StoryLine]:
    """List what the patron was written so far, as the story has it."""
    notices = await page.library.notices.list_notices(view.request.id, MAX_NOTICES, "")
    written = [line.event for line in view.history if line.event.kind in _LETTERS]
    sources = StorySources(
        request=view.request,
        history=(),
        unfinished=(),
        notices=notices.items,
        letter_subjects={event.at: describe_letter_subject(event, page.localization) for event in written},
    )
    return tell_story(sources, page.context, page.localization, page.actors)


async def _list_beginnings(page: StaffRequest, request: Request) -> list[tuple[str, str]]:
    """List the templates with which a letter can begin: address and subject, in the language of staff."""
    beginnings = await page.library.notices.list_beginnings(request, page.localization.language)
    act, in_list = ("act", K.PATRON_MESSAGE.value), read_list_address(page)
    return [
        (page.path("requests", request.number, *act, **in_list, begin=beginning.name), beginning.subject)
        for beginning in beginnings
    ]


_LETTERS = (K.PATRON_MESSAGE, K.PATRON_ASKED)
"""Acts whose text goes to the patron as a letter."""


def _has_letter(page: StaffRequest, request: Request, kind: K) -> bool:
    """Return whether there is a letter, by email or, without a mail server, to be printed."""
    forecast = forecast_act(page.context, request, kind)
    return forecast.writes_patron or forecast.lacks_mail_server


_ASKED_TOGETHER = (K.LOST, K.DAMAGED)
"""Answers to one question, on one page."""


def _list_wishes(page: StaffRequest, request: Request) -> list[tuple[str, str]]:
    """List what a supplier is measured by: when it is wanted, and what it may cost."""
    need_by, maximum = request.dates.need_by, request.costs.maximum
    return [
        (page.gettext("Needed by"), page.format_day(need_by) if need_by is not None else page.gettext("no date given")),
        *([(page.gettext("Maximum cost"), page.localization.format_money(maximum))] if maximum is not None else []),
    ]


def _find_kind(text: str) -> K:
    """Find a kind; raises NotFound."""
    try:
        return K(text)
    except ValueError:
        raise NotFound("act") from None


def _require_act(page: StaffRequest, view: RequestView, text: str) -> K:
    """Require an act; raises NotFound, PageError for what isn't possible now, or not for this user."""
    kind = _find_kind(text)
    if kind not in list_permitted_acts(page, view):
        page.require_right(ACT_RIGHTS[view.request.role])
        raise PageError(409, "fault-not-now")
    return kind


def _require_correction(page: StaffRequest, view: RequestView) -> None:
    """Raise PageError where the citation can't be corrected now, or not by this user."""
    _require_act(page, view, K.EDIT.value)
    if not can_correct(page.context, view.request):
        raise PageError(409, "fault-not-now")


def _read_version(form: SubmittedForm) -> int:
    """Read the version; raises PageError."""
    if not form["version"].isdecimal():
        raise PageError(400, "fault-broken-off")
    return int(form["version"])


# --- the citation ----------------------------------------------------------------------------------------


async def show_citation(page: StaffRequest) -> web.StreamResponse:
    view = await load_request_view(page)
    _require_correction(page, view)
    return _render_citation(page, view, FormCheck(page, SubmittedForm(), fill_citation_fields(view.request.citation)))


async def submit_citation(page: StaffRequest) -> web.StreamResponse:
    form = await page.read_own_form()
    view = await load_request_view(page)
    _require_correction(page, view)
    checked = FormCheck(page, form)
    citation = read_citation(checked, view.request.citation)
    if citation.is_empty:
        checked.add_problem("title", "wrong-missing", field=page.gettext("Title of the book or journal"))
    back = page.path("requests", view.request.number, **read_list_address(page))
    if not checked.is_good:
        return _render_citation(page, view, checked)
    if citation == view.request.citation:
        return page.redirect(back, page.gettext("Nothing was changed."))
    action = ActionRequest(
        kind=K.EDIT, details=EventDetails(citation=citation), actor=page.origin.actor, version=_read_version(form)
    )
    try:
        await page.library.requests.apply_action(view.request.id, action)
    except VersionConflict:
        view = await load_request_view(page)
        return _render_citation(page, view, checked, news=await _tell_news(page, view, form["seen"]), status=409)
    except (EventDenied, Refused) as refused:
        checked.general.append(page.describe_refusal(refused))
        return _render_citation(page, view, checked)
    return page.redirect(back, page.gettext("The citation has been changed."))


def _render_citation(
    page: StaffRequest,
    view: RequestView,
    checked: FormCheck,
    *,
    news: Sequence[StoryLine] | None = None,
    status: int | None = None,
) -> web.Response:
    return page.render(
        "request_citation",
        page.gettext("Edit citation"),
        status=status or checked.status,
        help_topic="request",
        request=view.request,
        tag=tag_of_request(view.request, page.localization),
        service=describe_service(view.request.service, page.localization),
        checked=checked,
        types=list_work_types(page.localization),
        seen=view.history[-1].id if view.history else "",
        news=news,
        in_list=read_list_address(page),
    )


# --- the order of suppliers ------------------------------------------------------------------------------


async def change_order(page: StaffRequest) -> web.StreamResponse:
    """A button says which library is asked earlier, later or not at all: up:NAME, down:NAME, skip:NAME."""
    form = await page.read_own_form()
    view = await load_request_view(page)
    request = view.request
    page.require_right(Right.BORROWING_ACT)
    way, _, partner = form["move"].partition(":")
    waiting = [line.partner for line in request.rota if line.standing is RotaLineStatus.WAITING]
    back = f"{page.path('requests', request.number, **read_list_address(page))}#attempts"
    if request.role is not Role.BORROWING or partner not in waiting:
        raise NotFound("rota line")
    actor, version = page.origin.actor, _read_version(form)
    name = page.context.name_of_partner(partner)
    try:
        if way == "skip":
            why = page.gettext("excluded by %(user)s", user=page.user.shown_name)
            await page.library.requests.skip(request.id, partner, why, actor, version)
            return page.redirect(back, page.gettext("%(partner)s will not be asked.", partner=name))
        order = _move_partner(waiting, partner, -1 if way == "up" else 1)
        await page.library.requests.reorder(request.id, order, actor, version)
    except VersionConflict:
        banner = page.gettext("Somebody else has changed this request. Please check the order again.")
        return page.redirect(back, banner, "look")
    place = order.index(partner) + 1
    banner = page.gettext(
        "%(partner)s is now number %(place)s of the suppliers to be asked.", partner=name, place=place
    )
    return page.redirect(back, banner)


def _move_partner(waiting: Sequence[str], partner: str, by: int) -> tuple[str, ...]:
    order = list(waiting)
    at = order.index(partner)
    order.insert(max(0, at + by), order.pop(at))
    return tuple(order)


async def explain_order(page: StaffRequest) -> web.StreamResponse:
    """Explain why these libraries are asked, in this order."""
    view = await load_request_view(page)
    explained, answers = await explain_rota(page, view.request)
    return page.render(
        "request_order",
        page.gettext("Why this order"),
        help_topic="request",
        request=view.request,
        tag=tag_of_request(view.request, page.localization),
        service=describe_service(view.request.service, page.localization),
        explained=explained,
        rows=list_explained_lines(page, explained),
        answers=choose_answers(page, answers, [line.partner for line in explained.lines]),
    )


# --- the messages themselves -----------------------------------------------------------------------------


async def show_journal(page: StaffRequest) -> web.StreamResponse:
    """Show what went over the wire about the request. It names readers, so it is for those who see them."""
    view = await load_request_view(page)
    request, chosen = view.request, page.http.match_info.get("message", "")
    journaled = page.library.journaled
    partners = {profile.name: partner.name for profile, partner in page.context.partners()}
    return page.render(
        "request_journal",
        page.gettext("Original messages"),
        help_topic="request",
        request=request,
        messages=await journaled.list_messages(request),
        shown=await journaled.find_message(request, chosen) if chosen else None,
        partners=partners,
        channels=CHANNELS,
        describe_kind=lambda one: describe_message_kind(
            one.service, one.direction, partners.get(one.profile, ""), page.localization
        ),
        outcomes={outcome: page.gettext(word) for outcome, (_, word) in OUTCOMES.items()},
    )


# --- files -----------------------------------------------------------------------------------------------


async def upload_file(page: StaffRequest) -> web.StreamResponse:
    """One or several; each is told by its content, scanned and counted as files of partners are."""
    view = await load_request_view(page)
    request = view.request
    page.require_right(ACT_RIGHTS[request.role])
    upload_form = await read_upload_form(page.http, page.parts.max_file_bytes)
    if not page.is_own_form(upload_form.form):
        raise PageError(403, "fault-form")
    back = f"{page.path('requests', request.number, **read_list_address(page))}#files"
    if not upload_form.files:
        return page.redirect(back, page.gettext("No file was chosen, so nothing was added."), "look")
    for file in upload_form.files:
        upload = FileUpload(name=file.name, media_type=file.media_type, content=file.content)
        try:
            await page.library.requests.attach(request.id, upload, page.origin.actor, None)
        except Refused as refused:
            banner = page.gettext(
                "“%(name)s” was not added: %(why)s", name=file.name, why=page.describe_refusal(refused)
            )
            return answer_upload(page, back, "late", banner)
    count = len(upload_form.files)
    if page.is_asked_by_script:
        name = upload_form.files[-1].name
        return answer_upload(page, back, "good", page.gettext("“%(name)s” was added.", name=name))
    return page.redirect(back, page.ngettext("%(num)s file was added.", "%(num)s files were added.", count))


def answer_upload(page: StaffRequest, back: str, kind: str, text: str) -> web.Response:
    """Answer a script in JSON, people by the page they came from."""
    if page.is_asked_by_script:
        return web.json_response({"kind": kind, "text": text}, headers=HEADERS)
    return page.redirect(back, text, kind)


async def download_file(page: StaffRequest) -> web.StreamResponse:
    view = await load_request_view(page)
    stored = await page.library.requests.load_attachment(view.request.id, page.http.match_info["file"])
    return _file_response(stored.attachment.name, stored.content)


def _file_response(name: str, content: bytes) -> web.Response:
    """Make a response to be kept, never shown by the browser as a page of ours."""
    headers = {
        hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        **HEADERS,
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)


PAGES = (
    StaffPage("POST", "/requests/{number}/act", submit_act, Right.WORK_READ),
    StaffPage("GET", "/requests/{number}/act/{kind}", show_act, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/act/{kind}", submit_act, Right.WORK_READ),
    StaffPage("GET", "/requests/{number}/citation", show_citation, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/citation", submit_citation, Right.WORK_READ),
    StaffPage("POST", "/requests/{number}/order", change_order, Right.BORROWING_ACT),
    StaffPage("GET", "/requests/{number}/order", explain_order, Right.BORROWING_READ),
    StaffPage("GET", "/requests/{number}/journal", show_journal, Right.PATRON_DATA),
    StaffPage("GET", "/requests/{number}/journal/{message}", show_journal, Right.PATRON_DATA),
    StaffPage("POST", "/requests/{number}/files", upload_file, Right.WORK_READ),
    StaffPage("GET", "/requests/{number}/files/{file}", download_file, Right.WORK_READ),
)
