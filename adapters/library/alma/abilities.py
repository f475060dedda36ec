"""What the gateway can do with an Alma, and by which part of its API."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.ports.library_system import Capability

WAYS: Mapping[Capability, str] = {
    Capability.PATRON_LOOKUP: "users by any identifier",
    Capability.AUTHENTICATE: "users, op=auth, by setting",
    Capability.BLOCKS_DETAILED: "user_block, status, expiry",
    Capability.FEES_READ: "fees",
    Capability.CONTACT: "contact_info",
    Capability.BIB_FIND: "MMS id, OCLC number",
    Capability.ITEM_AVAILABILITY: "items, their loans and requests",
    Capability.HOLD_ITEM: "requests",
    Capability.HOLD_TITLE: "requests",
    Capability.HOLD_PICKUP: "requests",
    Capability.HOLD_CANCEL: "requests",
    Capability.CHECK_OUT: "loans",
    Capability.DUE_DATE_GIVEN: "loans, a second call",
    Capability.DUE_DATE_CHANGE: "loans",
    Capability.CHECK_IN: "items, op=scan",
    Capability.RENEW: "loans, op=renew",
    Capability.POST_FEE: "fees",
    Capability.PICKUP_LIST: "libraries",
    Capability.ITEM_BY_REQUEST: "our own list of changes",
}
