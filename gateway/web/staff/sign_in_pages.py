"""Signing in and out: by name and password, or at an identity provider."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote

import structlog
from aiohttp import web

from gateway.domain.problems import Unavailable
from gateway.domain.roles import Right, StaffUser
from gateway.services.letters.localization import mark_text
from gateway.services.people.oidc_journeys import TooManyJourneysError
from gateway.services.people.sign_in_attempts import SignInPlace
from gateway.services.people.staff_sign_in import PROXY_ISSUER, OidcIdentity, StaffSignInError, StaffSignInMethod
from gateway.store.patron_sessions import JourneyRow
from gateway.web.html.assets import HEADERS, redirect_response
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import SubmittedForm
from gateway.web.html.visits import hash_token
from gateway.web.oidc import OidcError, WeakSignInError
from gateway.web.staff.act_forms import ACT_FIELD_LABELS
from gateway.web.staff.staff_request import ROOT, StaffPage, StaffProvider, StaffRequest
from gateway.web.trusted_proxies import read_asserted_header

log = structlog.get_logger(component="staff")

JOURNEY = timedelta(minutes=10)
"""Longest time at the identity provider."""

STATUS = {"too-often": 429, "codes-used-up": 403, "unknown": 403, "no-role": 403, "weak": 403, "away": 503}

WRONG = {
    "wrong": mark_text("User name or password incorrect."),
    "wrong-code": mark_text("This code is incorrect or has been used already."),
    "codes-used-up": mark_text("Too many wrong codes. Please use a recovery code, or ask an account manager."),
    "over": mark_text("This took too long. Please sign in again."),
    "incomplete": mark_text("Please enter your user name and password."),
    "too-often": mark_text("Too many failed attempts. Please wait 15 minutes."),
    "unknown": mark_text("You have no account here. An account manager at your library can create one."),
    "no-role": mark_text("Your account has no role yet. An account manager at your library can assign one."),
    "weak": mark_text("Please sign in at your organisation with a second factor, such as a code from an app."),
    "cancelled": mark_text("Sign-in failed."),
    "away": mark_text("Sign-in is not available now. Please try again in a minute."),
}

KEPT = "kept."
"""Before the names of fields that wait until somebody has signed in."""

SETUP = ("account", "second-factor")
"""Of the page where a second factor is set up."""

MAX_NAME_CHARS = 200
MAX_BACK_CHARS = 2_000

_BACK = re.compile(rf"{ROOT}(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*(\?[\x21-\x5b\x5d-\x7e]*)?")
"""A path of ours: no other host, no way out of /staff."""

_SIGN_IN = re.compile(rf"{ROOT}(/[^/]+)?/(sign-in|signed-in)")

Kept = tuple[tuple[str, str], ...]


async def ask_who_it_is(request: StaffRequest) -> web.Response:
    """Ask for a sign-in in place of a page with a right, where nobody has signed in. What was sent there from a page of
    this visit waits until somebody has."""
    if request.is_asked_by_script:
        return web.Response(status=401, headers=HEADERS)
    if not await request.library.users.has_users():
        return request.render("no_users", request.gettext("No accounts yet"), status=403)
    if request.lacks_factor and request.http.method == "GET":
        return request.redirect(request.path(*SETUP))
    if request.http.method == "GET":
        return request.redirect(request.path("sign-in", back=safe_back_path(request.here)))
    if request.http.method != "POST" or request.lacks_factor:
        raise PageError(403, "fault-form")
    form = await request.read_own_form()
    kept = tuple((name, value) for name, value in form.pairs if name != "csrf" and "password" not in name)
    return _ask_to_sign_in(request, safe_back_path(request.here), kept=kept, status=403)


async def show_sign_in(request: StaffRequest) -> web.Response:
    back = safe_back_path(request.http.query.get("back", ""))
    if request.session is not None:
        return request.redirect(back)
    if not await request.library.users.has_users():
        return request.render("no_users", request.gettext("No accounts yet"), status=403)
    return _ask_to_sign_in(request, back)


def _ask_to_sign_in(
    request: StaffRequest, back: str, *, wrong: str = "", name: str = "", kept: Kept = (), status: int = 200
) -> web.Response:
    """The form. `back`: address of the page that needs to know who asks; `wrong`: why signing in failed; `kept`: a form
    that was sent there and waits until then."""
    provider = request.parts.find_provider(request.named)
    way = f"{_root_of(request, provider)}/sign-in/provider" if provider is not None else f"{ROOT}/sign-in/proxy"
    return request.render(
        "sign_in",
        request.gettext("Sign in"),
        status=STATUS.get(wrong, 422) if wrong else status,
        wrong=request.gettext(WRONG[wrong]) if wrong else "",
        back=back,
        name=name,
        by_password=request.parts.settings.password,
        provider=f"{way}?back={quote(back, safe='')}" if request.parts.has_provider(request.named) else "",
        kept=kept,
        kept_before=KEPT,
    )


async def submit_sign_in(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    if not request.parts.settings.password:
        raise PageError(403, "fault-form")
    back = safe_back_path(form["back"])
    name, password = form["name"], form.fields.get("password", "")
    kept = _read_kept(form)
    if not name or not password:
        return _ask_to_sign_in(request, back, wrong="incomplete", name=name[:MAX_NAME_CHARS], kept=kept)
    if len(name) > MAX_NAME_CHARS:
        return _ask_to_sign_in(request, back, wrong="wrong", kept=kept)
    try:
        user = await request.parts.sign_in.sign_in_by_password(name, password, request.address, request.device)
    except StaffSignInError as error:
        return _ask_to_sign_in(request, back, wrong=error.word, name=name, kept=kept)
    except Unavailable:
        return _ask_to_sign_in(request, back, wrong="away", name=name, kept=kept)
    if user.has_second_factor:
        new = request.parts.visits.new_visit(request.visit.secure)
        await request.parts.factors.begin_wait(user, request.visit.id, new.id, confirms=not kept)
        request.visit = new
        return _ask_for_code(request, back, kept)
    return await _finish_sign_in(request, user, back, kept, confirms=not kept)


def _ask_for_code(request: StaffRequest, back: str, kept: Kept, wrong: str = "") -> web.Response:
    """Ask for a code after the right password. `wrong`: why the code was not taken."""
    return request.render(
        "sign_in_code",
        request.gettext("Enter your code"),
        status=STATUS.get(wrong, 422) if wrong else 200,
        wrong=request.gettext(WRONG[wrong]) if wrong else "",
        back=back,
        kept=kept,
        kept_before=KEPT,
    )


async def submit_code(request: StaffRequest) -> web.Response:
    """The second factor."""
    form = await request.read_own_form()
    factors, back = request.parts.factors, safe_back_path(form["back"])
    kept = _read_kept(form)
    wait_of_user = await factors.find_wait(request.visit.id)
    if wait_of_user is None:
        return _ask_to_sign_in(request, back, wrong="over", kept=kept)
    wait, user = wait_of_user
    if not request.parts.sign_in.libraries_of(user):
        return _ask_to_sign_in(request, back, wrong="no-role")
    try:
        await factors.check_code(user, form.fields.get("code", ""), request.address, request.device)
        await factors.end_wait(request.visit.id)
    except StaffSignInError as error:
        return _ask_for_code(request, back, kept, error.word)
    except Unavailable:
        return _ask_for_code(request, back, kept, "away")
    return await _finish_sign_in(request, user, back, kept, confirms=wait.confirms and not kept)


def _read_kept(form: SubmittedForm) -> Kept:
    return tuple((field.removeprefix(KEPT), value) for field, value in form.pairs if field.startswith(KEPT))


async def _finish_sign_in(
    request: StaffRequest, user: StaffUser, back: str, kept: Kept, *, confirms: bool
) -> web.Response:
    """All that was asked for was right."""
    await _start_session(request, user, StaffSignInMethod.PASSWORD, confirms=confirms)
    if request.session is not None and request.session.lacks_factor:
        return request.redirect(request.path(*SETUP))
    if kept:
        labelled = label_fields(request, kept)
        return request.render("send_again", request.gettext("Send it now?"), back=back, kept=kept, labelled=labelled)
    return request.redirect(back)


async def _start_session(
    request: StaffRequest, user: StaffUser, method: StaffSignInMethod, *, confirms: bool = True
) -> None:
    """Start a session under a new cookie, so that nobody who knew the old one is signed in with it. `confirms`: as of
    `StaffSignInService.start_session`."""
    new = request.parts.visits.new_visit(request.visit.secure)
    request.session = await request.parts.sign_in.start_session(
        user, method, request.visit.id, new.id, request.address, confirms=confirms
    )
    request.visit = new


async def sign_out(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    await request.parts.sign_in.end_session(request.visit.id)
    request.session = None
    request.menu = ()
    request.visit = request.parts.visits.new_visit(request.visit.secure)
    return request.render("signed_out", request.gettext("You are signed out"))


# --- at an identity provider ---------------------------------------------------------------------------------


async def redirect_to_provider(request: StaffRequest) -> web.Response:
    """Redirect to the provider, with what tells us on the way back that it was this browser that we sent."""
    provider = request.parts.find_provider(request.named)
    if provider is None:
        raise PageError(404, "fault-not-there")
    back = safe_back_path(request.http.query.get("back", ""))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    row = JourneyRow(
        library=provider.library or request.parts.home,
        id=_journey_id(provider, state),
        visit=request.visit.id,
        nonce=nonce,
        verifier=verifier,
        back_to=back,
        expires=request.parts.clock.now() + JOURNEY,
    )
    try:
        address = await provider.client.make_sign_in_url(state, nonce, verifier, _redirect_uri(request, provider))
    except OidcError as fault:
        log.error("sign_in.unavailable", why=str(fault), library=provider.library)
        raise PageError(502, "fault-provider") from None
    try:
        await request.parts.journeys.start_journey(row, request.address)
    except TooManyJourneysError:
        return _ask_to_sign_in(request, back, wrong="too-often")
    return redirect_response(address)


async def finish_oidc(request: StaffRequest) -> web.Response:
    """Finish with a code from the provider, or with its refusal. Each provider has an address of its own for it, and a
    journey to one is none to another (RFC 9700 section 4.4)."""
    provider, said = request.parts.providers.get(request.named), request.http.query
    if provider is None:
        raise PageError(404, "fault-not-there")
    place = SignInPlace(provider.library or request.parts.home, request.address)
    row = await request.parts.journeys.finish_journey(place, _journey_id(provider, said.get("state", "")))
    if row is None or request.visit.is_new or row.visit != request.visit.id:
        raise PageError(403, "fault-journey")
    back = safe_back_path(row.back_to)
    if not said.get("code"):
        return _ask_to_sign_in(request, back, wrong="cancelled")
    try:
        claims = await provider.client.fetch_claims(
            said["code"], said.get("iss", ""), row.nonce, row.verifier, _redirect_uri(request, provider)
        )
    except WeakSignInError as fault:
        log.warning("sign_in.too_weak", why=str(fault), library=provider.library)
        return _ask_to_sign_in(request, back, wrong="weak")
    except OidcError as fault:
        log.error("oidc.answer_refused", why=str(fault), library=provider.library)
        raise PageError(502, "fault-provider") from None
    claim = provider.settings.claim
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip():
        log.error("oidc.claim_missing", claim=claim, library=provider.library)
        name = ""
    grants = provider.read_grants(claims)
    identity = OidcIdentity(str(claims["iss"]), str(claims["sub"]), name.strip(), grants, provider.library)
    return await _sign_in_identity(request, identity, provider.method, back)


async def sign_in_by_proxy(request: StaffRequest) -> web.Response:
    """Sign in whom a proxy's header names. The proxy guards this path alone; no other page reads the header, so that
    one that reaches other pages is nobody's word."""
    header = request.parts.settings.header
    if not header.name:
        raise PageError(404, "fault-not-there")
    back = safe_back_path(request.http.query.get("back", ""))
    name = read_asserted_header(request.http, header.name, request.parts.header_proxies)
    if not 0 < len(name) <= MAX_NAME_CHARS:
        log.warning("sign_in.header_missing", peer=request.http.remote, header=header.name)
        return _ask_to_sign_in(request, back, wrong="cancelled")
    return await _sign_in_identity(request, OidcIdentity(PROXY_ISSUER, name, name), StaffSignInMethod.HEADER, back)


async def _sign_in_identity(
    request: StaffRequest, identity: OidcIdentity, method: StaffSignInMethod, back: str
) -> web.Response:
    try:
        user = await request.parts.sign_in.sign_in_by_identity(identity, request.address, method)
    except StaffSignInError as error:
        return _ask_to_sign_in(request, back, wrong=error.word)
    await _start_session(request, user, method)
    return request.redirect(back)


def _journey_id(provider: StaffProvider, state: str) -> str:
    """Make an id apart from those of journeys to other providers, and from those of patrons, who may be under way to
    the same one."""
    kind = f"staff/{provider.library}" if provider.library else "staff"
    return hash_token(f"{kind} {state}")


def _redirect_uri(request: StaffRequest, provider: StaffProvider) -> str:
    return f"{request.parts.public_url.rstrip('/')}{_root_of(request, provider)}/signed-in"


def _root_of(request: StaffRequest, provider: StaffProvider) -> str:
    """The beginning of the addresses of whoever signs in there."""
    return request.root_of(provider.library) if provider.library else ROOT


def safe_back_path(text: str) -> str:
    """A place of ours, or else the work queue."""
    is_sign_in = _SIGN_IN.match(text) is not None
    return text if len(text) <= MAX_BACK_CHARS and _BACK.fullmatch(text) and not is_sign_in else ROOT


# --- a form that waits ---------------------------------------------------------------------------------

FIELD_LABELS: Mapping[str, str] = {
    **ACT_FIELD_LABELS,
    "author": mark_text("Author or editor"),
    "card": mark_text("Card number"),
    "component_author": mark_text("Author of the article or chapter"),
    "component_title": mark_text("Title of the article or chapter"),
    "edition": mark_text("Edition"),
    "email": mark_text("Email address"),
    "first": mark_text("First day"),
    "issue": mark_text("Issue"),
    "last": mark_text("Last day"),
    "maximum_cost_currency": mark_text("Currency"),
    "name": mark_text("Name"),
    "oclc": mark_text("OCLC number"),
    "pages": mark_text("Pages"),
    "patron": mark_text("Patron’s card number"),
    "place": mark_text("Place"),
    "pmid": mark_text("PubMed ID"),
    "published": mark_text("Year or date"),
    "publisher": mark_text("Publisher"),
    "shown_name": mark_text("Display name"),
    "subject": mark_text("User name at your organisation"),
    "title": mark_text("Title of the book or journal"),
    "transaction": mark_text("Partner’s number"),
    "volume": mark_text("Volume"),
    "work": mark_text("ISBN, ISSN, DOI, or words of the title"),
}
"""As their pages have them. Others are shown by the name that is sent: what a program has put there has no label."""


def label_fields(page: StaffRequest, fields: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Label and value of each field that says something, in the order in which they are sent."""
    return tuple((page.gettext(FIELD_LABELS.get(name, name)), value) for name, value in fields if value)


PAGES = (
    StaffPage("GET", "/sign-in", show_sign_in, None),
    StaffPage("POST", "/sign-in", submit_sign_in, None),
    StaffPage("POST", "/sign-in/code", submit_code, None),
    StaffPage("GET", "/sign-in/provider", redirect_to_provider, None),
    StaffPage("GET", "/signed-in", finish_oidc, None),
    StaffPage("GET", "/sign-in/proxy", sign_in_by_proxy, None, names_library=False),  # the one path that is guarded
    StaffPage("POST", "/sign-out", sign_out, Right.OWN_ACCOUNT, without_factor=True),
)
