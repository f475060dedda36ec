"""ILL-Request and all that is said before anything is shipped."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.codes import (
    ApduType,
    ExpiryFlag,
    MediumType,
    PlaceOnHold,
    Preference,
    ReasonConditional,
    ReasonLocationsProvided,
    ReasonRetry,
    ReasonUnfilled,
    ReasonWillSupply,
    Results,
    ServiceType,
    TransactionType,
    Wish,
)
from adapters.iso_ill.messages.declaration import External, IllChoice, Tag
from adapters.iso_ill.messages.structures import (
    Apdu,
    Client,
    CostInfo,
    DeliveryAddress,
    ElectronicDelivery,
    Extension,
    ItemId,
    Location,
    PostalAddress,
    Recipient,
    SupplyMediumInfo,
    SystemAddress,
    SystemId,
)
from gateway.domain.value import value_object


@value_object(kw_only=True)
class RequesterOptionalMessages:
    """can-send states an ability; requires: our workflow can't go on without the other's message."""

    can_send_received: Annotated[bool, Tag(0, "can-send-RECEIVED")]
    can_send_returned: Annotated[bool, Tag(1, "can-send-RETURNED")]
    shipped: Annotated[Wish | int, Tag(2, "requester-SHIPPED")]
    checked_in: Annotated[Wish | int, Tag(3, "requester-CHECKED-IN")]


@value_object(kw_only=True)
class Search:
    """Search-Type. `level_of_service` is one character. `expiry_date` goes with the flag for another date only."""

    level_of_service: Annotated[str, Tag(0)] = ""
    need_before_date: Annotated[date | None, Tag(1)] = None
    expiry_flag: Annotated[ExpiryFlag | int, Tag(2)] = ExpiryFlag.NO_EXPIRY
    expiry_date: Annotated[date | None, Tag(3)] = None


@value_object(kw_only=True)
class ThirdPartyInfo:
    permission_to_forward: Annotated[bool, Tag(0)] = False
    permission_to_chain: Annotated[bool, Tag(1)] = False
    permission_to_partition: Annotated[bool, Tag(2)] = False
    permission_to_change_send_to_list: Annotated[bool, Tag(3)] = False
    initial_requester_address: Annotated[SystemAddress | None, Tag(4)] = None
    preference: Annotated[Preference | int, Tag(5)] = Preference.UNORDERED
    send_to_list: Annotated[tuple[Recipient, ...], Tag(6)] = ()
    already_tried_list: Annotated[tuple[SystemId, ...], Tag(7)] = ()


@value_object(kw_only=True)
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


@value_object(kw_only=True)
class ResponderOptionalMessages:
    """can-send states an ability; requires: our workflow can't go on without the other's message."""

    can_send_shipped: Annotated[bool, Tag(0, "can-send-SHIPPED")]
    can_send_checked_in: Annotated[bool, Tag(1, "can-send-CHECKED-IN")]
    received: Annotated[Wish | int, Tag(2, "responder-RECEIVED")]
    returned: Annotated[Wish | int, Tag(3, "responder-RETURNED")]


@value_object(kw_only=True)
class ConditionalResults:
    conditions: Annotated[ReasonConditional | int, Tag(0)]
    date_for_reply: Annotated[date | None, Tag(1)] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()
    physical_delivery: Annotated[str, Tag(7, choice="proposed-delivery-service")] = ""
    electronic_delivery: Annotated[
        tuple[ElectronicDelivery, ...], Tag(50, choice="proposed-delivery-service", since=2)
    ] = ()


@value_object(kw_only=True)
class RetryResults:
    reason: Annotated[ReasonRetry | int | None, Tag(0, "reason-not-available")] = None
    retry_date: Annotated[date | None, Tag(1)] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()


@value_object(kw_only=True)
class UnfilledResults:
    reason: Annotated[ReasonUnfilled | int, Tag(0, "reason-unfilled")]
    locations: Annotated[tuple[Location, ...], Tag(1)] = ()


@value_object(kw_only=True)
class LocationsResults:
    reason: Annotated[ReasonLocationsProvided | int | None, Tag(0, "reason-locs-provided")] = None
    locations: Annotated[tuple[Location, ...], Tag(1)]


@value_object(kw_only=True)
class WillSupplyResults:
    """The one whose tags are explicit."""

    reason: Annotated[ReasonWillSupply | int, Tag(0, "reason-will-supply", explicit=True)]
    supply_date: Annotated[date | None, Tag(1, explicit=True)] = None
    return_to_address: Annotated[PostalAddress | None, Tag(2, explicit=True)] = None
    locations: Annotated[tuple[Location, ...], Tag(3)] = ()
    electronic_delivery: Annotated[
        ElectronicDelivery | None, Tag(4, "electronic-delivery-service", explicit=True, since=2)
    ] = None


@value_object(kw_only=True)
class HoldPlacedResults:
    estimated_date_available: Annotated[date, Tag(0)]
    medium: Annotated[MediumType | int | None, Tag(1, "hold-placed-medium-type")] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()


@value_object(kw_only=True)
class EstimateResults:
    cost_estimate: Annotated[str, Tag(0)]
    locations: Annotated[tuple[Location, ...], Tag(1)] = ()


@value_object(kw_only=True)
class Explanation(IllChoice):
    """results-explanation: the alternative that belongs to the result."""

    conditional: Annotated[ConditionalResults | None, Tag(1, "conditional-results", explicit=True)] = None
    retry: Annotated[RetryResults | None, Tag(2, "retry-results", explicit=True)] = None
    unfilled: Annotated[UnfilledResults | None, Tag(3, "unfilled-results", explicit=True)] = None
    locations: Annotated[LocationsResults | None, Tag(4, "locations-results", explicit=True)] = None
    will_supply: Annotated[WillSupplyResults | None, Tag(5, "will-supply-results", explicit=True)] = None
    hold_placed: Annotated[HoldPlacedResults | None, Tag(6, "hold-placed-results", explicit=True)] = None
    estimate: Annotated[EstimateResults | None, Tag(7, "estimate-results", explicit=True)] = None


@value_object(kw_only=True)
class IllAnswer(Apdu):
    """The explanation is required for conditional, locations-provided and estimate; real systems leave it out."""

    type: ClassVar[ApduType] = ApduType.ILL_ANSWER

    results: Annotated[Results | int, Tag(31, "transaction-results")]
    explanation: Annotated[Explanation | None, Tag(32, "results-explanation")] = None
    responder_specific_results: Annotated[External | None, Tag(33, explicit=True)] = None
    supplemental_item_description: Annotated[tuple[External, ...], Tag(17)] = ()
    send_to_list: Annotated[tuple[Recipient, ...], Tag(23)] = ()
    already_tried_list: Annotated[tuple[SystemId, ...], Tag(34)] = ()
    optional_messages: Annotated[ResponderOptionalMessages | None, Tag(28, "responder-optional-messages")] = None
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "ill-answer-extensions")] = ()


@value_object(kw_only=True)
class ForwardNotification(Apdu):
    """`responder_id` is mandatory here."""

    type: ClassVar[ApduType] = ApduType.FORWARD_NOTIFICATION

    responder_id: Annotated[SystemId, Tag(4)]
    responder_address: Annotated[SystemAddress | None, Tag(24)] = None
    intermediary_id: Annotated[SystemId, Tag(25)]
    note: Annotated[str, Tag(48, "notification-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "forward-notification-extensions")] = ()


@value_object(kw_only=True)
class ConditionalReply(Apdu):
    type: ClassVar[ApduType] = ApduType.CONDITIONAL_REPLY

    answer: Annotated[bool, Tag(35)]
    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "conditional-reply-extensions")] = ()


@value_object(kw_only=True)
class Cancel(Apdu):
    type: ClassVar[ApduType] = ApduType.CANCEL

    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "cancel-extensions")] = ()


@value_object(kw_only=True)
class CancelReply(Apdu):
    type: ClassVar[ApduType] = ApduType.CANCEL_REPLY

    answer: Annotated[bool, Tag(35)]
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "cancel-reply-extensions")] = ()


@value_object(kw_only=True)
class Expired(Apdu):
    type: ClassVar[ApduType] = ApduType.EXPIRED

    extensions: Annotated[tuple[Extension, ...], Tag(49, "expired-extensions")] = ()
