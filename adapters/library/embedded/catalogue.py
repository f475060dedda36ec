"""Records, look-up words, holdings, copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import FromClause, Row, and_, bindparam, delete, or_, select, update
from stdnum import isbn, issn

from adapters.library.embedded import item_rows
from adapters.library.embedded.library_session import LibrarySession, add_row, add_rows, new_id
from adapters.library.embedded.tables import bib_identifiers, bib_words, bibs, branches, holds, items
from adapters.library.embedded.tables import holdings as holdings_table
from gateway.domain.library import Bib, HoldStatus, ItemStatus, PickupLocation, RecordId
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.text_folding import fold_text
from gateway.domain.value import value_object
from gateway.ports.library_system import BibHoldings
from gateway.sql.statements import PreparedStatement

LOCAL = "local"
"""Record id type of our own record number; the control number of an imported record will do as well."""

_b = bibs.c
_PLAIN = (
    "title",
    "author",
    "edition",
    "publisher",
    "place",
    "published",
    "series",
    "pages",
    "language",
    "medium",
    "level",
    "component_title",
    "component_author",
)
COLUMNS = (_b.id, _b.identifiers, _b.suppressed, *(_b[name] for name in _PLAIN))
_IN_LIBRARY = (_b.library == bindparam("library"), _b.deleted.is_(None))
_BY_ID = PreparedStatement(select(*COLUMNS).where(*_IN_LIBRARY, _b.id == bindparam("bib")))
_BY_ID_EVER = PreparedStatement(select(*COLUMNS).where(_b.library == bindparam("library"), _b.id == bindparam("bib")))
_BY_NUMBER = PreparedStatement(
    select(*COLUMNS)
    .where(*_IN_LIBRARY, or_(_b.id == bindparam("number"), _b.control_number == bindparam("number")))
    .limit(2)
)
_BY_IDENTIFIER = PreparedStatement(
    select(*COLUMNS)
    .join(bib_identifiers, (bib_identifiers.c.library == _b.library) & (bib_identifiers.c.bib_id == _b.id))
    .where(
        *_IN_LIBRARY,
        bib_identifiers.c.library == bindparam("library"),
        bib_identifiers.c.type == bindparam("type"),
        bib_identifiers.c.value == bindparam("value"),
    )
    .limit(2)
)

_MAX_WORDS = 24
"""Most words of a query that are looked up (each is a join)."""

_CJK = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


def find_bib(session: LibrarySession, record: RecordId) -> Bib:
    """Find a record; raises Refused(UNKNOWN_RECORD | AMBIGUOUS_ITEM)."""
    if record.type == LOCAL:
        wanted = {"library": session.library, "number": record.value}
        rows = _BY_NUMBER.fetch_all(session.connection, wanted)
        rows = [row for row in rows if row.id == record.value] or rows
    else:
        value = normalize_record_number(record.type, record.value)
        identifier = {"library": session.library, "type": record.type, "value": value}
        rows = _BY_IDENTIFIER.fetch_all(session.connection, identifier)
    if not rows:
        raise unknown_record_refusal(record.value)
    if len(rows) > 1:
        raise Refused(
            RefusalReason.AMBIGUOUS_ITEM,
            "several records have this identifier",
            about=MessagePart.RECORD,
            value=record.value,
        )
    return bib_of_row(rows[0])


def search_bibs(session: LibrarySession, query: str, limit: int) -> tuple[Bib, ...]:
    """Words that all occur, in any order; newest records first."""
    query_words = select_query_words(query)
    if not query_words:
        return ()
    words = {f"word{place}": word for place, word in enumerate(query_words)}
    statement = _prepare_search(len(query_words))
    rows = statement.fetch_all(session.connection, {"library": session.library, "limit": limit} | words)
    return tuple(bib_of_row(row) for row in rows)


@cache
def _prepare_search(words: int) -> PreparedStatement:
    """Prepare a search for so many words, at most `_MAX_WORDS`. Ordered by the first word's index, so that a rare word
    isn't looked for in all records from the newest on."""
    first, *others = tables = [bib_words.alias() for _ in range(words)]
    source: FromClause = first
    for other in others:
        source = source.join(other, and_(other.c.library == first.c.library, other.c.bib_id == first.c.bib_id))
    source = source.join(bibs, and_(_b.library == first.c.library, _b.id == first.c.bib_id))
    occurs = [
        and_(table.c.library == bindparam("library"), table.c.word == bindparam(f"word{place}"))
        for place, table in enumerate(tables)
    ]
    statement = select(*COLUMNS).select_from(source).where(_b.deleted.is_(None), *occurs)
    return PreparedStatement(statement.order_by(first.c.bib_id.desc()).limit(bindparam("limit")))


def get_holdings(session: LibrarySession, bib_id: str) -> BibHoldings:
    """Load the holdings; raises Refused(UNKNOWN_RECORD)."""
    record = get_bib(session, bib_id)
    pieces = item_rows.items_of_bib(session, bib_id)
    open_holds = session.connection.execute(
        select(holds.c.status, holds.c.expires).where(
            holds.c.library == session.library, holds.c.bib_id == bib_id, holds.c.closed.is_(None)
        )
    ).all()
    bound = (HoldStatus.READY, HoldStatus.IN_TRANSIT)
    count = sum(1 for hold in open_holds if hold.status in bound or not hold.expires or hold.expires >= session.today)
    return BibHoldings(record, tuple(piece.item for piece in pieces), count)


def list_pickup_locations(session: LibrarySession) -> tuple[PickupLocation, ...]:
    """Branches that keep a hold shelf, by code."""
    return tuple(
        PickupLocation(code, name, code, sharing)
        for code, name, sharing in _PICKUP.fetch_all(session.connection, {"library": session.library})
    )


_PICKUP = PreparedStatement(
    select(branches.c.code, branches.c.name, branches.c.resource_sharing)
    .where(branches.c.library == bindparam("library"), branches.c.pickup)
    .order_by(branches.c.code)
)


def get_bib(session: LibrarySession, bib_id: str) -> Bib:
    """Load a record; raises Refused(UNKNOWN_RECORD)."""
    row = _BY_ID.fetch_first(session.connection, {"library": session.library, "bib": bib_id})
    if row is None:
        raise unknown_record_refusal(bib_id)
    return bib_of_row(row)


def get_bib_or_removed(session: LibrarySession, bib_id: str) -> Bib:
    """Load a record, also a removed one, which items of the past still point to."""
    return bib_of_row(_BY_ID_EVER.fetch_first(session.connection, {"library": session.library, "bib": bib_id}))


def unknown_record_refusal(value: str) -> Refused:
    return Refused(RefusalReason.UNKNOWN_RECORD, "no record has this identifier", about=MessagePart.RECORD, value=value)


def bib_of_row(row: Row[Any]) -> Bib:
    return Bib(
        id=row.id,
        identifiers=tuple(RecordId(type_, value) for type_, value in row.identifiers),
        suppressed=row.suppressed,
        **{name: getattr(row, name) for name in _PLAIN},
    )


# --- writing ---------------------------------------------------------------------------------------------


def add_bib(
    session: LibrarySession,
    record: Bib,
    *,
    control_number: str | None = None,
    marc: bytes | None = None,
) -> None:
    """Add a record under its own id, which must be new. A suppressed record gets no look-up rows: nobody may find it
    but by its id."""
    row = _bib_columns(record) | {
        "library": session.library,
        "id": record.id,
        "control_number": control_number,
        "marc": marc,
        "created": session.now,
    }
    add_row(session.connection, bibs, row)
    _write_lookup_rows(session, record.id, record)


def replace_bib(session: LibrarySession, bib_id: str, record: Bib, marc: bytes | None) -> None:
    changed = _bib_columns(record) | {"marc": marc, "deleted": None}
    session.connection.execute(update(bibs).where(_b.library == session.library, _b.id == bib_id).values(**changed))
    for table in (bib_identifiers, bib_words):
        session.connection.execute(delete(table).where(table.c.library == session.library, table.c.bib_id == bib_id))
    _write_lookup_rows(session, bib_id, record)


def add_holding(session: LibrarySession, bib_id: str, branch: str, shelf: str, call_number: str) -> str:
    holding_id = new_id(session.now)
    row = {
        "library": session.library,
        "id": holding_id,
        "bib_id": bib_id,
        "branch": branch,
        "shelf": shelf,
        "call_number": call_number,
    }
    add_row(session.connection, holdings_table, row)
    return holding_id


def _bib_columns(record: Bib) -> dict[str, Any]:
    columns: dict[str, Any] = {name: getattr(record, name) for name in _PLAIN}
    columns["identifiers"] = [[i.type, i.value] for i in record.identifiers]
    columns["suppressed"] = record.suppressed
    return columns


def _write_lookup_rows(session: LibrarySession, bib_id: str, record: Bib) -> None:
    if record.suppressed:
        return
    pairs = _list_number_pairs(record)
    if pairs:
        rows = [{"library": session.library, "type": t, "value": v, "bib_id": bib_id} for t, v in pairs]
        add_rows(session.connection, bib_identifiers, rows)
    words = sorted(list_lookup_words(record))
    if words:
        indexed = [{"library": session.library, "word": word, "bib_id": bib_id} for word in words]
        add_rows(session.connection, bib_words, indexed)


def _list_number_pairs(record: Bib) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((i.type, normalize_record_number(i.type, i.value)) for i in record.identifiers))


def list_lookup_words(record: Bib) -> frozenset[str]:
    """All by which a reader finds the record."""
    texts = (record.title, record.author, record.component_title, *(value for _, value in _list_number_pairs(record)))
    return frozenset().union(*(index_words(text) for text in texts))


def index_words(text: str) -> frozenset[str]:
    """Folded words; Chinese and Japanese, which have no blanks, as characters and pairs of neighbours."""
    words: set[str] = set()
    for run in _split_runs(fold_text(text)):
        if not _is_cjk(run[0]):
            words.add(run)
            continue
        words.update(run)
        words.update(_split_pairs(run))
    return frozenset(words)


def select_query_words(text: str) -> tuple[str, ...]:
    """Select words as `index_words` does, without what pairs make superfluous; longest first, bounded."""
    words: set[str] = set()
    for run in _split_runs(fold_text(text)):
        words.update(_split_pairs(run) if _is_cjk(run[0]) and len(run) > 1 else (run,))
    return tuple(sorted(words, key=lambda word: (-len(word), word))[:_MAX_WORDS])


def normalize_record_number(type_: str, value: str) -> str:
    """A record identifier as it is compared: ISBN as 13 digits, ISSN and OCLC without decoration."""
    value = value.strip()
    if type_ == "isbn" and value:
        number = value.partition("(")[0].replace(" ", "").replace("-", "").upper()
        return isbn.to_isbn13(number) if isbn.is_valid(number) else value.split()[0].replace("-", "").upper()
    if type_ == "issn" and value:
        number = value.split()[0]
        return issn.compact(number) if issn.is_valid(number) else number.replace("-", "").upper()
    if type_ == "oclc":
        return value.removeprefix("(OCoLC)").strip().lower().lstrip("ocmn").lstrip("0")
    if type_ == "lccn":
        return value.replace(" ", "")
    return value


def _split_pairs(run: str) -> Iterator[str]:
    return (run[n : n + 2] for n in range(len(run) - 1))


def _split_runs(folded: str) -> Iterator[str]:
    """Words, split where CJK begins or ends."""
    for word in folded.split():
        yield from ("".join(run) for _, run in groupby(word, _is_cjk))


def _is_cjk(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CJK)


@value_object
class CopyDraft:
    barcode: str
    bib_id: str
    branch: str
    shelf: str
    policy: str
    call_number: str = ""
    copy_number: str = ""
    description: str = ""


def add_copies(session: LibrarySession, copies: Iterable[CopyDraft]) -> None:
    """Codes and barcodes must have been checked."""
    held: dict[tuple[str, str, str], str] = {}
    rows = []
    for copy in copies:
        place = (copy.bib_id, copy.branch, copy.shelf)
        if place not in held:
            held[place] = _get_or_add_holding(session, copy)
        rows.append(_copy_row(session, copy, held[place]))
    if rows:
        add_rows(session.connection, items, rows)


def _get_or_add_holding(session: LibrarySession, copy: CopyDraft) -> str:
    h = holdings_table.c
    there = select(h.id).where(
        h.library == session.library,
        h.bib_id == copy.bib_id,
        h.branch == copy.branch,
        h.shelf == copy.shelf,
        h.deleted.is_(None),
    )
    known: str | None = session.connection.scalar(there.limit(1))
    return known or add_holding(session, copy.bib_id, copy.branch, copy.shelf, copy.call_number)


def _copy_row(session: LibrarySession, copy: CopyDraft, holding_id: str) -> dict[str, Any]:
    return {
        "library": session.library,
        "id": new_id(session.now),
        "barcode": copy.barcode,
        "bib_id": copy.bib_id,
        "holding_id": holding_id,
        "status": ItemStatus.AVAILABLE.value,
        "policy": copy.policy,
        "home_branch": copy.branch,
        "home_shelf": copy.shelf,
        "current_branch": copy.branch,
        "current_shelf": copy.shelf,
        "call_number": copy.call_number,
        "copy_number": copy.copy_number,
        "description": copy.description,
        "pieces": 1,
        "temporary": False,
        "library_use_only": False,
        "renewals_allowed": True,
        "created": session.now,
    }
