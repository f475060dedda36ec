"""Symbols, transactions, message ids; amounts, times, text lengths."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.codec.declarations import FieldKind, list_declared_fields
from adapters.iso_ill.dialect import DEFAULT_DIALECT, Identifiers, IllSymbols, IsoIllDialect
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.messages.structures import (
    Amount,
    DeliveryInfo,
    Moment,
    Name,
    ServiceDateTime,
    Symbol,
    SystemId,
    TransactionId,
)
from gateway.domain.library import Money
from gateway.domain.requests.request import Request
from gateway.domain.sums import read_sum
from gateway.domain.value import replace, value_object

A = TypeVar("A", bound=Apdu)


# --- symbols ---------------------------------------------------------------------------------------------


def incoming_symbol(text: str, dialect: IllSymbols) -> str:
    """`TLC: SITE1` -> `TLC:SITE1`, `IKM` -> `NUC:IKM` where that is the default authority."""
    authority, colon, symbol = (part.strip() for part in text.partition(":"))
    if colon:
        return f"{authority}:{symbol}"
    return f"{dialect.default_authority}:{authority}" if authority and dialect.default_authority else authority


def outgoing_symbol(symbol: str, dialect: IllSymbols) -> str:
    _, colon, bare = symbol.partition(":")
    return bare if colon and dialect.authority_out == "drop" else symbol


def is_same_ill_symbol(symbol: str, other: str) -> bool:
    """Authorities without case, symbols as they are; without an authority on either side the symbols decide."""
    (authority_1, colon_1, symbol_1), (authority_2, colon_2, symbol_2) = symbol.partition(":"), other.partition(":")
    if colon_1 and colon_2:
        return authority_1.casefold() == authority_2.casefold() and symbol_1 == symbol_2
    return (symbol_1 if colon_1 else authority_1) == (symbol_2 if colon_2 else authority_2)


def symbol_of_system_id(id_: SystemId | None, dialect: IllSymbols) -> str:
    return incoming_symbol(id_.symbol_text, dialect) if id_ is not None else ""


def list_sender_aliases(apdu: Apdu) -> tuple[str, ...]:
    """The symbols of the sender in APDU-Delivery-Info, as written."""
    infos = (extension.item for extension in apdu.carried_extensions if isinstance(extension.item, DeliveryInfo))
    aliases = [alias.symbol_text for info in infos for entry in info.sender for alias in entry.aliases]
    return tuple(dict.fromkeys(filter(None, aliases)))


# --- transactions ----------------------------------------------------------------------------------------

_RESERVED = re.compile(r"[%/@&=~]")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_NAMELESS = "~"


def transaction_key(id_: TransactionId, digest: str = "") -> str:
    """All four parts as one text: GROUP/QUALIFIER, then /SUB and @INITIAL where they are. `parse_transaction_key` reads
    it.

    yaz names nothing at all: then `digest`, of the message, tells its transactions apart.
    """
    parts = [id_.group_qualifier.strip(), id_.qualifier.strip()]
    if id_.sub_qualifier:
        parts.append(id_.sub_qualifier.strip())
    if not any(parts):
        return f"{_NAMELESS}{digest}"
    key = "/".join(map(_quote_part, parts))
    initial = _format_initial_requester(id_.initial_requester_id)
    return f"{key}@{initial}" if initial else key


@lru_cache(maxsize=1_000)
def parse_transaction_key(key: str) -> TransactionId:
    """Parse a key; raises ValueError for what `transaction_key` doesn't make."""
    if key.startswith(_NAMELESS):
        return TransactionId(group_qualifier="", qualifier="")
    names, _, initial = key.partition("@")
    parts = [_unquote_part(part) for part in names.split("/")]
    if len(parts) not in (2, 3):
        raise ValueError(f"not a transaction of ISO ILL: {key!r}")
    return TransactionId(
        initial_requester_id=_parse_initial_requester(initial) if initial else None,
        group_qualifier=parts[0],
        qualifier=parts[1],
        sub_qualifier=parts[2] if len(parts) == 3 else "",
    )


def _quote_part(text: str) -> str:
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _unquote_part(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _format_initial_requester(id_: SystemId | None) -> str:
    """The symbol of an institution as it is; whatever else there may be with a letter before it."""
    if id_ is None:
        return ""
    symbol, name = id_.symbol or Symbol(), id_.name or Name()
    named = (("", symbol.institution), ("p", symbol.person), ("i", name.institution), ("n", name.person))
    return "&".join(f"{letter}={_quote_part(text)}" if letter else _quote_part(text) for letter, text in named if text)


def _parse_initial_requester(text: str) -> SystemId:
    parts: dict[str, str] = {}
    for part in text.split("&"):
        letter, equals, value = part.partition("=")
        parts[letter if equals else ""] = _unquote_part(value if equals else letter)
    symbol = Symbol(person=parts.get("p", ""), institution=parts.get("", ""))
    name = Name(person=parts.get("n", ""), institution=parts.get("i", ""))
    return SystemId(symbol=symbol if symbol != Symbol() else None, name=name if name != Name() else None)


def our_transaction_id(request: Request, transaction: str, symbol: str, dialect: Identifiers) -> TransactionId:
    """Make the id of a transaction that we began: group is the number of the request."""
    attempt = request.find_attempt_of_transaction(transaction)
    qualifier = transaction
    if dialect.qualifier == "attempt" and attempt is not None:
        short = str(attempt.number)
        qualifier = short if our_transaction_number(request.number, short, dialect) == transaction else transaction
    initial = SystemId.from_symbol(symbol) if symbol and dialect.initial_requester == "always" else None
    return TransactionId(initial_requester_id=initial, group_qualifier=request.number, qualifier=qualifier)


def our_transaction_number(group: str, qualifier: str, dialect: Identifiers) -> str:
    """The number that we gave the transaction, when it comes back: NUMBER, NUMBER-2 …"""
    if dialect.qualifier == "attempt" and qualifier.isascii() and qualifier.isdigit() and len(qualifier) < 4:
        return group if qualifier == "1" else f"{group}-{qualifier}"
    return qualifier


# --- messages --------------------------------------------------------------------------------------------


def id_of_apdu(apdu: Apdu) -> str:
    """The same for a message and its repeats: these have another time of service, but the first one as original.
    How the sender is reached doesn't matter."""
    times = apdu.service_date_time
    first = times.original or times.this
    kept = tuple(extension for extension in apdu.carried_extensions if not isinstance(extension.item, DeliveryInfo))
    # every APDU declares `extensions`, the base can't: they stand last
    bare = replace(apdu, service_date_time=ServiceDateTime(this=first), extensions=kept)  # type: ignore[call-arg]
    return hashlib.sha256(encode_apdu(bare)).hexdigest()[:32]


def money_of_amount(amount: Amount | None, currency: str) -> Money | None:
    """None for what is more than a sum, or none. `currency`: meant when none is said."""
    return read_sum(amount.value, currency, amount.currency) if amount is not None else None


def amount_of_money(money: Money | None) -> Amount | None:
    return Amount(currency=money.currency, value=f"{money.amount:f}") if money is not None else None


def shorten_texts(apdu: A, longest: Mapping[str, int]) -> A:
    """Fields by the standard's name, wherever they stand. What was cut off goes into the note, in full."""
    if not longest:
        return apdu
    cut: dict[str, str] = {}
    made: A = _shorten_value(apdu, longest, cut)
    note_field = next((field for field in list_declared_fields(type(apdu)) if field.attribute == "note"), None)
    if not cut or note_field is None or note_field.name in cut:
        return made
    words = "; ".join(f"{name}: {text}" for name, text in cut.items())
    note = "; ".join(part for part in (made.note_text, words) if part)
    limit = longest.get(note_field.name)
    return replace(made, note=note if limit is None else note[:limit])  # type: ignore[call-arg]


def _shorten_value(value: Any, longest: Mapping[str, int], cut: dict[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(_shorten_value(item, longest, cut) for item in value)
    if not is_dataclass(value) or isinstance(value, type) or not _is_declared(value):
        return value
    changed = {}
    for field in list_declared_fields(type(value)):
        old = getattr(value, field.attribute)
        limit = longest.get(field.name)
        if field.kind is FieldKind.TEXT and limit is not None and len(old) > limit:
            cut[field.name] = old
            changed[field.attribute] = old[:limit].strip()
        elif field.kind is FieldKind.STRUCTURE and old is not None:
            new = _shorten_value(old, longest, cut)
            if new != old:
                changed[field.attribute] = new
    return replace(value, **changed) if changed else value


def _is_declared(value: Any) -> bool:
    """External and the like have no declared fields."""
    return all("Annotated" in str(field.type) for field in fields(value))


def moment_in_zone(at: datetime, zone: tzinfo) -> Moment:
    local = at.astimezone(zone)
    return Moment(day=local.date(), clock=local.time().replace(microsecond=0))


def day_in_zone(when: date | datetime, zone: tzinfo) -> date:
    """The day on which a moment falls there."""
    return when.astimezone(zone).date() if isinstance(when, datetime) else when


@value_object(kw_only=True)
class IllContext:
    """`library_zone` and `currency` are those of the library whose request it is; `ours` all its symbols."""

    library_zone: tzinfo
    currency: str
    ours: tuple[str, ...] = ()
    dialect: IsoIllDialect = DEFAULT_DIALECT

    @property
    def zone(self) -> tzinfo:
        """The one in which the partner's days and times are."""
        return ZoneInfo(self.dialect.wire.zone) if self.dialect.wire.zone else self.library_zone

    def is_us(self, symbol: str) -> bool:
        known = (*self.ours, self.dialect.symbols.ours) if self.dialect.symbols.ours else self.ours
        return bool(symbol) and any(is_same_ill_symbol(symbol, alias) for alias in known)
