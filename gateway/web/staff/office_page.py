"""All libraries of the user on one page: what waits in each, whether its system works, and a way into it."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
from gateway.services.operation.library_overview import LibraryFigures
from gateway.web.app import ReadinessPart
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
    """`kind`: shape of the tag of `word`, the state of its system; `path`: of its first page."""

    name: str
    path: str
    figures: LibraryFigures
    kind: str
    word: str


async def show_libraries(request: StaffRequest) -> web.Response:
    """Show those in which the user has the right, by name."""
    parts = request.parts
    symbols = [
        symbol
        for symbol in parts.sign_in.libraries_of(request.user)
        if request.user.has_right(symbol, Right.LIBRARIES_READ)
    ]
    figures = await parts.overview.read_figures(symbols)
    readiness = await parts.check_installation()
    systems = {part.library: part for part in readiness.parts if part.name == f"library {part.library}"}
    shown = []
    for symbol in symbols:
        kind, word = _describe_system(systems.get(symbol))
        name = parts.libraries[symbol].context.info.name
        shown.append(ShownLibrary(name, request.root_of(symbol), figures[symbol], kind, request.gettext(word)))
    return request.render(
        "office",
        request.gettext("Libraries"),
        help_topic="users",
        libraries=sorted(shown, key=lambda library: library.name.casefold()),
        columns=COLUMNS,
        now=request.format_moment(parts.clock.now()),
    )


def _describe_system(part: ReadinessPart | None) -> tuple[str, str]:
    """Shape and word of its tag. A part with notes says that nobody has asked its system yet."""
    if part is None or part.notes:
        return "waiting", mark_text("not checked yet")
    return ("good", mark_text("working")) if part.is_up else ("late", mark_text("not working"))


PAGES = (StaffPage("GET", "/office", show_libraries, Right.LIBRARIES_READ, names_library=False),)
