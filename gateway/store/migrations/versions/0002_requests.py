"""Managed requests: requests, history, timers, outbox, files, sequences

Revision ID: 0002
Revises: 0001
"""

from datetime import date, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def text_column(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def id_column(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment_column(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def day_column(name: str, nullable: bool = False) -> sa.Column[date]:
    return sa.Column(name, sa.Date, nullable=nullable)


def integer_column(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def bigint_column(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def create_partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    create_request_table()
    create_related_tables()
    create_event_tables()
    create_outbox_tables()


def create_request_table() -> None:
    op.create_table(
        "request",
        text_column("library"),
        id_column("id"),
        text_column("role"),
        text_column("state"),
        sa.Column("is_open", sa.Boolean, nullable=False),
        text_column("number"),
        text_column("partner"),
        text_column("patron_id"),
        text_column("branch"),
        moment_column("created"),
        moment_column("changed"),
        day_column("need_by", nullable=True),
        text_column("fingerprint"),
        text_column("words"),
        text_column("tasks"),
        text_column("external"),
        text_column("loads"),
        integer_column("supplied"),
        integer_column("version"),
        text_column("document"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request"),
    )
    op.create_index("ix_request_number", "request", ["library", "number"], unique=True)
    op.create_index("ix_request_changed", "request", ["library", "changed", "id"])
    op.create_index("ix_request_state", "request", ["library", "role", "state", "changed", "id"])
    create_partial_index("ix_request_open", "request", ["library", "role", "changed", "id"], "is_open")
    create_partial_index("ix_request_partner", "request", ["library", "partner", "changed", "id"], "partner <> ''")
    create_partial_index("ix_request_patron", "request", ["library", "patron_id", "changed", "id"], "patron_id <> ''")
    create_partial_index(
        "ix_request_similar", "request", ["library", "patron_id", "fingerprint", "created"], "patron_id <> ''"
    )


def create_related_tables() -> None:
    op.create_table(
        "request_task",
        text_column("library"),
        text_column("task"),
        moment_column("changed"),
        id_column("request_id"),
        sa.PrimaryKeyConstraint("library", "task", "changed", "request_id", name="pk_request_task"),
    )
    op.create_table(
        "request_count",
        text_column("library"),
        text_column("kind"),
        text_column("name"),
        integer_column("slot"),
        integer_column("n"),
        sa.PrimaryKeyConstraint("library", "kind", "name", "slot", name="pk_request_count"),
    )
    op.create_table(
        "request_supply",
        text_column("library"),
        day_column("day"),
        text_column("partner"),
        integer_column("n"),
        bigint_column("seconds"),
        sa.PrimaryKeyConstraint("library", "day", "partner", name="pk_request_supply"),
    )
    op.create_table(
        "request_external",
        text_column("library"),
        text_column("value"),
        id_column("request_id"),
        sa.PrimaryKeyConstraint("library", "value", "request_id", name="pk_request_external"),
    )
    op.create_table(
        "request_transaction",
        text_column("library"),
        text_column("role"),
        text_column("symbol"),
        text_column("reference"),
        id_column("request_id"),
        integer_column("attempt"),
        sa.PrimaryKeyConstraint("library", "role", "symbol", "reference", name="pk_request_transaction"),
    )
    op.create_table(
        "partner_message",
        text_column("library"),
        text_column("profile"),
        text_column("message_id"),
        id_column("request_id"),
        text_column("refused"),
        text_column("reason"),
        moment_column("at"),
        sa.PrimaryKeyConstraint("library", "profile", "message_id", name="pk_partner_message"),
    )
    op.create_index("ix_partner_message_at", "partner_message", ["at", "library"])
    op.create_table(
        "request_file",
        text_column("library"),
        id_column("id"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request_file"),
    )
    op.create_table(
        "sequence",
        text_column("library"),
        text_column("name"),
        bigint_column("value"),
        sa.PrimaryKeyConstraint("library", "name", name="pk_sequence"),
    )


def create_event_tables() -> None:
    op.create_table(
        "request_event",
        text_column("library"),
        id_column("id"),
        id_column("request_id"),
        moment_column("at"),
        text_column("before"),
        text_column("after"),
        text_column("denied"),
        text_column("note"),
        text_column("document"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request_event"),
    )
    op.create_index("ix_request_event_request", "request_event", ["library", "request_id", "id"])
    op.create_table(
        "request_timer",
        text_column("library"),
        id_column("request_id"),
        text_column("timer"),
        moment_column("at"),
        sa.PrimaryKeyConstraint("library", "request_id", "timer", name="pk_request_timer"),
    )
    op.create_index("ix_request_timer_at", "request_timer", ["at", "library", "request_id", "timer"])


def create_outbox_tables() -> None:
    op.create_table(
        "outbox",
        text_column("library"),
        id_column("id"),
        text_column("lane"),
        integer_column("place"),
        text_column("kind"),
        text_column("target"),
        id_column("request_id"),
        text_column("payload"),
        text_column("status"),
        integer_column("tries"),
        moment_column("created"),
        moment_column("next_at"),
        moment_column("ready_at", nullable=True),
        moment_column("lease_until", nullable=True),
        text_column("node"),
        moment_column("ended", nullable=True),
        text_column("error"),
        text_column("note"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_outbox"),
    )
    create_partial_index("ix_outbox_ready", "outbox", ["ready_at", "library", "id"], "ready_at IS NOT NULL")
    create_partial_index("ix_outbox_lane", "outbox", ["library", "lane", "place"], "ended IS NULL AND lane <> ''")
    op.create_index("ix_outbox_status", "outbox", ["status", "library", "id"])
    op.create_index("ix_outbox_request", "outbox", ["library", "request_id", "id"])
    op.create_index("ix_outbox_kind", "outbox", ["library", "kind", "id"])
    create_partial_index("ix_outbox_ended", "outbox", ["ended", "library", "id"], "ended IS NOT NULL")
    op.create_table(
        "outbox_lane",
        text_column("library"),
        text_column("lane"),
        id_column("head"),
        integer_column("last"),
        sa.PrimaryKeyConstraint("library", "lane", name="pk_outbox_lane"),
    )
