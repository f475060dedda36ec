"""Items of open requests, so that a scan finds what it is about."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy import insert as sql_insert

from gateway.domain.requests.request import Request
from gateway.store.locks import key_of, lock
from gateway.store.prepared import Prepared
from gateway.store.requests.columns import barcodes_of
from gateway.store.requests.tables import request_barcode

_b = request_barcode.c
_OF_REQUEST = Prepared(
    select(_b.barcode).where(_b.library == bindparam("library"), _b.request_id == bindparam("request_id"))
)
_ADD = Prepared(sql_insert(request_barcode))
_REMOVE = Prepared(
    delete(request_barcode).where(
        _b.library == bindparam("library"),
        _b.barcode == bindparam("barcode"),
        _b.request_id == bindparam("request_id"),
    )
)


def spoken_for(connection: Connection, library: str, items: Collection[str], besides: str) -> frozenset[str]:
    """Those of these barcodes that open requests have, other than the one with the id `besides`."""
    found = connection.execute(
        select(_b.barcode).where(_b.library == library, _b.barcode.in_(sorted(items)), _b.request_id != besides)
    )
    return frozenset(found.scalars())


def lock_barcode(connection: Connection, library: str, barcode: str) -> None:
    """Whoever looks whether an item is spoken for, and takes it if not, locks its barcode first: else another node
    may find it free as well."""
    lock(connection, key_of(f"barcode {library} {barcode}"))


def follow_barcodes(connection: Connection, now: Request) -> None:
    """Brings the rows of a request that has changed up to date."""
    asked = {"library": now.library, "request_id": now.id}
    old = {row.barcode for row in _OF_REQUEST.all(connection, asked)}
    new = barcodes_of(now)
    if gone := old - new:
        _REMOVE.run(connection, [asked | {"barcode": barcode} for barcode in sorted(gone)])
    if come := new - old:
        _ADD.run(connection, [asked | {"barcode": barcode} for barcode in sorted(come)])
