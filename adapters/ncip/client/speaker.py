"""Headers and identifiers of messages we send, and the values in them."""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime, tzinfo
from typing import Literal

from adapters.ncip.dialect import NcipDialect
from adapters.ncip.messages import (
    AuthenticationInput,
    BibliographicDescription,
    BibliographicId,
    BibliographicItemId,
    BibliographicRecordId,
    Code,
    InitiationHeader,
    ItemDescription,
    ItemId,
    ItemOptionalFields,
    MandatedAction,
    RequestId,
    UserId,
)
from gateway.domain.circulation_policy import CirculationPolicy, PickupSource
from gateway.domain.library import Money, RecordId
from gateway.domain.value import value_object

STANDARD_NUMBERS = frozenset({"isbn", "issn", "isrc", "ismn"})
"""Codes of numbers that stand on the thing itself, not in a catalogue."""


class UnsupportedValueError(Exception):
    """A value for which this profile or version has no place. `name` is the field of MessageValues."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.reason = reason


@value_object
class MessageParties:
    """The parties of a message. Secrets are the texts themselves, already resolved; empty: none is sent."""

    from_agency: str
    to_agency: str
    profile_type: str = ""
    from_system: str = ""
    to_system: str = ""
    agency_secret: str = field(default="", repr=False)
    system_secret: str = field(default="", repr=False)


@value_object
class MessageBuilder:
    """The facts that building a message needs beside the values."""

    dialect: NcipDialect
    policy: CirculationPolicy
    parties: MessageParties
    zone: tzinfo
    now: datetime

    @property
    def is_version1(self) -> bool:
        return self.dialect.xml.version.is_v1

    # --- the header ------------------------------------------------------------------------------------

    def build_header(self, values: MessageValues) -> InitiationHeader:
        parties, rules = self.parties, self.dialect.header
        receiver = values.to_agency or parties.to_agency
        if values.pickup and self.is_pickup_in_receiver:
            receiver = values.pickup
        return InitiationHeader(
            from_system_id=make_code(parties.from_system, rules.system_scheme),
            from_system_authentication=parties.system_secret or None,
            from_agency_id=make_code(values.from_agency or parties.from_agency, rules.agency_scheme),
            from_agency_authentication=parties.agency_secret or None,
            to_system_id=make_code(parties.to_system, rules.system_scheme),
            to_agency_id=make_code(receiver, rules.agency_scheme),
            application_profile_type=make_code(values.profile_type or parties.profile_type, rules.profile_type_scheme),
        )

    def build_mandated_action(self, values: MessageValues) -> MandatedAction | None:
        return MandatedAction(date_event_occurred=values.happened) if values.happened is not None else None

    # --- identifiers -----------------------------------------------------------------------------------

    def build_agency(self, values: MessageValues) -> Code | None:
        """AgencyId on an id; version 1 requires it."""
        mode = self.dialect.header.ids_agency
        if mode == "always" or self.is_version1:
            return make_code(values.from_agency or self.parties.from_agency, self.dialect.header.agency_scheme)
        return None

    def build_user_id(self, values: MessageValues) -> UserId | None:
        if not values.patron:
            return None
        kind = values.patron_type or self.dialect.patrons.id_type
        return UserId(agency_id=self.build_agency(values), identifier_type=make_code(kind), value=values.patron)

    def build_inputs(self, values: MessageValues) -> tuple[AuthenticationInput, ...]:
        return tuple(
            AuthenticationInput(data=input_.value, format_type=Code("text"), input_type=Code(input_.type))
            for input_ in values.inputs
        )

    def build_first_item_id(self, values: MessageValues) -> ItemId | None:
        return self.build_item_id(values.item, values) if values.item else None

    def build_item_id(self, value: str, values: MessageValues) -> ItemId:
        kind = values.item_type or self.dialect.items.id_type
        return ItemId(agency_id=self.build_agency(values), identifier_type=make_code(kind), value=value)

    def build_request_id(self, values: MessageValues) -> RequestId | None:
        if not values.request:
            return None
        kind = values.request_type or self.dialect.requests.id_type
        return RequestId(agency_id=self.build_agency(values), identifier_type=make_code(kind), value=values.request)

    # --- pickup ----------------------------------------------------------------------------------------

    @property
    def is_pickup_in_receiver(self) -> bool:
        """The pickup place stands in ToAgencyId: all that version 1 has, if the profile reads it there."""
        sources = self.policy.pickup.source
        if PickupSource.RECEIVER not in sources:
            return False
        return self.is_version1 or PickupSource.PICKUP_LOCATION not in sources

    def build_pickup(self, values: MessageValues) -> Code | None:
        """Build the code for PickupLocation. Raises UnsupportedValueError."""
        if not values.pickup or self.is_pickup_in_receiver:
            return None
        if self.is_version1:
            raise UnsupportedValueError(
                "pickup",
                "version 1 has no element for it, and the profile does not read it from ToAgencyId "
                "(circulation.pickup.source)",
            )
        return make_code(values.pickup, self.dialect.requests.pickup_scheme)

    # --- items and records -----------------------------------------------------------------------------

    def build_item_fields(self, values: MessageValues) -> ItemOptionalFields | None:
        described = self.build_description(values)
        place = ItemDescription(call_number=values.call_number) if values.call_number else None
        if described is None and place is None:
            return None
        return ItemOptionalFields(bibliographic_description=described, item_description=place)

    def build_description(self, values: MessageValues) -> BibliographicDescription | None:
        description = BibliographicDescription(
            author=values.author or None,
            bibliographic_item_ids=tuple(_build_bib_item_id(id_) for id_ in values.records if is_standard_number(id_)),
            bibliographic_record_ids=tuple(
                _build_bib_record_id(record) for record in values.records if not is_standard_number(record)
            ),
            edition=values.edition or None,
            publication_date=values.published or None,
            publisher=values.publisher or None,
            title=values.title or None,
            medium_type=make_code(values.medium),
        )
        return None if description == BibliographicDescription() else description


def make_code(value: str, scheme: str = "") -> Code | None:
    return Code(value, scheme or None) if value else None


def make_codes(values: tuple[str, ...]) -> tuple[Code, ...]:
    return tuple(Code(value) for value in values)


def is_standard_number(record: RecordId) -> bool:
    return record.type.strip().lower() in STANDARD_NUMBERS


def build_bibliographic_id(record: RecordId) -> BibliographicId:
    if is_standard_number(record):
        return BibliographicId(bibliographic_item_id=_build_bib_item_id(record))
    return BibliographicId(bibliographic_record_id=_build_bib_record_id(record))


def _build_bib_item_id(record: RecordId) -> BibliographicItemId:
    return BibliographicItemId(identifier=record.value, identifier_code=Code(record.type))


def _build_bib_record_id(record: RecordId) -> BibliographicRecordId:
    return BibliographicRecordId(identifier=record.value, identifier_code=Code(record.type))


@value_object
class CredentialInput:
    """An AuthenticationInput: ('Barcode Id', '2100…'), ('PIN', '…')."""

    type: str
    value: str = field(repr=False)


@value_object(kw_only=True)
class MessageValues:
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
    inputs: tuple[CredentialInput, ...] = ()
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
