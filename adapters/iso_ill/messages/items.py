"""What: the item, media, costs, delivery."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated

from adapters.iso_ill.messages.base import Choice, Form, Tag
from adapters.iso_ill.messages.codes import ItemType, MediumType, SupplyMedium
from adapters.iso_ill.messages.external import External
from adapters.iso_ill.messages.parties import SystemAddress, SystemId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class ItemId:
    """Sizes of ISBN and ISSN are not held to: the standard's 10 and 8 are older than ISBN-13."""

    item_type: Annotated[ItemType | int | None, Tag(0)] = None
    held_medium_type: Annotated[MediumType | int | None, Tag(1)] = None
    call_number: Annotated[str, Tag(2)] = ""
    author: Annotated[str, Tag(3)] = ""
    title: Annotated[str, Tag(4)] = ""
    sub_title: Annotated[str, Tag(5)] = ""
    sponsoring_body: Annotated[str, Tag(6)] = ""
    place_of_publication: Annotated[str, Tag(7)] = ""
    publisher: Annotated[str, Tag(8)] = ""
    series_title_number: Annotated[str, Tag(9)] = ""
    volume_issue: Annotated[str, Tag(10)] = ""
    edition: Annotated[str, Tag(11)] = ""
    publication_date: Annotated[str, Tag(12)] = ""
    publication_date_of_component: Annotated[str, Tag(13)] = ""
    author_of_article: Annotated[str, Tag(14)] = ""
    title_of_article: Annotated[str, Tag(15)] = ""
    pagination: Annotated[str, Tag(16)] = ""
    national_bibliography_no: Annotated[External | None, Tag(17, explicit=True)] = None
    isbn: Annotated[str, Tag(18, "iSBN")] = ""
    issn: Annotated[str, Tag(19, "iSSN")] = ""
    system_no: Annotated[External | None, Tag(20, explicit=True)] = None
    additional_no_letters: Annotated[str, Tag(21)] = ""
    verification_reference_source: Annotated[str, Tag(22)] = ""


@frozen_by_name
class SupplyMediumInfo:
    type: Annotated[SupplyMedium | int, Tag(0, "supply-medium-type")]
    characteristics: Annotated[str, Tag(1, "medium-characteristics")] = ""


@frozen_by_name
class UnitsPerMedium:
    medium: Annotated[SupplyMedium | int, Tag(0, explicit=True)]
    units: Annotated[int, Tag(1, "no-of-units", explicit=True)]


@frozen_by_name
class Amount:
    """`value` as written: `25.00`, `25,00`, and from real senders `$35`."""

    currency: Annotated[str, Tag(0, "currency-code", Form.PRINTABLE)] = ""
    value: Annotated[str, Tag(1, "monetary-value", Form.PRINTABLE)]


@frozen_by_name
class CostInfo:
    account_number: Annotated[str, Tag(0)] = ""
    maximum_cost: Annotated[Amount | None, Tag(1)] = None
    reciprocal_agreement: Annotated[bool, Tag(2)] = False
    will_pay_fee: Annotated[bool, Tag(3)] = False
    payment_provided: Annotated[bool, Tag(4)] = False


@frozen_by_name
class DateDue:
    """Without `renewable` it is."""

    due: Annotated[date, Tag(0, "date-due-field")]
    renewable: Annotated[bool, Tag(1)] = True


@frozen_by_name
class DeliveryMode:
    mode: Annotated[str, Tag(0, "e-delivery-mode", Form.OBJECT_IDENTIFIER)]
    parameters: Annotated[bytes, Tag(1, "e-delivery-parameters")]


@frozen_by_name
class DocumentType:
    id: Annotated[str, Tag(2, "document-type-id", Form.OBJECT_IDENTIFIER)]
    parameters: Annotated[bytes, Tag(3, "document-type-parameters")]


@frozen_by_name
class DeliveryDetails(Choice):
    """Where to: one of the two."""

    address: Annotated[SystemAddress | None, Tag(0, "e-delivery-address")] = None
    id: Annotated[SystemId | None, Tag(1, "e-delivery-id")] = None


@frozen_by_name
class ElectronicDelivery:
    """Electronic-Delivery-Service; protocol version 2."""

    service: Annotated[DeliveryMode | None, Tag(0, "e-delivery-service")] = None
    document_type: Annotated[DocumentType | None, Tag(1)] = None
    description: Annotated[str, Tag(4, "e-delivery-description")] = ""
    details: Annotated[DeliveryDetails, Tag(5, "e-delivery-details")]
    name_or_code: Annotated[str, Tag(6)] = ""
    delivery_time: Annotated[time | None, Tag(7)] = None
