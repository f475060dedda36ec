"""The gateway's own tables

Revision ID: 0037
Revises:

What the first 37 steps had made, none of which was in a release. A database that stands at one of them is brought to
the last by the program of that time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.sql.column_types import SORTED_TEXT, UtcDateTime

revision = "0037"
down_revision = None


def columns(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind, nullable=False) for name in names)


def columns_once_added(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    """Empty where a program that doesn't know them yet writes the row."""
    return (sa.Column(name, kind, nullable=False, server_default="") for name in names)


def optional_columns(kind: Any, *names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind) for name in names)


def create_table(name: str, key: tuple[str, ...], *parts: Any, **options: Any) -> None:
    op.create_table(name, *parts, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), **options)


def create_index(name: str, table: str, names: list[str], *, where: str = "", unique: bool = False) -> None:
    rows = sa.text(where) if where else None
    op.create_index(name, table, names, unique=unique, sqlite_where=rows, postgresql_where=rows)


def upgrade() -> None:
    create_table(
        "api_answer",
        ("library", "api_key", "operation", "idempotency_key"),
        *columns(sa.Text, "library", "api_key", "operation", "idempotency_key"),
        *columns(sa.LargeBinary, "request"),
        *columns(sa.Integer, "status"),
        *columns(sa.Text, "headers"),
        *columns(sa.LargeBinary, "body"),
        *columns(UtcDateTime, "at"),
        *columns_once_added(sa.Text, "reference"),
    )
    create_index("ix_api_answer_at", "api_answer", ["library", "at"])
    create_table(
        "api_key",
        ("library", "prefix"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "prefix"),
        *columns(sa.Text, "name"),
        *columns(sa.LargeBinary, "digest"),
        *columns(sa.Text, "scopes"),
        *columns(UtcDateTime, "created"),
        *optional_columns(UtcDateTime, "expires", "last_used", "revoked"),
    )
    create_index("ix_api_key_prefix", "api_key", ["prefix"], unique=True)
    create_table(
        "audit_entry",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "actor", "action", "subject", "detail", "peer"),
        *columns(UtcDateTime, "at"),
    )
    create_index("ix_audit_entry_actor", "audit_entry", ["library", "actor", "id"])
    create_table(
        "copy_download",
        ("library", "link"),
        *columns(sa.Text, "library", "link"),
        *columns(sa.Integer, "count"),
        *columns(UtcDateTime, "first_at", "last_at"),
    )
    create_index("ix_copy_download_last", "copy_download", ["library", "last_at"])
    create_table(
        "filed_order",
        ("library", "profile", "number", "place"),
        *columns(sa.Text, "library", "profile", "number"),
        *columns(sa.Integer, "place"),
        *columns(SORTED_TEXT, "file_id", "order_id", "request_id"),
        *columns(sa.Text, "reference"),
        *columns(UtcDateTime, "at"),
    )
    create_index("ix_filed_order_at", "filed_order", ["at", "library"])
    create_index("ix_filed_order_file", "filed_order", ["library", "file_id", "place"])
    create_index("ix_filed_order_order", "filed_order", ["library", "order_id"])
    create_table(
        "interrupted",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Integer, "starts"),
    )
    create_table(
        "library_change",
        ("library", "kind", "key"),
        *columns(sa.Text, "library", "kind", "key", "barcode", "patron_id", "request_id", "record_id"),
        *columns(UtcDateTime, "begun"),
        *optional_columns(UtcDateTime, "ended"),
        *columns(sa.Text, "value"),
    )
    create_index("ix_library_change_barcode", "library_change", ["library", "barcode", "begun"])
    create_index("ix_library_change_begun", "library_change", ["begun"])
    create_index("ix_library_change_patron", "library_change", ["library", "patron_id", "begun"])
    create_index("ix_library_change_record", "library_change", ["library", "record_id", "begun"])
    create_index("ix_library_change_request", "library_change", ["library", "request_id", "begun"])
    create_table(
        "mail",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "mailbox"),
        *columns(sa.BigInteger, "uid_validity", "uid"),
        *columns(sa.Text, "message_id", "digest"),
        *columns(UtcDateTime, "at"),
        *columns(sa.Text, "outcome", "profile"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Text, "reason"),
        *columns(sa.Boolean, "is_open"),
        *columns(sa.Text, "sender", "subject", "possible"),
        *optional_columns(sa.LargeBinary, "content"),
        *columns(sa.Text, "key_id", "closed_by"),
        *columns_once_added(sa.Text, "reason_sentence"),
    )
    create_index("ix_mail_at", "mail", ["at", "library"])
    create_index("ix_mail_digest", "mail", ["library", "digest"])
    create_index("ix_mail_open", "mail", ["library", "id"], where="is_open")
    create_index("ix_mail_request", "mail", ["library", "request_id"], where="request_id <> ''")
    create_index("ix_mail_uid", "mail", ["library", "mailbox", "uid_validity", "uid"], unique=True)
    create_table(
        "mailbox",
        ("library", "name"),
        *columns(sa.Text, "library", "name"),
        *columns(sa.BigInteger, "uid_validity", "highest_uid"),
        *columns(UtcDateTime, "seen"),
    )
    create_table(
        "mailbox_failure",
        ("library", "name"),
        *columns(sa.Text, "library", "name"),
        *columns(UtcDateTime, "since"),
        *columns(sa.Text, "reason"),
        *columns_once_added(sa.Text, "reason_sentence"),
    )
    create_table(
        "message",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(
            sa.Text,
            "exchange",
            "direction",
            "profile",
            "protocol",
            "transport",
            "service",
            "version",
            "peer",
            "from_agency",
            "to_agency",
            "request_id",
            "item_id",
        ),
        *columns(UtcDateTime, "at"),
        *optional_columns(sa.LargeBinary, "body"),
        *columns(sa.Integer, "body_size"),
        *columns(sa.Boolean, "truncated"),
        *columns(sa.Text, "body_key", "content_type"),
        *columns(sa.Integer, "status"),
        *columns(sa.Text, "outcome", "reason", "note"),
        *columns(sa.Float, "duration_ms"),
        *columns(sa.Text, "repeat_of", "replay_of"),
        *columns_once_added(sa.Text, "node", "patron_mark"),
    )
    create_index("ix_message_item", "message", ["library", "item_id", "id"], where="item_id <> ''")
    create_index("ix_message_patron", "message", ["library", "patron_mark"], where="patron_mark <> ''")
    create_index("ix_message_pending", "message", ["library", "outcome", "id"], where="outcome = 'pending'")
    create_index("ix_message_replay", "message", ["library", "replay_of", "id"], where="replay_of <> ''")
    create_index("ix_message_request", "message", ["library", "request_id", "id"], where="request_id <> ''")
    create_index(
        "ix_message_trouble",
        "message",
        ["library", "id"],
        where="outcome NOT IN ('ok', 'pending') AND direction = 'in'",
    )
    create_table(
        "message_request",
        ("library", "request_id", "exchange"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "request_id", "exchange"),
    )
    create_index("ix_message_request_exchange", "message_request", ["library", "exchange"])
    create_table(
        "network_report",
        ("library", "member"),
        *columns(sa.Text, "library", "member", "said_library", "open"),
        *columns(UtcDateTime, "at"),
    )
    create_table(
        "node",
        ("id",),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "place"),
        *columns(UtcDateTime, "started", "seen", "steady_since"),
    )
    create_table(
        "order_file",
        ("library", "row_id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "row_id"),
        *columns(UtcDateTime, "at"),
        *columns(sa.Text, "document"),
    )
    create_table(
        "outbox",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "lane"),
        *columns(sa.Integer, "place"),
        *columns(sa.Text, "kind", "target"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Text, "payload", "status"),
        *columns(sa.Integer, "tries"),
        *columns(UtcDateTime, "created", "next_at"),
        *optional_columns(UtcDateTime, "ready_at", "lease_until"),
        *columns(sa.Text, "node"),
        *optional_columns(UtcDateTime, "ended"),
        *columns(sa.Text, "error", "note"),
        *columns_once_added(sa.Text, "error_sentence"),
    )
    create_index("ix_outbox_ended", "outbox", ["ended", "library", "id"], where="ended IS NOT NULL")
    create_index(
        "ix_outbox_gathered",
        "outbox",
        ["library", "target", "kind", "id"],
        where="status = 'waiting' AND kind IN ('gather', 'order')",
    )
    create_index("ix_outbox_kind", "outbox", ["library", "kind", "id"])
    create_index("ix_outbox_lane", "outbox", ["library", "lane", "place"], where="ended IS NULL AND lane <> ''")
    create_index("ix_outbox_ready", "outbox", ["ready_at", "library", "id"], where="ready_at IS NOT NULL")
    create_index("ix_outbox_request", "outbox", ["library", "request_id", "id"])
    create_index("ix_outbox_status", "outbox", ["status", "library", "id"])
    create_table(
        "outbox_lane",
        ("library", "lane"),
        *columns(sa.Text, "library", "lane"),
        *columns(SORTED_TEXT, "head"),
        *columns(sa.Integer, "last"),
    )
    create_table(
        "page_failure",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Integer, "count"),
        *columns(UtcDateTime, "since"),
    )
    create_index("ix_page_failure_since", "page_failure", ["library", "since"])
    create_table(
        "page_form",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "request_id"),
        *columns(UtcDateTime, "at"),
    )
    create_index("ix_page_form_at", "page_form", ["library", "at"])
    create_table(
        "page_journey",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "visit", "nonce", "verifier", "back_to"),
        *columns(UtcDateTime, "expires"),
    )
    create_index("ix_page_journey_expires", "page_journey", ["library", "expires"])
    create_table(
        "page_session",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "patron_id", "identifier", "category", "branch", "name", "method", "proof"),
        *columns(UtcDateTime, "started", "expires"),
    )
    create_index("ix_page_session_expires", "page_session", ["library", "expires"])
    create_table(
        "partner_closure",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "partner"),
        *columns(sa.Date, "first", "last"),
        *columns(sa.Text, "note"),
        *columns(UtcDateTime, "made_at"),
        *columns(sa.Text, "made_by"),
    )
    create_index("ix_partner_closure_last", "partner_closure", ["library", "last"])
    create_table(
        "partner_message",
        ("library", "profile", "message_id"),
        *columns(sa.Text, "library", "profile", "message_id"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Text, "refused", "reason"),
        *columns(UtcDateTime, "at"),
    )
    create_index("ix_partner_message_at", "partner_message", ["at", "library"])
    create_table(
        "partner_thing",
        ("library", "kind", "thing"),
        *columns(sa.Text, "library", "kind", "thing", "profile", "request_id", "barcode"),
        *columns(UtcDateTime, "made_at"),
    )
    create_index("ix_partner_thing_made", "partner_thing", ["made_at"])
    create_index("ix_partner_thing_request", "partner_thing", ["library", "request_id"])
    create_table(
        "print_batch",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Integer, "number"),
        *columns(sa.Text, "kind"),
        *columns(UtcDateTime, "made_at"),
        *columns(sa.Text, "made_by"),
        *optional_columns(UtcDateTime, "printed_at"),
        *columns(sa.Text, "printed_by"),
    )
    create_index("ix_print_batch_number", "print_batch", ["library", "number"], unique=True)
    create_table(
        "print_item",
        ("library", "kind", "request_id", "batch_id"),
        *columns(sa.Text, "library", "kind"),
        *columns(SORTED_TEXT, "request_id", "batch_id"),
        *columns(sa.Integer, "position"),
    )
    create_index("ix_print_item_batch", "print_item", ["library", "batch_id", "position"])
    create_table(
        "processed_message",
        ("library", "profile", "key"),
        *columns(sa.Text, "library", "profile", "key", "first_message", "answer_message"),
        *columns(sa.Integer, "count"),
        *columns(UtcDateTime, "first_at", "last_at"),
    )
    create_index("ix_processed_message_last", "processed_message", ["library", "last_at"])
    create_table(
        "profile_version",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "profile", "previous", "digest", "actor", "reason", "content"),
        *columns(UtcDateTime, "at"),
        sa.UniqueConstraint("library", "profile", "previous", name="uq_profile_version_previous"),
    )
    create_index("ix_profile_version_profile", "profile_version", ["library", "profile", "id"])
    create_table(
        "replay_job",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "status", "reason"),
        *columns(UtcDateTime, "begun"),
        *columns(sa.Text, "begun_by"),
        *optional_columns(UtcDateTime, "ended"),
    )
    create_index("ix_replay_job_status", "replay_job", ["status", "id"])
    create_table(
        "replay_message",
        ("library", "job", "position"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "job"),
        *columns(sa.Integer, "position"),
        *columns(SORTED_TEXT, "message"),
        *columns(sa.Text, "status", "reason", "reason_sentence"),
        *columns(SORTED_TEXT, "replay"),
        *optional_columns(UtcDateTime, "ended"),
    )
    create_index("ix_replay_message_status", "replay_message", ["library", "job", "status", "position"])
    create_table(
        "request",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "role", "state"),
        *columns(sa.Boolean, "is_open"),
        *columns(SORTED_TEXT, "number"),
        *columns(sa.Text, "partner", "patron_id", "branch"),
        *columns_once_added(sa.Text, "service", "assignee", "labels"),
        *columns(UtcDateTime, "created", "changed"),
        *optional_columns(sa.Date, "need_by"),
        *columns(sa.Text, "fingerprint", "words"),
        *columns_once_added(SORTED_TEXT, "title"),
        *columns(sa.Text, "tasks", "external"),
        *columns_once_added(sa.Text, "terms"),
        *columns(sa.Text, "loads"),
        *columns(sa.Integer, "supplied", "version"),
        *columns(sa.Text, "document"),
    )
    create_index("ix_request_assignee", "request", ["library", "assignee", "changed", "id"], where="assignee <> ''")
    create_index("ix_request_changed", "request", ["library", "changed", "id"])
    create_index("ix_request_need_by", "request", ["library", "need_by", "id"], where="is_open AND need_by IS NOT NULL")
    create_index("ix_request_number", "request", ["library", "number"], unique=True)
    create_index("ix_request_open", "request", ["library", "role", "changed", "id"], where="is_open")
    create_index("ix_request_partner", "request", ["library", "partner", "changed", "id"], where="partner <> ''")
    create_index("ix_request_patron", "request", ["library", "patron_id", "changed", "id"], where="patron_id <> ''")
    create_index(
        "ix_request_similar", "request", ["library", "patron_id", "fingerprint", "created"], where="patron_id <> ''"
    )
    create_index("ix_request_state", "request", ["library", "role", "state", "changed", "id"])
    create_index("ix_request_state_number", "request", ["library", "state", "role", "number", "id"])
    create_index("ix_request_state_title", "request", ["library", "state", "role", "title", "id"])
    create_table(
        "request_barcode",
        ("library", "barcode", "request_id"),
        *columns(sa.Text, "library", "barcode"),
        *columns(SORTED_TEXT, "request_id"),
    )
    create_index("ix_request_barcode_request", "request_barcode", ["library", "request_id"])
    create_table(
        "request_count",
        ("library", "kind", "name", "slot"),
        *columns(sa.Text, "library", "kind", "name"),
        *columns(sa.Integer, "slot", "n"),
    )
    create_table(
        "request_event",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id", "request_id"),
        *columns(UtcDateTime, "at"),
        *columns(sa.Text, "before", "after", "denied", "note", "document"),
        *columns_once_added(sa.Text, "exchange"),
    )
    create_index("ix_request_event_request", "request_event", ["library", "request_id", "id"])
    create_table(
        "request_external",
        ("library", "value", "request_id"),
        *columns(sa.Text, "library", "value"),
        *columns(SORTED_TEXT, "request_id"),
    )
    create_table(
        "request_figure",
        ("library", "month", "request_id", "attempt"),
        *columns(sa.Text, "library"),
        *columns(sa.Integer, "month"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Integer, "attempt"),
        *columns(sa.Text, "role"),
        *columns(sa.Boolean, "is_copy"),
        *columns(sa.Text, "branch", "partner", "outcome", "reason"),
        *optional_columns(sa.Integer, "asked_hours", "sent_hours", "came_hours"),
        *columns(sa.Text, "currency"),
        *columns(sa.BigInteger, "cost"),
        sqlite_with_rowid=False,
    )
    create_index(
        "ix_request_figure", "request_figure", ["library", "month", "role", "is_copy", "attempt", "partner", "outcome"]
    )
    create_table(
        "request_file",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.LargeBinary, "content"),
    )
    create_table(
        "request_message",
        ("library", "event_id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "event_id", "request_id"),
        *columns(sa.Text, "role", "kind"),
        *columns(sa.Integer, "attempt"),
        *columns(UtcDateTime, "at"),
        *optional_columns(UtcDateTime, "read_at"),
        *columns(sa.Text, "read_by"),
    )
    create_index("ix_request_message_request", "request_message", ["library", "request_id", "event_id"])
    create_index(
        "ix_request_message_unread", "request_message", ["library", "role", "event_id"], where="read_at IS NULL"
    )
    create_table(
        "request_supply",
        ("library", "day", "partner"),
        *columns(sa.Text, "library"),
        *columns(sa.Date, "day"),
        *columns(sa.Text, "partner"),
        *columns(sa.Integer, "n"),
        *columns(sa.BigInteger, "seconds"),
    )
    create_table(
        "request_task",
        ("library", "task", "changed", "request_id"),
        *columns(sa.Text, "library", "task"),
        *columns(UtcDateTime, "changed"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(UtcDateTime, "since"),
    )
    create_index("ix_request_task_since", "request_task", ["library", "task", "since", "request_id"])
    create_table(
        "request_term",
        ("library", "kind", "term", "request_id"),
        *columns(sa.Text, "library", "kind"),
        *columns(SORTED_TEXT, "term", "request_id"),
        sqlite_with_rowid=False,
    )
    create_table(
        "request_timer",
        ("library", "request_id", "timer"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Text, "timer"),
        *columns(UtcDateTime, "at"),
    )
    create_index("ix_request_timer_at", "request_timer", ["at", "library", "request_id", "timer"])
    create_table(
        "request_transaction",
        ("library", "role", "symbol", "reference"),
        *columns(sa.Text, "library", "role", "symbol", "reference"),
        *columns(SORTED_TEXT, "request_id"),
        *columns(sa.Integer, "attempt"),
    )
    create_index("ix_request_transaction_request", "request_transaction", ["library", "request_id"])
    create_table(
        "retention",
        ("library",),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "bodies_until"),
    )
    create_table(
        "saved_filter",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "owner", "place", "name", "query"),
        *columns(sa.Boolean, "shared"),
        *columns(UtcDateTime, "created"),
    )
    create_index("ix_saved_filter_place", "saved_filter", ["library", "place", "owner"])
    create_table(
        "sequence",
        ("library", "name"),
        *columns(sa.Text, "library", "name"),
        *columns(sa.BigInteger, "value"),
    )
    create_table(
        "server_secret",
        ("library", "name"),
        *columns(sa.Text, "library", "name"),
        *columns(sa.LargeBinary, "value"),
        *columns(UtcDateTime, "created"),
    )
    create_table(
        "staff_code_wait",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id", "user_id"),
        *columns(sa.Boolean, "confirms"),
        *columns(UtcDateTime, "expires"),
    )
    create_table(
        "staff_grant",
        ("library", "user_id", "role", "branch"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "user_id"),
        *columns(sa.Text, "role", "branch"),
    )
    create_index("ix_staff_grant_user", "staff_grant", ["user_id"])
    create_table(
        "staff_identity",
        ("library", "user_id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "user_id"),
        *columns(sa.Text, "issuer", "subject"),
        *optional_columns(UtcDateTime, "linked"),
    )
    create_index("ix_staff_identity_subject", "staff_identity", ["issuer", "subject"], unique=True)
    create_table(
        "staff_recovery_code",
        ("library", "user_id", "digest"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "user_id"),
        *columns(sa.Text, "digest"),
    )
    create_table(
        "staff_second_factor",
        ("library", "user_id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "user_id"),
        *columns(sa.LargeBinary, "secret"),
        *columns(sa.Text, "secret_key"),
        *optional_columns(UtcDateTime, "confirmed"),
        *columns(sa.BigInteger, "last_step"),
    )
    create_table(
        "staff_session",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id", "user_id"),
        *columns(sa.Text, "method"),
        *columns(UtcDateTime, "started", "expires"),
        *optional_columns(UtcDateTime, "confirmed"),
    )
    create_index("ix_staff_session_expires", "staff_session", ["library", "expires"])
    create_index("ix_staff_session_id", "staff_session", ["id"], unique=True)
    create_index("ix_staff_session_user", "staff_session", ["user_id"])
    create_table(
        "staff_user",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "name", "shown_name", "email", "subject", "password_hash"),
        *columns(UtcDateTime, "created"),
        *optional_columns(UtcDateTime, "disabled"),
    )
    create_index("ix_staff_user_name", "staff_user", ["name"], unique=True)
    create_table(
        "task_leader",
        ("task",),
        *columns(sa.Text, "task"),
        *columns(SORTED_TEXT, "node"),
    )
    create_table(
        "webhook",
        ("library", "id"),
        *columns(sa.Text, "library"),
        *columns(SORTED_TEXT, "id"),
        *columns(sa.Text, "name", "url", "secret", "kinds"),
        *columns(UtcDateTime, "created"),
        *columns(sa.Boolean, "enabled"),
        *columns(sa.Text, "disabled_why"),
        *optional_columns(UtcDateTime, "failing_since"),
    )
