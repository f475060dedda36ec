"""A library's own Alma, by its REST API. README.md says what of it is used.

What asks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.alma.options import AlmaOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability

WAYS = {
    Capability.PATRON_LOOKUP: "users by any identifier",
    Capability.AUTHENTICATE: "users, op=auth, by setting",
    Capability.BLOCKS_DETAILED: "user_block, status, expiry",
    Capability.FEES_READ: "fees",
    Capability.CONTACT: "contact_info",
    Capability.PATRON_CREATE: "users",
    Capability.PATRON_UPDATE: "users",
    Capability.PATRON_EXPIRE: "expiry date",
    Capability.BIB_FIND: "MMS id, OCLC number",
    Capability.ITEM_AVAILABILITY: "items, their loans and requests",
    Capability.HOLD_ITEM: "requests",
    Capability.HOLD_TITLE: "requests",
    Capability.HOLD_PICKUP: "requests",
    Capability.HOLD_CANCEL: "requests",
    Capability.HOLD_UPDATE: "requests",
    Capability.TEMPORARY_ITEM: "bibs, holdings, items",
    Capability.ITEM_WITHOUT_HOLD: "bibs, holdings, items",
    Capability.HOLD_SHELF: "items, op=scan",
    Capability.SHELF_CHOICE: "with or without a scan",
    Capability.SUPPRESS: "suppressed from publishing",
    Capability.CHECK_OUT: "loans",
    Capability.DUE_DATE_GIVEN: "loans, a second call",
    Capability.DUE_DATE_CHANGE: "loans",
    Capability.CHECK_IN: "items, op=scan",
    Capability.RENEW: "loans, op=renew",
    Capability.MOVE_LOCATION: "temporary location of items",
    Capability.POST_FEE: "fees",
    Capability.PICKUP_LIST: "libraries",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
    Capability.CHANGE_BARCODE: "items",
}
"""What the gateway can do with an Alma, and by which part of its API."""


async def open_library(context: LibraryAdapterContext, options: AlmaOptions) -> LibrarySystem:
    """Open a library; raises Unavailable when the API key is not there."""
    from adapters.library.alma.system import AlmaLibrary

    return AlmaLibrary(context, options)


adapter = LibraryAdapter(
    name="alma",
    options=AlmaOptions,
    open=open_library,
    secrets=AlmaOptions.named_secrets,
    ways=WAYS,
)
