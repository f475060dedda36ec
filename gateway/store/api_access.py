"""API keys, secrets and link tokens.

Every row has a library, and every primary key begins with it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    RowMapping,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.domain.requests.signed_links import (
    CopyLink,
    InvalidLinkError,
    LinkFault,
    QuestionLink,
    library_of_question_link,
    sign_copy_link,
    sign_question_link,
    verify_question_link,
)
from gateway.domain.value import copy_fields, dump_fields, value_object
from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store.schema import metadata

server_secret = Table(
    "server_secret",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("name"),
    Column("value", LargeBinary, nullable=False),
    column_types.moment_column("created"),
    PrimaryKeyConstraint("library", "name", name="pk_server_secret"),
)
"""Random keys that the gateway made for itself: for hashing API keys, for signing links."""

api_key = Table(
    "api_key",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("prefix"),
    column_types.text_column("name"),
    Column("digest", LargeBinary, nullable=False),
    column_types.text_column("scopes"),  # with blanks between
    column_types.moment_column("created"),
    Column("expires", UtcDateTime),
    Column("last_used", UtcDateTime),
    Column("revoked", UtcDateTime),
    PrimaryKeyConstraint("library", "prefix", name="pk_api_key"),
    Index("ix_api_key_prefix", "prefix", unique=True),  # a key is looked up before its library is known
)
"""Only a keyed hash of the key is here."""

api_answer = Table(
    "api_answer",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("api_key"),
    column_types.text_column("operation"),
    column_types.text_column("idempotency_key"),
    Column("request", LargeBinary, nullable=False),  # digest of what was asked
    column_types.integer_column("status"),  # 0: no answer yet
    column_types.text_column("headers"),  # JSON
    Column("body", LargeBinary, nullable=False),
    column_types.moment_column("at"),
    Column("reference", Text, nullable=False, server_default=""),  # to what was done
    PrimaryKeyConstraint("library", "api_key", "operation", "idempotency_key", name="pk_api_answer"),
    Index("ix_api_answer_at", "library", "at"),
)
"""What a repeated POST is answered with."""

webhook = Table(
    "webhook",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("name"),
    column_types.text_column("url"),
    column_types.text_column("secret"),
    column_types.text_column("kinds"),  # of events, with blanks between; empty: all
    column_types.moment_column("created"),
    Column("enabled", Boolean, nullable=False),
    column_types.text_column("disabled_why"),
    Column("failing_since", UtcDateTime),
    PrimaryKeyConstraint("library", "id", name="pk_webhook"),
)
"""Who is told of events. The secret signs each delivery, so it is kept as it is."""

copy_download = Table(
    "copy_download",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("link"),
    column_types.integer_column("count"),
    column_types.moment_column("first_at"),
    column_types.moment_column("last_at"),
    PrimaryKeyConstraint("library", "link", name="pk_copy_download"),
    Index("ix_copy_download_last", "library", "last_at"),
)
"""How often a delivered copy was fetched."""

BYTES = 32

API_KEYS = "api-keys"
COPY_LINKS = "copy-links"
CONFORMANCE_TRIALS = "conformance-trials"
QUESTION_LINKS = "question-links"

MAX_TOKEN_LIFE = timedelta(days=366)
"""Counts of downloads are forgotten when no link can be valid any more."""


@value_object(kw_only=True)
class ApiKeyRow:
    """`digest`: keyed hash of the secret part. `expires`: from then on it opens nothing; None: it doesn't expire. A
    revoked or expired key stays, so that its use can still be told apart."""

    library: str
    prefix: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None = None
    last_used: datetime | None = None
    revoked: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        return self.expires is not None and now >= self.expires


def add_api_key(c: Connection, row: ApiKeyRow) -> None:
    c.execute(insert(api_key).values(**_values_of_api_key(row)))


def find_api_key(c: Connection, prefix: str) -> ApiKeyRow | None:
    row = c.execute(select(api_key).where(api_key.c.prefix == prefix)).mappings().one_or_none()
    return None if row is None else _api_key_of_row(row)


def list_api_keys(c: Connection, library: str) -> tuple[ApiKeyRow, ...]:
    """Oldest first, revoked ones too."""
    query = select(api_key).where(api_key.c.library == library).order_by(api_key.c.created, api_key.c.prefix)
    return tuple(_api_key_of_row(row) for row in c.execute(query).mappings())


def note_api_key_use(c: Connection, library: str, prefix: str, at: datetime) -> None:
    c.execute(update(api_key).where(api_key.c.library == library, api_key.c.prefix == prefix).values(last_used=at))


def revoke_api_key(c: Connection, library: str, prefix: str, at: datetime) -> bool:
    """False: there is no such key, or it is revoked already."""
    table = api_key.c
    where = (table.library == library, table.prefix == prefix, table.revoked.is_(None))
    return c.execute(update(api_key).where(*where).values(revoked=at)).rowcount > 0


def _values_of_api_key(row: ApiKeyRow) -> dict[str, Any]:
    return dump_fields(row, scopes=" ".join(row.scopes))


def _api_key_of_row(row: RowMapping) -> ApiKeyRow:
    return copy_fields(ApiKeyRow, row, digest=bytes(row["digest"]), scopes=tuple(row["scopes"].split()))


def read_secret(c: Connection, library: str, name: str) -> bytes | None:
    table = server_secret.c
    query = select(table.value).where(table.library == library, table.name == name)
    value = c.execute(query).scalar_one_or_none()
    return None if value is None else bytes(value)


def get_or_create_secret(c: Connection, library: str, name: str, now: datetime) -> bytes:
    """Return a secret, made when it is asked for first, so this needs a transaction that may write."""
    if (secret := read_secret(c, library, name)) is not None:
        return secret
    made = secrets.token_bytes(BYTES)
    try:
        with c.begin_nested():
            c.execute(insert(server_secret).values(library=library, name=name, value=made, created=now))
    except IntegrityError:  # another node was quicker
        secret = read_secret(c, library, name)
        assert secret is not None
        return secret
    return made


def make_copy_token(
    c: Connection, library: str, request_id: str, attachment_id: str, expires: datetime, downloads: int, now: datetime
) -> str:
    """Make a token for `/d/TOKEN`. Raises ValueError for less than one download, or a time that is too long."""
    if expires - now > MAX_TOKEN_LIFE:
        raise ValueError(f"a link may last {MAX_TOKEN_LIFE.days} days")
    link = CopyLink(
        library=library,
        request_id=request_id,
        attachment_id=attachment_id,
        expires=expires,
        downloads=downloads,
        nonce=secrets.token_urlsafe(9),
    )
    return sign_copy_link(link, get_or_create_secret(c, library, COPY_LINKS, now))


def make_question_token(connection: Connection, link: QuestionLink, now: datetime) -> str:
    """Make a token for `/q/TOKEN`. The library's secret is made when it is needed first, so this needs a transaction
    that may write."""
    return sign_question_link(link, get_or_create_secret(connection, link.library, QUESTION_LINKS, now))


def read_question_link(connection: Connection, token: str) -> QuestionLink:
    """Read a token of ours. Raises InvalidLinkError."""
    key = read_secret(connection, library_of_question_link(token), QUESTION_LINKS)
    if key is None:  # no question was ever asked by such a library
        raise InvalidLinkError(LinkFault.FORGED)
    return verify_question_link(token, key)
