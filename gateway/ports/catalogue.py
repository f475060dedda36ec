"""Whether a library appears to own what is asked for, and lends it: the port `Catalogue`."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.request import ServiceType


class Holding(StrEnum):
    OWNS = "owns"
    NOT = "not"
    NOT_LENT = "not-lent"  # it owns it, and doesn't lend it
    UNKNOWN = "unknown"  # nobody could be asked: whether the partner is asked all the same is the rota's to say


@frozen
class Holdings:
    """`note` is one line for the attempt: what was asked, what was found. `seconds`: how long that took; 0: nobody was
    asked. `skip`: UNKNOWN since the catalogue gave no answer, and the partner's profile says to skip it then."""

    holding: Holding
    note: str = ""
    seconds: float = 0.0
    skip: bool = False

    @property
    def line(self) -> str:
        """All of it, for staff."""
        took = f" ({self.seconds:.2f} s)" if self.seconds else ""
        return f"{self.note}{took}"


class Catalogue(Protocol):
    async def holds(self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN) -> Holdings:
        """Raises nothing: a catalogue that can't be reached is UNKNOWN."""
        ...
