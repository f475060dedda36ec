"""A library's own system that speaks SIP2. README.md says what of it is spoken.

What speaks it is loaded when such a library is opened.
"""

from __future__ import annotations

from adapters.library.sip2.options import Sip2Options
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability

WAYS = {
    Capability.PATRON_LOOKUP: "63, else 23",
    Capability.BLOCKS_DETAILED: "flags of 64 or 24",
    Capability.AUTHENTICATE: "63 or 23 with the PIN",
    Capability.CONTACT: "64: BD, BE, BF",
    Capability.CHECK_OUT: "11",
    Capability.OVERRIDE: "11 with no-block, by setting",
    Capability.CHECK_IN: "09",
    Capability.RENEW: "29",
    Capability.HOLD_ITEM: "15+",
    Capability.HOLD_PICKUP: "15: BS",
    Capability.HOLD_CANCEL: "15-",
    Capability.HOLD_UPDATE: "15*",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
    Capability.PICKUP_LIST: "setting `pickups`",
}
"""What SIP2 can do for the gateway, and by which message."""


async def open_library(context: LibraryAdapterContext, options: Sip2Options) -> LibrarySystem:
    """Open a library; raises Unavailable when a secret is not there."""
    from adapters.library.sip2.system import open_sip2

    return await open_sip2(context, options)


adapter = LibraryAdapter(
    name="sip2",
    options=Sip2Options,
    open=open_library,
    secrets=Sip2Options.named_secrets,
    ways=WAYS,
)
