"""Where copies are that partners are to get, as the library's system says now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import LocatedCopy
from gateway.domain.sentences import write_sentence
from gateway.services.requests.library_context import LibraryContext

MAX_LOOK_SECONDS = 3.0
"""For one thing that a page shows of the library's system: staff wait for it."""

MAX_AT_ONCE = 8
"""Questions to one library's system."""


async def find_located_copy(context: LibraryContext, request: Request) -> LocatedCopy | None:
    """Find where the copy is that a partner is to get, as the library's system says now. None: no copy is chosen
    yet."""
    if request.role is not Role.LENDING or not request.item_barcode:
        return None
    return await look_up_copy(context, request.item_barcode)


async def find_located_copies(context: LibraryContext, requests: Iterable[Request]) -> Mapping[str, LocatedCopy]:
    """Find copies by id of the request as `find_located_copy` does, side by side."""
    chosen = {request.id: request.item_barcode for request in requests if request.role is Role.LENDING}
    copies = await look_up_copies(context, {barcode for barcode in chosen.values() if barcode})
    return {id_: copies[barcode] for id_, barcode in chosen.items() if barcode}


async def look_up_copies(context: LibraryContext, barcodes: Iterable[str]) -> Mapping[str, LocatedCopy]:
    """Look up copies by barcode as `look_up_copy` does, MAX_AT_ONCE side by side."""
    places = asyncio.Semaphore(MAX_AT_ONCE)

    async def look_up_in_turn(barcode: str) -> LocatedCopy:
        async with places:
            return await look_up_copy(context, barcode)

    async with asyncio.TaskGroup() as group:
        tasks = {barcode: group.create_task(look_up_in_turn(barcode)) for barcode in barcodes}
    return {barcode: task.result() for barcode, task in tasks.items()}


async def look_up_copy(context: LibraryContext, barcode: str) -> LocatedCopy:
    """Look up where a copy is, and whether it is there; what stands against knowing it is its problem, also a system
    that takes longer than MAX_LOOK_SECONDS."""
    try:
        async with asyncio.timeout(MAX_LOOK_SECONDS):
            item = await context.find_item(barcode)
    except Refused as refused:
        return LocatedCopy(barcode=barcode, problem=refused.detail)
    except (Unavailable, TimeoutError):
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
