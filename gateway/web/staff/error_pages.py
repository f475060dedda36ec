"""What staff see when a page can't be shown: what it means, what is kept, and the way on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from aiohttp import web

from gateway.domain.problems import Unavailable
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import StaffRole, StaffUser
from gateway.services.localization import mark_text
from gateway.web.html.error_pages import PageError
from gateway.web.staff.staff_request import StaffRequest

FAULTS: dict[str, tuple[str, str]] = {
    "fault-not-there": (
        mark_text("This page does not exist"),
        mark_text("Either the address has a slip of the pen, or the request was deleted after its time for keeping."),
    ),
    "fault-right": (
        mark_text("Your role does not allow this page"),
        mark_text("Whoever manages the accounts of your library can change your roles."),
    ),
    "fault-form": (
        mark_text("This form was out of date"),
        mark_text(
            "Nothing was done. Perhaps you have signed in anew in another window. Go back, load the page again, and "
            "send it once more."
        ),
    ),
    "fault-form-address": (
        mark_text("There is nothing to see at this address"),
        mark_text("It only takes what a form sends. Perhaps you have loaded a page again that came after sending."),
    ),
    "fault-journey": (
        mark_text("Signing in took too long"),
        mark_text("Or it began in another browser. Please begin again."),
    ),
    "fault-provider": (
        mark_text("The sign-in service can’t be used now"),
        mark_text("Its answer could not be trusted, or it gave none. Please try again later."),
    ),
    "fault-changed": (
        mark_text("Somebody else was quicker"),
        mark_text("Nothing was done: this has been changed since you opened it. Load it again to see what was done."),
    ),
    "fault-not-now": (
        mark_text("This can’t be done with the request now"),
        mark_text("Nothing was changed. Perhaps it was done already; the request shows what can be done now."),
    ),
    "fault-refused": (
        mark_text("That can’t be done"),
        mark_text("Nothing was changed."),
    ),
    "fault-away": (
        mark_text("A part of the system does not answer"),
        mark_text("Nothing was changed: what you sent was not carried out. Please try again in a minute."),
    ),
    "fault-outcome-unknown": (
        mark_text("Nobody can say whether that was done"),
        mark_text("The library’s system was asked and has not answered. Look at the request before you try again."),
    ),
    "fault-too-large": (
        mark_text("This is too large"),
        mark_text("Nothing was done, since more came than this page takes."),
    ),
    "fault-broken-off": (
        mark_text("Only a part of that arrived"),
        mark_text("The connection broke off, or what came could not be read. Nothing was done. Please try again."),
    ),
    "fault-defect": (
        mark_text("That went wrong on our side"),
        mark_text("What you sent may not have been carried out: look before you try again."),
    ),
}
"""By the word of a PageError: title, and what it means."""

KEPT_AT_MOST = 20
MIN_KEPT_CHARS = 20
"""Of fields that were sent: a shorter one is typed again soon."""

NOT_TYPED = {"csrf", "seen", "form", "key", "back", "query", "message"}
"""Fields of the pages' own: tokens, ids of events and messages, and addresses."""


async def show_nothing(request: StaffRequest) -> web.Response:
    """At a path that there isn't, or that only takes forms."""
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
    """By which a defect's traceback is found in the log."""
    return secrets.token_hex(4)


async def _find_helpers(request: StaffRequest) -> Sequence[StaffUser]:
    """Whom to ask for another role: managers and operators who can be written to."""
    if request.session is None:
        return ()
    users = await request.parts.users.list_users(request.library)
    may_help = {StaffRole.MANAGER, StaffRole.OPERATOR}
    return [
        user
        for user in users
        if user.email and user.disabled is None and may_help & set(user.roles_in(request.library))
    ][:3]


async def _list_kept_texts(request: StaffRequest) -> Sequence[str]:
    """What was typed, so that nobody has to type it again: browsers forget it, since they may keep nothing."""
    if request.http.method != "POST" or request.session is None:
        return ()
    try:
        form = await request.read_any_form()
    except (PageError, ConnectionError, Unavailable):
        return ()
    texts = [value for name, value in form.pairs if name not in NOT_TYPED and "password" not in name]
    return [text for text in texts if len(text) >= MIN_KEPT_CHARS][:KEPT_AT_MOST]
