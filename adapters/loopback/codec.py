"""Messages between gateways of one process; the (empty) dialect."""

from __future__ import annotations

from functools import cache

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.problems import MalformedMessage, Refusal, RefusalReason
from gateway.domain.requests.citation import Citation, CitationExtra
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.prices import find_told_limit
from gateway.domain.requests.request import (
    LibraryParty,
    RequestCosts,
    RequestDates,
    RequestedService,
    Role,
    Volume,
)
from gateway.domain.value import replace
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage, PartnerMessage


class RequestContent(BaseModel):
    """The content of a request."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    citation: Citation
    service: RequestedService
    dates: RequestDates
    costs: RequestCosts
    volumes: tuple[Volume, ...]
    extras: tuple[CitationExtra, ...]


class LoopbackMessage(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    id: str
    kind: EventKind
    role: Role  # the sender's
    sender: LibraryParty
    receiver: str
    transaction: str
    details: EventDetails
    asked: RequestContent | None = None


class LoopbackAcknowledgement(BaseModel):
    model_config = ConfigDict(extra="forbid")

    refused: RefusalReason | None = None
    detail: str = ""
    repeated: bool = False


@cache
def _wire_adapter() -> TypeAdapter[LoopbackMessage]:
    return TypeAdapter(LoopbackMessage)


def encode_partner_message(message: PartnerMessage) -> bytes:
    content = None
    if message.kind is EventKind.REQUEST:
        request = message.request
        content = RequestContent(
            citation=request.citation,
            service=request.service,
            dates=request.dates,
            costs=RequestCosts(maximum=find_told_limit(request.costs)),
            volumes=tuple(Volume(volume.id, volume.label) for volume in request.volumes),
            extras=request.extras,
        )
    wire = LoopbackMessage(
        id=message.id,
        kind=message.kind,
        role=message.role,
        sender=message.sender,
        receiver=message.receiver.symbol,
        transaction=message.transaction,
        details=message.details,
        asked=content,
    )
    return _wire_adapter().dump_json(wire)


def decode_partner_message(body: bytes) -> IncomingPartnerMessage:
    """Decode a message; raises MalformedMessage."""
    try:
        wire = _wire_adapter().validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise MalformedMessage(place, first["msg"]) from error
    kind, details = wire.kind, wire.details
    if kind is EventKind.MESSAGE and details.reported is EventKind.UNFILLED:  # a no that isn't the last word
        kind, details = EventKind.FORWARDED, replace(details, note=details.written or "", reported=None)
    return IncomingPartnerMessage(
        id=wire.id,
        kind=kind,
        role=Role.LENDING if wire.role is Role.BORROWING else Role.BORROWING,
        sender=wire.sender.symbol,
        receiver=wire.receiver,
        transaction=wire.transaction,
        details=details,
        request=_build_lending_request(wire.asked, wire.sender) if wire.asked is not None else None,
    )


def _build_lending_request(asked: RequestContent, sender: LibraryParty) -> LendingDraft:
    return LendingDraft(
        citation=asked.citation,
        service=asked.service,
        dates=asked.dates,
        maximum_cost=asked.costs.maximum,
        volumes=tuple(volume.label for volume in asked.volumes),
        extras=asked.extras,
        requester=sender,
        source="partner",
    )


def encode_acknowledgement(result: InboxResult) -> bytes:
    refused = result.refused
    return (
        LoopbackAcknowledgement(
            refused=refused.reason if refused is not None else None,
            detail=refused.detail if refused is not None else "",
            repeated=result.repeated,
        )
        .model_dump_json()
        .encode()
    )


def decode_acknowledgement(body: bytes) -> InboxResult:
    """Decode an acknowledgement; raises MalformedMessage."""
    try:
        read = LoopbackAcknowledgement.model_validate_json(body)
    except ValidationError as error:
        raise MalformedMessage("acknowledgement", str(error.errors()[0]["msg"])) from error
    refused = Refusal(read.refused, read.detail) if read.refused is not None else None
    return InboxResult(refused=refused, repeated=read.repeated)


class LoopbackDialect(ProfileSection):
    """No keys."""
