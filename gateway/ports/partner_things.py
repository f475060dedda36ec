"""Makers of things in a library: what a partner made there belongs to it, and to no other partner.

The library's system doesn't know the gateway's partners, so the gateway keeps it, whatever system that is. A thing that
nobody is known to have made is the library's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol

from gateway.domain.value import value_object


class ThingKind(StrEnum):
    ITEM = "item"
    HOLD = "hold"
    LOAN = "loan"
    PATRON = "patron"


@value_object
class PartnerThing:
    """A thing that a partner made. `id`: as the library's system calls it; `profile`: of the partner; `request_id`: the
    partner's number, where it is about a request; `barcode`: of its item, where it has one."""

    kind: ThingKind
    id: str
    profile: str
    request_id: str = ""
    barcode: str = ""


class PartnerThings(Protocol):
    """The things of one library. All methods raise Unavailable when the store can't be reached."""

    async def find_makers(self, kind: ThingKind, ids: Collection[str]) -> Mapping[str, str]:
        """Names of profiles by the ids of things; without those that nobody is known to have made."""
        ...

    async def list_things_of_request(self, request_id: str) -> tuple[PartnerThing, ...]:
        """List the things of all partners, for two may use the same number."""
        ...

    async def keep_things(self, things: Collection[PartnerThing]) -> None:
        """One that is there already is the newer maker's: some systems give an id again."""
        ...

    async def change_barcode(self, item_id: str, barcode: str) -> None:
        """Change the barcode of an item; nothing where nobody is known to have made it."""
        ...

    async def forget_thing(self, kind: ThingKind, id_: str) -> None: ...
