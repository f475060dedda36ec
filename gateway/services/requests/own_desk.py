"""The library's own desk (ports.adapter.Desk): what is scanned there may belong to a managed request."""

from __future__ import annotations

from gateway.domain.commands import CheckIn, CheckOut, ItemLent, ItemReturned, Named, PatronRef
from gateway.domain.frozen import frozen
from gateway.domain.library import Hold, Item, Loan, Patron
from gateway.domain.policy import CirculationPolicy
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.request import Request, Role
from gateway.ports.adapter import Advice
from gateway.ports.library import CheckedIn, PatronKey
from gateway.services.letters import Letters, SlipFacts
from gateway.services.requests.house import House
from gateway.services.requests.library_news import News, news_of
from gateway.services.requests.linking import goes_back, tell

ACTOR = "desk"
HERE = CirculationPolicy()
"""Barcodes as they are scanned."""


@frozen
class OwnDesk:
    house: House
    letters: Letters

    async def checked_out(self, loan: Loan, item: Item, patron: Patron) -> None:
        bib = await self.house.system.bib(item.bib_id)
        result = ItemLent(loan, item, bib, patron)
        await self._tell(news_of(CheckOut(PatronRef(), Named(item.barcode)), result, HERE))

    async def checked_in(self, done: CheckedIn) -> Advice:
        item = done.item
        request = await self._tell(news_of(CheckIn(Named(item.barcode)), ItemReturned(item, done.loan), HERE))
        if request is None or request.role is not Role.BORROWING:
            return Advice()
        back = goes_back(request, item.barcode)
        if back is not None:
            return Advice(back.advice, self._slip("return", request, None, SlipFacts(barcode=item.barcode)))
        if done.next_hold is not None:
            return Advice(slip=await self._hold_slip(request, item, done.next_hold))
        return Advice()

    async def _tell(self, news: News | None) -> Request | None:
        if news is None:
            return None
        request = await self.house.store.write(lambda c: tell(c, self.house, "", news, ACTOR))
        self.house.nudge()
        return request

    async def _hold_slip(self, request: Request, item: Item, hold: Hold) -> str:
        places = {place.code: place.name for place in await self.house.system.pickup_locations()}
        facts = SlipFacts(
            barcode=item.barcode, pickup=places.get(hold.pickup, hold.pickup), hold_until=hold.ready_until
        )
        return self._slip("hold", request, await self._patron(hold.patron_id), facts)

    async def _patron(self, patron_id: str) -> Patron | None:
        try:
            return await self.house.system.find_patron(PatronKey(patron_id, ("internal",)))
        except Refused as refused:
            if refused.reason is Reason.UNKNOWN_PATRON:
                return None
            raise

    def _slip(self, name: str, request: Request, patron: Patron | None, facts: SlipFacts) -> str:
        house = self.house
        return self.letters.slip(name, request, patron, house.info, house.zone, house.now(), facts).text
