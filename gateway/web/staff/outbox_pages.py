"""Messages that could not be sent: by what stopped them, one by one, changed with the difference shown before, or
skipped."""

from __future__ import annotations

import difflib
import json

from aiohttp import web

from gateway.domain.problems import Refused
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.staff_views import DeadLetter, DeadLetterCause
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.requests.outbox_row_names import name_outbox_row
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.coded_words import describe_send_error
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_SHOWN = 50
"""Of one cause, on the list of causes; a group is retried as a whole all the same."""

MAX_PAYLOAD_CHARS = 100_000
MAX_REASON_CHARS = 500


@value_object
class ShownRequest:
    """The request that a message is about. `path` empty: there is no such request (any more), or no page of it for this
    user."""

    number: str
    title: str
    path: str


@value_object
class ShownCause:
    """`letters`: the first of them, each with its request; `rest`: how many more there are."""

    cause: DeadLetterCause
    title: str
    letters: tuple[tuple[DeadLetter, ShownRequest | None], ...]
    rest: int


# --- all of them ---------------------------------------------------------------------------------------------


async def show_causes(request: StaffRequest) -> web.Response:
    desk = request.library.desk
    causes = await desk.dead_letter_causes()
    shown_causes = []
    for cause in causes:
        letters = await desk.dead_letters_of_cause(cause.kind, cause.target, cause.error, limit=MAX_SHOWN)
        with_requests = tuple([(letter, await _find_request(request, letter)) for letter in letters])
        title = _describe_what(request, cause.kind, cause.target)
        shown_causes.append(ShownCause(cause, title, with_requests, max(0, cause.count - len(letters))))
    return request.render(
        "outbox",
        request.gettext("Failed messages"),
        help_topic="outbox",
        causes=shown_causes,
        describe_error=lambda error: describe_send_error(error, request.localization),
        name_event=lambda event: request.localization.translate_sentence(EVENT_CATALOGUE[event].words),
        total=sum(cause.count for cause in causes),
        oldest=min((cause.oldest for cause in causes), default=None),
        may_retry=request.has_right(Right.OUTBOX_RETRY),
        may_change=request.has_right(Right.OUTBOX_ACT),
    )


def _describe_what(request: StaffRequest, kind: str, target: str) -> str:
    return request.localization.translate_sentence(name_outbox_row(kind, target, request.context))


async def _find_request(request: StaffRequest, letter: DeadLetter) -> ShownRequest | None:
    if not letter.request_id:
        return None
    try:
        record = await request.library.requests.find_request(letter.request_id)
    except NotFound:
        return ShownRequest(letter.request_id, "", "")
    path = request.path("requests", record.number) if "/requests/{number}" in request.open_paths else ""
    return ShownRequest(record.number, record.citation.short, path)


async def release_cause(request: StaffRequest) -> web.Response:
    """All that were stopped by the same; those that have come since are among them."""
    form = await request.read_own_form()
    desk = request.library.desk
    letters = await desk.dead_letters_of_cause(form["kind"], form["target"], form.fields.get("error", ""))
    released = await desk.release_all([letter.id for letter in letters], request.origin.actor)
    if not released:
        return request.redirect(
            request.path("outbox"),
            request.gettext("Nothing is left to retry: somebody else has already done it."),
            "look",
        )
    return request.redirect(
        request.path("outbox"),
        request.ngettext("%(num)s message is being sent again.", "%(num)s messages are being sent again.", released),
    )


# --- one of them ---------------------------------------------------------------------------------------------


async def show_letter(request: StaffRequest) -> web.Response:
    return await _render_letter(request, await _find_letter(request), FormCheck(request, SubmittedForm()))


async def _find_letter(request: StaffRequest) -> DeadLetter:
    """Find a letter; raises NotFound, also when somebody has decided about it meanwhile."""
    return await request.library.desk.dead_letter(request.http.match_info["letter"])


async def _render_letter(request: StaffRequest, letter: DeadLetter, checked: FormCheck) -> web.Response:
    about = await _find_request(request, letter)
    return request.render(
        "outbox_letter",
        _describe_what(request, letter.kind, letter.target),
        status=checked.status,
        help_topic="outbox",
        letter=letter,
        about=about,
        describe_error=lambda error: describe_send_error(error, request.localization),
        checked=checked,
        may_retry=request.has_right(Right.OUTBOX_RETRY),
        may_change=request.has_right(Right.OUTBOX_ACT),
        can_edit=letter.kind not in ("file", "gather"),
    )


async def release_letter(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    letter = await _find_letter(request)
    await request.library.desk.release(letter.id, request.origin.actor)
    return request.redirect(request.path("outbox"), request.gettext("The message is being sent again."))


async def skip_letter(request: StaffRequest) -> web.Response:
    checked = FormCheck(request, await request.read_own_form())
    letter = await _find_letter(request)
    reason = checked.read_line("reason", MAX_REASON_CHARS)
    if not reason:
        checked.add_problem("reason", "wrong-missing", field=request.gettext("Reason"))
    if not checked.is_good:
        return await _render_letter(request, letter, checked)
    await request.library.desk.skip(letter.id, reason, request.origin.actor)
    return request.redirect(
        request.path("outbox"), request.gettext("The message will not be sent. Messages queued behind it are released.")
    )


# --- changed before it goes again ----------------------------------------------------------------------------


async def show_edit_form(request: StaffRequest) -> web.Response:
    """Show the form, and log who looks at it: what is to be sent may name a reader."""
    letter = await _find_editable_letter(request)
    await _log_view(request, letter)
    checked = FormCheck(request, SubmittedForm())
    checked.values["payload"] = _indent_payload(letter.payload)
    return await _render_edit_form(request, letter, checked)


async def edit_letter(request: StaffRequest) -> web.Response:
    """First the difference is shown; the second time it goes."""
    checked = FormCheck(request, await request.read_own_form())
    letter = await _find_editable_letter(request)
    text = checked.form["payload"].replace("\r\n", "\n")
    checked.values["payload"] = text
    if len(text) > MAX_PAYLOAD_CHARS:
        checked.add_problem("payload", "wrong-long", most=MAX_PAYLOAD_CHARS)
    payload = _compact_payload(request, checked, text)
    if not checked.is_good:
        return await _render_edit_form(request, letter, checked)
    if checked.form["confirmed"]:
        try:
            await request.library.desk.edit(letter.id, payload, request.origin.actor)
        except Refused as refused:
            checked.add_problem_text("payload", request.describe_refusal(refused))
            return await _render_edit_form(request, letter, checked)
        return request.redirect(request.path("outbox"), request.gettext("The edited message is being sent."))
    return await _render_edit_form(request, letter, checked, _list_changes(_indent_payload(letter.payload), text))


async def _find_editable_letter(request: StaffRequest) -> DeadLetter:
    letter = await _find_letter(request)
    if letter.kind in ("file", "gather"):  # made from its orders
        raise PageError(404, "fault-not-there")
    return letter


async def _log_view(request: StaffRequest, letter: DeadLetter) -> None:
    about = await _find_request(request, letter)
    await request.library.users.log_patron_view(about.number if about is not None else letter.id, request.origin)


async def _render_edit_form(
    request: StaffRequest, letter: DeadLetter, checked: FormCheck, changes: tuple[str, ...] | None = None
) -> web.Response:
    """`changes`: lines that begin with +, - or a blank; None: not yet asked for."""
    return request.render(
        "outbox_edit",
        request.gettext("Edit before sending again"),
        status=checked.status,
        help_topic="outbox",
        letter=letter,
        what=_describe_what(request, letter.kind, letter.target),
        error=describe_send_error(letter.error, request.localization),
        about=await _find_request(request, letter),
        checked=checked,
        changes=changes,
    )


def _indent_payload(payload: str) -> str:
    return json.dumps(json.loads(payload), ensure_ascii=False, indent=2)


def _compact_payload(request: StaffRequest, checked: FormCheck, text: str) -> str:
    """Write a payload as the outbox keeps it; what is no JSON is a problem of the form, with line and column."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except ValueError as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        checked.add_problem_text(
            "payload",
            request.gettext("This is not valid JSON from line %(line)s, column %(column)s.", line=line, column=column),
        )
        return ""


def _list_changes(before: str, after: str) -> tuple[str, ...]:
    """List the lines that differ, with two lines around each; empty: nothing differs."""
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple(line for line in changes if not line.startswith(("---", "+++", "@@")))


PAGES = (
    StaffPage("GET", "/outbox", show_causes, Right.OUTBOX_READ),
    StaffPage("POST", "/outbox/release", release_cause, Right.OUTBOX_RETRY),
    StaffPage("GET", "/outbox/{letter}", show_letter, Right.OUTBOX_READ),
    StaffPage("POST", "/outbox/{letter}/release", release_letter, Right.OUTBOX_RETRY),
    StaffPage("POST", "/outbox/{letter}/skip", skip_letter, Right.OUTBOX_ACT),
    StaffPage("GET", "/outbox/{letter}/edit", show_edit_form, Right.OUTBOX_ACT),
    StaffPage("POST", "/outbox/{letter}/edit", edit_letter, Right.OUTBOX_ACT, max_bytes=800_000),
)
