"""The gateway's store, for library systems that keep their tables in it.

There a use case needs nothing but the database, so it can run from beginning to end as one piece of the store's work:
what a message changes and what the journal says of it are one transaction (docs/decisions/0005-one-transaction.md).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.domain.problems import Refused
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


FailedStatementError = DBAPIError
"""The database has refused a statement: a transaction in which it was is over, and with it what was written there."""

TakenKeyError = IntegrityError
"""Another transaction has just taken a unique key: work that is done once more sees what is there."""


_NO_SAVEPOINT = nullcontext()


class SavepointsNeeded(Exception):
    """Part of the work was refused or failed, and may have written; it is to be run once more with savepoints."""


@dataclass(slots=True)
class LibraryTransaction:
    """A transaction in which a library system that shares the store works. `hashes`: of new secrets, since hashing
    takes long. Savepoints cost statements, so nothing has one before something has failed."""

    connection: Connection
    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    has_savepoints: bool = False
    has_changes: bool = False

    @contextmanager
    def begin_change(self) -> Iterator[None]:
        """Begin a change of which all is written or, where it is refused, nothing. Raises SavepointsNeeded where it is
        refused and has no savepoint."""
        self.has_changes = True
        try:
            with self.begin_savepoint():
                yield
        except Refused as refused:
            if not self.has_savepoints:
                raise SavepointsNeeded("a change was refused") from refused
            raise

    def begin_savepoint(self) -> AbstractContextManager[object]:
        return self.connection.begin_nested() if self.has_savepoints else _NO_SAVEPOINT


class SharesStore(ABC):
    """A library system whose tables are in the gateway's own store. Nominal: what wraps a system, and so does more
    than database work, does not become one by passing calls on."""

    @abstractmethod
    def in_transaction(self, transaction: LibraryTransaction) -> LibrarySystem:
        """Return the same system for the time of one transaction, which its caller commits.

        Its methods never wait, and don't check secrets. Each change is a `LibraryTransaction.begin_change`.
        """

    @abstractmethod
    async def hash_secret(self, secret: str) -> str:
        """Hash a new secret, which takes long, for `LibraryTransaction.hashes`."""


def run_without_waiting(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of what never waits. Raises RuntimeError when it does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("it waits for something")
