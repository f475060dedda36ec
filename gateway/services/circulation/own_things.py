"""Makers of the things of a library, as one partner sees them while one of its messages is carried out."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from gateway.ports.partner_things import PartnerThing, PartnerThings, ThingKind


class Maker(Enum):
    """The maker of a thing, as one partner sees it."""

    THIS_PARTNER = "this partner"
    ANOTHER_PARTNER = "another partner"
    LIBRARY = "library"


class OwnThings:
    """The things of a library as one partner meets them while one of its messages is carried out."""

    def __init__(self, things: PartnerThings, profile: str, others: Iterable[str] = ()) -> None:
        """`others`: profiles whose things are this partner's too."""
        self._things = things
        self._profile = profile
        self._profiles = frozenset((profile, *others))
        self._makers: dict[tuple[ThingKind, str], str] = {}
        self._made: dict[tuple[ThingKind, str], PartnerThing] = {}

    async def find_makers(self, kind: ThingKind, ids: Iterable[str]) -> dict[str, Maker]:
        wanted = [id_ for id_ in dict.fromkeys(ids) if id_]
        if unknown := [id_ for id_ in wanted if (kind, id_) not in self._makers]:
            makers = await self._things.find_makers(kind, unknown)
            self._makers |= {(kind, id_): makers.get(id_, "") for id_ in unknown}
        return {id_: self._choose_maker(self._makers[kind, id_]) for id_ in wanted}

    async def find_maker(self, kind: ThingKind, id_: str, told: str | None = None) -> Maker:
        """`told`: the profile, "" for none, where the library's system has told it."""
        if id_ and (kind, id_) not in self._makers:
            if told is None:
                told = (await self._things.find_makers(kind, (id_,))).get(id_, "")
            self._makers[kind, id_] = told
        return self._choose_maker(self._makers.get((kind, id_), ""))

    async def list_things_of_request(self, number: str) -> tuple[tuple[PartnerThing, ...], bool]:
        """This partner's, and whether others have things under the same number."""
        things = await self._things.list_things_of_request(number) if number else ()
        own = tuple(thing for thing in things if thing.profile in self._profiles)
        return own, len(own) < len(things)

    def add_thing(self, kind: ThingKind, id_: str, *, request_id: str = "", barcode: str = "") -> None:
        """Add a thing that this partner made; `keep_made` makes it durable."""
        if id_:
            self._made[kind, id_] = PartnerThing(kind, id_, self._profile, request_id, barcode)
            self._makers[kind, id_] = self._profile

    async def keep_made(self) -> None:
        """All that was added, at once."""
        if self._made:
            made, self._made = tuple(self._made.values()), {}
            await self._things.keep_things(made)

    async def change_barcode(self, item_id: str, barcode: str) -> None:
        """Change the barcode of a thing of this partner, so that its request number leads to it."""
        await self.keep_made()
        await self._things.change_barcode(item_id, barcode)

    async def forget_thing(self, kind: ThingKind, id_: str) -> None:
        """It is gone. What the library's system calls so later is another thing, since some give an id again."""
        self._made.pop((kind, id_), None)
        self._makers[kind, id_] = ""
        await self._things.forget_thing(kind, id_)

    def _choose_maker(self, profile: str) -> Maker:
        if not profile:
            return Maker.LIBRARY
        return Maker.THIS_PARTNER if profile in self._profiles else Maker.ANOTHER_PARTNER
