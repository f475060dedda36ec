"""Between APDUs and the gateway's events.

received(apdu, context) -> FromPartner        what a partner's APDU means
apdu_of(message, context) -> Apdu             what we say, in its words
error_report(peek, problem, …) -> Apdu        about a message that can't be carried out
"""

from __future__ import annotations

from adapters.iso_ill.mapping.events_received import meaning, our_role, received
from adapters.iso_ill.mapping.identities import Context, key_of, message_id, same_symbol, transaction_of
from adapters.iso_ill.mapping.messages_sent import apdu_of, sendable
from adapters.iso_ill.mapping.reports import error_report, general_problem, state_of

__all__ = [
    "Context",
    "apdu_of",
    "error_report",
    "general_problem",
    "key_of",
    "meaning",
    "message_id",
    "our_role",
    "received",
    "same_symbol",
    "sendable",
    "state_of",
    "transaction_of",
]
