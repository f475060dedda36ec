"""What a message changes and what the journal says of it, in one transaction (docs/decisions/0005-one-transaction.md).

For library systems that keep their tables in the gateway's own store: there a use case needs nothing but the
database, so it can run from beginning to end as one piece of the store's work.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.ports.library_system import LibrarySystem

T = TypeVar("T")


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
