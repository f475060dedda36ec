"""The libraries of an installation beside each other: what waits in each, and when its last message came or
went. Each figure is one query for all of them, so that it costs the same for 3 libraries and, nearly, for 300.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from gateway.domain.requests.task_lists import TASKS
from gateway.domain.value import value_object
from gateway.ports.shared_store import Store, Transaction
from gateway.store import journal_queries, mailbox
from gateway.store.requests import outbox_queries, request_counts
from gateway.store.requests.outbox import OutboxStatus

NEW = frozenset({"new", "to-locate", "awaiting-review"})
"""Lists of what nobody has begun."""

LATE = frozenset({"overdue", "overdue-out", "return-late", "not-collected"})
"""Lists of what should have been there, or gone, already."""

UNREAD = frozenset({"unread-borrowing", "unread-lending"})

_WAITING = frozenset(task.name for task in TASKS) - NEW - LATE - UNREAD


@value_object
class LibraryFigures:
    """`new`, `waiting` and `late`: places on task lists, on which a request may have several; `unread`: messages of
    partners, and mails that fit no request; `dead`: messages that could not be sent. `last`: when the last message came
    or went, None: never, or so long ago that it isn't kept."""

    new: int
    waiting: int
    late: int
    unread: int
    dead: int
    last: datetime | None


@value_object
class LibraryOverview:
    store: Store

    async def read_figures(self, libraries: Collection[str]) -> Mapping[str, LibraryFigures]:
        """Read the figures of these libraries, by symbol. Raises Unavailable."""

        def read_all(connection: Transaction) -> Mapping[str, LibraryFigures]:
            counts = request_counts.read_counts_of_libraries(connection, libraries, request_counts.TASK)
            mails = mailbox.count_waiting_by_library(connection)
            unsent = outbox_queries.count_unfinished_rows(connection)
            last = journal_queries.find_last_moments(connection, libraries)
            return {
                library: LibraryFigures(
                    new=_sum_lists(counts.get(library, {}), NEW),
                    waiting=_sum_lists(counts.get(library, {}), _WAITING),
                    late=_sum_lists(counts.get(library, {}), LATE),
                    unread=_sum_lists(counts.get(library, {}), UNREAD) + mails.get(library, 0),
                    dead=unsent.get((library, OutboxStatus.DEAD), 0),
                    last=last.get(library),
                )
                for library in libraries
            }

        return await self.store.read(read_all)


def _sum_lists(counts: Mapping[str, int], names: Collection[str]) -> int:
    return sum(counts.get(name, 0) for name in names)
