"""What all APDUs begin with: the version, the transaction, the time of the service and the two parties."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, ClassVar

from adapters.iso_ill.messages.base import Tag
from adapters.iso_ill.messages.codes import ApduType
from adapters.iso_ill.messages.extensions import Extension
from adapters.iso_ill.messages.parties import SystemId
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class TransactionId:
    """The first three name a transaction for life; sub-transactions add the fourth."""

    initial_requester_id: Annotated[SystemId | None, Tag(0)] = None
    group_qualifier: Annotated[str, Tag(1, "transaction-group-qualifier")]
    qualifier: Annotated[str, Tag(2, "transaction-qualifier")]
    sub_qualifier: Annotated[str, Tag(3, "sub-transaction-qualifier")] = ""


@frozen_by_name
class Moment:
    """Local time of the sender; mandatory from the second service of a transaction on one day."""

    day: Annotated[date, Tag(0, "date")]
    clock: Annotated[time | None, Tag(1, "time")] = None


@frozen_by_name
class ServiceDateTime:
    """`original` is there in a repeat: when the service was first sent."""

    this: Annotated[Moment, Tag(0, "date-time-of-this-service")]
    original: Annotated[Moment | None, Tag(1, "date-time-of-original-service")] = None


@frozen_by_name
class Apdu:
    """`type` is the APDU's number. Every APDU has `extensions`, all but Expired a note under the name of its sender."""

    type: ClassVar[ApduType]

    protocol_version: Annotated[int, Tag(0, "protocol-version-num")]
    transaction_id: Annotated[TransactionId, Tag(1)]
    service_date_time: Annotated[ServiceDateTime, Tag(2)]
    requester_id: Annotated[SystemId | None, Tag(3)] = None
    responder_id: Annotated[SystemId | None, Tag(4)] = None

    @property
    def carried(self) -> tuple[Extension, ...]:
        """The extensions, whatever the APDU."""
        found: tuple[Extension, ...] = getattr(self, "extensions", ())
        return found

    @property
    def note_text(self) -> str:
        found: str = getattr(self, "note", "")
        return found
