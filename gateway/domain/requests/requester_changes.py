"""Changes that a requester makes to a request that we have already (ReShare: fields in a Notification). Pure.

Before the item is sent the request is as its requester wants it now; afterwards, and where we have no such field, the
change is words for staff. Either way it stands in the history.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gateway.domain.library import Money, RecordId
from gateway.domain.requests.citation import CitationExtra, canonical_type
from gateway.domain.requests.events import Event, EventKind, FieldChange, partner_signal
from gateway.domain.requests.request import LendingState, Request, Role
from gateway.domain.sentences import join_sentences, mark_template, write_about, write_sentence
from gateway.domain.value import replace

COPYRIGHT_COMPLIANCE = "copyright-compliance"

_SUM = re.compile(r"(\d{1,9}(?:\.\d{1,4})?)? ?([A-Z]{3})?")

_BEFORE_SHIPPING = frozenset(
    {
        LendingState.NEW,
        LendingState.LOCATED,
        LendingState.HOLD_PLACED,
        LendingState.WILL_SUPPLY,
        LendingState.CONDITIONAL,
        LendingState.DIGITISING,
        LendingState.CLEARANCE,
        LendingState.CLEARED,
        LendingState.CANCEL_PENDING,
    }
)


class RequesterField(StrEnum):
    """The fields that can be changed. A day is in ISO 8601; a sum is an amount, a currency, or both: `25 USD`."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    AUTHOR = "author"
    COMPONENT_TITLE = "component_title"
    COMPONENT_AUTHOR = "component_author"
    EDITION = "edition"
    VOLUME = "volume"
    ISSUE = "issue"
    PAGES = "pages"
    PUBLISHED = "published"
    PUBLISHER = "publisher"
    PLACE = "place"
    NOTE = "note"
    ISBN = "isbn"
    ISSN = "issn"
    OCLC = "oclc"
    RECORD = "record"
    NEED_BY = "need_by"
    PICKUP = "pickup"
    LEVEL = "level"
    COPYRIGHT = "copyright"
    MAXIMUM_COST = "maximum_cost"


_F = RequesterField

_LABELS: Mapping[str, str] = {
    _F.TITLE: mark_template("Title"),
    _F.SUBTITLE: mark_template("Subtitle"),
    _F.AUTHOR: mark_template("Author"),
    _F.COMPONENT_TITLE: mark_template("Title of the part"),
    _F.COMPONENT_AUTHOR: mark_template("Author of the part"),
    _F.EDITION: mark_template("Edition"),
    _F.VOLUME: mark_template("Volume"),
    _F.ISSUE: mark_template("Issue"),
    _F.PAGES: mark_template("Pages"),
    _F.PUBLISHED: mark_template("Published"),
    _F.PUBLISHER: mark_template("Publisher"),
    _F.PLACE: mark_template("Place"),
    _F.NOTE: mark_template("Note"),
    _F.RECORD: mark_template("Record number"),
    _F.NEED_BY: mark_template("Needed by"),
    _F.PICKUP: mark_template("Pickup"),
    _F.LEVEL: mark_template("Service level"),
    _F.COPYRIGHT: mark_template("Copyright compliance"),
    _F.MAXIMUM_COST: mark_template("Maximum cost"),
}
_NAMES: Mapping[str, str] = {_F.ISBN: "ISBN", _F.ISSN: "ISSN", _F.OCLC: "OCLC"}


def describe_changes(changes: Iterable[FieldChange]) -> str:
    """Words for staff; empty where nothing changes."""
    parts = [
        write_about(_describe_field(change.field), change.value or write_sentence("removed")) for change in changes
    ]
    return write_about(write_sentence("Changed by the borrower"), join_sentences("; ", parts)) if parts else ""


def _describe_field(field: str) -> str:
    """A field that is none of ours has the requester's own name."""
    template = _LABELS.get(field)
    return _NAMES.get(field, field) if template is None else write_sentence(template)


def is_deadline_moved(request: Request, event: Event) -> bool:
    return any(change.field == _F.NEED_BY for change in list_applicable_changes(request, event))


def list_applicable_changes(request: Request, event: Event) -> tuple[FieldChange, ...]:
    is_meant = request.role is Role.LENDING and event.signal == partner_signal(EventKind.MESSAGE)
    return event.details.changes if is_meant and request.state in _BEFORE_SHIPPING else ()


def apply_requester_changes(request: Request, event: Event) -> Request:
    """The request as its requester wants it after the event."""
    for change in list_applicable_changes(request, event):
        apply = _APPLY.get(change.field)
        if apply is not None:
            request = apply(request, change.value)
    return request


# --- one field -------------------------------------------------------------------------------------------

_Apply = Callable[[Request, str], Request]


def _change_citation(name: str) -> _Apply:
    def change_field(request: Request, value: str) -> Request:
        changed: dict[str, Any] = {name: value}
        return replace(request, citation=replace(request.citation, **changed))

    return change_field


def _change_number(type_: str) -> _Apply:
    def change_number(request: Request, value: str) -> Request:
        numbers = request.citation.identifiers
        others = tuple(number for number in numbers if canonical_type(number.type) != type_)
        ids = (*others, RecordId(type_, value)) if value else others
        return replace(request, citation=replace(request.citation, identifiers=ids))

    return change_number


def _change_need_by(request: Request, value: str) -> Request:
    return replace(request, dates=replace(request.dates, need_by=date.fromisoformat(value) if value else None))


def _change_address(request: Request, value: str) -> Request:
    """The pickup place is the first line of the address to which the item is sent."""
    _, *others = request.partner.address.splitlines() or [""]
    return replace(request, partner=replace(request.partner, address="\n".join(filter(None, (value, *others)))))


def _change_level(request: Request, value: str) -> Request:
    return replace(request, service=replace(request.service, level=value))


def _change_copyright(request: Request, value: str) -> Request:
    others = tuple(extra for extra in request.extras if extra.name != COPYRIGHT_COMPLIANCE)
    return replace(request, extras=(*others, CitationExtra(COPYRIGHT_COMPLIANCE, value)) if value else others)


def _change_maximum_cost(request: Request, value: str) -> Request:
    """Change the maximum cost; what isn't said stays as it was: an amount alone is in the currency that is known."""
    match, known = _SUM.fullmatch(value), request.costs.maximum
    if match is None:
        return request
    amount = Decimal(match[1]) if match[1] else known.amount if known is not None else None
    currency = match[2] or (known.currency if known is not None else "")
    if not value:
        maximum = None
    elif amount is None or not currency:
        return request
    else:
        maximum = Money(amount, currency)
    return replace(request, costs=replace(request.costs, maximum=maximum))


_APPLY: Mapping[str, _Apply] = {
    **{
        name: _change_citation(name)
        for name in (
            *(_F.TITLE, _F.SUBTITLE, _F.AUTHOR, _F.COMPONENT_TITLE, _F.COMPONENT_AUTHOR, _F.EDITION, _F.VOLUME),
            *(_F.ISSUE, _F.PAGES, _F.PUBLISHED, _F.PUBLISHER, _F.PLACE, _F.NOTE),
        )
    },
    **{name: _change_number(name) for name in (_F.ISBN, _F.ISSN, _F.OCLC)},
    _F.NEED_BY: _change_need_by,
    _F.PICKUP: _change_address,
    _F.LEVEL: _change_level,
    _F.COPYRIGHT: _change_copyright,
    _F.MAXIMUM_COST: _change_maximum_cost,
}
"""A number of the requester's own catalogue is words alone."""
