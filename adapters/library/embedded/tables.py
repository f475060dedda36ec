"""Tables of the embedded library.

Every row belongs to one library, and every access filters by it.
"""

from __future__ import annotations

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


class Amount(TypeDecorator[Decimal]):
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
        return None if value is None else amount(value)


def amount(units: int | Decimal) -> Decimal:
    """What a sum over an Amount column means; at least two decimals are shown."""
    value = Decimal(int(units)) / UNITS
    return value.quantize(Decimal("0.01")) if value == value.quantize(Decimal("0.01")) else value


def _table(name: str, key: tuple[str, ...], *items: SchemaItem) -> Table:
    """A table whose primary key starts with the library."""
    full = f"embedded_{name}"
    columns = (Column("library", String, nullable=False), *items)
    return Table(full, metadata, *columns, PrimaryKeyConstraint("library", *key, name=f"pk_{full}"))


def _text(name: str) -> Column[str]:
    return Column(name, String, nullable=False, default="")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _json(name: str) -> Column[Any]:
    return Column(name, JSON, nullable=False)


def _moment(name: str) -> Column[Any]:
    return Column(name, UtcDateTime, nullable=False)


def _belongs(name: str, column: str, to: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["library", column], [f"embedded_{to}.library", f"embedded_{to}.id"], name=f"fk_embedded_{name}_{column}"
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# --- how the library is set up ---------------------------------------------------------------------------

branches = _table(
    "branches",
    ("code",),
    _text("code"),
    _text("name"),
    _flag("pickup"),
    _flag("resource_sharing"),
    _json("closed_weekdays"),  # ISO weekdays, 1 is Monday
    _json("closed_dates"),  # ISO dates
)

shelves = _table("shelves", ("branch", "code"), _text("branch"), _text("code"), _text("name"))

categories = _table(
    "categories",
    ("code",),
    _text("code"),
    _text("name"),
    Column("loan_limit", Integer),
    Column("hold_limit", Integer),
    Column("fee_limit", Amount),
    Column("overdue_limit", Integer),
)

policies = _table(
    "policies",
    ("code",),
    _text("code"),
    _text("name"),
    _flag("circulates"),
    _flag("holdable"),
    _flag("renewable"),
    _flag("recallable"),
)

loan_rules = _table(
    "loan_rules",
    ("category", "policy"),
    _text("category"),  # '*': any
    _text("policy"),  # '*': any
    Column("loan_days", Integer),
    Column("loan_hours", Integer),
    Column("renewals", Integer, nullable=False),
    Column("renewal_days", Integer, nullable=False),
    Column("fine_per_day", Amount, nullable=False),
    Column("shelf_days", Integer, nullable=False),
    Column("recall_days", Integer, nullable=False),
)

# --- patrons ---------------------------------------------------------------------------------------------

patrons = _table(
    "patrons",
    ("id",),
    _text("id"),
    _json("identifiers"),  # [[type, value]…]; patron_identifiers has the same for look-up
    _text("surname"),
    _text("given"),
    _text("prefix"),
    _text("initials"),
    _text("suffix"),
    _flag("is_organisation"),
    _text("category"),
    _text("home_library"),
    _json("contacts"),
    _json("blocks"),  # set by staff; those that follow from rules are worked out when asked for
    Column("expires", Date),
    _text("language"),
    Column("date_of_birth", Date),
    _text("home_institution"),
    _flag("temporary"),
    _text("notes"),
    _text("secret_hash"),  # argon2; empty: can't sign in
    Column("key", String),
    _moment("created"),
)
Index("ix_embedded_patrons_key", patrons.c.library, patrons.c.key, unique=True)
Index("ix_embedded_patrons_surname", patrons.c.library, patrons.c.surname)

patron_identifiers = _table(
    "patron_identifiers",
    ("value", "type"),
    _text("value"),
    _text("type"),
    _text("patron_id"),
    _belongs("patron_identifiers", "patron_id", "patrons"),
)
Index("ix_embedded_patron_identifiers_patron", patron_identifiers.c.library, patron_identifiers.c.patron_id)

# --- catalogue -------------------------------------------------------------------------------------------

bibs = _table(
    "bibs",
    ("id",),
    _text("id"),
    Column("control_number", String),  # 001 of an imported record
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
    Column("marc", LargeBinary),
    _moment("created"),
    Column("deleted", UtcDateTime),
)
Index("ix_embedded_bibs_control_number", bibs.c.library, bibs.c.control_number, unique=True)

bib_identifiers = _table(
    "bib_identifiers",
    ("type", "value", "bib_id"),
    _text("type"),
    _text("value"),
    _text("bib_id"),
    _belongs("bib_identifiers", "bib_id", "bibs"),
)
Index("ix_embedded_bib_identifiers_bib", bib_identifiers.c.library, bib_identifiers.c.bib_id)

bib_words = _table(
    "bib_words", ("word", "bib_id"), _text("word"), _text("bib_id"), _belongs("bib_words", "bib_id", "bibs")
)
Index("ix_embedded_bib_words_bib", bib_words.c.library, bib_words.c.bib_id)

holdings = _table(
    "holdings",
    ("id",),
    _text("id"),
    _text("bib_id"),
    _text("branch"),
    _text("shelf"),
    _text("call_number"),
    Column("deleted", UtcDateTime),
    _belongs("holdings", "bib_id", "bibs"),
)
Index("ix_embedded_holdings_bib", holdings.c.library, holdings.c.bib_id)

items = _table(
    "items",
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
    _text("transit_to"),  # branch it is on the way to; empty unless in transit
    _text("call_number"),
    _text("copy_number"),
    _text("description"),
    Column("pieces", Integer, nullable=False),
    _flag("temporary"),
    _flag("library_use_only"),
    _flag("renewals_allowed"),
    _text("request_id"),
    _text("lender"),
    Column("lender_due", UtcDateTime),
    _text("due_policy"),  # of DuePolicy; empty: there is no lender
    _text("note"),
    Column("key", String),
    _moment("created"),
    Column("deleted", UtcDateTime),
    Column("deleted_key", String),
    _belongs("items", "bib_id", "bibs"),
    _belongs("items", "holding_id", "holdings"),
)
Index("ix_embedded_items_live", items.c.library, items.c.barcode, unique=True, **_where("deleted IS NULL"))
Index("ix_embedded_items_gone", items.c.library, items.c.barcode, items.c.id, **_where("deleted IS NOT NULL"))
Index("ix_embedded_items_bib", items.c.library, items.c.bib_id, items.c.id, **_where("deleted IS NULL"))
Index(
    "ix_embedded_items_request",
    items.c.library,
    items.c.request_id,
    **_where("deleted IS NULL AND request_id <> ''"),
)
Index("ix_embedded_items_key", items.c.library, items.c.key, unique=True)

# --- holds, loans, charges -------------------------------------------------------------------------------

holds = _table(
    "holds",
    ("id",),
    _text("id"),
    _text("key"),
    _text("request_id"),
    _text("level"),  # item or title
    _text("patron_id"),
    _text("bib_id"),
    Column("item_id", String),  # of an item hold; of a title hold, once an item is caught for it
    _text("pickup"),
    _text("status"),
    _text("kind"),
    _moment("placed"),
    Column("need_by", Date),
    Column("expires", Date),
    Column("ready_until", Date),
    _text("note"),
    Column("closed", UtcDateTime),
    _belongs("holds", "patron_id", "patrons"),
    _belongs("holds", "bib_id", "bibs"),
    _belongs("holds", "item_id", "items"),
)
_OPEN = _where("closed IS NULL")
Index("ix_embedded_holds_key", holds.c.library, holds.c.key, unique=True)
Index("ix_embedded_holds_request", holds.c.library, holds.c.request_id, **_where("request_id <> ''"))
Index("ix_embedded_holds_patron", holds.c.library, holds.c.patron_id, **_OPEN)
Index("ix_embedded_holds_bib", holds.c.library, holds.c.bib_id, **_OPEN)
Index("ix_embedded_holds_item", holds.c.library, holds.c.item_id, **_OPEN)

loans = _table(
    "loans",
    ("id",),
    _text("id"),
    _text("key"),
    _text("request_id"),
    _text("item_id"),
    _text("bib_id"),
    _text("patron_id"),
    _moment("lent"),
    _moment("due"),
    Column("returned", UtcDateTime),
    Column("returned_key", String),
    Column("renewals", Integer, nullable=False),
    _flag("renewals_allowed"),
    Column("recalled", UtcDateTime),
    _belongs("loans", "item_id", "items"),
    _belongs("loans", "patron_id", "patrons"),
)
_OUT = _where("returned IS NULL")
Index("ix_embedded_loans_open", loans.c.library, loans.c.item_id, unique=True, **_OUT)
Index("ix_embedded_loans_request", loans.c.library, loans.c.request_id, **_where("request_id <> ''"))
Index("ix_embedded_loans_item", loans.c.library, loans.c.item_id, loans.c.id)
Index("ix_embedded_loans_patron", loans.c.library, loans.c.patron_id, loans.c.due, **_OUT)

charges = _table(
    "charges",
    ("id",),
    _text("id"),
    _text("key"),
    _text("patron_id"),
    _text("type"),
    Column("amount", Amount, nullable=False),
    _text("currency"),
    _moment("posted"),
    _text("description"),
    _text("item_barcode"),
    _text("request_id"),
    Column("paid", Amount, nullable=False),
    _belongs("charges", "patron_id", "patrons"),
)
Index("ix_embedded_charges_key", charges.c.library, charges.c.key, unique=True)
Index("ix_embedded_charges_patron", charges.c.library, charges.c.patron_id, **_where("paid < amount"))

operations = _table(
    "operations",
    ("key", "kind", "subject"),
    _text("key"),
    _text("kind"),
    _text("subject"),  # id of what the operation changed
    _moment("done"),
)
