"""What is said before anything is shipped: answers, conditions, cancelling, forwarding, expiry."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.base import Choice, Tag
from adapters.iso_ill.messages.codes import (
    ApduType,
    MediumType,
    ReasonConditional,
    ReasonLocationsProvided,
    ReasonRetry,
    ReasonUnfilled,
    ReasonWillSupply,
    Results,
    Wish,
)
from adapters.iso_ill.messages.extensions import Extension
from adapters.iso_ill.messages.external import External
from adapters.iso_ill.messages.header import Apdu
from adapters.iso_ill.messages.items import ElectronicDelivery
from adapters.iso_ill.messages.parties import Location, PostalAddress, Recipient, SystemAddress, SystemId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class ResponderOptionalMessages:
    """can-send states an ability; requires: our workflow can't go on without the other's message."""

    can_send_shipped: Annotated[bool, Tag(0, "can-send-SHIPPED")]
    can_send_checked_in: Annotated[bool, Tag(1, "can-send-CHECKED-IN")]
    received: Annotated[Wish | int, Tag(2, "responder-RECEIVED")]
    returned: Annotated[Wish | int, Tag(3, "responder-RETURNED")]


@frozen_by_name
class ConditionalResults:
    conditions: Annotated[ReasonConditional | int, Tag(0)]
    date_for_reply: Annotated[date | None, Tag(1)] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()
    physical_delivery: Annotated[str, Tag(7, choice="proposed-delivery-service")] = ""
    electronic_delivery: Annotated[
        tuple[ElectronicDelivery, ...], Tag(50, choice="proposed-delivery-service", since=2)
    ] = ()


@frozen_by_name
class RetryResults:
    reason: Annotated[ReasonRetry | int | None, Tag(0, "reason-not-available")] = None
    retry_date: Annotated[date | None, Tag(1)] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()


@frozen_by_name
class UnfilledResults:
    reason: Annotated[ReasonUnfilled | int, Tag(0, "reason-unfilled")]
    locations: Annotated[tuple[Location, ...], Tag(1)] = ()


@frozen_by_name
class LocationsResults:
    reason: Annotated[ReasonLocationsProvided | int | None, Tag(0, "reason-locs-provided")] = None
    locations: Annotated[tuple[Location, ...], Tag(1)]


@frozen_by_name
class WillSupplyResults:
    """The one whose tags are explicit."""

    reason: Annotated[ReasonWillSupply | int, Tag(0, "reason-will-supply", explicit=True)]
    supply_date: Annotated[date | None, Tag(1, explicit=True)] = None
    return_to_address: Annotated[PostalAddress | None, Tag(2, explicit=True)] = None
    locations: Annotated[tuple[Location, ...], Tag(3)] = ()
    electronic_delivery: Annotated[
        ElectronicDelivery | None, Tag(4, "electronic-delivery-service", explicit=True, since=2)
    ] = None


@frozen_by_name
class HoldPlacedResults:
    estimated_date_available: Annotated[date, Tag(0)]
    medium: Annotated[MediumType | int | None, Tag(1, "hold-placed-medium-type")] = None
    locations: Annotated[tuple[Location, ...], Tag(2)] = ()


@frozen_by_name
class EstimateResults:
    cost_estimate: Annotated[str, Tag(0)]
    locations: Annotated[tuple[Location, ...], Tag(1)] = ()


@frozen_by_name
class Explanation(Choice):
    """results-explanation: the alternative that belongs to the result."""

    conditional: Annotated[ConditionalResults | None, Tag(1, "conditional-results", explicit=True)] = None
    retry: Annotated[RetryResults | None, Tag(2, "retry-results", explicit=True)] = None
    unfilled: Annotated[UnfilledResults | None, Tag(3, "unfilled-results", explicit=True)] = None
    locations: Annotated[LocationsResults | None, Tag(4, "locations-results", explicit=True)] = None
    will_supply: Annotated[WillSupplyResults | None, Tag(5, "will-supply-results", explicit=True)] = None
    hold_placed: Annotated[HoldPlacedResults | None, Tag(6, "hold-placed-results", explicit=True)] = None
    estimate: Annotated[EstimateResults | None, Tag(7, "estimate-results", explicit=True)] = None


@frozen_by_name
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


@frozen_by_name
class ForwardNotification(Apdu):
    """`responder_id` is mandatory here."""

    type: ClassVar[ApduType] = ApduType.FORWARD_NOTIFICATION

    responder_id: Annotated[SystemId, Tag(4)]
    responder_address: Annotated[SystemAddress | None, Tag(24)] = None
    intermediary_id: Annotated[SystemId, Tag(25)]
    note: Annotated[str, Tag(48, "notification-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "forward-notification-extensions")] = ()


@frozen_by_name
class ConditionalReply(Apdu):
    type: ClassVar[ApduType] = ApduType.CONDITIONAL_REPLY

    answer: Annotated[bool, Tag(35)]
    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "conditional-reply-extensions")] = ()


@frozen_by_name
class Cancel(Apdu):
    type: ClassVar[ApduType] = ApduType.CANCEL

    note: Annotated[str, Tag(46, "requester-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "cancel-extensions")] = ()


@frozen_by_name
class CancelReply(Apdu):
    type: ClassVar[ApduType] = ApduType.CANCEL_REPLY

    answer: Annotated[bool, Tag(35)]
    note: Annotated[str, Tag(46, "responder-note")] = ""
    extensions: Annotated[tuple[Extension, ...], Tag(49, "cancel-reply-extensions")] = ()


@frozen_by_name
class Expired(Apdu):
    type: ClassVar[ApduType] = ApduType.EXPIRED

    extensions: Annotated[tuple[Extension, ...], Tag(49, "expired-extensions")] = ()
