"""What the temporary record of a partner's item looks like (facts/users-want.md 14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.domain.commands import AcceptItem
from gateway.domain.due_dates import patron_due
from gateway.domain.identifiers import RequestNumber, temporary_barcode
from gateway.domain.library import Bib, Location
from gateway.domain.policy import Accept, DuePolicy
from gateway.ports.library import TemporaryItem
from gateway.services.circulation.desk import Desk


def describe(command: AcceptItem, number: RequestNumber, desk: Desk, key: str) -> TemporaryItem:
    """Without its hold. Raises Refused(DATA_MISSING | INVALID_VALUE | INVALID_DATE)."""
    rules = desk.policy.accept
    lender = desk.agency(command.item.agency if command.item is not None else "")
    words = {"request": number.value, "agency": lender}
    library_use_only = number.library_use_only or _says(command.citation.title, rules.library_use_words)
    return TemporaryItem(
        barcode=temporary_barcode(command.item, number, command.request, desk.sender, key, desk.policy),
        bib=entitled(command.citation, rules),
        request_id=number.value,
        location=place(desk),
        policy=_item_policy(command, library_use_only, rules),
        suppressed=rules.suppressed,
        call_number=command.call_number or rules.call_number.format(**words),
        note=rules.note.format(**words),
        lender=lender,
        lender_due=_lender_due(command, desk),
        due_policy=desk.policy.due_dates.policy,
        renewals_allowed=_renewable(command, number, rules),
        library_use_only=library_use_only,
    )


def entitled(citation: Bib, rules: Accept) -> Bib:
    """The record's title with what the profile puts around it, so that staff know it for a partner's."""
    return replace(citation, id="", title=f"{rules.title_prefix}{citation.title}{rules.title_suffix}")


def place(desk: Desk) -> Location:
    return Location(desk.policy.accept.library, desk.policy.accept.location)


def _says(title: str, words: tuple[str, ...]) -> bool:
    upper = title.upper()
    return any(word.upper() in upper for word in words if word)


def _item_policy(command: AcceptItem, library_use_only: bool, rules: Accept) -> str:
    if library_use_only:
        return rules.library_use_policy
    return rules.policies.get(command.format.strip().lower(), rules.policy)


def _renewable(command: AcceptItem, number: RequestNumber, rules: Accept) -> bool:
    """A title or number that says so outweighs the message's default."""
    if number.renewable is False or _says(command.citation.title, rules.no_renewal_words):
        return False
    return bool(number.renewable) or command.renewals_allowed


def _lender_due(command: AcceptItem, desk: Desk) -> datetime | None:
    """When it must leave its patron. None where the library's own rules alone count: then no loan has to heed it."""
    rules = desk.policy.due_dates
    due = patron_due(command.due, rules, desk.zone, desk.now(), days_back=rules.transit_days)
    return due if rules.policy is not DuePolicy.LOCAL else None
