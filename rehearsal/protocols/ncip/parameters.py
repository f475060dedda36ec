"""Parameters that an operator types -> the values of a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.ncip.client.speaker import CredentialInput
from gateway.domain.library import Money, RecordId
from gateway.domain.value import value_object
from rehearsal.ports.partner_simulator import ServiceParameter

_FROM_NOW = re.compile(r"\+([0-9]{1,4})([dw])")


@value_object
class ParameterContext:
    """The context in which texts are read: the library's zone and currency, and the moment."""

    zone: tzinfo
    currency: str
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()


Read = Callable[[str, ParameterContext], Any]
"""Raises ValueError with a plain sentence."""


@value_object
class ParameterSpec:
    """A parameter, the field of `MessageValues` that it sets, and how its text is read."""

    parameter: ServiceParameter
    field: str
    read: Read


def _parse_nonempty_text(text: str, _typing: ParameterContext) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _parse_day_or_time(text: str, typing: ParameterContext) -> datetime | date:
    match = _FROM_NOW.fullmatch(text)
    if match:
        return typing.today + timedelta(days=int(match[1]) * (7 if match[2] == "w" else 1))
    try:
        if len(text) == len("2026-12-31"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not a day or time such as 2026-12-31, 2026-12-31T18:00, +28d or +4w") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=typing.zone)


def _parse_moment(text: str, typing: ParameterContext) -> datetime:
    if text == "now":
        return typing.now
    when = _parse_day_or_time(text, typing)
    return when if isinstance(when, datetime) else datetime(when.year, when.month, when.day, tzinfo=typing.zone)


def _parse_day(text: str, _typing: ParameterContext) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("not a day such as 1987-03-31") from None


def _parse_flag(_text: str, _typing: ParameterContext) -> bool:
    return True


def _parse_negative_flag(_text: str, _typing: ParameterContext) -> bool:
    return False


def _parse_count(text: str, _typing: ParameterContext) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise ValueError("not a number from 1 to 999999")
    return int(text)


def _parse_money(text: str, typing: ParameterContext) -> Money:
    amount, _, currency = text.strip().partition(" ")
    try:
        value = Decimal(amount)
        if not value.is_finite():
            raise ValueError
        return Money(value, currency.strip().upper() or typing.currency)
    except (InvalidOperation, ValueError):
        raise ValueError("not an amount such as 3.50 or '3.50 EUR'") from None


def _parse_record_id(text: str, _typing: ParameterContext) -> RecordId:
    kind, colon, value = text.partition(":")
    if not colon or not kind.strip() or not value.strip():
        raise ValueError("must be TYPE:NUMBER, such as OCLC:12345 or ISBN:9780140449136")
    return RecordId(kind.strip(), value.strip())


def _parse_input(text: str, _typing: ParameterContext) -> CredentialInput:
    kind, equals, value = text.partition("=")
    if not equals or not kind.strip() or not value:
        raise ValueError("must be TYPE=VALUE, such as 'Barcode Id=21000000000017'")
    return CredentialInput(kind.strip(), value)


def _parse_pin(text: str, typing: ParameterContext) -> CredentialInput:
    return CredentialInput("PIN", _parse_nonempty_text(text, typing))


def _make_spec(
    name: str,
    help_: str,
    example: str,
    *,
    field: str = "",
    read: Read = _parse_nonempty_text,
    repeatable: bool = False,
    choices: tuple[str, ...] = (),
) -> tuple[str, ParameterSpec]:
    flag = read in (_parse_flag, _parse_negative_flag)
    parameter = ServiceParameter(name, help_, example, repeatable=repeatable, flag=flag, choices=choices)
    return name, ParameterSpec(parameter, field or name.replace("-", "_"), read)


PARAMETERS: dict[str, ParameterSpec] = dict(
    (
        _make_spec("patron", "the user's id, as the partner sends it", "21000000000017"),
        _make_spec("patron-type", "UserIdentifierType", "Barcode Id"),
        _make_spec(
            "input",
            "AuthenticationInput as TYPE=VALUE",
            "Barcode Id=21000000000017",
            field="inputs",
            read=_parse_input,
            repeatable=True,
        ),
        _make_spec("pin", "AuthenticationInput of type PIN", "1234", field="inputs", read=_parse_pin),
        _make_spec("surname", "family name", "Özdemir"),
        _make_spec("given", "given name", "Elif"),
        _make_spec("organisation", "name of an organisation, in place of a person's", "Public Library Altdorf"),
        _make_spec("email", "e-mail address", "elif@library.example"),
        _make_spec("phone", "telephone number", "+41 44 555 01 23"),
        _make_spec("street", "street and number", "Bahnhofstrasse 1"),
        _make_spec("city", "town", "Zürich"),
        _make_spec("postcode", "postal code", "8001"),
        _make_spec("country", "country", "CH"),
        _make_spec("birth", "date of birth", "1987-03-31", read=_parse_day),
        _make_spec("language", "language", "de"),
        _make_spec("item", "the item's id: a barcode", "39000000000011", field="items"),
        _make_spec("item-type", "ItemIdentifierType", "Barcode"),
        _make_spec("request", "number of the request", "ILL-1001"),
        _make_spec("request-id-type", "RequestIdentifierType", "ILL Request Id", field="request_type"),
        _make_spec(
            "record",
            "record number as TYPE:NUMBER",
            "OCLC:12345",
            field="records",
            read=_parse_record_id,
            repeatable=True,
        ),
        _make_spec("title", "title", "The Three-Body Problem"),
        _make_spec("author", "author", "刘慈欣"),
        _make_spec("publisher", "publisher", "Tor"),
        _make_spec("published", "date of publication", "2014"),
        _make_spec("edition", "edition", "2nd ed."),
        _make_spec("medium", "MediumType", "Book"),
        _make_spec("call-number", "call number", "PL2947 .L59"),
        _make_spec("location", "where the item stands", "MAIN"),
        _make_spec("status", "CirculationStatus", "Available On Shelf"),
        _make_spec("barcode", "the barcode that is on the piece", "39000000000011"),
        _make_spec("kind", "RequestType", "Hold"),
        _make_spec("scope", "RequestScopeType", "Item"),
        _make_spec("action", "RequestedActionType", "Hold For Pickup"),
        _make_spec("pickup", "pickup location", "MAIN"),
        _make_spec("pickup-until", "PickupExpiryDate", "+2w", read=_parse_day_or_time),
        _make_spec("need-by", "NeedBeforeDate", "+3w", read=_parse_day_or_time),
        _make_spec("due", "due date: a day, a time, or +4w", "+4w", read=_parse_day_or_time),
        _make_spec(
            "no-renewals", "the lender does not allow renewals", "", field="renewals", read=_parse_negative_flag
        ),
        _make_spec("happened", "it has happened already, then ('now' will do)", "now", read=_parse_moment),
        _make_spec("when", "when it happened", "now", field="happened", read=_parse_moment),
        _make_spec("element", "element type asked for", "Name Information", field="elements", repeatable=True),
        _make_spec("loans", "ask for the loans", "", read=_parse_flag),
        _make_spec("holds", "ask for the requests", "", read=_parse_flag),
        _make_spec("fees", "ask for the fees", "", read=_parse_flag),
        _make_spec("borrower", "ask who has it", "", read=_parse_flag),
        _make_spec("requesters", "ask who waits for it", "", read=_parse_flag),
        _make_spec("limit", "most items in the answer", "20", read=_parse_count),
        _make_spec("cursor", "NextItemToken of the answer before", ""),
        _make_spec("agency", "the agency asked about", "DEMO"),
        _make_spec(
            "form",
            "root of the message",
            "version-message",
            choices=("message", "version-message"),
        ),
        _make_spec("amount", "amount", "3.50 EUR", read=_parse_money),
        _make_spec("fee-type", "FiscalTransactionType", "Interlibrary Loan Fee"),
        _make_spec("fee-action", "FiscalActionType", "Assess"),
        _make_spec("reference", "number of the charge", "FEE-77"),
        _make_spec("description", "what it is for", "Postage"),
        _make_spec("from-agency", "FromAgencyId, in place of the profile's", "ILLIAD"),
        _make_spec("to-agency", "ToAgencyId, in place of the profile's", "DEMO"),
        _make_spec("profile-type", "ApplicationProfileType, in place of the profile's", "ILLIAD"),
    )
)
"""Name -> parameter. Services choose among them (adapters.ncip.client.services)."""
