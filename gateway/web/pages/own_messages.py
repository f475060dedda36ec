"""Letters of the library to the patron, as they were sent: a list, and each as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from gateway.domain.requests.partner_policy import STAFF_LETTER
from gateway.domain.requests.staff_views import NoticeStatus, NoticeView
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.services.requests.moot_steps import MOOT
from gateway.web.pages import sign_in_pages
from gateway.web.pages.page_request import PageRequest

MAX_REQUESTS = 50
MAX_LETTERS = 200

_SUBJECTS: Mapping[str, str] = {
    "placed": mark_text("Request received"),
    "sent": mark_text("On its way"),
    "available": mark_text("Ready for you"),
    "due-soon": mark_text("Due soon"),
    "overdue": mark_text("Overdue"),
    "recalled": mark_text("Please return it early"),
    "renewed": mark_text("Renewed"),
    "renewal-refused": mark_text("It cannot be renewed"),
    "cancelled": mark_text("Cancelled"),
    "cancel-refused": mark_text("It could not be cancelled"),
    "closed": mark_text("Request closed"),
    "not-coming": mark_text("It is not coming"),
    "gone-back": mark_text("Returned to its library"),
    "not-supplied-yet": mark_text("Still searching"),
    "not-supplied": mark_text("It could not be supplied"),
    "copy-ready": mark_text("Your copy is ready"),
    "query": mark_text("We have a question"),
    STAFF_LETTER: mark_text("A message from the library"),
}
"""By the template of the letter."""

_HERE_ONLY = mark_text("Here only")
_SENT: dict[NoticeStatus, str] = {
    NoticeStatus.SENT: mark_text("By email and here"),
    NoticeStatus.WAITING: mark_text("Being sent"),
}
"""All others stand here alone."""


@value_object(kw_only=True)
class ShownNotice:
    """`text`: what it is about, in words; `way`: how it was told."""

    path: str
    text: str
    work: str
    day: str
    way: str


async def list_messages(page: PageRequest) -> web.Response:
    """Letters about the requests that have changed last, newest first."""
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, "messages")
    views = await page.library.patrons.list_requests(
        page.session.patron_id, None, page.localization.language, MAX_REQUESTS, ""
    )
    works = {view.request.id: view.request.citation.short for view in views}
    notices = await page.library.notices.list_notices_of_requests(list(works), MAX_LETTERS)
    return page.render(
        "own_messages",
        address=page.path("messages"),
        title=page.gettext("Messages"),
        messages=list(_describe_messages(page, notices, works)),
    )


def _describe_messages(
    page: PageRequest, notices: Sequence[NoticeView], works: dict[str, str]
) -> Iterator[ShownNotice]:
    for notice in notices:
        if notice.error == MOOT:
            continue
        yield ShownNotice(
            path=page.path(f"messages/{quote(notice.id, safe='')}"),
            text=page.gettext(_SUBJECTS[notice.letter]),
            work=works[notice.request_id],
            day=page.format_short_day(notice.created),
            way=page.gettext(_SENT.get(notice.status, _HERE_ONLY)),
        )


async def show_message(page: PageRequest) -> web.Response:
    """A letter; of somebody else's request it is not there."""
    id_ = page.http.match_info["id"]
    if page.session is None:
        return sign_in_pages.ask_to_sign_in(page, f"messages/{id_}")
    request_id = await page.library.notices.find_request_of_notice(id_)
    view = await page.library.patrons.load_view(request_id, page.session.patron_id, page.localization.language)
    letter = await page.library.notices.render_notice(id_)
    kind = letter.notice.letter
    return page.render(
        "own_message",
        address=page.path(f"messages/{quote(id_, safe='')}"),
        title=letter.subject if kind == STAFF_LETTER else page.gettext(_SUBJECTS[kind]),
        letter=letter,
        request=view.request,
        day=page.format_day(letter.notice.created.astimezone(page.context.zone).date()),
    )
