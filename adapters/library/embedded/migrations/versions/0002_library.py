"""tables of the embedded library"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _optional(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String())


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=False)


def _money(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _perhaps(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _table(name: str, key: tuple[str, ...], *items: sa.schema.SchemaItem) -> None:
    op.create_table(name, _text("library"), *items, sa.PrimaryKeyConstraint("library", *key, name=f"pk_{name}"))


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["library", column], [f"{to}.library", f"{to}.id"], name=f"fk_{table}_{column}")


def _index(name: str, table: str, *columns: str, unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name, table, ["library", *columns], unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def upgrade() -> None:
    _create_setup()
    _create_patrons()
    _create_catalogue()
    _create_items()
    _create_holds()
    _create_loans()
    _create_charges()
    _table(
        "embedded_operations",
        ("key", "kind", "subject"),
        _text("key"),
        _text("kind"),
        _text("subject"),
        _moment("done"),
    )


def _create_setup() -> None:
    _table(
        "embedded_branches",
        ("code",),
        _text("code"),
        _text("name"),
        _flag("pickup"),
        _flag("resource_sharing"),
        _json("closed_weekdays"),
        _json("closed_dates"),
    )
    _table("embedded_shelves", ("branch", "code"), _text("branch"), _text("code"), _text("name"))
    _table(
        "embedded_categories",
        ("code",),
        _text("code"),
        _text("name"),
        sa.Column("loan_limit", sa.Integer()),
        sa.Column("hold_limit", sa.Integer()),
        sa.Column("fee_limit", sa.BigInteger()),
        sa.Column("overdue_limit", sa.Integer()),
    )
    _table(
        "embedded_policies",
        ("code",),
        _text("code"),
        _text("name"),
        _flag("circulates"),
        _flag("holdable"),
        _flag("renewable"),
        _flag("recallable"),
    )
    _table(
        "embedded_loan_rules",
        ("category", "policy"),
        _text("category"),
        _text("policy"),
        sa.Column("loan_days", sa.Integer()),
        sa.Column("loan_hours", sa.Integer()),
        _number("renewals"),
        _number("renewal_days"),
        _money("fine_per_day"),
        _number("shelf_days"),
        _number("recall_days"),
    )


def _create_patrons() -> None:
    _table(
        "embedded_patrons",
        ("id",),
        _text("id"),
        _json("identifiers"),
        _text("surname"),
        _text("given"),
        _text("prefix"),
        _text("initials"),
        _text("suffix"),
        _flag("is_organisation"),
        _text("category"),
        _text("home_library"),
        _json("contacts"),
        _json("blocks"),
        sa.Column("expires", sa.Date()),
        _text("language"),
        sa.Column("date_of_birth", sa.Date()),
        _text("home_institution"),
        _flag("temporary"),
        _text("notes"),
        _text("secret_hash"),
        _optional("key"),
        _moment("created"),
    )
    _index("ix_embedded_patrons_key", "embedded_patrons", "key", unique=True)
    _index("ix_embedded_patrons_surname", "embedded_patrons", "surname")
    _table(
        "embedded_patron_identifiers",
        ("value", "type"),
        _text("value"),
        _text("type"),
        _text("patron_id"),
        _belongs("embedded_patron_identifiers", "patron_id", "embedded_patrons"),
    )
    _index("ix_embedded_patron_identifiers_patron", "embedded_patron_identifiers", "patron_id")


def _create_catalogue() -> None:
    _table(
        "embedded_bibs",
        ("id",),
        _text("id"),
        _optional("control_number"),
        _text("title"),
        _text("author"),
        _json("identifiers"),
        _text("edition"),
        _text("publisher"),
        _text("place"),
        _text("published"),
        _text("series"),
        _text("pages"),
        _text("language"),
        _text("medium"),
        _text("level"),
        _text("component_title"),
        _text("component_author"),
        _flag("suppressed"),
        sa.Column("marc", sa.LargeBinary()),
        _moment("created"),
        _perhaps("deleted"),
    )
    _index("ix_embedded_bibs_control_number", "embedded_bibs", "control_number", unique=True)
    _table(
        "embedded_bib_identifiers",
        ("type", "value", "bib_id"),
        _text("type"),
        _text("value"),
        _text("bib_id"),
        _belongs("embedded_bib_identifiers", "bib_id", "embedded_bibs"),
    )
    _index("ix_embedded_bib_identifiers_bib", "embedded_bib_identifiers", "bib_id")
    _table(
        "embedded_bib_words",
        ("word", "bib_id"),
        _text("word"),
        _text("bib_id"),
        _belongs("embedded_bib_words", "bib_id", "embedded_bibs"),
    )
    _index("ix_embedded_bib_words_bib", "embedded_bib_words", "bib_id")


def _create_items() -> None:
    _table(
        "embedded_holdings",
        ("id",),
        _text("id"),
        _text("bib_id"),
        _text("branch"),
        _text("shelf"),
        _text("call_number"),
        _perhaps("deleted"),
        _belongs("embedded_holdings", "bib_id", "embedded_bibs"),
    )
    _index("ix_embedded_holdings_bib", "embedded_holdings", "bib_id")
    _table(
        "embedded_items",
        ("id",),
        _text("id"),
        _text("barcode"),
        _text("bib_id"),
        _text("holding_id"),
        _text("status"),
        _text("policy"),
        _text("home_branch"),
        _text("home_shelf"),
        _text("current_branch"),
        _text("current_shelf"),
        _text("transit_to"),
        _text("call_number"),
        _text("copy_number"),
        _text("description"),
        _number("pieces"),
        _flag("temporary"),
        _flag("library_use_only"),
        _flag("renewals_allowed"),
        _text("request_id"),
        _text("lender"),
        _perhaps("lender_due"),
        _text("due_policy"),
        _text("note"),
        _optional("key"),
        _moment("created"),
        _perhaps("deleted"),
        _optional("deleted_key"),
        _belongs("embedded_items", "bib_id", "embedded_bibs"),
        _belongs("embedded_items", "holding_id", "embedded_holdings"),
    )
    _index("ix_embedded_items_live", "embedded_items", "barcode", unique=True, where="deleted IS NULL")
    _index("ix_embedded_items_gone", "embedded_items", "barcode", "id", where="deleted IS NOT NULL")
    _index("ix_embedded_items_bib", "embedded_items", "bib_id", "id", where="deleted IS NULL")
    _index("ix_embedded_items_request", "embedded_items", "request_id", where="deleted IS NULL AND request_id <> ''")
    _index("ix_embedded_items_key", "embedded_items", "key", unique=True)


def _create_holds() -> None:
    _table(
        "embedded_holds",
        ("id",),
        _text("id"),
        _text("key"),
        _text("request_id"),
        _text("level"),
        _text("patron_id"),
        _text("bib_id"),
        _optional("item_id"),
        _text("pickup"),
        _text("status"),
        _text("kind"),
        _moment("placed"),
        sa.Column("need_by", sa.Date()),
        sa.Column("expires", sa.Date()),
        sa.Column("ready_until", sa.Date()),
        _text("note"),
        _perhaps("closed"),
        _belongs("embedded_holds", "patron_id", "embedded_patrons"),
        _belongs("embedded_holds", "bib_id", "embedded_bibs"),
        _belongs("embedded_holds", "item_id", "embedded_items"),
    )
    _index("ix_embedded_holds_key", "embedded_holds", "key", unique=True)
    _index("ix_embedded_holds_request", "embedded_holds", "request_id", where="request_id <> ''")
    _index("ix_embedded_holds_patron", "embedded_holds", "patron_id", where="closed IS NULL")
    _index("ix_embedded_holds_bib", "embedded_holds", "bib_id", where="closed IS NULL")
    _index("ix_embedded_holds_item", "embedded_holds", "item_id", where="closed IS NULL")


def _create_loans() -> None:
    _table(
        "embedded_loans",
        ("id",),
        _text("id"),
        _text("key"),
        _text("request_id"),
        _text("item_id"),
        _text("bib_id"),
        _text("patron_id"),
        _moment("lent"),
        _moment("due"),
        _perhaps("returned"),
        _optional("returned_key"),
        _number("renewals"),
        _flag("renewals_allowed"),
        _perhaps("recalled"),
        _belongs("embedded_loans", "item_id", "embedded_items"),
        _belongs("embedded_loans", "patron_id", "embedded_patrons"),
    )
    _index("ix_embedded_loans_open", "embedded_loans", "item_id", unique=True, where="returned IS NULL")
    _index("ix_embedded_loans_request", "embedded_loans", "request_id", where="request_id <> ''")
    _index("ix_embedded_loans_item", "embedded_loans", "item_id", "id")
    _index("ix_embedded_loans_patron", "embedded_loans", "patron_id", "due", where="returned IS NULL")


def _create_charges() -> None:
    _table(
        "embedded_charges",
        ("id",),
        _text("id"),
        _text("key"),
        _text("patron_id"),
        _text("type"),
        _money("amount"),
        _text("currency"),
        _moment("posted"),
        _text("description"),
        _text("item_barcode"),
        _text("request_id"),
        _money("paid"),
        _belongs("embedded_charges", "patron_id", "embedded_patrons"),
    )
    _index("ix_embedded_charges_key", "embedded_charges", "key", unique=True)
    _index("ix_embedded_charges_patron", "embedded_charges", "patron_id", where="paid < amount")
