"""Answers of FOLIO, checked: the fields that the gateway reads, by FOLIO's own names. Pure.

Source: facts/ils-backends.md 1.3. What isn't here is let be; a record that is changed is sent back with all its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.sentences import write_sentence

FolioJson = dict[str, Any]


def _read_zone(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _read_day(value: object) -> object:
    """FOLIO writes days as moments in some releases."""
    return value[:10] if isinstance(value, str) else value


Moment = Annotated[datetime, AfterValidator(_read_zone)]
Day = Annotated[date, BeforeValidator(_read_day)]


class FolioAnswer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class NamedRow(FolioAnswer):
    """A row of a code table; which of the four names it, depends on the table."""

    id: str
    name: str = ""
    code: str = ""
    group: str = ""
    address_type: str = ""

    @property
    def word(self) -> str:
        return self.code or self.name or self.group or self.address_type


class ServicePointRow(FolioAnswer):
    id: str
    code: str
    name: str = ""
    discovery_display_name: str = ""
    pickup_location: bool = False


class LocationRow(FolioAnswer):
    id: str
    code: str
    name: str = ""
    discovery_display_name: str = ""
    primary_service_point: str = ""
    service_point_ids: tuple[str, ...] = ()


class FeeTypeRow(FolioAnswer):
    id: str
    fee_fine_type: str
    owner_id: str = ""


class OwnerRow(FolioAnswer):
    id: str
    owner: str


# --- patrons ---------------------------------------------------------------------------------------------


class AddressAnswer(FolioAnswer):
    address_line1: str = Field("", alias="addressLine1")
    address_line2: str = Field("", alias="addressLine2")
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country_id: str = ""
    address_type_id: str = ""


class PersonalAnswer(FolioAnswer):
    last_name: str
    first_name: str = ""
    middle_name: str = ""
    preferred_first_name: str = ""
    email: str = ""
    phone: str = ""
    mobile_phone: str = ""
    date_of_birth: Day | None = None
    addresses: tuple[AddressAnswer, ...] = ()


class TagsAnswer(FolioAnswer):
    tag_list: tuple[str, ...] = ()


class UserAnswer(FolioAnswer):
    id: str
    personal: PersonalAnswer
    barcode: str = ""
    username: str = ""
    external_system_id: str = ""
    active: bool = False
    patron_group: str = ""
    expiration_date: Moment | None = None
    tags: TagsAnswer = TagsAnswer()


class ManualBlockAnswer(FolioAnswer):
    desc: str = ""
    patron_message: str = ""
    borrowing: bool = False
    renewals: bool = False
    requests: bool = False
    expiration_date: Moment | None = None


class AutomatedBlockAnswer(FolioAnswer):
    message: str = ""
    block_borrowing: bool = False
    block_renewals: bool = False
    block_requests: bool = False


class ServicePointsOfUser(FolioAnswer):
    default_service_point_id: str = ""


class StatusAnswer(FolioAnswer):
    name: str


class MetadataAnswer(FolioAnswer):
    created_date: Moment | None = None


class AccountAnswer(FolioAnswer):
    id: str
    user_id: str
    amount: Decimal
    remaining: Decimal
    fee_fine_type: str = ""
    barcode: str = ""
    date_created: Moment | None = None
    metadata: MetadataAnswer = MetadataAnswer()

    @property
    def posted(self) -> datetime | None:
        return self.date_created or self.metadata.created_date


# --- records and items -----------------------------------------------------------------------------------


class ContributorAnswer(FolioAnswer):
    name: str
    primary: bool = False


class IdentifierAnswer(FolioAnswer):
    value: str
    identifier_type_id: str = ""


class PublicationAnswer(FolioAnswer):
    publisher: str = ""
    place: str = ""
    date_of_publication: str = ""


class InstanceAnswer(FolioAnswer):
    id: str
    title: str
    hrid: str = ""
    contributors: tuple[ContributorAnswer, ...] = ()
    identifiers: tuple[IdentifierAnswer, ...] = ()
    publication: tuple[PublicationAnswer, ...] = ()
    editions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    physical_descriptions: tuple[str, ...] = ()
    discovery_suppress: bool = False


class HoldingsAnswer(FolioAnswer):
    id: str
    instance_id: str
    permanent_location_id: str


class IdAnswer(FolioAnswer):
    id: str
    name: str = ""


class CallNumberAnswer(FolioAnswer):
    prefix: str | None = None
    call_number: str | None = None
    suffix: str | None = None

    @property
    def whole(self) -> str:
        return " ".join(part for part in (self.prefix, self.call_number, self.suffix) if part)


class ItemAnswer(FolioAnswer):
    id: str
    holdings_record_id: str
    status: StatusAnswer
    permanent_loan_type: IdAnswer
    effective_location: IdAnswer
    barcode: str = ""
    title: str = ""
    temporary_loan_type: IdAnswer | None = None
    permanent_location: IdAnswer | None = None
    temporary_location: IdAnswer | None = None
    effective_call_number_components: CallNumberAnswer = CallNumberAnswer()
    copy_number: str = ""
    volume: str = ""
    enumeration: str = ""
    chronology: str = ""
    number_of_pieces: str = ""
    administrative_notes: tuple[str, ...] = ()
    in_transit_destination_service_point_id: str = ""

    @property
    def loan_type_id(self) -> str:
        return (self.temporary_loan_type or self.permanent_loan_type).id

    @property
    def description(self) -> str:
        return " ".join(part for part in (self.volume, self.enumeration, self.chronology) if part)


# --- loans and requests ----------------------------------------------------------------------------------


class LoanItemAnswer(FolioAnswer):
    barcode: str = ""
    title: str = ""
    instance_id: str = ""


class BorrowerAnswer(FolioAnswer):
    barcode: str = ""


class LoanAnswer(FolioAnswer):
    id: str
    item_id: str
    due_date: Moment
    loan_date: Moment
    status: StatusAnswer
    user_id: str = ""  # gone from loans that were anonymised
    return_date: Moment | None = None
    renewal_count: int = 0
    item: LoanItemAnswer = LoanItemAnswer()
    borrower: BorrowerAnswer = BorrowerAnswer()

    @property
    def is_open(self) -> bool:
        return self.status.name == "Open"


class RequestItemAnswer(FolioAnswer):
    barcode: str = ""


class RequestInstanceAnswer(FolioAnswer):
    title: str = ""


class RequestAnswer(FolioAnswer):
    id: str
    request_type: str
    requester_id: str
    status: str
    request_date: Moment
    request_level: str = "Item"
    instance_id: str = ""
    item_id: str = ""
    position: int = 0
    pickup_service_point_id: str = ""
    request_expiration_date: Moment | None = None
    hold_shelf_expiration_date: Moment | None = None
    item: RequestItemAnswer = RequestItemAnswer()
    instance: RequestInstanceAnswer = RequestInstanceAnswer()

    @property
    def is_open(self) -> bool:
        return self.status.startswith("Open")


class CheckedInItemAnswer(FolioAnswer):
    status: StatusAnswer
    instance_id: str = ""
    in_transit_destination_service_point_id: str = ""


class CheckInAnswer(FolioAnswer):
    item: CheckedInItemAnswer | None = None
    loan: LoanAnswer | None = None


# --- reading ---------------------------------------------------------------------------------------------

M = TypeVar("M", bound=FolioAnswer)


def read_answer(model: type[M], answer: object, what: str) -> M:
    """`what`: for people, such as "item". Raises Unavailable naming the fields that are missing or broken, never what
    is in them."""
    try:
        return model.model_validate(_drop_empty(answer))
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in details["loc"]) or "the whole" for details in error.errors()})
        raise Unavailable(
            write_sentence(
                "FOLIO's record of the %(kind)s is not valid: %(fields)s missing or broken",
                kind=what,
                fields=", ".join(places[:5]),
            )
        ) from error


def read_outcome(model: type[M], answer: object, what: str) -> M:
    """Read the answer to a change as `read_answer` does: raises OutcomeUnknown, since the change was carried out."""
    try:
        return read_answer(model, answer, what)
    except Unavailable as broken:
        raise OutcomeUnknown(broken.detail) from broken


def _drop_empty(answer: object) -> object:
    """FOLIO leaves a field out, or writes null."""
    if isinstance(answer, Mapping):
        return {name: _drop_empty(value) for name, value in answer.items() if value is not None}
    if isinstance(answer, list):
        return [_drop_empty(value) for value in answer if value is not None]
    return answer
