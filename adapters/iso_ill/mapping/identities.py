"""Who and which: symbols, transactions, the id of a message."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import lru_cache

from adapters.iso_ill.codec import encode
from adapters.iso_ill.dialect import Identifiers, Symbols
from adapters.iso_ill.messages import Apdu
from adapters.iso_ill.messages.extensions import DeliveryInfo
from adapters.iso_ill.messages.header import ServiceDateTime, TransactionId
from adapters.iso_ill.messages.parties import Name, Symbol, SystemId
from gateway.domain.requests.request import Request

# --- symbols ---------------------------------------------------------------------------------------------


def symbol_in(text: str, dialect: Symbols) -> str:
    """`TLC: SITE1` -> `TLC:SITE1`, `IKM` -> `NUC:IKM` where that is the default authority."""
    authority, colon, symbol = (part.strip() for part in text.partition(":"))
    if colon:
        return f"{authority}:{symbol}"
    return f"{dialect.default_authority}:{authority}" if authority and dialect.default_authority else authority


def symbol_out(symbol: str, dialect: Symbols) -> str:
    _, colon, bare = symbol.partition(":")
    return bare if colon and dialect.authority_out == "drop" else symbol


def same_symbol(one: str, other: str) -> bool:
    """Authorities without case, symbols as they are; without an authority on either side the symbols decide."""
    (authority_1, colon_1, symbol_1), (authority_2, colon_2, symbol_2) = one.partition(":"), other.partition(":")
    if colon_1 and colon_2:
        return authority_1.casefold() == authority_2.casefold() and symbol_1 == symbol_2
    return (symbol_1 if colon_1 else authority_1) == (symbol_2 if colon_2 else authority_2)


def symbol_of(id_: SystemId | None, dialect: Symbols) -> str:
    return symbol_in(id_.symbol_text, dialect) if id_ is not None else ""


def aliases(apdu: Apdu) -> tuple[str, ...]:
    """The symbols of the sender in APDU-Delivery-Info, as written."""
    infos = (one.item for one in apdu.carried if isinstance(one.item, DeliveryInfo))
    found = [alias.symbol_text for info in infos for entry in info.sender for alias in entry.aliases]
    return tuple(dict.fromkeys(filter(None, found)))


# --- transactions ----------------------------------------------------------------------------------------

_RESERVED = re.compile(r"[%/@&=~]")
_ESCAPED = re.compile(r"%([0-9A-F]{2})")
_NAMELESS = "~"


def key_of(id_: TransactionId, digest: str = "") -> str:
    """All four parts as one text: GROUP/QUALIFIER, then /SUB and @INITIAL where they are. `transaction_of` reads it.

    yaz names nothing at all: then `digest`, of the message, tells its transactions apart.
    """
    parts = [id_.group_qualifier.strip(), id_.qualifier.strip()]
    if id_.sub_qualifier:
        parts.append(id_.sub_qualifier.strip())
    if not any(parts):
        return f"{_NAMELESS}{digest}"
    key = "/".join(map(_quoted, parts))
    initial = _initial_text(id_.initial_requester_id)
    return f"{key}@{initial}" if initial else key


@lru_cache(maxsize=1_000)
def transaction_of(key: str) -> TransactionId:
    """Raises ValueError for what `key_of` doesn't make."""
    if key.startswith(_NAMELESS):
        return TransactionId(group_qualifier="", qualifier="")
    names, _, initial = key.partition("@")
    parts = [_unquoted(part) for part in names.split("/")]
    if len(parts) not in (2, 3):
        raise ValueError(f"not a transaction of ISO ILL: {key!r}")
    return TransactionId(
        initial_requester_id=_initial_of(initial) if initial else None,
        group_qualifier=parts[0],
        qualifier=parts[1],
        sub_qualifier=parts[2] if len(parts) == 3 else "",
    )


def _quoted(text: str) -> str:
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _initial_text(id_: SystemId | None) -> str:
    """The symbol of an institution as it is; whatever else there may be with a letter before it."""
    if id_ is None:
        return ""
    symbol, name = id_.symbol or Symbol(), id_.name or Name()
    named = (("", symbol.institution), ("p", symbol.person), ("i", name.institution), ("n", name.person))
    return "&".join(f"{letter}={_quoted(text)}" if letter else _quoted(text) for letter, text in named if text)


def _initial_of(text: str) -> SystemId:
    found: dict[str, str] = {}
    for part in text.split("&"):
        letter, equals, value = part.partition("=")
        found[letter if equals else ""] = _unquoted(value if equals else letter)
    symbol = Symbol(person=found.get("p", ""), institution=found.get("", ""))
    name = Name(person=found.get("n", ""), institution=found.get("i", ""))
    return SystemId(symbol=symbol if symbol != Symbol() else None, name=name if name != Name() else None)


def ours_out(request: Request, transaction: str, symbol: str, dialect: Identifiers) -> TransactionId:
    """Of a transaction that we began: group is the number of the request."""
    attempt = next((one for one in request.attempts if one.transaction == transaction), None)
    qualifier = transaction
    if dialect.qualifier == "attempt" and attempt is not None:
        short = str(attempt.number)
        qualifier = short if ours_in(request.number, short, dialect) == transaction else transaction
    initial = SystemId.of(symbol) if symbol and dialect.initial_requester == "always" else None
    return TransactionId(initial_requester_id=initial, group_qualifier=request.number, qualifier=qualifier)


def ours_in(group: str, qualifier: str, dialect: Identifiers) -> str:
    """The number that we gave the transaction, when it comes back: NUMBER, NUMBER-2 …"""
    if dialect.qualifier == "attempt" and qualifier.isascii() and qualifier.isdigit() and len(qualifier) < 4:
        return group if qualifier == "1" else f"{group}-{qualifier}"
    return qualifier


# --- messages --------------------------------------------------------------------------------------------


def message_id(apdu: Apdu) -> str:
    """The same for a message and its repeats: these have another time of service, but the first one as original.
    How the sender is reached doesn't matter."""
    times = apdu.service_date_time
    first = times.original or times.this
    kept = tuple(one for one in apdu.carried if not isinstance(one.item, DeliveryInfo))
    # every APDU declares `extensions`, the base can't: they stand last
    bare = replace(apdu, service_date_time=ServiceDateTime(this=first), extensions=kept)  # type: ignore[call-arg]
    return hashlib.sha256(encode(bare)).hexdigest()[:32]
