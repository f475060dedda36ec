"""Locks that have a name and no row: PostgreSQL's advisory locks, which all nodes on one database share."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, func, select


def key_of(name: str) -> int:
    """A number of 64 bits, the same on all nodes."""
    return int.from_bytes(hashlib.sha256(f"illgate {name}".encode()).digest()[:8], "big", signed=True)


def lock(connection: Connection, key: int) -> None:
    """Until the end of the transaction others that lock this key wait; what is read from here on is what they have
    left. On SQLite a transaction that writes is alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key)))
