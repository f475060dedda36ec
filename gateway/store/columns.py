"""Columns that all tables are made of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Integer, Text
from sqlalchemy.dialects import postgresql

from gateway.store.types import UtcDateTime


def text(name: str) -> Column[str]:
    """Empty when there is nothing to say."""
    return Column(name, Text, nullable=False)


def id_(name: str) -> Column[str]:
    """Text that sorts by its bytes, whatever language the database was made for."""
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


def integer(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def bigint(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def moment(name: str) -> Column[datetime]:
    return Column(name, UtcDateTime, nullable=False)
