"""Every habit of facts/ncip.md 1.4 and 1.5 that a decoder must take, with who has it."""

# ruff: noqa: E501 (messages read better in one piece)

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.ncip.codec import decode_message
from adapters.ncip.messages import (
    AuthenticationInput,
    BibliographicRecordId,
    Code,
    ItemId,
    Message,
    PersonalNameInformation,
    Problem,
    Problems,
    RequestId,
    StructuredAddress,
    UserId,
    VisibleItemId,
)
from adapters.ncip.wire_dialect import DateIn, DayReading, XmlDialect
from adapters.ncip.wire_values import Version
from adapters.ncip.xml_parser import parse_xml
from gateway.domain.problems import MalformedMessage

V2 = 'xmlns="http://www.niso.org/2008/ncip" version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"'
V1 = 'version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd"'


def read(inner: str, attributes: str = V2, dialect: XmlDialect | None = None) -> Message:
    document = f"<NCIPMessage {attributes}>{inner}</NCIPMessage>".encode()
    return decode_message(parse_xml(document), dialect or XmlDialect())


def value_at(message: Message, path: str) -> Any:
    value: Any = message.body
    for name in path.split("."):
        value = value[int(name)] if name.isdigit() else getattr(value, name)
    return value


HABITS_V2 = [
    pytest.param(
        "<AcceptItem><PickupLocation>MAIN</PickupLocation><ItemOptionalFields><BibliographicDescription>"
        "<Title>T</Title></BibliographicDescription></ItemOptionalFields></AcceptItem>",
        {
            "pickup_location": Code("MAIN"),
            "item_optional_fields.bibliographic_description.title": "T",
        },
        id="pickup location before the optional fields: ULS, MTX",
    ),
    pytest.param(
        "<CheckInItem><UserId><UserIdentifierValue>u</UserIdentifierValue></UserId><ItemId><ItemIdentifierValue>i"
        "</ItemIdentifierValue></ItemId><RequestId><RequestIdentifierValue>r</RequestIdentifierValue></RequestId>"
        "</CheckInItem>",
        {"user_id": UserId(value="u"), "item_id": ItemId(value="i"), "request_id": RequestId(value="r")},
        id="user and request in CheckInItem, ids without agency: VCU, ULS, MTX",
    ),
    pytest.param(
        '<LookupUser><UserId><AgencyId Scheme="s">A</AgencyId><UserIdentifierValue>u</UserIdentifierValue></UserId>'
        "</LookupUser>",
        {"user_id": UserId(agency_id=Code("A", "s"), value="u"), "initiation_header": None},
        id="plain Scheme attribute: CUL, KOHA; no header: PHP",
    ),
    pytest.param(
        "<AcceptItem><ItemOptionalFields><BibliographicDescription><Author></Author><Title/><Edition> </Edition>"
        "</BibliographicDescription><ItemDescription/></ItemOptionalFields></AcceptItem>",
        {
            "item_optional_fields.bibliographic_description.author": None,
            "item_optional_fields.bibliographic_description.title": None,
            "item_optional_fields.bibliographic_description.edition": None,
        },
        id="empty author, title: VCU; empty ItemDescription: LNC",
    ),
    pytest.param(
        "<CancelRequestItem><UserId><AgencyId/><UserIdentifierValue>u</UserIdentifierValue></UserId><RequestType/>"
        "</CancelRequestItem>",
        {"request_type": None, "user_id": UserId(value="u")},
        id="empty RequestType: XL; empty AgencyId: FOLIO",
    ),
    pytest.param(
        "<CreateUserFiscalTransaction><FiscalTransactionInformation/></CreateUserFiscalTransaction>",
        {"fiscal_transaction_information": None},
        id="empty FiscalTransactionInformation: XL",
    ),
    pytest.param(
        "<LookupUser><AuthenticationInput><AuthenticationInputData>ana</AuthenticationInputData>"
        "<AuthenticationDataFormatType/><AuthenticationInputType>username</AuthenticationInputType>"
        "</AuthenticationInput></LookupUser>",
        {"authentication_inputs": (AuthenticationInput(data="ana", input_type=Code("username")),)},
        id="empty format type: XL",
    ),
    pytest.param(
        "<AcceptItem><RequestedActionType><Scheme>s</Scheme><Value>Hold For Pickup</Value></RequestedActionType>"
        "<PickupLocation><Scheme></Scheme><Value>MAIN</Value></PickupLocation></AcceptItem>",
        {"requested_action_type": Code("Hold For Pickup", "s"), "pickup_location": Code("MAIN")},
        id="Scheme and Value children in version 2: KOHA",
    ),
    pytest.param(
        "<LookupUser><UserId><UserIdentifierValue>u</UserIdentifierValue><UserIdentifierType>Barcode"
        "</UserIdentifierType></UserId></LookupUser>",
        {"user_id": UserId(identifier_type=Code("Barcode"), value="u")},
        id="type after value: FOLIO",
    ),
    pytest.param(
        "<RequestItem><RequestId><RequestIdentifierValue>r</RequestIdentifierValue></RequestId><BibliographicId>"
        "<BibliographicRecordId><BibliographicRecordIdentifier>b</BibliographicRecordIdentifier>"
        '<BibliographicRecordIdentifierCode Scheme="http://x.example/schemes/agency.scm">SYSNUMBER'
        "</BibliographicRecordIdentifierCode></BibliographicRecordId></BibliographicId></RequestItem>",
        {
            "request_id": RequestId(value="r"),
            "bibliographic_ids.0.bibliographic_record_id": BibliographicRecordId(
                identifier="b", identifier_code=Code("SYSNUMBER", "http://x.example/schemes/agency.scm")
            ),
        },
        id="request and record swapped: FOLIO; wrong scheme URL: LNC",
    ),
    pytest.param(
        "<RequestItem><PickupLocation>P</PickupLocation><NeedBeforeDate>2026-05-01T00:00:00Z</NeedBeforeDate>"
        "<UserId><UserIdentifierValue>u</UserIdentifierValue></UserId><AuthenticationInput><AuthenticationInputData>1234"
        "</AuthenticationInputData><AuthenticationInputType>PIN</AuthenticationInputType></AuthenticationInput>"
        "</RequestItem>",
        {
            "pickup_location": Code("P"),
            "need_before_date": datetime(2026, 5, 1, tzinfo=UTC),
            "user_id": UserId(value="u"),
            "authentication_inputs": (AuthenticationInput(data="1234", input_type=Code("PIN")),),
        },
        id="pickup before date, UserId and AuthenticationInput together: VF",
    ),
    pytest.param(
        "<CheckOutItem><DesiredDateDue>2019-01-01T23:59:00</DesiredDateDue></CheckOutItem>",
        {"desired_date_due": datetime(2019, 1, 1, 22, 59, tzinfo=UTC)},
        id="time without zone: VCU, KOHA",
    ),
    pytest.param(
        "<RenewItem><DesiredDateDue>2019-06-01</DesiredDateDue></RenewItem>",
        {"desired_date_due": date(2019, 6, 1)},
        id="date only: PUL",
    ),
    pytest.param(
        "<CheckOutItem><DateDue>2019-06-01T12:00:00Z</DateDue></CheckOutItem>",
        {"date_due": datetime(2019, 6, 1, 12, tzinfo=UTC), "desired_date_due": None},
        id="DateDue in the request: INC",
    ),
    pytest.param(
        "<CheckInItemResponse><UniqueItemId><ItemIdentifierValue>i</ItemIdentifierValue></UniqueItemId>"
        "<ItemId><ItemIdentifierValue>i</ItemIdentifierValue></ItemId></CheckInItemResponse>",
        {"item_id": ItemId(value="i")},
        id="UniqueItemId beside ItemId in version 2: KOHA",
    ),
    pytest.param(
        "<AcceptItem><ItemOptionalFields><Format>book</Format></ItemOptionalFields></AcceptItem>",
        {"item_optional_fields.format": "book"},
        id="Format: a broker that Koha maps to item types",
    ),
    pytest.param(
        "<LookupUserResponse><UserOptionalFields><UserAddressInformation><PhysicalAddress><StructuredAddress>"
        "<Line1>1</Line1><PostalCode>P</PostalCode><Country>C</Country></StructuredAddress></PhysicalAddress>"
        "</UserAddressInformation></UserOptionalFields></LookupUserResponse>",
        {
            "user_optional_fields.user_address_information.0.physical_address.structured": StructuredAddress(
                line1="1", postal_code="P", country="C"
            )
        },
        id="post code before country: KOHA",
    ),
    pytest.param(
        "<LookupUserResponse><Problem><ProblemType/><ProblemElement>Userid</ProblemElement><ProblemValue>Did not find a "
        "user with that id</ProblemValue></Problem></LookupUserResponse>",
        {"problems": (Problem(element="Userid", value="Did not find a user with that id"),)},
        id="empty ProblemType: FOLIO",
    ),
    pytest.param(
        "<LookupUserResponse><Problem/></LookupUserResponse>",
        {"problems": (Problem(),)},
        id="an empty Problem is still one",
    ),
    pytest.param(
        "<CheckInItemResponse><UserOptionalFields/></CheckInItemResponse>",
        {"user_optional_fields.user_ids": ()},
        id="an empty UserOptionalFields is kept: KOHA for Auto-Graphics",
    ),
]

CET = XmlDialect(date_in=DateIn(zone="Europe/Berlin"))


@pytest.mark.parametrize(("inner", "expected"), HABITS_V2)
def test_version_2_habit(inner: str, expected: dict[str, Any]) -> None:
    message = read(inner, dialect=CET)

    assert message.version is Version.V2_02
    assert {path: value_at(message, path) for path in expected} == expected


HABITS_V1 = [
    pytest.param(
        "<AcceptItem><InitiationHeader><FromAgencyId><UniqueAgencyId><Scheme></Scheme><Value>CPILL</Value>"
        "</UniqueAgencyId></FromAgencyId><ToAgencyId><UniqueAgencyId><Scheme/><Value>NONE</Value></UniqueAgencyId>"
        "</ToAgencyId></InitiationHeader><UniqueRequestId><RequestIdentifierValue>CPILL1</RequestIdentifierValue>"
        "</UniqueRequestId></AcceptItem>",
        {
            "initiation_header.from_agency_id": Code("CPILL"),
            "initiation_header.to_agency_id": Code("NONE"),
            "request_id": RequestId(value="CPILL1"),
        },
        id="empty Scheme, ids without agency: USMAI",
    ),
    pytest.param(
        '<ItemRequested><UniqueUserId><UniqueAgencyId><Scheme datatype="string">s</Scheme><Value datatype="string">A'
        '</Value></UniqueAgencyId><UserIdentifierValue datatype="string">u</UserIdentifierValue></UniqueUserId>'
        "<ItemOptionalFields><ItemDescription><VisibleItemId><VisibleItemIdentifierType><Scheme/><Value>Barcode</Value>"
        "</VisibleItemIdentifierType><VisibleItemIdentifier>31</VisibleItemIdentifier></VisibleItemId></ItemDescription>"
        "</ItemOptionalFields></ItemRequested>",
        {
            "user_id": UserId(agency_id=Code("A", "s"), value="u"),
            "item_optional_fields.item_description.visible_item_id": VisibleItemId(
                identifier_type=Code("Barcode"), value="31"
            ),
        },
        id="datatype attributes, VisibleItemId: INC",
    ),
    pytest.param(
        "<LookupUser><VisibleUserId><VisibleUserIdentifierType><Scheme/><Value>Barcode</Value></VisibleUserIdentifierType>"
        "<VisibleUserIdentifier>21</VisibleUserIdentifier></VisibleUserId><UserElementType><Scheme/><Value>Visible User Id"
        "</Value></UserElementType></LookupUser>",
        {
            "user_id": UserId(identifier_type=Code("Barcode"), value="21"),
            "user_element_types": (Code("User Id"),),
        },
        id="VisibleUserId: INC",
    ),
    pytest.param(
        "<LookupUserResponse><UniqueUserId><LookupId>21</LookupId></UniqueUserId><UserOptionalFields>"
        "<UserId><UserIdentifierValue>77</UserIdentifierValue></UserId></UserOptionalFields></LookupUserResponse>",
        {"user_id": UserId(value="21"), "user_optional_fields.user_ids": (UserId(value="77"),)},
        id="LookupId, and version 2's UserId in version 1: KOHA",
    ),
    pytest.param(
        "<AcceptItemResponse><UniqueRequestId><ItemIdentifierValue>r</ItemIdentifierValue></UniqueRequestId>"
        "<UniqueUserId><UserIdentifierValue>u</UserIdentifierValue></UniqueUserId></AcceptItemResponse>",
        {"request_id": RequestId(value="r"), "user_id": UserId(value="u")},
        id="item value in a request id: INC; a user: BIB",
    ),
    pytest.param(
        "<LookupUserResponse><Problem><ProcessingError><ProcessingErrorType><Scheme>s</Scheme><Value>Unknown User</Value>"
        "</ProcessingErrorType><ProcessingErrorElement><ElementName>UniqueUserId</ElementName><ProcessingErrorElement>"
        "<ElementName>UserIdentifierValue</ElementName><ProcessingErrorValue>21</ProcessingErrorValue>"
        "</ProcessingErrorElement></ProcessingErrorElement></ProcessingError></Problem></LookupUserResponse>",
        {
            "problems": (
                Problem(type=Code("Unknown User", "s"), element="UniqueUserId/UserIdentifierValue", value="21"),
            )
        },
        id="nested ProcessingErrorElement: LNC for Aleph",
    ),
    pytest.param(
        "<LookupUserResponse><Problem><ProcessingError><ProcessingErrorType><Value>Unknown User</Value>"
        "</ProcessingErrorType><ProcessingErrorValue>21</ProcessingErrorValue></ProcessingError></Problem>"
        "</LookupUserResponse>",
        {"problems": (Problem(type=Code("Unknown User"), value="21"),)},
        id="ProcessingErrorValue directly: LNC for Sirsi",
    ),
    pytest.param(
        "<LookupUserResponse><UserTransaction><LoanedItem><UniqueItemId><ItemIdentifierValue>i</ItemIdentifierValue>"
        "</UniqueItemId></LoanedItem></UserTransaction></LookupUserResponse>",
        {"loaned_items.0.item_id": ItemId(value="i")},
        id="UserTransaction around the loans",
    ),
    pytest.param(
        "<LookupUserResponse><UserOptionalFields><NameInformation><PersonalNameInformation><UnstructuredPersonalUserName>"
        "Müller, Ana</UnstructuredPersonalUserName></PersonalNameInformation></NameInformation></UserOptionalFields>"
        "</LookupUserResponse>",
        {
            "user_optional_fields.name_information.personal": PersonalNameInformation(unstructured="Müller, Ana"),
        },
        id="unstructured name: INC",
    ),
]


@pytest.mark.parametrize(("inner", "expected"), HABITS_V1)
def test_version_1_habit(inner: str, expected: dict[str, Any]) -> None:
    message = read(inner, V1)

    assert message.version is Version.V1_0
    assert {path: value_at(message, path) for path in expected} == expected


VERSIONS = [
    ('version="http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd"', Version.V1_0),
    ('version="http://www.niso.org/ncip/v1_01/imp1/dtd/ncip_v1_01.dtd"', Version.V1_01),
    ('version="http://ncip.envisionware.com/documentation/ncip_v1_01.dtd"', Version.V1_01),
    ('version="http://www.niso.org/schemas/ncip/v2_0/ncip_v2_0.xsd"', Version.V2_0),
    ('version="http://www.niso.org/schemas/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd"', Version.V2_0),
    ('version="http://www.niso.org/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd"', Version.V2_0),
    ('version="http://www.niso.org/schemas/ncip/v2_01/ncip_v2_01.xsd"', Version.V2_01),
    ('version="http://www.niso.org/ncip/v2_01/imp1/xsd/ncip_v2_01.xsd"', Version.V2_01),
    ('version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd"', Version.V2_02),
    ('version="http://www.niso.org/schemas/ncip/v2_02/imp1/xsd/ncip_v2_02.xsd"', Version.V2_02),
    ('version="http://www.niso.org/ncip/v2_02/imp1/xsd/ncip_v2_02.xsd"', Version.V2_02),
    ('xmlns:o="urn:o" o:version="5.6" xmlns="http://www.niso.org/2008/ncip"', Version.V2_02),
    ('xmlns="http://www.niso.org/2008/ncip"', Version.V2_02),
    ("", Version.V2_02),
]


@pytest.mark.parametrize(("attributes", "version"), VERSIONS)
def test_version_strings(attributes: str, version: Version) -> None:
    assert read("<LookupUser/>", attributes).version is version


def test_version_1_is_known_by_its_elements_or_its_doctype_where_nothing_else_says_so() -> None:
    by_element = read("<LookupUser><UniqueUserId/></LookupUser>", "")
    by_doctype = decode_message(
        parse_xml(
            b'<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1.01//EN" "x.dtd"><NCIPMessage><LookupUser/></NCIPMessage>'
        )
    )

    assert by_element.version is Version.V1_0
    assert by_doctype.version is Version.V1_01


def test_version_2_under_a_version_1_doctype_is_version_2() -> None:
    """KOHA t/templates/v2: Auto-Graphics."""
    message = decode_message(
        parse_xml(
            b'<?xml version="1.0"?>\n<!DOCTYPE NCIPMessage PUBLIC "-//NISO//NCIP DTD Version 1//EN" '
            b'"http://www.niso.org/ncip/v1_0/imp1/dtd/ncip_v1_0.dtd">\n'
            b'<NCIPMessage version="http://www.niso.org/ncip/v2_0/imp1/xsd/ncip_v2_0.xsd"><LookupUser/></NCIPMessage>'
        )
    )

    assert message.version is Version.V2_0
    assert message.notes == ("DOCTYPE skipped",)


def test_stray_text_and_unknown_elements_are_kept_with_their_place() -> None:
    """FOLIO mock data has text after the root tag."""
    message = read(
        "stray<LookupUser><UserId><UserIdentifierValue>u</UserIdentifierValue><Colour>red</Colour></UserId>"
        "more<Flag/></LookupUser>last"
    )

    assert value_at(message, "user_id") == UserId(value="u")
    assert [(raw.path, raw.text) for raw in message.unknown] == [
        ("LookupUser/UserId/Colour", "red"),
        ("LookupUser/Flag", ""),
        ("NCIPMessage/text()", "stray"),
        ("NCIPMessage/text()", "last"),
        ("LookupUser/text()", "more"),
    ]
    assert message.unknown[0].xml == '<Colour xmlns="http://www.niso.org/2008/ncip">red</Colour>'


def test_ext_is_kept_as_it_came() -> None:
    message = read(
        "<RequestItem><Ext><e:SuspensionStartDate xmlns:e='urn:e'>2026-01-01</e:SuspensionStartDate></Ext></RequestItem>"
    )

    (kept,) = message.body.ext
    assert (kept.path, kept.text) == ("SuspensionStartDate", "2026-01-01")
    assert kept.xml == '<e:SuspensionStartDate xmlns:e="urn:e">2026-01-01</e:SuspensionStartDate>'


def test_a_date_only_value_becomes_the_end_of_the_day_where_a_profile_says_so() -> None:
    dialect = XmlDialect(date_in=DateIn(zone="America/New_York", day=DayReading.END_OF_DAY))

    message = read("<RenewItem><DesiredDateDue>2026-07-01</DesiredDateDue></RenewItem>", dialect=dialect)

    assert value_at(message, "desired_date_due") == datetime(2026, 7, 2, 3, 59, tzinfo=UTC)


def test_dates_in_a_partners_own_format() -> None:
    dialect = XmlDialect(date_in=DateIn(formats=("%d/%m/%Y",)))

    message = read("<RenewItem><DesiredDateDue>31/12/2026</DesiredDateDue></RenewItem>", dialect=dialect)

    assert value_at(message, "desired_date_due") == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-07-01T24:00:00", datetime(2026, 7, 2, 4, 0, tzinfo=UTC)),  # midnight in New York
        ("2026-07-31T24:00:00.000", datetime(2026, 8, 1, 4, 0, tzinfo=UTC)),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, 0, 0, tzinfo=UTC)),
        ("2026-12-31T24:00:00+09:00", datetime(2026, 12, 31, 15, 0, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_day_is_the_beginning_of_the_next(sent: str, moment: datetime) -> None:
    """24:00:00 of XML Schema's dateTime, which Python's parser doesn't know."""
    dialect = XmlDialect(date_in=DateIn(zone="America/New_York"))

    message = read(f"<RenewItem><DesiredDateDue>{sent}</DesiredDateDue></RenewItem>", dialect=dialect)

    assert value_at(message, "desired_date_due") == moment


@pytest.mark.parametrize("sent", ["2026-07-01T24:00:01", "2026-07-01T24:00:00.5", "2026-07-01T24:30:00"])
def test_no_day_has_a_25th_hour(sent: str) -> None:
    with pytest.raises(MalformedMessage, match="not a date or time"):
        read(f"<RenewItem><DesiredDateDue>{sent}</DesiredDateDue></RenewItem>")


def test_problem_as_a_whole_answer() -> None:
    message = read("<Problem><ProblemType>Unknown Service</ProblemType></Problem>")

    assert message.body == Problems(problems=(Problem(type=Code("Unknown Service")),))


def test_alma_v1_error_under_a_generic_root() -> None:
    """RELAY: root `Response`."""
    message = decode_message(
        parse_xml(b"<Response><Problem><ProblemType>Temporary Processing Failure</ProblemType></Problem></Response>")
    )

    assert message.body == Problems(problems=(Problem(type=Code("Temporary Processing Failure")),))


def test_lookup_version_in_both_forms() -> None:
    own_root = decode_message(
        parse_xml(
            b'<NCIPVersionMessage version="http://www.niso.org/ncip/v1_0/imp1/xsd/ncip_version.xsd"><LookupVersion>'
            b"<FromAgencyId><UniqueAgencyId><Value>A</Value></UniqueAgencyId></FromAgencyId></LookupVersion>"
            b"</NCIPVersionMessage>"
        )
    )
    plain = read(
        "<LookupVersionResponse><VersionSupported>http://x.example/v2_0.xsd</VersionSupported></LookupVersionResponse>"
    )

    assert own_root.root == "NCIPVersionMessage"
    assert own_root.service == "LookupVersion"
    assert value_at(own_root, "initiation_header.from_agency_id") == Code("A")
    assert own_root.unknown == ()
    assert value_at(plain, "versions_supported") == ("http://x.example/v2_0.xsd",)


def test_secrets_do_not_show_in_a_repr() -> None:
    message = read(
        "<LookupUser><InitiationHeader><FromAgencyAuthentication>s3cr3t</FromAgencyAuthentication></InitiationHeader>"
        "<AuthenticationInput><AuthenticationInputData>4711</AuthenticationInputData></AuthenticationInput></LookupUser>"
    )

    assert value_at(message, "initiation_header.from_agency_authentication") == "s3cr3t"
    assert value_at(message, "authentication_inputs.0.data") == "4711"
    assert "s3cr3t" not in repr(message)
    assert "4711" not in repr(message)
