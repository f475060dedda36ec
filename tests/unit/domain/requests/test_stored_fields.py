"""Each text that is stored of a request, an event or a message to a partner has a class, and goes or stays by it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import Event, EventDetails, EventKind, ReasonCodes, partner_signal
from gateway.domain.requests.request import Attachment, LibraryParty, Request
from gateway.domain.requests.stored_fields import FieldClass, forget_people
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.requests.forgetting import MESSAGE_CLASSES
from tests.support.canaries import CANARY, Canaries, fill_value
from tests.unit.store.requests.samples import AT

STORED = (Request, Event, PartnerMessage)
"""What the store keeps as documents (`gateway.store.requests.request_rows`)."""


def iter_parts(kind: Any) -> Iterator[Any]:
    """The types that a field's type is made of."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Annotated:
        arguments = arguments[:1]
    if not arguments:
        yield kind
    for one in arguments:
        yield from iter_parts(one)


def find_value_types() -> set[type]:
    found: set[type] = set()
    todo: list[type] = list(STORED)
    while todo:
        kind = todo.pop()
        if kind in found:
            continue
        found.add(kind)
        hints = typing.get_type_hints(kind, include_extras=True)
        todo += [part for hint in hints.values() for part in iter_parts(hint) if dataclasses.is_dataclass(part)]
    return found


VALUE_TYPES = sorted(find_value_types(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", VALUE_TYPES, ids=lambda kind: kind.__name__)
def test_each_text_has_a_class(kind: type) -> None:
    """Of a new field decide in `stored_fields` whether it may name people, or hold what they write."""
    hints = typing.get_type_hints(kind, include_extras=True)
    texts = {name for name, hint in hints.items() if {str, bytes} & set(iter_parts(hint))}
    listed = MESSAGE_CLASSES.get(kind)

    assert listed is not None, f"{kind.__name__} is stored and not listed"
    assert not texts - set(listed), "without a class"
    assert not set(listed) - set(hints), "listed, and no field"


@pytest.mark.parametrize("kind", VALUE_TYPES, ids=lambda kind: kind.__name__)
def test_what_people_write_goes_wherever_it_stands(kind: type) -> None:
    listed = MESSAGE_CLASSES[kind]
    written = {"note", "notes", "text", "written", "original", "warnings", "email", "address", "link"} & set(listed)
    assert {name for name in written if not listed[name].goes} == set()


def test_no_class_is_of_what_is_not_stored() -> None:
    assert set(MESSAGE_CLASSES) == set(VALUE_TYPES)


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: kind.__name__)
def test_what_goes_is_gone_and_what_stays_is_untouched(kind: type) -> None:
    words = Canaries()
    full = fill_value(kind, words)
    if kind is PartnerMessage:
        full = replace(full, sender=LibraryParty())  # our library

    left = words.places_of(
        {one.decode() for one in CANARY.findall(repr(forget_people(full, MESSAGE_CLASSES)).encode())}
    )

    goes = {place for place in words.made.values() if class_of(place).goes}
    assert not left & goes
    assert {"Citation.title", "Citation.author"} & left or kind is not Request
    stays = {place for place in words.made.values() if class_of(place) in ALWAYS_STAY} - WITHIN_WHAT_GOES
    assert stays <= left


ALWAYS_STAY = (FieldClass.WORK, FieldClass.NUMBER, FieldClass.LIBRARY, FieldClass.STAFF, FieldClass.OURS)
WITHIN_WHAT_GOES = {
    *("RequestNote.by", "RequestNote.text", "PatronQuery.id"),
    *("CitationExtra.name", "CitationExtra.value"),
}


def class_of(place: str) -> FieldClass:
    name, _, field = place.partition(".")
    return next(listed[field] for kind, listed in MESSAGE_CLASSES.items() if kind.__name__ == name)


def test_a_code_stays_and_words_in_its_place_go() -> None:
    def forget_reason(reason: str) -> str:
        event = Event(partner_signal(EventKind.UNFILLED), AT, "partner:XX", EventDetails(reason=reason))
        return forget_people(event).details.reason

    assert forget_reason(ReasonCodes.COST.value) == "cost-exceeds-maximum"
    assert forget_reason("http://example.org/codes#Nicht_da") == ""
    assert forget_reason("Frau Нина wartet") == ""


def test_extras_that_say_something_of_the_work_stay() -> None:
    kept = (CitationExtra("tpages", "214"), CitationExtra("wanted-item", "39000000000011"))
    event = Event(
        partner_signal(EventKind.REQUEST),
        AT,
        "partner:XX",
        EventDetails(
            extras=(*kept, CitationExtra("PatronSurname", "Нина"), CitationExtra("reply-to", "nina@x.example"))
        ),
    )

    assert forget_people(event).details.extras == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [("Kopie für Нина.pdf", "file.pdf"), ("Scan.TIF", "file.tif"), ("Kopie für Dr. Berg", "file"), ("", "file")],
)
def test_a_file_keeps_the_ending_of_its_name(name: str, kept: str) -> None:
    file = Attachment(id="f-1", name=name, media_type="application/pdf", size=3, at=AT)

    assert forget_people(file).name == kept


def test_nothing_to_forget_is_the_same_value() -> None:
    event = Event(partner_signal(EventKind.SHIPPED), AT, "partner:XX", EventDetails(barcode="39000000000011"))

    assert forget_people(event) is event
    assert forget_people(replace(event, details=EventDetails(note="für Нина"))) == replace(
        event, details=EventDetails()
    )
