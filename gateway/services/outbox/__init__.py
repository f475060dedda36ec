"""Whatever is done outside the database is a row of the outbox; here is the worker that does it (design rule 5)."""

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
