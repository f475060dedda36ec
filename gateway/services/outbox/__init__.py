"""The worker of the outbox: whatever is done outside the database is a row of it (design rule 5)."""

from gateway.services.outbox.queue import DESK_GRACE, AttemptOutcome, Handler, HandlerResult, Observe, OutboxOptions
from gateway.services.outbox.worker import OutboxWorker

__all__ = [
    "DESK_GRACE",
    "AttemptOutcome",
    "Handler",
    "HandlerResult",
    "Observe",
    "OutboxOptions",
    "OutboxWorker",
]
