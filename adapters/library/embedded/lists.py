"""Lists for the library's own staff: what the command shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from adapters.library.embedded.catalogue import select_query_words
from adapters.library.embedded.library_session import LibrarySession
from adapters.library.embedded.tables import (
    bibs,
    branches,
    holds,
    items,
    loan_rules,
    loans,
    patron_identifiers,
    patrons,
    shelves,
)
from gateway.domain.library import ItemStatus, PersonName
from gateway.domain.value import value_object
from gateway.ports.library_system import NamedPatron


@value_object
class PatronLine:
    barcode: str
    name: str
    category: str
    home_library: str
    expires: date | None


@value_object
class ItemLine:
    barcode: str
    status: str
    policy: str
    current: str
    call_number: str
    title: str
    temporary: bool


@value_object
class TemporaryItemLine:
    """A partner's item. `came`: when its record was made; `holds`: how many wait for it; `due`: of its loan."""

    barcode: str
    status: str
    lender: str
    request_id: str
    came: datetime
    holds: int
    due: datetime | None
    title: str


@value_object
class TemporaryItemFilter:
    """`left_over`: nobody has it on loan or waits for it. `before`: it came by then."""

    left_over: bool = False
    before: datetime | None = None


@value_object
class HoldLine:
    id: str
    status: str
    placed: datetime
    pickup: str
    patron: str
    barcode: str
    title: str
    request_id: str


@value_object
class LoanLine:
    barcode: str
    due: datetime
    patron: str
    renewals: int
    request_id: str
    title: str
    returned: datetime | None


@value_object
class BranchLine:
    code: str
    name: str
    pickup: bool
    resource_sharing: bool
    closed_weekdays: tuple[int, ...]
    closed_dates: tuple[str, ...]
    shelves: tuple[str, ...]


@value_object
class RuleLine:
    category: str
    policy: str
    period: str
    renewals: str
    fine_per_day: str
    shelf_days: int
    recall_days: int


_CARD = (
    select(patron_identifiers.c.value)
    .where(
        patron_identifiers.c.library == patrons.c.library,
        patron_identifiers.c.patron_id == patrons.c.id,
        patron_identifiers.c.type == "barcode",
    )
    .order_by(patron_identifiers.c.value.desc())
    .limit(1)
    .scalar_subquery()
)


def list_patrons(session: LibrarySession, query: str, limit: int) -> tuple[PatronLine, ...]:
    """`query`: the beginning of a surname (as written), or an identifier."""
    p = patrons.c
    wanted = select(_CARD.label("card"), p.surname, p.given, p.category, p.home_library, p.expires)
    wanted = wanted.where(p.library == session.library)
    if query:
        named = select(patron_identifiers.c.patron_id).where(
            patron_identifiers.c.library == session.library, patron_identifiers.c.value == query
        )
        wanted = wanted.where(or_(p.surname.startswith(query, autoescape=True), p.id.in_(named)))
    rows = session.connection.execute(wanted.order_by(p.surname, p.given, p.id).limit(limit))
    return tuple(
        PatronLine(
            row.card or "",
            f"{row.surname}, {row.given}" if row.given else row.surname,
            row.category,
            row.home_library,
            row.expires,
        )
        for row in rows
    )


def find_named_patrons(session: LibrarySession, words: Sequence[str], limit: int) -> tuple[NamedPatron, ...]:
    """See `ports.library_system.FindsPatronsByName`. A word is as written, or begins with a capital letter."""
    p = patrons.c
    query = select(p.id, _CARD.label("card"), p.surname, p.given).where(p.library == session.library)
    for word in words:
        written = dict.fromkeys((word, word.lower(), word.capitalize()))
        query = query.where(
            or_(*(name.contains(word, autoescape=True) for name in (p.surname, p.given) for word in written))
        )
    rows = session.connection.execute(query.order_by(p.surname, p.given, p.id).limit(limit if words else 0))
    return tuple(NamedPatron(row.id, row.card or "", PersonName(row.surname, row.given)) for row in rows)


def list_items(session: LibrarySession, query: str, status: ItemStatus | None, limit: int) -> tuple[ItemLine, ...]:
    """`query`: a barcode, a request number, or words of the title."""
    i = items.c
    wanted = _join_bib(select(items, bibs.c.title), items).where(i.library == session.library, i.deleted.is_(None))
    if status is not None:
        wanted = wanted.where(i.status == status.value)
    if query:
        wanted = wanted.where(
            or_(i.barcode == query, i.request_id == query, i.bib_id == query, _title_condition(session, query))
        )
    rows = session.connection.execute(wanted.order_by(i.id.desc()).limit(limit))
    return tuple(
        ItemLine(
            row.barcode,
            row.status,
            row.policy,
            f"{row.current_branch}/{row.current_shelf}".rstrip("/"),
            row.call_number,
            row.title,
            row.temporary,
        )
        for row in rows
    )


def list_temporary_items(
    session: LibrarySession, temporary_item_filter: TemporaryItemFilter, limit: int | None
) -> tuple[TemporaryItemLine, ...]:
    """Records of partners' items, oldest first. `limit` None: all."""
    i, h, n = items.c, holds.c, loans.c
    open_holds = (
        select(func.count())
        .where(
            h.library == i.library,
            h.bib_id == i.bib_id,
            h.closed.is_(None),
            or_(h.item_id.is_(None), h.item_id == i.id),
        )
        .scalar_subquery()
    )
    query = (
        _join_bib(select(items, bibs.c.title, n.due, open_holds.label("waiting")), items)
        .outerjoin(loans, and_(n.library == i.library, n.item_id == i.id, n.returned.is_(None)))
        .where(i.library == session.library, i.temporary, i.deleted.is_(None))
    )
    if temporary_item_filter.left_over:
        query = query.where(n.id.is_(None), open_holds == 0)
    if temporary_item_filter.before is not None:
        query = query.where(i.created <= temporary_item_filter.before)
    rows = session.connection.execute(query.order_by(i.created, i.id).limit(limit))
    return tuple(
        TemporaryItemLine(
            row.barcode, row.status, row.lender, row.request_id, row.created, row.waiting, row.due, row.title
        )
        for row in rows
    )


def list_holds(session: LibrarySession, limit: int) -> tuple[HoldLine, ...]:
    """Open ones, oldest first."""
    h = holds.c
    query = (
        _join_bib(select(holds, bibs.c.title, items.c.barcode, _CARD.label("card")), holds)
        .join(patrons, and_(patrons.c.library == h.library, patrons.c.id == h.patron_id))
        .outerjoin(items, and_(items.c.library == h.library, items.c.id == h.item_id))
        .where(h.library == session.library, h.closed.is_(None))
        .order_by(h.placed, h.id)
        .limit(limit)
    )
    return tuple(
        HoldLine(
            row.id, row.status, row.placed, row.pickup, row.card or "", row.barcode or "", row.title, row.request_id
        )
        for row in session.connection.execute(query)
    )


def list_loans(session: LibrarySession, *conditions: ColumnElement[bool], limit: int) -> tuple[LoanLine, ...]:
    """Soonest due first; see OPEN and `overdue_condition` for conditions."""
    n = loans.c
    query = (
        _join_bib(select(loans, bibs.c.title, items.c.barcode, _CARD.label("card")), loans)
        .join(patrons, and_(patrons.c.library == n.library, patrons.c.id == n.patron_id))
        .join(items, and_(items.c.library == n.library, items.c.id == n.item_id))
        .where(n.library == session.library, *conditions)
        .order_by(n.due, n.id)
        .limit(limit)
    )
    return tuple(
        LoanLine(row.barcode, row.due, row.card or "", row.renewals, row.request_id, row.title, row.returned)
        for row in session.connection.execute(query)
    )


OPEN = loans.c.returned.is_(None)


def overdue_condition(now: datetime) -> ColumnElement[bool]:
    return and_(OPEN, loans.c.due < now)


def list_branches(session: LibrarySession) -> tuple[BranchLine, ...]:
    places: dict[str, list[str]] = {}
    for row in session.connection.execute(
        select(shelves).where(shelves.c.library == session.library).order_by(shelves.c.code)
    ):
        places.setdefault(row.branch, []).append(row.code)
    rows = session.connection.execute(
        select(branches).where(branches.c.library == session.library).order_by(branches.c.code)
    )
    return tuple(
        BranchLine(
            row.code,
            row.name,
            row.pickup,
            row.resource_sharing,
            tuple(row.closed_weekdays),
            tuple(row.closed_dates),
            tuple(places.get(row.code, ())),
        )
        for row in rows
    )


def list_rules(session: LibrarySession) -> tuple[RuleLine, ...]:
    r = loan_rules.c
    rows = session.connection.execute(
        select(loan_rules).where(r.library == session.library).order_by(r.category, r.policy)
    )
    return tuple(
        RuleLine(
            row.category,
            row.policy,
            f"{row.loan_days} days" if row.loan_days is not None else f"{row.loan_hours} hours",
            f"{row.renewals} × {row.renewal_days} days" if row.renewals else "none",
            f"{row.fine_per_day} {session.currency}",
            row.shelf_days,
            row.recall_days,
        )
        for row in rows
    )


def _join_bib(wanted: Select[Any], table: Any) -> Select[Any]:
    return wanted.select_from(table).join(bibs, and_(bibs.c.library == table.c.library, bibs.c.id == table.c.bib_id))


def _title_condition(session: LibrarySession, query: str) -> ColumnElement[bool]:
    """Records without regard to suppression: staff look for partners' items too, which have no word index."""
    conditions = [bibs.c.title.contains(word, autoescape=True) for word in query.split()]
    return and_(*conditions) if select_query_words(query) else bibs.c.title == query
