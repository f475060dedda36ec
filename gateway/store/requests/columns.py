"""What a request's row says beside the document: made from the request alone, at every write."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.fingerprint import fingerprint, fold_for_search
from gateway.domain.requests.request import OPEN_ATTEMPT, AttemptStatus, Request, Role
from gateway.domain.requests.tasks import tasks_of
from gateway.store.requests.documents import dump
from gateway.store.rows import clean

SUPPLIED = frozenset({AttemptStatus.SHIPPED, AttemptStatus.COMPLETED})


def columns_of(request: Request, supplied: int) -> dict[str, Any]:
    """In the order of the table. `supplied` is the number of the attempt that was counted before."""
    mark, words = _compared(request.citation)
    return {
        "library": request.library,
        "id": request.id,
        "role": request.role.value,
        "state": request.state.value,
        "is_open": request.open,
        "number": request.number,
        "partner": request.partner.profile,
        "patron_id": clean(request.patron.id),
        "branch": clean(request.branch),
        "created": request.created,
        "changed": request.changed,
        "need_by": request.dates.need_by,
        "fingerprint": mark,
        "words": clean(f"{fold_for_search(request.number)} {words}", 500),
        "tasks": " ".join(tasks_of(request)),
        "external": "\n".join(external_of(request)),
        "loads": _loads(request),
        "supplied": newly_supplied(request, supplied) or supplied,
        "version": request.version,
        "document": dump(request),
    }


def external_of(request: Request) -> tuple[str, ...]:
    """Numbers in other systems, as they are looked for."""
    return tuple(dict.fromkeys(external(one) for one in request.external if one.strip()))


def barcodes_of(request: Request) -> frozenset[str]:
    """Barcodes of its items until it is closed: our own item goes out for one request after the other."""
    if not request.open:
        return frozenset()
    barcodes = (request.item_barcode, *(volume.barcode for volume in request.volumes))
    return frozenset(external(one) for one in barcodes if one.strip())


def external(value: str) -> str:
    return clean(" ".join(value.split()))


def newly_supplied(request: Request, supplied: int) -> int:
    """The number of the current attempt if it is shipped and wasn't counted yet, else 0."""
    attempt = request.attempt
    if attempt is None or attempt.number <= supplied or attempt.status not in SUPPLIED:
        return 0
    return attempt.number


def _loads(request: Request) -> str:
    """Borrowing: the supplier who has it in hand, or whose item it is. Lending: the requester."""
    if not request.open:
        return ""
    if request.role is Role.LENDING:
        return request.partner.profile
    attempt = request.attempt
    return attempt.partner if attempt is not None and attempt.status in OPEN_ATTEMPT else ""


@lru_cache(maxsize=2_048)
def _compared(citation: Citation) -> tuple[str, str]:
    """A citation seldom changes, and comparing it with its key is quicker than folding it again."""
    said = " ".join((citation.title, citation.component_title, citation.author, citation.component_author))
    return fingerprint(citation), fold_for_search(said)
