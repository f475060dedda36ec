"""Mapping between APDUs and the gateway's events.

event_of_apdu(apdu, context) -> IncomingPartnerMessage    what a partner's APDU means
apdu_of_message(message, context) -> Apdu                 what we say, in its words
build_error_report(peek, problem, …) -> Apdu              about a message that can't be carried out
"""

from __future__ import annotations

from adapters.iso_ill.mapping.events_received import event_of_apdu, interpret_apdu, our_role
from adapters.iso_ill.mapping.identities import (
    IllContext,
    id_of_apdu,
    is_same_ill_symbol,
    parse_transaction_key,
    transaction_key,
)
from adapters.iso_ill.mapping.messages_sent import apdu_of_message, sendable_apdus
from adapters.iso_ill.mapping.reports import build_error_report, ill_state_of_request, problem_of_malformed

__all__ = [
    "IllContext",
    "apdu_of_message",
    "build_error_report",
    "event_of_apdu",
    "id_of_apdu",
    "ill_state_of_request",
    "interpret_apdu",
    "is_same_ill_symbol",
    "our_role",
    "parse_transaction_key",
    "problem_of_malformed",
    "sendable_apdus",
    "transaction_key",
]
