"""One's own second factor: set up with an app, new recovery codes, turned off."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.domain.roles import Right
from gateway.services.people.one_time_codes import make_key_uri, write_code_secret
from gateway.services.people.staff_sign_in import StaffSignInError
from gateway.web.html.barcodes import draw_qr_code
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.sign_in_pages import WRONG
from gateway.web.staff.staff_request import StaffPage, StaffRequest


async def show_second_factor(request: StaffRequest) -> web.Response:
    return await _render_second_factor(request, FormCheck(request, SubmittedForm()))


async def _render_second_factor(request: StaffRequest, checked: FormCheck) -> web.Response:
    _require_password(request)
    user, factors = request.user, request.parts.factors
    is_on = user.has_second_factor
    secret = None if is_on else await factors.read_begun_secret(user)
    uri = (
        make_key_uri(secret, user.name, request.context.info.name or request.library.symbol)
        if secret is not None
        else ""
    )
    return request.render(
        "second_factor",
        request.gettext("Second factor"),
        status=checked.status,
        help_topic="sign-in",
        checked=checked,
        is_on=is_on,
        is_required=request.parts.sign_in.is_factor_required(user),
        codes_left=await factors.count_recovery_codes(user) if is_on else 0,
        secret=write_code_secret(secret) if secret is not None else "",
        square=draw_qr_code(uri) if uri else None,
    )


async def begin_setup(request: StaffRequest) -> web.Response:
    """Begin the setup with a new secret, which the page shows until a code from the app has come."""
    _require_password(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_second_factor(request, checked)
    await request.parts.factors.begin_setup(request.user)
    return request.redirect(request.path("account", "second-factor"))


async def finish_setup(request: StaffRequest) -> web.Response:
    _require_password(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if checked.is_good:
        try:
            codes = await request.parts.factors.finish_setup(
                request.user, checked.form.fields.get("code", ""), request.origin, keep_session=request.visit.id
            )
        except StaffSignInError as error:
            checked.add_problem_text("code", request.gettext(WRONG[error.word]))
        else:
            return _show_recovery_codes(request, codes)
    return await _render_second_factor(request, checked)


async def make_recovery_codes(request: StaffRequest) -> web.Response:
    _require_factor(request)
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_second_factor(request, checked)
    return _show_recovery_codes(request, await request.parts.factors.make_recovery_codes(request.user, request.origin))


def _show_recovery_codes(request: StaffRequest, codes: Sequence[str]) -> web.Response:
    """This once: they are kept as hashes."""
    return request.render("recovery_codes", request.gettext("Your recovery codes"), help_topic="sign-in", codes=codes)


async def remove_second_factor(request: StaffRequest) -> web.Response:
    """Remove the factor; not where a role of the user needs one."""
    _require_factor(request)
    if request.parts.sign_in.is_factor_required(request.user):
        raise PageError(403, "fault-right")
    checked = FormCheck(request, await request.read_own_form())
    await request.confirm_by_form(checked)
    if not checked.is_good:
        return await _render_second_factor(request, checked)
    await request.parts.factors.remove(request.user, request.origin)
    return request.redirect(request.path("account"), request.gettext("The second factor is turned off."))


def _require_password(request: StaffRequest) -> None:
    """Require a password: who signs in at an identity provider has a second factor there. Raises PageError."""
    if not (request.user.has_password and request.parts.settings.password):
        raise PageError(404, "fault-not-there")


def _require_factor(request: StaffRequest) -> None:
    """Require a second factor; raises PageError."""
    if not request.user.has_second_factor:
        raise PageError(404, "fault-not-there")


ROOT_PATH = "/account/second-factor"

PAGES = (
    StaffPage("GET", ROOT_PATH, show_second_factor, Right.OWN_ACCOUNT, without_factor=True),
    StaffPage("POST", f"{ROOT_PATH}/begin", begin_setup, Right.OWN_ACCOUNT, without_factor=True),
    StaffPage("POST", f"{ROOT_PATH}/finish", finish_setup, Right.OWN_ACCOUNT, without_factor=True),
    StaffPage("POST", f"{ROOT_PATH}/recovery-codes", make_recovery_codes, Right.OWN_ACCOUNT),
    StaffPage("POST", f"{ROOT_PATH}/remove", remove_second_factor, Right.OWN_ACCOUNT),
)
