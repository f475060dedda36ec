"""On whose account an item of ours is lent: the other library as a patron, or its own patron (loan to requester)."""

from __future__ import annotations

from datetime import timedelta

from gateway.domain.library import Contact, ContactKind, Patron, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.policy import Patrons
from gateway.domain.problems import Reason, Refused
from gateway.domain.requests.request import Request
from gateway.ports.library import PatronKey
from gateway.services.requests.house import House

IDENTIFIER = "external"


async def borrower(house: House, request: Request, key: str) -> Patron:
    """Found by the partner's symbol; made when it isn't there yet.

    Raises Refused(UNSUPPORTED_SERVICE …) where the library can't make patrons.
    """
    if request.borrower_id:
        return await house.system.find_patron(PatronKey(request.borrower_id, ("internal",)))
    symbol = request.partner.symbol or request.partner.profile
    try:
        return await house.system.find_patron(PatronKey(symbol, (IDENTIFIER,)))
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_PATRON:
            raise
    rules = _rules(house, request)
    contacts = (Contact(ContactKind.EMAIL, "notices", request.partner.email),) if request.partner.email else ()
    draft = PatronDraft(
        identifiers=(PatronIdentifier(IDENTIFIER, symbol),),
        name=PersonName(request.partner.name or symbol, is_organisation=True),
        category=rules.create_category,
        home_library=rules.create_library or None,
        contacts=contacts,
        expires=house.today() + timedelta(days=rules.create_days),
        home_institution=symbol,
    )
    try:
        return await house.system.create_patron(draft, f"institution:{symbol}:{key}")
    except Refused as refused:
        if refused.reason is not Reason.DUPLICATE_PATRON:
            raise
    return await house.system.find_patron(PatronKey(symbol, (IDENTIFIER,)))  # another request was quicker


def _rules(house: House, request: Request) -> Patrons:
    profile = house.profile(request.partner.profile)
    return profile.circulation.patrons if profile is not None else Patrons()
