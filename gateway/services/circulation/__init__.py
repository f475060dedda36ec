"""Circulation for partners: what a command of `gateway.domain.commands` makes happen in the library."""

from gateway.services.circulation.carry_out import USE_CASES, carry_out
from gateway.services.circulation.desk import Desk
from gateway.services.circulation.keys import SERVICES, message_key

__all__ = ["SERVICES", "USE_CASES", "Desk", "carry_out", "message_key"]
