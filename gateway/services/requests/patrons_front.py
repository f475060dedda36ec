"""What patrons see and do themselves: their own requests and no others, in words for them, in their language."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.frozen import frozen
from gateway.domain.requests.events import Details, Event, Kind, by_us
from gateway.domain.requests.machine import allowed
from gateway.domain.requests.patron_words import PatronStatus, of_request
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import Act, NotThere, Page, PatronAct, PatronView, Wanted
from gateway.services.letters import Letters
from gateway.services.requests.acts import PATRON, patron_may, require_request
from gateway.services.requests.front import RequestsFront
from gateway.services.requests.house import House

KINDS: Mapping[PatronAct, Kind] = {
    PatronAct.CANCEL: Kind.CANCEL,
    PatronAct.RENEW: Kind.RENEW,
    PatronAct.ANSWER: Kind.PATRON_ANSWERED,
}

_OVER = frozenset({PatronStatus.DONE, PatronStatus.ENDED})


@frozen
class PatronsFront:
    """`language` empty: the one of the request's patron."""

    requests: RequestsFront
    letters: Letters

    async def listing(
        self, library: str, patron_id: str, open_: bool | None, language: str, limit: int, cursor: str
    ) -> Page[PatronView]:
        """Newest change first. Raises BadCursor."""
        wanted = Wanted(role=Role.BORROWING, patron_id=patron_id, open=open_)
        page = await self.requests.listing(library, wanted, limit, cursor)
        house = self.requests.house(library)
        return Page(tuple(self._view(house, request, language) for request in page), page.cursor)

    async def show(self, library: str, request_id: str, patron_id: str, language: str) -> PatronView:
        """Raises NotThere, for the requests of others too."""
        house = self.requests.house(library)
        return self._view(house, await _own(house, request_id, patron_id), language)

    async def act(
        self,
        library: str,
        request_id: str,
        patron_id: str,
        act: PatronAct,
        details: Details,
        version: int | None,
        language: str,
    ) -> PatronView:
        """Raises NotThere, Outdated, NotNow, Refused (the partner's workflow keeps it for staff)."""
        house = self.requests.house(library)
        await _own(house, request_id, patron_id)
        done = Act(kind=KINDS[act], details=details, actor=PATRON, version=version)
        return self._view(house, await self.requests.act(library, request_id, done), language)

    def _view(self, house: House, request: Request, language: str) -> PatronView:
        said = of_request(request)
        spoken = self.letters.spoken(language or request.patron.language)
        return PatronView(
            request=request,
            status=said.status,
            text=spoken.words.patron.get(said.word, said.word),
            language=spoken.language,
            acts=_acts(house, request, said.status),
        )


async def _own(house: House, request_id: str, patron_id: str) -> Request:
    """Somebody else's is not there. Raises NotThere."""
    request = await require_request(house, request_id)
    if request.role is not Role.BORROWING or not patron_id or request.patron.id != patron_id:
        raise NotThere("request")
    return request


def _acts(house: House, request: Request, status: PatronStatus) -> tuple[PatronAct, ...]:
    if status in _OVER:
        return ()
    fit = allowed(request, house.workflow(request), Event(by_us(Kind.NOTE), house.now()))
    possible = patron_may(house, request).intersection(fit)
    return tuple(act for act, kind in KINDS.items() if kind in possible)
