"""The items on their way. An item is a thing of its own: nobody receives, lends or checks in what isn't there.

Where each is follows from the histories, so it is right however an act came about: at once, or repaired after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from gateway.domain.requests.events import Event, EventKind, EventOrigin
from gateway.domain.requests.request import AttemptStatus, LendingState, Request, Role, ServiceType

Key = tuple[str, str]
"""Symbol of the borrower, number by which both sides know the request."""


class Place(Enum):
    SHELF = "never left the lender"
    THERE = "on its way to the borrower"
    HERE = "at the borrower"
    BACK = "on its way to the lender"
    HOME = "at the lender again"
    GONE = "lost"


_OUT = (Place.THERE, Place.HERE, Place.BACK)
_WITH_BORROWER = (Place.THERE, Place.HERE)


def key_of(town: str, request: Request, attempt: int = 0) -> Key | None:
    """None: nobody was asked."""
    if request.role is Role.LENDING:
        return request.partner.symbol, request.transaction
    about = request.find_attempt(attempt or request.current)
    return (town, about.transaction) if about is not None else None


class Things:
    def __init__(self) -> None:
        self.places: dict[Key, Place] = {}

    def place(self, key: Key | None) -> Place:
        return self.places.get(key, Place.SHELF) if key is not None else Place.SHELF

    def out(self) -> tuple[Key, ...]:
        return tuple(key for key, place in self.places.items() if place in _OUT)

    def lose(self, key: Key) -> None:
        self.places[key] = Place.GONE

    def happened(self, town: str, request: Request, event: Event) -> None:
        """A line of the history of `request`, as it is now."""
        key = key_of(town, request, event.attempt)
        if event.signal.origin is not EventOrigin.US or key is None or request.service.type is ServiceType.COPY:
            return
        if event.kind is EventKind.RETURNED and not event.attempt:
            key = self._find_item_here(town, request) or key
        place = self.place(key)
        match request.role, event.kind, place:
            case Role.LENDING, EventKind.SHIPPED, Place.SHELF:
                self.places[key] = Place.THERE
            case Role.LENDING, EventKind.CHECKED_IN, Place.BACK:
                self.places[key] = Place.HOME
            case Role.BORROWING, EventKind.RECEIVED, Place.THERE:
                self.places[key] = Place.HERE
            case Role.BORROWING, EventKind.RETURNED, (Place.THERE | Place.HERE):
                self.places[key] = Place.BACK

    def _find_item_here(self, town: str, request: Request) -> Key | None:
        """Of the newest attempt that has one: what goes back before its patron had it begins the next attempt."""
        keys = [key_of(town, request, one.number) for one in reversed(request.attempts)]
        return next((key for key in keys if self.place(key) in _WITH_BORROWER), None)

    def possible(self, town: str, request: Request, kind: EventKind, attempt: int, lenders: Iterable[Request]) -> bool:
        """Whether whoever acts has in hand what the act is about. `lenders`: all lending requests of the others."""
        key = key_of(town, request, attempt)
        place = self.place(key)
        if request.role is Role.LENDING:
            again = kind is EventKind.SHIPPED and request.state is LendingState.SHIPPED
            needed = {EventKind.SHIPPED: (Place.SHELF,), EventKind.CHECKED_IN: (Place.BACK,)}.get(kind)
            return needed is None or again or place in needed
        if request.service.type is ServiceType.COPY:
            delivered = {
                (one.partner.symbol, one.transaction) for one in lenders if one.state is LendingState.COMPLETED
            }
            return kind is not EventKind.RECEIVED or key in delivered
        needed = {
            EventKind.RECEIVED: (Place.THERE,),
            EventKind.RETURNED: _WITH_BORROWER,
            EventKind.LOANED_TO_PATRON: (Place.HERE,),
            EventKind.RETURNED_BY_PATRON: (Place.HERE,),
        }.get(kind)
        return needed is None or place in needed

    def to_send_back(self, town: str, request: Request) -> tuple[int, ...]:
        """Numbers of attempts whose items are here although another, or none, is in hand."""
        beside = (AttemptStatus.EXTRA, AttemptStatus.LOST)
        return tuple(
            one.number
            for one in request.attempts
            if one.status in beside and self.place((town, one.transaction)) in _WITH_BORROWER
        )
