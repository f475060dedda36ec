"""NCIP as initiator, the pure part: values to a message, and an answer to what it says.

build_message(ask, values, speaker)  -> Message, for codec.encode_message
read_reply(reply, sent, dialect, …)  -> SuccessReply, or an error that says what kind of failure it is
"""

from __future__ import annotations

from adapters.ncip.client.replies import SuccessReply, read_answer, read_reply
from adapters.ncip.client.services import (
    ASKS,
    ServiceRequest,
    build_message,
    choose_style,
    find_service,
    mirror_dialect,
)
from adapters.ncip.client.speaker import (
    CredentialInput,
    MessageBuilder,
    MessageParties,
    MessageValues,
    UnsupportedValueError,
)

__all__ = [
    "ASKS",
    "CredentialInput",
    "MessageBuilder",
    "MessageParties",
    "MessageValues",
    "ServiceRequest",
    "SuccessReply",
    "UnsupportedValueError",
    "build_message",
    "choose_style",
    "find_service",
    "mirror_dialect",
    "read_answer",
    "read_reply",
]
