"""What an operator types -> the values of a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.ncip.client.speaker import Input
from gateway.domain.library import Money, RecordId
from gateway.domain.value import value
from gateway.ports.partner_simulator import ServiceParameter

_FROM_NOW = re.compile(r"\+([0-9]{1,4})([dw])")


@value
class Typing:
    """What texts are read with: the library's zone and currency, and the moment."""

    zone: tzinfo
    currency: str
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


Read = Callable[[str, Typing], Any]
"""Raises ValueError with a plain sentence."""


@value
class Spec:
    """A parameter, the field of `Values` that it sets, and how its text is read."""

    parameter: ServiceParameter
    field: str
    read: Read


def _text(text: str, _typing: Typing) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _when(text: str, typing: Typing) -> datetime | date:
    found = _FROM_NOW.fullmatch(text)
    if found:
        return typing.today + timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))
    try:
        if len(text) == len("2026-12-31"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a day or time such as 2026-12-31, 2026-12-31T18:00, +28d or +4w") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=typing.zone)


def _moment(text: str, typing: Typing) -> datetime:
    if text == "now":
        return typing.now
    when = _when(text, typing)
    return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day, tzinfo=typing.zone)


def _day(text: str, _typing: Typing) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("not a day such as 1987-03-31") from None


def _flag(_text: str, _typing: Typing) -> bool:
    return True


def _no(_text: str, _typing: Typing) -> bool:
    return False


def _count(text: str, _typing: Typing) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise ValueError("not a number from 1 to 999999")
    return int(text)


def _money(text: str, typing: Typing) -> Money:
    amount, _, currency = text.strip().partition(" ")
    try:
        value = Decimal(amount)
        if not value.is_finite():
            raise ValueError
        return Money(value, currency.strip().upper() or typing.currency)
    except (InvalidOperation, ValueError):
        raise ValueError("not an amount such as 3.50 or '3.50 EUR'") from None


def _record(text: str, _typing: Typing) -> RecordId:
    kind, colon, value = text.partition(":")
    if not colon or not kind.strip() or not value.strip():
        raise ValueError("must be TYPE:NUMBER, such as OCLC:12345 or ISBN:9780140449136")
    return RecordId(kind.strip(), value.strip())


def _input(text: str, _typing: Typing) -> Input:
    kind, equals, value = text.partition("=")
    if not equals or not kind.strip() or not value:
        raise ValueError("must be TYPE=VALUE, such as 'Barcode Id=21000000000017'")
    return Input(kind.strip(), value)


def _pin(text: str, typing: Typing) -> Input:
    return Input("PIN", _text(text, typing))


def _spec(
    name: str,
    help_: str,
    example: str,
    *,
    field: str = "",
    read: Read = _text,
    repeatable: bool = False,
    choices: tuple[str, ...] = (),
) -> tuple[str, Spec]:
    flag = read in (_flag, _no)
    parameter = ServiceParameter(name, help_, example, repeatable=repeatable, flag=flag, choices=choices)
    return name, Spec(parameter, field or name.replace("-", "_"), read)


PARAMETERS: dict[str, Spec] = dict(
    (
        _spec("patron", "the user's id, as the partner sends it", "21000000000017"),
        _spec("patron-type", "UserIdentifierType", "Barcode Id"),
        _spec(
            "input",
            "AuthenticationInput as TYPE=VALUE",
            "Barcode Id=21000000000017",
            field="inputs",
            read=_input,
            repeatable=True,
        ),
        _spec("pin", "AuthenticationInput of type PIN", "1234", field="inputs", read=_pin),
        _spec("surname", "family name", "Özdemir"),
        _spec("given", "given name", "Elif"),
        _spec("organisation", "name of an organisation, in place of a person's", "Public Library Altdorf"),
        _spec("email", "e-mail address", "elif@library.example"),
        _spec("phone", "telephone number", "+41 44 555 01 23"),
        _spec("street", "street and number", "Bahnhofstrasse 1"),
        _spec("city", "town", "Zürich"),
        _spec("postcode", "postal code", "8001"),
        _spec("country", "country", "CH"),
        _spec("birth", "date of birth", "1987-03-31", read=_day),
        _spec("language", "language", "de"),
        _spec("item", "the item's id: a barcode", "39000000000011", field="items"),
        _spec("item-type", "ItemIdentifierType", "Barcode"),
        _spec("request", "number of the request", "ILL-1001"),
        _spec("request-id-type", "RequestIdentifierType", "ILL Request Id", field="request_type"),
        _spec("record", "record number as TYPE:NUMBER", "OCLC:12345", field="records", read=_record, repeatable=True),
        _spec("title", "title", "The Three-Body Problem"),
        _spec("author", "author", "刘慈欣"),
        _spec("publisher", "publisher", "Tor"),
        _spec("published", "date of publication", "2014"),
        _spec("edition", "edition", "2nd ed."),
        _spec("medium", "MediumType", "Book"),
        _spec("call-number", "call number", "PL2947 .L59"),
        _spec("location", "where the item stands", "MAIN"),
        _spec("status", "CirculationStatus", "Available On Shelf"),
        _spec("barcode", "the barcode that is on the piece", "39000000000011"),
        _spec("kind", "RequestType", "Hold"),
        _spec("scope", "RequestScopeType", "Item"),
        _spec("action", "RequestedActionType", "Hold For Pickup"),
        _spec("pickup", "pickup location", "MAIN"),
        _spec("pickup-until", "PickupExpiryDate", "+2w", read=_when),
        _spec("need-by", "NeedBeforeDate", "+3w", read=_when),
        _spec("due", "due date: a day, a time, or +4w", "+4w", read=_when),
        _spec("no-renewals", "the lender does not allow renewals", "", field="renewals", read=_no),
        _spec("happened", "it has happened already, then ('now' will do)", "now", read=_moment),
        _spec("when", "when it happened", "now", field="happened", read=_moment),
        _spec("element", "element type asked for", "Name Information", field="elements", repeatable=True),
        _spec("loans", "ask for the loans", "", read=_flag),
        _spec("holds", "ask for the requests", "", read=_flag),
        _spec("fees", "ask for the fees", "", read=_flag),
        _spec("borrower", "ask who has it", "", read=_flag),
        _spec("requesters", "ask who waits for it", "", read=_flag),
        _spec("limit", "most items in the answer", "20", read=_count),
        _spec("cursor", "NextItemToken of the answer before", ""),
        _spec("agency", "the agency asked about", "DEMO"),
        _spec(
            "form",
            "root of the message",
            "version-message",
            choices=("message", "version-message"),
        ),
        _spec("amount", "amount", "3.50 EUR", read=_money),
        _spec("fee-type", "FiscalTransactionType", "Interlibrary Loan Fee"),
        _spec("fee-action", "FiscalActionType", "Assess"),
        _spec("reference", "number of the charge", "FEE-77"),
        _spec("description", "what it is for", "Postage"),
        _spec("from-agency", "FromAgencyId, in place of the profile's", "ILLIAD"),
        _spec("to-agency", "ToAgencyId, in place of the profile's", "DEMO"),
        _spec("profile-type", "ApplicationProfileType, in place of the profile's", "ILLIAD"),
    )
)
"""Name -> parameter. Services choose among them (adapters.ncip.client.services)."""
