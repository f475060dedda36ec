"""LookUpPatron: who somebody is, and what they have out, on hold and to pay."""

from __future__ import annotations

from gateway.domain.commands import LookUpPatron, PatronFound
from gateway.ports.library import Capability
from gateway.services.circulation import patrons
from gateway.services.circulation.desk import Desk


async def lookup_patron(command: LookUpPatron, desk: Desk, _key: str) -> PatronFound:
    """Charges are left out where the library's system doesn't tell them."""
    patron = await patrons.resolve(command.patron, desk)
    charges = command.charges and desk.can(Capability.FEES_READ)
    return PatronFound(
        patron,
        await desk.library.patron_loans(patron.id) if command.loans else (),
        await desk.library.patron_holds(patron.id) if command.holds else (),
        await desk.library.patron_charges(patron.id) if charges else (),
    )
