"""All libraries of a user at /staff/office: what waits in each, and what needs action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aiohttp import web

from gateway.domain.requests.staff_views import MailboxFailure
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.services.operation.library_overview import LibraryFigures
from gateway.web.app import PartKind, ReadinessPart
from gateway.web.staff.operation_pages import Repair
from gateway.web.staff.staff_request import StaffPage, StaffRequest

COLUMNS = (
    ("new", mark_text("New")),
    ("waiting", mark_text("Waiting")),
    ("late", mark_text("Overdue")),
    ("unread", mark_text("Unread")),
    ("dead", mark_text("Failed messages")),
)
"""Fields of `LibraryFigures` and their headings."""


@value_object
class ShownLibrary:
    """`kind`: shape of the tag of `word`, the state of its system; `path`: of its first page; empty: it is held back.
    `has_silent_mailbox`: one of its mailboxes cannot be read. `repairs`: what needs action, what stops people first."""

    name: str
    path: str
    figures: LibraryFigures
    kind: str
    word: str
    has_silent_mailbox: bool
    repairs: tuple[Repair, ...]


async def show_libraries(request: StaffRequest) -> web.Response:
    """Show those in which the user has the right, by name; those that aren't served, too."""
    parts = request.parts
    unserved = parts.list_unserved()
    symbols = [
        symbol
        for symbol in (*parts.sign_in.libraries_of(request.user), *unserved)
        if request.user.has_right(symbol, Right.LIBRARIES_READ)
    ]
    figures = await parts.overview.read_figures(symbols)
    readiness = await parts.check_installation()
    shown = []
    for symbol in symbols:
        own_parts = [part for part in readiness.parts if part.library == symbol]
        system = next((part for part in own_parts if part.kind is PartKind.LIBRARY), None)
        silent = [part for part in own_parts if part.kind is PartKind.MAILBOX and part.notes]
        if symbol in unserved:
            name, path = unserved[symbol], ""
            kind, word = ("late", mark_text("not working")) if system is not None else ("closed", mark_text("closed"))
            repairs = tuple(_list_held_back(request, name, system))
        else:
            name, path = parts.libraries[symbol].context.info.name, request.root_of(symbol)
            kind, word = _describe_system(system)
            boxes = await parts.operations[symbol].list_mailboxes() if silent else ()
            failures = [box.failure for box in boxes if box.failure is not None]
            repairs = tuple(_list_repairs(request, symbol, system, failures, figures[symbol]))
        shown.append(ShownLibrary(name, path, figures[symbol], kind, request.gettext(word), bool(silent), repairs))
    shown.sort(key=lambda library: library.name.casefold())
    return request.render(
        "office",
        request.gettext("All libraries"),
        help_topic="users",
        libraries=shown,
        repairs=[repair for library in shown for repair in library.repairs],
        columns=COLUMNS,
        now=request.format_moment(parts.clock.now()),
    )


def _describe_system(part: ReadinessPart | None) -> tuple[str, str]:
    """Shape and word of its tag. A part with notes says that nobody has asked its system yet."""
    if part is None or part.notes:
        return "waiting", mark_text("not checked yet")
    return ("good", mark_text("working")) if part.is_up else ("late", mark_text("not working"))


def _list_held_back(request: StaffRequest, name: str, part: ReadinessPart | None) -> Iterator[Repair]:
    """List what keeps a library from being served; its errors are among those that the check of all finds."""
    if part is not None:
        yield Repair(
            "late",
            request.gettext("Its settings have errors"),
            request.localization.translate_sentence(part.problem),
            f"{request.root_of(request.library.symbol)}/operation#check" if request.operates_all else "",
            request.gettext("Show the check"),
            meaning=request.gettext("The library is closed until they are corrected."),
            library=name,
        )


def _list_repairs(
    request: StaffRequest,
    symbol: str,
    system: ReadinessPart | None,
    failures: Sequence[MailboxFailure],
    figures: LibraryFigures,
) -> Iterator[Repair]:
    """List what needs action in a library, each with the page that helps, if the user may open it. Only operators see
    what the machine reports."""
    name = request.parts.libraries[symbol].context.info.name
    is_operator = request.user.has_right(symbol, Right.OPERATION)

    def find_page(path: str, right: Right) -> str:
        return f"{request.root_of(symbol)}{path}" if request.user.has_right(symbol, right) else ""

    if system is not None and not system.is_up:
        yield Repair(
            "late",
            request.gettext("The library system is not working"),
            request.localization.translate_sentence(system.problem) if is_operator else "",
            find_page("/operation#parts", Right.OPERATION),
            request.gettext("Show what is wrong"),
            library=name,
        )
    for failure in failures:
        yield Repair(
            "late",
            request.gettext("Mailbox %(name)s cannot be read", name=failure.mailbox),
            request.localization.translate_sentence(failure.reason) if is_operator else "",
            find_page("/operation#mailboxes", Right.OPERATION),
            request.gettext("Show what is wrong"),
            failure.since,
            meaning=request.gettext("Emails to it from partners and patrons are not read."),
            library=name,
        )
    if figures.dead:
        yield Repair(
            "late",
            request.ngettext("%(num)s message could not be sent", "%(num)s messages could not be sent", figures.dead),
            "",
            find_page("/outbox", Right.OUTBOX_READ),
            request.gettext("Open failed messages"),
            meaning=request.gettext("The recipients have not received them. Retry, edit or skip them."),
            library=name,
        )
    if figures.late:
        yield Repair(
            "look",
            request.ngettext("%(num)s request is overdue", "%(num)s requests are overdue", figures.late),
            "",
            find_page("", Right.BORROWING_READ) or find_page("", Right.LENDING_READ),
            request.gettext("Open the work queue"),
            library=name,
        )


PAGES = (StaffPage("GET", "/office", show_libraries, Right.LIBRARIES_READ, names_library=False),)
