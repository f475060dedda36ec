"""Circulation for partners: what a command of `gateway.domain.commands` makes happen in the library."""

from gateway.services.circulation.context import Desk
from gateway.services.circulation.dispatch import SERVICES, USE_CASES, carry_out, message_key

__all__ = ["SERVICES", "USE_CASES", "Desk", "carry_out", "message_key"]
