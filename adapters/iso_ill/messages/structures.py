"""Header, items, parties, delivery, extensions.

Tags of the known extensions as far as facts/iso-ill-10161.md section 8 has them. 13.4, 13.5, 13.6 and 13.9 are known
by name alone: their ASN.1 was not at hand, so that they are kept and passed on as they came.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date, time
from enum import IntEnum
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.codes import ApduType, ItemType, MediumType, SupplyMedium
from adapters.iso_ill.messages.declaration import External, FieldForm, IllChoice, Tag
from gateway.domain.value import value_object

EXTERNALLY_DEFINED = 1
"""The identifier of an extension whose item is an EXTERNAL."""

NAMES = {
    "1.0.10161.6.1": "IPIG-System-Number",
    "1.0.10161.13.2": "OCLC-ILL-Request-Extension",
    "1.0.10161.13.3": "APDU-Delivery-Info",
    "1.0.10161.13.4": "ILL-Supplemental-Client-Info",
    "1.0.10161.13.5": "Forwarded-Additional-Info",
    "1.0.10161.13.6": "IPIG-Additional-User-Error-Information",
    "1.0.10161.13.7": "Suppliers-Reference",
    "1.0.10161.13.9": "IPIG-ILL-Request-Extension",
    "1.0.10161.13.10": "IPIG-Conditional-Reply-Extension",
    "1.0.10161.13.1000.2.3": "OCLC-Requester-Notification",
    "1.0.10161.13.1000.2.4": "OCLC-Patron-Request",
    "1.0.10161.13.1000.2.8": "OCLC-Pick-List",
    "1.2.124.10161.1": "Canadian-Bibliography-Number",
    "1.2.124.10161.2": "Canadian-System-Number",
    "1.2.840.10003.8.1": "prompt-1",
    "1.0.10161.9.1.1": "e-delivery-mode SMTP",
    "1.0.10161.9.1.2": "e-delivery-mode FTP",
}


@value_object(kw_only=True)
class Symbol(IllChoice):
    """Person-Or-Institution-Symbol: one of the two."""

    person: Annotated[str, Tag(0, "person-symbol")] = ""
    institution: Annotated[str, Tag(1, "institution-symbol")] = ""

    @property
    def text(self) -> str:
        return self.institution or self.person


@value_object(kw_only=True)
class Name(IllChoice):
    """Name-Of-Person-Or-Institution: one of the two."""

    person: Annotated[str, Tag(0, "name-of-person")] = ""
    institution: Annotated[str, Tag(1, "name-of-institution")] = ""

    @property
    def text(self) -> str:
        return self.institution or self.person


@value_object(kw_only=True)
class SystemId:
    """The symbol and the name: at least one of them is there, by the standard; yaz sends neither."""

    symbol: Annotated[Symbol | None, Tag(0, "person-or-institution-symbol")] = None
    name: Annotated[Name | None, Tag(1, "name-of-person-or-institution")] = None

    @classmethod
    def from_symbol(cls, symbol: str, name: str = "") -> SystemId:
        """An institution."""
        return cls(symbol=Symbol(institution=symbol) if symbol else None, name=Name(institution=name) if name else None)

    @property
    def symbol_text(self) -> str:
        return self.symbol.text if self.symbol is not None else ""

    @property
    def name_text(self) -> str:
        return self.name.text if self.name is not None else ""


@value_object(kw_only=True)
class SystemAddress:
    """Service such as TCP/IP or SMTP, and what it calls the address: host:port, a mailbox."""

    service: Annotated[str, Tag(0, "telecom-service-identifier")] = ""
    address: Annotated[str, Tag(1, "telecom-service-address")] = ""


@value_object(kw_only=True)
class PostalAddress:
    name: Annotated[Name | None, Tag(0, "name-of-person-or-institution")] = None
    extended: Annotated[str, Tag(1, "extended-postal-delivery-address")] = ""
    street: Annotated[str, Tag(2, "street-and-number")] = ""
    post_office_box: Annotated[str, Tag(3)] = ""
    city: Annotated[str, Tag(4)] = ""
    region: Annotated[str, Tag(5)] = ""
    country: Annotated[str, Tag(6)] = ""
    postal_code: Annotated[str, Tag(7)] = ""


@value_object(kw_only=True)
class DeliveryAddress:
    postal: Annotated[PostalAddress | None, Tag(0, "postal-address")] = None
    electronic: Annotated[SystemAddress | None, Tag(1, "electronic-address")] = None


@value_object(kw_only=True)
class Location:
    """Location-Info."""

    id: Annotated[SystemId, Tag(0, "location-id")]
    address: Annotated[SystemAddress | None, Tag(1, "location-address")] = None
    note: Annotated[str, Tag(2, "location-note")] = ""


@value_object(kw_only=True)
class Recipient:
    """An entry of a Send-To-List."""

    id: Annotated[SystemId, Tag(0, "system-id")]
    account_number: Annotated[str, Tag(1)] = ""
    address: Annotated[SystemAddress | None, Tag(2, "system-address")] = None


@value_object(kw_only=True)
class Client:
    """Client-Id: the patron."""

    name: Annotated[str, Tag(0, "client-name")] = ""
    status: Annotated[str, Tag(1, "client-status")] = ""
    identifier: Annotated[str, Tag(2, "client-identifier")] = ""


@value_object(kw_only=True)
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


@value_object(kw_only=True)
class SupplyMediumInfo:
    type: Annotated[SupplyMedium | int, Tag(0, "supply-medium-type")]
    characteristics: Annotated[str, Tag(1, "medium-characteristics")] = ""


@value_object(kw_only=True)
class UnitsPerMedium:
    medium: Annotated[SupplyMedium | int, Tag(0, explicit=True)]
    units: Annotated[int, Tag(1, "no-of-units", explicit=True)]


@value_object(kw_only=True)
class Amount:
    """`value` as written: `25.00`, `25,00`, and from real senders `$35`."""

    currency: Annotated[str, Tag(0, "currency-code", FieldForm.PRINTABLE)] = ""
    value: Annotated[str, Tag(1, "monetary-value", FieldForm.PRINTABLE)]


@value_object(kw_only=True)
class CostInfo:
    account_number: Annotated[str, Tag(0)] = ""
    maximum_cost: Annotated[Amount | None, Tag(1)] = None
    reciprocal_agreement: Annotated[bool, Tag(2)] = False
    will_pay_fee: Annotated[bool, Tag(3)] = False
    payment_provided: Annotated[bool, Tag(4)] = False


@value_object(kw_only=True)
class DateDue:
    """The due date; without `renewable` it is."""

    due: Annotated[date, Tag(0, "date-due-field")]
    renewable: Annotated[bool, Tag(1)] = True


@value_object(kw_only=True)
class DeliveryMode:
    mode: Annotated[str, Tag(0, "e-delivery-mode", FieldForm.OBJECT_IDENTIFIER)]
    parameters: Annotated[bytes, Tag(1, "e-delivery-parameters")]


@value_object(kw_only=True)
class DocumentType:
    id: Annotated[str, Tag(2, "document-type-id", FieldForm.OBJECT_IDENTIFIER)]
    parameters: Annotated[bytes, Tag(3, "document-type-parameters")]


@value_object(kw_only=True)
class DeliveryDetails(IllChoice):
    """The address of the delivery: one of the two."""

    address: Annotated[SystemAddress | None, Tag(0, "e-delivery-address")] = None
    id: Annotated[SystemId | None, Tag(1, "e-delivery-id")] = None


@value_object(kw_only=True)
class ElectronicDelivery:
    """Electronic-Delivery-Service; protocol version 2."""

    service: Annotated[DeliveryMode | None, Tag(0, "e-delivery-service")] = None
    document_type: Annotated[DocumentType | None, Tag(1)] = None
    description: Annotated[str, Tag(4, "e-delivery-description")] = ""
    details: Annotated[DeliveryDetails, Tag(5, "e-delivery-details")]
    name_or_code: Annotated[str, Tag(6)] = ""
    delivery_time: Annotated[time | None, Tag(7)] = None


class ApduEncoding(IntEnum):
    EDIFACT = 1
    BER_IN_MIME = 2
    BER = 3


@value_object(kw_only=True)
class DeliveryParameters:
    """One way to reach a system."""

    encoding: Annotated[tuple[ApduEncoding | int, ...], Tag(0)]
    transport: Annotated[SystemAddress, Tag(1)]
    aliases: Annotated[tuple[SystemId, ...], Tag(2)] = ()


@value_object(kw_only=True)
class DeliveryInfo:
    """APDU-Delivery-Info, in every APDU under IPIG; at most 25 entries a list (not held to)."""

    sender: Annotated[tuple[DeliveryParameters, ...], Tag(0, "sender-info")]
    recipient: Annotated[tuple[DeliveryParameters, ...], Tag(1, "recipient-info")]
    transponder: Annotated[tuple[DeliveryParameters, ...], Tag(2, "transponder-info")] = ()


@value_object(kw_only=True)
class OclcRequest:
    """OCLC-ILL-Request-Extension; yaz sends an empty one."""

    client_department: Annotated[str, Tag(0, "clientDepartment")] = ""
    payment_method: Annotated[str, Tag(1, "paymentMethod")] = ""
    uniform_title: Annotated[str, Tag(2, "uniformTitle")] = ""
    dissertation: Annotated[str, Tag(3)] = ""
    issue_number: Annotated[str, Tag(4, "issueNumber")] = ""
    volume: Annotated[str, Tag(5)] = ""
    affiliations: Annotated[str, Tag(6)] = ""
    source: Annotated[str, Tag(7)] = ""


@value_object(kw_only=True)
class SuppliersReference:
    """The supplier's own number of the request. Whether the authority is text or a System-Id was not to be found:
    either is read, text is written."""

    authority: Annotated[str, Tag(0, "supplier-authority")] = ""
    reference: Annotated[str, Tag(1, "supplier-reference")] = ""


@value_object(kw_only=True)
class ConditionalReplyInfo:
    """IPIG-Conditional-Reply-Extension."""

    item_id: Annotated[ItemId | None, Tag(0)] = None
    copyright_compliance: Annotated[str, Tag(1)] = ""


@value_object(kw_only=True)
class OclcRequesterNotification:
    note: Annotated[str, Tag(0)] = ""


@value_object(kw_only=True)
class OclcPatronRequest:
    note: Annotated[str, Tag(0)] = ""


@value_object
class ShownCredentials:
    """Z39.50 prompt-1: authorization number and password, in the first request of a connection (OCLC, yaz -o)."""

    user: str
    password: str = field(repr=False)


@value_object
class Opaque:
    """An item that isn't an EXTERNAL: its TLV."""

    tlv: bytes


Known = (
    DeliveryInfo
    | OclcRequest
    | SuppliersReference
    | ConditionalReplyInfo
    | OclcRequesterNotification
    | OclcPatronRequest
    | ShownCredentials
)
Item = Known | External | Opaque

OBJECT_IDENTIFIERS: dict[type, str] = {
    DeliveryInfo: "1.0.10161.13.3",
    OclcRequest: "1.0.10161.13.2",
    SuppliersReference: "1.0.10161.13.7",
    ConditionalReplyInfo: "1.0.10161.13.10",
    OclcRequesterNotification: "1.0.10161.13.1000.2.3",
    OclcPatronRequest: "1.0.10161.13.1000.2.4",
    ShownCredentials: "1.2.840.10003.8.1",
}


@value_object(kw_only=True)
class Extension:
    identifier: Annotated[int, Tag(0)]
    critical: Annotated[bool, Tag(1)] = False
    item: Annotated[Item, Tag(2, form=FieldForm.EXTENSION_ITEM)]

    @classmethod
    def from_item(cls, item: Item, *, critical: bool = False) -> Extension:
        """Make an extension whose item is an EXTERNAL."""
        return cls(identifier=EXTERNALLY_DEFINED, critical=critical, item=item)

    @property
    def object_identifier(self) -> str:
        """Empty for an item that isn't an EXTERNAL."""
        if isinstance(self.item, External):
            return self.item.direct_reference
        return OBJECT_IDENTIFIERS.get(type(self.item), "")

    @property
    def name(self) -> str:
        oid = self.object_identifier
        return NAMES.get(oid, oid or f"identifier {self.identifier}")


@value_object(kw_only=True)
class TransactionId:
    """The first three name a transaction for life; sub-transactions add the fourth."""

    initial_requester_id: Annotated[SystemId | None, Tag(0)] = None
    group_qualifier: Annotated[str, Tag(1, "transaction-group-qualifier")]
    qualifier: Annotated[str, Tag(2, "transaction-qualifier")]
    sub_qualifier: Annotated[str, Tag(3, "sub-transaction-qualifier")] = ""


@value_object(kw_only=True)
class Moment:
    """Local time of the sender; mandatory from the second service of a transaction on one day."""

    day: Annotated[date, Tag(0, "date")]
    clock: Annotated[time | None, Tag(1, "time")] = None


@value_object(kw_only=True)
class ServiceDateTime:
    """`original` is there in a repeat: when the service was first sent."""

    this: Annotated[Moment, Tag(0, "date-time-of-this-service")]
    original: Annotated[Moment | None, Tag(1, "date-time-of-original-service")] = None


@value_object(kw_only=True)
class Apdu:
    """`type` is the APDU's number. Every APDU has `extensions`, all but Expired a note under the name of its sender."""

    type: ClassVar[ApduType]

    protocol_version: Annotated[int, Tag(0, "protocol-version-num")]
    transaction_id: Annotated[TransactionId, Tag(1)]
    service_date_time: Annotated[ServiceDateTime, Tag(2)]
    requester_id: Annotated[SystemId | None, Tag(3)] = None
    responder_id: Annotated[SystemId | None, Tag(4)] = None

    @property
    def carried_extensions(self) -> tuple[Extension, ...]:
        """The extensions, whatever the APDU."""
        extensions: tuple[Extension, ...] = getattr(self, "extensions", ())
        return extensions

    @property
    def note_text(self) -> str:
        note: str = getattr(self, "note", "")
        return note
