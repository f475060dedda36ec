"""The copies desk at /staff/copies/desk: files come in, copies are signed off and delivered, links are watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from aiohttp import web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.attachments import count_cited_pages
from gateway.domain.requests.events import EventDetails
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Attachment, Request, Role
from gateway.domain.requests.views import (
    ActionRequest,
    CopyLinkView,
    EventDenied,
    FileUpload,
    NotFound,
    RequestFilter,
    RequestOrder,
    SeveralRequests,
    VersionConflict,
)
from gateway.domain.roles import Right
from gateway.domain.sentences import strip_full_stop
from gateway.domain.value import value_object
from gateway.web.html.assets import HEADERS
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import UploadedFile, UploadForm, read_upload_form
from gateway.web.staff.act_results import describe_done_act
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_SHOWN = 20
"""Of each list on the desk; the list itself has the others."""

MAX_DELIVERED = 12
MAX_REASONS = 10


@value_object
class ShownFile:
    """`pages`: in words; `is_odd`: it has other than the cited number of pages."""

    id: str
    name: str
    pages: str
    is_odd: bool


@value_object(kw_only=True)
class CopyLine:
    """A request on the desk. `cited`: pages asked for, in words; `may_sign`: this user may allow it."""

    request: Request
    partner: str
    since: datetime
    cited: str
    files: tuple[ShownFile, ...]
    may_sign: bool


@value_object
class CopyList:
    """`task`: of TASKS; `more`: the list has others besides `lines`."""

    task: str
    lines: tuple[CopyLine, ...]
    more: bool


@value_object
class DeliveredLine:
    request: Request
    partner: str
    delivered: datetime
    links: tuple[tuple[str, str, str], ...]
    """Of each: kind of a tag, its word, and a sentence."""


async def show_desk(request: StaffRequest) -> web.Response:
    delivered = await request.library.copies.list_delivered(MAX_DELIVERED)
    lists = {task: await _load_list(request, task) for task in ("to-digitise", "to-clear", "to-deliver")}
    await request.actors.load_names(record.digitised_by for record in _requests_of(lists.values()))
    return request.render(
        "copies",
        request.gettext("Copies desk"),
        help_topic="copies",
        to_make=lists["to-digitise"],
        to_sign=lists["to-clear"],
        to_deliver=lists["to-deliver"],
        delivered=[
            DeliveredLine(
                copy.request,
                _name_partner(copy.request),
                copy.delivered,
                tuple(describe_link(request, link) for link in copy.links),
            )
            for copy in delivered
        ],
        reasons=_list_reasons([*(copy.request for copy in delivered), *_requests_of(lists.values())]),
        can_link=bool(request.parts.public_url),
        may_make=request.has_right(Right.COPIES_ACT),
        may_sign=request.has_right(Right.CLEARANCE_SIGN),
    )


async def _load_list(request: StaffRequest, task: str) -> CopyList:
    request_filter = RequestFilter(role=Role.LENDING, task=task, order=RequestOrder.LONGEST)
    page = await request.library.requests.list_requests(request_filter, MAX_SHOWN, "")
    since = await request.library.requests.find_waiting_since(task, page)
    lines = tuple(_build_line(request, record, since[record.id]) for record in page)
    return CopyList(task, lines, bool(page.cursor))


def _build_line(request: StaffRequest, record: Request, since: datetime) -> CopyLine:
    return CopyLine(
        request=record,
        partner=_name_partner(record),
        since=since,
        cited=_describe_cited_pages(request, record),
        files=list_files(request, record),
        may_sign=request.library.copies.can_sign_off(record, request.origin.actor),
    )


def list_files(request: StaffRequest, record: Request) -> tuple[ShownFile, ...]:
    """Oldest first, with their pages beside what was asked for."""
    return tuple(_show_file(request, record, file) for file in record.attachments)


def _show_file(request: StaffRequest, record: Request, file: Attachment) -> ShownFile:
    cited = count_cited_pages(record.citation.pages) if record.citation.pages else None
    pages = request.ngettext("%(num)s page", "%(num)s pages", file.pages) if file.pages else ""
    return ShownFile(file.id, file.name, pages, bool(file.pages and cited and file.pages != cited))


def _describe_cited_pages(request: StaffRequest, record: Request) -> str:
    if not record.citation.pages:
        return ""
    count = count_cited_pages(record.citation.pages)
    if count is None:
        return request.gettext("pages %(pages)s", pages=record.citation.pages)
    return request.ngettext(
        "pages %(pages)s (%(num)s page)",
        "pages %(pages)s (%(num)s pages)",
        count,
        pages=record.citation.pages,
    )


def describe_link(request: StaffRequest, link: CopyLinkView) -> tuple[str, str, str]:
    """Kind of a tag, its word, and a sentence."""
    now = request.parts.clock.now()
    if link.fetched:
        kind, word = "good", request.gettext("downloaded")
        sentence = request.ngettext("Downloaded %(num)s time.", "Downloaded %(num)s times.", link.fetched)
        if link.last is not None:
            last = request.gettext(
                "Last download: %(moment)s.", moment=strip_full_stop(request.format_short(link.last))
            )
            sentence = f"{sentence} {last}"
    elif now < link.expires:
        kind, word, sentence = "waiting", request.gettext("not yet downloaded"), ""
    else:
        kind, word, sentence = "look", request.gettext("never downloaded"), ""
    left = link.downloads - link.fetched
    if now >= link.expires:
        rest = request.gettext("The link expired on %(day)s.", day=request.format_moment(link.expires))
    elif left <= 0:
        rest = request.gettext("The link has reached its download limit.")
    else:
        rest = request.ngettext(
            "Valid for %(num)s more download until %(day)s.",
            "Valid for %(num)s more downloads until %(day)s.",
            left,
            day=request.format_moment(link.expires),
        )
    return kind, word, f"{sentence} {rest}".strip()


def _list_reasons(requests: Iterable[Request]) -> Sequence[str]:
    """Rules that copies were allowed or forbidden by lately, to be chosen again."""
    bases = dict.fromkeys(decision.basis for request in requests for decision in request.sign_offs if decision.basis)
    return list(bases)[:MAX_REASONS]


def _requests_of(lists: Iterable[CopyList]) -> Iterable[Request]:
    return (line.request for copy_list in lists for line in copy_list.lines)


def _name_partner(request: Request) -> str:
    return request.partner.name or request.partner.symbol or request.partner.profile


# --- files come in ---------------------------------------------------------------------------------------


@value_object
class UploadOutcome:
    """The outcome of one file. `kind`: good, look or late."""

    kind: str
    text: str


async def upload_copies(request: StaffRequest) -> web.StreamResponse:
    """Files for one request (field `request`), or each for the request whose number stands in its name. `whole`: with
    them the copies are made. Scripts send them one by one and get JSON."""
    if request.is_plain_form:
        sent = UploadForm(await request.read_own_form(), ())
    else:
        sent = await read_upload_form(request.http, request.parts.max_file_bytes)
    if not request.is_own_form(sent.form):
        raise PageError(403, "fault-form")
    back = request.path("copies", "desk")
    if not sent.files:
        return request.redirect(back, request.gettext("No file was chosen, so nothing was added."), "look")
    outcomes = [
        await _take_file(request, sent, file, is_last=file is sent.files[-1] or not sent.form["request"])
        for file in sent.files
    ]
    if request.is_asked_by_script:
        (outcome,) = outcomes[-1:]
        return web.json_response({"kind": outcome.kind, "text": outcome.text}, headers=HEADERS)
    worst = next((kind for kind in ("late", "look") if any(outcome.kind == kind for outcome in outcomes)), "good")
    return request.redirect(back, " ".join(upload_outcome.text for upload_outcome in outcomes), worst)


async def _take_file(request: StaffRequest, sent: UploadForm, file: UploadedFile, *, is_last: bool) -> UploadOutcome:
    copies, number = request.library.copies, sent.form["request"]
    try:
        if number:
            record = await request.library.requests.find_request(number)
        else:
            record = await copies.find_request_of_file(file.name)
        if record.role is not Role.LENDING:
            raise NotFound("request")
        upload = FileUpload(name=file.name, media_type=file.media_type, content=file.content)
        whole = bool(sent.form["whole"]) and is_last
        done = await copies.add_copy(record.id, upload, request.origin.actor, whole=whole)
    except NotFound:
        text = request.gettext("“%(name)s”: no lending request has this number.", name=file.name)
        return UploadOutcome("late", text)
    except SeveralRequests:
        return UploadOutcome("late", request.gettext("“%(name)s”: several requests have this number.", name=file.name))
    except EventDenied:
        text = request.gettext(
            "“%(name)s” was added to %(number)s, but no copy is needed for it now.",
            name=file.name,
            number=record.number,
        )
        return UploadOutcome("look", text)
    except (Refused, Unavailable) as error:
        why = request.localization.translate_sentence(error.detail)
        return UploadOutcome("late", request.gettext("“%(name)s” was not added: %(why)s", name=file.name, why=why))
    shown_file = list_files(request, done)[-1]
    return _describe_added_file(request, done, shown_file)


def _describe_added_file(request: StaffRequest, record: Request, file: ShownFile) -> UploadOutcome:
    pages = f" ({file.pages})" if file.pages else ""
    text = request.gettext(
        "“%(name)s”%(pages)s was added to %(number)s.", name=file.name, pages=pages, number=record.number
    )
    if not file.is_odd:
        return UploadOutcome("good", text)
    asked = request.gettext("Requested: %(pages)s.", pages=_describe_cited_pages(request, record))
    return UploadOutcome("look", f"{text} {asked}")


# --- allowed, forbidden, delivered -----------------------------------------------------------------------

_DECISIONS = {kind.value: kind for kind in (K.CLEARED, K.CLEARANCE_REFUSED)}


async def sign_off(request: StaffRequest) -> web.StreamResponse:
    """Allowed or forbidden, with the rule that says so."""
    form = await request.read_own_form()
    copy_request = await _find_copy_request(request)
    kind, reason = _DECISIONS.get(form["do"]), form["reason"]
    if kind is None:
        raise PageError(400, "fault-broken-off")
    if not reason:
        text = request.gettext("Please enter the rule or statement that allows or prevents the copy.")
        return request.redirect(request.path("copies", "desk"), text, "late")
    return await _act_on_copy(request, copy_request, kind, EventDetails(reason=reason, note=form["note"]))


async def deliver_copy(request: StaffRequest) -> web.StreamResponse:
    form = await request.read_own_form()
    copy_request = await _find_copy_request(request)
    return await _act_on_copy(request, copy_request, K.COPY_DELIVERED, EventDetails(attachment=form["attachment"]))


async def _find_copy_request(request: StaffRequest) -> Request:
    """Find the request that the address names. Raises NotFound."""
    record = await request.library.requests.find_request(request.http.match_info["number"])
    if record.role is not Role.LENDING:
        raise NotFound("request")
    return record


async def _act_on_copy(request: StaffRequest, record: Request, kind: K, details: EventDetails) -> web.StreamResponse:
    """Act on a copy; raises PageError."""
    form = await request.read_own_form()
    if not form["version"].isdecimal():
        raise PageError(400, "fault-broken-off")
    back = request.path("copies", "desk")
    action = ActionRequest(kind=kind, details=details, actor=request.origin.actor, version=int(form["version"]))
    try:
        after = await request.library.requests.apply_action(record.id, action)
    except VersionConflict:
        text = request.gettext("Somebody else has changed %(number)s. Please check it again.", number=record.number)
        return request.redirect(back, text, "look")
    except EventDenied as denied:
        return request.redirect(back, f"{record.number}: {request.describe_refusal(denied)}", "late")
    except Refused as refused:
        return request.redirect(back, f"{record.number}: {request.describe_refusal(refused)}", "late")
    return request.redirect(back, f"{record.number}: {await describe_done_act(request, record, after, kind)}")


PAGES = (
    StaffPage("GET", "/copies/desk", show_desk, Right.COPIES_READ),
    StaffPage("POST", "/copies/files", upload_copies, Right.COPIES_ACT),
    StaffPage("POST", "/copies/{number}/sign-off", sign_off, Right.CLEARANCE_SIGN),
    StaffPage("POST", "/copies/{number}/deliver", deliver_copy, Right.COPIES_ACT),
)
