"""One's own account: roles, password, sessions, library, and how pages look in this browser."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.domain.roles import ALL_LIBRARIES, Right
from gateway.services.letters.localization import mark_text
from gateway.services.people.passwords import MIN_PASSWORD_CHARS, WeakPasswordError, check_password_strength
from gateway.services.people.staff_sign_in import StaffSession, StaffSignInError
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.html.visits import YEAR
from gateway.web.staff.staff_request import LOOK_COOKIE, ROOT, ROWS, THEMES, StaffPage, StaffRequest

ROLE_NAMES = {
    "patron-services": mark_text("Patron services"),
    "staff": mark_text("Interlibrary loan staff"),
    "clearance": mark_text("Copyright clearance"),
    "manager": mark_text("Manager"),
    "member-admin": mark_text("Library administrator"),
    "office": mark_text("Consortium office"),
    "operator": mark_text("Operator"),
}

WEAK = {
    "short": mark_text("A password must have at least %(least)s characters."),
    "long": mark_text("This password is too long."),
    "name": mark_text("A password must not contain your name."),
    "same": mark_text("This password has too few different characters."),
    "common": mark_text("This password is made of common words and sequences, so it is easily guessed."),
}


async def show_account(request: StaffRequest) -> web.Response:
    return _render_account(request, FormCheck(request, SubmittedForm()))


def _render_account(request: StaffRequest, checked: FormCheck) -> web.Response:
    libraries, user = request.parts.libraries, request.user
    return request.render(
        "account",
        request.gettext("Your account"),
        status=checked.status,
        checked=checked,
        grants=[
            (
                libraries[grant.library].context.info.name
                if grant.library in libraries
                else request.gettext("all libraries"),
                request.gettext(ROLE_NAMES[grant.role.value]),
                grant.branch,
            )
            for grant in user.grants
            if grant.library in libraries or grant.library == ALL_LIBRARIES
        ],
        choices=[(symbol, libraries[symbol].context.info.name) for symbol in request.parts.sign_in.libraries_of(user)],
        min_chars=MIN_PASSWORD_CHARS,
    )


async def change_password(request: StaffRequest) -> web.Response:
    """The new password is typed twice, and the old one in any case."""
    if not (request.user.has_password and request.parts.settings.password):
        raise PageError(404, "fault-not-there")
    checked = FormCheck(request, await request.read_own_form())
    new, repeated = (checked.form.fields.get(name, "") for name in ("new_password", "repeated_password"))
    check_new_password(request, checked, new, request.user.name)
    if new != repeated:
        checked.add_problem_text("repeated_password", request.gettext("The passwords do not match."))
    if checked.is_good:
        try:
            await request.parts.sign_in.confirm_password(
                _require_session(request), checked.form.fields.get("old_password", ""), request.address, request.device
            )
        except StaffSignInError as error:
            checked.add_problem("old_password", _word_of_failure(error))
    if not checked.is_good:
        return _render_account(request, checked)
    await request.library.users.set_password(request.user, new, request.origin, keep_session=request.visit.id)
    return request.redirect(
        request.path("account"),
        request.gettext("Your password has been changed. You have been signed out of all other sessions."),
    )


def check_new_password(request: StaffRequest, checked: FormCheck, password: str, name: str) -> None:
    try:
        check_password_strength(password, name)
    except WeakPasswordError as error:
        checked.add_problem_text("new_password", request.gettext(WEAK[error.word], least=MIN_PASSWORD_CHARS))


async def end_other_sessions(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    ended = await request.library.users.end_sessions(request.user, request.origin, keep_session=request.visit.id)
    banner = request.ngettext("%(num)s other session has been ended.", "%(num)s other sessions have been ended.", ended)
    return request.redirect(request.path("account"), banner)


async def switch_library(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    try:
        request.session = await request.parts.sign_in.switch_library(_require_session(request), form["library"])
    except StaffSignInError:
        raise PageError(403, "fault-right") from None
    banner = request.gettext("You now work for %(library)s.", library=request.context.info.name)
    return request.redirect(request.root, banner)


async def change_look(request: StaffRequest) -> web.Response:
    """Light or dark, narrow or wide rows, for this browser."""
    checked = FormCheck(request, await request.read_own_form())
    theme, rows = checked.read_choice("theme", THEMES), checked.read_choice("rows", ROWS)
    if not checked.is_good:
        return _render_account(request, checked)
    response = request.redirect(request.path("account"), request.gettext("Saved for this browser."))
    secure = "; Secure" if request.visit.secure else ""
    response.headers.add(
        hdrs.SET_COOKIE,
        f"{LOOK_COOKIE}={theme}.{rows}; Path={ROOT}; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}",
    )
    return response


def _require_session(request: StaffRequest) -> StaffSession:
    assert request.session is not None, "a page with a right has a session"
    return request.session


def _word_of_failure(error: StaffSignInError) -> str:
    return "wrong-too-often" if error.word == "too-often" else "wrong-own-password"


PAGES = (
    StaffPage("GET", "/account", show_account, Right.OWN_ACCOUNT),
    StaffPage("POST", "/account/password", change_password, Right.OWN_ACCOUNT),
    StaffPage("POST", "/account/sessions", end_other_sessions, Right.OWN_ACCOUNT),
    StaffPage("POST", "/account/library", switch_library, Right.OWN_ACCOUNT),
    StaffPage("POST", "/account/look", change_look, Right.OWN_ACCOUNT),
)
