"""UpdatePatron: some of what the library knows about a patron is added, replaced or taken away."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.commands import PatronChanged, UpdatePatron
from gateway.domain.library import Contact, Patron, PatronDraft, PatronIdentifier
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import Capability
from gateway.services.circulation import patrons
from gateway.services.circulation.desk import Desk, need
from gateway.services.circulation.drafts import in_our_terms


async def update_patron(command: UpdatePatron, desk: Desk, key: str) -> PatronChanged:
    """Values are absolute, so a repeat changes nothing; the key tells the time, for an address may change there
    and back. Raises Refused(UNKNOWN_PATRON | NOT_ALLOWED (what can't be taken away) | DUPLICATE_PATRON)."""
    need(desk, Capability.PATRON_UPDATE)
    patron = await patrons.resolve(command.patron, desk)
    _only_what_can_go(command.remove)
    draft = in_our_terms(command.add, desk)
    contacts = _contacts(patron, command)
    draft = replace(
        draft,
        contacts=contacts if contacts != patron.contacts else None,
        identifiers=(*draft.identifiers, *_taken_away(patron, draft, in_our_terms(command.remove, desk))),
    )
    if command.remove.language is not None and draft.language is None:
        draft = replace(draft, language="")
    if draft == PatronDraft():
        return PatronChanged(patron)
    changed = await desk.library.update_patron(patron.id, draft, f"{key}:{desk.now().isoformat()}")
    return PatronChanged(changed)


def _only_what_can_go(remove: PatronDraft) -> None:
    """A name or a category may be replaced, but nobody can be without one."""
    lasting = {
        "name": remove.name,
        "category": remove.category,
        "home library": remove.home_library,
        "expiry": remove.expires,
        "date of birth": remove.date_of_birth,
    }
    for what, value in lasting.items():
        if value is not None:
            raise Refused(Reason.NOT_ALLOWED, f"The patron's {what} can't be taken away.", about=About.PATRON)


def _taken_away(patron: Patron, add: PatronDraft, remove: PatronDraft) -> tuple[PatronIdentifier, ...]:
    """Those that the patron has and that none of the same type replaces, as `LibrarySystem.update_patron` wants
    them: with an empty value. Raises Refused(NOT_ALLOWED) when none would be left."""
    replaced = {identifier.type for identifier in add.identifiers}
    gone = [one for one in patron.identifiers if one in remove.identifiers and one.type not in replaced]
    if gone and not add.identifiers and len(gone) == len(patron.identifiers):
        raise Refused(Reason.NOT_ALLOWED, "The patron's last identifier can't be taken away.", about=About.PATRON)
    return tuple(PatronIdentifier(one.type, "") for one in gone)


def _contacts(patron: Patron, command: UpdatePatron) -> tuple[Contact, ...]:
    """Taken away by kind and value, or by kind and role where no value is said; added ones replace their equals."""
    kept = [c for c in patron.contacts if not any(_meant(gone, c) for gone in command.remove.contacts or ())]
    added = command.add.contacts or ()
    return (*(c for c in kept if not any(_meant(new, c) for new in added)), *added)


def _meant(said: Contact, contact: Contact) -> bool:
    if said.kind is not contact.kind:
        return False
    if said.value or said.postal is not None:
        return (said.value, said.postal) == (contact.value, contact.postal)
    return said.role == contact.role
