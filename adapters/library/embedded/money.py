"""Charges on patron accounts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from adapters.library.embedded.here import Here
from adapters.library.embedded.ids import new_id
from adapters.library.embedded.patron_rows import account
from adapters.library.embedded.rows import add_row
from adapters.library.embedded.tables import charges
from gateway.domain.library import Charge, Money
from gateway.domain.problems import About, Reason, Refused

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


def unpaid(connection: Connection, here: Here, patron_id: str) -> tuple[Charge, ...]:
    """Oldest first."""
    rows = connection.execute(_UNPAID, {"library": here.library, "patron": patron_id})
    return tuple(_to_charge(row) for row in rows)


def post(connection: Connection, here: Here, charge: Charge) -> Charge:
    """A charge with an empty id; its key makes it unique. Raises Refused(INVALID_AMOUNT | UNKNOWN_PATRON)."""
    known = connection.execute(_BY_KEY, {"library": here.library, "key": charge.key}).one_or_none()
    if known is not None:
        return _to_charge(known)
    _check_amount(here, charge.amount)
    account(connection, here, charge.patron_id)
    return add(connection, here, charge)


def add(connection: Connection, here: Here, charge: Charge) -> Charge:
    """Without asking: for fines, whose patron and amount are the library's own."""
    row = {
        "library": here.library,
        "id": new_id(here.now),
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
    add_row(connection, charges, row)
    return _to_charge(connection.execute(_BY_KEY, {"library": here.library, "key": charge.key}).one())


def _check_amount(here: Here, money: Money) -> None:
    if money.currency != here.currency:
        raise Refused(
            Reason.INVALID_AMOUNT,
            f"the library keeps its accounts in {here.currency}",
            about=About.AMOUNT,
            value=money.currency,
        )
    if money.amount <= 0 or money.amount != round(money.amount, 4):
        raise Refused(
            Reason.INVALID_AMOUNT,
            "a fee must be more than nothing, with at most four decimals",
            about=About.AMOUNT,
            value=str(money.amount),
        )


def _to_charge(row: Row[*tuple[Any, ...]]) -> Charge:
    return Charge(
        id=row.id,
        key=row.key,
        patron_id=row.patron_id,
        type=row.type,
        amount=Money(row.amount, row.currency),
        posted=row.posted,
        description=row.description,
        item_barcode=row.item_barcode,
        request_id=row.request_id,
        paid=row.paid,
    )
