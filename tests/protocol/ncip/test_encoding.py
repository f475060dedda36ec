"""What goes on the wire, byte for byte, for the styles that partners need (facts/ncip.md section 5)."""

# ruff: noqa: E501 (messages read better in one piece)

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.ncip.codec import decode_message, encode_message
from adapters.ncip.messages import (
    AcceptItem,
    Amount,
    BibliographicDescription,
    BibliographicId,
    BibliographicItemId,
    CheckInItem,
    CheckOutItemResponse,
    Code,
    CreateUser,
    DeleteItemResponse,
    Initiation,
    ItemDescription,
    ItemId,
    ItemOptionalFields,
    LoanedItem,
    LookupUser,
    LookupUserResponse,
    LookupVersion,
    LookupVersionResponse,
    Message,
    Problem,
    Problems,
    RequestedItem,
    RequestId,
    RequestItem,
    Response,
    ResponseHeader,
    Root,
    UserId,
    UserOptionalFields,
    VisibleItemId,
)
from adapters.ncip.wire_dialect import (
    AttributeStyle,
    DateOut,
    DateStyle,
    DayStyle,
    Declaration,
    ElementOrder,
    Extras,
    Fraction,
    SchemeStyle,
    XmlDialect,
)
from adapters.ncip.wire_values import NamespaceStyle, Version
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.library import Money

V2_02 = "http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"
V1 = "http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd"
NS = "http://www.niso.org/2008/ncip"
PLAIN = XmlDialect(declaration=Declaration.NONE)
BARE: dict[str, Any] = {"namespace_style": NamespaceStyle.NONE, "declaration": Declaration.NONE}

UNKNOWN_USER = LookupUserResponse(
    problems=(Problem(type=Code("Unknown User", "http://x.example/s.scm"), detail="No such user", value="21"),)
)


def written(
    body: Initiation | Response | Problems, dialect: XmlDialect = PLAIN, version: Version = Version.V2_02
) -> str:
    return encode_message(Message(body=body, version=version), dialect).decode(dialect.charset_out)


def inner(body: Initiation | Response | Problems, dialect: XmlDialect = PLAIN, version: Version = Version.V2_02) -> str:
    """Without the root and without prefixes."""
    text = written(body, dialect, version).replace("ns1:", "")
    return text[text.index(">") + 1 : text.rindex("</")]


def test_standard_version_2() -> None:
    assert encode_message(Message(body=UNKNOWN_USER)) == (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<ns1:NCIPMessage xmlns:ns1="http://www.niso.org/2008/ncip" '
        b'ns1:version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        b"<ns1:LookupUserResponse><ns1:Problem>"
        b'<ns1:ProblemType ns1:Scheme="http://x.example/s.scm">Unknown User</ns1:ProblemType>'
        b"<ns1:ProblemDetail>No such user</ns1:ProblemDetail><ns1:ProblemValue>21</ns1:ProblemValue>"
        b"</ns1:Problem></ns1:LookupUserResponse></ns1:NCIPMessage>"
    )


def test_standard_version_1() -> None:
    assert encode_message(Message(body=UNKNOWN_USER, version=Version.V1_0)) == (
        b'<?xml version="1.0" encoding="UTF-8"?>'
        b'<NCIPMessage version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">'
        b"<LookupUserResponse><Problem><ProcessingError>"
        b"<ProcessingErrorType><Scheme>http://x.example/s.scm</Scheme><Value>Unknown User</Value></ProcessingErrorType>"
        b"<ProcessingErrorValue>21</ProcessingErrorValue>"
        b"</ProcessingError></Problem></LookupUserResponse></NCIPMessage>"
    )


ROOTS = [
    (
        XmlDialect(namespace_style=NamespaceStyle.DEFAULT),
        f'<NCIPMessage xmlns="{NS}" xmlns:ns1="{NS}" ns1:version="{V2_02}">',
    ),
    (
        XmlDialect(namespace_style=NamespaceStyle.DEFAULT, version_attribute=AttributeStyle.PLAIN),
        f'<NCIPMessage xmlns="{NS}" version="{V2_02}">',
    ),
    (XmlDialect(prefix="ncip"), f'<ncip:NCIPMessage xmlns:ncip="{NS}" ncip:version="{V2_02}">'),
    (XmlDialect(namespace_style=NamespaceStyle.NONE), f'<NCIPMessage version="{V2_02}">'),
    (
        XmlDialect(version_string="http://www.niso.org/ncip/v2_02/imp1/xsd/ncip_v2_02.xsd"),
        f'<ns1:NCIPMessage xmlns:ns1="{NS}" ns1:version="http://www.niso.org/ncip/v2_02/imp1/xsd/ncip_v2_02.xsd">',
    ),
    (XmlDialect(version_string=V1), f'<ns1:NCIPMessage xmlns:ns1="{NS}" ns1:version="{V2_02}">'),
]


@pytest.mark.parametrize(("dialect", "root"), ROOTS)
def test_roots(dialect: XmlDialect, root: str) -> None:
    assert written(LookupUser(), dialect).removeprefix('<?xml version="1.0" encoding="UTF-8"?>').startswith(root)


def test_scheme_styles() -> None:
    body = DeleteItemResponse(item_id=ItemId(agency_id=Code("A", 'http://x.example/?a="1"&b=<2>'), value="i"))

    def agency(style: SchemeStyle) -> str:
        text = inner(body, XmlDialect(**BARE, scheme_style=style))
        return text[text.index("<AgencyId") : text.index("<ItemIdentifierValue")]

    assert (
        agency(SchemeStyle.ATTRIBUTE)
        == '<AgencyId Scheme="http://x.example/?a=&quot;1&quot;&amp;b=&lt;2&gt;">A</AgencyId>'
    )
    assert agency(SchemeStyle.CHILDREN) == (
        '<AgencyId><Scheme>http://x.example/?a="1"&amp;b=&lt;2&gt;</Scheme><Value>A</Value></AgencyId>'
    )
    assert agency(SchemeStyle.NONE) == "<AgencyId>A</AgencyId>"


def test_declaration_and_doctype() -> None:
    dialect = XmlDialect(
        declaration=Declaration.STANDALONE, doctype="-//NISO//NCIP DTD Version 1.0//EN", charset_out="latin-1"
    )

    text = written(LookupUser(), dialect, Version.V1_0)

    assert text.startswith(
        '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>'
        f'<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1.0//EN" "{V1}"><NCIPMessage version='
    )


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("utf8", "UTF-8"),
        ("cp1252", "windows-1252"),
        ("iso-8859-15", "ISO-8859-15"),
        ("ascii", "US-ASCII"),
        ("koi8-r", "KOI8-R"),
        ("sjis", "Shift_JIS"),
    ],
)
def test_charsets_are_declared_by_registered_names(charset: str, name: str) -> None:
    assert written(LookupUser(), XmlDialect(charset_out=charset)).startswith(f'<?xml version="1.0" encoding="{name}"?>')


@pytest.mark.parametrize("name", ["hex", "klingon"])
def test_what_is_no_charset_is_refused_when_a_profile_is_read(name: str) -> None:
    with pytest.raises(ValueError, match="not a character set"):
        XmlDialect(charset_out=name)


def test_characters() -> None:
    body = CheckInItem(item_id=ItemId(value="R&D <1> \x04\ud800ü 日"))

    assert "<ItemIdentifierValue>R&amp;D &lt;1&gt; ü 日<" in inner(body)
    latin = encode_message(Message(body=body), XmlDialect(charset_out="iso-8859-1", declaration=Declaration.NONE))
    assert b"&gt; \xfc &#26085;<" in latin


def test_ascii_fold() -> None:
    """Voyager's socket keeps only low bytes."""
    body = LookupUser(user_id=UserId(value="Łukasz Größe Ångström Ελλάδα «R＆D»"))

    document = encode_message(Message(body=body), XmlDialect(ascii_fold=True, charset_out="us-ascii"))

    assert b"Lukasz Grosse Angstrom Ellada &lt;&lt;R&amp;D&gt;&gt;<" in document


def test_pickup_location_early() -> None:
    """ULS, MTX."""
    body = AcceptItem(
        item_optional_fields=ItemOptionalFields(bibliographic_description=BibliographicDescription(title="T")),
        pickup_location=Code("MAIN"),
    )
    order = ElementOrder(structure="AcceptItem", elements=("PickupLocation", "ItemOptionalFields"))

    assert inner(body).index("PickupLocation") > inner(body).index("ItemOptionalFields")
    early = inner(body, XmlDialect(element_order=(order,)))
    assert early.index("PickupLocation") < early.index("ItemOptionalFields")


def test_elements_beyond_the_schema_only_where_a_profile_asks() -> None:
    """VCU: UserId in CheckInItem."""
    body = CheckInItem(user_id=UserId(value="u"), item_id=ItemId(value="i"))

    assert "UserId" not in inner(body)
    assert inner(body, XmlDialect(**BARE, extra_elements=Extras.SEND)) == (
        "<CheckInItem><UserId><UserIdentifierValue>u</UserIdentifierValue></UserId>"
        "<ItemId><ItemIdentifierValue>i</ItemIdentifierValue></ItemId></CheckInItem>"
    )


NOON = datetime(2026, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC)
DAY = date(2026, 7, 1)
BERLIN = "Europe/Berlin"
DATES: list[tuple[DateOut, datetime | date, str]] = [
    (DateOut(), NOON, "2026-07-01T12:00:00Z"),
    (DateOut(fraction=Fraction.MILLISECONDS), NOON, "2026-07-01T12:00:00.250Z"),
    (DateOut(style=DateStyle.OFFSET, zone=BERLIN), NOON, "2026-07-01T14:00:00+02:00"),
    (DateOut(style=DateStyle.LOCAL, zone=BERLIN), NOON, "2026-07-01T14:00:00"),
    (DateOut(style=DateStyle.LOCAL), NOON, "2026-07-01T08:00:00"),  # the installation's zone, New York
    (DateOut(style=DateStyle.LOCAL, zone=BERLIN), DAY, "2026-07-01T23:59:00"),
    (DateOut(zone=BERLIN), DAY, "2026-07-01T21:59:00Z"),
    (DateOut(style=DateStyle.OFFSET, day=DayStyle.START_OF_DAY, zone=BERLIN), DAY, "2026-07-01T00:00:00+02:00"),
    (DateOut(day=DayStyle.DATE_ONLY), DAY, "2026-07-01"),
]


@pytest.mark.parametrize(("style", "value", "expected"), DATES)
def test_dates(style: DateOut, value: datetime | date, expected: str) -> None:
    message = Message(body=CheckOutItemResponse(date_due=value))

    document = encode_message(message, XmlDialect(date_out=style), ZoneInfo("America/New_York"))

    assert f"<ns1:DateDue>{expected}</ns1:DateDue>".encode() in document


def test_a_date_of_birth_never_moves() -> None:
    body = CreateUser(date_of_birth=date(1990, 5, 1))

    for zone in ("Pacific/Auckland", "America/New_York"):
        document = encode_message(Message(body=body), XmlDialect(date_out=DateOut(zone=zone)))
        assert b"<ns1:DateOfBirth>1990-05-01T00:00:00Z<" in document
        assert decode_message(parse_xml(document)).body == body


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        written(CheckOutItemResponse(date_due=datetime(2026, 7, 1)))  # noqa: DTZ001


def test_loaned_items_before_2_02_have_reminder_level_and_amount() -> None:
    """facts/ncip.md 3.5."""
    body = LookupUserResponse(loaned_items=(LoanedItem(item_id=ItemId(value="i"), date_due=NOON),))

    assert "ReminderLevel" not in inner(body)
    assert (
        "<ReminderLevel>1</ReminderLevel><DateDue>2026-07-01T12:00:00Z</DateDue>"
        "<Amount><CurrencyCode>XXX</CurrencyCode><MonetaryValue>0</MonetaryValue></Amount>"
    ) in inner(body, version=Version.V2_01)


def test_earlier_versions_lose_what_they_do_not_have() -> None:
    isbn = BibliographicId(bibliographic_item_id=BibliographicItemId(identifier="9780131103627"))
    body = RequestItem(bibliographic_ids=(isbn, isbn), item_ids=(ItemId(value="i"),))
    fields = DeleteItemResponse()
    optional = CheckOutItemResponse(item_optional_fields=ItemOptionalFields(date_due=NOON))

    assert inner(body).count("<BibliographicId>") == 2
    assert inner(body, version=Version.V2_0).count("<BibliographicId>") == 1
    assert "<ItemId>" not in inner(body, version=Version.V2_0)
    assert "DateDue" in inner(optional)
    assert "DateDue" not in inner(optional, version=Version.V2_01)
    assert inner(fields, version=Version.V2_0) == "<DeleteItemResponse></DeleteItemResponse>"


def test_version_1_shapes() -> None:
    agency = Code("A", "s")
    body = LookupUserResponse(
        response_header=ResponseHeader(from_agency_id=agency, to_agency_id=Code("B")),
        user_id=UserId(agency_id=agency, identifier_type=Code("Barcode"), value="21"),
        loaned_items=(
            LoanedItem(
                item_id=ItemId(value="i"),
                reminder_level=1,
                date_due=NOON,
                amount=Amount.from_money(Money(Decimal("1.50"), "EUR")),
            ),
        ),
        requested_items=(
            RequestedItem(request_id=RequestId(identifier_type=Code("x"), value="r"), pickup_location=Code("P")),
        ),
        user_optional_fields=UserOptionalFields(
            user_ids=(UserId(agency_id=agency, identifier_type=Code("Barcode"), value="21"),)
        ),
    )

    assert inner(body, version=Version.V1_0) == (
        "<LookupUserResponse><ResponseHeader>"
        "<FromAgencyId><UniqueAgencyId><Scheme>s</Scheme><Value>A</Value></UniqueAgencyId></FromAgencyId>"
        "<ToAgencyId><UniqueAgencyId><Scheme></Scheme><Value>B</Value></UniqueAgencyId></ToAgencyId></ResponseHeader>"
        "<UniqueUserId><UniqueAgencyId><Scheme>s</Scheme><Value>A</Value></UniqueAgencyId>"
        "<UserIdentifierValue>21</UserIdentifierValue></UniqueUserId>"
        "<UserTransaction><LoanedItem><UniqueItemId><ItemIdentifierValue>i</ItemIdentifierValue></UniqueItemId>"
        "<ReminderLevel>1</ReminderLevel><DateDue>2026-07-01T12:00:00Z</DateDue><Amount><CurrencyCode><Scheme></Scheme>"
        "<Value>EUR</Value></CurrencyCode><MonetaryValue>150</MonetaryValue></Amount></LoanedItem></UserTransaction>"
        "<UserTransaction><RequestedItem><UniqueRequestId><RequestIdentifierValue>r</RequestIdentifierValue>"
        "</UniqueRequestId></RequestedItem></UserTransaction>"
        "<UserOptionalFields><VisibleUserId><VisibleUserIdentifierType><Scheme></Scheme><Value>Barcode</Value>"
        "</VisibleUserIdentifierType><VisibleUserIdentifier>21</VisibleUserIdentifier></VisibleUserId>"
        "</UserOptionalFields></LookupUserResponse>"
    )


def test_version_1_look_up_by_visible_id() -> None:
    body = LookupUser(
        user_id=UserId(identifier_type=Code("Barcode"), value="21"),
        user_element_types=(Code("User Id"), Code("Name Information")),
    )

    assert inner(body, version=Version.V1_0) == (
        "<LookupUser><VisibleUserId><VisibleUserIdentifierType><Scheme></Scheme><Value>Barcode</Value>"
        "</VisibleUserIdentifierType><VisibleUserIdentifier>21</VisibleUserIdentifier></VisibleUserId>"
        "<UserElementType><Scheme></Scheme><Value>Visible User Id</Value></UserElementType>"
        "<UserElementType><Scheme></Scheme><Value>Name Information</Value></UserElementType></LookupUser>"
    )


def test_version_1_problem_path_is_nested() -> None:
    body = Problems(
        problems=(Problem(type=Code("Unknown Agency"), element="ToAgencyId/UniqueAgencyId", detail="Who?"),)
    )

    assert inner(body, version=Version.V1_0) == (
        "<Problem><MessagingError><MessagingErrorType><Scheme></Scheme><Value>Unknown Agency</Value></MessagingErrorType>"
        "<MessagingErrorElement><ElementName>ToAgencyId</ElementName><MessagingErrorElement>"
        "<ElementName>UniqueAgencyId</ElementName><MessagingErrorValue>Who?</MessagingErrorValue>"
        "</MessagingErrorElement></MessagingErrorElement></MessagingError></Problem>"
    )


def test_visible_item_id_is_version_1_alone() -> None:
    body = CheckOutItemResponse(
        item_optional_fields=ItemOptionalFields(
            item_description=ItemDescription(visible_item_id=VisibleItemId(value="31"))
        )
    )

    assert "<VisibleItemIdentifier>31<" in inner(body, version=Version.V1_0)
    assert "Visible" not in inner(body)


def test_lookup_version_in_both_forms() -> None:
    answer = LookupVersionResponse(versions_supported=("http://www.niso.org/2008/ncip",))

    own_root = encode_message(Message(body=answer, version=Version.V1_0, root=Root.VERSION_MESSAGE), PLAIN)
    plain = encode_message(Message(body=LookupVersion()), PLAIN)

    assert own_root == (
        b'<NCIPVersionMessage version="http://www.niso.org/ncip/v1_0/imp1/xsd/ncip_version.xsd"><LookupVersionResponse>'
        b"<VersionSupported>http://www.niso.org/2008/ncip</VersionSupported></LookupVersionResponse></NCIPVersionMessage>"
    )
    assert plain.endswith(b"<ns1:LookupVersion></ns1:LookupVersion></ns1:NCIPMessage>")


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("1.50", "EUR", 150), ("150", "JPY", 150), ("1.5", "KWD", 1500), ("-0.05", "USD", -5)],
)
def test_money_in_minor_units(amount: str, currency: str, units: int) -> None:
    money = Money(Decimal(amount), currency)

    assert Amount.from_money(money) == Amount(currency=Code(currency), minor_units=units)
    assert Amount.from_money(money).money == money


def test_money_finer_than_its_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal places"):
        Amount.from_money(Money(Decimal("0.005"), "EUR"))
