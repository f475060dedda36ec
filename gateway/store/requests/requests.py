"""Requests inserted, saved, loaded and found by number, reference or barcode."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, text, update
from sqlalchemy import insert as sql_insert

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.request import Request, Role
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.sql.gathered_writes import gathered_of
from gateway.sql.index_hints import follow_index, follow_key
from gateway.sql.statements import PreparedStatement, prepare_sql
from gateway.store.postgresql import lock_name_in_transaction
from gateway.store.requests import request_counts
from gateway.store.requests.request_facets import facet_counters
from gateway.store.requests.request_figures import update_request_figures
from gateway.store.requests.request_rows import (
    find_new_supply,
    normalize_external_number,
    open_barcodes_of,
    parse_request,
    request_columns,
)
from gateway.store.requests.request_search import update_terms
from gateway.store.requests.tables import (
    HAS_PATRON,
    IS_OPEN,
    request,
    request_barcode,
    request_external,
    request_task,
    request_transaction,
)

MAX_ROWS = 100
"""Requests that one look-up by a value gives."""

_b = request_barcode.c
_OF_REQUEST = PreparedStatement(
    follow_index(
        select(_b.barcode).where(_b.library == bindparam("library"), _b.request_id == bindparam("request_id")),
        request_barcode,
        "ix_request_barcode_request",
    )
)
_BARCODE_KEY = ("library", "barcode", "request_id")
_ADD = PreparedStatement(sql_insert(request_barcode), request_barcode, _BARCODE_KEY)
_REMOVE = PreparedStatement(
    delete(request_barcode).where(
        _b.library == bindparam("library"),
        _b.barcode == bindparam("barcode"),
        _b.request_id == bindparam("request_id"),
    ),
    request_barcode,
    _BARCODE_KEY,
)

MAX_REFERENCES = 4
"""Names that one message gives a request."""


class StaleRequestError(Exception):
    """The request was changed by another since it was read."""


@value_object
class ReferencedRequest:
    """The request that a partner's number means; `attempt` is 0 for lending."""

    request_id: str
    attempt: int


class TransactionTaken(Refused):
    """The partner has used this number before, for `found`."""

    def __init__(self, match: ReferencedRequest) -> None:
        super().__init__(RefusalReason.DUPLICATE_REQUEST, write_sentence("A request with this number already exists."))
        self.found = match


_c = request.c
_ONE = (_c.library == bindparam("in_library"), _c.id == bindparam("with_id"))
_KEY = ("in_library", "with_id")
_LOAD = PreparedStatement(select(_c.document).where(*_ONE), request, _KEY)
_LOAD_FOR_UPDATE = PreparedStatement(select(_c.document).where(*_ONE).with_for_update(), request, _KEY)
_PREVIOUS = (
    *(_c.version, _c.changed, _c.tasks, _c.external, _c.terms, _c.loads, _c.supplied),
    *(_c.role, _c.state, _c.is_open, _c.partner, _c.service, _c.branch, _c.assignee, _c.labels),
)
_BEFORE = PreparedStatement(select(*_PREVIOUS).where(*_ONE).with_for_update(), request, _KEY)
_LOAD_WITH_BEFORE = PreparedStatement(select(_c.document, *_PREVIOUS).where(*_ONE).with_for_update(), request, _KEY)
_INSERT = PreparedStatement(sql_insert(request), request, ("library", "id"))
_FIXED = {"library", "id", "role", "created"}
_UPDATE = PreparedStatement(
    update(request)
    .where(*_ONE)
    .values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in _c if c.name not in _FIXED}),
    request,
    _KEY,
)

_t = request_task.c
_JOIN_TASK = PreparedStatement(sql_insert(request_task), request_task, ("library", "task", "request_id"))
_STAY_ON_TASK = PreparedStatement(
    update(request_task)
    .where(
        _t.library == bindparam("in_library"),
        _t.task == bindparam("on_task"),
        _t.changed == bindparam("before", type_=_t.changed.type),
        _t.request_id == bindparam("of_request"),
    )
    .values(changed=bindparam("now", type_=_t.changed.type)),
    request_task,
    ("in_library", "on_task", "of_request"),
)
_LEAVE_TASK = PreparedStatement(
    delete(request_task).where(
        _t.library == bindparam("library"),
        _t.task == bindparam("task"),
        _t.changed == bindparam("changed"),
        _t.request_id == bindparam("request_id"),
    ),
    request_task,
    ("library", "task", "request_id"),
)
_x = request_external.c
_EXTERNAL_KEY = ("library", "value", "request_id")
_ADD_EXTERNAL = PreparedStatement(sql_insert(request_external), request_external, _EXTERNAL_KEY)
_REMOVE_EXTERNAL = PreparedStatement(
    delete(request_external).where(
        _x.library == bindparam("library"),
        _x.value == bindparam("value"),
        _x.request_id == bindparam("request_id"),
    ),
    request_external,
    _EXTERNAL_KEY,
)


@value_object
class _PreviousRow:
    """The row as it was, and other rows with it."""

    changed: datetime | None = None
    tasks: str = ""
    external: str = ""
    terms: str = ""
    loads: str = ""
    supplied: int = 0
    counters: Sequence[request_counts.Counted] = ()
    barcodes: frozenset[str] | None = None
    """Which it should have in rows; None: they are to be looked at."""


_NOTHING = _PreviousRow(barcodes=frozenset())


def insert_request(connection: Connection, new: Request) -> None:
    """Insert a request; raises IntegrityError when the id or the number is there already."""
    columns = request_columns(new, 0)
    _INSERT.execute_many(connection, [columns])
    if (gathered := gathered_of(connection)) is not None:
        gathered.memory[_memory_key(new.library, new.id)] = columns
    _update_dependent_rows(connection, new, _NOTHING, columns)
    update_request_figures(connection, new)


def save_request(connection: Connection, changed: Request, reason: str = "") -> None:
    """Expects the version before `changed.version` to be stored; `reason`: why we did not supply, where that was just
    said. Raises StaleRequestError."""
    _update_request(connection, changed, changed.version - 1)
    update_request_figures(connection, changed, reason)


def amend_request(connection: Connection, changed: Request) -> None:
    """Change what nobody decides by, such as its numbers elsewhere: the version stays, so that what is under way on the
    request goes on. Expects `changed.version` to be stored, and the request locked. Raises StaleRequestError."""
    _update_request(connection, changed, changed.version)


def _update_request(connection: Connection, changed: Request, expected: int) -> None:
    previous = _read_previous(connection, changed.library, changed.id)
    if previous is None or previous["version"] != expected:
        stored = "is not there" if previous is None else f"has version {previous['version']}"
        raise StaleRequestError(
            f"request {changed.id} of {changed.library} {stored}; version {changed.version} can't follow"
        )
    columns = request_columns(changed, previous["supplied"])
    values = {f"new_{name}": value for name, value in columns.items() if name not in _FIXED}
    _UPDATE.execute_many(connection, [{"in_library": changed.library, "with_id": changed.id, **values}])
    if (gathered := gathered_of(connection)) is not None:
        gathered.memory[_memory_key(changed.library, changed.id)] = columns
    before = _PreviousRow(
        changed=previous["changed"],
        tasks=previous["tasks"],
        external=previous["external"],
        terms=previous["terms"],
        loads=previous["loads"],
        supplied=previous["supplied"],
        counters=facet_counters(previous),
        barcodes=open_barcodes_of(parse_request(previous["document"])) if "document" in previous else None,
    )
    _update_dependent_rows(connection, changed, before, columns)


def _read_previous(connection: Connection, library: str, id_: str) -> Mapping[str, Any] | None:
    """Read the row of a request, which nobody else changes before the end of the transaction."""
    if (previous := _recall_request(connection, library, id_)) is not None:
        return previous
    row = _BEFORE.fetch_first(connection, {"in_library": library, "with_id": id_})
    return None if row is None else row._asdict()


def _recall_request(connection: Connection, library: str, id_: str) -> Mapping[str, Any] | None:
    """Return what this transaction has read of a request under its lock, or has written."""
    gathered = gathered_of(connection)
    return None if gathered is None else gathered.memory.get(_memory_key(library, id_))


def _memory_key(library: str, id_: str) -> tuple[str, str, str]:
    return ("request", library, id_)


def _update_dependent_rows(connection: Connection, now: Request, before: _PreviousRow, columns: dict[str, Any]) -> None:
    """Rows elsewhere that follow from the request's."""
    library, id_ = now.library, now.id
    old, new = before.tasks.split(), columns["tasks"].split()
    _update_task_rows(connection, now, before.changed, old, new)
    left = [*((request_counts.TASK, name) for name in old), *_load_counters(now.role, before.loads), *before.counters]
    joined = [
        *((request_counts.TASK, name) for name in new),
        *_load_counters(now.role, columns["loads"]),
        *facet_counters(columns),
    ]
    request_counts.count_change(connection, library, id_, left, joined)
    if before.external != columns["external"]:
        _update_external_numbers(
            connection, now, set(before.external.splitlines()), set(columns["external"].splitlines())
        )
    if before.terms != columns["terms"]:
        update_terms(connection, library, id_, before.terms, columns["terms"])
    if number := find_new_supply(now, before.supplied):
        request_counts.count_supply(connection, now, number)
    if before.barcodes != open_barcodes_of(now):
        update_barcodes(connection, now)


def _update_task_rows(
    connection: Connection, now: Request, before: datetime | None, old: list[str], new: list[str]
) -> None:
    """It waits on a list since it came there, whatever changes meanwhile. `before`: when it had changed last."""
    row: dict[str, Any] = {"library": now.library, "request_id": now.id}
    if left := [row | {"task": name, "changed": before} for name in old if name not in new]:
        _LEAVE_TASK.execute_many(connection, left)
    if before != now.changed and (stays := [name for name in old if name in new]):
        place = {"in_library": now.library, "of_request": now.id, "before": before, "now": now.changed}
        _STAY_ON_TASK.execute_many(connection, [place | {"on_task": name} for name in stays])
    come = [row | {"task": name, "changed": now.changed, "since": now.changed} for name in new if name not in old]
    if come:
        _JOIN_TASK.execute_many(connection, come)


def _load_counters(role: Role, partner: str) -> list[request_counts.Counted]:
    return [(role.value, partner)] if partner else []


def _update_external_numbers(connection: Connection, now: Request, old: set[str], new: set[str]) -> None:
    def make_external_rows(values: set[str]) -> list[dict[str, str]]:
        return [{"library": now.library, "value": value, "request_id": now.id} for value in sorted(values)]

    if gone := make_external_rows(old - new):
        _REMOVE_EXTERNAL.execute_many(connection, gone)
    if come := make_external_rows(new - old):
        _ADD_EXTERNAL.execute_many(connection, come)


# --- finding ---------------------------------------------------------------------------------------------

_BY_NUMBER = PreparedStatement(
    select(_c.id).where(_c.library == bindparam("library"), _c.number == bindparam("number"))
)
_OPEN_COUNT = PreparedStatement(
    select(func.count().label("n"))
    .select_from(request)
    .where(_c.library == bindparam("library"), _c.patron_id == bindparam("patron_id"), HAS_PATRON, IS_OPEN)
)
_OPEN_OF_LIBRARY = PreparedStatement(
    select(func.count().label("n"))
    .select_from(request)
    .where(_c.library == bindparam("library"), _c.role == bindparam("role"), IS_OPEN)
)
_SIMILAR = PreparedStatement(
    select(_c.id)
    .where(
        _c.library == bindparam("library"),
        _c.patron_id == bindparam("patron_id"),
        HAS_PATRON,
        _c.fingerprint == bindparam("fingerprint"),
        _c.created >= bindparam("since", type_=_c.created.type),
    )
    .order_by(_c.created.desc())
    .limit(MAX_ROWS)
)


def load_request(connection: Connection, library: str, id_: str) -> Request | None:
    """Load a request; raises UnreadableDocumentError."""
    if (known := _recall_request(connection, library, id_)) is not None:
        return parse_request(known["document"])
    row = _LOAD.fetch_first(connection, {"in_library": library, "with_id": id_})
    return None if row is None else parse_request(row.document)


def lock_request(connection: Connection, library: str, id_: str) -> Request | None:
    """The same, and nobody else changes it before the end of the transaction."""
    gathered = gathered_of(connection)
    if gathered is None:
        row = _LOAD_FOR_UPDATE.fetch_first(connection, {"in_library": library, "with_id": id_})
        return None if row is None else parse_request(row.document)
    key = _memory_key(library, id_)
    if key not in gathered.memory:
        row = _LOAD_WITH_BEFORE.fetch_first(connection, {"in_library": library, "with_id": id_})
        if row is None:
            return None
        gathered.memory[key] = row._asdict()
    return parse_request(gathered.memory[key]["document"])


_LOCK_VERSION = PreparedStatement(select(_c.version).where(*_ONE).with_for_update(), request, _KEY)


def lock_version(connection: Connection, library: str, id_: str) -> int | None:
    """The version of a request that nobody else changes before the end of the transaction; None: there is none."""
    row = _LOCK_VERSION.fetch_first(connection, {"in_library": library, "with_id": id_})
    return None if row is None else int(row.version)


def find_by_number(connection: Connection, library: str, number: str) -> str | None:
    """The id of the request with this number."""
    row = _BY_NUMBER.fetch_first(connection, {"library": library, "number": number})
    return None if row is None else row.id


def count_open_requests(connection: Connection, library: str, patron_id: str) -> int:
    """Count the open requests of the patron."""
    if not patron_id:
        return 0
    count: int = _OPEN_COUNT.fetch_first(connection, {"library": library, "patron_id": patron_id}).n
    return count


def count_open_of_library(connection: Connection, library: str) -> int:
    """Count all open requests of a library."""
    asked = ({"library": library, "role": role.value} for role in Role)
    return sum(_OPEN_OF_LIBRARY.fetch_first(connection, parameters).n for parameters in asked)


def find_similar(
    connection: Connection, library: str, patron_id: str, fingerprint: str, since: datetime
) -> tuple[str, ...]:
    """Ids of the patron's requests for the same thing (`domain.requests.citation_matching`) that were made at `since`
    or later, open or not, newest first; MAX_ROWS of them. An empty fingerprint is like nothing."""
    if not fingerprint or not patron_id:
        return ()
    asked = {"library": library, "patron_id": patron_id, "fingerprint": fingerprint, "since": since}
    return tuple(row.id for row in _SIMILAR.fetch_all(connection, asked))


# --- partners' numbers -----------------------------------------------------------------------------------

_n = request_transaction.c
_ADD_TRANSACTION = prepare_sql(
    "INSERT INTO request_transaction (library, role, symbol, reference, request_id, attempt) "
    "VALUES (:library, :role, :symbol, :reference, :request_id, :attempt) "
    "ON CONFLICT DO NOTHING RETURNING attempt",
    request_transaction,
    _n.attempt,
)
_REMOVE_TRANSACTION = prepare_sql(
    "DELETE FROM request_transaction "
    "WHERE library = :library AND role = :role AND symbol = :symbol AND reference = :reference",
    request_transaction,
)
_BY_TRANSACTION = PreparedStatement(
    select(_n.request_id, _n.attempt).where(
        _n.library == bindparam("library"),
        _n.role == bindparam("role"),
        _n.symbol == bindparam("symbol"),
        _n.reference == bindparam("reference"),
    )
)


def find_by_transaction(
    connection: Connection, library: str, role: Role, partner_symbol: str, transaction: str
) -> ReferencedRequest | None:
    """The request (and the attempt, for borrowing) that this partner means by its number. `role`: ours."""
    asked = {"library": library, "role": role.value, "symbol": partner_symbol, "reference": transaction}
    row = _BY_TRANSACTION.fetch_first(connection, asked)
    return None if row is None else ReferencedRequest(row.request_id, row.attempt)


def find_by_any_transaction(
    connection: Connection, library: str, role: Role, partner_symbols: Collection[str], transaction: str
) -> ReferencedRequest | None:
    """The newest request that one of these partners means by its number."""
    query = (
        select(_n.request_id, _n.attempt)
        .where(
            _n.library == library,
            _n.role == role.value,
            _n.symbol.in_(partner_symbols),
            _n.reference == transaction,
        )
        .order_by(_n.request_id.desc())
        .limit(1)
    )
    row = connection.execute(follow_key(query, request_transaction)).first()
    return None if row is None else ReferencedRequest(row.request_id, row.attempt)


def remove_transaction(connection: Connection, library: str, role: Role, partner_symbol: str, transaction: str) -> None:
    """Remove the number from its request; another may get it."""
    key = {"library": library, "role": role.value, "symbol": partner_symbol, "reference": transaction}
    _REMOVE_TRANSACTION.execute_many(connection, [key])


def add_transaction(
    connection: Connection,
    library: str,
    role: Role,
    partner_symbol: str,
    transaction: str,
    request_id: str,
    attempt: int = 0,
) -> None:
    """Add a number; raises TransactionTaken."""
    key = {"library": library, "role": role.value, "symbol": partner_symbol, "reference": transaction}
    if _ADD_TRANSACTION.fetch_first(connection, {**key, "request_id": request_id, "attempt": attempt}) is None:
        row = _BY_TRANSACTION.fetch_first(connection, key)
        raise TransactionTaken(ReferencedRequest(row.request_id, row.attempt))


def lock_transaction(connection: Connection, library: str, partner_symbol: str, transaction: str) -> None:
    """Whoever looks whether a partner's message is here, or a request with its number, and takes it if not, locks the
    number first: else another node may find it new as well."""
    lock_name_in_transaction(connection, f"transaction {library} {partner_symbol} {transaction}")


def lock_patron(connection: Connection, library: str, patron_id: str) -> None:
    """Whoever looks what a patron has asked for already, and makes a request if that allows it, locks the patron first:
    else another node may find the same."""
    lock_name_in_transaction(connection, f"patron {library} {patron_id}")


def find_barcodes_in_use(connection: Connection, library: str, items: Collection[str], besides: str) -> frozenset[str]:
    """Those of these barcodes that open requests have, other than the one with the id `besides`."""
    rows = connection.execute(
        select(_b.barcode)
        .join(request, (request.c.library == _b.library) & (request.c.id == _b.request_id))
        .where(_b.library == library, _b.barcode.in_(sorted(items)), _b.request_id != besides, IS_OPEN)
    )
    return frozenset(rows.scalars())


def lock_barcode(connection: Connection, library: str, barcode: str) -> None:
    """Whoever looks whether an item is spoken for, and takes it if not, locks its barcode first: else another node
    may find it free as well."""
    lock_name_in_transaction(connection, f"barcode {library} {barcode}")


def update_barcodes(connection: Connection, now: Request) -> None:
    """Brings the rows of a request that has changed up to date."""
    asked = {"library": now.library, "request_id": now.id}
    old = {row.barcode for row in _OF_REQUEST.fetch_all(connection, asked)}
    new = open_barcodes_of(now)
    if gone := old - new:
        _REMOVE.execute_many(connection, [asked | {"barcode": barcode} for barcode in sorted(gone)])
    if come := new - old:
        _ADD.execute_many(connection, [asked | {"barcode": barcode} for barcode in sorted(come)])


@lru_cache
def _prepare_reference_query(size: int) -> PreparedStatement:
    """Prepare the query for so many names."""
    names = [f"name{place}" for place in range(size)]
    types = {"library": _n.library.type, "profile": _n.symbol.type} | dict.fromkeys(names, _n.reference.type)
    listed = ", ".join(f":{name}" for name in names)
    query = text(
        "SELECT request_id, 0 AS attempt FROM request_external "
        f"WHERE library = :library AND value IN ({listed}) "
        "UNION ALL "
        f"SELECT request_id, 0 FROM request_barcode WHERE library = :library AND barcode IN ({listed}) "
        "UNION ALL "
        # number by number: for several at once SQLite goes through all requests, in an index that has numbers and ids
        + "".join(
            f"SELECT id, 0 FROM request WHERE library = :library AND number = :{name} UNION ALL " for name in names
        )
        + "SELECT request_id, attempt FROM request_transaction "
        "WHERE library = :library AND role IN ('borrowing', 'lending') AND symbol = :profile "
        f"AND reference IN ({listed})"
    )
    bound = query.bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items()))
    return PreparedStatement(bound.columns(_n.request_id, _n.attempt))


def find_by_any_reference(
    connection: Connection, library: str, profile: str, names: tuple[str, ...]
) -> tuple[ReferencedRequest, ...]:
    """Requests with one of these as their number, as a number elsewhere, as the barcode of an item under way, or as a
    number between us and this partner; newest first, each once. `attempt` is 0 unless the partner's number says which.
    """
    asked = tuple(dict.fromkeys(name for name in map(normalize_external_number, names) if name))[:MAX_REFERENCES]
    if not asked:
        return ()
    values = {"library": library, "profile": profile} | {f"name{place}": name for place, name in enumerate(asked)}
    attempts: dict[str, int] = {}
    for row in _prepare_reference_query(len(asked)).fetch_all(connection, values):
        attempts[row.request_id] = attempts.get(row.request_id, 0) or row.attempt
    return tuple(ReferencedRequest(id_, attempts[id_]) for id_ in sorted(attempts, reverse=True))
