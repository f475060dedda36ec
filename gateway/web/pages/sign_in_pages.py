"""Signing in and out: by number and PIN, or at an identity provider."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta

import structlog
from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.store.patron_sessions import JourneyRow
from gateway.web.pages.oidc import OidcError
from gateway.web.pages.page_request import PageError, PageRequest
from gateway.web.pages.sign_in import SignInFailedError, SignInMethod, SignInResult, hash_token

log = structlog.get_logger(component="pages")

JOURNEY = timedelta(minutes=10)
"""Longest time at the identity provider."""

STATUS = {"too-often": 429, "unknown": 403, "away": 503}

KEPT = "kept."
"""Before the names of fields that wait until somebody has signed in."""

_BACK = re.compile(r"(request|hold|requests|requests/[A-Za-z0-9_-]{1,100})?(\?[\x21-\x7e]*)?")
_MAX_FIELD_CHARS = {"user": 200, "password": 500}


async def show_sign_in(turn: PageRequest) -> web.Response:
    return ask_to_sign_in(turn, _safe_back_path(turn.http.query.get("back", "")))


def ask_to_sign_in(
    turn: PageRequest, back: str, *, wrong: str = "", user: str = "", kept: Mapping[str, str] | None = None
) -> web.Response:
    """The form. `back`: place of the page that needs to know who asks; `wrong`: why signing in failed; `kept`: a form
    that was sent there and waits until then."""
    wrong = wrong or turn.said_wrong
    oidc = turn.entry.settings.oidc
    return turn.render(
        "sign_in",
        here=turn.path(*back.split("?", 1)),
        title=turn.format_text("sign-in-title"),
        status=STATUS.get(wrong, 422) if wrong else 200,
        wrong=turn.format_text(f"sign-in-{wrong}") if wrong else "",
        back=back,
        user=user,
        by_password=turn.entry.settings.password,
        provider=turn.path("sign-in/provider") if oidc.issuer else "",
        kept=kept or {},
    )


async def submit_sign_in(turn: PageRequest) -> web.Response:
    form = await turn.read_own_form()
    back = _safe_back_path(form["back"])
    user, password = form["user"], form.fields.get("password", "")
    if not turn.entry.settings.password:
        raise PageError(403, "fault-form")
    kept = {name.removeprefix(KEPT): said for name, said in form.fields.items() if name.startswith(KEPT)}
    if not user or not password:
        return ask_to_sign_in(turn, back, wrong="incomplete", user=user[: _MAX_FIELD_CHARS["user"]], kept=kept)
    if len(user) > _MAX_FIELD_CHARS["user"] or len(password) > _MAX_FIELD_CHARS["password"]:
        return ask_to_sign_in(turn, back, wrong="wrong", kept=kept)
    try:
        who = await turn.parts.signing_in.sign_in_by_password(
            turn.library, turn.house.system, user, password, _client_address(turn)
        )
    except SignInFailedError as problem:
        return ask_to_sign_in(turn, back, wrong=problem.word, user=user, kept=kept)
    except (Unavailable, OutcomeUnknown):
        return ask_to_sign_in(turn, back, wrong="away", user=user, kept=kept)
    await start_session(turn, who)
    place, _, link = back.partition("?")
    if kept and place in ("request", "hold"):
        return turn.render(
            "again", here=turn.path(place, link), title=turn.format_text("again-title"), place=place, kept=kept
        )
    return turn.redirect(turn.path(place, link))


async def start_session(turn: PageRequest, who: SignInResult) -> None:
    new = turn.parts.visits.new_visit(turn.visit.secure)
    turn.session = await turn.parts.sessions.start_session(turn.library, turn.visit, new, who)
    turn.visit = new


async def sign_out(turn: PageRequest) -> web.Response:
    await turn.read_own_form()
    await turn.parts.sessions.end_session(turn.visit)
    turn.session = None
    turn.visit = turn.parts.visits.new_visit(turn.visit.secure)
    return turn.render("signed_out", here=turn.path("citation"), title=turn.format_text("signed-out-title"))


# --- at an identity provider ---------------------------------------------------------------------------------


async def redirect_to_provider(turn: PageRequest) -> web.Response:
    """To the provider, with what tells us on the way back that it was this browser that we sent."""
    if turn.entry.oidc is None:
        raise PageError(404, "fault-not-there")
    back = _safe_back_path(turn.http.query.get("back", ""))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    row = JourneyRow(
        library=turn.library,
        id=hash_token(state),
        visit=turn.visit.id,
        nonce=nonce,
        verifier=verifier,
        back_to=back,
        expires=turn.parts.clock.now() + JOURNEY,
    )
    try:
        address = await turn.entry.oidc.make_sign_in_url(state, nonce, verifier, _redirect_uri(turn))
    except OidcError as fault:
        log.error("sign_in.unavailable", why=str(fault), library=turn.library)
        raise PageError(502, "fault-provider") from None
    try:
        await turn.parts.signing_in.start_journey(row, _client_address(turn))
    except SignInFailedError as problem:
        return ask_to_sign_in(turn, back, wrong=problem.word)
    return turn.redirect(address)


async def finish_oidc(turn: PageRequest) -> web.Response:
    """With a code from the provider, or with its refusal."""
    oidc, said = turn.entry.oidc, turn.http.query
    if oidc is None:
        raise PageError(404, "fault-not-there")
    row = await turn.parts.signing_in.finish_journey(
        turn.library, hash_token(said.get("state", "")), _client_address(turn)
    )
    if row is None or turn.visit.is_new or row.visit != turn.visit.id:
        raise PageError(403, "fault-journey")
    if not said.get("code"):
        return ask_to_sign_in(turn, row.back_to, wrong="cancelled")
    try:
        claims = await oidc.fetch_claims(
            said["code"], said.get("iss", ""), row.nonce, row.verifier, _redirect_uri(turn)
        )
    except OidcError as fault:
        log.error("oidc.answer_refused", why=str(fault), library=turn.library)
        raise PageError(502, "fault-provider") from None
    settings = turn.entry.settings.oidc
    identifier = claims.get(settings.claim)
    if not isinstance(identifier, str) or not identifier.strip():
        log.error("oidc.claim_missing", claim=settings.claim, library=turn.library)
        return ask_to_sign_in(turn, row.back_to, wrong="unknown")
    try:
        who = await turn.parts.signing_in.sign_in_by_assertion(
            turn.house.system, identifier.strip(), settings.identifier_types, SignInMethod.OIDC
        )
    except SignInFailedError as problem:
        return ask_to_sign_in(turn, row.back_to, wrong=problem.word)
    await start_session(turn, who)
    return turn.redirect(turn.path(*row.back_to.split("?", 1)))


def _client_address(turn: PageRequest) -> str:
    """Of whoever asks, in front of the proxies that we trust."""
    return turn.parts.proxies.sender_address(turn.http, turn.http.remote or "")


def _redirect_uri(turn: PageRequest) -> str:
    return f"{turn.parts.public_url.rstrip('/')}{turn.path('signed-in')}"


def _safe_back_path(text: str) -> str:
    """A place of ours, or else the services."""
    return text if _BACK.fullmatch(text) else ""
