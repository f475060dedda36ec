"""What can be said with the messages that we send."""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from typing import Literal

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.library import Money, RecordId


@frozen
class Input:
    """An AuthenticationInput: ('Barcode Id', '2100…'), ('PIN', '…')."""

    type: str
    value: str = field(repr=False)


@frozen_by_name
class Values:
    """Everything that any service can carry; each takes what it has a place for. Empty: not said.

    Identifiers and words are as they stand on the wire. Datetimes are aware; a date means a day.
    """

    # who asks whom, where it isn't as the profile says
    from_agency: str = ""
    to_agency: str = ""
    profile_type: str = ""
    # the patron
    patron: str = ""
    patron_type: str = ""  # UserIdentifierType
    inputs: tuple[Input, ...] = ()
    surname: str = ""
    given: str = ""
    organisation: str = ""
    email: str = ""
    phone: str = ""
    street: str = ""
    city: str = ""
    postcode: str = ""
    country: str = ""
    birth: date | None = None
    language: str = ""
    # item, record, request
    items: tuple[str, ...] = ()
    item_type: str = ""  # ItemIdentifierType
    request: str = ""
    request_type: str = ""  # RequestIdentifierType
    records: tuple[RecordId, ...] = ()  # `type` is the code on the wire: OCLC, ISBN
    title: str = ""
    author: str = ""
    publisher: str = ""
    published: str = ""
    edition: str = ""
    medium: str = ""
    call_number: str = ""
    location: str = ""
    status: str = ""  # CirculationStatus
    barcode: str = ""  # on the piece (VisibleItemId)
    # what is wanted
    kind: str = ""  # RequestType
    scope: str = ""  # RequestScopeType
    action: str = ""  # RequestedActionType
    pickup: str = ""
    pickup_until: datetime | date | None = None
    need_by: datetime | date | None = None
    due: datetime | date | None = None
    renewals: bool = True
    happened: datetime | None = None  # a MandatedAction, or when a notification's event was
    elements: tuple[str, ...] = ()  # User-, Item- or AgencyElementType
    loans: bool = False
    holds: bool = False
    fees: bool = False
    borrower: bool = False
    requesters: bool = False
    limit: int | None = None
    cursor: str = ""
    agency: str = ""  # asked about
    form: Literal["message", "version-message"] = "message"  # root of a LookupVersion
    # money
    amount: Money | None = None
    fee_type: str = ""  # FiscalTransactionType
    fee_action: str = ""  # FiscalActionType
    reference: str = ""
    description: str = ""

    @property
    def item(self) -> str:
        return self.items[0] if self.items else ""
