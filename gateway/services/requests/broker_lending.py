"""A broker's RequestItem under a profile that says `managed: lending`: the hold is placed, and the request is ours to
manage from there to the return."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.commands import PlaceRequest, RequestPlaced
from gateway.domain.due_dates import local_day
from gateway.domain.identifiers import request_number
from gateway.domain.library import Bib, Hold, Patron
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import Details, Event, Kind, by_us
from gateway.domain.requests.request import Dates, Lending, Party, PatronLink, Request, Role
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.services.requests.incoming import lending_request, registered
from gateway.store.requests import requests


def lend_to_broker(
    connection: Connection, house: House, profile: Profile, command: PlaceRequest, placed: RequestPlaced
) -> bool:
    """Whether a request was made: not where none was placed, nor for a message that comes again.

    A hold on one item makes it located at once. A hold on any copy leaves it to staff, who say which it is.
    """
    hold = placed.hold
    if not hold.id:
        return False
    transaction = request_number(command.request, profile.circulation).value or hold.request_id or hold.id
    if requests.by_transaction(connection, house.symbol, Role.LENDING, profile.name, transaction) is not None:
        return False
    actor = f"ncip:{profile.name}"
    request = _request(connection, house, profile, command, placed, transaction)
    registered(connection, house, request, actor)
    if hold.item_barcode:
        located = Event(
            by_us(Kind.LOCATED), house.now(), actor, Details(barcode=hold.item_barcode, note="the item that is on hold")
        )
        happen_in(connection, house, Happening(request_id=request.id, event=located))
    return True


def _request(
    connection: Connection,
    house: House,
    profile: Profile,
    command: PlaceRequest,
    placed: RequestPlaced,
    transaction: str,
) -> Request:
    now = house.now()
    asked = Request(
        library=house.symbol,
        id="",
        role=Role.LENDING,
        state=Lending.NEW,
        number="",
        created=now,
        changed=now,
        citation=cited(placed.bib),
        dates=Dates(need_by=local_day(command.need_by, house.zone)),
        partner=_asks(placed.patron),
        source="ncip",
    )
    request = lending_request(connection, house, asked, profile, transaction)
    return replace(
        request,
        hold_id=placed.hold.id,
        borrower_id=placed.patron.id,
        direct_patron=_person(house, profile, placed.patron, placed.hold),
    )


def _asks(patron: Patron) -> Party:
    """The institution on whose account it is; a broker asks for many."""
    return Party(name=patron.name.direct) if patron.name.is_organisation else Party()


def _person(house: House, profile: Profile, patron: Patron, hold: Hold) -> PatronLink:
    """Loan to requester: somebody of the partner's own, whom it has registered here."""
    partner = profile.partner
    if partner is None or partner.workflow.lending.loan_to != "requester":
        return PatronLink()
    if not patron.temporary or patron.name.is_organisation or patron.home_institution not in partner.symbols:
        return PatronLink()
    return PatronLink(
        id=patron.id,
        identifier=patron.identifiers[0].value if patron.identifiers else "",
        category=patron.category,
        pickup=hold.pickup,
        language=patron.language,
    )


def cited(bib: Bib) -> Citation:
    """A record as the citation of who asks for it."""
    return Citation(
        type=CitationType.BOOK if any(one.type == "isbn" for one in bib.identifiers) else CitationType.OTHER,
        title=bib.title,
        author=bib.author,
        component_title=bib.component_title,
        component_author=bib.component_author,
        series=bib.series,
        edition=bib.edition,
        publisher=bib.publisher,
        place=bib.place,
        published=bib.published,
        pages=bib.pages,
        language=bib.language,
        identifiers=bib.identifiers,
    )
