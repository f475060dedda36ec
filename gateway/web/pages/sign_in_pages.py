"""Signing in and out: by number and PIN, or at an identity provider."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta

import structlog
from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.services.people.oidc_journeys import TooManyJourneysError
from gateway.services.people.sign_in_attempts import SignInPlace
from gateway.store.patron_sessions import JourneyRow
from gateway.web.html.error_pages import PageError
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.html.visits import hash_token
from gateway.web.oidc import OidcError, WeakSignInError
from gateway.web.pages.form_words import list_kept_rows
from gateway.web.pages.page_request import PageRequest
from gateway.web.pages.page_texts import SIGN_IN_TEXTS
from gateway.web.pages.sign_in import SignInFailedError, SignInMethod, SignInResult

log = structlog.get_logger(component="pages")

JOURNEY = timedelta(minutes=10)
"""Longest time at the identity provider."""

AT_FIELD = ("wrong", "incomplete")
"""Of SIGN_IN_TEXTS: what is wrong with the entries."""

STATUS = {"too-often": 429, "unknown": 403, "weak": 403, "away": 503}

KEPT = "kept."
"""Before the names of fields that wait until somebody has signed in."""

MAX_JOURNEY_CHARS = 20_000
"""Of the place to come back to from an identity provider, which is kept meanwhile for whoever asks. Links that cite
something have up to some 8,000; from a longer one it goes on at the services."""

_BACK = re.compile(
    r"(request|hold|privacy|requests|requests/[A-Za-z0-9_-]{1,100}(/(cancel|renew|answer))?)?(\?[\x21-\x7e]*)?"
)
MAX_FIELD_CHARS = {"user": 200, "password": 500}


async def show_sign_in(page: PageRequest) -> web.Response:
    return ask_to_sign_in(page, _safe_back_path(page.http.query.get("back", "")))


def ask_to_sign_in(
    page: PageRequest, back: str, *, wrong: str = "", user: str = "", kept: Mapping[str, str] | None = None
) -> web.Response:
    """The form. `back`: place of the page that needs to know who asks; `wrong`: why signing in failed; `kept`: a form
    that was sent there and waits until then."""
    wrong = wrong or page.said_wrong
    oidc = page.entry.settings.oidc
    checked = FormCheck(page, SubmittedForm(), {"user": user})
    if wrong in AT_FIELD:
        checked.problems["user"] = page.gettext(SIGN_IN_TEXTS[wrong])
    elif wrong:
        checked.general.append(page.gettext(SIGN_IN_TEXTS[wrong]))
    return page.render(
        "sign_in",
        address=page.path(*back.split("?", 1)),
        title=page.gettext("Sign in"),
        status=STATUS.get(wrong, 422) if wrong else 200,
        form=checked,
        back=back,
        by_password=page.entry.settings.password,
        provider=page.path("sign-in/provider") if oidc.issuer else "",
        kept=kept or {},
    )


async def submit_sign_in(page: PageRequest) -> web.Response:
    form = await page.read_own_form()
    back = _safe_back_path(form["back"])
    user, password = form["user"], form.fields.get("password", "")
    if not page.entry.settings.password:
        raise PageError(403, "fault-form")
    kept = {name.removeprefix(KEPT): field for name, field in form.fields.items() if name.startswith(KEPT)}
    if not user or not password:
        return ask_to_sign_in(page, back, wrong="incomplete", user=user[: MAX_FIELD_CHARS["user"]], kept=kept)
    if len(user) > MAX_FIELD_CHARS["user"] or len(password) > MAX_FIELD_CHARS["password"]:
        return ask_to_sign_in(page, back, wrong="wrong", kept=kept)
    try:
        who = await page.parts.signing_in.sign_in_by_password(
            page.context, user, password, find_client_address(page), page.device
        )
    except SignInFailedError as problem:
        return ask_to_sign_in(page, back, wrong=problem.word, user=user, kept=kept)
    except (Unavailable, OutcomeUnknown):
        return ask_to_sign_in(page, back, wrong="away", user=user, kept=kept)
    await start_session(page, who)
    place, _, link = back.partition("?")
    if kept and place in ("request", "hold"):
        return page.render(
            "again",
            address=page.path(place, link),
            title=page.gettext("You are signed in"),
            place=place,
            kept=kept,
            rows=await list_kept_rows(page, kept),
        )
    return page.redirect(page.path(place, link))


async def start_session(page: PageRequest, who: SignInResult) -> None:
    new = page.parts.visits.new_visit(page.visit.secure)
    page.session = await page.parts.sessions.start_session(page.library.symbol, page.visit, new, who)
    page.visit = new


async def sign_out(page: PageRequest) -> web.Response:
    await page.read_own_form()
    await page.parts.sessions.end_session(page.visit)
    page.session = None
    page.visit = page.parts.visits.new_visit(page.visit.secure)
    return page.render("signed_out", address=page.path("citation"), title=page.gettext("You are signed out"))


# --- at an identity provider ---------------------------------------------------------------------------------


async def redirect_to_provider(page: PageRequest) -> web.Response:
    """Redirect to the provider, with what tells us on the way back that it was this browser that we sent."""
    if page.entry.oidc is None:
        raise PageError(404, "fault-not-there")
    back = _safe_back_path(page.http.query.get("back", ""))
    if len(back) > MAX_JOURNEY_CHARS:
        back = ""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    row = JourneyRow(
        library=page.library.symbol,
        id=hash_token(state),
        visit=page.visit.id,
        nonce=nonce,
        verifier=verifier,
        back_to=back,
        expires=page.parts.clock.now() + JOURNEY,
    )
    try:
        address = await page.entry.oidc.make_sign_in_url(state, nonce, verifier, _redirect_uri(page))
    except OidcError as fault:
        log.error("sign_in.unavailable", why=str(fault), library=page.library.symbol)
        raise PageError(502, "fault-provider") from None
    try:
        await page.parts.journeys.start_journey(row, find_client_address(page))
    except TooManyJourneysError:
        return ask_to_sign_in(page, back, wrong="too-often")
    return page.redirect(address)


async def finish_oidc(page: PageRequest) -> web.Response:
    """Finish with a code from the provider, or with its refusal."""
    oidc, query = page.entry.oidc, page.http.query
    if oidc is None:
        raise PageError(404, "fault-not-there")
    place = SignInPlace(page.library.symbol, find_client_address(page))
    row = await page.parts.journeys.finish_journey(place, hash_token(query.get("state", "")))
    if row is None or page.visit.is_new or row.visit != page.visit.id:
        raise PageError(403, "fault-journey")
    if not query.get("code"):
        return ask_to_sign_in(page, row.back_to, wrong="cancelled")
    try:
        claims = await oidc.fetch_claims(
            query["code"], query.get("iss", ""), row.nonce, row.verifier, _redirect_uri(page)
        )
    except WeakSignInError as fault:
        log.warning("sign_in.too_weak", why=str(fault), library=page.library.symbol)
        return ask_to_sign_in(page, row.back_to, wrong="weak")
    except OidcError as fault:
        log.error("oidc.answer_refused", why=str(fault), library=page.library.symbol)
        raise PageError(502, "fault-provider") from None
    settings = page.entry.settings.oidc
    identifier = claims.get(settings.claim)
    if not isinstance(identifier, str) or not identifier.strip():
        log.error("oidc.claim_missing", claim=settings.claim, library=page.library.symbol)
        return ask_to_sign_in(page, row.back_to, wrong="unknown")
    try:
        who = await page.parts.signing_in.sign_in_by_assertion(
            page.context.system, identifier.strip(), settings.identifier_types, SignInMethod.OIDC
        )
    except SignInFailedError as problem:
        return ask_to_sign_in(page, row.back_to, wrong=problem.word)
    await start_session(page, who)
    return page.redirect(page.path(*row.back_to.split("?", 1)))


def find_client_address(page: PageRequest) -> str:
    """Find the address of whoever asks, in front of the proxies that we trust."""
    return page.parts.proxies.sender_address(page.http)


def _redirect_uri(page: PageRequest) -> str:
    return f"{page.parts.public_url.rstrip('/')}{page.path('signed-in')}"


def _safe_back_path(text: str) -> str:
    """A place of ours, or else the services."""
    return text if _BACK.fullmatch(text) else ""
