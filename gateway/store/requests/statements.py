"""SQL that both databases read alike, where SQLAlchemy has a construct of its own for each: upserts, RETURNING."""

from __future__ import annotations

import re

from sqlalchemy import Column, Table, bindparam, text

from gateway.store.prepared import Prepared

_NAME = re.compile(r"(?<!:):(\w+)")


def written(sql: str, table: Table, *returned: Column[object]) -> Prepared:
    """`:name` is of the type of the table's column `name`; `returned` are the columns after RETURNING."""
    clause = text(sql).bindparams(*(bindparam(name, type_=table.c[name].type) for name in set(_NAME.findall(sql))))
    return Prepared(clause.columns(*returned) if returned else clause)
