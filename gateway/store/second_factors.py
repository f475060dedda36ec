"""Second factors of staff: the secrets that apps make codes from, and recovery codes.

Secrets are encrypted (services.second_factors), of recovery codes only SHA-256 is here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, fields
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from gateway.domain.value import value_object
from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store.schema import metadata

staff_second_factor = Table(
    "staff_second_factor",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("user_id"),
    Column("secret", LargeBinary, nullable=False),
    column_types.text_column("secret_key"),  # id of the key that encrypted it
    Column("confirmed", UtcDateTime),  # when a first code came; until then it opens nothing and is asked of nobody
    column_types.bigint_column("last_step"),  # of the last code that was taken
    PrimaryKeyConstraint("library", "user_id", name="pk_staff_second_factor"),
)

staff_recovery_code = Table(
    "staff_recovery_code",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("user_id"),
    column_types.text_column("digest"),
    PrimaryKeyConstraint("library", "user_id", "digest", name="pk_staff_recovery_code"),
)
"""Each is good once: then it is deleted."""

staff_code_wait = Table(
    "staff_code_wait",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),  # SHA-256 of the cookie
    column_types.id_column("user_id"),
    Column("confirms", Boolean, nullable=False),
    column_types.moment_column("expires"),
    PrimaryKeyConstraint("library", "id", name="pk_staff_code_wait"),
)
"""Browsers in which the password was right, and the code is still to come. These are no sessions: what doesn't know of
codes, such as an older release beside this one, takes them for nobody."""


@value_object(kw_only=True)
class SecondFactorRow:
    """`secret`: encrypted; `confirmed` None: it is being set up."""

    library: str
    user_id: str
    secret: bytes = field(repr=False)
    secret_key: str
    confirmed: datetime | None
    last_step: int


def find_second_factor(c: Connection, library: str, user_id: str) -> SecondFactorRow | None:
    table = staff_second_factor.c
    query = select(staff_second_factor).where(table.library == library, table.user_id == user_id)
    row = c.execute(query).mappings().one_or_none()
    return None if row is None else SecondFactorRow(**{**row, "secret": bytes(row["secret"])})


def begin_second_factor(c: Connection, library: str, user_id: str, secret: bytes, secret_key: str) -> bool:
    """Begin a second factor in place of one that was begun before. False: there is one already that counts."""
    insert_into = postgresql.insert if c.dialect.name == "postgresql" else sqlite.insert
    new = insert_into(staff_second_factor).values(
        library=library, user_id=user_id, secret=secret, secret_key=secret_key, confirmed=None, last_step=0
    )
    anew = new.on_conflict_do_update(
        index_elements=["library", "user_id"],
        set_={"secret": new.excluded.secret, "secret_key": new.excluded.secret_key},
        where=staff_second_factor.c.confirmed.is_(None),
    )
    return bool(c.execute(anew).rowcount)


def confirm_second_factor(c: Connection, row: SecondFactorRow, step: int, now: datetime) -> bool:
    """False: it is another one now."""
    table = staff_second_factor.c
    this = (table.library == row.library, table.user_id == row.user_id, table.secret == row.secret)
    begun = update(staff_second_factor).where(*this, table.confirmed.is_(None))
    return bool(c.execute(begun.values(confirmed=now, last_step=step)).rowcount)


def take_code_step(c: Connection, row: SecondFactorRow, step: int, secret: bytes, secret_key: str) -> bool:
    """The code of this step is good no more. `secret`: the row's, encrypted anew. False: this code, or a later one, was
    taken before."""
    table = staff_second_factor.c
    this = (table.library == row.library, table.user_id == row.user_id, table.secret == row.secret)
    unused = update(staff_second_factor).where(*this, table.last_step < step)
    return bool(c.execute(unused.values(last_step=step, secret=secret, secret_key=secret_key)).rowcount)


def delete_second_factor(c: Connection, library: str, user_id: str) -> bool:
    """Delete a second factor with its recovery codes. False: there is none."""
    table = staff_second_factor.c
    replace_recovery_codes(c, library, user_id, ())
    return bool(
        c.execute(delete(staff_second_factor).where(table.library == library, table.user_id == user_id)).rowcount
    )


def replace_recovery_codes(c: Connection, library: str, user_id: str, digests: Iterable[str]) -> None:
    table = staff_recovery_code.c
    c.execute(delete(staff_recovery_code).where(table.library == library, table.user_id == user_id))
    rows = [{"library": library, "user_id": user_id, "digest": digest} for digest in digests]
    if rows:
        c.execute(insert(staff_recovery_code), rows)


def count_recovery_codes(c: Connection, library: str, user_id: str) -> int:
    table = staff_recovery_code.c
    query = select(func.count()).where(table.library == library, table.user_id == user_id)
    return int(c.execute(query.select_from(staff_recovery_code)).scalar_one())


def take_recovery_code(c: Connection, library: str, user_id: str, digest: str) -> bool:
    """False: there is no such code, or not any more."""
    table = staff_recovery_code.c
    this = (table.library == library, table.user_id == user_id, table.digest == digest)
    return bool(c.execute(delete(staff_recovery_code).where(*this)).rowcount)


@value_object(kw_only=True)
class CodeWait:
    """`id`: SHA-256 of the cookie; `confirms`: the password that came counts as the one that something dear asks
    for."""

    library: str
    id: str
    user_id: str
    confirms: bool
    expires: datetime


def add_code_wait(c: Connection, row: CodeWait) -> None:
    c.execute(insert(staff_code_wait).values(**{field.name: getattr(row, field.name) for field in fields(row)}))


def find_code_wait(c: Connection, library: str, id_: str, now: datetime) -> CodeWait | None:
    """None: there is none, or its time is over."""
    table = staff_code_wait.c
    query = select(staff_code_wait).where(table.library == library, table.id == id_, table.expires > now)
    row = c.execute(query).mappings().one_or_none()
    return None if row is None else CodeWait(**row)


def end_code_wait(c: Connection, library: str, id_: str) -> None:
    c.execute(delete(staff_code_wait).where(staff_code_wait.c.library == library, staff_code_wait.c.id == id_))


def end_code_waits_of_user(c: Connection, user_id: str) -> None:
    c.execute(delete(staff_code_wait).where(staff_code_wait.c.user_id == user_id))


def prune_code_waits(c: Connection, library: str, now: datetime) -> int:
    """Remove waits that are over, and return their number."""
    table = staff_code_wait.c
    return c.execute(delete(staff_code_wait).where(table.library == library, table.expires <= now)).rowcount
