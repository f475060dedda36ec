"""What is written is valid against the schema of its version, and is read again as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree

from adapters.iso18626.codec import (
    NAMESPACE,
    Iso18626Style,
    LostDetail,
    decode_message,
    encode_message,
    list_words_beyond,
)
from adapters.iso18626.messages import (
    AnyMessage,
    OpenCode,
    Request,
    RequestingAgencyMessage,
    SchemaVersion,
    SupplyingAgencyMessage,
)
from adapters.iso18626.messages.codes import Action, ReasonForMessage, ServiceType, Status
from adapters.iso18626.messages.structures import (
    AgencyId,
    BibliographicInfo,
    Costs,
    DeliveryInfo,
    ItemIdentifier,
    MessageInfo,
    RequesterHeader,
    RequestHeader,
    RetryInfo,
    ServiceInfo,
    ShippingInfo,
    StatusInfo,
    SupplierHeader,
)
from tests.protocol.iso18626.strategies import build_message_strategy

V1_1, V1_2, V2021 = SchemaVersion.V1_1, SchemaVersion.V1_2, SchemaVersion.V2021
SLOW = settings(suppress_health_check=list(HealthCheck), max_examples=50)
SCHEMAS = {V1_2: "ISO-18626-v1_2.xsd", V2021: "ISO-18626-2021-2.xsd"}
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
OURS, THEIRS = (AgencyId(type=OpenCode("ISIL"), value=value) for value in ("DE-Brt1", "NO-0030101"))


@pytest.fixture(scope="module")
def check_schema(specs_folder: Path) -> Callable[[bytes, SchemaVersion], None]:
    schemas = {version: etree.XMLSchema(file=str(specs_folder / name)) for version, name in SCHEMAS.items()}

    def check(data: bytes, version: SchemaVersion) -> None:
        schemas[version].assertValid(etree.fromstring(data))

    return check


@pytest.mark.parametrize("version", [V1_1, V1_2, V2021], ids=lambda version: version.name)
def test_every_message_comes_back(version: SchemaVersion) -> None:
    @SLOW
    @given(build_message_strategy(version))
    def check(message: AnyMessage) -> None:
        encoded = encode_message(message, version)
        decoded = decode_message(encoded.data)

        assert encoded.lost == ()
        assert decoded.message == message
        assert decoded.remarks == ()

    check()


@pytest.mark.parametrize("version", SCHEMAS, ids=lambda version: version.name)
@pytest.mark.parametrize(
    "style",
    [
        Iso18626Style(NAMESPACE),
        Iso18626Style(NAMESPACE, schemes=True),
        Iso18626Style(NAMESPACE, prefix="ns1", schemes=True),
    ],
    ids=["plain", "with-schemes", "with-prefix"],
)
def test_every_message_is_valid(
    version: SchemaVersion, style: Iso18626Style, check_schema: Callable[[bytes, SchemaVersion], None]
) -> None:
    @SLOW
    @given(build_message_strategy(version))
    def check(message: AnyMessage) -> None:
        check_schema(encode_message(message, version, style).data, version)

    check()


@SLOW
@given(message=build_message_strategy(V2021))
def test_a_message_of_2021_is_valid_in_1_2_and_says_what_it_lost(
    message: AnyMessage, check_schema: Callable[[bytes, SchemaVersion], None]
) -> None:
    sent = _fill_what_1_2_requires(message)
    if list_words_beyond(sent, V1_2):  # what stands for a word of 2021 is decided by its meaning
        with pytest.raises(ValueError, match=r"1\.2 has no"):
            encode_message(sent, V1_2)
        return

    encoded = encode_message(sent, V1_2)
    check_schema(encoded.data, V1_2)
    assert bool(encoded.lost) == (decode_message(encoded.data).message != sent)


def _fill_what_1_2_requires(message: AnyMessage) -> AnyMessage:
    header = message.header
    if isinstance(message, Request) and isinstance(header, RequestHeader):
        return replace(
            message,
            header=replace(
                header,
                supplying_agency=header.supplying_agency or THEIRS,
                multiple_item_request_id=header.multiple_item_request_id or "",
            ),
        )
    if isinstance(header, SupplierHeader | RequesterHeader):
        return replace(message, header=replace(header, multiple_item_request_id=""))  # type: ignore[arg-type]
    return message


# --- examples --------------------------------------------------------------------------------------------


REQUEST = Request(
    header=RequestHeader(
        supplying_agency=THEIRS,
        requesting_agency=OURS,
        timestamp=NOON,
        requesting_agency_request_id="B-2026-000017",
    ),
    bibliographic_info=BibliographicInfo(
        title="Преступление и наказание",
        item_ids=(ItemIdentifier(code=OpenCode("ISBN"), value="9783596903894"),),
    ),
    service_info=ServiceInfo(service_type=ServiceType.LOAN),
)


def test_an_identifier_stands_before_its_code_in_1_2_and_behind_it_in_2021() -> None:
    older = encode_message(REQUEST, V1_2).data.decode()
    newer = encode_message(REQUEST, V2021).data.decode()

    assert older.index("<bibliographicItemIdentifier>") < older.index("<bibliographicItemIdentifierCode>")
    assert newer.index("<bibliographicItemIdentifierCode>") < newer.index("<bibliographicItemIdentifier>")


def test_attributes_have_a_prefix_as_the_schemas_want_it() -> None:
    data = encode_message(REQUEST, V1_2, Iso18626Style(NAMESPACE, schemes=True), version_string="v1_2_2017").data

    assert b'ill:version="v1_2_2017"' in data
    assert b'ill:scheme="http://illtransactions.org/ISO18626/OpenCodeList/AgencyIdTypeList-V1.0"' in data


def test_a_mandatory_number_that_says_nothing_is_empty_in_1_2_alone() -> None:
    assert b"<multipleItemRequestId></multipleItemRequestId>" in encode_message(REQUEST, V1_2).data
    assert b"multipleItemRequestId" not in encode_message(REQUEST, V2021).data


ANSWER = SupplyingAgencyMessage(
    header=SupplierHeader(
        supplying_agency=THEIRS,
        requesting_agency=OURS,
        timestamp=NOON,
        requesting_agency_request_id="B-2026-000017",
        supplying_agency_request_id="L-2026-000004",
    ),
    message_info=MessageInfo(
        reason_for_message=ReasonForMessage.REQUEST_RESPONSE, reason_retry=OpenCode("CostExceedsMaxCost")
    ),
    status_info=StatusInfo(status=Status.RETRY_POSSIBLE, last_change=NOON),
    retry_info=RetryInfo(
        offered_costs=(Costs(currency=OpenCode("NOK"), amount=Decimal("120.00")),),
        retry_before=NOON + timedelta(days=7),
        volumes=("2",),
    ),
    delivery_info=DeliveryInfo(date_sent=NOON, item_ids=("00123", "00124"), url="https://library.example/c/1"),
    shipping_info=ShippingInfo(tracking_ids=("RR 123",)),
)


def test_costs_offered_for_a_retry_stand_in_the_message_info_of_1_2() -> None:
    encoded = encode_message(ANSWER, V1_2)
    info = etree.fromstring(encoded.data).find(f".//{{{NAMESPACE}}}messageInfo")

    assert info is not None
    assert [etree.QName(child).localname for child in info][-2:] == ["offeredCosts", "retryBefore"]
    again = decode_message(encoded.data).message
    assert isinstance(again, SupplyingAgencyMessage)
    assert again.retry_info == RetryInfo(
        offered_costs=ANSWER.retry_info.offered_costs if ANSWER.retry_info else (),
        retry_before=NOON + timedelta(days=7),
    )


def test_what_1_2_has_no_element_for_is_named() -> None:
    assert set(encode_message(ANSWER, V1_2).lost) == {
        LostDetail("retryInfo", "2"),
        LostDetail("deliveryInfo/itemId", "00124"),
        LostDetail("deliveryInfo/URL", "https://library.example/c/1"),
        LostDetail("shippingInfo", "RR 123"),
    }
    assert encode_message(ANSWER, V2021).lost == ()


def test_a_word_that_the_version_lacks_is_refused() -> None:
    lost = RequestingAgencyMessage(
        header=RequesterHeader(
            supplying_agency=THEIRS,
            requesting_agency=OURS,
            timestamp=NOON,
            requesting_agency_request_id="B-2026-000017",
        ),
        action=Action.LOST,
    )

    with pytest.raises(ValueError, match=r"1\.2 has no Lost"):
        encode_message(lost, V1_2)
    assert b"<action>Lost</action>" in encode_message(lost, V2021).data


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            replace(REQUEST, header=RequestHeader(supplying_agency=THEIRS, requesting_agency=OURS, timestamp=NOON)),
            "requestingAgencyRequestId",
        ),
        (replace(REQUEST, service_info=ServiceInfo()), "serviceType"),
        (replace(ANSWER, status_info=None), "statusInfo"),
        (
            replace(ANSWER, status_info=StatusInfo(status=Status.LOANED, last_change=datetime(2026, 11, 26))),  # noqa: DTZ001
            "without time zone",
        ),
    ],
    ids=["number", "service", "status", "naive"],
)
def test_a_message_that_lacks_what_it_must_have_is_not_written(message: AnyMessage, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode_message(message, V2021)


def test_moments_are_written_in_utc() -> None:
    due = datetime(2026, 12, 24, 0, 59, 59, tzinfo=timezone(timedelta(hours=1)))
    loaned = replace(ANSWER, status_info=StatusInfo(status=Status.LOANED, due_date=due, last_change=NOON))

    assert b"<dueDate>2026-12-23T23:59:59Z</dueDate>" in encode_message(loaned, V2021).data
