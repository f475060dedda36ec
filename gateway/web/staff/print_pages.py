"""Printing at /staff/print: what waits for paper, batches, and the sheets of a batch as they will lie on the desk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from gateway.domain.problems import Refused
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.print_batches import MAX_BATCH_REQUESTS, USES, PrintBatch, PrintKind
from gateway.domain.requests.request import Request, Role, VolumeState
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.domain.value import replace, value_object
from gateway.services.desks.printing import MAX_COUNTED, PrintSheet, RequestPaper
from gateway.services.letters.localization import mark_text
from gateway.services.letters.templates import find_direction
from gateway.web.html.assets import HEADERS, OURSELVES
from gateway.web.html.barcodes import BarcodeDrawing, draw_barcode, draw_qr_code, has_barcode
from gateway.web.html.pdf_writer import is_pdf_possible, write_pdf
from gateway.web.staff.request_access import find_named_request
from gateway.web.staff.staff_request import ASSETS, TEMPLATES, StaffPage, StaffRequest

MAX_BATCHES = 50
"""Earlier batches that are shown."""

PDF_STYLES = ("tokens.css", "components.css", "print.css")
PDF_STYLE = "body, .sheets { display: block; margin: 0; margin-block-start: 0; padding: 0 }"
"""The page has nothing around the sheets."""

BAR_MODULES = 32
"""Height of a bar code."""

KINDS: dict[PrintKind, tuple[str, str]] = {
    PrintKind.PULL_SLIPS: (mark_text("Pull slips"), mark_text("To pull, in shelf order")),
    PrintKind.SHIPPING_SLIPS: (mark_text("Shipping slips"), mark_text("To enclose with items we lend")),
    PrintKind.HOLD_SLIPS: (mark_text("Hold slips"), mark_text("For the hold shelf, by branch and patron code")),
    PrintKind.TRANSIT_SLIPS: (mark_text("Transit slips"), mark_text("For items in transit, by branch")),
    PrintKind.BOOK_STRAPS: (mark_text("Book straps"), mark_text("Conditions of the lender, to wrap around the book")),
    PrintKind.RETURN_SLIPS: (mark_text("Return slips"), mark_text("To enclose with items we return")),
    PrintKind.ADDRESS_LABELS: (mark_text("Address labels"), mark_text("For parcels in both directions")),
    PrintKind.REQUEST_LETTERS: (mark_text("Request letters"), mark_text("To partners reached by post")),
    PrintKind.PATRON_LETTERS: (mark_text("Letters to patrons"), mark_text("Notices that could not be emailed")),
}
"""In the order of the day: title, and what they are for."""

RIGHTS: Mapping[PrintKind, Right] = {
    PrintKind.PULL_SLIPS: Right.LENDING_READ,
    PrintKind.SHIPPING_SLIPS: Right.LENDING_READ,
    PrintKind.HOLD_SLIPS: Right.BRANCH_READ,
    PrintKind.TRANSIT_SLIPS: Right.BRANCH_READ,
    PrintKind.BOOK_STRAPS: Right.BRANCH_READ,
    PrintKind.RETURN_SLIPS: Right.BORROWING_ACT,
    PrintKind.ADDRESS_LABELS: Right.LENDING_READ,
    PrintKind.REQUEST_LETTERS: Right.BORROWING_ACT,
    PrintKind.PATRON_LETTERS: Right.PATRON_DATA,
}
"""What it asks for besides `print`: paper goes with the work that it belongs to. Who has it for branches alone prints
for these."""

CONDITIONS = {
    LoanCondition.LIBRARY_USE_ONLY: mark_text("Library use only."),
    LoanCondition.NO_REPRODUCTION: mark_text("No copying."),
    LoanCondition.SIGNATURE_REQUIRED: mark_text("Signature required."),
    LoanCondition.SUPERVISED: mark_text("Supervised use only."),
    LoanCondition.WATCHED: mark_text("Supervised library use only."),
    LoanCondition.NO_RENEWAL: mark_text("No renewals."),
}
"""What a strap says of those that concern whoever holds the book."""

_BATCH_NUMBER = re.compile(r"[0-9]{1,9}")

SINGLE: Mapping[PrintKind, str] = {
    PrintKind.PULL_SLIPS: mark_text("Pull slip"),
    PrintKind.SHIPPING_SLIPS: mark_text("Shipping slip"),
    PrintKind.HOLD_SLIPS: mark_text("Hold slip"),
    PrintKind.TRANSIT_SLIPS: mark_text("Transit slip"),
    PrintKind.BOOK_STRAPS: mark_text("Book strap"),
    PrintKind.RETURN_SLIPS: mark_text("Return slip"),
    PrintKind.ADDRESS_LABELS: mark_text("Address label"),
    PrintKind.REQUEST_LETTERS: mark_text("Request letter"),
    PrintKind.PATRON_LETTERS: mark_text("Letter to the patron"),
}
"""Of one request."""

JUST_NOW = timedelta(hours=1)
"""Who finds nothing to print is told of a batch that was made since."""

FOLDED = {PrintKind.PULL_SLIPS, PrintKind.BOOK_STRAPS}
"""Three on a sheet of A4, to be cut apart."""

_HERE = frozenset({VolumeState.RECEIVED, VolumeState.LENT, VolumeState.BACK, VolumeState.RETURNED})


@value_object
class WaitingPaper:
    """`more`: there are more than were counted; `at_once`: how many the next batch has."""

    kind: PrintKind
    title: str
    purpose: str
    count: int
    more: bool
    at_once: int


@value_object
class SheetCodes:
    """The codes of one sheet; None: its number has no bar code, or no address is known for the QR code."""

    bars: BarcodeDrawing | None
    square: BarcodeDrawing | None


# --- what waits ----------------------------------------------------------------------------------------------


async def show_waiting(request: StaffRequest) -> web.Response:
    printing, waiting, batches = request.library.printing, list[WaitingPaper](), list[PrintBatch]()
    listed = await printing.list_batches(MAX_BATCHES)
    for branches, kinds in _group_open_kinds(request):
        counts = await printing.count_waiting(branches)
        waiting += [_describe_waiting(request, kind, counts[kind]) for kind in kinds]
        of_kinds = [print_batch for print_batch in listed if print_batch.kind in kinds]
        batches += await printing.narrow_batches(of_kinds, branches)
    waiting.sort(key=lambda one: list(KINDS).index(one.kind))
    batches.sort(key=lambda one: -one.number)
    await request.actors.load_names(who for batch in batches for who in (batch.made_by, batch.printed_by))
    return request.render(
        "print",
        request.gettext("Print"),
        help_topic="print",
        waiting=waiting,
        batches=[(batch, request.gettext(KINDS[batch.kind][0]), _describe_making(request, batch)) for batch in batches],
    )


def _group_open_kinds(request: StaffRequest) -> list[tuple[frozenset[str], list[PrintKind]]]:
    """Kinds of paper that this user may print, by the branches for which (empty: for all)."""
    groups: dict[frozenset[str], list[PrintKind]] = {}
    for kind in KINDS:
        if request.has_right(RIGHTS[kind]):
            groups.setdefault(_find_branches(request, kind), []).append(kind)
    return list(groups.items())


def _find_branches(request: StaffRequest, kind: PrintKind) -> frozenset[str]:
    return request.branches_for(Right.PRINT) or request.branches_for(RIGHTS[kind])


def _describe_waiting(request: StaffRequest, kind: PrintKind, count: int) -> WaitingPaper:
    title, purpose = KINDS[kind]
    return WaitingPaper(
        kind=kind,
        title=request.gettext(title),
        purpose=request.gettext(purpose),
        count=min(count, MAX_COUNTED),
        more=count > MAX_COUNTED,
        at_once=min(count, MAX_BATCH_REQUESTS),
    )


async def make_batch(request: StaffRequest) -> web.Response:
    """Make a batch of what waits; or of the requests of a run of scans, printed before or not: the form has their ids
    in one field, with blanks between."""
    form = await request.read_own_form()
    kind = _read_kind(request, form["kind"])
    named = form["run"].split()
    if named:
        return await _print_requests(request, kind, named)
    try:
        batch = await request.library.printing.make_batch(kind, request.origin.actor, _find_branches(request, kind))
    except Refused:
        return request.redirect(request.path("print"), await _explain_nothing(request, kind), "look")
    return request.redirect(request.path("print", str(batch.number)))


def _read_kind(request: StaffRequest, word: str) -> PrintKind:
    """Read a kind; raises NotFound, PageError for one that isn't for this user."""
    if word not in set(PrintKind):
        raise NotFound("kind of paper")
    kind = PrintKind(word)
    request.require_right(RIGHTS[kind])
    return kind


async def _print_requests(request: StaffRequest, kind: PrintKind, named: Sequence[str]) -> web.Response:
    """Print requests; where there is more than one batch of them, the newest is shown."""
    printing, branches = request.library.printing, _find_branches(request, kind)
    ids = await printing.find_printable(kind, named, branches)
    if not ids:
        return request.redirect(request.path("print"), await _explain_nothing(request, kind), "look")
    for start in range(0, len(ids), MAX_BATCH_REQUESTS):
        part = ids[start : start + MAX_BATCH_REQUESTS]
        batch = await printing.make_batch_of(kind, part, request.origin.actor)
    return request.redirect(request.path("print", str(batch.number)))


async def _explain_nothing(request: StaffRequest, kind: PrintKind) -> str:
    """Explain why there is nothing of this kind to print."""
    listed = await request.library.printing.list_batches(MAX_BATCHES)
    recent = request.parts.clock.now() - JUST_NOW
    last = next((batch for batch in listed if batch.kind is kind and batch.made_at >= recent), None)
    if last is None:
        problem = request.localization.translate_sentence(USES[kind].problem)
        return request.gettext("Nothing to print. %(reason)s", reason=problem)
    await request.actors.load_names([last.made_by])
    return request.gettext(
        "Nothing to print: all is in batch %(number)s, which %(who)s created %(when)s.",
        number=last.number,
        who=request.actors.name_actor(last.made_by),
        when=request.format_moment(last.made_at),
    )


# --- paper of one request ------------------------------------------------------------------------------------


@value_object
class ShownPaper:
    """`path`: of its slip, where it was printed before; `making`: when and by whom that was; `problem`: why none can be
    made now."""

    kind: PrintKind
    title: str
    path: str
    making: str
    problem: str


async def list_shown_papers(request: StaffRequest, record: Request) -> list[ShownPaper]:
    """Paper of this request: what it had can be printed again, whatever has become of it since."""
    if not request.has_right(Right.PRINT):
        return []
    papers = await request.library.printing.list_papers(record)
    papers = [paper for paper in papers if request.has_right(RIGHTS[paper.kind])]
    batches = [paper.batch for paper in papers if paper.batch is not None]
    await request.actors.load_names(who for batch in batches for who in (batch.made_by, batch.printed_by))
    return [_show_paper(request, record, paper) for paper in papers]


def _show_paper(request: StaffRequest, record: Request, paper: RequestPaper) -> ShownPaper:
    batch = paper.batch
    return ShownPaper(
        kind=paper.kind,
        title=request.gettext(SINGLE[paper.kind]),
        path=request.path("print", str(batch.number), "slips", record.id) if batch is not None else "",
        making=_describe_making(request, batch) if batch is not None else "",
        problem=request.localization.translate_sentence(paper.problem) if paper.problem else "",
    )


async def print_request(request: StaffRequest) -> web.Response:
    """A batch of this request alone."""
    form = await request.read_own_form()
    kind = _read_kind(request, form["kind"])
    named_request = await find_named_request(request)
    ids = await request.library.printing.find_printable(kind, [named_request.id], _find_branches(request, kind))
    if not ids:
        problem = request.localization.translate_sentence(USES[kind].problem)
        return request.redirect(request.path("requests", named_request.number), problem, "look")
    batch = await request.library.printing.make_batch_of(kind, ids, request.origin.actor)
    return request.redirect(request.path("print", str(batch.number)))


# --- a batch -------------------------------------------------------------------------------------------------


async def show_batch(request: StaffRequest) -> web.Response:
    batch = await _find_batch(request)
    return await _render_batch(request, batch, await request.library.printing.build_sheets(batch))


async def show_slip(request: StaffRequest) -> web.Response:
    """One sheet of a batch. Scan pages show it in a frame that nobody sees, to print it."""
    batch = await _find_batch(request)
    id_ = request.http.match_info["request"]
    if id_ not in batch.request_ids:
        raise NotFound("slip")
    sheets = await request.library.printing.build_sheets(replace(batch, request_ids=(id_,)))
    if not sheets:
        raise NotFound("slip")
    return await _render_batch(request, batch, sheets, embed_in=OURSELVES, slip=sheets[0].request.number)


async def _render_batch(
    request: StaffRequest,
    batch: PrintBatch,
    sheets: Sequence[PrintSheet],
    *,
    embed_in: tuple[str, ...] = (),
    slip: str = "",
) -> web.Response:
    """`slip`: number of the request, where the sheets are those of one alone."""
    await request.actors.load_names((batch.made_by, batch.printed_by))
    title = request.gettext(
        "%(kind)s, batch %(number)s", kind=request.gettext(KINDS[batch.kind][0]), number=batch.number
    )
    return request.render(
        "print_batch",
        f"{title}: {slip}" if slip else title,
        help_topic="print",
        embed_in=embed_in,
        batch=batch,
        is_whole=not slip,
        making=_describe_making(request, batch),
        can_write_pdf=is_pdf_possible(),
        **make_sheet_values(request, batch, sheets),
    )


def make_sheet_values(request: StaffRequest, batch: PrintBatch, sheets: Sequence[PrintSheet]) -> dict[str, Any]:
    """Make the values for the templates of sheets. Those without anything to print are told apart."""
    good = [sheet for sheet in sheets if not sheet.problem]
    per_page = 3 if batch.kind in FOLDED else 1
    return {
        "kind": batch.kind,
        "pages": [good[start : start + per_page] for start in range(0, len(good), per_page)],
        "slip_count": len(good),
        "troubled": [sheet for sheet in sheets if sheet.problem],
        "codes": partial(_draw_codes, request),
        "conditions": partial(_list_conditions, request),
        "volumes": partial(_name_volumes, request),
        "direction": find_direction,
    }


async def show_pdf(request: StaffRequest) -> web.Response:
    """The same sheets as a file; only where the extra is installed."""
    if not is_pdf_possible():
        raise NotFound("PDF")
    batch = await _find_batch(request)
    sheets = await request.library.printing.build_sheets(batch)
    values: dict[str, Any] = {"page": request, "title": str(batch.number), **make_sheet_values(request, batch, sheets)}
    styles = [*(ASSETS.by_name[name].content.decode() for name in PDF_STYLES), PDF_STYLE]
    written = await write_pdf(TEMPLATES.render("print_pdf", request.localization, values), styles)
    response = web.Response(body=written, content_type="application/pdf", headers=HEADERS)
    response.headers[hdrs.CONTENT_DISPOSITION] = f'inline; filename="{batch.kind.value}-{batch.number}.pdf"'
    return response


async def _find_batch(request: StaffRequest) -> PrintBatch:
    """Find a batch with the requests that are for this user. Raises NotFound."""
    number = request.http.match_info["number"]
    if not _BATCH_NUMBER.fullmatch(number):
        raise NotFound("batch")
    batch = await request.library.printing.find_batch(int(number))
    if not request.has_right(RIGHTS[batch.kind]):
        raise NotFound("batch")
    own = await request.library.printing.narrow_batches([batch], _find_branches(request, batch.kind))
    if not own:
        raise NotFound("batch")
    return own[0]


async def mark_printed(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    batch = await _find_batch(request)
    await request.library.printing.mark_printed(batch.number, request.origin.actor)
    return request.redirect(
        request.path("print"), request.gettext("Batch %(number)s is marked as printed.", number=batch.number)
    )


def _describe_making(request: StaffRequest, batch: PrintBatch) -> str:
    made = request.gettext(
        "Created by %(who)s, %(when)s.",
        who=request.actors.name_actor(batch.made_by),
        when=request.format_moment(batch.made_at),
    )
    if batch.printed_at is None:
        not_yet = request.gettext("Not yet marked as printed.")
        return f"{made} {not_yet}"
    printed = request.gettext(
        "Printed by %(who)s, %(when)s.",
        who=request.actors.name_actor(batch.printed_by),
        when=request.format_moment(batch.printed_at),
    )
    return f"{made} {printed}"


# --- on the sheets -------------------------------------------------------------------------------------------


def _draw_codes(request: StaffRequest, sheet: PrintSheet) -> SheetCodes:
    number = sheet.request.number
    address = f"{request.parts.public_url.rstrip('/')}{request.path('requests', number)}"
    return SheetCodes(
        draw_barcode(number, BAR_MODULES) if has_barcode(number) else None,
        draw_qr_code(address) if request.parts.public_url else None,
    )


def _list_conditions(request: StaffRequest, record: Request) -> list[str]:
    return [request.gettext(CONDITIONS[word]) for word in record.terms.conditions if word in CONDITIONS]


def _name_volumes(request: StaffRequest, record: Request) -> str:
    """Name, of several volumes, those that the sheet is about: on paper for what is here, these; else all."""
    if len(record.volumes) < 2:
        return record.volumes[0].label if record.volumes else ""
    volumes = [volume for volume in record.volumes if volume.state in _HERE] if record.role is Role.BORROWING else []
    return request.localization.format_list([volume.label or volume.id for volume in volumes or record.volumes])


PAGES = (
    StaffPage("GET", "/print", show_waiting, Right.PRINT),
    StaffPage("POST", "/print", make_batch, Right.PRINT),
    StaffPage("POST", "/requests/{number}/print", print_request, Right.PRINT),
    StaffPage("GET", "/print/{number}", show_batch, Right.PRINT),
    StaffPage("GET", "/print/{number}/pdf", show_pdf, Right.PRINT),
    StaffPage("GET", "/print/{number}/slips/{request}", show_slip, Right.PRINT),
    StaffPage("POST", "/print/{number}/printed", mark_printed, Right.PRINT),
)
