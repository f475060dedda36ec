"""What a requester changes by a note: each field by ReShare's name for it, sums, and how much of it is read."""

from __future__ import annotations

from datetime import UTC, date
from operator import attrgetter

import pytest

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.changed_fields import MAX_FIELDS, read_changes
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.messages import RequestingAgencyMessage
from gateway.domain.library import RecordId
from gateway.domain.requests.citation import CitationExtra
from tests.protocol.iso18626.habit_rows.messages import write_action
from tests.support.requests import Story, lending, money

MARKER = "#ReShareUpdatedField-"
AMOUNT, CURRENCY = "MaximumCostsMonetaryValue", "MaximumCostsCurrencyCode"


def write_note(*fields: str) -> str:
    return "".join(f"{MARKER}{field}#" for field in fields)


def change(*fields: str) -> Story:
    """A request of ours to lend, after the octets of a Notification that changes fields."""
    message = decode_message(write_action("Notification", f"{write_note(*fields)}#seq:3#").encode(), UTC).message
    assert isinstance(message, RequestingAgencyMessage)
    dialect = Iso18626Dialect.model_validate({"notes": {"changed_field": MARKER}})
    heard = event_of_message(message, MappingContext(library_zone=UTC, currency="EUR", dialect=dialect), "digest")
    story = Story(lending())
    story.partner(heard.kind, changes=heard.details.changes, note=heard.details.note)
    return story


@pytest.mark.parametrize(
    ("field", "place", "value"),
    [
        ("Title:Pan", "citation.title", "Pan"),
        ("Subtitle:Pan", "citation.subtitle", "Pan"),
        ("Author:Pan", "citation.author", "Pan"),
        ("TitleOfComponent:Pan", "citation.component_title", "Pan"),
        ("AuthorOfComponent:Pan", "citation.component_author", "Pan"),
        ("Edition:2", "citation.edition", "2"),
        ("Volume:3", "citation.volume", "3"),
        ("Issue:4", "citation.issue", "4"),
        ("PagesRequested:5-6", "citation.pages", "5-6"),
        ("PublicationDate:1894", "citation.published", "1894"),
        ("Publisher:Philipsen", "citation.publisher", "Philipsen"),
        ("PlaceOfPublication:København", "citation.place", "København"),
        ("PatronNote:haster", "citation.note", "haster"),
        ("ISBN:9783161484100", "citation.identifiers", (RecordId("isbn", "9783161484100"),)),
        ("ISSN:0378-5955", "citation.identifiers", (RecordId("issn", "0378-5955"),)),
        ("OCLCNumber:17", "citation.identifiers", (RecordId("oclc", "17"),)),
        ("Neededby:2027-02-15", "dates.need_by", date(2027, 2, 15)),
        ("PickupLocation:Law Library", "partner.address", "Law Library"),
        ("ServiceLevel-SecondaryMail", "service.level", "secondary-mail"),
        ("CopyrightType:US-CCG", "extras", (CitationExtra("copyright-compliance", "US-CCG"),)),
    ],
)
def test_each_name_of_reshare_changes_its_field(field: str, place: str, value: object) -> None:
    made = attrgetter(place)(change(field).request)
    assert (value[0] in made) if isinstance(value, tuple) else made == value


def test_a_limit_is_changed_and_a_number_of_its_own_catalogue_is_words() -> None:
    assert change(f"{AMOUNT}-25", f"{CURRENCY}-USD").request.costs.maximum == money("25", "USD")
    (note,) = change("SystemInstanceIdentifier:in99").request.notes
    assert note.text == "Changed by the borrower: Record number: in99"


@pytest.mark.parametrize(
    ("fields", "sums"),
    [
        ((f"{AMOUNT}-25", f"{CURRENCY}-USD"), ["25 USD"]),
        ((f"{AMOUNT}-null", f"{CURRENCY}-USD"), [""]),  # no limit any more, whatever the currency
        ((f"{AMOUNT}-null",), [""]),
        ((f"{CURRENCY}-null",), []),
        ((f"{CURRENCY}-CAD",), ["CAD"]),
    ],
)
def test_a_sum_is_its_amount_and_currency(fields: tuple[str, ...], sums: list[str]) -> None:
    read = read_changes(write_note(*fields), MARKER)
    assert [one.value for one in read.changes if one.field == "maximum_cost"] == sums
    assert read.text == ""


def test_a_note_changes_no_more_fields_than_a_request_can_have() -> None:
    names = [chr(97 + n // 26) + chr(97 + n % 26) for n in range(MAX_FIELDS + 2)]
    read = read_changes(write_note(*(f"{name}:x" for name in names)), MARKER)
    assert len(read.changes) == MAX_FIELDS
    assert read.text == write_note(*(f"{name}:x" for name in names[MAX_FIELDS:]))
