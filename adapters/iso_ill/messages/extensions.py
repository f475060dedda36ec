"""Extensions: the frame, those that are known, and what stands for those that aren't.

Tags of the known ones as far as facts/iso-ill-10161.md section 8 has them. 13.4, 13.5, 13.6 and 13.9 are known by
name alone: their ASN.1 was not at hand, so that they are kept and passed on as they came.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import Annotated

from adapters.iso_ill.messages.base import Form, Tag
from adapters.iso_ill.messages.external import External
from adapters.iso_ill.messages.items import ItemId
from adapters.iso_ill.messages.parties import SystemAddress, SystemId
from gateway.domain.frozen import frozen, frozen_by_name

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
PERSONAL = frozenset({"1.0.10161.13.4"})
"""About the patron: never into a log."""


class ApduEncoding(IntEnum):
    EDIFACT = 1
    BER_IN_MIME = 2
    BER = 3


@frozen_by_name
class DeliveryParameters:
    """One way to reach a system."""

    encoding: Annotated[tuple[ApduEncoding | int, ...], Tag(0)]
    transport: Annotated[SystemAddress, Tag(1)]
    aliases: Annotated[tuple[SystemId, ...], Tag(2)] = ()


@frozen_by_name
class DeliveryInfo:
    """APDU-Delivery-Info, in every APDU under IPIG; at most 25 entries a list (not held to)."""

    sender: Annotated[tuple[DeliveryParameters, ...], Tag(0, "sender-info")]
    recipient: Annotated[tuple[DeliveryParameters, ...], Tag(1, "recipient-info")]
    transponder: Annotated[tuple[DeliveryParameters, ...], Tag(2, "transponder-info")] = ()


@frozen_by_name
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


@frozen_by_name
class SuppliersReference:
    """The supplier's own number of the request. Whether the authority is text or a System-Id was not to be found:
    either is read, text is written."""

    authority: Annotated[str, Tag(0, "supplier-authority")] = ""
    reference: Annotated[str, Tag(1, "supplier-reference")] = ""


@frozen_by_name
class ConditionalReplyInfo:
    """IPIG-Conditional-Reply-Extension."""

    item_id: Annotated[ItemId | None, Tag(0)] = None
    copyright_compliance: Annotated[str, Tag(1)] = ""


@frozen_by_name
class OclcRequesterNotification:
    note: Annotated[str, Tag(0)] = ""


@frozen_by_name
class OclcPatronRequest:
    note: Annotated[str, Tag(0)] = ""


@frozen
class Credentials:
    """Z39.50 prompt-1: authorization number and password, in the first request of a connection (OCLC, yaz -o)."""

    user: str
    password: str = field(repr=False)


@frozen
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
    | Credentials
)
Item = Known | External | Opaque

OBJECT_IDENTIFIERS: dict[type, str] = {
    DeliveryInfo: "1.0.10161.13.3",
    OclcRequest: "1.0.10161.13.2",
    SuppliersReference: "1.0.10161.13.7",
    ConditionalReplyInfo: "1.0.10161.13.10",
    OclcRequesterNotification: "1.0.10161.13.1000.2.3",
    OclcPatronRequest: "1.0.10161.13.1000.2.4",
    Credentials: "1.2.840.10003.8.1",
}


@frozen_by_name
class Extension:
    identifier: Annotated[int, Tag(0)]
    critical: Annotated[bool, Tag(1)] = False
    item: Annotated[Item, Tag(2, form=Form.EXTENSION_ITEM)]

    @classmethod
    def of(cls, item: Item, *, critical: bool = False) -> Extension:
        """Whose item is an EXTERNAL."""
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
