"""Printing at /staff/print: what waits for paper, batches, and the sheets of a batch as they will lie on the desk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from gateway.domain.problems import Refused
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.print_batches import MAX_BATCH_REQUESTS, PrintBatch, PrintKind
from gateway.domain.requests.request import Request, Role, VolumeState
from gateway.domain.requests.views import NotFound
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.services.desks.printing import MAX_COUNTED, PrintSheet
from gateway.services.localization import mark_text
from gateway.web.html.assets import HEADERS, OURSELVES
from gateway.web.html.barcodes import BarcodeDrawing, draw_barcode, draw_qr_code, has_barcode
from gateway.web.html.pdf_writer import is_pdf_possible, write_pdf
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
    """Of one sheet; None: its number has no bar code, or no address is known for the QR code."""

    bars: BarcodeDrawing | None
    square: BarcodeDrawing | None


# --- what waits ----------------------------------------------------------------------------------------------


async def show_waiting(request: StaffRequest) -> web.Response:
    counts = await request.parts.printing.count_waiting(request.library)
    waiting = [
        WaitingPaper(
            kind=kind,
            title=request.gettext(title),
            purpose=request.gettext(purpose),
            count=min(counts[kind], MAX_COUNTED),
            more=counts[kind] > MAX_COUNTED,
            at_once=min(counts[kind], MAX_BATCH_REQUESTS),
        )
        for kind, (title, purpose) in KINDS.items()
    ]
    batches = await request.parts.printing.list_batches(request.library, MAX_BATCHES)
    await request.actors.load_names(who for batch in batches for who in (batch.made_by, batch.printed_by))
    return request.render(
        "print",
        request.gettext("Print"),
        help_topic="print",
        waiting=waiting,
        batches=[(batch, request.gettext(KINDS[batch.kind][0]), _describe_making(request, batch)) for batch in batches],
    )


async def make_batch(request: StaffRequest) -> web.Response:
    form = await request.read_own_form()
    if form["kind"] not in set(PrintKind):
        raise NotFound("kind of paper")
    kind = PrintKind(form["kind"])
    try:
        batch = await request.parts.printing.make_batch(request.library, kind, request.origin.actor)
    except Refused:
        return request.redirect(
            request.path("print"),
            request.gettext("Nothing is left to print: somebody else has already printed it."),
            "look",
        )
    return request.redirect(request.path("print", str(batch.number)))


# --- a batch -------------------------------------------------------------------------------------------------


async def show_batch(request: StaffRequest) -> web.Response:
    batch = await _find_batch(request)
    return await _render_batch(request, batch, await request.parts.printing.build_sheets(request.library, batch))


async def show_slip(request: StaffRequest) -> web.Response:
    """One sheet of a batch. Scan pages show it in a frame that nobody sees, to print it."""
    batch = await _find_batch(request)
    id_ = request.http.match_info["request"]
    if id_ not in batch.request_ids:
        raise NotFound("slip")
    sheets = await request.parts.printing.build_sheets(request.library, replace(batch, request_ids=(id_,)))
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
    """What the templates of sheets are given. Those without anything to print are told apart."""
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
    }


async def show_pdf(request: StaffRequest) -> web.Response:
    """The same sheets as a file; only where the extra is installed."""
    if not is_pdf_possible():
        raise NotFound("PDF")
    batch = await _find_batch(request)
    sheets = await request.parts.printing.build_sheets(request.library, batch)
    values: dict[str, Any] = {"page": request, "title": str(batch.number), **make_sheet_values(request, batch, sheets)}
    styles = [*(ASSETS.by_name[name].content.decode() for name in PDF_STYLES), PDF_STYLE]
    written = await write_pdf(TEMPLATES.render("print_pdf", request.localization, values), styles)
    response = web.Response(body=written, content_type="application/pdf", headers=HEADERS)
    response.headers[hdrs.CONTENT_DISPOSITION] = f'inline; filename="{batch.kind.value}-{batch.number}.pdf"'
    return response


async def _find_batch(request: StaffRequest) -> PrintBatch:
    """Raises NotFound."""
    number = request.http.match_info["number"]
    if not _BATCH_NUMBER.fullmatch(number):
        raise NotFound("batch")
    return await request.parts.printing.find_batch(request.library, int(number))


async def mark_printed(request: StaffRequest) -> web.Response:
    await request.read_own_form()
    batch = await _find_batch(request)
    await request.parts.printing.mark_printed(request.library, batch.number, request.origin.actor)
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


def _list_conditions(request: StaffRequest, one: Request) -> list[str]:
    return [request.gettext(CONDITIONS[word]) for word in one.terms.conditions if word in CONDITIONS]


def _name_volumes(request: StaffRequest, one: Request) -> str:
    """Of several volumes those that the sheet is about: on paper for what is here, these; else all."""
    if len(one.volumes) < 2:
        return one.volumes[0].label if one.volumes else ""
    here = [volume for volume in one.volumes if volume.state in _HERE] if one.role is Role.BORROWING else []
    return request.localization.format_list([volume.label or volume.id for volume in here or one.volumes])


PAGES = (
    StaffPage("GET", "/print", show_waiting, Right.PRINT),
    StaffPage("POST", "/print", make_batch, Right.PRINT),
    StaffPage("GET", "/print/{number}", show_batch, Right.PRINT),
    StaffPage("GET", "/print/{number}/pdf", show_pdf, Right.PRINT),
    StaffPage("GET", "/print/{number}/slips/{request}", show_slip, Right.PRINT),
    StaffPage("POST", "/print/{number}/printed", mark_printed, Right.PRINT),
)
