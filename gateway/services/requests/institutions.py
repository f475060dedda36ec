"""On whose account an item of ours is lent: the other library as a patron, or its own patron (loan to requester)."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.domain.library import Contact, ContactKind, Patron, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.policy import Patrons
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.request import Request
from gateway.ports.library import PatronKey
from gateway.services.requests.house import House
from gateway.services.requests.requesters import requester

IDENTIFIER = "external"


async def borrower(house: House, request: Request, key: str, until: datetime | None = None) -> Patron:
    """The other library's patron, where the request is for one; else the library, found by its symbol and made when it
    isn't there yet. `until`: when the loan ends, where that is known.

    Raises Refused(UNSUPPORTED_SERVICE …) where the library can't make patrons.
    """
    if request.direct_patron.id:
        return await requester(house, request, key, until)
    if request.borrower_id:
        return await house.system.find_patron(PatronKey(request.borrower_id, ("internal",)))
    symbol = request.partner.symbol or request.partner.profile
    found = await _find_institution(house, symbol)
    if found is not None:
        return found
    try:
        return await house.system.create_patron(
            _institution_draft(house, request, symbol), f"institution:{symbol}:{key}"
        )
    except Refused as refused:
        if refused.reason is not Reason.DUPLICATE_PATRON:
            raise
    return await house.system.find_patron(PatronKey(symbol, (IDENTIFIER,)))  # another request was quicker


async def _find_institution(house: House, symbol: str) -> Patron | None:
    try:
        return await house.system.find_patron(PatronKey(symbol, (IDENTIFIER,)))
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_PATRON:
            return None
        raise


def _institution_draft(house: House, request: Request, symbol: str) -> PatronDraft:
    rules = _rules(house, request)
    return PatronDraft(
        identifiers=(PatronIdentifier(IDENTIFIER, symbol),),
        name=PersonName(request.partner.name or symbol, is_organisation=True),
        category=rules.create_category,
        home_library=rules.create_library or None,
        contacts=(Contact(ContactKind.EMAIL, "notices", request.partner.email),) if request.partner.email else (),
        expires=house.today() + timedelta(days=rules.create_days),
        home_institution=symbol,
    )


def _rules(house: House, request: Request) -> Patrons:
    profile = house.profile(request.partner.profile)
    return profile.circulation.patrons if profile is not None else Patrons()
