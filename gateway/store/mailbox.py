"""Mailbox progress, processed mails, unmatched mails, references to requests.

Senders, subjects and contents of unmatched mails are personal data: they are emptied when staff have decided (some
days later where they dismissed it, since they may have been wrong), and go with the row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.domain.requests.request import Role
from gateway.domain.requests.staff_views import MailboxFailure
from gateway.domain.sentences import dump_sentence, load_sentence, write_sentence
from gateway.domain.value import copy_fields, value_object
from gateway.sql import column_types
from gateway.sql.column_types import MAX_NOTE_CHARS, UtcDateTime, clean_text
from gateway.sql.index_hints import follow_index
from gateway.sql.statements import PreparedStatement, insert_rows
from gateway.store.journal_records import BodyCipher, BodyUnreadable
from gateway.store.requests.tables import request, request_transaction
from gateway.store.schema import AFTER_ALL, HAS_REQUEST, metadata

IS_OPEN = text("is_open")
IS_DISMISSED = text("dismissed_at IS NOT NULL")

mailbox = Table(
    "mailbox",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("name"),
    column_types.bigint_column("uid_validity"),
    column_types.bigint_column("highest_uid"),
    column_types.moment_column("seen"),
    PrimaryKeyConstraint("library", "name", name="pk_mailbox"),
)

mailbox_failure = Table(
    "mailbox_failure",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("name"),
    column_types.moment_column("since"),
    column_types.text_column("reason"),  # no secrets: what the log says too
    column_types.text_column("reason_sentence"),  # what it was made of, by `dump_sentence`
    PrimaryKeyConstraint("library", "name", name="pk_mailbox_failure"),
)

mail = Table(
    "mail",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("mailbox"),
    column_types.bigint_column("uid_validity"),
    column_types.bigint_column("uid"),
    column_types.text_column("message_id"),
    column_types.text_column("digest"),  # of what the mail says: the same for one that is sent again
    column_types.moment_column("at"),
    column_types.text_column("outcome"),
    column_types.text_column("profile"),
    column_types.id_column("request_id"),
    column_types.text_column("reason"),  # why it waits for staff or was set aside; no personal data
    Column("is_open", Boolean, nullable=False),  # on the staff's list
    column_types.text_column("sender"),
    column_types.text_column("subject"),
    column_types.text_column("possible"),  # ids of requests that it may be about, one a line
    Column("content", LargeBinary, nullable=True),
    column_types.text_column("key_id"),  # of the key that encrypted the content; empty: as it came
    column_types.text_column("closed_by"),
    column_types.text_column("reason_sentence"),  # what `reason` was made of, by `dump_sentence`
    Column("dismissed_at", UtcDateTime),  # None: it was not, or its content is forgotten
    PrimaryKeyConstraint("library", "id", name="pk_mail"),
    Index("ix_mail_uid", "library", "mailbox", "uid_validity", "uid", unique=True),
    Index("ix_mail_digest", "library", "digest"),
    Index("ix_mail_at", "at", "library"),
    Index("ix_mail_open", "library", "id", postgresql_where=IS_OPEN, sqlite_where=IS_OPEN),
    Index("ix_mail_dismissed", "library", "id", postgresql_where=IS_DISMISSED, sqlite_where=IS_DISMISSED),
    Index("ix_mail_request", "library", "request_id", postgresql_where=HAS_REQUEST, sqlite_where=HAS_REQUEST),
)

_c = mail.c

_t, _r = request_transaction.c, request.c


AT_ONCE = 8
"""Words in one question: so many places has the prepared statement."""

_WORDS = tuple(f"word_{number}" for number in range(AT_ONCE))
_BY_REFERENCE = PreparedStatement(
    select(_t.role, _t.reference, _t.request_id).where(
        _t.library == bindparam("in_library"),
        or_(*(_t.role == role.value for role in Role)),  # or the key leads to all numbers of the library
        _t.symbol == bindparam("with_partner"),
        or_(*(_t.reference == bindparam(word) for word in _WORDS)),
    )
)


class MailOutcome(StrEnum):
    """The outcome of a mail; each has a folder of its own in the mailbox."""

    DONE = "done"
    UNKNOWN = "unknown"  # not understood, or of an unknown sender
    FAILED = "failed"  # can't be read: broken, too large, infected


@value_object
class MailPosition:
    """The place where a mail lies."""

    library: str
    mailbox: str
    uid_validity: int
    uid: int


@value_object(kw_only=True)
class MailRow:
    """`possible`: ids of requests that it may be about; `content` only while it waits for staff, or
    can be put back."""

    id: str
    spot: MailPosition
    message_id: str
    digest: str
    at: datetime
    outcome: MailOutcome
    profile: str = ""
    request_id: str = ""
    reason: str = ""
    open: bool = False
    sender: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    possible: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    closed_by: str = ""
    dismissed_at: datetime | None = None


@value_object
class KnownMail:
    """A mail of the same content that was here before. `profile`: of its sender; empty: nobody knows."""

    id: str
    message_id: str
    at: datetime
    outcome: MailOutcome
    profile: str


# --- how far a mailbox is read ---------------------------------------------------------------------------


def record_mailbox_state(
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


def record_mailbox_failure(connection: Connection, library: str, name: str, reason: str, at: datetime) -> None:
    """Keeps that the mailbox can't be read, and why. It is away since the first failure after it was read last."""
    where = (mailbox_failure.c.library == library, mailbox_failure.c.name == name)
    why = {"reason": reason, "reason_sentence": dump_sentence(reason)}
    if not connection.execute(update(mailbox_failure).where(*where).values(**why)).rowcount:
        connection.execute(insert(mailbox_failure).values(library=library, name=name, since=at, **why))


def forget_mailbox_failure(connection: Connection, library: str, name: str) -> None:
    """It is read again."""
    c = mailbox_failure.c
    connection.execute(delete(mailbox_failure).where(c.library == library, c.name == name))


def forget_removed_mailboxes(connection: Connection, library: str, names: Collection[str]) -> None:
    """Failures of mailboxes that the settings don't have any more; `names`: of those that they have."""
    c = mailbox_failure.c
    connection.execute(delete(mailbox_failure).where(c.library == library, c.name.not_in(sorted(names))))


def list_mailbox_failures(connection: Connection, library: str) -> tuple[MailboxFailure, ...]:
    """List the library's mailboxes that can't be read now, by name."""
    c = mailbox_failure.c
    rows = connection.execute(select(mailbox_failure).where(c.library == library).order_by(c.name))
    return tuple(MailboxFailure(row.name, row.since, load_sentence(row.reason, row.reason_sentence)) for row in rows)


def list_last_looks(connection: Connection, library: str) -> Mapping[str, datetime]:
    """List when each mailbox of the library was looked at last, by name."""
    rows = connection.execute(select(mailbox.c.name, mailbox.c.seen).where(mailbox.c.library == library))
    return {row.name: row.seen for row in rows}


def count_waiting_by_mailbox(connection: Connection, library: str) -> Mapping[str, int]:
    """Mails that wait for staff, by mailbox."""
    number = func.count().label("n")
    query = select(_c.mailbox, number).where(_c.library == library, IS_OPEN).group_by(_c.mailbox)
    return {row.mailbox: row.n for row in connection.execute(query)}


# --- taking ----------------------------------------------------------------------------------------------


def find_outcomes(
    connection: Connection, library: str, name: str, uid_validity: int, uids: Collection[int]
) -> Mapping[int, MailOutcome]:
    """Find the outcomes of those that were taken already."""
    rows = connection.execute(
        select(_c.uid, _c.outcome).where(
            _c.library == library, _c.mailbox == name, _c.uid_validity == uid_validity, _c.uid.in_(sorted(uids))
        )
    )
    return {uid: MailOutcome(outcome) for uid, outcome in rows}


SAME = (
    select(_c.id, _c.message_id, _c.at, _c.outcome, _c.profile)
    .where(_c.library == bindparam("in_library"), _c.digest == bindparam("with_digest"))
    # by time first: for the order of ids alone SQLite reads all mails of the library by their key
    .order_by(_c.at.desc(), _c.id.desc())
    .limit(20)
)
_SAME = PreparedStatement(SAME)


def find_same_content(connection: Connection, library: str, digest: str) -> tuple[KnownMail, ...]:
    """Mails that say the same, newest first."""
    rows = _SAME.fetch_all(connection, {"in_library": library, "with_digest": digest})
    return tuple(KnownMail(id_, seen, at, MailOutcome(outcome), profile) for id_, seen, at, outcome, profile in rows)


class MailTakenError(Exception):
    """The mail at this spot of the mailbox is here already."""


def add_mail(connection: Connection, row: MailRow, cipher: BodyCipher | None) -> None:
    """Add a mail; raises MailTakenError when the mail at this spot was taken already: by another node, a moment ago."""
    content, key_id = row.content, ""
    if content is not None and cipher is not None:
        content, key_id = cipher.encrypt(content, _mail_identity(row.spot.library, row.id)), cipher.key_id
    spot = row.spot
    try:
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
                    clean_text(row.reason, MAX_NOTE_CHARS),
                    row.open,
                    row.sender,
                    row.subject,
                    "\n".join(row.possible),
                    content,
                    key_id,
                    row.closed_by,
                    dump_sentence(row.reason),
                    row.dismissed_at,
                )
            ],
        )
    except IntegrityError as error:
        raise MailTakenError(f"mail {spot.uid} of {spot.mailbox}") from error


# --- the staff's list ------------------------------------------------------------------------------------


@value_object
class WaitingMails:
    """The number of mails on the list of a library, the bytes of their contents that are kept, and when the oldest came
    (None: there is none)."""

    count: int
    content_bytes: int
    oldest: datetime | None


_WAITING = PreparedStatement(
    select(func.count(), func.coalesce(func.sum(func.length(_c.content)), 0), func.min(_c.at)).where(
        _c.library == bindparam("in_library"), IS_OPEN
    )
)


def measure_waiting(connection: Connection, library: str) -> WaitingMails:
    ((count, content_bytes, oldest),) = _WAITING.fetch_all(connection, {"in_library": library})
    return WaitingMails(count, int(content_bytes), oldest)


def count_waiting_by_library(connection: Connection) -> dict[str, int]:
    """Count the mails of all libraries that fit no request; without the libraries that have none."""
    query = select(_c.library, func.count()).where(IS_OPEN).group_by(_c.library)
    return {row[0]: row[1] for row in connection.execute(query)}


@value_object
class UnmatchedMailPage:
    """`cursor` is empty when nothing follows. Rows without their content."""

    rows: tuple[MailRow, ...]
    cursor: str = ""


_WITHOUT_CONTENT = [column for column in mail.columns if column.name != "content"]


def list_unmatched(connection: Connection, library: str, limit: int, cursor: str = "") -> UnmatchedMailPage:
    """Newest first."""
    return _load_page(connection, library, limit, IS_OPEN, _c.id < (cursor or AFTER_ALL), _c.id.desc())


def list_oldest_unmatched(connection: Connection, library: str, limit: int, cursor: str = "") -> UnmatchedMailPage:
    """Oldest first."""
    return _load_page(connection, library, limit, IS_OPEN, _c.id > cursor, _c.id.asc())


def list_dismissed(connection: Connection, library: str, limit: int, cursor: str = "") -> UnmatchedMailPage:
    """Those that can be put back; the newest mail first."""
    return _load_page(connection, library, limit, IS_DISMISSED, _c.id < (cursor or AFTER_ALL), _c.id.desc())


def _load_page(
    connection: Connection,
    library: str,
    limit: int,
    kind: TextClause,
    rest: ColumnElement[bool],
    order: ColumnElement[str],
) -> UnmatchedMailPage:
    hits = connection.execute(
        select(*_WITHOUT_CONTENT).where(_c.library == library, kind, rest).order_by(order).limit(limit + 1)
    ).all()
    rows = tuple(_mail_of_row(row, None) for row in hits[:limit])
    return UnmatchedMailPage(rows, rows[-1].id if len(hits) > limit else "")


def get_mail(connection: Connection, library: str, id_: str, cipher: BodyCipher | None) -> MailRow | None:
    """Return a mail with its content, while it waits. Raises BodyUnreadable."""
    row = connection.execute(select(mail).where(_c.library == library, _c.id == id_)).one_or_none()
    if row is None:
        return None
    content = None if row.content is None else bytes(row.content)
    if content is not None and row.key_id:
        if cipher is None:
            raise BodyUnreadable(
                write_sentence("the email was encrypted with key %(key)s, which is not configured", key=row.key_id)
            )
        content = cipher.decrypt(content, row.key_id, _mail_identity(library, id_))
    return _mail_of_row(row, content)


def get_mail_header(connection: Connection, library: str, id_: str) -> MailRow | None:
    """The same without its content."""
    query = select(*_WITHOUT_CONTENT).where(_c.library == library, _c.id == id_)
    row = connection.execute(query).one_or_none()
    return None if row is None else _mail_of_row(row, None)


_FORGOTTEN = {"content": None, "key_id": "", "sender": "", "subject": "", "dismissed_at": None}


def close_mail(connection: Connection, library: str, id_: str, by: str, request_id: str = "") -> bool:
    """Off the list, and its content is forgotten here. False: it isn't on the list (any more)."""
    values = {"is_open": False, "closed_by": by, "possible": "", **_FORGOTTEN}
    if request_id:
        values["request_id"] = request_id
    done = connection.execute(update(mail).where(_c.library == library, _c.id == id_, IS_OPEN).values(**values))
    return done.rowcount > 0


def dismiss_mail(connection: Connection, library: str, id_: str, by: str, at: datetime) -> bool:
    """Off the list, as it is. False: it isn't on the list (any more)."""
    values = {"is_open": False, "closed_by": by, "dismissed_at": at}
    done = connection.execute(update(mail).where(_c.library == library, _c.id == id_, IS_OPEN).values(**values))
    return done.rowcount > 0


def put_back_mail(connection: Connection, library: str, id_: str) -> bool:
    """Put a mail on the list again. False: it was not dismissed, or its content is forgotten."""
    values = {"is_open": True, "closed_by": "", "dismissed_at": None}
    done = connection.execute(update(mail).where(_c.library == library, _c.id == id_, IS_DISMISSED).values(**values))
    return done.rowcount > 0


def forget_dismissed(connection: Connection, library: str, before: datetime, limit: int) -> int:
    """Forgets the contents of up to `limit` mails that were dismissed before `before`."""
    old = select(_c.id).where(_c.library == library, IS_DISMISSED, _c.dismissed_at < before).limit(limit)
    done = connection.execute(
        update(mail)
        .where(_c.library == library, _c.id.in_(connection.scalars(old).all()))
        .values(**_FORGOTTEN, possible="")
    )
    return done.rowcount


def forget_contents_of_request(connection: Connection, library: str, request_id: str) -> None:
    """Forget the contents of mails that nobody has to look at any more."""
    mine = (_c.library == library, _c.request_id == request_id, HAS_REQUEST, _c.is_open.is_(False))
    connection.execute(update(mail).where(*mine).values(**_FORGOTTEN))


def prune_mails(connection: Connection, before: datetime, limit: int) -> int:
    """Forgets up to `limit` mails of all libraries that were taken before `before`, but none that waits for staff."""
    old = connection.execute(
        select(_c.library, _c.id).where(_c.at < before, _c.is_open.is_(False)).order_by(_c.at, _c.library).limit(limit)
    ).all()
    for library, id_ in old:
        connection.execute(delete(mail).where(_c.library == library, _c.id == id_))
    return len(old)


def _mail_identity(library: str, id_: str) -> str:
    return f"{library}/mail/{id_}"


def _mail_of_row(row: Any, content: bytes | None) -> MailRow:
    return copy_fields(
        MailRow,
        row,
        spot=MailPosition(row.library, row.mailbox, row.uid_validity, row.uid),
        outcome=MailOutcome(row.outcome),
        reason=load_sentence(row.reason, row.reason_sentence),
        open=row.is_open,
        possible=tuple(row.possible.splitlines()),
        content=content,
    )


@value_object
class RequestReference:
    """A request by one of its numbers; `reference` as the partner's messages have it."""

    role: Role
    reference: str
    request_id: str


def find_by_references(
    connection: Connection, library: str, partner: str, words: Collection[str]
) -> tuple[RequestReference, ...]:
    """Requests with this partner (name of the profile) whose number between the two libraries is one of the words."""
    wanted = sorted(words)
    references: set[tuple[str, str, str]] = set()
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        some += some[-1:] * (AT_ONCE - len(some))
        parameters = {"in_library": library, "with_partner": partner, **dict(zip(_WORDS, some, strict=True))}
        references |= {tuple(row) for row in _BY_REFERENCE.fetch_all(connection, parameters)}
    newest_first = sorted(references, key=lambda row: row[2], reverse=True)
    return tuple(RequestReference(Role(role), reference, request_id) for role, reference, request_id in newest_first)


def list_references_of_requests(
    connection: Connection, library: str, partner: str, request_ids: Collection[str]
) -> tuple[RequestReference, ...]:
    """All numbers of these requests with this partner, newest attempt first."""
    if not request_ids:
        return ()
    query = select(_t.role, _t.reference, _t.request_id).where(
        _t.library == library, _t.request_id.in_(sorted(request_ids)), _t.symbol == partner
    )
    by_request = follow_index(query, request_transaction, "ix_request_transaction_request")
    rows = connection.execute(by_request.order_by(_t.attempt.desc()))
    return tuple(RequestReference(Role(role), reference, request_id) for role, reference, request_id in rows)


def find_ids_by_number(connection: Connection, library: str, words: Collection[str]) -> tuple[str, ...]:
    """Ids of the requests whose own number is one of the words."""
    if not words:
        return ()
    query = select(_r.id).where(_r.library == library, _r.number.in_(sorted(words)))
    return tuple(connection.execute(follow_index(query, request, "ix_request_number")).scalars())
