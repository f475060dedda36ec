"""Tables of the embedded library.

Every row belongs to one library, and every access filters by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    text,
)
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeDecorator

from gateway.sql.column_types import UtcDateTime

UNITS = 10_000
"""Money is kept in ten-thousandths of the currency unit, so that sums in SQL are exact on both databases."""

metadata = MetaData()


class AmountColumn(TypeDecorator[Decimal]):
    """An amount of money, to four decimals."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        scaled = value * UNITS
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than four decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else amount_of_units(value)


class JsonColumn(TypeDecorator[Any]):
    """A JSON document. On SQLite it is read with fewer steps between: every look-up of a patron has three."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _read_json if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


_DECODER = json.JSONDecoder()


def _read_json(document: str | None) -> Any:
    """Read a document that this program has written: nothing is around it."""
    return None if document is None else _DECODER.raw_decode(document)[0]


def amount_of_units(units: int | Decimal) -> Decimal:
    """Return the meaning of a sum over an Amount column; at least two decimals are shown."""
    units = int(units)
    return Decimal(units // 100).scaleb(-2) if units % 100 == 0 else Decimal(units) / UNITS


def _define_table(name: str, key: tuple[str, ...], *items: SchemaItem) -> Table:
    """A table whose primary key starts with the library."""
    full = f"embedded_{name}"
    columns = (Column("library", String, nullable=False), *items)
    return Table(full, metadata, *columns, PrimaryKeyConstraint("library", *key, name=f"pk_{full}"))


def _text_column(name: str) -> Column[str]:
    return Column(name, String, nullable=False, default="")


def _flag_column(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _json_column(name: str) -> Column[Any]:
    return Column(name, JsonColumn, nullable=False)


def _moment_column(name: str) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=False)


def _foreign_key(name: str, column: str, to: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["library", column], [f"embedded_{to}.library", f"embedded_{to}.id"], name=f"fk_embedded_{name}_{column}"
    )


def _partial_index_options(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# --- how the library is set up ---------------------------------------------------------------------------

branches = _define_table(
    "branches",
    ("code",),
    _text_column("code"),
    _text_column("name"),
    _flag_column("pickup"),
    _flag_column("resource_sharing"),
    _json_column("closed_weekdays"),  # ISO weekdays, 1 is Monday
    _json_column("closed_dates"),  # ISO dates
)

shelves = _define_table(
    "shelves", ("branch", "code"), _text_column("branch"), _text_column("code"), _text_column("name")
)

categories = _define_table(
    "categories",
    ("code",),
    _text_column("code"),
    _text_column("name"),
    Column("loan_limit", Integer),
    Column("hold_limit", Integer),
    Column("fee_limit", AmountColumn),
    Column("overdue_limit", Integer),
)

policies = _define_table(
    "policies",
    ("code",),
    _text_column("code"),
    _text_column("name"),
    _flag_column("circulates"),
    _flag_column("holdable"),
    _flag_column("renewable"),
    _flag_column("recallable"),
)

loan_rules = _define_table(
    "loan_rules",
    ("category", "policy"),
    _text_column("category"),  # '*': any
    _text_column("policy"),  # '*': any
    Column("loan_days", Integer),
    Column("loan_hours", Integer),
    Column("renewals", Integer, nullable=False),
    Column("renewal_days", Integer, nullable=False),
    Column("fine_per_day", AmountColumn, nullable=False),
    Column("shelf_days", Integer, nullable=False),
    Column("recall_days", Integer, nullable=False),
)

# --- patrons ---------------------------------------------------------------------------------------------

patrons = _define_table(
    "patrons",
    ("id",),
    _text_column("id"),
    _json_column("identifiers"),  # [[type, value]…]; patron_identifiers has the same for look-up
    _text_column("surname"),
    _text_column("given"),
    _text_column("prefix"),
    _text_column("initials"),
    _text_column("suffix"),
    _flag_column("is_organisation"),
    _text_column("category"),
    _text_column("home_library"),
    _json_column("contacts"),
    _json_column("blocks"),  # set by staff; those that follow from rules are worked out when asked for
    Column("expires", Date),
    _text_column("language"),
    Column("date_of_birth", Date),
    _text_column("home_institution"),
    _flag_column("temporary"),
    _text_column("notes"),
    _text_column("secret_hash"),  # argon2; empty: can't sign in
    Column("key", String),
    _moment_column("created"),
)
Index("ix_embedded_patrons_key", patrons.c.library, patrons.c.key, unique=True)
Index("ix_embedded_patrons_surname", patrons.c.library, patrons.c.surname)

patron_identifiers = _define_table(
    "patron_identifiers",
    ("value", "type"),
    _text_column("value"),
    _text_column("type"),
    _text_column("patron_id"),
    _foreign_key("patron_identifiers", "patron_id", "patrons"),
)
Index("ix_embedded_patron_identifiers_patron", patron_identifiers.c.library, patron_identifiers.c.patron_id)

# --- catalogue -------------------------------------------------------------------------------------------

bibs = _define_table(
    "bibs",
    ("id",),
    _text_column("id"),
    Column("control_number", String),  # 001 of an imported record
    _text_column("title"),
    _text_column("author"),
    _json_column("identifiers"),
    _text_column("edition"),
    _text_column("publisher"),
    _text_column("place"),
    _text_column("published"),
    _text_column("series"),
    _text_column("pages"),
    _text_column("language"),
    _text_column("medium"),
    _text_column("level"),
    _text_column("component_title"),
    _text_column("component_author"),
    _flag_column("suppressed"),
    Column("marc", LargeBinary),
    _moment_column("created"),
    Column("deleted", UtcDateTime),
)
Index("ix_embedded_bibs_control_number", bibs.c.library, bibs.c.control_number, unique=True)

bib_identifiers = _define_table(
    "bib_identifiers",
    ("type", "value", "bib_id"),
    _text_column("type"),
    _text_column("value"),
    _text_column("bib_id"),
    _foreign_key("bib_identifiers", "bib_id", "bibs"),
)
Index("ix_embedded_bib_identifiers_bib", bib_identifiers.c.library, bib_identifiers.c.bib_id)

bib_words = _define_table(
    "bib_words",
    ("word", "bib_id"),
    _text_column("word"),
    _text_column("bib_id"),
    _foreign_key("bib_words", "bib_id", "bibs"),
)
Index("ix_embedded_bib_words_bib", bib_words.c.library, bib_words.c.bib_id)

holdings = _define_table(
    "holdings",
    ("id",),
    _text_column("id"),
    _text_column("bib_id"),
    _text_column("branch"),
    _text_column("shelf"),
    _text_column("call_number"),
    Column("deleted", UtcDateTime),
    _foreign_key("holdings", "bib_id", "bibs"),
)
Index("ix_embedded_holdings_bib", holdings.c.library, holdings.c.bib_id)

items = _define_table(
    "items",
    ("id",),
    _text_column("id"),
    _text_column("barcode"),
    _text_column("bib_id"),
    _text_column("holding_id"),
    _text_column("status"),
    _text_column("policy"),
    _text_column("home_branch"),
    _text_column("home_shelf"),
    _text_column("current_branch"),
    _text_column("current_shelf"),
    _text_column("transit_to"),  # branch it is on the way to; empty unless in transit
    _text_column("call_number"),
    _text_column("copy_number"),
    _text_column("description"),
    Column("pieces", Integer, nullable=False),
    _flag_column("temporary"),
    _flag_column("library_use_only"),
    _flag_column("renewals_allowed"),
    _text_column("request_id"),
    _text_column("lender"),
    Column("lender_due", UtcDateTime),
    _text_column("due_policy"),  # of DuePolicy; empty: there is no lender
    _text_column("note"),
    Column("key", String),
    _moment_column("created"),
    Column("deleted", UtcDateTime),
    Column("deleted_key", String),
    _foreign_key("items", "bib_id", "bibs"),
    _foreign_key("items", "holding_id", "holdings"),
)
Index(
    "ix_embedded_items_live", items.c.library, items.c.barcode, unique=True, **_partial_index_options("deleted IS NULL")
)
Index(
    "ix_embedded_items_gone",
    items.c.library,
    items.c.barcode,
    items.c.id,
    **_partial_index_options("deleted IS NOT NULL"),
)
Index("ix_embedded_items_bib", items.c.library, items.c.bib_id, items.c.id, **_partial_index_options("deleted IS NULL"))
Index(
    "ix_embedded_items_request",
    items.c.library,
    items.c.request_id,
    **_partial_index_options("deleted IS NULL AND request_id <> ''"),
)
Index("ix_embedded_items_key", items.c.library, items.c.key, unique=True)

# --- holds, loans, charges -------------------------------------------------------------------------------

holds = _define_table(
    "holds",
    ("id",),
    _text_column("id"),
    _text_column("key"),
    _text_column("request_id"),
    _text_column("level"),  # item or title
    _text_column("patron_id"),
    _text_column("bib_id"),
    Column("item_id", String),  # of an item hold; of a title hold, once an item is caught for it
    _text_column("pickup"),
    _text_column("status"),
    _text_column("kind"),
    _moment_column("placed"),
    Column("need_by", Date),
    Column("expires", Date),
    Column("ready_until", Date),
    _text_column("note"),
    Column("closed", UtcDateTime),
    _foreign_key("holds", "patron_id", "patrons"),
    _foreign_key("holds", "bib_id", "bibs"),
    _foreign_key("holds", "item_id", "items"),
)
_OPEN = _partial_index_options("closed IS NULL")
Index("ix_embedded_holds_key", holds.c.library, holds.c.key, unique=True)
Index("ix_embedded_holds_request", holds.c.library, holds.c.request_id, **_partial_index_options("request_id <> ''"))
Index("ix_embedded_holds_patron", holds.c.library, holds.c.patron_id, **_OPEN)
Index("ix_embedded_holds_bib", holds.c.library, holds.c.bib_id, **_OPEN)
Index("ix_embedded_holds_item", holds.c.library, holds.c.item_id, **_OPEN)

loans = _define_table(
    "loans",
    ("id",),
    _text_column("id"),
    _text_column("key"),
    _text_column("request_id"),
    _text_column("item_id"),
    _text_column("bib_id"),
    _text_column("patron_id"),
    _moment_column("lent"),
    _moment_column("due"),
    Column("returned", UtcDateTime),
    Column("returned_key", String),
    Column("renewals", Integer, nullable=False),
    _flag_column("renewals_allowed"),
    Column("recalled", UtcDateTime),
    _foreign_key("loans", "item_id", "items"),
    _foreign_key("loans", "patron_id", "patrons"),
)
_OUT = _partial_index_options("returned IS NULL")
Index("ix_embedded_loans_open", loans.c.library, loans.c.item_id, unique=True, **_OUT)
Index("ix_embedded_loans_request", loans.c.library, loans.c.request_id, **_partial_index_options("request_id <> ''"))
Index("ix_embedded_loans_item", loans.c.library, loans.c.item_id, loans.c.id)
Index("ix_embedded_loans_patron", loans.c.library, loans.c.patron_id, loans.c.due, **_OUT)

charges = _define_table(
    "charges",
    ("id",),
    _text_column("id"),
    _text_column("key"),
    _text_column("patron_id"),
    _text_column("type"),
    Column("amount", AmountColumn, nullable=False),
    _text_column("currency"),
    _moment_column("posted"),
    _text_column("description"),
    _text_column("item_barcode"),
    _text_column("request_id"),
    Column("paid", AmountColumn, nullable=False),
    _foreign_key("charges", "patron_id", "patrons"),
)
Index("ix_embedded_charges_key", charges.c.library, charges.c.key, unique=True)
Index("ix_embedded_charges_patron", charges.c.library, charges.c.patron_id, **_partial_index_options("paid < amount"))

operations = _define_table(
    "operations",
    ("key", "kind", "subject"),
    _text_column("key"),
    _text_column("kind"),
    _text_column("subject"),  # id of what the operation changed
    _moment_column("done"),
)
