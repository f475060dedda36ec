"""A library's own system that is a FOLIO. README.md says which of its interfaces are used.

What asks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.folio.options import FolioOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability

WAYS = {
    Capability.PATRON_LOOKUP: "`/users`",
    Capability.AUTHENTICATE: "PIN",
    Capability.BLOCKS_DETAILED: "manual and automated blocks",
    Capability.FEES_READ: "`/accounts`",
    Capability.CONTACT: "`personal`",
    Capability.PATRON_CREATE: "`/users`",
    Capability.PATRON_UPDATE: "`/users`",
    Capability.PATRON_EXPIRE: "expiration date",
    Capability.PATRON_DELETE: "`/users`, known by a tag",
    Capability.BIB_FIND: "`/inventory/instances`",
    Capability.SEARCH: "mod-search",
    Capability.ITEM_AVAILABILITY: "`/inventory/items`",
    Capability.HOLD_ITEM: "item-level request",
    Capability.HOLD_TITLE: "title-level request",
    Capability.HOLD_PICKUP: "service point",
    Capability.HOLD_CANCEL: "cancelled request",
    Capability.HOLD_UPDATE: "changed request",
    Capability.TEMPORARY_ITEM: "instance, holdings, item",
    Capability.ITEM_WITHOUT_HOLD: "instance, holdings, item",
    Capability.HOLD_SHELF: "check-in",
    Capability.SHELF_CHOICE: "with or without a check-in",
    Capability.SUPPRESS: "suppressed from discovery",
    Capability.CHECK_OUT: "by barcode",
    Capability.OVERRIDE: "overridden blocks, by setting",
    Capability.DUE_DATE_GIVEN: "change-due-date",
    Capability.DUE_DATE_CHANGE: "change-due-date",
    Capability.CHECK_IN: "by barcode",
    Capability.RENEW: "by barcode",
    Capability.MOVE_LOCATION: "temporary location",
    Capability.STATUS_UPDATE: "mark-…",
    Capability.POST_FEE: "account and action",
    Capability.PICKUP_LIST: "service points",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
    Capability.CHANGE_BARCODE: "`/inventory/items`",
}
"""What FOLIO can do for the gateway, and by which of its interfaces."""


async def open_library(context: LibraryAdapterContext, options: FolioOptions) -> LibrarySystem:
    from adapters.library.folio.system import open_folio

    return await open_folio(context, options)


adapter = LibraryAdapter(
    name="folio",
    options=FolioOptions,
    open=open_library,
    secrets=FolioOptions.named_secrets,
    ways=WAYS,
)
