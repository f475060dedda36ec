"""FOLIO's patrons, items, requests and loans as the gateway's values. Pure.

FOLIO has institutions, campuses, libraries, locations and service points. What the gateway calls a branch is a service
point here: items come from one (that of their location), go to one, and are collected at one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from adapters.library.folio.answers import (
    AccountAnswer,
    AutomatedBlockAnswer,
    HoldingsAnswer,
    InstanceAnswer,
    ItemAnswer,
    LoanAnswer,
    LocationRow,
    ManualBlockAnswer,
    RequestAnswer,
    UserAnswer,
)
from adapters.library.folio.code_tables import ServicePoints
from adapters.library.folio.options import FolioOptions
from gateway.domain.library import (
    Bib,
    Block,
    BlockCause,
    BlockScope,
    Contact,
    ContactKind,
    Hold,
    HoldStatus,
    IdentifierType,
    Item,
    ItemStatus,
    Loan,
    Location,
    Money,
    Patron,
    PatronIdentifier,
    PersonName,
    PostalAddress,
    RecordId,
)
from gateway.domain.value import value_object

ITEM_STATUSES: Mapping[str, ItemStatus] = {
    "Available": ItemStatus.AVAILABLE,
    "Paged": ItemStatus.AVAILABLE,  # on its shelf; that somebody waits, the length of the queue says
    "Checked out": ItemStatus.ON_LOAN,
    "In transit": ItemStatus.IN_TRANSIT,
    "Awaiting pickup": ItemStatus.ON_HOLD_SHELF,
    "Awaiting delivery": ItemStatus.ON_HOLD_SHELF,
    "Missing": ItemStatus.MISSING,
    "Long missing": ItemStatus.MISSING,
    "Declared lost": ItemStatus.LOST,
    "Aged to lost": ItemStatus.LOST,
    "Lost and paid": ItemStatus.LOST,
    "Claimed returned": ItemStatus.CLAIMED_RETURNED,
    "In process": ItemStatus.IN_PROCESS,
    "In process (non-requestable)": ItemStatus.IN_PROCESS,
    "On order": ItemStatus.IN_PROCESS,
    "Order closed": ItemStatus.IN_PROCESS,
}
"""What isn't here (Withdrawn, Restricted, Intellectual item, Unavailable, Unknown) is not available."""

LENT_STATUSES = frozenset({"Checked out", "Claimed returned", "Declared lost", "Aged to lost"})
"""Of these there is an open loan."""

REQUEST_STATUSES: Mapping[str, HoldStatus] = {
    "Open - Awaiting pickup": HoldStatus.READY,
    "Open - Awaiting delivery": HoldStatus.READY,
    "Open - In transit": HoldStatus.IN_TRANSIT,
    "Closed - Filled": HoldStatus.FILLED,
    "Closed - Cancelled": HoldStatus.CANCELLED,
    "Closed - Unfilled": HoldStatus.EXPIRED,
    "Closed - Pickup expired": HoldStatus.EXPIRED,
}

TEMPORARY_NOTE = "illgate: partner's item"
"""The beginning of an administrative note: who sees the item in FOLIO knows what it is, and so does the gateway, for as
long as the item lives."""

TEMPORARY_TAG = "illgate-temporary"
"""Of a patron whom a partner's message made, and another may delete."""

EXPIRED = "the membership has expired"
INACTIVE = "the membership is not active"

ISBN_TYPES: Mapping[str, str] = {"isbn": "ISBN", "issn": "ISSN", "oclc": "OCLC", "lccn": "LCCN", "doi": "DOI"}
"""Our types of identifiers -> names of FOLIO's reference data."""

_WORDS = {name: word for word, name in ISBN_TYPES.items()}


# --- patrons ---------------------------------------------------------------------------------------------


@value_object
class PatronParts:
    """The records that FOLIO keeps in several places about one patron. `branch`: code of the default service point."""

    user: UserAnswer
    manual_blocks: tuple[ManualBlockAnswer, ...]
    automated_blocks: tuple[AutomatedBlockAnswer, ...]
    owed: Decimal
    loan_count: int
    hold_count: int
    branch: str


@value_object
class PatronReader:
    options: FolioOptions
    zone: tzinfo
    currency: str

    def read_patron(
        self, parts: PatronParts, groups: Mapping[str, str], address_types: Mapping[str, str], now: datetime
    ) -> Patron:
        user = parts.user
        return Patron(
            id=user.id,
            identifiers=tuple(read_identifiers(user)),
            name=read_name(user),
            category=groups.get(user.patron_group, ""),
            home_library=parts.branch or self.options.branch or self.options.service_point,
            contacts=tuple(_read_contacts(user, address_types)),
            blocks=tuple(self._read_blocks(parts, now)),
            expires=self.read_day(user.expiration_date) if user.expiration_date is not None else None,
            balance=Money(parts.owed, self.currency),
            loan_count=parts.loan_count,
            hold_count=parts.hold_count,
            date_of_birth=user.personal.date_of_birth,
            temporary=TEMPORARY_TAG in user.tags.tag_list,
        )

    def _read_blocks(self, parts: PatronParts, now: datetime) -> Iterable[Block]:
        expires = parts.user.expiration_date
        if expires is not None and expires < now:
            yield Block(EXPIRED, since=self.read_day(expires), cause=BlockCause.EXPIRED)
        elif not parts.user.active:
            yield Block(INACTIVE, cause=BlockCause.INACTIVE)
        for manual in parts.manual_blocks:
            until = manual.expiration_date
            if until is not None and until < now:
                continue
            scopes = _scopes(manual.borrowing, manual.requests, manual.renewals)
            if scopes:
                reason = manual.desc or manual.patron_message or "blocked by the library"
                yield Block(
                    reason,
                    scopes,
                    until=self.read_day(until) if until is not None else None,
                    message=manual.patron_message,
                )
        for automated in parts.automated_blocks:
            scopes = _scopes(automated.block_borrowing, automated.block_requests, automated.block_renewals)
            if scopes:
                message = automated.message
                yield Block(message or "blocked by the library's rules", scopes, message=message)

    def read_day(self, moment: datetime) -> date:
        """The last day of a membership that ends at this moment."""
        return (moment - timedelta(seconds=1)).astimezone(self.zone).date()

    def write_day(self, day: date) -> str:
        """The end of a day in the library's zone, as FOLIO writes moments."""
        return write_moment(datetime.combine(day, time(23, 59, 59), self.zone))


def _scopes(borrow: bool, request: bool, renew: bool) -> frozenset[BlockScope]:
    flags = {BlockScope.BORROW: borrow, BlockScope.REQUEST: request, BlockScope.RENEW: renew}
    return frozenset(scope for scope, is_on in flags.items() if is_on)


def read_name(user: UserAnswer) -> PersonName:
    person = user.personal
    return PersonName(person.last_name, person.preferred_first_name or person.first_name, initials=person.middle_name)


def read_identifiers(user: UserAnswer) -> Iterable[PatronIdentifier]:
    if user.barcode:
        yield PatronIdentifier(IdentifierType.BARCODE.value, user.barcode)
    if user.external_system_id:
        yield PatronIdentifier(IdentifierType.EXTERNAL.value, user.external_system_id)
    if user.username:
        yield PatronIdentifier(IdentifierType.USERNAME.value, user.username)


def _read_contacts(user: UserAnswer, address_types: Mapping[str, str]) -> Iterable[Contact]:
    personal = user.personal
    if personal.email:
        yield Contact(ContactKind.EMAIL, value=personal.email)
    if personal.phone:
        yield Contact(ContactKind.PHONE, value=personal.phone)
    if personal.mobile_phone:
        yield Contact(ContactKind.PHONE, "mobile", personal.mobile_phone)
    for address in personal.addresses:
        postal = PostalAddress(
            address.address_line1,
            address.address_line2,
            address.city,
            address.region,
            address.postal_code,
            address.country_id,
        )
        role = address_types.get(address.address_type_id, "").casefold() or "home"
        yield Contact(ContactKind.POSTAL, role, postal=postal)


def read_owed(accounts: Iterable[AccountAnswer]) -> Decimal:
    return sum((account.remaining for account in accounts), Decimal(0))


# --- records and items -----------------------------------------------------------------------------------


def read_bib(instance: InstanceAnswer, identifier_types: Mapping[str, str]) -> Bib:
    authors = sorted(instance.contributors, key=lambda contributor: not contributor.primary)
    publication = instance.publication[0] if instance.publication else None
    return Bib(
        id=instance.id,
        title=instance.title,
        author=authors[0].name if authors else "",
        identifiers=tuple(_read_record_ids(instance, identifier_types)),
        edition=instance.editions[0] if instance.editions else "",
        publisher=publication.publisher if publication else "",
        place=publication.place if publication else "",
        published=publication.date_of_publication if publication else "",
        pages=instance.physical_descriptions[0] if instance.physical_descriptions else "",
        language=instance.languages[0] if instance.languages else "",
        suppressed=instance.discovery_suppress,
    )


def _read_record_ids(instance: InstanceAnswer, identifier_types: Mapping[str, str]) -> Iterable[RecordId]:
    for identifier in instance.identifiers:
        name = identifier_types.get(identifier.identifier_type_id, "")
        yield RecordId(_WORDS.get(name, name.casefold() or "other"), identifier.value)


@value_object
class ItemParts:
    """`holdings` None: not asked for, since the item has a location of its own."""

    item: ItemAnswer
    instance_id: str
    holdings: HoldingsAnswer | None
    hold_count: int
    loan: LoanAnswer | None


@value_object
class ItemReader:
    options: FolioOptions
    locations: Mapping[str, LocationRow]
    service_points: ServicePoints
    loan_types: Mapping[str, str]

    def read_item(self, parts: ItemParts) -> Item:
        item = parts.item
        policy = self.loan_types.get(item.loan_type_id, "")
        current = self.read_location(item.effective_location.id)
        home = current
        if item.permanent_location is not None:
            home = self.read_location(item.permanent_location.id)
        elif item.temporary_location is not None and parts.holdings is not None:
            home = self.read_location(parts.holdings.permanent_location_id)
        return Item(
            id=item.id,
            barcode=item.barcode,
            bib_id=parts.instance_id,
            status=read_item_status(item.status.name, parts.hold_count),
            policy=policy,
            home=home,
            current=current,
            call_number=item.effective_call_number_components.whole,
            copy_number=item.copy_number,
            description=item.description,
            pieces=int(item.number_of_pieces)
            if item.number_of_pieces.isascii() and item.number_of_pieces.isdigit()
            else 1,
            hold_count=parts.hold_count,
            temporary=is_temporary(item),
            circulates=policy not in self.options.not_lent,
            due=parts.loan.due_date if parts.loan is not None else None,
        )

    def read_location(self, location_id: str) -> Location:
        row = self.locations.get(location_id)
        if row is None:
            return Location("")
        name = row.discovery_display_name or row.name
        return Location(self.service_points.code_of(row.primary_service_point), row.code, name)


def is_temporary(item: ItemAnswer) -> bool:
    return any(note.startswith(TEMPORARY_NOTE) for note in item.administrative_notes)


def read_item_status(name: str, hold_count: int) -> ItemStatus:
    """Read a status; what lies ready for somebody whose request was cancelled may be lent to anybody."""
    status = ITEM_STATUSES.get(name, ItemStatus.NOT_AVAILABLE)
    return ItemStatus.AVAILABLE if status is ItemStatus.ON_HOLD_SHELF and not hold_count else status


# --- requests and loans ----------------------------------------------------------------------------------


@value_object
class OwnMarks:
    """The facts that the gateway remembers of a request or a loan, since FOLIO doesn't keep them."""

    key: str = ""
    request_id: str = ""
    need_by: date | None = None


def read_hold(request: RequestAnswer, marks: OwnMarks, service_points: ServicePoints, zone: tzinfo) -> Hold:
    expires, ready_until = request.request_expiration_date, request.hold_shelf_expiration_date
    status = REQUEST_STATUSES.get(request.status, HoldStatus.WAITING)
    if status is HoldStatus.WAITING and request.request_type == "Page":
        status = HoldStatus.PAGED
    return Hold(
        id=request.id,
        key=marks.key,
        request_id=marks.request_id,
        patron_id=request.requester_id,
        bib_id=request.instance_id,
        item_id=request.item_id,
        pickup=service_points.code_of(request.pickup_service_point_id),
        status=status,
        placed=request.request_date,
        kind=request.request_type.casefold(),
        position=request.position,
        need_by=marks.need_by,
        expires=expires.astimezone(zone).date() if expires is not None else None,
        ready_until=ready_until.astimezone(zone).date() if ready_until is not None else None,
        item_barcode=request.item.barcode,
        title=request.instance.title,
    )


def read_loan(loan: LoanAnswer, marks: OwnMarks) -> Loan:
    return Loan(
        id=loan.id,
        key=marks.key,
        request_id=marks.request_id,
        item_id=loan.item_id,
        item_barcode=loan.item.barcode,
        bib_id=loan.item.instance_id,
        patron_id=loan.user_id,
        lent=loan.loan_date,
        due=loan.due_date,
        returned=loan.return_date,
        renewals=loan.renewal_count,
        title=loan.item.title,
    )


def write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+00:00"
