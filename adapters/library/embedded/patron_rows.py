"""Patrons between table and value. A patron is read in one statement, since every message starts with one; so the
gateway's own table of makers is read there too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Integer,
    Row,
    String,
    TextClause,
    bindparam,
    column,
    text,
)

from adapters.library.embedded.library_session import LibrarySession, lock_patron
from adapters.library.embedded.loan_rules import PatronCategory, derive_blocks, is_in_force
from adapters.library.embedded.tables import AmountColumn, JsonColumn, amount_of_units
from gateway.domain.library import (
    Block,
    BlockScope,
    Contact,
    ContactKind,
    Money,
    Patron,
    PatronIdentifier,
    PersonName,
    PostalAddress,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.value import value_object
from gateway.sql.column_types import UtcDateTime
from gateway.sql.statements import PreparedStatement

INTERNAL = "internal"
"""Identifier type of our own id, in look-up only."""

# One text for both databases; a built-up select of this size costs three times as much per call.
_COLUMNS = """
  p.id, p.identifiers, p.surname, p.given, p.prefix, p.initials, p.suffix, p.is_organisation, p.category,
  p.home_library, p.contacts, p.blocks, p.expires, p.language, p.date_of_birth, p.home_institution, p.temporary,
  p.notes, c.loan_limit, c.hold_limit, c.fee_limit, c.overdue_limit,
  (SELECT count(*) FROM embedded_loans l
    WHERE l.library = p.library AND l.patron_id = p.id AND l.returned IS NULL) AS loan_count,
  (SELECT count(*) FROM embedded_loans l
    WHERE l.library = p.library AND l.patron_id = p.id AND l.returned IS NULL AND l.due < :now) AS overdue_count,
  (SELECT count(*) FROM embedded_holds h
    WHERE h.library = p.library AND h.patron_id = p.id AND h.closed IS NULL
    AND (h.expires IS NULL OR h.expires >= :today OR h.status IN ('ready', 'in-transit'))) AS hold_count,
  (SELECT sum(f.amount - f.paid) FROM embedded_charges f
    WHERE f.library = p.library AND f.patron_id = p.id AND f.paid < f.amount) AS owed,
  p.secret_hash,
  (SELECT t.profile FROM partner_thing t
    WHERE t.library = p.library AND t.kind = 'patron' AND t.thing = p.id) AS maker"""

_TYPES = (
    column("id", String),
    column("identifiers", JsonColumn),
    column("surname", String),
    column("given", String),
    column("prefix", String),
    column("initials", String),
    column("suffix", String),
    column("is_organisation", Boolean),
    column("category", String),
    column("home_library", String),
    column("contacts", JsonColumn),
    column("blocks", JsonColumn),
    column("expires", Date),
    column("language", String),
    column("date_of_birth", Date),
    column("home_institution", String),
    column("temporary", Boolean),
    column("notes", String),
    column("loan_limit", Integer),
    column("hold_limit", Integer),
    column("fee_limit", AmountColumn),
    column("overdue_limit", Integer),
    column("loan_count", Integer),
    column("overdue_count", Integer),
    column("hold_count", Integer),
    column("owed", BigInteger),
    column("secret_hash", String),
    column("maker", String),
)


def _patron_statement(source: str, *more: Any) -> PreparedStatement:
    clause: TextClause = text(f"SELECT {_COLUMNS}, {source}")
    typed = clause.bindparams(bindparam("now", type_=UtcDateTime()), bindparam("today", type_=Date()))
    return PreparedStatement(typed.columns(*_TYPES, *more))


_BY_IDENTIFIER = _patron_statement(
    """i.type AS id_type FROM embedded_patron_identifiers i
    JOIN embedded_patrons p ON p.library = i.library AND p.id = i.patron_id
    LEFT JOIN embedded_categories c ON c.library = p.library AND c.code = p.category
    WHERE i.library = :library AND i.value = :value""",
    column("id_type", String),
)
_BY_ID = _patron_statement(
    """'' AS id_type FROM embedded_patrons p
    LEFT JOIN embedded_categories c ON c.library = p.library AND c.code = p.category
    WHERE p.library = :library AND p.id = :value""",
    column("id_type", String),
)


@value_object
class PatronAccount:
    """A patron with what rules need to know besides."""

    patron: Patron
    category: PatronCategory
    secret_hash: str


def rows_by_identifier(session: LibrarySession, value: str) -> Sequence[Row[Any]]:
    """One row per identifier (`id_type`) with this value."""
    return _BY_IDENTIFIER.fetch_all(session.connection, _patron_parameters(session, value))


def get_account(session: LibrarySession, patron_id: str) -> PatronAccount:
    """Load an account by our own id. Raises Refused(UNKNOWN_PATRON)."""
    row = _BY_ID.fetch_first(session.connection, _patron_parameters(session, patron_id))
    if row is None:
        raise unknown_patron_refusal(patron_id)
    return account_of_row(row, session)


def get_locked_account(session: LibrarySession, patron_id: str) -> PatronAccount:
    """`get_account`, and nobody else lends to the patron, or places a hold, before we are done."""
    lock_patron(session, patron_id)
    return get_account(session, patron_id)


def unknown_patron_refusal(value: str) -> Refused:
    return Refused(RefusalReason.UNKNOWN_PATRON, "no patron has this identifier", about=MessagePart.PATRON, value=value)


def _patron_parameters(session: LibrarySession, value: str) -> dict[str, object]:
    return {"library": session.library, "value": value, "now": session.now, "today": session.today}


# --- row to value ----------------------------------------------------------------------------------------


def account_of_row(row: Row[Any], session: LibrarySession) -> PatronAccount:
    # In the order of _COLUMNS: unpacking costs a tenth of access by name, and this is the hottest path.
    (
        id_,
        identifiers,
        surname,
        given,
        prefix,
        initials,
        suffix,
        is_organisation,
        category_code,
        home_library,
        contacts,
        blocks,
        expires,
        language,
        date_of_birth,
        home_institution,
        temporary,
        notes,
        loan_limit,
        hold_limit,
        fee_limit,
        overdue_limit,
        loan_count,
        overdues,
        hold_count,
        units,
        secret_hash,
        maker,
        _,
    ) = tuple(row)
    today = session.today
    owed = amount_of_units(units or 0)
    category = PatronCategory(category_code, loan_limit, hold_limit, fee_limit, overdue_limit)
    manual = tuple(block for block in map(block_of_json, blocks) if is_in_force(block, today)) if blocks else ()
    patron = Patron(
        id=id_,
        identifiers=tuple([PatronIdentifier(type_, value) for type_, value in identifiers]),
        name=PersonName(surname, given, prefix, initials, suffix, is_organisation),
        category=category_code,
        home_library=home_library,
        contacts=tuple([contact_of_json(contact) for contact in contacts]),
        blocks=manual
        + derive_blocks(
            category, expires=expires, today=today, owed=owed, overdues=overdues, currency=session.currency
        ),
        expires=expires,
        balance=Money(owed, session.currency),
        loan_count=loan_count,
        hold_count=hold_count,
        language=language,
        date_of_birth=date_of_birth,
        home_institution=home_institution,
        temporary=temporary,
        notes=notes,
        maker=(maker or "") if session.is_shared else None,
    )
    return PatronAccount(patron, category, secret_hash)


_CONTACT_KINDS = {kind.value: kind for kind in ContactKind}


def contact_of_json(value: dict[str, Any]) -> Contact:
    postal, since, until = value.get("postal"), value.get("from"), value.get("to")
    return Contact(
        kind=_CONTACT_KINDS[value["kind"]],
        role=value["role"],
        value=value["value"],
        postal=PostalAddress(*postal) if postal else None,
        valid_from=date.fromisoformat(since) if since else None,
        valid_to=date.fromisoformat(until) if until else None,
    )


def block_of_json(value: dict[str, Any]) -> Block:
    """One that staff have set, whose reason is the one that the patron is told."""
    since, until = value.get("since"), value.get("until")
    return Block(
        value["reason"],
        frozenset(BlockScope(scope) for scope in value["scopes"]),
        date.fromisoformat(since) if since else None,
        date.fromisoformat(until) if until else None,
        message=value["reason"],
    )


# --- value to row ----------------------------------------------------------------------------------------


def json_of_contact(contact: Contact) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": contact.kind.value, "role": contact.role, "value": contact.value}
    if contact.postal is not None:
        p = contact.postal
        value["postal"] = [p.line1, p.line2, p.locality, p.region, p.postal_code, p.country]
    if contact.valid_from is not None:
        value["from"] = contact.valid_from.isoformat()
    if contact.valid_to is not None:
        value["to"] = contact.valid_to.isoformat()
    return value


def json_of_block(block: Block) -> dict[str, Any]:
    value: dict[str, Any] = {"reason": block.reason, "scopes": sorted(scope.value for scope in block.scopes)}
    if block.since is not None:
        value["since"] = block.since.isoformat()
    if block.until is not None:
        value["until"] = block.until.isoformat()
    return value


def name_columns(name: PersonName) -> dict[str, Any]:
    return {
        "surname": name.surname,
        "given": name.given,
        "prefix": name.prefix,
        "initials": name.initials,
        "suffix": name.suffix,
        "is_organisation": name.is_organisation,
    }
