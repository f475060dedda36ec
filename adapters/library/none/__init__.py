"""A library without a system of its own: an office that passes requests on, or whose books are on paper.

It has no patrons and no items, and none of the capabilities: what needs one is refused, or left to staff, as with any
system that lacks it.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gateway.domain.library import Bib, Hold, Item, Loan, Patron
from gateway.ports.adapter import LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_operations import refuse_unsupported
from gateway.ports.library_system import Capability, PatronKey


class NoneOptions(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoSystem(LibrarySystem):
    """The absence of a system; all look-ups raise Refused(UNSUPPORTED_SERVICE)."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset()

    async def ping(self) -> None:
        """Return at once: nothing can be away."""

    async def find_patron(self, key: PatronKey) -> Patron:
        refuse_unsupported("look up patrons")

    async def patron_loans(self, patron_id: str) -> tuple[Loan, ...]:
        refuse_unsupported("list loans")

    async def patron_holds(self, patron_id: str) -> tuple[Hold, ...]:
        refuse_unsupported("list holds")

    async def item_by_barcode(self, barcode: str) -> Item:
        refuse_unsupported("look up items")

    async def get_bib(self, bib_id: str) -> Bib:
        refuse_unsupported("look up records")

    async def item_loan(self, item_id: str) -> Loan | None:
        refuse_unsupported("list loans")

    async def item_holds(self, item_id: str) -> tuple[Hold, ...]:
        refuse_unsupported("list holds")

    async def find_hold(self, request_id: str) -> Hold:
        refuse_unsupported("look up holds")


async def open_library(context: LibraryAdapterContext, _options: NoneOptions) -> LibrarySystem:
    return NoSystem(context)


adapter = LibraryAdapter(name="none", options=NoneOptions, open=open_library)
