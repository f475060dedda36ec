"""Whatever is done outside the database is a row of the outbox; here is the worker that does it (design rule 5)."""

from gateway.services.outbox.book import DESK_GRACE
from gateway.services.outbox.handled import Handled, Handler, Observe, Outcome
from gateway.services.outbox.options import Options
from gateway.services.outbox.worker import Worker, start_of

__all__ = ["DESK_GRACE", "Handled", "Handler", "Observe", "Options", "Outcome", "Worker", "start_of"]
