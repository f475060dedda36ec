"""The gateway's store, for library systems that keep their tables in it.

There a use case needs nothing but the database, so it can run from beginning to end as one piece of the store's work:
what a message changes and what the journal says of it are one transaction (docs/decisions/0005-one-transaction.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL

from gateway.domain.value import value_object
from gateway.ports.guarded_library import LibrarySystem

T = TypeVar("T")

Transaction = Connection
"""A transaction under way, as repositories take it; who only passes it on needs nothing of SQLAlchemy."""

StoreUrl = URL

Work = Callable[[Transaction], T]
"""What is done in a transaction: nothing but database work, since it may run twice."""


class Store(Protocol):
    """The store of everything that is kept. `write` returns when the work is durable; `read` sees all that was
    committed."""

    @property
    def url(self) -> URL: ...

    async def read(self, work: Work[T]) -> T:
        """Read in a transaction; raises Unavailable when the database can't be reached."""
        ...

    async def write(self, work: Work[T]) -> T:
        """One transaction: all of the work or, if it raises, nothing. Raises Unavailable as `read` does."""
        ...

    async def write_statement(self, work: Work[T]) -> T:
        """Write as `write` does, for work that is a single statement, which may be a transaction by itself."""
        ...

    async def close(self) -> None:
        """Finish what is in hand, then close. Later calls raise RuntimeError."""
        ...


@value_object
class SchemaMigrations:
    """A history of tables. `folder` holds `versions/REVISION_*.py` in Alembic's form, in the order of their names;
    `table` keeps which of them have run."""

    name: str
    folder: Path
    table: str


class WouldWait(Exception):
    """This can't be done within one transaction; the transaction must be given up and the usual way taken."""


class SharesStore(ABC):
    """A library system whose tables are in the gateway's own store. Nominal: what wraps a system, and so does more
    than database work, does not become one by passing calls on."""

    @abstractmethod
    def in_transaction(self, connection: Connection) -> LibrarySystem:
        """The same system for the time of one transaction, which its caller commits.

        Its methods never wait. They raise WouldWait for what needs more than the database (checking a PIN), and
        where a change is refused, since part of it may have been written.
        """


def run_without_waiting(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of what never waits. Raises WouldWait when it does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise WouldWait("it waits for something")
