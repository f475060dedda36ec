"""CreatePatron: a partner registers somebody, a person or an institution."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.domain.commands import CreatePatron, PatronChanged
from gateway.domain.library import Patron, PatronDraft
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability, PatronKey
from gateway.services.circulation.desk import Desk, doing, is_success, need
from gateway.services.circulation.drafts import in_our_terms


async def create_patron(command: CreatePatron, desk: Desk, key: str) -> PatronChanged:
    """Category, expiry and home come from the profile where the message doesn't say them. Under the profile of a
    partner library everybody is that library's (loan to requester).

    Raises Refused(DATA_MISSING | INVALID_VALUE | DUPLICATE_PATRON).
    """
    need(desk, Capability.PATRON_CREATE)
    draft = _complete(in_our_terms(command.draft, desk, named=command.patron), command.sender, desk)
    if draft.name is None or not draft.name.surname.strip():
        raise Refused(Reason.DATA_MISSING, "The name of the new patron is missing.", about=About.PATRON)
    try:
        with doing(About.PATRON, command.patron.value if command.patron is not None else ""):
            return PatronChanged(await desk.library.create_patron(draft, key))
    except Refused as refused:
        if is_success(refused, "create-patron", desk):
            return PatronChanged(await _existing(draft, desk, refused))
        raise


def _complete(draft: PatronDraft, sender: str, desk: Desk) -> PatronDraft:
    rules = desk.policy.patrons
    return replace(
        draft,
        category=draft.category or rules.create_category,
        expires=draft.expires or desk.today() + timedelta(days=rules.create_days),
        home_library=draft.home_library or rules.create_library or None,
        home_institution=desk.institution or draft.home_institution or desk.agency(sender),
        temporary=True if draft.temporary is None else draft.temporary,
    )


async def _existing(draft: PatronDraft, desk: Desk, refused: Refused) -> Patron:
    """The patron who has one of these identifiers already."""
    for identifier in draft.identifiers:
        try:
            return await desk.library.find_patron(PatronKey(identifier.value, (identifier.type,)))
        except Refused as unknown:
            if unknown.reason is not Reason.UNKNOWN_PATRON:
                raise
    raise refused
