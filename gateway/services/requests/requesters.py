"""Loan to requester: another library's patron, for as long as it borrows here, with a temporary record of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b

from gateway.domain.commands import Named
from gateway.domain.identifiers import patron_types
from gateway.domain.library import Contact, ContactKind, Patron, PatronDraft, PatronIdentifier
from gateway.domain.policy import Patrons
from gateway.domain.problems import About, Reason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.request import PatronLink, Request
from gateway.domain.requests.views import HomePatron
from gateway.ports.library import Capability, PatronKey
from gateway.services.requests.house import House


async def registered(house: House, profile: Profile, home: HomePatron) -> PatronLink:
    """The patron's record here, made or brought up to date. Identifiers are read as the profile reads those that the
    partner sends, so that CreateUser and a request mean the same record.

    Raises Refused(NOT_ALLOWED (the partner's items go to itself) | DUPLICATE_PATRON (somebody of our own, or of
    another library, has this identifier) | DATA_MISSING …), Unavailable.
    """
    partner = profile.partner
    if partner is None or partner.workflow.lending.loan_to != "requester":
        raise Refused(
            Reason.NOT_ALLOWED,
            "Items are lent to this library itself: see workflow.lending.loan_to in its profile.",
            about=About.PATRON,
        )
    rules = profile.circulation.patrons
    identifier = _identifier(home, rules)
    draft = _requester_draft(house, rules, identifier, home, partner.symbol)
    found = await _find_requester(house, identifier)
    if found is None:
        patron = await house.system.create_patron(draft, _key("made", partner.symbol, identifier.value))
    else:
        if not found.temporary or found.home_institution not in partner.symbols:
            raise Refused(Reason.DUPLICATE_PATRON, "Another patron has this identifier here.", about=About.PATRON)
        patron = await house.system.update_patron(found.id, _news(draft, found), _key("changed", found.id, repr(draft)))
    return PatronLink(
        id=patron.id,
        identifier=identifier.value,
        category=patron.category,
        pickup=home.pickup,
        language=home.language or patron.language,
    )


def _identifier(home: HomePatron, rules: Patrons) -> PatronIdentifier:
    if not home.identifier.strip() or not home.name.surname.strip():
        raise Refused(Reason.DATA_MISSING, "The patron's identifier or name is missing.", about=About.PATRON)
    type_ = patron_types(Named(home.identifier, home.type), rules)[0]
    return PatronIdentifier(type_, rules.rewrite.apply(home.identifier))


def _requester_draft(
    house: House, rules: Patrons, identifier: PatronIdentifier, home: HomePatron, symbol: str
) -> PatronDraft:
    return PatronDraft(
        identifiers=(identifier,),
        name=home.name,
        category=rules.create_category,
        home_library=rules.create_library or None,
        contacts=(Contact(ContactKind.EMAIL, "notices", home.email),) if home.email else None,
        expires=_first_expiry(house, rules),
        language=home.language or None,
        home_institution=symbol,
        temporary=True,
    )


def _news(draft: PatronDraft, found: Patron) -> PatronDraft:
    """What is said now, but no shorter life than the record has."""
    expires = max((day for day in (draft.expires, found.expires) if day is not None), default=None)
    return replace(draft, identifiers=(), category=None, home_library=None, expires=expires)


def _first_expiry(house: House, rules: Patrons) -> date:
    return house.today() + timedelta(days=rules.create_days)


async def _find_requester(house: House, identifier: PatronIdentifier) -> Patron | None:
    try:
        return await house.system.find_patron(PatronKey(identifier.value, (identifier.type,)))
    except Refused as refused:
        if refused.reason is Reason.UNKNOWN_PATRON:
            return None
        raise


def _key(what: str, *parts: str) -> str:
    """Patrons are hashed: keys stand in other systems' notes."""
    return f"requester:{what}:{blake2b('/'.join(parts).encode(), digest_size=12).hexdigest()}"


# --- as long as it borrows here --------------------------------------------------------------------------


async def requester(house: House, request: Request, key: str, until: datetime | None = None) -> Patron:
    """The record of the request's direct patron, good at least until its loan is due. Raises Refused, Unavailable."""
    patron = await house.system.find_patron(PatronKey(request.direct_patron.id, ("internal",)))
    needed = max(house.today(), until.astimezone(house.zone).date()) if until is not None else house.today()
    if patron.expires is None or patron.expires >= needed:
        return patron
    return await house.system.expire_patron(patron.id, needed, f"{key}:until-{needed.isoformat()}")


async def expire_requester(house: House, request: Request, key: str) -> None:
    """The record ends with the last thing that its patron has or wants here. Raises Unavailable."""
    if not request.direct_patron.id or request.open or Capability.PATRON_UPDATE not in house.system.capabilities:
        return
    try:
        patron = await house.system.find_patron(PatronKey(request.direct_patron.id, ("internal",)))
        over = patron.temporary and not patron.loan_count and not patron.hold_count
        if over and (patron.expires is None or patron.expires > house.today()):
            await house.system.expire_patron(patron.id, house.today(), f"{key}:over")
    except Refused as refused:
        if refused.reason is not Reason.UNKNOWN_PATRON:
            raise
