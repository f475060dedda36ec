"""Whether a library appears to own what is asked for: the port `Catalogue`."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation


class Holding(StrEnum):
    OWNS = "owns"
    NOT = "not"
    UNKNOWN = "unknown"  # nobody could be asked: whether the partner is asked all the same is the rota's to say


@frozen
class Holdings:
    """`note` is one line for the attempt: what was asked, what was found."""

    holding: Holding
    note: str = ""
    seconds: float = 0.0


class Catalogue(Protocol):
    async def holds(self, citation: Citation, partner: Profile) -> Holdings:
        """Raises nothing: a catalogue that can't be reached is UNKNOWN."""
        ...
