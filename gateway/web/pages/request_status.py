"""Status of a request, as its patron sees it in a list: one of a few words with a day, and what can be done now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from gateway.domain.requests.patron_status import (
    CANCEL_PENDING,
    CANCEL_REFUSED,
    COPY_CANCEL_REFUSED,
    COPY_READY,
    OVERDUE,
    OVERDUE_RENEWAL_PENDING,
    QUESTION,
    RECALLED,
    RENEWAL_PENDING,
    PatronStatus,
    status_of_request,
)
from gateway.domain.requests.patron_views import PatronAction, PatronView
from gateway.domain.requests.request import Attachment, Request
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text, mark_text_in_context
from gateway.services.letters.templates import clean_line, clean_lines
from gateway.services.patrons.patron_copies import PatronCopy
from gateway.web.pages.page_request import PageRequest


@value_object
class StatusText:
    """`kind`: which of the tags; `word`, `since`: with their contexts. `since` has a value `day`."""

    kind: str
    word: tuple[str, str]
    since: tuple[str, str]


STATUS_TEXTS: Mapping[PatronStatus, StatusText] = {
    PatronStatus.PREPARED: StatusText(
        "waiting",
        mark_text_in_context("status of a request", "Preparing"),
        mark_text_in_context("preparing, searching", "requested on %(day)s"),
    ),
    PatronStatus.SEARCHING: StatusText(
        "waiting",
        mark_text_in_context("status of a request", "Searching"),
        mark_text_in_context("preparing, searching", "requested on %(day)s"),
    ),
    PatronStatus.ORDERED: StatusText(
        "waiting",
        mark_text_in_context("status of a request", "Requested"),
        mark_text_in_context("ordered, returned, finished, ended", "on %(day)s"),
    ),
    PatronStatus.UNDERWAY: StatusText(
        "way",
        mark_text_in_context("status of a request", "On its way"),
        mark_text_in_context("on its way, ready", "since %(day)s"),
    ),
    PatronStatus.READY: StatusText(
        "good",
        mark_text_in_context("status of a request", "Ready"),
        mark_text_in_context("on its way, ready", "since %(day)s"),
    ),
    PatronStatus.ON_LOAN: StatusText(
        "good",
        mark_text_in_context("status of a request", "On loan"),
        mark_text_in_context("on loan", "due %(day)s"),
    ),
    PatronStatus.RETURNED: StatusText(
        "closed",
        mark_text_in_context("status of a request", "Returned"),
        mark_text_in_context("ordered, returned, finished, ended", "on %(day)s"),
    ),
    PatronStatus.DONE: StatusText(
        "closed",
        mark_text_in_context("status of a request", "Completed"),
        mark_text_in_context("ordered, returned, finished, ended", "on %(day)s"),
    ),
    PatronStatus.ENDED: StatusText(
        "closed",
        mark_text_in_context("status of a request", "Closed"),
        mark_text_in_context("ordered, returned, finished, ended", "on %(day)s"),
    ),
}

_OVERDUE = StatusText(
    "late",
    mark_text_in_context("status of a request", "On loan, overdue"),
    mark_text_in_context("overdue", "was due on %(day)s"),
)

URGENT_TEXTS: Mapping[str, StatusText] = {
    QUESTION: StatusText(
        "look",
        mark_text_in_context("status of a request", "We have a question"),
        mark_text_in_context("a question to a patron", "answer by %(day)s"),
    ),
    OVERDUE: _OVERDUE,
    OVERDUE_RENEWAL_PENDING: _OVERDUE,
    RECALLED: StatusText(
        "late",
        mark_text_in_context("status of a request", "On loan, recalled"),
        mark_text_in_context("on loan", "due %(day)s"),
    ),
}
"""What goes before the word of the state and needs its patron, by the word of `PatronStatusText`."""

_NOT_CANCELLED = StatusText(
    "look",
    mark_text_in_context("status of a request", "Not cancelled"),
    mark_text_in_context("on its way, ready", "since %(day)s"),
)

NEWER_TEXTS: Mapping[str, StatusText] = {
    CANCEL_PENDING: StatusText(
        "waiting",
        mark_text_in_context("status of a request", "Cancellation requested"),
        mark_text_in_context("ordered, returned, finished, ended", "on %(day)s"),
    ),
    CANCEL_REFUSED: _NOT_CANCELLED,
    COPY_CANCEL_REFUSED: _NOT_CANCELLED,
    RENEWAL_PENDING: StatusText(
        "good",
        mark_text_in_context("status of a request", "On loan, renewal requested"),
        mark_text_in_context("on loan", "due %(day)s"),
    ),
}
"""What goes before the word of the state, since it is newer."""


COPY_GONE_TEXT = mark_text("This copy can no longer be downloaded. If you still need it, please contact the library.")


@value_object
class ShownStatus:
    kind: str
    word: str
    since: str


@value_object(kw_only=True)
class ShownOwnRequest:
    """`again`: where the same can be asked for anew, once nothing of it waits; `question`: that waits for an answer;
    `copy`: where the one that has come may be had. Empty: nothing. `text`: of the status, or what file it is."""

    view: PatronView
    title: str
    text: str
    status: ShownStatus
    asked: str
    question: str = ""
    copy: str = ""
    again: str = ""
    is_urgent: bool = False


def make_shown_request(page: PageRequest, view: PatronView, loaded: PatronCopy | None) -> ShownOwnRequest:
    """`loaded`: the copy that has come, of which there may be no download left."""
    request = view.request
    copy = loaded if loaded is not None and loaded.left else None
    return ShownOwnRequest(
        view=view,
        title=clean_line(request.citation.short),
        text=_describe_status(page, view, loaded),
        status=_make_copy_status(page, copy) if copy is not None else make_shown_status(page, request),
        asked=page.format_day(request.created.astimezone(page.context.zone).date()),
        question=find_open_question(view),
        copy=page.path(f"requests/{request.id}/copy") if copy is not None else "",
        again=page.path("", page.encode_link(request.citation, request.service.type))
        if not request.open and copy is None
        else "",
        is_urgent=status_of_request(request).word in URGENT_TEXTS,
    )


def _describe_status(page: PageRequest, view: PatronView, copy: PatronCopy | None) -> str:
    """Describe the status in a sentence; a copy that waits to be downloaded is described by its file."""
    if copy is None or status_of_request(view.request).word != COPY_READY:
        return view.text
    if not copy.left:
        return page.gettext(COPY_GONE_TEXT)
    return describe_file(page, copy.file) if copy.file is not None else view.text


def _make_copy_status(page: PageRequest, copy: PatronCopy) -> ShownStatus:
    """Return the status of a copy that waits to be downloaded: to its patron it is not completed yet."""
    ready, day = STATUS_TEXTS[PatronStatus.READY], page.format_short_day(copy.expires)
    localization = page.localization
    return ShownStatus(
        ready.kind, localization.pgettext(*ready.word), localization.gettext("to download until %(day)s", day=day)
    )


def describe_file(page: PageRequest, file: Attachment) -> str:
    """Describe a file by its kind, pages and size, as far as they are known."""
    localization = page.localization
    kind = file.name.rpartition(".")[2].upper() if "." in file.name else ""
    pages = localization.ngettext("%(num)s page", "%(num)s pages", file.pages) if file.pages else ""
    return ", ".join(filter(None, (clean_line(kind)[:8], pages, localization.format_size(file.size))))


def make_shown_status(page: PageRequest, request: Request) -> ShownStatus:
    status_text = status_of_request(request)
    text = URGENT_TEXTS.get(status_text.word) or NEWER_TEXTS.get(status_text.word) or STATUS_TEXTS[status_text.status]
    day = _find_day(request, status_text.status, status_text.word)
    localization = page.localization
    return ShownStatus(
        text.kind,
        localization.pgettext(*text.word),
        localization.pgettext(*text.since, day=page.format_short_day(day)) if day is not None else "",
    )


def _find_day(request: Request, status: PatronStatus, word: str) -> date | datetime | None:
    """Find the day that the word is said with; None: it isn't known."""
    if word == QUESTION:
        return request.query.answer_by if request.query is not None else None
    if status is PatronStatus.ON_LOAN:
        return request.terms.patron_due or request.terms.lender_due
    if status in (PatronStatus.PREPARED, PatronStatus.SEARCHING):
        return request.created
    if status is PatronStatus.ORDERED and word not in NEWER_TEXTS and request.attempt is not None:
        return request.attempt.asked
    return request.changed


def find_open_question(view: PatronView) -> str:
    query = view.request.query
    return clean_lines(query.text) if PatronAction.ANSWER in view.actions and query is not None else ""
