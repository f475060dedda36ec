"""Slips with scans: printed with each, at the end, or never, as somebody chose at this browser.

With each, the slip comes into a batch of the run, from which it can be printed again. `scan.js` opens it in a frame
that nobody sees and prints it; without script its line leads to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum

from gateway.domain.requests.print_batches import PrintKind
from gateway.domain.requests.scan_rules import DID_SOMETHING
from gateway.domain.value import value_object
from gateway.services.desks.scans import ScanResult
from gateway.services.letters.localization import mark_text
from gateway.web.html.forms import SubmittedForm
from gateway.web.staff.staff_request import StaffRequest

SLIPS_COOKIE = "illgate_scan_slips"

_BATCH_NUMBER = re.compile(r"[0-9]{1,9}")


class SlipChoice(StrEnum):
    """The choice as the cookie and the form have it."""

    EACH = "each"
    END = "end"
    NEVER = "never"


SLIP_TEXTS = {
    SlipChoice.EACH: mark_text("After each scan"),
    SlipChoice.END: mark_text("All at the end"),
    SlipChoice.NEVER: mark_text("No slips"),
}

PRINT_TEXTS = {
    PrintKind.HOLD_SLIPS: mark_text("Print hold slips"),
    PrintKind.TRANSIT_SLIPS: mark_text("Print transit slips"),
    PrintKind.RETURN_SLIPS: mark_text("Print return slips"),
    PrintKind.SHIPPING_SLIPS: mark_text("Print shipping slips"),
    PrintKind.ADDRESS_LABELS: mark_text("Print address labels"),
}


@value_object
class LineSlip:
    """The slip of one scan. `path`: the page of this slip alone; `kind` and `batch`: of the batch that it is in;
    `is_due`: it is to be printed now, as it was not there before this scan."""

    path: str
    kind: PrintKind
    batch: int
    is_due: bool


def read_slip_choice(request: StaffRequest) -> SlipChoice:
    cookie = request.http.cookies.get(SLIPS_COOKIE, "")
    return SlipChoice(cookie) if cookie in set(SlipChoice) else SlipChoice.END


def is_slip_wanted_with_each(request: StaffRequest, form: SubmittedForm) -> bool:
    """`form`: of scans; a script says what is chosen on the page at the moment."""
    if not request.open_path("/print"):
        return False
    chosen = form["slips"] or read_slip_choice(request).value
    return chosen == SlipChoice.EACH


async def make_slips(
    request: StaffRequest, kinds: Sequence[PrintKind], results: Sequence[ScanResult], batches: str
) -> list[LineSlip | None]:
    """Make a slip for each result, as far as something was done and the request needs paper of one of these kinds.
    `batches`: numbers of those that the run has, one of each kind, as the form says them."""
    run = {int(part) for part in batches.split()[: len(PrintKind)] if _BATCH_NUMBER.fullmatch(part)}
    slips: list[LineSlip | None] = []
    for result in results:
        slip = await _make_slip(request, kinds, result, run)
        if slip is not None and slip.is_due:
            run.add(slip.batch)
        slips.append(slip)
    return slips


async def _make_slip(
    request: StaffRequest, kinds: Sequence[PrintKind], result: ScanResult, run: Collection[int]
) -> LineSlip | None:
    if result.request is None or result.reason not in DID_SOMETHING:
        return None
    actor, add = request.origin.actor, request.library.printing.add_scanned_request
    tried = [await add(kind, result.request.id, actor, run) for kind in kinds]
    slip = max(filter(None, tried), key=lambda scanned_slip: scanned_slip.is_new, default=None)
    if slip is None:
        return None
    batch = slip.batch
    is_repeat = result.done is None  # the answer got lost, and with it that the slip was to be printed
    is_due = slip.is_new or (is_repeat and batch.made_by == actor and batch.printed_at is None)
    path = request.path("print", str(batch.number), "slips", result.request.id)
    return LineSlip(path, batch.kind, batch.number, is_due)
