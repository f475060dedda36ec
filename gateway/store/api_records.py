"""Stored answers (Idempotency-Key), download counts, webhook subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.domain.requests.events import EventKind
from gateway.domain.value import copy_fields, value_object
from gateway.sql.gathered_writes import read_once
from gateway.sql.statements import PreparedStatement
from gateway.store.api_access import api_answer, copy_download, webhook

UNANSWERED = 0


@value_object
class AnswerKey:
    library: str
    api_key: str
    operation: str
    idempotency_key: str


@value_object(kw_only=True)
class StoredAnswer:
    """`reference`: to what was done under the key, there when the work is. `status` 0: there is no answer (yet);
    without a reference, a release that knew of none has it in hand, or had when it died."""

    request: bytes
    status: int
    headers: str = "{}"
    body: bytes = b""
    reference: str = ""


def claim_key(c: Connection, key: AnswerKey, request: bytes, at: datetime, forget_before: datetime) -> bool:
    """False: it is taken."""
    c.execute(delete(api_answer).where(*_answer_conditions(key), api_answer.c.at < forget_before))
    try:
        with c.begin_nested():
            _insert_answer(c, key, StoredAnswer(request=request, status=UNANSWERED), at)
    except IntegrityError:
        return False
    return True


def note_reference(c: Connection, key: AnswerKey, reference: str) -> None:
    """Note a reference in the transaction that has claimed the key."""
    c.execute(update(api_answer).where(*_answer_conditions(key)).values(reference=reference))


def find_answer(c: Connection, key: AnswerKey, forget_before: datetime) -> StoredAnswer | None:
    table = api_answer.c
    columns = (table.request, table.status, table.headers, table.body, table.reference)
    row = c.execute(select(*columns).where(*_answer_conditions(key), table.at >= forget_before)).one_or_none()
    if row is None:
        return None
    return StoredAnswer(request=bytes(row[0]), status=row[1], headers=row[2], body=bytes(row[3]), reference=row[4])


def store_answer(c: Connection, key: AnswerKey, answer: StoredAnswer, at: datetime) -> None:
    """Store an answer, whether the key was claimed or not: there is work that needs no transaction."""
    values = {"status": answer.status, "headers": answer.headers, "body": answer.body}
    if c.execute(update(api_answer).where(*_answer_conditions(key)).values(**values)).rowcount:
        return
    with suppress(IntegrityError), c.begin_nested():  # another node may have answered the same
        _insert_answer(c, key, answer, at)


def _insert_answer(c: Connection, key: AnswerKey, answer: StoredAnswer, at: datetime) -> None:
    c.execute(
        insert(api_answer).values(
            library=key.library,
            api_key=key.api_key,
            operation=key.operation,
            idempotency_key=key.idempotency_key,
            request=answer.request,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            at=at,
            reference=answer.reference,
        )
    )


def release_answer(c: Connection, key: AnswerKey) -> None:
    """Release the key of an answer, since nothing was done: it may be used again."""
    c.execute(delete(api_answer).where(*_answer_conditions(key)))


def prune_answers(c: Connection, library: str, before: datetime) -> int:
    """Number of answers forgotten."""
    table = api_answer.c
    return c.execute(delete(api_answer).where(table.library == library, table.at < before)).rowcount


def _answer_conditions(key: AnswerKey) -> tuple[ColumnElement[bool], ...]:
    table = api_answer.c
    return (
        table.library == key.library,
        table.api_key == key.api_key,
        table.operation == key.operation,
        table.idempotency_key == key.idempotency_key,
    )


def get_download_count(c: Connection, library: str, link: str) -> int:
    table = copy_download.c
    count = c.execute(select(table.count).where(table.library == library, table.link == link)).scalar_one_or_none()
    return count or 0


@value_object
class DownloadRecord:
    """`last_at` None: it was never fetched."""

    count: int
    last_at: datetime | None


def find_downloads(c: Connection, library: str, links: Collection[str]) -> Mapping[str, DownloadRecord]:
    """Find the downloads of those links that were fetched, by link."""
    table = copy_download.c
    query = select(table.link, table.count, table.last_at).where(table.library == library, table.link.in_(links))
    return {link: DownloadRecord(count, last_at) for link, count, last_at in c.execute(query)}


def count_download(c: Connection, library: str, link: str, most: int, at: datetime) -> bool:
    """One more download, unless there were `most` already: then False."""
    table = copy_download.c
    row = (table.library == library, table.link == link)
    with suppress(IntegrityError), c.begin_nested():  # it may have been fetched before
        c.execute(insert(copy_download).values(library=library, link=link, count=0, first_at=at, last_at=at))
    one_more = update(copy_download).where(*row, table.count < most).values(count=table.count + 1, last_at=at)
    return c.execute(one_more).rowcount > 0


def prune_downloads(c: Connection, library: str, before: datetime) -> int:
    """Number of links forgotten that were fetched last before `before`; only for links that have expired."""
    table = copy_download.c
    return c.execute(delete(copy_download).where(table.library == library, table.last_at < before)).rowcount


@value_object(kw_only=True)
class WebhookSubscription:
    """`kinds` empty: all. `failing_since`: no delivery has succeeded since then."""

    library: str
    id: str
    name: str
    url: str
    secret: str = field(repr=False)
    kinds: tuple[EventKind, ...] = ()
    created: datetime
    enabled: bool = True
    disabled_why: str = ""
    failing_since: datetime | None = None

    def is_for_kind(self, kind: EventKind) -> bool:
        return self.enabled and (not self.kinds or kind in self.kinds)


def add_subscription(c: Connection, subscription: WebhookSubscription) -> None:
    values = {name: getattr(subscription, name) for name in WebhookSubscription.__dataclass_fields__}
    c.execute(insert(webhook).values(**{**values, "kinds": " ".join(kind.value for kind in subscription.kinds)}))


def get_subscription(c: Connection, library: str, id_: str) -> WebhookSubscription | None:
    row = c.execute(select(webhook).where(*_subscription_conditions(library, id_))).mappings().one_or_none()
    return None if row is None else _subscription_of_row(row)


_OF_LIBRARY = PreparedStatement(
    select(webhook).where(webhook.c.library == bindparam("in_library")).order_by(webhook.c.created, webhook.c.id)
)


def list_subscriptions(c: Connection, library: str) -> tuple[WebhookSubscription, ...]:
    """Oldest first."""
    return tuple(_subscription_of_row(row._asdict()) for row in _OF_LIBRARY.fetch_all(c, {"in_library": library}))


def list_subscriptions_once(c: Connection, library: str) -> tuple[WebhookSubscription, ...]:
    """List as `list_subscriptions` does, for transactions that announce several events."""
    return read_once(c, ("webhook", library), lambda: list_subscriptions(c, library))


def remove_subscription(c: Connection, library: str, id_: str) -> bool:
    """False: there is no such subscription."""
    return c.execute(delete(webhook).where(*_subscription_conditions(library, id_))).rowcount > 0


def enable_subscription(c: Connection, library: str, id_: str) -> bool:
    """False: there is no such subscription."""
    return _update_subscription(c, library, id_, enabled=True, disabled_why="", failing_since=None)


def disable_subscription(c: Connection, library: str, id_: str, why: str) -> bool:
    return _update_subscription(c, library, id_, enabled=False, disabled_why=why)


def mark_subscription_failing(c: Connection, library: str, id_: str, since: datetime | None) -> None:
    """`since` None: it works again."""
    _update_subscription(c, library, id_, failing_since=since)


def _update_subscription(c: Connection, library: str, id_: str, **values: Any) -> bool:
    return c.execute(update(webhook).where(*_subscription_conditions(library, id_)).values(**values)).rowcount > 0


def _subscription_conditions(library: str, id_: str) -> tuple[ColumnElement[bool], ...]:
    return webhook.c.library == library, webhook.c.id == id_


_KINDS = frozenset(kind.value for kind in EventKind)


def _subscription_of_row(row: RowMapping) -> WebhookSubscription:
    """A kind that a newer release has written isn't known here, and can't happen here."""
    kinds = tuple(EventKind(word) for word in row["kinds"].split() if word in _KINDS)
    return copy_fields(WebhookSubscription, row, kinds=kinds)
