"""What names a patron is found when the patron is forgotten

Revision ID: 0034
Revises: 0033

Requests that an earlier release has anonymised kept words of suppliers, addresses and more: they forget once more, two
a second.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from gateway.sql.column_types import UtcDateTime

revision = "0034"
down_revision = "0033"

SLICE = 1_000
PAUSE = timedelta(seconds=0.5)

_REQUEST = sa.table("request", *map(sa.column, ("library", "id", "is_open")))
_EVENT = sa.table("request_event", *map(sa.column, ("library", "request_id", "document")))
_TIMER = sa.table("request_timer", *map(sa.column, ("library", "request_id", "timer")), sa.column("at", UtcDateTime()))


def upgrade() -> None:
    op.add_column("message", sa.Column("patron_mark", sa.Text, nullable=False, server_default=""))
    has_mark, has_request = sa.text("patron_mark <> ''"), sa.text("request_id <> ''")
    op.create_index(
        "ix_message_patron", "message", ["library", "patron_mark"], postgresql_where=has_mark, sqlite_where=has_mark
    )
    op.create_index(
        "ix_mail_request", "mail", ["library", "request_id"], postgresql_where=has_request, sqlite_where=has_request
    )
    _forget_again()


def _forget_again() -> None:
    connection, at, last = op.get_bind(), datetime.now(UTC), ("", "")
    c, e, t = _REQUEST.c, _EVENT.c, _TIMER.c
    has_forgotten = sa.exists().where(
        e.library == c.library, e.request_id == c.id, e.document.contains('"kind":"anonymised"')
    )
    is_running = sa.exists().where(t.library == c.library, t.request_id == c.id, t.timer == "anonymise")
    forgotten = (
        sa.select(c.library, c.id)
        .where(sa.not_(sa.cast(c.is_open, sa.Boolean)), has_forgotten, ~is_running)
        .order_by(c.library, c.id)
        .limit(SLICE)
    )
    while rows := connection.execute(forgotten.where(sa.tuple_(c.library, c.id) > sa.tuple_(*last))).all():
        last = tuple(rows[-1])
        due = [at + number * PAUSE for number in range(len(rows))]
        at = due[-1] + PAUSE
        connection.execute(
            sa.insert(_TIMER),
            [
                {"library": row.library, "request_id": row.id, "timer": "anonymise", "at": moment}
                for row, moment in zip(rows, due, strict=True)
            ],
        )
