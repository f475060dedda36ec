"""A library's own system that answers NCIP. README.md says what of it is spoken.

What speaks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.ncip.library_system.options import NcipLibraryOptions
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability

WAYS = {
    Capability.PATRON_LOOKUP: "LookupUser",
    Capability.BLOCKS_DETAILED: "BlockOrTrap and privilege STATUS",
    Capability.AUTHENTICATE: "LookupUser with the PIN",
    Capability.CONTACT: "LookupUser",
    Capability.FEES_READ: "LookupUser: UserFiscalAccount",
    Capability.BIB_FIND: "LookupItemSet",
    Capability.ITEM_AVAILABILITY: "LookupItemSet",
    Capability.HOLD_ITEM: "RequestItem",
    Capability.HOLD_TITLE: "RequestItem",
    Capability.HOLD_PICKUP: "RequestItem",
    Capability.HOLD_CANCEL: "CancelRequestItem",
    Capability.HOLD_UPDATE: "UpdateRequestItem",
    Capability.TEMPORARY_ITEM: "AcceptItem, DeleteItem",
    Capability.HOLD_SHELF: "AcceptItem",
    Capability.CHECK_OUT: "CheckOutItem",
    Capability.OVERRIDE: "MandatedAction",
    Capability.DUE_DATE_GIVEN: "DesiredDateDue",
    Capability.CHECK_IN: "CheckInItem",
    Capability.RENEW: "RenewItem",
    Capability.RECALL: "RecallItem",
    Capability.POST_FEE: "CreateUserFiscalTransaction",
    Capability.PICKUP_LIST: "setting `pickups`",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
}
"""What NCIP can do for the gateway, and by which service."""


async def open_library(context: LibraryAdapterContext, options: NcipLibraryOptions) -> LibrarySystem:
    """Sends nothing: what the system answers is in the settings."""
    from adapters.ncip.library_system.system import open_ncip_library

    return await open_ncip_library(context, options)


adapter = LibraryAdapter(
    name="ncip",
    options=NcipLibraryOptions,
    open=open_library,
    secrets=NcipLibraryOptions.named_secrets,
    ways=WAYS,
)
