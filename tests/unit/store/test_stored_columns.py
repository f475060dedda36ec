"""Each column that holds text or octets has a class: whether it may name people, and when that goes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from enum import StrEnum

import pytest
from sqlalchemy import JSON, LargeBinary, MetaData, String, Table

import gateway.store
from adapters.library.embedded import tables as embedded
from gateway.store.schema import metadata

for module in pkgutil.walk_packages(gateway.store.__path__, "gateway.store."):
    if ".migrations" not in module.name:
        importlib.import_module(module.name)  # each may have tables


class ColumnClass(StrEnum):
    PERSON = "person"  # goes, or its row does, when a request forgets its patron
    DOCUMENT = "document"  # made of a request, an event or a message: `stored_fields` says what of it goes
    EXPIRES = "expires"  # may name a patron, and goes by itself: sessions, answers to programs, the audit log
    STAFF = "staff"  # names staff, or what they keep for themselves
    SECRET = "secret"
    WORK = "work"  # what is asked for
    PLAIN = "plain"  # libraries, partners, numbers, codes, sentences of the program, settings


def list_classes(**names: str) -> Mapping[str, ColumnClass]:
    return {name: ColumnClass(key) for key, words in names.items() for name in words.split()}


COLUMNS: Mapping[str, Mapping[str, ColumnClass]] = {
    # --- journal
    "message": list_classes(
        person="body patron_mark",
        plain="library id exchange direction profile protocol transport service version peer from_agency to_agency "
        "request_id item_id body_key content_type outcome reason note repeat_of replay_of node",
    ),
    "message_request": list_classes(plain="library request_id exchange"),
    "processed_message": list_classes(plain="library profile key first_message answer_message"),
    "retention": list_classes(plain="library bodies_until"),
    "interrupted": list_classes(plain="library id"),
    "replay_job": list_classes(staff="begun_by", plain="library id status reason search"),
    "replay_message": list_classes(plain="library job message status reason reason_sentence replay"),
    # --- requests
    "request": list_classes(
        person="patron_id",
        document="terms document",
        work="fingerprint words title",
        staff="assignee labels",
        plain="library id role state number partner branch service tasks external loads",
    ),
    "request_task": list_classes(plain="library task request_id"),
    "request_count": list_classes(plain="library kind name"),
    "request_supply": list_classes(plain="library partner"),
    "request_figure": list_classes(plain="library request_id role branch partner outcome reason currency"),
    "request_external": list_classes(plain="library value request_id"),
    "request_barcode": list_classes(plain="library barcode request_id"),
    "request_term": list_classes(document="term", plain="library kind request_id"),
    "request_transaction": list_classes(plain="library role symbol reference request_id"),
    "partner_message": list_classes(plain="library profile message_id request_id refused reason"),
    "request_event": list_classes(
        person="note", document="document", plain="library id request_id before after denied exchange"
    ),
    "request_message": list_classes(staff="read_by", plain="library event_id request_id role kind"),
    "request_timer": list_classes(plain="library request_id timer"),
    "request_file": list_classes(work="content", plain="library id"),
    "sequence": list_classes(plain="library name"),
    "print_batch": list_classes(staff="made_by printed_by", plain="library id kind"),
    "print_item": list_classes(plain="library kind request_id batch_id"),
    # --- what goes out
    "outbox": list_classes(
        person="error error_sentence",
        document="payload",
        plain="library id lane kind target request_id status node note",
    ),
    "outbox_lane": list_classes(plain="library lane head"),
    "filed_order": list_classes(plain="library profile number file_id order_id request_id reference"),
    "order_file": list_classes(person="document", plain="library row_id"),
    "webhook": list_classes(secret="secret", plain="library id name url kinds disabled_why"),
    # --- partners and library systems
    "library_change": list_classes(person="patron_id value", plain="library kind key barcode request_id record_id"),
    "partner_thing": list_classes(expires="thing", plain="library kind profile request_id barcode"),
    "network_report": list_classes(plain="library member said_library open"),
    "partner_closure": list_classes(staff="note made_by", plain="library id partner"),
    # --- mail
    "mailbox": list_classes(plain="library name"),
    "mailbox_failure": list_classes(plain="library name reason reason_sentence"),
    "mail": list_classes(
        person="sender subject content",
        staff="closed_by",
        plain="library id mailbox message_id digest outcome profile request_id reason possible key_id reason_sentence",
    ),
    # --- programs and pages
    "server_secret": list_classes(secret="value", plain="library name"),
    "api_key": list_classes(secret="digest", plain="library prefix name scopes"),
    "api_answer": list_classes(
        expires="request headers body", plain="library api_key operation idempotency_key reference"
    ),
    "copy_download": list_classes(plain="library link"),
    "page_session": list_classes(
        expires="patron_id identifier category branch name proof",
        secret="id",
        plain="library method",
    ),
    "page_journey": list_classes(expires="back_to", secret="id visit nonce verifier", plain="library"),
    "page_form": list_classes(plain="library id request_id"),
    "patron_setting": list_classes(person="patron_id", plain="library notices language"),
    "page_failure": list_classes(expires="id", plain="library"),
    # --- staff and operation
    "audit_entry": list_classes(expires="peer", staff="actor subject detail", plain="library id action"),
    "saved_filter": list_classes(staff="owner name query", plain="library id place"),
    "staff_user": list_classes(staff="name shown_name email subject", secret="password_hash", plain="library id"),
    "staff_identity": list_classes(staff="subject", plain="library user_id issuer"),
    "staff_second_factor": list_classes(secret="secret", plain="library user_id secret_key"),
    "staff_recovery_code": list_classes(secret="digest", plain="library user_id"),
    "staff_code_wait": list_classes(secret="id", plain="library user_id"),
    "staff_grant": list_classes(plain="library user_id role branch"),
    "staff_provider_grant": list_classes(plain="library user_id role branch"),
    "staff_session": list_classes(secret="id", plain="library user_id method"),
    "profile_version": list_classes(staff="actor reason", plain="library id profile previous digest content"),
    "node": list_classes(plain="id place"),
    "task_leader": list_classes(plain="task node"),
}

SYSTEM_TABLES = frozenset(
    f"embedded_{name}" for name in ("patrons", "patron_identifiers", "holds", "loans", "charges", "operations")
)
"""Tables of the sample library's system that name its patrons: they are the library's, as Koha's are."""

PLAIN_SYSTEM_TABLES = frozenset(
    f"embedded_{name}"
    for name in (
        *("branches", "shelves", "categories", "policies", "loan_rules"),
        *("bibs", "bib_identifiers", "bib_words", "holdings", "items"),
    )
)


def list_texts(table: Table) -> set[str]:
    return {column.name for column in table.columns if isinstance(column.type, String | LargeBinary | JSON)}


def own_tables(schema: MetaData) -> list[Table]:
    return [table for name, table in sorted(schema.tables.items()) if not name.startswith(("sample", "pg_"))]


@pytest.mark.parametrize("table", own_tables(metadata), ids=lambda table: table.name)
def test_each_text_has_a_class(table: Table) -> None:
    """Of a new column decide whether it may name people; what does must go when they are forgotten
    (`services.requests.forgetting`)."""
    listed = COLUMNS.get(table.name)

    assert listed is not None, f"{table.name} is new"
    assert list_texts(table) == set(listed)


def test_no_table_is_listed_that_is_gone() -> None:
    assert {table.name for table in own_tables(metadata)} == set(COLUMNS)


def test_each_table_of_the_sample_library_has_a_class() -> None:
    assert set(embedded.metadata.tables) == SYSTEM_TABLES | PLAIN_SYSTEM_TABLES
