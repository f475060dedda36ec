"""Messages that a real client made: the ILLiad addon of VCU Libraries, its code run unchanged."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.ncip.codec import decode_message, encode_message, peek_message
from adapters.ncip.messages import (
    AcceptItem,
    BibliographicDescription,
    CheckInItem,
    CheckOutItem,
    Code,
    InitiationHeader,
    ItemId,
    ItemOptionalFields,
    RequestId,
    UserId,
)
from adapters.ncip.wire_dialect import AttributeStyle, DateIn, DateOut, DateStyle, Declaration, Extras, XmlDialect
from adapters.ncip.wire_values import NamespaceStyle, Version
from adapters.ncip.xml_parser import parse_xml
from tests.support.paths import ROOT

SAMPLES = Path(os.environ.get("ILLGATE_SAMPLES", ROOT / "../shared/samples")) / "ncip"
ILLIAD = Code("ILLIAD")
HEADER = InitiationHeader(from_agency_id=ILLIAD, to_agency_id=ILLIAD, application_profile_type=ILLIAD)

VCU = XmlDialect(
    namespace_style=NamespaceStyle.DEFAULT,
    version_attribute=AttributeStyle.PLAIN,
    declaration=Declaration.NONE,
    extra_elements=Extras.SEND,
    date_in=DateIn(zone="America/New_York"),
    date_out=DateOut(style=DateStyle.LOCAL, zone="America/New_York"),
)


def sample(name: str) -> bytes:
    file = SAMPLES / name
    if not file.exists():
        pytest.skip(f"no sample messages at {SAMPLES} (ILLGATE_SAMPLES)")
    return file.read_bytes()


def test_accept_item() -> None:
    message = decode_message(parse_xml(sample("illiad-vcu-accept-item.xml")), zone=ZoneInfo("America/New_York"))

    assert message.body == AcceptItem(
        initiation_header=HEADER,
        request_id=RequestId(agency_id=ILLIAD, value="ILL-880001"),
        requested_action_type=Code("Hold For Pickup And Notify"),
        user_id=UserId(agency_id=ILLIAD, identifier_type=Code("Barcode Id"), value="1234567"),
        item_id=ItemId(value="ILL-880001"),
        date_for_return=datetime(2027, 1, 1, 4, 59, tzinfo=UTC),
        item_optional_fields=ItemOptionalFields(
            bibliographic_description=BibliographicDescription(
                author="Müller and Söhne", title="Über die Brücke and other tales"
            )
        ),
    )
    assert message.version is Version.V2_02
    assert message.version_string == "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"
    assert message.namespace_style is NamespaceStyle.DEFAULT
    assert message.unknown == ()
    assert message.notes == ()


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("illiad-vcu-check-in-item-borrowing.xml", "ILL-880001"),
        ("illiad-vcu-check-in-item-lending.xml", "39000000000011"),
    ],
)
def test_check_in_item_has_user_and_request_beyond_the_schema(name: str, item: str) -> None:
    message = decode_message(parse_xml(sample(name)))

    assert message.body == CheckInItem(
        initiation_header=HEADER,
        user_id=UserId(value="1234567"),
        item_id=ItemId(agency_id=ILLIAD, value=item),
        request_id=RequestId(agency_id=ILLIAD, value="ILL-880001"),
    )


def test_check_out_item() -> None:
    message = decode_message(parse_xml(sample("illiad-vcu-check-out-item-lending.xml")), VCU)

    assert message.body == CheckOutItem(
        initiation_header=HEADER,
        user_id=UserId(value="pseudopatron"),
        item_id=ItemId(agency_id=ILLIAD, value="39000000000011"),
        request_id=RequestId(agency_id=ILLIAD, value="LND-880001"),
        desired_date_due=datetime(2027, 1, 1, 4, 59, tzinfo=UTC),
    )


def test_peek_tells_the_sender_before_a_profile_is_known() -> None:
    seen = peek_message(parse_xml(sample("illiad-vcu-accept-item.xml")))

    assert (seen.service, seen.version, seen.header) == ("AcceptItem", Version.V2_02, HEADER)


@pytest.mark.parametrize(
    "name",
    [
        "illiad-vcu-accept-item.xml",
        "illiad-vcu-check-in-item-borrowing.xml",
        "illiad-vcu-check-in-item-lending.xml",
        "illiad-vcu-check-out-item-lending.xml",
    ],
)
def test_in_vcu_style_the_same_bytes_are_written(name: str) -> None:
    document = sample(name)
    declaration = b'<?xml version="1.0" encoding="ISO-8859-1"?>'
    assert document.startswith(declaration)

    assert encode_message(decode_message(parse_xml(document), VCU), VCU) == document.removeprefix(declaration).strip()
