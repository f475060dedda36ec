"""Data that is kept about a reader: told in plain words, given out as a file, and erased as far as it is finished.

Reading it takes being signed in; file and erasure take the PIN anew, or signing in anew where another site asks for
it. The library's staff give out the same file (`PatronDataService`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from aiohttp import web

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.services.letters.localization import mark_text
from gateway.services.patrons.patron_data import PATRON_FILE, HeldPatronData, PatronNumber, TooManyRequestsError
from gateway.services.people.users import AuditOrigin
from gateway.services.requests.library_context import PATRON
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.assets import json_file_response
from gateway.web.html.error_pages import PageError
from gateway.web.pages import sign_in_pages
from gateway.web.pages.page_request import PageRequest
from gateway.web.pages.page_texts import SIGN_IN_TEXTS
from gateway.web.pages.sign_in import SignInFailedError, SignInMethod

MAX_PROOF_AGE = timedelta(minutes=10)
"""Who signs in elsewhere, without a PIN that we can check, has proved to be this reader for so long."""

_WRONG_PIN = mark_text("The PIN or password is incorrect. Please check it.")
"""The sign-in page has two fields, these forms have one."""

BY_ITSELF = AuditOrigin(PATRON)
"""Without the address, by which it could be found out who it was."""


async def show_own_data(page: PageRequest) -> web.Response:
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "privacy")
    return _render_own_data(page, await _find_own_data(page, page.session))


async def export_own_data(page: PageRequest) -> web.Response:
    await page.read_own_form()
    session = page.session
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, "privacy", wrong="over")
    own_data = await _find_own_data(page, session)
    if wrong := await _check_proof(page, session):
        return _render_own_data(page, own_data, wrong_file=wrong)
    document = await page.library.patron_data.export_data(_number_of_session(session))
    await _log_act(page, "own-data-exported", len(own_data.requests))
    return json_file_response(document, PATRON_FILE)


async def erase_own_data(page: PageRequest) -> web.Response:
    """Whoever has done it is signed out."""
    await page.read_own_form()
    session = page.session
    if session is None:
        return sign_in_pages.ask_to_sign_in(page, "privacy", wrong="over")
    own_data = await _find_own_data(page, session)
    if wrong := await _check_proof(page, session):
        return _render_own_data(page, own_data, wrong_erase=wrong)
    await _log_act(page, "own-data-forgotten", len(own_data.closed_requests))
    gone = await page.library.patron_data.forget_patron(_number_of_session(session), PATRON)
    await page.parts.sessions.end_session(page.visit)
    page.session = None
    page.visit = page.parts.visits.new_visit(page.visit.secure)
    return page.render(
        "own_data_erased",
        address=page.path("privacy"),
        title=page.gettext("Your data was erased"),
        erased=len(gone.requests),
        kept=len(gone.kept),
    )


def _render_own_data(
    page: PageRequest, held: HeldPatronData, *, wrong_file: str = "", wrong_erase: str = ""
) -> web.Response:
    """Render the page, with what is wrong with the proof, for the file or for the erasure."""
    assert page.session is not None, "whose data it is"
    return page.render(
        "own_data",
        address=page.path("privacy"),
        title=page.gettext("Your data"),
        status=422 if wrong_file or wrong_erase else 200,
        held=held,
        kept=_list_retention(page),
        wants_pin=page.session.method == SignInMethod.PASSWORD,
        wrong_file=wrong_file,
        wrong_erase=wrong_erase,
    )


def _list_retention(page: PageRequest) -> Sequence[tuple[str, str]]:
    """List what is kept, and how long, in words for readers."""
    rules, days = page.context.policy().retention, page.parts.retention
    count_days = page.localization.format_days
    end = count_days(rules.anonymise_days)
    return (
        (
            page.gettext("Personal data in requests: your name, card number, notes and messages"),
            page.gettext("%(days)s after the request is closed", days=end)
            if rules.anonymise_days
            else page.gettext("immediately after the request is closed"),
        ),
        (page.gettext("Letters and messages about your requests"), count_days(rules.outbox_days)),
        (page.gettext("Your settings"), page.gettext("until you change them or erase your data")),
        (page.gettext("Content of messages exchanged with other libraries"), count_days(days.message_contents)),
        (
            page.gettext("List of messages with other libraries, and emails to the library"),
            count_days(days.messages),
        ),
        (page.gettext("Your sign-in"), page.gettext("until you sign out, up to 12 hours")),
        (page.gettext("Anonymous statistics"), page.gettext("indefinitely")),
    )


def _number_of_session(session: SessionRow) -> PatronNumber:
    return PatronNumber(session.patron_id, is_id=True)


async def _find_own_data(page: PageRequest, session: SessionRow) -> HeldPatronData:
    try:
        return await page.library.patron_data.find_data(_number_of_session(session))
    except TooManyRequestsError:
        raise PageError(409, "fault-refused") from None


async def _check_proof(page: PageRequest, session: SessionRow) -> str:
    """Return what is wrong with the proof, in words; empty: it is this reader."""
    if session.method != SignInMethod.PASSWORD:
        is_fresh = page.parts.clock.now() - session.started <= MAX_PROOF_AGE
        return "" if is_fresh else page.gettext("Please sign out and sign in again to confirm your identity.")
    form = await page.read_own_form()
    pin = form.fields.get("pin", "")
    if not pin:
        return page.gettext("Please enter your PIN or password.")
    if len(pin) > sign_in_pages.MAX_FIELD_CHARS["password"]:
        return page.gettext(_WRONG_PIN)
    try:
        who = await page.parts.signing_in.sign_in_by_password(
            page.context, session.identifier, pin, sign_in_pages.find_client_address(page)
        )
    except SignInFailedError as problem:
        texts = {**SIGN_IN_TEXTS, "wrong": _WRONG_PIN}
        return page.gettext(texts[problem.word])
    except (Unavailable, OutcomeUnknown):
        return page.gettext(SIGN_IN_TEXTS["away"])
    return "" if who.patron.id == session.patron_id else page.gettext(_WRONG_PIN)


async def _log_act(page: PageRequest, action: str, count: int) -> None:
    """Log how many requests it was, and not whose."""
    detail = "1 request" if count == 1 else f"{count} requests"
    await page.library.users.log_patron_data(action, detail, BY_ITSELF)
