"""Queries over the message journal: plain functions over a Connection. Each asks for one library's rows only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    String,
    and_,
    bindparam,
    column,
    delete,
    exists,
    func,
    literal,
    select,
    text,
    union,
    update,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.sql.column_types import clean_text
from gateway.sql.index_hints import follow_index
from gateway.store.journal_records import JournalFilter
from gateway.store.request_names import RequestNames
from gateway.store.schema import (
    AFTER_ALL,
    ANSWER,
    HAS_ITEM,
    HAS_PATRON_MARK,
    HAS_REQUEST,
    IS_REPLAY,
    IS_TROUBLE,
    PENDING,
    QUESTION,
    exchange_of_message,
    first_id_at,
    interrupted,
    message,
    message_request,
    processed_message,
    retention,
)

SCAN = 5_000
"""Most rows that one look for rare rows goes through: other reads wait so long, and no longer."""

MAX_IDS_OF_STATEMENT = 200

_FORGOTTEN = {"body": None, "body_key": "", "patron_mark": ""}
"""Of a message whose content is kept no longer."""

_without_body = [column for column in message.c if column is not message.c.body]


# Built once: every message that changes something asks with these, and building costs more than asking.
_FIND = select(message).where(message.c.library == bindparam("library"), message.c.id == bindparam("id"))
_FIND_PROCESSED = select(processed_message).where(
    processed_message.c.library == bindparam("library"),
    processed_message.c.profile == bindparam("profile"),
    processed_message.c.key == bindparam("key"),
)


def find_message(connection: Connection, library: str, identifier: str) -> RowMapping | None:
    """One message, by its id."""
    return connection.execute(_FIND, {"library": library, "id": identifier}).mappings().one_or_none()


def find_exchange(connection: Connection, library: str, exchange: str) -> Sequence[RowMapping]:
    """Question and answer, in this order."""
    low, high = f"{exchange}-", f"{exchange}-{AFTER_ALL}"
    query = select(message).where(message.c.library == library, message.c.id > low, message.c.id < high)
    return connection.execute(query.order_by(message.c.id)).mappings().all()


def list_profiles(connection: Connection, library: str, after: str, limit: int) -> tuple[frozenset[str], str]:
    """The names of the profiles that a library's messages belong to, of so many behind an id, and the last one's id;
    empty: no others follow."""
    query = select(message.c.id, message.c.profile).where(message.c.library == library, message.c.id > after)
    rows = connection.execute(query.order_by(message.c.id).limit(limit)).all()
    return frozenset(row.profile for row in rows), rows[-1].id if len(rows) == limit else ""


def find_pending(connection: Connection, library: str, before: datetime, limit: int) -> Sequence[RowMapping]:
    """Openings whose work was begun before `before` and has no end yet, oldest first."""
    query = select(message).where(message.c.library == library, PENDING, message.c.id < first_id_at(before))
    return connection.execute(query.order_by(message.c.id).limit(limit)).mappings().all()


def list_pending_nodes(connection: Connection, library: str) -> tuple[str, ...]:
    """Those that began what has no end yet."""
    query = select(message.c.node).where(message.c.library == library, PENDING).distinct()
    return tuple(sorted(connection.execute(query).scalars()))


def find_oldest_pending(connection: Connection) -> dict[str, datetime]:
    """Find when the oldest work in hand of each library came in; its body isn't read, whose key may be missing."""
    query = select(message.c.library, func.min(message.c.at)).where(PENDING).group_by(message.c.library)
    return {row[0]: row[1] for row in connection.execute(follow_index(query, message, "ix_message_pending"))}


def find_processed(
    connection: Connection, library: str, profile: str, key: str
) -> tuple[RowMapping, RowMapping | None] | None:
    """The row for this key and the message that answered it, if that is still kept."""
    asked = {"library": library, "profile": profile, "key": key}
    row = connection.execute(_FIND_PROCESSED, asked).mappings().one_or_none()
    if row is None:
        return None
    return row, find_message(connection, library, row["answer_message"]) if row["answer_message"] else None


# --- interrupted messages --------------------------------------------------------------------------------


def insert_recovery(connection: Connection, library: str, identifier: str) -> int:
    """One more start carries it out; which one, counted from 1."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = insert(interrupted).values(library=library, id=identifier, starts=1)
    one_more = new.on_conflict_do_update(index_elements=["library", "id"], set_={"starts": interrupted.c.starts + 1})
    connection.execute(one_more)
    this = (interrupted.c.library == library, interrupted.c.id == identifier)
    starts: int = connection.execute(select(interrupted.c.starts).where(*this)).scalar_one()
    return starts


def delete_recovery(connection: Connection, library: str, identifier: str) -> None:
    """It is interrupted no more."""
    connection.execute(delete(interrupted).where(interrupted.c.library == library, interrupted.c.id == identifier))


def count_interrupted(connection: Connection, library: str, starts: int) -> int:
    """Count messages that were taken up by more than so many starts."""
    these = (interrupted.c.library == library, interrupted.c.starts > starts)
    count: int = connection.execute(select(func.count()).select_from(interrupted).where(*these)).scalar_one()
    return count


# --- lists -----------------------------------------------------------------------------------------------


def list_messages(
    connection: Connection, wanted: JournalFilter, before: str, limit: int, columns: Sequence[ColumnElement[Any]]
) -> tuple[Sequence[RowMapping], str]:
    """List up to `limit` messages with ids below `before`, newest first, and the id to go on below ('' at the end).

    There may be more although fewer than `limit` came: a look for rare rows goes on from there in another call.
    """
    low, high = _id_bounds(wanted, before)
    if wanted.managed_request is not None:
        ids = _find_ids_about_request(connection, wanted.library, wanted.managed_request)
        listed = [id_ for id_ in reversed(ids) if low <= id_ < high]
        return _list_messages_by_id(connection, wanted, listed, limit, columns)
    floor = _find_floor_id(connection, wanted.library, low, high) if _is_scan(wanted) else ""
    query = select(*columns).where(_is_id_between(wanted.library, max(low, floor), high), *_filter_conditions(wanted))
    rows = connection.execute(query.order_by(message.c.id.desc()).limit(limit + 1)).mappings().all()
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1]["id"]
    return rows, floor


def _list_messages_by_id(
    connection: Connection,
    journal_filter: JournalFilter,
    ids: Sequence[str],
    limit: int,
    columns: Sequence[ColumnElement[Any]],
) -> tuple[Sequence[RowMapping], str]:
    """List up to `limit` of these messages that fit, in the order of `ids`, which is the newest first."""
    rows: list[RowMapping] = []
    for some in _slice_ids(ids):
        query = select(*columns).where(_is_among(journal_filter.library, some), *_filter_conditions(journal_filter))
        query = query.order_by(message.c.id.desc()).limit(limit + 1 - len(rows))
        rows += connection.execute(query).mappings()
        if len(rows) > limit:
            return rows[:limit], rows[limit - 1]["id"]
    return rows, ""


def list_without_bodies(
    connection: Connection, journal_filter: JournalFilter, before: str, limit: int
) -> tuple[Sequence[RowMapping], str]:
    """`list_messages` without bodies."""
    return list_messages(connection, journal_filter, before, limit, _without_body)


def list_with_bodies(
    connection: Connection, journal_filter: JournalFilter, before: str, limit: int
) -> tuple[Sequence[RowMapping], str]:
    """`list_messages` with bodies."""
    return list_messages(connection, journal_filter, before, limit, list(message.c))


def list_ids(
    connection: Connection, journal_filter: JournalFilter, before: str, limit: int
) -> tuple[Sequence[RowMapping], str]:
    """`list_messages`, their ids alone."""
    return list_messages(connection, journal_filter, before, limit, [message.c.id])


def count_troubles(connection: Connection, library: str, since: datetime) -> Sequence[RowMapping]:
    """Count the newest `SCAN` messages that came in since then and were not done, those without a good replay, by
    profile, service, outcome and reason."""
    c, replay = message.c, message.alias("replay")
    newest = (
        follow_index(select(c.id, c.profile, c.service, c.outcome, c.reason, c.at), message, "ix_message_trouble")
        .where(c.library == library, c.id >= first_id_at(since), IS_TROUBLE, c.replay_of == "")
        .order_by(c.id.desc())
        .limit(SCAN)
        .subquery()
    )
    is_done = exists().where(
        replay.c.library == library,
        replay.c.replay_of == newest.c.id,
        text("replay.replay_of <> ''"),
        replay.c.outcome == "ok",
    )
    by = (newest.c.profile, newest.c.service, newest.c.outcome, newest.c.reason)
    counts = (func.count().label("count"), func.min(newest.c.at).label("first"), func.max(newest.c.at).label("last"))
    query = select(*by, *counts).where(~is_done).group_by(*by).order_by(func.count().desc(), *by)
    return connection.execute(query).mappings().all()


def _is_scan(wanted: JournalFilter) -> bool:
    """Return whether no index leads to these rows."""
    if wanted.managed_request or wanted.request_id or wanted.item_id or wanted.replay_of or wanted.outcome == "pending":
        return False
    return bool(
        wanted.profile
        or wanted.protocol
        or wanted.service
        or wanted.outcome
        or wanted.reason
        or wanted.direction
        or wanted.note
        or wanted.replays is not None
    )


def _find_floor_id(connection: Connection, library: str, low: str, high: str) -> str:
    """The id above which `SCAN` rows lie; '' when fewer are left."""
    query = select(message.c.id).where(_is_id_between(library, low, high)).order_by(message.c.id.desc())
    return connection.execute(query.offset(SCAN - 1).limit(1)).scalar() or ""


def _id_bounds(journal_filter: JournalFilter, before: str) -> tuple[str, str]:
    """The range of ids: lowest, and the first one above it."""
    low = "" if journal_filter.since is None else first_id_at(journal_filter.since)
    return low, before if journal_filter.until is None else min(before, first_id_at(journal_filter.until))


def _is_id_between(library: str, low: str, high: str) -> ColumnElement[bool]:
    """One bound at each end: with more of them SQLite's planner prefers the primary key to a better index."""
    return and_(message.c.library == library, message.c.id >= low, message.c.id < high)


def _filter_conditions(wanted: JournalFilter) -> list[Any]:
    """Make conditions beside the bounds of its ids; those about a managed request are looked for by their ids."""
    conditions: list[Any] = []
    if wanted.request_id and wanted.managed_request is None:
        conditions += [message.c.request_id == clean_text(wanted.request_id), HAS_REQUEST]
    if wanted.item_id:
        conditions += [message.c.item_id == clean_text(wanted.item_id), HAS_ITEM]
    if wanted.outcome is not None:
        conditions.append(PENDING if wanted.outcome == "pending" else message.c.outcome == wanted.outcome.value)
    if wanted.reason:
        conditions.append(message.c.reason == wanted.reason)
    if wanted.node is not None:
        conditions.append(message.c.node == wanted.node)
    if wanted.direction is not None:
        conditions.append(message.c.direction == wanted.direction.value)
    if wanted.profile:
        conditions.append(message.c.profile == wanted.profile)
    if wanted.protocol:
        conditions.append(message.c.protocol == wanted.protocol)
    if wanted.service:
        conditions.append(message.c.service == wanted.service)
    if wanted.replays is not None:
        conditions.append(message.c.replay_of != "" if wanted.replays else message.c.replay_of == "")
    if wanted.replay_of:
        conditions += [message.c.replay_of == clean_text(wanted.replay_of), IS_REPLAY]
    if wanted.note:
        conditions.append(message.c.note.icontains(wanted.note, autoescape=True))
    return conditions


def _find_ids_about_request(connection: Connection, library: str, names: RequestNames) -> Sequence[str]:
    """Ids of messages about a managed request, in order, each kind found by an index: those that are said to be about
    it, and those that name it, of which older releases kept no more. A number counts from the partner alone that uses
    it for this request, and never in a message that is said to be about another: two installations may give the same
    numbers.

    The rows are read by these ids in another statement. In one with both, SQLite 3.40 reads the whole journal where a
    bound of the ids stands beside them.
    """
    in_library, about = message.c.library == library, message_request.c
    linked = (about.library == library, about.request_id == names.id)
    exchanges = union(*(select(about.exchange + literal(end)).where(*linked) for end in (QUESTION, ANSWER)))
    ids = set(connection.execute(exchanges).scalars())
    numbers = defaultdict[str, set[str]](set)
    for profile, number in (*(("", own) for own in (names.id, *names.own)), *names.partners):
        numbers[profile].add(clean_text(number))
    named = union(
        *(
            select(message.c.id).where(
                in_library, message.c.request_id.in_(sorted(texts)), HAS_REQUEST, message.c.profile == profile
            )
            for profile, texts in numbers.items()
        )
    )
    rest = {id_: exchange_of_message(id_) for id_ in connection.execute(named).scalars() if id_ not in ids}
    elsewhere = _find_linked_exchanges(connection, library, sorted(set(rest.values())))
    return sorted(ids | {id_ for id_, exchange in rest.items() if exchange not in elsewhere})


def _find_linked_exchanges(connection: Connection, library: str, exchanges: Sequence[str]) -> set[str]:
    """Those that are said to be about a managed request."""
    linked = set[str]()
    about = message_request.c
    for some in _slice_ids(exchanges):
        query = select(about.exchange).where(about.library == library, about.exchange.in_(some))
        linked |= set(connection.execute(query).scalars())
    return linked


def _slice_ids(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Slice ids into as many as one statement is given."""
    return (ids[start : start + MAX_IDS_OF_STATEMENT] for start in range(0, len(ids), MAX_IDS_OF_STATEMENT))


def _is_among(library: str, ids: Sequence[str]) -> ColumnElement[bool]:
    """Make a condition without a bound of the ids, which SQLite would follow instead."""
    return and_(message.c.library == library, message.c.id.in_(ids))


def list_exchanges_by(connection: Connection, library: str, protocol: str, exchanges: Sequence[str]) -> frozenset[str]:
    """Those of these whose first message came by this protocol."""
    matches: set[str] = set()
    for some in _slice_ids([f"{exchange}{QUESTION}" for exchange in exchanges]):
        query = select(message.c.exchange).where(_is_among(library, some), message.c.protocol == protocol)
        matches.update(connection.execute(query).scalars())
    return frozenset(matches)


def list_about_request(connection: Connection, library: str, names: RequestNames) -> Sequence[RowMapping]:
    """All about a managed request, oldest first, without bodies."""
    rows: list[RowMapping] = []
    for some in _slice_ids(_find_ids_about_request(connection, library, names)):
        query = select(*_without_body).where(_is_among(library, some)).order_by(message.c.id)
        rows += connection.execute(query).mappings()
    return rows


def forget_bodies_about_request(connection: Connection, library: str, names: RequestNames) -> int:
    """Their time need not be over; what is in hand is left. How many messages still had one."""
    return _forget_bodies_of(connection, library, _find_ids_about_request(connection, library, names))


def list_patron_marks(connection: Connection, library: str, names: RequestNames) -> frozenset[str]:
    """List the marks of the patrons that messages about a managed request name, by whatever numbers."""
    marks = set[str]()
    for some in _slice_ids(_find_ids_about_request(connection, library, names)):
        query = select(message.c.patron_mark).where(_is_among(library, some), HAS_PATRON_MARK)
        marks.update(connection.execute(query).scalars())
    return frozenset(marks)


def forget_bodies_about_patron(connection: Connection, library: str, mark: str) -> int:
    """Forget bodies of questions that name a patron by a number with this mark, of answers that do, and of what belongs
    to them; what is about a managed request is left, which forgets its own, and what is in hand. Returns how many
    messages still had one. How many messages still had one."""
    named = (message.c.library == library, message.c.patron_mark == mark, HAS_PATRON_MARK)
    ids = connection.execute(select(message.c.id).where(*named)).scalars().all()
    exchanges = sorted({exchange_of_message(id_) for id_ in ids})
    linked = _find_linked_exchanges(connection, library, exchanges)
    alone = [exchange + end for exchange in exchanges if exchange not in linked for end in (QUESTION, ANSWER)]
    return _forget_bodies_of(connection, library, alone)


def _forget_bodies_of(connection: Connection, library: str, ids: Sequence[str]) -> int:
    count = 0
    for some in _slice_ids(ids):
        ended = update(message).where(
            _is_among(library, some), message.c.outcome != "pending", message.c.body.is_not(None)
        )
        count += connection.execute(ended.values(**_FORGOTTEN)).rowcount
    return count


def find_last_moments(connection: Connection, libraries: Collection[str]) -> dict[str, datetime]:
    """Find when the newest message of each library came or went: a look into the index each, in one query. Without the
    libraries that have none."""
    wanted = values(column("library", String), name="wanted").data([(library,) for library in libraries]).cte("wanted")
    newest = (
        select(message.c.at)
        .where(message.c.library == wanted.c.library)
        .order_by(message.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = connection.execute(select(wanted.c.library, newest)) if libraries else ()
    return {library: at for library, at in found if at is not None}


# --- retention -------------------------------------------------------------------------------------------


def next_library(connection: Connection, after: str | None) -> str | None:
    """The libraries that have messages, one after the other: a jump in the index each, no scan."""
    query = select(func.min(message.c.library))
    if after is not None:
        query = query.where(message.c.library > after)
    return connection.execute(query).scalar()


def forget_bodies(connection: Connection, library: str, before: datetime, limit: int) -> int:
    """Forget up to `limit` bodies of exchanges begun before `before`, from where the last call stopped."""
    marked = connection.execute(select(retention.c.bodies_until).where(retention.c.library == library)).scalar() or ""
    ids = _find_oldest_ids(connection, library, marked, before, limit)
    if not ids:
        return 0
    old = update(message).where(message.c.library == library, message.c.id > marked, message.c.id <= ids[-1])
    connection.execute(old.values(**_FORGOTTEN))
    # nobody can carry them out any more
    connection.execute(delete(interrupted).where(interrupted.c.library == library, interrupted.c.id <= ids[-1]))
    _mark_bodies_forgotten(connection, library, ids[-1])
    return len(ids)


def forget_messages(connection: Connection, library: str, before: datetime, limit: int) -> int:
    """Forget up to `limit` messages of exchanges begun before `before`, oldest first."""
    ids = _find_oldest_ids(connection, library, "", before, limit)
    if ids:
        for table in (message, interrupted):
            connection.execute(delete(table).where(table.c.library == library, table.c.id <= ids[-1]))
        about = message_request.c
        until = exchange_of_message(ids[-1])
        connection.execute(delete(message_request).where(about.library == library, about.exchange <= until))
    return len(ids)


def forget_processed(connection: Connection, library: str, before: datetime, limit: int) -> int:
    """Forget up to `limit` keys that were last seen before `before`."""
    table = processed_message.c
    old = select(table.profile, table.key).where(table.library == library, table.last_at < before)
    rows = connection.execute(old.order_by(table.last_at).limit(limit)).all()
    for profile, key in rows:
        connection.execute(
            delete(processed_message).where(table.library == library, table.profile == profile, table.key == key)
        )
    return len(rows)


def _find_oldest_ids(connection: Connection, library: str, above: str, before: datetime, limit: int) -> Sequence[str]:
    query = select(message.c.id).where(
        message.c.library == library, message.c.id > above, message.c.id < first_id_at(before)
    )
    return connection.execute(query.order_by(message.c.id).limit(limit)).scalars().all()


def _mark_bodies_forgotten(connection: Connection, library: str, until: str) -> None:
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = insert(retention).values(library=library, bodies_until=until)
    connection.execute(
        new.on_conflict_do_update(index_elements=["library"], set_={"bodies_until": new.excluded.bodies_until})
    )
