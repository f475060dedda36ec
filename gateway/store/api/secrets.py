"""Random keys that the gateway makes for itself, one of each name for each library."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.store.api.tables import server_secret

BYTES = 32

API_KEYS = "api-keys"
COPY_LINKS = "copy-links"
QUESTION_LINKS = "question-links"


def read_secret(c: Connection, library: str, name: str) -> bytes | None:
    table = server_secret.c
    wanted = select(table.value).where(table.library == library, table.name == name)
    found = c.execute(wanted).scalar_one_or_none()
    return None if found is None else bytes(found)


def secret(c: Connection, library: str, name: str, now: datetime) -> bytes:
    """Made when it is asked for first, so this needs a transaction that may write."""
    if (found := read_secret(c, library, name)) is not None:
        return found
    made = secrets.token_bytes(BYTES)
    try:
        with c.begin_nested():
            c.execute(insert(server_secret).values(library=library, name=name, value=made, created=now))
    except IntegrityError:  # another node was quicker
        found = read_secret(c, library, name)
        assert found is not None
        return found
    return made
