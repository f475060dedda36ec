"""Which keyed operations have been done, for those that leave no row of their own.

An operation whose key is known changes nothing; the present state of its subject is its result.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from adapters.library.embedded.here import Here
from adapters.library.embedded.rows import add_row
from adapters.library.embedded.tables import operations

_FIND = select(operations.c.done).where(
    operations.c.library == bindparam("library"),
    operations.c.key == bindparam("key"),
    operations.c.kind == bindparam("kind"),
    operations.c.subject == bindparam("subject"),
)


def done(connection: Connection, here: Here, kind: str, key: str, subject: str) -> bool:
    """Whether this was done to the subject (an id) under this key."""
    values = {"library": here.library, "key": key, "kind": kind, "subject": subject}
    return connection.scalar(_FIND, values) is not None


def remember(connection: Connection, here: Here, kind: str, key: str, subject: str) -> None:
    row = {"library": here.library, "key": key, "kind": kind, "subject": subject, "done": here.now}
    add_row(connection, operations, row)
