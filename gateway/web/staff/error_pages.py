"""Pages that staff see when a page can't be shown: what it means, what is kept, and the way on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from aiohttp import web

from gateway.domain.problems import Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import StaffRole, StaffUser
from gateway.services.letters.localization import mark_text
from gateway.web.html.error_pages import PageError
from gateway.web.staff.staff_request import StaffRequest

FAULTS: dict[str, tuple[str, str]] = {
    "fault-not-there": (
        mark_text("Page not found"),
        mark_text(
            "Check the address for typing errors. The request may also have been deleted when its retention "
            "period ended."
        ),
    ),
    "fault-right": (
        mark_text("You do not have access to this page"),
        mark_text("An account manager at your library can change your roles."),
    ),
    "fault-form": (
        mark_text("This form has expired"),
        mark_text(
            "Nothing was changed. You may have signed in again in another window. Go back, reload the page and send "
            "the form again."
        ),
    ),
    "fault-foreign-form": (
        mark_text("This form came from another website"),
        mark_text("Nothing was changed. Open the page here, and fill in the form there."),
    ),
    "fault-form-address": (
        mark_text("This address has no page"),
        mark_text("It accepts form submissions only. You may have reloaded a page that followed a submission."),
    ),
    "fault-journey": (
        mark_text("Sign-in took too long"),
        mark_text("Or it was started in another browser. Please start again."),
    ),
    "fault-provider": (
        mark_text("The sign-in service is not available"),
        mark_text("It did not answer, or its answer could not be verified. Please try again later."),
    ),
    "fault-changed": (
        mark_text("Changed by somebody else"),
        mark_text(
            "Nothing was changed. Somebody else has changed this since you opened it. Reload the page to see "
            "the current version."
        ),
    ),
    "fault-not-now": (
        mark_text("This action is not possible now"),
        mark_text(
            "Nothing was changed. It may already have been done. Open the request to see which actions are possible."
        ),
    ),
    "fault-refused": (
        mark_text("This action is not possible"),
        mark_text("Nothing was changed."),
    ),
    "fault-away": (
        mark_text("Part of the system is not responding"),
        mark_text("Nothing was changed. Please try again in a minute."),
    ),
    "fault-outcome-unknown": (
        mark_text("We cannot confirm whether this was done"),
        mark_text("The library system did not respond in time. Check the request before you try again."),
    ),
    "fault-too-large": (
        mark_text("Too much data"),
        mark_text("Nothing was changed. The data you sent is larger than this page accepts."),
    ),
    "fault-broken-off": (
        mark_text("The data arrived incomplete"),
        mark_text("The connection was lost, or the data could not be read. Nothing was changed. Please try again."),
    ),
    "fault-defect": (
        mark_text("Something went wrong"),
        mark_text("This is an error in illgate. Your change may not have been saved: check before you try again."),
    ),
}
"""By the word of a PageError: title, and what it means."""

KEPT_AT_MOST = 20
MIN_KEPT_CHARS = 20
"""Of fields that were sent: a shorter one is typed again soon."""

NOT_TYPED = {"csrf", "seen", "form", "key", "back", "query", "message"}
"""Fields of the pages' own: tokens, ids of events and messages, and addresses."""


async def show_nothing(request: StaffRequest) -> web.Response:
    """Show nothing at a path that there isn't, or that only takes forms."""
    if isinstance(request.http.match_info.http_exception, web.HTTPMethodNotAllowed):
        raise PageError(405, "fault-form-address")
    raise NotFound("page")


async def show_fault(request: StaffRequest, status: int, word: str, detail: str = "", mark: str = "") -> web.Response:
    """`detail`: why, in words; `mark`: by which the log's traceback is found."""
    title, meaning = FAULTS[word]
    return request.render(
        "fault",
        request.gettext(title),
        status=status,
        meaning=request.gettext(meaning),
        detail=detail,
        word=word,
        number=request.http.match_info.get("number", "") if word == "fault-not-now" else "",
        mark=mark,
        status_code=status,
        helpers=await _find_helpers(request) if word == "fault-right" else (),
        kept=await _list_kept_texts(request),
    )


def make_fault_mark() -> str:
    """Make the mark by which a defect's traceback is found in the log."""
    return secrets.token_hex(4)


async def _find_helpers(request: StaffRequest) -> Sequence[StaffUser]:
    """Find whom to ask for another role: those who manage accounts and can be written to."""
    if request.session is None:
        return ()
    users = await request.library.users.list_users()
    may_help = {StaffRole.MANAGER, StaffRole.MEMBER_ADMIN, StaffRole.OPERATOR}
    return [
        user
        for user in users
        if user.email and user.disabled is None and may_help & set(user.roles_in(request.library.symbol))
    ][:3]


async def _list_kept_texts(request: StaffRequest) -> Sequence[str]:
    """List what was typed, so that nobody has to type it again: browsers forget it, since they may keep nothing."""
    if request.http.method != "POST" or request.session is None or request.parts.visits.is_foreign_form(request.http):
        return ()
    try:
        form = await request.read_any_form()
    except (PageError, ConnectionError, Unavailable):
        return ()
    texts = [value for name, value in form.pairs if name not in NOT_TYPED and "password" not in name]
    return [text for text in texts if len(text) >= MIN_KEPT_CHARS][:KEPT_AT_MOST]
