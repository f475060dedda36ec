"""Answers to POSTs with an Idempotency-Key: claimed before the work, kept after it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.store.api.tables import api_answer

IN_HAND = 0


@frozen
class AnswerKey:
    library: str
    api_key: str
    operation: str
    idempotency_key: str


@frozen_by_name
class StoredAnswer:
    """`status` 0: the first request is still in hand, or its node has died; then its outcome is not known."""

    request: bytes
    status: int
    headers: str = "{}"
    body: bytes = b""


def claim(c: Connection, key: AnswerKey, request: bytes, at: datetime, forget_before: datetime) -> StoredAnswer | None:
    """None: it is ours to carry out now. Otherwise what is known of the first request with this key."""
    table = api_answer.c
    c.execute(delete(api_answer).where(*_is_answer(key), table.at < forget_before))
    try:
        with c.begin_nested():
            c.execute(
                insert(api_answer).values(
                    library=key.library,
                    api_key=key.api_key,
                    operation=key.operation,
                    idempotency_key=key.idempotency_key,
                    request=request,
                    status=IN_HAND,
                    headers="{}",
                    body=b"",
                    at=at,
                )
            )
    except IntegrityError:
        wanted = select(table.request, table.status, table.headers, table.body).where(*_is_answer(key))
        found = c.execute(wanted).one_or_none()
        if found is None:  # it was released in this moment
            return claim(c, key, request, at, forget_before)
        return StoredAnswer(request=bytes(found[0]), status=found[1], headers=found[2], body=bytes(found[3]))
    return None


def keep(c: Connection, key: AnswerKey, answer: StoredAnswer) -> None:
    values = {"status": answer.status, "headers": answer.headers, "body": answer.body}
    c.execute(update(api_answer).where(*_is_answer(key)).values(**values))


def release(c: Connection, key: AnswerKey) -> None:
    """Nothing was done: the key may be used again."""
    c.execute(delete(api_answer).where(*_is_answer(key)))


def prune_answers(c: Connection, library: str, before: datetime) -> int:
    """Number of answers forgotten."""
    table = api_answer.c
    return c.execute(delete(api_answer).where(table.library == library, table.at < before)).rowcount


def _is_answer(key: AnswerKey) -> tuple[ColumnElement[bool], ...]:
    table = api_answer.c
    return (
        table.library == key.library,
        table.api_key == key.api_key,
        table.operation == key.operation,
        table.idempotency_key == key.idempotency_key,
    )
