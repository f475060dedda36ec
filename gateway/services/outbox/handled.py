"""What the worker asks of a handler: one for each kind of row (partner, letter, library, work, webhook)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.store.requests.outbox import Row

Then = Callable[[Connection], None]
"""Nothing but database work, since it may run twice (gateway.store.engine)."""


@frozen
class Handled:
    """The row's work is done. `note` is one line for staff: who took it, under which id. `then` is database work
    that is part of it: it runs in the transaction that marks the row done, so both are there or neither is."""

    note: str = ""
    then: Then | None = None


Handler = Callable[[Row], Awaitable[Handled]]
"""Does what a row asks for. It may be called again for the same row, so what it does outside carries the row's id.

Raises Unavailable (nothing was done: again later), OutcomeUnknown (again, with the same id) or Refused (never
again). Anything else counts as a defect of ours.
"""


class Outcome(StrEnum):
    """How one try of a row ended, for the figures."""

    DONE = "done"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"
    DEFECT = "defect"
    REFUSED = "refused"
    DEAD = "dead"  # tries are over; counted beside the outcome of the last one


Observe = Callable[[str, Outcome], None]
"""Told the kind of a row and the outcome of each try."""


def nobody(_kind: str, _outcome: Outcome) -> None:
    """Observes nothing."""
