"""Whether the store can be used, for /readyz."""

from __future__ import annotations

import asyncio

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


def _revision(connection: Connection) -> str:
    revision: str = connection.execute(text(f"SELECT version_num FROM {OWN.table}")).scalar_one()
    return revision
