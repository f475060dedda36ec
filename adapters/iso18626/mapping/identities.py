"""Agencies and symbols, headers of what the gateway says, days and moments, amounts."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from adapters.iso18626.dialect import DEFAULT_DIALECT, Iso18626Dialect, Symbols
from adapters.iso18626.messages.declaration import OpenCode, SchemaVersion
from adapters.iso18626.messages.structures import AgencyId, Costs, RequesterHeader, RequestHeader, SupplierHeader
from gateway.domain.library import Money
from gateway.domain.requests.request import Role
from gateway.domain.value import value_object
from gateway.ports.library_system import LibraryInfo
from gateway.ports.partner_channel import PartnerMessage

_END_OF_DAY = time(23, 59, 59)


def symbol_of_agency(agency: AgencyId | None, symbols: Symbols) -> str:
    """`DE-Brt1` where the type is the default one, else `OCLC:ABC`; empty where no agency is named."""
    if agency is None or not agency.value:
        return ""
    type_ = agency.type.value if agency.type is not None else ""
    if not type_ or type_.casefold() == symbols.default_type.casefold():
        return agency.value
    return f"{type_}:{agency.value}"


def list_symbols_of_agency(agency: AgencyId | None) -> tuple[str, ...]:
    """List symbols with their type and without: a profile may have either."""
    if agency is None or not agency.value:
        return ()
    typed = f"{agency.type.value}:{agency.value}" if agency.type is not None else agency.value
    return tuple(dict.fromkeys((typed, agency.value)))


def agency_of_symbol(symbol: str, symbols: Symbols) -> AgencyId:
    type_, colon, value = symbol.partition(":")
    return AgencyId(type=OpenCode(type_ if colon else symbols.default_type), value=value if colon else symbol)


def is_same_agency_symbol(symbol: str, other: str) -> bool:
    """Types without regard to capitals; without a type on either side the values decide."""
    (type_1, colon_1, value_1), (type_2, colon_2, value_2) = symbol.partition(":"), other.partition(":")
    if colon_1 and colon_2:
        return type_1.casefold() == type_2.casefold() and value_1.casefold() == value_2.casefold()
    return (value_1 if colon_1 else type_1).casefold() == (value_2 if colon_2 else type_2).casefold()


def digest_message(body: bytes) -> str:
    """Make the digest by which a repeat is known again: its sender sends the same octets, since the timestamp is part
    of them."""
    return hashlib.sha256(body).hexdigest()[:32]


def money_of_costs(costs: Costs | None, currency: str) -> Money | None:
    """None for what is no amount. `currency`: meant where none is said."""
    if costs is None or costs.amount is None:
        return None
    code = costs.currency.value.strip().upper() if costs.currency is not None else ""
    try:
        return Money(costs.amount, code or currency)
    except ValueError:
        return None


def costs_of_money(money: Money | None) -> Costs | None:
    return Costs(currency=OpenCode(money.currency), amount=money.amount) if money is not None else None


@value_object
class Parties:
    requester: str
    supplier: str


@value_object(kw_only=True)
class MappingContext:
    """`library_zone` and `currency` are those of the library whose request it is; `ours` all its symbols, `theirs`
    those of the partner (empty: not known). `partner`: the symbol of the other side, for a message that doesn't name it
    truly. `library`: ours, for a message that we send."""

    library_zone: tzinfo
    currency: str
    ours: tuple[str, ...] = ()
    partner: str = ""
    library: LibraryInfo | None = None
    theirs: tuple[str, ...] = ()
    dialect: Iso18626Dialect = DEFAULT_DIALECT

    @property
    def zone(self) -> tzinfo:
        """The one in which the partner's days are."""
        return ZoneInfo(self.dialect.zone) if self.dialect.zone else self.library_zone

    def is_us(self, symbol: str) -> bool:
        known = (*self.ours, self.dialect.symbols.ours) if self.dialect.symbols.ours else self.ours
        return bool(symbol) and any(is_same_agency_symbol(symbol, alias) for alias in known)

    def is_partner(self, symbol: str) -> bool:
        known = (*self.theirs, self.dialect.symbols.theirs) if self.dialect.symbols.theirs else self.theirs
        return bool(symbol) and any(is_same_agency_symbol(symbol, alias) for alias in known)

    def write_end_of_day(self, due: date | datetime | None) -> datetime | None:
        """Write a day as the standard wants it: 23:59:59 of it, in UTC (docs/facts/iso-18626.md 2)."""
        if due is None:
            return None
        day = due.astimezone(self.zone).date() if isinstance(due, datetime) else due
        return datetime.combine(day, _END_OF_DAY, UTC)

    def read_day(self, moment: datetime | None) -> date | None:
        """The day that is meant: of a moment at the end of a day in UTC that day, of any other the one on which it
        falls in the partner's zone."""
        if moment is None:
            return None
        there = moment.astimezone(UTC)
        return there.date() if there.time() == _END_OF_DAY else moment.astimezone(self.zone).date()


def read_parties(
    header: RequestHeader | RequesterHeader | SupplierHeader, context: MappingContext, ours: Role
) -> Parties:
    """Read whom a header names. `ours`: our role. A fixed word for a role is whoever has it; empty where nobody is
    named."""
    symbols = context.dialect.symbols
    requester = symbol_of_agency(header.requesting_agency, symbols)
    supplier = symbol_of_agency(header.supplying_agency, symbols)
    if symbols.requester:
        us, them = context.ours[0] if context.ours else "", context.partner
        known = (us, them) if ours is Role.BORROWING else (them, us)
        requester = known[0] if is_same_agency_symbol(requester, symbols.requester) else requester
        supplier = known[1] if is_same_agency_symbol(supplier, symbols.supplier) else supplier
    return Parties(requester, supplier)


def _write_parties(message: PartnerMessage, context: MappingContext) -> tuple[AgencyId, AgencyId]:
    """Requester and supplier; of what we broker the library on the other side in place of us, where the partner is to
    know of it."""
    symbols, side = context.dialect.symbols, message.on_behalf_of
    if symbols.requester:
        return agency_of_symbol(symbols.requester, symbols), agency_of_symbol(symbols.supplier, symbols)
    ours = agency_of_symbol(side.symbol if side is not None else symbols.ours or message.sender.symbol, symbols)
    theirs = agency_of_symbol(symbols.theirs or message.receiver.symbol, symbols)
    return (ours, theirs) if message.role is Role.BORROWING else (theirs, ours)


def write_request_header(message: PartnerMessage, context: MappingContext) -> RequestHeader:
    requester, supplier = _write_parties(message, context)
    return RequestHeader(
        supplying_agency=supplier,
        requesting_agency=requester,
        multiple_item_request_id="" if context.dialect.schema_version is SchemaVersion.V1_2 else None,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
    )


def write_requester_header(message: PartnerMessage, context: MappingContext) -> RequesterHeader:
    requester, supplier = _write_parties(message, context)
    attempt = message.request.find_attempt_of_transaction(message.transaction)
    return RequesterHeader(
        supplying_agency=supplier,
        requesting_agency=requester,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
        supplying_agency_request_id=(attempt.theirs if attempt is not None else "") or None,
    )


def write_supplier_header(message: PartnerMessage, context: MappingContext) -> SupplierHeader:
    requester, supplier = _write_parties(message, context)
    return SupplierHeader(
        supplying_agency=supplier,
        requesting_agency=requester,
        timestamp=message.at,
        requesting_agency_request_id=message.transaction,
        supplying_agency_request_id=message.request.number or None,
    )
