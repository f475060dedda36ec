"""API keys as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from gateway.domain.frozen import frozen_by_name
from gateway.store.api.tables import api_key


@frozen_by_name
class KeyRow:
    """`digest`: keyed hash of the secret part. A revoked key stays, so that its use can still be told apart."""

    library: str
    prefix: str
    name: str
    digest: bytes
    scopes: tuple[str, ...]
    created: datetime
    last_used: datetime | None = None
    revoked: datetime | None = None


def add(c: Connection, row: KeyRow) -> None:
    c.execute(insert(api_key).values(**_values(row)))


def by_prefix(c: Connection, prefix: str) -> KeyRow | None:
    found = c.execute(select(api_key).where(api_key.c.prefix == prefix)).mappings().one_or_none()
    return None if found is None else _row(found)


def of_library(c: Connection, library: str) -> tuple[KeyRow, ...]:
    """Oldest first, revoked ones too."""
    wanted = select(api_key).where(api_key.c.library == library).order_by(api_key.c.created, api_key.c.prefix)
    return tuple(_row(found) for found in c.execute(wanted).mappings())


def used(c: Connection, library: str, prefix: str, at: datetime) -> None:
    c.execute(update(api_key).where(api_key.c.library == library, api_key.c.prefix == prefix).values(last_used=at))


def revoke(c: Connection, library: str, prefix: str, at: datetime) -> bool:
    """False: there is no such key, or it is revoked already."""
    table = api_key.c
    where = (table.library == library, table.prefix == prefix, table.revoked.is_(None))
    return c.execute(update(api_key).where(*where).values(revoked=at)).rowcount > 0


def _values(row: KeyRow) -> dict[str, Any]:
    return {
        "library": row.library,
        "prefix": row.prefix,
        "name": row.name,
        "digest": row.digest,
        "scopes": " ".join(row.scopes),
        "created": row.created,
        "last_used": row.last_used,
        "revoked": row.revoked,
    }


def _row(found: RowMapping) -> KeyRow:
    values = dict(found)
    return KeyRow(**{**values, "digest": bytes(values["digest"]), "scopes": tuple(values["scopes"].split())})
