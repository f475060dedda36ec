"""Every text of a stored request, event and message to a partner, by what it may say of people; what goes when a
request forgets its patron.

A field that is not listed here is a failing test, so that nobody adds one without a decision. Fields of other types
(days, sums, states) say nothing of people; a list or a value may be listed as a whole, and then goes or stays whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any, TypeVar

from gateway.domain.library import Money, RecordId
from gateway.domain.requests.attachments import KNOWN_EXTENSIONS
from gateway.domain.requests.citation import (
    DECLARATION,
    POSSIBLE_SUPPLIER,
    PREVIOUS_REQUEST,
    RETRY,
    WANTED_ITEM,
    Citation,
    CitationExtra,
)
from gateway.domain.requests.events import Event, EventDetails, EventSignal, FieldChange, NamedSupplier, ShippedItem
from gateway.domain.requests.request import (
    Attachment,
    FormerSupplier,
    ItemCandidate,
    LibraryParty,
    LoanTerms,
    OtherLeg,
    PatronLink,
    PatronQuery,
    RenewalAnswer,
    Request,
    RequestCosts,
    RequestDates,
    RequestedService,
    RequestNote,
    RotaLine,
    SignOff,
    SupplierAttempt,
    Volume,
)
from gateway.domain.requests.requester_changes import COPYRIGHT_COMPLIANCE
from gateway.domain.value import replace

T = TypeVar("T")


class FieldClass(StrEnum):
    """The kind of text that a field may hold. `goes`: it is emptied."""

    PERSON = "person"  # names a patron, or what belongs to one
    ADDRESS = "address"  # of somebody, or a link that opens something
    WORDS = "words"  # people write what they like in it, or it is what came in
    FILE = "file"  # the name of a file, which people gave it; its ending stays, where it is one
    CODE = "code"  # a word of a list, ours or a partner's; what is no such word goes
    WORK = "work"  # what is asked for
    NUMBER = "number"  # of a request, a message, an item or a record
    LIBRARY = "library"  # a library, a branch, a partner and its profile
    STAFF = "staff"  # who of the staff did it; their own order
    OURS = "ours"  # a sentence of the program

    @property
    def goes(self) -> bool:
        return self in (FieldClass.PERSON, FieldClass.ADDRESS, FieldClass.WORDS)


def _list_classes(**names: str) -> Mapping[str, FieldClass]:
    return {name: FieldClass(key) for key, words in names.items() for name in words.split()}


FIELD_CLASSES: Mapping[type, Mapping[str, FieldClass]] = {
    Request: _list_classes(
        person="borrower_id query",
        words="notes warnings",
        code="source",
        number="id number transaction external last_event hold_id item_barcode loan_id",
        library="library branch rota_name",
        staff="assignee labels digitised_by",
    ),
    PatronLink: _list_classes(person="id identifier pickup language", words="note", code="category"),
    LibraryParty: _list_classes(library="symbol profile name", address="email address"),
    NamedSupplier: _list_classes(library="symbol name", address="address"),
    FormerSupplier: _list_classes(library="symbol name", code="reason", words="note"),
    SupplierAttempt: _list_classes(
        library="partner symbol channel declined",
        number="transaction theirs offered_item record pieces",
        code="reason",
        words="note",
        work="holdings",
        staff="agreed_by",
    ),
    RotaLine: _list_classes(library="partner catalogue", work="held", ours="why"),
    OtherLeg: _list_classes(number="request_id number"),
    RequestCosts: _list_classes(staff="agreed_by"),
    RequestedService: _list_classes(code="format level"),
    RequestDates: {},
    Money: _list_classes(code="currency"),
    LoanTerms: _list_classes(words="note"),
    RenewalAnswer: {},
    Volume: _list_classes(number="id barcode theirs", work="label call_number"),
    RequestNote: _list_classes(staff="by", words="text"),
    PatronQuery: _list_classes(number="id", code="about answer", words="text"),
    Attachment: _list_classes(number="id sha256", code="media_type", file="name"),
    ItemCandidate: _list_classes(
        number="bib_id barcode", work="title author published call_number", ours="how why_not"
    ),
    SignOff: _list_classes(staff="by basis", words="note"),
    Citation: _list_classes(
        work="title subtitle author component_title component_author series edition publisher place published volume "
        "issue pages language call_number source",
        words="note original",
    ),
    RecordId: _list_classes(code="type", work="value"),
    CitationExtra: _list_classes(code="kind", work="name value"),
    Event: _list_classes(staff="actor"),
    EventSignal: {},
    EventDetails: _list_classes(
        person="pickup",
        address="link",
        words="note written changes",
        code="reason answer status",
        work="item_description further_volume",
        number="barcode volumes missing attachment query transaction",
        library="partner rota",
    ),
    ShippedItem: _list_classes(number="barcode", work="label call_number"),
    FieldChange: _list_classes(code="field", words="value"),
}
"""By field; messages to partners have theirs in `services.requests.forgetting`."""

KEPT_EXTRAS = frozenset({RETRY, PREVIOUS_REQUEST, POSSIBLE_SUPPLIER, WANTED_ITEM, COPYRIGHT_COMPLIANCE})
"""Names of extras that stay where their value is a number or a code; with them what says something of the work
(`CitationExtra.is_bibliographic`), and what the patron has declared. Nobody knows what partners' own fields hold."""

_CODE = re.compile(r"[\w.:/+-]{1,80}")


def is_code(text: str) -> bool:
    """Return whether a text is a word of a list, as far as its signs tell; people write others."""
    return _CODE.fullmatch(text) is not None


def forget_people(value: T, classes: Mapping[type, Mapping[str, FieldClass]] = FIELD_CLASSES) -> T:
    """The value with nothing left in it that names a person, or that people wrote."""
    assert is_dataclass(value), "values of the domain"
    listed = classes[type(value)]
    changed: dict[str, Any] = {}
    for field in fields(value):
        before = getattr(value, field.name)
        after = _forget_field(field, before, listed.get(field.name), classes)
        if after is not before and after != before:
            changed[field.name] = after
    return replace(value, **changed) if changed else value  # type: ignore[type-var]


def _forget_field(
    field: Field[Any], value: Any, kind: FieldClass | None, classes: Mapping[type, Mapping[str, FieldClass]]
) -> Any:
    if kind is not None and kind.goes:
        return _make_empty(field)
    if kind is FieldClass.FILE:
        ending = PurePath(value).suffix.lower()
        return f"file{ending}" if ending in KNOWN_EXTENSIONS else "file"
    if kind is FieldClass.CODE:
        return value if is_code(value) else ""
    if kind is not None:
        return value
    if isinstance(value, tuple):
        kept = (item for item in value if not isinstance(item, CitationExtra) or is_kept_extra(item))
        return tuple(forget_people(item, classes) if type(item) in classes else item for item in kept)
    return forget_people(value, classes) if type(value) in classes else value


def is_kept_extra(extra: CitationExtra) -> bool:
    if extra.name == DECLARATION or extra.is_bibliographic:
        return True
    return extra.name in KEPT_EXTRAS and is_code(extra.value)


def _make_empty(field: Field[Any]) -> Any:
    return "" if field.default is MISSING else field.default
