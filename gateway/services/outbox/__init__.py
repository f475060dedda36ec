"""Whatever is done outside the database is a row of the outbox; here is the worker that does it (design rule 5)."""

from gateway.services.outbox.queue import DESK_GRACE, Handled, Handler, Observe, Options, Outcome
from gateway.services.outbox.worker import Worker, start_of

__all__ = ["DESK_GRACE", "Handled", "Handler", "Observe", "Options", "Outcome", "Worker", "start_of"]
