"""Indexes that SQLite is told to follow."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from gateway.sql.index_hints import follow_index, follow_key
from gateway.store.engine import create_sqlite_engine
from gateway.store.requests.tables import outbox, request

QUERY = select(outbox.c.id).where(outbox.c.library == "EX")


def test_they_are_named_to_sqlite_alone(tmp_path: Path) -> None:
    dialect = create_sqlite_engine(make_url(f"sqlite:///{tmp_path / 'illgate.db'}")).dialect
    by_status, by_key = follow_index(QUERY, outbox, "ix_outbox_status"), follow_key(QUERY, outbox)

    assert "FROM outbox INDEXED BY ix_outbox_status \nWHERE" in str(by_status.compile(dialect=dialect))
    assert "FROM outbox INDEXED BY sqlite_autoindex_outbox_1 \nWHERE" in str(by_key.compile(dialect=dialect))
    assert "INDEXED" not in str(by_status.compile(dialect=postgresql.dialect()))


def test_an_index_of_another_table_is_refused() -> None:
    with pytest.raises(ValueError, match="request has no index ix_outbox_status"):
        follow_index(select(request.c.id), request, "ix_outbox_status")
