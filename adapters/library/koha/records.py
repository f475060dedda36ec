"""Values of the gateway for what Koha's JSON says of patrons, items, holds, loans and fees. Pure.

Source: facts/ils-backends.md 1.2. A field that isn't there is taken for empty, as releases differ; what blocks a patron
or keeps an item back is read whatever its type (`json_fields`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal

from adapters.library.json_fields import Row, read_flag, read_integer, read_last_day, read_money
from adapters.library.koha.options import KohaOptions
from adapters.library.own_marks import MARK_PREFIX
from adapters.marc.citation_texts import clean_title, trim_punctuation
from gateway.domain.library import (
    Bib,
    Block,
    BlockCause,
    BlockScope,
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
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import NamedPatron

HOLD_STATUSES: Mapping[str, HoldStatus] = {
    "W": HoldStatus.READY,
    "T": HoldStatus.IN_TRANSIT,
    "P": HoldStatus.PAGED,  # in process
}
"""Of a hold that has found its item; all others wait."""

_ITEM_STATUSES: Mapping[HoldStatus, ItemStatus] = {
    HoldStatus.READY: ItemStatus.ON_HOLD_SHELF,
    HoldStatus.IN_TRANSIT: ItemStatus.IN_TRANSIT,
    HoldStatus.PAGED: ItemStatus.IN_PROCESS,
}

_BORROW = frozenset({BlockScope.BORROW})


@value_object
class KohaRecordReader:
    options: KohaOptions
    zone: tzinfo
    currency: str

    # --- patrons -----------------------------------------------------------------------------------------

    def read_named_patron(self, row: Row) -> NamedPatron:
        """Read a patron; raises Unavailable for a row without a number."""
        number = read_text(row, "cardnumber") or read_text(row, "userid")
        return NamedPatron(read_number(row, "patron_id"), number, _read_name(row))

    def read_patron(self, row: Row, hold_count: int, today: date) -> Patron:
        """`today`: in the library's zone. Raises Unavailable for a row without a number."""
        expires = read_last_day(row, "expiry_date")
        balance = read_money(row, "account_balance")
        numbers = (
            (IdentifierType.BARCODE, read_text(row, "cardnumber")),
            (IdentifierType.USERNAME, read_text(row, "userid")),
        )
        return Patron(
            id=read_number(row, "patron_id"),
            identifiers=tuple(PatronIdentifier(kind.value, value) for kind, value in numbers if value),
            name=_read_name(row),
            category=read_text(row, "category_id"),
            home_library=read_text(row, "library_id"),
            contacts=tuple(_read_contacts(row)),
            blocks=tuple(self._read_blocks(row, expires, balance, today)),
            expires=expires,
            balance=Money(balance, self.currency) if balance is not None else None,
            loan_count=read_integer(row, "checkouts_count"),
            hold_count=hold_count,
            language="" if read_text(row, "lang") == "default" else read_text(row, "lang"),
            date_of_birth=parse_day(read_text(row, "date_of_birth")),
        )

    def _read_blocks(self, row: Row, expires: date | None, balance: Decimal | None, today: date) -> Iterable[Block]:
        if expires is not None and expires < today:
            yield Block("the membership has expired", since=expires, cause=BlockCause.EXPIRED)
        if read_flag(row, "restricted"):
            yield Block("a restriction by the library")
        if read_flag(row, "patron_card_lost"):
            yield Block("the card was reported lost", cause=BlockCause.CARD_LOST)
        if read_flag(row, "incorrect_address"):
            yield Block("the address is not confirmed", cause=BlockCause.ADDRESS)
        limit = self.options.fine_limit
        if limit is not None and balance is not None and balance > limit:
            yield Block(f"fees above {limit} {self.currency}", _BORROW, cause=BlockCause.FEES)

    # --- records and items -------------------------------------------------------------------------------

    def read_bib(self, row: Row) -> Bib:
        identifiers = [
            RecordId(kind, value)
            for kind, key in (("isbn", "isbn"), ("issn", "issn"), ("lccn", "lccn"))
            for value in split_values(read_text(row, key))
        ]
        return Bib(
            id=read_number(row, "biblio_id"),
            title=clean_title(read_text(row, "title")),
            author=trim_punctuation(read_text(row, "author")),
            identifiers=tuple(identifiers),
            edition=read_text(row, "edition_statement"),
            publisher=read_text(row, "publisher"),
            place=read_text(row, "publication_place"),
            published=read_text(row, "publication_year") or read_text(row, "copyright_date"),
            series=read_text(row, "series_title"),
            pages=read_text(row, "pages"),
            suppressed=read_flag(row, "opac_suppressed"),
        )

    def read_item(self, row: Row, holds: tuple[Row, ...], loan: Row | None) -> Item:
        """`holds`: the open ones of its record; `loan`: the open one of the item."""
        number = read_number(row, "item_id")
        mine = tuple(hold for hold in holds if is_for_item(hold, number))
        home, holding = read_text(row, "home_library_id"), read_text(row, "holding_library_id")
        shelf = read_text(row, "location")
        not_for_loan = read_integer(row, "effective_not_for_loan_status") or read_integer(row, "not_for_loan_status")
        policy = read_text(row, "effective_item_type_id") or read_text(row, "item_type_id")
        return Item(
            id=number,
            barcode=read_text(row, "external_id"),
            bib_id=read_number(row, "biblio_id"),
            status=self._read_status(row, mine, number, not_for_loan),
            policy=policy,
            home=Location(home, read_text(row, "permanent_location") or shelf),
            current=Location(holding or home, shelf),
            call_number=read_text(row, "callnumber"),
            copy_number=read_text(row, "copy_number"),
            description=read_text(row, "serial_issue_number"),
            hold_count=len(mine),
            temporary=policy in self.options.temporary_item_types or is_marked(read_text(row, "internal_notes")),
            circulates=not_for_loan <= 0,
            due=parse_moment(read_text(loan, "due_date"), self.zone) if loan is not None else None,
        )

    def _read_status(self, row: Row, holds: tuple[Row, ...], number: str, not_for_loan: int) -> ItemStatus:
        lost = read_integer(row, "lost_status")
        if lost:
            return ItemStatus.MISSING if lost in self.options.missing_statuses else ItemStatus.LOST
        if row.get("checked_out_date"):
            return ItemStatus.ON_LOAN
        if read_integer(row, "withdrawn") or read_integer(row, "damaged_status"):
            return ItemStatus.NOT_AVAILABLE
        for hold in holds:
            status = HOLD_STATUSES.get(read_text(hold, "status"))
            if status is not None and read_text(hold, "item_id") == number:
                return _ITEM_STATUSES[status]
        return ItemStatus.IN_PROCESS if not_for_loan < 0 else ItemStatus.AVAILABLE

    # --- holds, loans, fees ------------------------------------------------------------------------------

    def read_hold(self, row: Row, item_barcode: str, title: str) -> Hold:
        """Read a hold without what only the gateway knows: key and request number. `placed` is the day at its
        beginning, as Koha keeps no time."""
        status = HOLD_STATUSES.get(read_text(row, "status"), HoldStatus.WAITING)
        expires = parse_day(read_text(row, "expiration_date"))
        day = parse_day(read_text(row, "hold_date")) or date.min
        is_ready = status is HoldStatus.READY
        return Hold(
            id=read_number(row, "hold_id"),
            key="",
            request_id="",
            patron_id=read_number(row, "patron_id"),
            bib_id=read_number(row, "biblio_id"),
            item_id=read_text(row, "item_id"),
            pickup=read_text(row, "pickup_library_id"),
            status=status,
            placed=datetime.combine(day, time(), self.zone).astimezone(UTC) if day > date.min else _NO_MOMENT,
            position=read_integer(row, "priority"),
            expires=None if is_ready else expires,
            ready_until=expires if is_ready else None,
            item_barcode=item_barcode,
            title=title,
        )

    def read_loan(self, row: Row, item: Row) -> Loan:
        """Read a loan without what only the gateway knows. Raises Unavailable for a loan without a due date."""
        due = parse_moment(read_text(row, "due_date"), self.zone)
        if due is None:
            raise Unavailable(write_about("Koha", write_sentence("the loan has no due date")))
        biblio = item.get("biblio")
        return Loan(
            id=read_number(row, "checkout_id"),
            key="",
            request_id="",
            item_id=read_number(row, "item_id"),
            item_barcode=read_text(item, "external_id"),
            bib_id=read_text(item, "biblio_id"),
            patron_id=read_number(row, "patron_id"),
            lent=parse_moment(read_text(row, "checkout_date"), self.zone) or _NO_MOMENT,
            due=due,
            renewals=read_integer(row, "renewals_count"),
            title=read_title(biblio),
        )

    def read_charge(self, row: Row, patron_id: str) -> Charge:
        """Read a charge without what only the gateway knows."""
        amount = read_money(row, "amount") or Decimal(0)
        outstanding = read_money(row, "amount_outstanding")
        return Charge(
            id=read_number(row, "account_line_id"),
            key="",
            patron_id=patron_id,
            type=read_text(row, "type"),
            amount=Money(amount, self.currency),
            posted=parse_moment(read_text(row, "date"), self.zone) or _NO_MOMENT,
            description=read_text(row, "description"),
            paid=amount - outstanding if outstanding is not None else Decimal(0),
        )

    def read_pickup(self, row: Row) -> PickupLocation:
        code = read_text(row, "library_id")
        return PickupLocation(code, read_text(row, "name") or code, code, code == self.options.resource_sharing_branch)


_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def is_for_item(hold: Row, item_id: str) -> bool:
    """A hold of the record that this item may fill."""
    return read_text(hold, "item_id") in ("", item_id)


def is_marked(text: str) -> bool:
    """Return whether the gateway has made what this note stands in."""
    return MARK_PREFIX in text


def read_title(biblio: object) -> str:
    """Read the title of a record; empty where there is none."""
    return clean_title(read_text(biblio, "title")) if isinstance(biblio, dict) else ""


def read_text(row: Row, key: str) -> str:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _read_name(row: Row) -> PersonName:
    return PersonName(read_text(row, "surname"), read_text(row, "firstname"), prefix=read_text(row, "title"))


def read_number(row: Row, key: str) -> str:
    """Koha's numbers are whole; in the gateway they are texts. Raises Unavailable."""
    text = read_text(row, key)
    if not text:
        raise Unavailable(write_about("Koha", write_sentence("the answer has no %(name)s", name=key)))
    return text


def parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def parse_moment(text: str, zone: tzinfo) -> datetime | None:
    """Parse a moment in UTC. Without an offset it is in the library's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)


def split_values(text: str) -> tuple[str, ...]:
    """Values of a repeated MARC field, as Koha joins them."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


def _read_contacts(row: Row) -> Iterable[Contact]:
    postal = PostalAddress(
        line1=" ".join(part for part in (read_text(row, "street_number"), read_text(row, "address")) if part),
        line2=read_text(row, "address2"),
        locality=read_text(row, "city"),
        region=read_text(row, "state"),
        postal_code=read_text(row, "postal_code"),
        country=read_text(row, "country"),
    )
    if postal != PostalAddress():
        yield Contact(ContactKind.POSTAL, postal=postal)
    for key, kind in (
        ("email", ContactKind.EMAIL),
        ("secondary_email", ContactKind.EMAIL),
        ("phone", ContactKind.PHONE),
        ("mobile", ContactKind.PHONE),
    ):
        if value := read_text(row, key):
            yield Contact(kind, "home" if key in ("email", "phone") else key.removeprefix("secondary_"), value)
