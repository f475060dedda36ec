"""ILL-Request, and what only it holds."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.base import Tag
from adapters.iso_ill.messages.codes import (
    ApduType,
    ExpiryFlag,
    PlaceOnHold,
    Preference,
    ServiceType,
    TransactionType,
    Wish,
)
from adapters.iso_ill.messages.extensions import Extension
from adapters.iso_ill.messages.external import External
from adapters.iso_ill.messages.header import Apdu
from adapters.iso_ill.messages.items import CostInfo, ElectronicDelivery, ItemId, SupplyMediumInfo
from adapters.iso_ill.messages.parties import Client, DeliveryAddress, Recipient, SystemAddress, SystemId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class RequesterOptionalMessages:
    """can-send states an ability; requires: our workflow can't go on without the other's message."""

    can_send_received: Annotated[bool, Tag(0, "can-send-RECEIVED")]
    can_send_returned: Annotated[bool, Tag(1, "can-send-RETURNED")]
    shipped: Annotated[Wish | int, Tag(2, "requester-SHIPPED")]
    checked_in: Annotated[Wish | int, Tag(3, "requester-CHECKED-IN")]


@frozen_by_name
class Search:
    """Search-Type. `level_of_service` is one character. `expiry_date` goes with the flag for another date only."""

    level_of_service: Annotated[str, Tag(0)] = ""
    need_before_date: Annotated[date | None, Tag(1)] = None
    expiry_flag: Annotated[ExpiryFlag | int, Tag(2)] = ExpiryFlag.NO_EXPIRY
    expiry_date: Annotated[date | None, Tag(3)] = None


@frozen_by_name
class ThirdPartyInfo:
    permission_to_forward: Annotated[bool, Tag(0)] = False
    permission_to_chain: Annotated[bool, Tag(1)] = False
    permission_to_partition: Annotated[bool, Tag(2)] = False
    permission_to_change_send_to_list: Annotated[bool, Tag(3)] = False
    initial_requester_address: Annotated[SystemAddress | None, Tag(4)] = None
    preference: Annotated[Preference | int, Tag(5)] = Preference.UNORDERED
    send_to_list: Annotated[tuple[Recipient, ...], Tag(6)] = ()
    already_tried_list: Annotated[tuple[SystemId, ...], Tag(7)] = ()


@frozen_by_name
class IllRequest(Apdu):
    type: ClassVar[ApduType] = ApduType.ILL_REQUEST

    transaction_type: Annotated[TransactionType | int, Tag(5)] = TransactionType.SIMPLE
    delivery_address: Annotated[DeliveryAddress | None, Tag(6)] = None
    physical_delivery: Annotated[str, Tag(7, choice="delivery-service")] = ""
    electronic_delivery: Annotated[tuple[ElectronicDelivery, ...], Tag(50, choice="delivery-service", since=2)] = ()
    billing_address: Annotated[DeliveryAddress | None, Tag(8)] = None
    service_types: Annotated[tuple[ServiceType | int, ...], Tag(9, "iLL-service-type")]
    responder_specific_service: Annotated[External | None, Tag(10, explicit=True)] = None
    optional_messages: Annotated[RequesterOptionalMessages, Tag(11, "requester-optional-messages")]
    search: Annotated[Search | None, Tag(12, "search-type")] = None
    supply_media: Annotated[tuple[SupplyMediumInfo, ...], Tag(13, "supply-medium-info-type")] = ()
    place_on_hold: Annotated[PlaceOnHold | int, Tag(14)] = PlaceOnHold.ACCORDING_TO_RESPONDER_POLICY
    client: Annotated[Client | None, Tag(15, "client-id")] = None
    item: Annotated[ItemId, Tag(16, "item-id")]
    supplemental_item_description: Annotated[tuple[External, ...], Tag(17)] = ()
    cost_info: Annotated[CostInfo | None, Tag(18, "cost-info-type")] = None
    copyright_compliance: Annotated[str, Tag(19)] = ""
    third_party_info: Annotated[ThirdPartyInfo | None, Tag(20, "third-party-info-type")] = None
    retry_flag: Annotated[bool, Tag(21)] = False
    forward_flag: Annotated[bool, Tag(22)] = False
    note: Annotated[str, Tag(46, "requester-note")] = ""
    forward_note: Annotated[str, Tag(47)] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "iLL-request-extensions")] = ()
