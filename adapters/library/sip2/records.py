"""Values of the gateway for what a SIP2 system says of patrons and items. Pure.

Source: facts/ils-backends.md 1.5. Fields beyond the standard are those that `fields` of the options names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation

from adapters.library.sip2.codec import Sip2Reply, parse_stamp
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.reasons import is_unknown_item
from gateway.domain.library import (
    Block,
    BlockCause,
    BlockScope,
    Contact,
    ContactKind,
    IdentifierType,
    Item,
    ItemStatus,
    Location,
    Money,
    Patron,
    PatronIdentifier,
    PersonName,
    PostalAddress,
)
from gateway.domain.value import replace, value_object

CIRCULATION_STATUSES: Mapping[str, ItemStatus] = {
    "02": ItemStatus.IN_PROCESS,  # on order
    "03": ItemStatus.AVAILABLE,
    "04": ItemStatus.ON_LOAN,
    "05": ItemStatus.ON_LOAN,  # not to be recalled before a certain date
    "06": ItemStatus.IN_PROCESS,
    "07": ItemStatus.RECALLED,
    "08": ItemStatus.ON_HOLD_SHELF,
    "09": ItemStatus.AVAILABLE,  # waits to be put back on its shelf
    "10": ItemStatus.IN_TRANSIT,
    "11": ItemStatus.CLAIMED_RETURNED,
    "12": ItemStatus.LOST,
    "13": ItemStatus.MISSING,
}
"""What isn't here (01, other) is not available."""

CHARGED = frozenset({ItemStatus.ON_LOAN, ItemStatus.RECALLED, ItemStatus.CLAIMED_RETURNED})

LANGUAGES: Mapping[str, str] = {
    "001": "en",
    "002": "fr",
    "003": "de",
    "004": "it",
    "005": "nl",
    "006": "sv",
    "007": "fi",
    "008": "es",
    "009": "da",
    "010": "pt",
    "012": "nb",
    "013": "he",
    "014": "ja",
    "015": "ru",
    "016": "ar",
    "017": "pl",
    "018": "el",
    "019": "zh",
    "020": "ko",
}

_BORROW = frozenset({BlockScope.BORROW})
_PATRON_FLAGS: tuple[Block | None, ...] = (
    Block("borrowing is not allowed", _BORROW),
    Block("renewals are not allowed", frozenset({BlockScope.RENEW})),
    None,  # recalls: the gateway never recalls for a patron
    Block("reservations are not allowed", frozenset({BlockScope.REQUEST})),
    Block("the card was reported lost", cause=BlockCause.CARD_LOST),
    Block("too many loans", _BORROW),
    Block("too many overdue loans", cause=BlockCause.OVERDUE),
    Block("too many renewals", frozenset({BlockScope.RENEW})),
    Block("too many items claimed as returned", cause=BlockCause.LOST_ITEMS),
    Block("too many lost items", cause=BlockCause.LOST_ITEMS),
    Block("too high fines", cause=BlockCause.FEES),
    Block("too high fees", cause=BlockCause.FEES),
    Block("a recalled item is overdue", cause=BlockCause.RECALLED),
    Block("too many items billed", cause=BlockCause.FEES),
)
"""The fourteen places of the patron status, each `Y` where it applies."""

EXPIRED = "the membership has expired"


@value_object
class Sip2Patron:
    """`password_ok` None: the system says nothing about it."""

    patron: Patron | None
    password_ok: bool | None
    said: str


@value_object
class Sip2RecordReader:
    options: Sip2Options
    zone: tzinfo
    currency: str

    # --- patrons -----------------------------------------------------------------------------------------

    def read_patron(self, reply: Sip2Reply, asked: str, today: date) -> Sip2Patron:
        """Read a patron of 64 or 24. The patron is None where the system knows none: it says so (BL), or gives no
        name."""
        message = reply.screen_message
        password = reply.first("CQ")
        name, valid = reply.first("AE"), reply.first("BL")
        patron = None
        if valid == "Y" or (not valid and name):
            patron = self._make_patron(reply, reply.first("AA") or asked, today)
        return Sip2Patron(patron, {"Y": True, "N": False}.get(password), message)

    def _make_patron(self, reply: Sip2Reply, number: str, today: date) -> Patron:
        fields, options = self.options.fields, self.options
        expires = self.parse_day(reply.first(fields.patron_expiry)) if fields.patron_expiry else None
        blocks = tuple(_read_blocks(reply.fixed["status"], reply.screen_message))
        if expires is not None and expires < today:
            blocks = (Block(EXPIRED, since=expires, cause=BlockCause.EXPIRED), *blocks)
        return Patron(
            id=number,
            identifiers=(PatronIdentifier(options.patron_types[0], number),),
            name=read_person_name(reply.first("AE")),
            category=_first_of(reply, fields.patron_category),
            home_library=_first_of(reply, fields.patron_library) or options.branch,
            contacts=tuple(_read_contacts(reply)),
            blocks=blocks,
            expires=expires,
            balance=self.read_money(reply),
            loan_count=_read_count(reply, "charged_count"),
            hold_count=self._count_holds(reply),
            language=LANGUAGES.get(reply.fixed["language"], ""),
            date_of_birth=self.parse_day(_first_of(reply, fields.patron_birth)),
            notes=reply.screen_message if blocks else "",
        )

    def _count_holds(self, reply: Sip2Reply) -> int:
        ready, others = _read_count(reply, "hold_count"), _read_count(reply, "unavailable_hold_count")
        return ready if self.options.hold_lists == "all" else ready + others

    def read_money(self, reply: Sip2Reply) -> Money | None:
        """BV; None where it isn't said or is no sum. The currency is the library's where BH names none."""
        try:
            amount = Decimal(reply.first("BV").replace(",", "."))
        except InvalidOperation:
            return None
        if not amount.is_finite():
            return None
        currency = reply.first("BH")
        is_code = len(currency) == 3 and currency.isalpha() and currency.isupper()
        return Money(amount, currency if is_code else self.currency)

    # --- items -------------------------------------------------------------------------------------------

    def read_item(self, reply: Sip2Reply, asked: str) -> Item | None:
        """Read an item of 18. None where the system knows no such item: it gives no status, and no title or words that
        say so."""
        title, circulation = reply.first("AJ"), reply.fixed["circulation"]
        says_unknown = is_unknown_item(reply.screen_message, self.options.reasons)
        if circulation in ("00", "01", "  ") and (not title or says_unknown):
            return None
        status = CIRCULATION_STATUSES.get(circulation, ItemStatus.NOT_AVAILABLE)
        home = reply.first("AQ") or self.options.branch
        policy = _first_of(reply, self.options.fields.item_policy)
        return Item(
            id=asked,
            barcode=asked,
            bib_id=_first_of(reply, self.options.fields.record) or make_record_id(asked),
            status=status,
            policy=policy,
            home=Location(home),
            current=Location(reply.first("AP") or home),
            call_number=_first_of(reply, self.options.fields.call_number),
            hold_count=int(queue) if (queue := reply.first("CF")).isascii() and queue.isdigit() else 0,
            circulates=policy not in self.options.not_lent,
            due=self.parse_due(reply.first("AH")) if status is not ItemStatus.AVAILABLE else None,
        )

    def read_borrower(self, reply: Sip2Reply) -> str:
        """Read who has the item; empty where the system doesn't say."""
        return _first_of(reply, self.options.fields.borrower)

    # --- moments -----------------------------------------------------------------------------------------

    def parse_due(self, text: str) -> datetime | None:
        """A moment in UTC; a day ends at 23:59 in the library's zone. None: in none of the forms of `due_formats`."""
        if (moment := parse_stamp(text, self.zone)) is not None:
            return moment
        for form in self.options.due_formats:
            try:
                due = datetime.strptime(text.strip(), form)  # noqa: DTZ007  the zone is put on below
            except ValueError:
                continue
            if not any(sign in form for sign in ("%H", "%I", "%c", "%X")):
                due = datetime.combine(due.date(), time(23, 59))
            return (due if due.tzinfo is not None else due.replace(tzinfo=self.zone)).astimezone(UTC)
        return None

    def parse_day(self, text: str) -> date | None:
        moment = self.parse_due(text) if text else None
        return moment.astimezone(self.zone).date() if moment is not None else None


RECORD_PREFIX = "item:"


def make_record_id(barcode: str) -> str:
    """SIP2 knows items only: where it names no record, each item has one of its own."""
    return RECORD_PREFIX + barcode


def read_person_name(text: str) -> PersonName:
    """`Surname, Given`; a name without a comma is left whole."""
    surname, comma, given = text.partition(",")
    return PersonName(surname.strip(), given.strip()) if comma else PersonName(text)


def _first_of(reply: Sip2Reply, name: str) -> str:
    return reply.first(name) if name else ""


def _read_count(reply: Sip2Reply, name: str) -> int:
    text = reply.fixed.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _read_blocks(flags: str, message: str) -> Iterable[Block]:
    """`said`: the message for the screen at which the patron stands."""
    for flag, meaning in zip(flags, _PATRON_FLAGS, strict=True):
        if flag == "Y" and meaning is not None:
            yield replace(meaning, message=message)


def _read_contacts(reply: Sip2Reply) -> Iterable[Contact]:
    if address := reply.first("BD"):
        yield Contact(ContactKind.POSTAL, postal=PostalAddress(line1=address))
    if mail := reply.first("BE"):
        yield Contact(ContactKind.EMAIL, value=mail)
    if phone := reply.first("BF"):
        yield Contact(ContactKind.PHONE, value=phone)


def is_named_by(types: tuple[str, ...], options: Sip2Options) -> bool:
    """Return whether the system can find a patron by one of these types of number; none: by its own."""
    return not types or bool({IdentifierType.INTERNAL.value, *options.patron_types}.intersection(types))
