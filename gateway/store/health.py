"""Whether the store can be used, for /readyz."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.domain.problems import Unavailable
from gateway.store.engine import Store
from gateway.store.migrate import OWN

SECONDS = 5.0
"""Longest wait for an answer."""


async def ping(store: Store, seconds: float = SECONDS) -> None:
    """Raise Unavailable unless the database answers in time and has our tables."""
    try:
        async with asyncio.timeout(seconds):
            await store.read(_revision)
    except TimeoutError as error:
        raise Unavailable(f"the database has not answered within {seconds:g} s") from error
    except DBAPIError as error:
        raise Unavailable("the database does not have the gateway's tables") from error


async def try_write(store: Store) -> None:
    """Raise Unavailable unless the database takes writes. It waits as long as any other write would."""
    if await store.write(_is_read_only):
        raise Unavailable("the database can only be read (a standby, or set to be read-only)")


def free_space(store: Store) -> int | None:
    """Bytes left for us on the disk of an SQLite file; None where a server sees to that. Raises OSError."""
    if store.url.get_backend_name() != "sqlite":
        return None
    return shutil.disk_usage(Path(store.url.database or "").parent).free


def _revision(connection: Connection) -> str:
    revision: str = connection.execute(text(f"SELECT version_num FROM {OWN.table}")).scalar_one()
    return revision


def _is_read_only(connection: Connection) -> bool:
    """On SQLite one page is written: only a commit shows that there is space. Nothing else uses this number, and to
    write the same once more is a write, which for a row of a table it wouldn't be."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA user_version = 0"))
        return False
    return bool(connection.execute(text("SELECT current_setting('transaction_read_only')")).scalar_one() == "on")
