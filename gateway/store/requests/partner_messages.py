"""Partners' messages that were taken, by the id that the partner gave them: a repeat gets the same answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from gateway.domain.frozen import frozen
from gateway.store.prepared import Prepared
from gateway.store.requests.tables import partner_message

_message_columns = partner_message.c
_SEEN = Prepared(
    select(_message_columns.request_id, _message_columns.refused, _message_columns.reason).where(
        _message_columns.library == bindparam("in_library"),
        _message_columns.profile == bindparam("with_profile"),
        _message_columns.message_id == bindparam("with_id"),
    )
)
_INSERT = Prepared(insert(partner_message))


@frozen
class Seen:
    """What came of it. `refused` and `reason` are empty where the message was taken."""

    request_id: str
    refused: str = ""
    reason: str = ""


def seen(connection: Connection, library: str, profile: str, message_id: str) -> Seen | None:
    found = _SEEN.first(connection, {"in_library": library, "with_profile": profile, "with_id": message_id})
    return Seen(*found) if found is not None else None


def keep(connection: Connection, library: str, profile: str, message_id: str, came: Seen, at: datetime) -> None:
    """Raises IntegrityError when it is there already."""
    row = {
        "library": library,
        "profile": profile,
        "message_id": message_id,
        "request_id": came.request_id,
        "refused": came.refused,
        "reason": came.reason,
        "at": at,
    }
    _INSERT.run(connection, [row])
