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


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def identifier(name: str) -> sa.Column[str]:
    """Sorts by its bytes, whatever language the database was made for."""
    kind = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=False)


def moment(name: str, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def day(name: str, nullable: bool = False) -> sa.Column[date]:
    return sa.Column(name, sa.Date, nullable=nullable)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def large_number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    requests()
    beside_requests()
    happenings()
    outbox()


def requests() -> None:
    op.create_table(
        "request",
        text("library"),
        identifier("id"),
        text("role"),
        text("state"),
        sa.Column("is_open", sa.Boolean, nullable=False),
        text("number"),
        text("partner"),
        text("patron_id"),
        text("branch"),
        moment("created"),
        moment("changed"),
        day("need_by", nullable=True),
        text("fingerprint"),
        text("words"),
        text("tasks"),
        text("external"),
        text("loads"),
        number("supplied"),
        number("version"),
        text("document"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request"),
    )
    op.create_index("ix_request_number", "request", ["library", "number"], unique=True)
    op.create_index("ix_request_changed", "request", ["library", "changed", "id"])
    op.create_index("ix_request_state", "request", ["library", "role", "state", "changed", "id"])
    partial_index("ix_request_open", "request", ["library", "role", "changed", "id"], "is_open")
    partial_index("ix_request_partner", "request", ["library", "partner", "changed", "id"], "partner <> ''")
    partial_index("ix_request_patron", "request", ["library", "patron_id", "changed", "id"], "patron_id <> ''")
    partial_index(
        "ix_request_similar", "request", ["library", "patron_id", "fingerprint", "created"], "patron_id <> ''"
    )


def beside_requests() -> None:
    op.create_table(
        "request_task",
        text("library"),
        text("task"),
        moment("changed"),
        identifier("request_id"),
        sa.PrimaryKeyConstraint("library", "task", "changed", "request_id", name="pk_request_task"),
    )
    op.create_table(
        "request_count",
        text("library"),
        text("kind"),
        text("name"),
        number("slot"),
        number("n"),
        sa.PrimaryKeyConstraint("library", "kind", "name", "slot", name="pk_request_count"),
    )
    op.create_table(
        "request_supply",
        text("library"),
        day("day"),
        text("partner"),
        number("n"),
        large_number("seconds"),
        sa.PrimaryKeyConstraint("library", "day", "partner", name="pk_request_supply"),
    )
    op.create_table(
        "request_external",
        text("library"),
        text("value"),
        identifier("request_id"),
        sa.PrimaryKeyConstraint("library", "value", "request_id", name="pk_request_external"),
    )
    op.create_table(
        "request_transaction",
        text("library"),
        text("role"),
        text("symbol"),
        text("reference"),
        identifier("request_id"),
        number("attempt"),
        sa.PrimaryKeyConstraint("library", "role", "symbol", "reference", name="pk_request_transaction"),
    )
    op.create_table(
        "partner_message",
        text("library"),
        text("profile"),
        text("message_id"),
        identifier("request_id"),
        text("refused"),
        text("reason"),
        moment("at"),
        sa.PrimaryKeyConstraint("library", "profile", "message_id", name="pk_partner_message"),
    )
    op.create_index("ix_partner_message_at", "partner_message", ["at", "library"])
    op.create_table(
        "request_file",
        text("library"),
        identifier("id"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request_file"),
    )
    op.create_table(
        "sequence",
        text("library"),
        text("name"),
        large_number("value"),
        sa.PrimaryKeyConstraint("library", "name", name="pk_sequence"),
    )


def happenings() -> None:
    op.create_table(
        "request_event",
        text("library"),
        identifier("id"),
        identifier("request_id"),
        moment("at"),
        text("before"),
        text("after"),
        text("denied"),
        text("note"),
        text("document"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_request_event"),
    )
    op.create_index("ix_request_event_request", "request_event", ["library", "request_id", "id"])
    op.create_table(
        "request_timer",
        text("library"),
        identifier("request_id"),
        text("timer"),
        moment("at"),
        sa.PrimaryKeyConstraint("library", "request_id", "timer", name="pk_request_timer"),
    )
    op.create_index("ix_request_timer_at", "request_timer", ["at", "library", "request_id", "timer"])


def outbox() -> None:
    op.create_table(
        "outbox",
        text("library"),
        identifier("id"),
        text("lane"),
        number("place"),
        text("kind"),
        text("target"),
        identifier("request_id"),
        text("payload"),
        text("status"),
        number("tries"),
        moment("created"),
        moment("next_at"),
        moment("ready_at", nullable=True),
        moment("lease_until", nullable=True),
        text("node"),
        moment("ended", nullable=True),
        text("error"),
        text("note"),
        sa.PrimaryKeyConstraint("library", "id", name="pk_outbox"),
    )
    partial_index("ix_outbox_ready", "outbox", ["ready_at", "library", "id"], "ready_at IS NOT NULL")
    partial_index("ix_outbox_lane", "outbox", ["library", "lane", "place"], "ended IS NULL AND lane <> ''")
    op.create_index("ix_outbox_status", "outbox", ["status", "library", "id"])
    op.create_index("ix_outbox_request", "outbox", ["library", "request_id", "id"])
    op.create_index("ix_outbox_kind", "outbox", ["library", "kind", "id"])
    partial_index("ix_outbox_ended", "outbox", ["ended", "library", "id"], "ended IS NOT NULL")
    op.create_table(
        "outbox_lane",
        text("library"),
        text("lane"),
        identifier("head"),
        number("last"),
        sa.PrimaryKeyConstraint("library", "lane", name="pk_outbox_lane"),
    )
