"""Mails that were taken, by mailbox and UID; those that nobody understood, with their content, until staff decide."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.store.bulk import insert_rows
from gateway.store.cipher import BodyCipher, BodyUnreadable
from gateway.store.ids import AFTER_ALL
from gateway.store.mailbox.tables import IS_OPEN, mail, mailbox
from gateway.store.prepared import Prepared
from gateway.store.rows import NOTE_LIMIT, clean

_c = mail.c


class Outcome(StrEnum):
    """What became of a mail; each has a folder of its own in the mailbox."""

    DONE = "done"
    UNKNOWN = "unknown"  # not understood, or of an unknown sender
    FAILED = "failed"  # can't be read: broken, too large, infected


@frozen
class Spot:
    """Where a mail lies."""

    library: str
    mailbox: str
    uid_validity: int
    uid: int


@frozen_by_name
class MailRow:
    """`possible`: ids of requests that it may be about; `content` only while it waits for staff."""

    id: str
    spot: Spot
    message_id: str
    digest: str
    at: datetime
    outcome: Outcome
    profile: str = ""
    request_id: str = ""
    reason: str = ""
    open: bool = False
    sender: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    possible: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    closed_by: str = ""


@frozen
class Seen:
    """A mail of the same content that was here before."""

    id: str
    message_id: str
    at: datetime
    outcome: Outcome


# --- how far a mailbox is read ---------------------------------------------------------------------------


def note_look(
    connection: Connection, library: str, name: str, uid_validity: int, highest: int, at: datetime
) -> int | None:
    """Keeps that the mailbox was looked at. The UIDVALIDITY before, where it has changed; else None."""
    where = (mailbox.c.library == library, mailbox.c.name == name)
    before = connection.execute(select(mailbox.c.uid_validity, mailbox.c.highest_uid).where(*where)).one_or_none()
    if before is None:
        row = {"uid_validity": uid_validity, "highest_uid": highest, "seen": at}
        connection.execute(insert(mailbox).values(library=library, name=name, **row))
        return None
    same = before.uid_validity == uid_validity
    highest = max(before.highest_uid, highest) if same else highest
    connection.execute(update(mailbox).where(*where).values(uid_validity=uid_validity, highest_uid=highest, seen=at))
    return None if same else int(before.uid_validity)


# --- taking ----------------------------------------------------------------------------------------------


def outcomes(
    connection: Connection, library: str, name: str, uid_validity: int, uids: Collection[int]
) -> Mapping[int, Outcome]:
    """What became of those that were taken already."""
    found = connection.execute(
        select(_c.uid, _c.outcome).where(
            _c.library == library, _c.mailbox == name, _c.uid_validity == uid_validity, _c.uid.in_(sorted(uids))
        )
    )
    return {uid: Outcome(outcome) for uid, outcome in found}


SAME = (
    select(_c.id, _c.message_id, _c.at, _c.outcome)
    .where(_c.library == bindparam("in_library"), _c.digest == bindparam("with_digest"))
    # by time first: for the order of ids alone SQLite reads all mails of the library by their key
    .order_by(_c.at.desc(), _c.id.desc())
    .limit(20)
)
_SAME = Prepared(SAME)


def same_content(connection: Connection, library: str, digest: str) -> tuple[Seen, ...]:
    """Mails that say the same, newest first."""
    found = _SAME.all(connection, {"in_library": library, "with_digest": digest})
    return tuple(Seen(id_, message_id, at, Outcome(outcome)) for id_, message_id, at, outcome in found)


def add(connection: Connection, row: MailRow, cipher: BodyCipher | None) -> None:
    """Raises IntegrityError when the mail at this spot was taken already: by another node, a moment ago."""
    content, key_id = row.content, ""
    if content is not None and cipher is not None:
        content, key_id = cipher.encrypt(content, _bound(row.spot.library, row.id)), cipher.key_id
    spot = row.spot
    insert_rows(
        connection,
        mail,
        [
            (
                spot.library,
                row.id,
                spot.mailbox,
                spot.uid_validity,
                spot.uid,
                row.message_id,
                row.digest,
                row.at,
                row.outcome.value,
                row.profile,
                row.request_id,
                clean(row.reason, NOTE_LIMIT),
                row.open,
                row.sender,
                row.subject,
                "\n".join(row.possible),
                content,
                key_id,
                row.closed_by,
            )
        ],
    )


# --- the staff's list ------------------------------------------------------------------------------------


@frozen
class Page:
    """Newest first; `cursor` is empty when nothing follows. Rows without their content."""

    rows: tuple[MailRow, ...]
    cursor: str = ""


_WITHOUT_CONTENT = [column for column in mail.columns if column.name != "content"]


def waiting(connection: Connection, library: str, limit: int, cursor: str = "") -> Page:
    found = connection.execute(
        select(*_WITHOUT_CONTENT)
        .where(_c.library == library, IS_OPEN, _c.id < (cursor or AFTER_ALL))
        .order_by(_c.id.desc())
        .limit(limit + 1)
    ).all()
    rows = tuple(_row(row, None) for row in found[:limit])
    return Page(rows, rows[-1].id if len(found) > limit else "")


def get(connection: Connection, library: str, id_: str, cipher: BodyCipher | None) -> MailRow | None:
    """With its content, while it waits. Raises BodyUnreadable."""
    found = connection.execute(select(mail).where(_c.library == library, _c.id == id_)).one_or_none()
    if found is None:
        return None
    content = None if found.content is None else bytes(found.content)
    if content is not None and found.key_id:
        if cipher is None:
            raise BodyUnreadable(f"the mail was encrypted with key {found.key_id}, which is not configured")
        content = cipher.decrypt(content, found.key_id, _bound(library, id_))
    return _row(found, content)


def close(connection: Connection, library: str, id_: str, by: str, request_id: str = "") -> bool:
    """Off the list, and its content is forgotten here. False: it isn't on the list (any more)."""
    values = {"is_open": False, "closed_by": by, "content": None, "key_id": "", "sender": "", "subject": ""}
    if request_id:
        values["request_id"] = request_id
    done = connection.execute(
        update(mail).where(_c.library == library, _c.id == id_, IS_OPEN).values(**values, possible="")
    )
    return done.rowcount > 0


def count_waiting(connection: Connection) -> Mapping[str, int]:
    """By library."""
    found = connection.execute(select(_c.library, func.count().label("n")).where(IS_OPEN).group_by(_c.library))
    return {row.library: row.n for row in found}


def prune(connection: Connection, before: datetime, limit: int) -> int:
    """Forgets up to `limit` mails of all libraries that were taken before `before`, but none that waits for staff."""
    old = connection.execute(
        select(_c.library, _c.id).where(_c.at < before, _c.is_open.is_(False)).order_by(_c.at, _c.library).limit(limit)
    ).all()
    for library, id_ in old:
        connection.execute(delete(mail).where(_c.library == library, _c.id == id_))
    return len(old)


def _bound(library: str, id_: str) -> str:
    return f"{library}/mail/{id_}"


def _row(row: Any, content: bytes | None) -> MailRow:
    return MailRow(
        id=row.id,
        spot=Spot(row.library, row.mailbox, row.uid_validity, row.uid),
        message_id=row.message_id,
        digest=row.digest,
        at=row.at,
        outcome=Outcome(row.outcome),
        profile=row.profile,
        request_id=row.request_id,
        reason=row.reason,
        open=row.is_open,
        sender=row.sender,
        subject=row.subject,
        possible=tuple(row.possible.splitlines()),
        content=content,
        closed_by=row.closed_by,
    )
