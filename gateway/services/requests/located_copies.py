"""Where copies are that partners are to get, as the library's system says now."""

from __future__ import annotations

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import LocatedCopy
from gateway.domain.sentences import write_sentence
from gateway.services.requests.library_context import LibraryContext


async def find_located_copy(context: LibraryContext, request: Request) -> LocatedCopy | None:
    """Find where the copy is that a partner is to get, as the library's system says now. None: no copy is chosen
    yet."""
    if request.role is not Role.LENDING or not request.item_barcode:
        return None
    return await look_up_copy(context, request.item_barcode)


async def look_up_copy(context: LibraryContext, barcode: str) -> LocatedCopy:
    """Look up where a copy is, and whether it is there; what stands against knowing it is its problem."""
    try:
        item = await context.find_item(barcode)
    except Refused as refused:
        return LocatedCopy(barcode=barcode, problem=refused.detail)
    except Unavailable:
        return LocatedCopy(barcode=barcode, problem=write_sentence("The library system is not responding."))
    if item is None:
        return LocatedCopy(barcode=barcode, problem=write_sentence("The library system has no item with this barcode."))
    where = item.current
    return LocatedCopy(
        barcode=barcode,
        call_number=item.call_number,
        branch=where.library,
        shelf=where.shelf,
        place=where.name,
        status=item.status,
    )
