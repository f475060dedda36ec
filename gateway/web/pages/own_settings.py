"""The patron's settings: the language of pages and letters, and whether notices are sent."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.patron_settings import NoticeChoice, PatronSettings
from gateway.ports.library_system import PatronKey
from gateway.services.letters.renderer import mail_address
from gateway.store.patron_sessions import SessionRow
from gateway.web.html.error_pages import PageError
from gateway.web.pages import sign_in_pages
from gateway.web.pages.page_request import PageRequest

SAVED = "saved"


async def show_settings(page: PageRequest) -> web.Response:
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "settings")
    settings = await page.library.patrons.load_settings(page.session.patron_id)
    return page.render(
        "own_settings",
        address=page.path("settings"),
        title=page.gettext("Settings"),
        done=page.gettext("Your settings are saved.") if page.http.query.get("done") == SAVED else "",
        known_languages=list(page.entry.texts.known.items()),
        chosen_language=settings.language or page.localization.language,
        wants_notices=settings.notices is NoticeChoice.EMAIL,
        sends_mail=page.parts.sends_mail,
        mail_address=await _find_mail_address(page, page.session),
        always_sent=_list_always_sent(page),
    )


async def save_settings(page: PageRequest) -> web.Response:
    form = await page.read_own_form()
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "settings", wrong="over")
    language = form["language"]
    if language not in page.entry.texts.known or form["notices"] not in list(NoticeChoice):
        raise PageError(400, "fault-form")
    settings = PatronSettings(NoticeChoice(form["notices"]), language)
    await page.library.patrons.save_settings(page.session.patron_id, settings)
    response = page.redirect(page.path("settings", f"done={SAVED}"))
    page.parts.visits.set_language_cookie(response, language, page.visit.secure)
    return response


async def _find_mail_address(page: PageRequest, session: SessionRow) -> str:
    """Empty: there is none, none is used, or the library's system can't be asked."""
    if not page.parts.sends_mail:
        return ""
    try:
        patron = await page.context.system.find_patron(PatronKey(session.patron_id, ("internal",)))
    except (Unavailable, Refused):
        return ""
    return mail_address(patron, page.context.today())


def _list_always_sent(page: PageRequest) -> Sequence[str]:
    """List what `ALWAYS_SENT` has, in words."""
    return (
        page.gettext("we have a question about your request"),
        page.gettext("an item has to be returned early, or is overdue"),
        page.gettext("a member of staff writes to you"),
    )
