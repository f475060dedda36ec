"""Requests as rows of a list, on the page and as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from gateway.domain.requests.request import PatronLink, Request, RequestFlag, Role
from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.web.request_csv import find_due_day, format_csv_row
from gateway.web.staff.request_words import StateTag, tag_of_request
from gateway.web.staff.staff_request import StaffRequest

COLUMNS: Mapping[str, str] = {
    "for": mark_text("For"),
    "partner": mark_text("Partner"),
    "when": mark_text("Needed or due"),
    "waits": mark_text("Waiting"),
    "assignee": mark_text("Assigned to"),
    "labels": mark_text("Labels"),
    "branch": mark_text("Branch"),
}
"""Those that can be left out, in their order; state, number and title always stand there."""

USUAL_COLUMNS = ("for", "partner", "when", "waits")

LATE_AFTER = timedelta(days=3)
"""What waits on a task list for so long is marked."""

RUSH = frozenset({"rush", "urgent", "express", "special-messaging"})
"""Levels of service that can't wait."""


@value_object
class RowMark:
    """One glyph for the eye (a symbol of the sprite), a word for the ear. `kind`: new where it is something new."""

    symbol: str
    text: str
    kind: str = ""


@value_object(kw_only=True)
class ListRow:
    """`theirs`: the partner's number; `patron`: masked, unless the user sees patrons; `patron_name` then too, where it
    is known; `attempt`: 2 of 5; `when`: day of
    need or due day; `waits`: age, `since` the moment."""

    id: str
    number: str
    theirs: str
    path: str
    tag: StateTag
    title: str
    author: str
    patron: str
    patron_name: str
    partner: str
    attempt: str
    when: str
    when_value: str
    waits: str
    since: datetime
    late: bool
    marks: tuple[RowMark, ...]
    assignee: str
    labels: tuple[str, ...]
    branch: str


@value_object
class ShownNames:
    """The names of a list: partners' by profile, and those of patrons that are known and that this user may see.
    `address`: what names the list itself in the addresses of its requests."""

    partners: Mapping[str, str]
    patrons: Mapping[PatronLink, str]
    address: Mapping[str, str]


def make_row(request: StaffRequest, record: Request, since: datetime, task: str, names: ShownNames) -> ListRow:
    due = find_due_day(record, request.context.zone)
    return ListRow(
        id=record.id,
        number=record.number,
        theirs=record.transaction if record.role is Role.LENDING else "",
        path=request.path("requests", record.number, **names.address),
        tag=tag_of_request(record, request.localization),
        title=record.citation.component_title or record.citation.title or request.gettext("(no title)"),
        author=record.citation.component_author or record.citation.author,
        patron=_show_patron(request, record),
        patron_name=names.patrons.get(record.patron, ""),
        partner=names.partners.get(record.partner.profile)
        or record.partner.name
        or record.partner.symbol
        or record.partner.profile,
        attempt=_show_attempt(request, record),
        when=request.format_short(due) if due is not None else "",
        when_value=due.isoformat() if due is not None else "",
        waits=request.format_age(since),
        since=since,
        late=_is_late(request, record, since, task, due),
        marks=tuple(_iter_marks(request, record)),
        assignee=request.actors.name_actor(f"{STAFF_ACTOR}{record.assignee}") if record.assignee else "",
        labels=record.labels,
        branch=record.desk,
    )


def mask_number(number: str) -> str:
    """The last two signs of a card, to tell two apart."""
    return f"••••{number[-2:]}" if number else ""


def _show_patron(request: StaffRequest, record: Request) -> str:
    patron = record.patron if record.role is Role.BORROWING else record.direct_patron
    return patron.identifier if request.sees_patrons else mask_number(patron.identifier)


def _show_attempt(request: StaffRequest, record: Request) -> str:
    if record.role is Role.LENDING or not record.current:
        return ""
    count = max(len(record.rota), len(record.attempts))
    return (
        request.gettext("supplier %(number)s\u00a0of\u00a0%(count)s", number=record.current, count=count)
        if count > 1
        else ""
    )


def _is_late(request: StaffRequest, record: Request, since: datetime, task: str, due: date | None) -> bool:
    if not record.open:
        return False
    if task and request.parts.clock.now() - since > LATE_AFTER:
        return True
    return due is not None and due < request.context.today()


def _iter_marks(request: StaffRequest, record: Request) -> Iterable[RowMark]:
    if RequestFlag.UNREAD in record.flags:
        yield RowMark("letter", request.gettext("Unread message"), "new")
    if RequestFlag.DEAD_LETTER in record.flags:
        yield RowMark("late", request.gettext("A message could not be sent"), "new")
    if record.notes or record.patron.note:
        yield RowMark("paper", request.gettext("Note"))
    if record.service.level in RUSH:
        yield RowMark("rush", request.gettext("Rush"))


# --- as a file -------------------------------------------------------------------------------------------


def format_csv_line(request: StaffRequest, record: Request, since: datetime) -> str:
    """The patron only for those who see patrons."""
    return format_csv_row(record, since, request.context.zone, with_patron=request.sees_patrons)
