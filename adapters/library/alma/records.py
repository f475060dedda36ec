"""Values of the gateway for what Alma's JSON says of users, records, items, requests, loans and fees. Pure.

Source: facts/ils-backends.md 1.4. A field that isn't there is taken for empty; what blocks a
patron or keeps an item back is read whatever its type (`json_fields`). An item's id is
its barcode, since all that Alma says of loans and requests names it; loans and requests are found only through their
user, so `NUMBER:USER` is their id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

from adapters.library.alma.options import AlmaOptions
from adapters.library.json_fields import Row, read_flag, read_integer, read_last_day, read_money
from adapters.library.own_marks import MARK_PREFIX
from adapters.marc.citation_texts import clean_title, trim_punctuation
from adapters.marc.xml_elements import local_name, parse_untrusted_xml
from gateway.domain.library import (
    Bib,
    Block,
    BlockCause,
    Charge,
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
    PickupLocation,
    PostalAddress,
    RecordId,
)
from gateway.domain.problems import MalformedMessage, Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object

RECORD_PREFIX = "(illgate)"
"""Before such a text in field 035 of records that the gateway makes: Alma finds records by it."""

OCLC_PREFIX = "(OCoLC)"

_PROCESSES: Mapping[str, ItemStatus] = {
    "LOAN": ItemStatus.ON_LOAN,
    "TRANSIT": ItemStatus.IN_TRANSIT,
    "TRANSIT_TO_REMOTE_STORAGE": ItemStatus.IN_TRANSIT,
    "HOLDSHELF": ItemStatus.ON_HOLD_SHELF,
    "LOST_LOAN": ItemStatus.LOST,
    "LOST_LOAN_AND_PAID": ItemStatus.LOST,
    "LOST_ILL": ItemStatus.LOST,
    "MISSING": ItemStatus.MISSING,
    "CLAIM_RETURNED_LOAN": ItemStatus.CLAIMED_RETURNED,
    "ACQ": ItemStatus.IN_PROCESS,
    "WORK_ORDER_DEPARTMENT": ItemStatus.IN_PROCESS,
    "ILL": ItemStatus.NOT_AVAILABLE,
}
"""Of an item that is not in place (process_type); all others are not available."""

_HOLD_STATUSES: Mapping[str, HoldStatus] = {
    "NOT_STARTED": HoldStatus.WAITING,
    "IN_PROCESS": HoldStatus.PAGED,
    "ON_HOLD_SHELF": HoldStatus.READY,
}

_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


@value_object
class AlmaRecordReader:
    options: AlmaOptions
    zone: tzinfo
    currency: str

    # --- patrons -----------------------------------------------------------------------------------------

    def read_patron(self, row: Row, today: date) -> Patron:
        """`today`: in the library's zone. Raises Unavailable for a row without an identifier."""
        expires = read_last_day(row, "expiry_date")
        balance = read_amount(row, "fees")
        return Patron(
            id=read_number(row, "primary_id"),
            identifiers=tuple(self._read_identifiers(row)),
            name=PersonName(surname=read_text(row, "last_name"), given=read_text(row, "first_name")),
            category=read_text(row, "user_group"),
            home_library=read_text(row, "campus_code") or self.options.library,
            contacts=tuple(_read_contacts(row)),
            blocks=tuple(_read_blocks(row, expires, today)),
            expires=expires,
            balance=Money(balance, self.currency) if balance is not None else None,
            loan_count=read_count(row, "loans"),
            hold_count=read_count(row, "requests"),
            language=read_text(row, "preferred_language"),
            date_of_birth=parse_day(read_text(row, "birth_date")),
        )

    def _read_identifiers(self, row: Row) -> Iterable[PatronIdentifier]:
        ours = {theirs: mine for mine, theirs in self.options.identifier_types.items()}
        for identifier in read_rows(row, "user_identifier"):
            kind, value = read_text(identifier, "id_type"), read_text(identifier, "value")
            if not value or read_text(identifier, "status") == "INACTIVE":
                continue
            is_barcode = kind in self.options.barcode_types
            yield PatronIdentifier(IdentifierType.BARCODE.value if is_barcode else ours.get(kind, kind), value)
        yield PatronIdentifier(IdentifierType.USERNAME.value, read_number(row, "primary_id"))

    # --- records and items -------------------------------------------------------------------------------

    def read_bib(self, row: Row) -> Bib:
        identifiers = [
            RecordId(kind, value) for kind in ("isbn", "issn") for value in read_text(row, kind).split() if value
        ]
        for number in read_texts(row, "network_number"):
            if number.startswith(OCLC_PREFIX):
                identifiers.append(RecordId("oclc", number.removeprefix(OCLC_PREFIX)))
        return Bib(
            id=read_number(row, "mms_id"),
            title=clean_title(read_text(row, "title")),
            author=trim_punctuation(read_text(row, "author")),
            identifiers=tuple(identifiers),
            edition=read_text(row, "complete_edition"),
            publisher=trim_punctuation(read_text(row, "publisher_const")),
            place=trim_punctuation(read_text(row, "place_of_publication")),
            published=read_text(row, "date_of_publication"),
            suppressed=read_flag(row, "suppress_from_publishing"),
        )

    def read_item(self, row: Row, holds: tuple[Row, ...], loan: Row | None) -> Item:
        """`holds`: those that it may fill; `loan`: its open one."""
        data, holding = read_row(row, "item_data"), read_row(row, "holding_data")
        home = Location(read_text(data, "library"), read_text(data, "location"))
        current, policy = home, ""
        if read_flag(holding, "in_temp_location"):
            current = Location(read_text(holding, "temp_library"), read_text(holding, "temp_location"))
            policy = read_text(holding, "temp_policy")
        policy = policy or read_text(data, "policy")
        return Item(
            id=read_text(data, "barcode") or read_number(data, "pid"),
            barcode=read_text(data, "barcode"),
            bib_id=read_number(read_row(row, "bib_data"), "mms_id"),
            status=read_item_status(row),
            policy=policy,
            home=home,
            current=current,
            call_number=read_text(holding, "call_number"),
            copy_number=read_text(holding, "copy_id"),
            description=read_text(data, "description"),
            hold_count=len(holds),
            circulates=policy not in self.options.not_lent,
            due=parse_moment(read_text(loan, "due_date")) if loan is not None else None,
            temporary=is_marked(data),
        )

    # --- holds, loans, fees ------------------------------------------------------------------------------

    def read_hold(self, row: Row) -> Hold:
        """Read a hold without what only the gateway knows: key and request number."""
        user = read_number(row, "user_primary_id")
        status = _HOLD_STATUSES.get(read_text(row, "request_status"), HoldStatus.WAITING)
        if status is HoldStatus.PAGED and "transit" in read_text(row, "task_name").casefold():
            status = HoldStatus.IN_TRANSIT
        expires = parse_day(read_text(row, "expiry_date"))
        day = parse_day(read_text(row, "request_date"))
        placed = parse_moment(read_text(row, "request_time"))
        if placed is None and day is not None:
            placed = datetime.combine(day, time(), self.zone).astimezone(UTC)
        barcode = read_text(row, "barcode")
        return Hold(
            id=f"{read_number(row, 'request_id')}:{user}",
            key="",
            request_id="",
            patron_id=user,
            bib_id=read_text(row, "mms_id"),
            item_id=barcode,
            pickup=read_text(row, "pickup_location_library"),
            status=status,
            placed=placed or _NO_MOMENT,
            position=read_count(row, "place_in_queue"),
            expires=parse_day(read_text(row, "last_interest_date")),
            ready_until=expires if status is HoldStatus.READY else None,
            item_barcode=barcode,
            title=clean_title(read_text(row, "title")),
        )

    def read_loan(self, row: Row) -> Loan:
        """Read a loan without what only the gateway knows. Raises Unavailable for a loan without a due date."""
        due = parse_moment(read_text(row, "due_date"))
        if due is None:
            raise Unavailable(write_about("Alma", write_sentence("the loan has no due date")))
        user, barcode = read_number(row, "user_id"), read_number(row, "item_barcode")
        return Loan(
            id=f"{read_number(row, 'loan_id')}:{user}",
            key="",
            request_id="",
            item_id=barcode,
            item_barcode=barcode,
            bib_id=read_text(row, "mms_id"),
            patron_id=user,
            lent=parse_moment(read_text(row, "loan_date")) or _NO_MOMENT,
            due=due,
            title=clean_title(read_text(row, "title")),
        )

    def read_charge(self, row: Row, patron_id: str) -> Charge:
        """Read a charge without what only the gateway knows."""
        amount = read_amount(row, "original_amount") or Decimal(0)
        balance = read_amount(row, "balance")
        return Charge(
            id=read_number(row, "id"),
            key="",
            patron_id=patron_id,
            type=read_text(row, "type"),
            amount=Money(amount, self.currency),
            posted=parse_moment(read_text(row, "creation_time")) or _NO_MOMENT,
            description=read_text(row, "title"),
            item_barcode=read_text(row, "barcode"),
            paid=amount - balance if balance is not None else Decimal(0),
        )

    def read_pickup(self, row: Row) -> PickupLocation:
        code = read_text(row, "code")
        return PickupLocation(code, read_text(row, "name") or code, code, code == self.options.library)


def read_item_status(row: Row) -> ItemStatus:
    data = read_row(row, "item_data")
    process = read_text(data, "process_type")
    if process in _PROCESSES:
        return _PROCESSES[process]
    return ItemStatus.AVAILABLE if read_text(data, "base_status") == "1" else ItemStatus.NOT_AVAILABLE


def is_for_item(hold: Row, barcode: str) -> bool:
    """A request of the record that this item may fill."""
    return read_text(hold, "barcode") in ("", barcode)


def is_hold(row: Row) -> bool:
    """Return whether it is a hold: not a booking, digitisation or move, and not over."""
    return read_text(row, "request_type") == "HOLD" and read_text(row, "request_status") in _HOLD_STATUSES


def is_marked(data: Row) -> bool:
    """Return whether an item is a partner's, made by the gateway. `data`: its `item_data`."""
    return any(word.startswith(MARK_PREFIX) for word in read_text(data, "internal_note_1").split())


def split_id(text: str) -> tuple[str, str] | None:
    """Number and user of a loan or request. None: it is no such id."""
    number, _, user = text.partition(":")
    return (number, user) if number.isascii() and number.isdigit() and user else None


def read_pid(row: Row) -> str:
    """Alma's own number of an item. Raises Unavailable."""
    return read_number(read_row(row, "item_data"), "pid")


def read_xml_row(text: str) -> Row:
    """The plain fields of a record or holding in XML, as its JSON has them. Empty where it is no such XML."""
    try:
        root = parse_untrusted_xml(text.encode())
    except MalformedMessage:
        return {}
    fields: dict[str, Any] = {local_name(element): element.text or "" for element in root if len(element) == 0}
    numbers = [node.text or "" for node in root.iter() if local_name(node) == "network_number" and len(node) == 0]
    return {**fields, "network_number": numbers}


def read_row(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


def read_rows(row: Row, key: str) -> tuple[Row, ...]:
    """One alone may come without a list. Raises Unavailable."""
    value = row.get(key)
    rows = [value] if isinstance(value, dict) else value or []
    if not isinstance(rows, list) or not all(isinstance(entry, dict) for entry in rows):
        raise Unavailable(write_sentence("the library system's answer cannot be read: %(name)s", name=key))
    return tuple(rows)


def read_texts(row: Row, key: str) -> tuple[str, ...]:
    value = row.get(key)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def read_text(row: Row, key: str) -> str:
    """Plain, or the code of a coded field (`{"value", "desc"}`)."""
    value = row.get(key)
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def read_number(row: Row, key: str) -> str:
    """Read a number; raises Unavailable."""
    text = read_text(row, key)
    if not text:
        raise Unavailable(write_about("Alma", write_sentence("the answer has no %(name)s", name=key)))
    return text


def read_count(row: Row, key: str) -> int:
    """Read a count; raises Unavailable."""
    return read_integer(_unwrap(row, key), key)


def read_amount(row: Row, key: str) -> Decimal | None:
    """Read an amount; raises Unavailable."""
    return read_money(_unwrap(row, key), key)


def _unwrap(row: Row, key: str) -> Row:
    """A field that may be coded (`{"value", "desc"}`), without its coat."""
    value = row.get(key)
    return {key: value.get("value") if isinstance(value, dict) else value}


def parse_day(text: str) -> date | None:
    """`2027-01-01Z`"""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def parse_moment(text: str) -> datetime | None:
    """Parse a moment in UTC, as Alma gives all moments."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)


def write_day(day: date) -> str:
    return f"{day.isoformat()}Z"


def write_moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_blocks(row: Row, expires: date | None, today: date) -> Iterable[Block]:
    if expires is not None and expires < today:
        yield Block("the membership has expired", since=expires, cause=BlockCause.EXPIRED)
    if read_text(row, "status") == "INACTIVE":
        yield Block("the user is inactive", cause=BlockCause.INACTIVE)
    for block in read_rows(row, "user_block"):
        until = read_last_day(block, "expiry_date")
        if read_text(block, "block_status") != "INACTIVE" and (until is None or until >= today):
            described = read_text(read_row(block, "block_description"), "desc")
            yield Block(described or "a block by the library", until=until, message=described)


def _read_contacts(row: Row) -> Iterable[Contact]:
    info = read_row(row, "contact_info")
    for address in read_rows(info, "address"):
        postal = PostalAddress(
            line1=read_text(address, "line1"),
            line2=read_text(address, "line2"),
            locality=read_text(address, "city"),
            region=read_text(address, "state_province"),
            postal_code=read_text(address, "postal_code"),
            country=read_text(address, "country"),
        )
        yield Contact(ContactKind.POSTAL, postal=postal)
    for name, key, kind in (
        ("email", "email_address", ContactKind.EMAIL),
        ("phone", "phone_number", ContactKind.PHONE),
    ):
        for contact in sorted(read_rows(info, name), key=lambda row: row.get("preferred") is not True):
            if value := read_text(contact, key):
                yield Contact(kind, "home", value)
