"""Circulation for partners: what a command of `gateway.domain.commands` makes happen in the library."""

from gateway.services.circulation.context import CirculationContext
from gateway.services.circulation.dispatch import SERVICES, USE_CASES, dispatch_command, idempotency_key

__all__ = ["SERVICES", "USE_CASES", "CirculationContext", "dispatch_command", "idempotency_key"]
