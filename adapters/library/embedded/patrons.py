"""Patrons found and changed, PINs, charges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Row, bindparam, delete, select, update

from adapters.library.embedded import library_session, loan_rules
from adapters.library.embedded.library_session import LibrarySession, add_row, add_rows, lock_patron, new_id
from adapters.library.embedded.patron_rows import (
    INTERNAL,
    PatronAccount,
    account_of_row,
    get_account,
    get_locked_account,
    json_of_block,
    json_of_contact,
    name_columns,
    rows_by_identifier,
    unknown_patron_refusal,
)
from adapters.library.embedded.tables import branches, categories, charges, holds, loans, patron_identifiers, patrons
from gateway.domain.library import (
    Block,
    BlockScope,
    Charge,
    IdentifierType,
    Money,
    Patron,
    PatronDraft,
    PatronIdentifier,
)
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import copy_fields, replace, value_object
from gateway.ports.library_operations import Fee, PatronDeletion, PatronExpiry
from gateway.ports.library_system import PatronKey

OWN_ORDER = (IdentifierType.BARCODE, IdentifierType.USERNAME, IdentifierType.EXTERNAL, IdentifierType.INTERNAL)
"""Types tried first when a caller names none; the library's own words come after, and must agree."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The parameters that OWASP recommends at least: some 20 ms, and little memory where many sign in at once."""

HASH_OF_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$WxSs4n2R8povLZtMaYTj9Q$ENuCwkQcS/VZ6f1k6kdLc+G9+dKwyUaguCzPrWqIsOQ"
"""Of a secret that was thrown away, by the parameters above. Written down, since a hash takes the start of a command as
long as ten modules do."""

_c = charges.c
_COLUMNS = (
    _c.id,
    _c.key,
    _c.patron_id,
    _c.type,
    _c.amount,
    _c.currency,
    _c.posted,
    _c.description,
    _c.item_barcode,
    _c.request_id,
    _c.paid,
)
_UNPAID = (
    select(*_COLUMNS)
    .where(_c.library == bindparam("library"), _c.patron_id == bindparam("patron"), _c.paid < _c.amount)
    .order_by(_c.posted, _c.id)
)
_BY_KEY = select(*_COLUMNS).where(_c.library == bindparam("library"), _c.key == bindparam("key"))


def find_patron(session: LibrarySession, key: PatronKey) -> PatronAccount:
    """Find a patron; raises Refused(UNKNOWN_PATRON | AMBIGUOUS_PATRON)."""
    rows = rows_by_identifier(session, key.value)
    if len(rows) == 1 and (not key.types or rows[0].id_type in key.types):
        return account_of_row(rows[0], session)
    by_type = {row.id_type: row for row in rows}
    for type_ in key.types or OWN_ORDER:
        if type_ in by_type:
            return account_of_row(by_type[type_], session)
    if key.types or not rows:
        raise unknown_patron_refusal(key.value)
    if len({row.id for row in rows}) > 1:
        raise Refused(
            RefusalReason.AMBIGUOUS_PATRON,
            "several patrons have this identifier",
            about=MessagePart.PATRON,
            value=key.value,
        )
    return account_of_row(rows[0], session)


def check_patron_allowed(patron: Patron, scope: BlockScope, today: date) -> None:
    """Raise Refused(PATRON_EXPIRED | PATRON_BLOCKED)."""
    if patron.expires is not None and patron.expires < today:
        raise Refused(RefusalReason.PATRON_EXPIRED, "the patron's membership has expired", about=MessagePart.PATRON)
    block = patron.find_block(scope)
    if block is not None:
        raise Refused(
            RefusalReason.PATRON_BLOCKED,
            write_sentence("the patron is blocked: %(reason)s", reason=block.reason),
            about=MessagePart.PATRON,
        )


# --- changing --------------------------------------------------------------------------------------------


@value_object
class PatronRegistration:
    """The facts that only staff may set of a new patron, beside the draft."""

    blocks: tuple[Block, ...] = ()
    notes: str = ""


def create_patron(
    session: LibrarySession, draft: PatronDraft, secret_hash: str, key: str, by: PatronRegistration
) -> Patron:
    """Create a patron; raises Refused(DATA_MISSING | INVALID_VALUE | DUPLICATE_PATRON)."""
    known = session.connection.scalar(
        select(patrons.c.id).where(patrons.c.library == session.library, patrons.c.key == key)
    )
    if known is not None:
        return get_account(session, known).patron
    if draft.name is None or not draft.name.surname:
        raise Refused(
            RefusalReason.DATA_MISSING, "a patron needs a surname or an organisation name", about=MessagePart.PATRON
        )
    if not draft.home_library and (sharing := loan_rules.find_resource_sharing_branch(session)) is not None:
        draft = replace(draft, home_library=sharing.code)
    if not draft.category or not draft.home_library:
        missing = write_sentence("a home library") if draft.category else write_sentence("a category")
        raise Refused(
            RefusalReason.DATA_MISSING,
            write_sentence("a patron needs %(missing)s", missing=missing),
            about=MessagePart.PATRON,
        )
    patron_id = new_id(session.now)
    _check_codes(session, draft)
    _check_identifiers_free(session, draft.identifiers, patron_id)
    row = _new_patron_row(session, patron_id, key) | _draft_columns(draft)
    row |= {"secret_hash": secret_hash, "notes": by.notes, "blocks": [json_of_block(block) for block in by.blocks]}
    add_row(session.connection, patrons, row)
    _write_identifiers(session, patron_id, draft.identifiers)
    return get_account(session, patron_id).patron


def update_patron(
    session: LibrarySession, patron_id: str, draft: PatronDraft, secret_hash: str | None, key: str
) -> Patron:
    """Update a patron; what the draft leaves None stays. Its identifiers replace those of the same types; an empty
    value removes the type. Raises Refused(UNKNOWN_PATRON | INVALID_VALUE | DUPLICATE_PATRON)."""
    lock_patron(session, patron_id)
    if library_session.is_operation_done(session, "update-patron", key, patron_id):
        return get_account(session, patron_id).patron
    present = get_account(session, patron_id).patron
    _check_codes(session, draft)
    identifiers = _merge_identifiers(present.identifiers, draft.identifiers)
    _check_identifiers_free(session, identifiers, patron_id)
    columns = _draft_columns(replace(draft, identifiers=identifiers))
    if secret_hash is not None:
        columns["secret_hash"] = secret_hash
    session.connection.execute(update(patrons).where(*_patron_conditions(session, patron_id)).values(**columns))
    if identifiers != present.identifiers:
        _write_identifiers(session, patron_id, identifiers)
    library_session.mark_operation_done(session, "update-patron", key, patron_id)
    return get_account(session, patron_id).patron


def expire_patron(session: LibrarySession, wish: PatronExpiry, key: str) -> Patron:
    """`wish.on` is the last day of membership. Raises Refused(UNKNOWN_PATRON)."""
    patron_id = wish.patron_id
    if not library_session.is_operation_done(session, "expire-patron", key, patron_id):
        get_account(session, patron_id)
        session.connection.execute(
            update(patrons).where(*_patron_conditions(session, patron_id)).values(expires=wish.on)
        )
        library_session.mark_operation_done(session, "expire-patron", key, patron_id)
    return get_account(session, patron_id).patron


def delete_patron(session: LibrarySession, wish: PatronDeletion, _key: str) -> Patron:
    """Delete a patron; where loans, holds or fees of the past name the patron, the row stays for their sake, with
    nothing in it.

    Raises Refused(UNKNOWN_PATRON | NOT_ALLOWED | IN_USE).
    """
    patron_id = wish.patron_id
    patron = get_locked_account(session, patron_id).patron
    if not patron.temporary:
        raise Refused(RefusalReason.NOT_ALLOWED, "only temporary patrons can be deleted", about=MessagePart.PATRON)
    owed = patron.balance.amount if patron.balance is not None else 0
    in_use = {"loans": patron.loan_count, "holds": patron.hold_count, "unpaid fees": owed}
    kept = [what for what, count in in_use.items() if count]
    if kept:
        raise Refused(
            RefusalReason.IN_USE,
            write_sentence("the patron still has %(value)s", value=" and ".join(kept)),
            about=MessagePart.PATRON,
        )
    of_patron = (patron_identifiers.c.library == session.library, patron_identifiers.c.patron_id == patron_id)
    session.connection.execute(delete(patron_identifiers).where(*of_patron))
    if _has_history(session, patron_id):
        session.connection.execute(update(patrons).where(*_patron_conditions(session, patron_id)).values(**_NOBODY))
    else:
        session.connection.execute(delete(patrons).where(*_patron_conditions(session, patron_id)))
    return patron


_NOBODY: dict[str, Any] = {
    **dict.fromkeys(("surname", "given", "prefix", "initials", "suffix", "language", "notes", "secret_hash"), ""),
    "identifiers": [],
    "contacts": [],
    "blocks": [],
    "date_of_birth": None,
    "key": None,
}


def _has_history(session: LibrarySession, patron_id: str) -> bool:
    for table in (loans, holds, charges):
        rows = select(table.c.id).where(table.c.library == session.library, table.c.patron_id == patron_id).limit(1)
        if session.connection.scalar(rows) is not None:
            return True
    return False


def _patron_conditions(session: LibrarySession, patron_id: str) -> tuple[Any, ...]:
    return (patrons.c.library == session.library, patrons.c.id == patron_id)


def _new_patron_row(session: LibrarySession, patron_id: str, key: str) -> dict[str, Any]:
    return {
        "library": session.library,
        "id": patron_id,
        "key": key,
        "created": session.now,
        "contacts": [],
        "temporary": False,
    }


def _draft_columns(draft: PatronDraft) -> dict[str, Any]:
    columns: dict[str, Any] = {"identifiers": [[i.type, i.value] for i in draft.identifiers]}
    if draft.name is not None:
        columns |= name_columns(draft.name)
    if draft.contacts is not None:
        columns["contacts"] = [json_of_contact(contact) for contact in draft.contacts]
    plain = ("category", "home_library", "expires", "language", "date_of_birth", "home_institution", "temporary")
    columns |= {name: getattr(draft, name) for name in plain if getattr(draft, name) is not None}
    return columns


def _merge_identifiers(
    present: tuple[PatronIdentifier, ...], changed: tuple[PatronIdentifier, ...]
) -> tuple[PatronIdentifier, ...]:
    replaced = {identifier.type for identifier in changed}
    identifiers = tuple(identifier for identifier in present if identifier.type not in replaced)
    return identifiers + tuple(identifier for identifier in changed if identifier.value)


def _check_codes(session: LibrarySession, draft: PatronDraft) -> None:
    for table, code, what in (
        (categories, draft.category, write_sentence("category")),
        (branches, draft.home_library, write_sentence("branch")),
    ):
        if code is None:
            continue
        query = select(table.c.code).where(table.c.library == session.library, table.c.code == code)
        if session.connection.scalar(query) is None:
            raise Refused(
                RefusalReason.INVALID_VALUE,
                write_sentence("the library has no %(what)s %(code)s", what=what, code=code),
                about=MessagePart.PATRON,
                value=code,
            )
    if any(not identifier.type or identifier.type == INTERNAL for identifier in draft.identifiers):
        raise Refused(
            RefusalReason.INVALID_VALUE, "an identifier needs a type other than internal", about=MessagePart.PATRON
        )


def _check_identifiers_free(session: LibrarySession, identifiers: Iterable[PatronIdentifier], patron_id: str) -> None:
    query = select(patron_identifiers.c.patron_id).where(
        patron_identifiers.c.library == session.library,
        patron_identifiers.c.type == bindparam("of_type"),
        patron_identifiers.c.value == bindparam("of_value"),
        patron_identifiers.c.patron_id != patron_id,
    )
    for identifier in identifiers:
        if session.connection.scalar(query, {"of_type": identifier.type, "of_value": identifier.value}) is not None:
            raise Refused(
                RefusalReason.DUPLICATE_PATRON,
                write_sentence("another patron has this %(type)s", type=identifier.type),
                about=MessagePart.PATRON,
                value=identifier.value,
            )


def _write_identifiers(session: LibrarySession, patron_id: str, identifiers: Iterable[PatronIdentifier]) -> None:
    of_patron = patron_identifiers.c.patron_id == patron_id
    session.connection.execute(
        delete(patron_identifiers).where(patron_identifiers.c.library == session.library, of_patron)
    )
    pairs = dict.fromkeys([(i.type, i.value) for i in identifiers] + [(INTERNAL, patron_id)])
    rows = [
        {"library": session.library, "type": type_, "value": value, "patron_id": patron_id} for type_, value in pairs
    ]
    add_rows(session.connection, patron_identifiers, rows)


def hash_pin(secret: str) -> str:
    return _hasher.hash(secret)


async def hash_secret(secret: str) -> str:
    return await asyncio.to_thread(hash_pin, secret)


class SecretVerifier:
    """Checks secrets off the event loop. Where no hash is known it works as long, so that time tells nothing."""

    async def is_correct(self, secret_hash: str, secret: str) -> bool:
        fits = await asyncio.to_thread(_verify_hash, secret_hash or HASH_OF_NOBODY, secret)
        return fits and bool(secret_hash)


def _verify_hash(secret_hash: str, secret: str) -> bool:
    try:
        return _hasher.verify(secret_hash, secret)
    except (VerificationError, InvalidHashError):
        return False


def unpaid_charges(session: LibrarySession, patron_id: str) -> tuple[Charge, ...]:
    """Oldest first."""
    rows = session.connection.execute(_UNPAID, {"library": session.library, "patron": patron_id})
    return tuple(_charge_of_row(row) for row in rows)


def post_fee(session: LibrarySession, fee: Fee, key: str) -> Charge:
    """The key makes it unique. Raises Refused(INVALID_AMOUNT | UNKNOWN_PATRON)."""
    row = session.connection.execute(_BY_KEY, {"library": session.library, "key": key}).one_or_none()
    if row is not None:
        return _charge_of_row(row)
    _check_amount(session, fee.amount)
    get_account(session, fee.patron_id)
    charge = Charge(
        "", key, fee.patron_id, fee.type, fee.amount, session.now, fee.description, fee.item_barcode, fee.request_id
    )
    return add_charge(session, charge)


def add_charge(session: LibrarySession, charge: Charge) -> Charge:
    """A charge with an empty id, without asking: for fines, whose patron and amount are the library's own."""
    row = {
        "library": session.library,
        "id": new_id(session.now),
        "key": charge.key,
        "patron_id": charge.patron_id,
        "type": charge.type,
        "amount": charge.amount.amount,
        "currency": charge.amount.currency,
        "posted": charge.posted,
        "description": charge.description,
        "item_barcode": charge.item_barcode,
        "request_id": charge.request_id,
        "paid": charge.paid,
    }
    add_row(session.connection, charges, row)
    return _charge_of_row(session.connection.execute(_BY_KEY, {"library": session.library, "key": charge.key}).one())


def _check_amount(session: LibrarySession, money: Money) -> None:
    if money.currency != session.currency:
        raise Refused(
            RefusalReason.INVALID_AMOUNT,
            write_sentence("the library keeps its accounts in %(currency)s", currency=session.currency),
            about=MessagePart.AMOUNT,
            value=money.currency,
        )
    if money.amount <= 0 or money.amount != round(money.amount, 4):
        raise Refused(
            RefusalReason.INVALID_AMOUNT,
            "a fee must be greater than zero and have up to four decimals",
            about=MessagePart.AMOUNT,
            value=str(money.amount),
        )


def _charge_of_row(row: Row[*tuple[Any, ...]]) -> Charge:
    return copy_fields(Charge, row, amount=Money(row.amount, row.currency))
