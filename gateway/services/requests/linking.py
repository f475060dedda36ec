"""What the library has done is told to the managed request that it is about, in the same transaction: whoever asked for
it, another system's message (ILLiad, Relais, a broker) or the library's own desk.

What doesn't fit is noted in the request's history; the message is answered as if nobody managed anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.commands import Command, GoesBack, ItemReturned, PlaceRequest, RequestPlaced, Result
from gateway.domain.frozen import frozen
from gateway.domain.policy import Manages
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Event, Origin
from gateway.domain.requests.machine import Denied
from gateway.domain.requests.request import Request, Role, VolumeState
from gateway.services.managing import Linked
from gateway.services.requests.broker_lending import lend_to_broker
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.services.requests.library_news import News, Step, news_of
from gateway.store.ids import exchange_id
from gateway.store.requests import history, requests
from gateway.store.requests.history import EventRow
from gateway.store.requests.meant import meant
from gateway.store.requests.requests import Found

GOING_BACK = frozenset({VolumeState.BACK, VolumeState.RETURNED, VolumeState.CHECKED_IN})


@frozen
class Linker:
    """A `services.managing.Link`. `houses` by symbol."""

    houses: Mapping[str, House]

    def __call__(
        self, connection: Connection, library: str, profile: Profile, command: Command, result: Result
    ) -> Linked | None:
        """Raises Unavailable."""
        house = self.houses[library]
        if isinstance(command, PlaceRequest) and isinstance(result, RequestPlaced):
            lends = profile.circulation.requests.managed is Manages.LENDING
            made = lends and lend_to_broker(connection, house, profile, command, result)
            return Linked(result, house.nudge) if made else None
        news = news_of(command, result, profile.circulation)
        request = tell(connection, house, profile.name, news, f"ncip:{profile.name}") if news is not None else None
        if news is None or request is None:
            return None
        return Linked(_with_advice(news, request), house.nudge)


def tell(connection: Connection, house: House, partner: str, news: News, actor: str) -> Request | None:
    """The managed request that the news is about, as it is then; None: there is none. `partner`: name of the profile
    whose numbers count."""
    chosen = _chosen(connection, house, partner, news)
    if chosen is None:
        return None
    request, found, steps = chosen
    for step in steps:
        request = _happens(connection, house, actor, found, step) or request
    return request


def _chosen(
    connection: Connection, house: House, partner: str, news: News
) -> tuple[Request, Found, tuple[Step, ...]] | None:
    """The newest open request for which something follows; a closed one only where none is open."""
    possible = []
    for found in meant(connection, house.symbol, partner, news.names):
        request = requests.load(connection, house.symbol, found.request_id)
        if request is not None:
            possible.append((request, found, news.steps(request)))
    possible.sort(key=lambda one: (not one[0].open, not one[2]))  # keeps newest first among its like
    return possible[0] if possible else None


def _happens(connection: Connection, house: House, actor: str, found: Found, step: Step) -> Request | None:
    """The request after it; None: it didn't fit."""
    event = Event(step.signal, house.now(), actor, step.details, found.attempt)
    outcome = happen_in(connection, house, Happening(request_id=found.request_id, event=event, prepare=step.prepare))
    if not isinstance(outcome, Denied):
        return outcome.request
    if event.signal.origin is not Origin.PARTNER:  # those are in the history already
        _note(connection, house, found.request_id, event, outcome)
    return None


def _note(connection: Connection, house: House, request_id: str, event: Event, denied: Denied) -> None:
    """Once, however often the message comes."""
    before = history.of_request(connection, house.symbol, request_id)
    if before and before[-1].event.signal == event.signal and before[-1].denied == denied.detail:
        return
    row = EventRow(
        id=exchange_id(house.now()),
        library=house.symbol,
        request_id=request_id,
        at=house.now(),
        event=event,
        before=denied.state.value,
        after=denied.state.value,
        denied=denied.detail,
    )
    history.add(connection, row)


# --- what the desk is told -------------------------------------------------------------------------------


def _with_advice(news: News, request: Request) -> Result:
    result: Result = news.result
    if not isinstance(result, ItemReturned) or result.item is None:
        return result
    return replace(result, goes_back=goes_back(request, result.item.barcode))


def goes_back(request: Request, barcode: str) -> GoesBack | None:
    """What a desk has to know of a partner's item that it has scanned; None: it stays, or it is our own."""
    volume = next((one for one in request.volumes if barcode and one.barcode == barcode), None)
    if request.role is not Role.BORROWING or volume is None or volume.state not in GOING_BACK:
        return None
    owner = request.partner.name or request.partner.symbol or request.partner.profile
    return GoesBack(owner, request.number)
