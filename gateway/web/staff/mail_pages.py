"""The mail desk at /staff/mail: mails that fit no request, each beside the requests that it may be about; put to one,
answered, or dismissed."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import NotFound, SeveralRequests
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.mailbox.unmatched_mail import DISMISSED_KEPT, MailCandidate, MailMeaning, OpenedMail
from gateway.store.mailbox import MailRow, UnmatchedMailPage
from gateway.web.html.assets import HEADERS
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.message_pages import name_of_partner
from gateway.web.staff.recent_acts import RecentAct
from gateway.web.staff.request_words import StateTag, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_MAILS = 50
"""On one page of the list."""

MAX_ANSWER_CHARS = 10_000

MAX_CURSOR_CHARS = 40

OTHER = "other"
"""What the form says where none of the candidates is meant, but a request that is named: its field is hidden with
any other choice."""

ORIGINAL_HEADERS = {
    **HEADERS,
    hdrs.CONTENT_DISPOSITION: 'attachment; filename="mail.eml"',
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
"""A mail from elsewhere is never shown in place: it might run as a page of ours."""


@value_object(kw_only=True)
class MailLine:
    """A mail in the list. `who`: name of the partner, else the address."""

    row: MailRow
    who: str
    hint: str


@value_object(kw_only=True)
class CandidateLine:
    """`reason`: what speaks for it, in a sentence; `is_likely`: whether anything does."""

    request: Request
    tag: StateTag
    reason: str
    is_likely: bool


async def show_mails(request: StaffRequest) -> web.Response:
    """The oldest is open."""
    page = await _list_rows(request)
    checked = FormCheck(request, SubmittedForm())
    if not page.rows:
        return await _render_mails(request, page, None, checked)
    try:
        opened = await request.library.mails.open_mail(page.rows[0].id)
    except NotFound:  # a colleague was quicker
        page = await _list_rows(request)
        opened = None
    return await _render_mails(request, page, opened, checked)


async def show_mail(request: StaffRequest) -> web.Response:
    opened = await _open_named_mail(request)
    return await _render_mails(request, await _list_rows(request), opened, FormCheck(request, SubmittedForm()))


async def download_original(request: StaffRequest) -> web.Response:
    opened = await _open_named_mail(request)
    if opened.row.content is None:
        raise NotFound("content of the mail")
    await request.note_words_shown(opened.row.id)
    return web.Response(body=opened.row.content, content_type="message/rfc822", headers=ORIGINAL_HEADERS)


async def _open_named_mail(request: StaffRequest) -> OpenedMail:
    """Open a mail; raises NotFound, also when it was decided about."""
    return await request.library.mails.open_mail(request.http.match_info["mail"])


async def _list_rows(request: StaffRequest) -> UnmatchedMailPage:
    """Oldest first, from where the address says."""
    cursor = request.http.query.get("after", "")[:MAX_CURSOR_CHARS]
    return await request.library.mails.list_oldest_mails(MAX_MAILS, cursor)


def _list_path(request: StaffRequest) -> str:
    """The page of the list that one came from."""
    return request.path("mail", after=request.http.query.get("after", "")[:MAX_CURSOR_CHARS])


async def _render_mails(
    request: StaffRequest, page: UnmatchedMailPage, opened: OpenedMail | None, checked: FormCheck, status: int = 0
) -> web.Response:
    tasks = {view.name: view for view in await request.library.desk.tasks()}
    if opened is not None:
        await request.note_words_shown(opened.row.id)
    return request.render(
        "mails",
        request.gettext("Unmatched email"),
        status=status or checked.status,
        help_topic="mail",
        lines=[_build_mail_line(request, row) for row in page.rows],
        after=request.http.query.get("after", "")[:MAX_CURSOR_CHARS],
        following=page.cursor,
        count=tasks["unmatched-mails"].count,
        oldest=tasks["unmatched-mails"].oldest,
        opened=opened,
        who=_name_of_sender(request, opened.row) if opened is not None else "",
        is_stranger=opened is not None and not opened.row.profile,
        candidates=[_build_candidate_line(request, opened.row, candidate) for candidate in opened.candidates]
        if opened
        else [],
        says=_describe_reading(request, opened) if opened is not None else "",
        describe_step=request.localization.translate_stored,
        checked=checked,
        away=await request.library.desk.list_mailbox_failures(),
        unread=tasks["unread-borrowing"].count + tasks["unread-lending"].count,
        may_act=request.has_right(Right.MESSAGES_ACT),
    )


def _build_mail_line(request: StaffRequest, row: MailRow) -> MailLine:
    count = len(row.possible)
    hint = request.ngettext("%(num)s possible match", "%(num)s possible matches", count)
    return MailLine(
        row=row, who=_name_of_sender(request, row), hint=hint if count else request.gettext("no matching request")
    )


def _name_of_sender(request: StaffRequest, row: MailRow) -> str:
    name = request.context.party_of_partner(row.profile).name if row.profile else ""
    return name or row.sender or request.gettext("nobody")


def _build_candidate_line(request: StaffRequest, row: MailRow, candidate: MailCandidate) -> CandidateLine:
    localization = request.localization
    reasons = []
    if candidate.numbers:
        reasons.append(
            request.gettext("The email contains its number: %(numbers)s.", numbers=", ".join(candidate.numbers))
        )
    if candidate.words:
        words = localization.format_list(candidate.words)
        reasons.append(request.gettext("The email contains words of its title: %(words)s.", words=words))
    if candidate.with_sender:
        partner = name_of_partner(request, row.profile, candidate.request)
        reasons.append(request.gettext("Its partner is %(partner)s.", partner=partner))
    is_likely = bool(reasons)
    if not reasons and candidate.request.open:
        reasons.append(request.gettext("It is open. There are no other signs that it matches."))
    if not reasons:
        reasons.append(request.gettext("It is closed, and there are no signs that it matches."))
    tag = tag_of_request(candidate.request, localization)
    return CandidateLine(request=candidate.request, tag=tag, reason=" ".join(reasons), is_likely=is_likely)


def _describe_reading(request: StaffRequest, opened: OpenedMail) -> str:
    """Describe what is understood of a mail beside its words; empty: nothing."""
    sentences = [request.gettext(words) for kind in opened.says if (words := EVENT_CATALOGUE[kind].said_with)]
    return request.localization.format_list(sentences)


# --- deciding --------------------------------------------------------------------------------------------


async def assign_mail(request: StaffRequest) -> web.Response:
    """Assign a mail to the candidate that is chosen, or to a request that is named by any of its numbers."""
    opened = await _open_named_mail(request)
    checked = FormCheck(request, await request.read_own_form())
    chosen, named = checked.read_line("request"), checked.read_line("number", 100)
    meaning = checked.read_choice("meaning", set(MailMeaning)) or MailMeaning.AS_READ.value
    reference = named if chosen in ("", OTHER) else chosen
    if not reference:
        checked.add_problem_text("number", request.gettext("Please choose a request or enter its number."))
    if not checked.is_good:
        return await _render_mails(request, await _list_rows(request), opened, checked)
    try:
        meant = await request.library.requests.find_request(reference)
    except NotFound:
        checked.add_problem_text("number", request.gettext("There is no request with this number."))
        return await _render_mails(request, await _list_rows(request), opened, checked)
    except SeveralRequests:
        checked.add_problem_text(
            "number", request.gettext("Several requests have this number. Please enter our number.")
        )
        return await _render_mails(request, await _list_rows(request), opened, checked)
    changed = await request.library.mails.assign_mail(
        opened.row.id, meant.id, request.origin.actor, MailMeaning(meaning)
    )
    return request.redirect(_list_path(request), request.gettext("Linked to %(number)s.", number=changed.number))


async def answer_mail(request: StaffRequest) -> web.Response:
    opened = await _open_named_mail(request)
    checked = FormCheck(request, await request.read_own_form())
    text = checked.read_lines("text", MAX_ANSWER_CHARS)
    if not text:
        checked.add_problem("text", "wrong-missing", field=request.gettext("Reply by email"))
    if not checked.is_good:
        return await _render_mails(request, await _list_rows(request), opened, checked)
    await request.library.mails.answer_mail(opened.row.id, text, request.origin.actor)
    banner = request.gettext("Your reply to %(name)s is being sent.", name=_name_of_sender(request, opened.row))
    return request.redirect(_list_path(request), banner)


async def dismiss_mail(request: StaffRequest) -> web.Response:
    opened = await _open_named_mail(request)
    await request.library.mails.dismiss_mail(opened.row.id, request.origin.actor)
    back = _list_path(request)
    act = RecentAct(
        library=request.library.symbol, user=request.user.name, right=Right.MESSAGES_ACT, back=back, mail=opened.row.id
    )
    banner = request.gettext("Dismissed. The email stays in the mailbox folder.")
    return request.redirect(back, banner, undo=request.parts.recent.keep_act(act))


# --- dismissed -------------------------------------------------------------------------------------------


async def show_dismissed(request: StaffRequest) -> web.Response:
    cursor = request.http.query.get("after", "")[:MAX_CURSOR_CHARS]
    page = await request.library.mails.list_dismissed(MAX_MAILS, cursor)
    await request.actors.load_names(row.closed_by for row in page.rows)
    return request.render(
        "mails_dismissed",
        request.gettext("Dismissed email"),
        help_topic="mail",
        rows=[(row, _name_of_sender(request, row)) for row in page.rows],
        following=page.cursor,
        days=DISMISSED_KEPT.days,
        may_act=request.has_right(Right.MESSAGES_ACT),
    )


async def put_back_mail(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    await request.library.mails.put_back_mail(request.http.match_info["mail"])
    return request.redirect(
        request.path("mail", "dismissed"), request.gettext("The email is listed as unmatched again.")
    )


PAGES = (
    StaffPage("GET", "/mail", show_mails, Right.MESSAGES_READ),
    StaffPage("GET", "/mail/dismissed", show_dismissed, Right.MESSAGES_READ),
    StaffPage("GET", "/mail/{mail}", show_mail, Right.MESSAGES_READ),
    StaffPage("GET", "/mail/{mail}/original", download_original, Right.MESSAGES_READ),
    StaffPage("POST", "/mail/{mail}/assign", assign_mail, Right.MESSAGES_ACT),
    StaffPage("POST", "/mail/{mail}/answer", answer_mail, Right.MESSAGES_ACT),
    StaffPage("POST", "/mail/{mail}/dismiss", dismiss_mail, Right.MESSAGES_ACT),
    StaffPage("POST", "/mail/{mail}/put-back", put_back_mail, Right.MESSAGES_ACT),
)
