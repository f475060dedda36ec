"""How the pair calls what its two systems call by numbers of their own. Pure.

- A patron is called by the number by which both find it (`patron_number`).
- An item is called by its barcode; one of a system apart by that system's own number, since the item of a later request
  with the same barcode is another one.
- Loans, holds, charges and records are called by the system that has them and its number there; a loan by the barcode
  too, by which the other system finds its own.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import quote, unquote

from gateway.domain.value import value_object

SEPARATOR = "::"


class PairedSide(StrEnum):
    MAIN = "main"
    SECOND = "second"


@value_object
class SideReference:
    """A record of one of the two systems. `barcode`: of a loan's item."""

    side: PairedSide
    number: str
    barcode: str = ""

    def __str__(self) -> str:
        return SEPARATOR.join((self.side.value, quote(self.barcode, safe=""), self.number))


def parse_reference(text: str) -> SideReference | None:
    """None: not of the pair's making."""
    side, _, rest = text.partition(SEPARATOR)
    barcode, separator, number = rest.partition(SEPARATOR)
    if side not in tuple(PairedSide) or not separator:
        return None
    return SideReference(PairedSide(side), number, unquote(barcode))
