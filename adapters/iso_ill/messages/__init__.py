"""The 20 APDUs of ISO 10161-1, versions 1 and 2, and everything in them, as frozen dataclasses.

`request_phase`: all that is said before anything is shipped; `tracking_phase`: what comes after it, messages and
reports. Shared parts are in `structures`, enumerations in `codes`; `declaration` says how they are declared.
"""

from __future__ import annotations

from adapters.iso_ill.messages.request_phase import (
    Cancel,
    CancelReply,
    ConditionalReply,
    Expired,
    ForwardNotification,
    IllAnswer,
    IllRequest,
)
from adapters.iso_ill.messages.structures import Apdu
from adapters.iso_ill.messages.tracking_phase import (
    CheckedIn,
    Damaged,
    Lost,
    Message,
    Overdue,
    Recall,
    Received,
    Renew,
    RenewAnswer,
    Returned,
    Shipped,
    StatusOrErrorReport,
    StatusQuery,
)

APDUS: tuple[type[Apdu], ...] = (
    IllRequest,
    ForwardNotification,
    Shipped,
    IllAnswer,
    ConditionalReply,
    Cancel,
    CancelReply,
    Received,
    Recall,
    Returned,
    CheckedIn,
    Overdue,
    Renew,
    RenewAnswer,
    Lost,
    Damaged,
    Message,
    StatusQuery,
    StatusOrErrorReport,
    Expired,
)
"""By number: the first is [APPLICATION 1]."""

__all__ = [
    "APDUS",
    "Apdu",
    "Cancel",
    "CancelReply",
    "CheckedIn",
    "ConditionalReply",
    "Damaged",
    "Expired",
    "ForwardNotification",
    "IllAnswer",
    "IllRequest",
    "Lost",
    "Message",
    "Overdue",
    "Recall",
    "Received",
    "Renew",
    "RenewAnswer",
    "Returned",
    "Shipped",
    "StatusOrErrorReport",
    "StatusQuery",
]
