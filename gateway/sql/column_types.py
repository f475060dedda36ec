"""Column types that mean the same on SQLite and PostgreSQL, and texts that both take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

MAX_TEXT_CHARS = 255
"""Characters kept of a value that a partner sent; the body has it whole. PostgreSQL indexes at most 2,704 bytes."""

MAX_NOTE_CHARS = 2_000


SORTED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Sorts by its bytes, whatever language the database was made for."""


def text_column(name: str) -> Column[str]:
    """Empty when there is nothing to say."""
    return Column(name, Text, nullable=False)


def id_column(name: str) -> Column[str]:
    return Column(name, SORTED_TEXT, nullable=False)


def integer_column(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def bigint_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def moment_column(name: str) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=False)


def _to_text(value: datetime | None) -> str | None:
    """SQLAlchemy's own format, made by calls in C: every message passes here several times. To write a zone takes
    longer than to take it off."""
    if value is None:
        return None
    moment = value if value.tzinfo is UTC else _in_utc(value)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a moment to be stored needs a time zone")
    return value.astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment: `timestamptz` on PostgreSQL; text in UTC on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def clean_text(value: str, limit: int = MAX_TEXT_CHARS) -> str:
    """A partner's text as both databases take it: no NUL, no lone surrogates, not too long."""
    if len(value) > limit:
        value = f"{value[: limit - 1]}…"
    if value.isascii():
        return value if "\0" not in value else value.replace("\0", "\ufffd")
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
