"""Requests as whoever makes them words them, before the library has given them a number."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.library import Money, PersonName
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.requests.request import (
    LendingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestCosts,
    RequestDates,
    RequestedService,
    Role,
    SupplyPromise,
)
from gateway.domain.requests.volume_updates import make_volumes
from gateway.domain.value import value_object


@value_object(kw_only=True)
class BorrowingDraft:
    """A borrowing request as whoever makes it words it. `patron.identifier` is what the library finds the patron by;
    empty: for the library itself. `mediated` None: the rules decide. `partner` or `rota`: chosen by hand. `promise`:
    that of the supplier whom `partner` has found."""

    citation: Citation
    service: RequestedService = RequestedService()
    dates: RequestDates = RequestDates()
    maximum_cost: Money | None = None
    patron: PatronLink = PatronLink()
    mediated: bool | None = None
    partner: str = ""
    rota: str = ""
    branch: str = ""
    note: str = ""
    external: tuple[str, ...] = ()
    extras: tuple[CitationExtra, ...] = ()
    volumes: tuple[str, ...] = ()  # labels of several volumes; empty: one piece
    override: bool = False  # staff have seen what stands against it
    promise: SupplyPromise | None = None
    source: str = "staff"
    actor: str = "rule"


@value_object(kw_only=True)
class HomePatron:
    """Another library's patron, as that library knows it, to whom an item is lent directly. `type`: the partner's word
    for its kind of identifier. Kept by the library's system, not with the request."""

    identifier: str
    name: PersonName
    type: str = ""
    email: str = ""
    language: str = ""
    pickup: str = ""  # location code


@value_object(kw_only=True)
class LendingDraft:
    """A lending request as whoever asks for it words it: a partner's message, or staff for a library that asked by
    telephone, mail or letter. `transaction`: that library's number of it. `patron`: of that library, where it is lent
    to (`workflow.lending.loan_to`)."""

    citation: Citation
    requester: LibraryParty
    transaction: str = ""
    patron: HomePatron | None = None
    service: RequestedService = RequestedService()
    dates: RequestDates = RequestDates()
    maximum_cost: Money | None = None
    note: str = ""
    external: tuple[str, ...] = ()
    extras: tuple[CitationExtra, ...] = ()
    volumes: tuple[str, ...] = ()  # as of a borrowing request
    source: str = "staff"
    actor: str = "rule"

    def make_request(self, library: str, id: str, number: str, at: datetime) -> Request:
        """Return the new request that this library makes of it."""
        return Request(
            library=library,
            id=id,
            role=Role.LENDING,
            state=LendingState.NEW,
            number=number,
            created=at,
            changed=at,
            citation=self.citation,
            service=self.service,
            dates=self.dates,
            costs=RequestCosts(maximum=self.maximum_cost),
            volumes=make_volumes(self.volumes),
            extras=self.extras,
            partner=self.requester,
            transaction=self.transaction,
            source=self.source,
        )
