"""Tables of the patrons' pages. Every row has a library, and every primary key begins with it. Secrets that browsers
hold (cookies, `state`) are here as SHA-256 only, so that a stolen table signs nobody in."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects import postgresql

from gateway.store.tables import metadata
from gateway.store.types import UtcDateTime


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _id(name: str) -> Column[str]:
    """Text that sorts by its bytes, whatever language the database was made for."""
    return Column(name, Text().with_variant(postgresql.TEXT(collation="C"), "postgresql"), nullable=False)


page_session = Table(
    "page_session",
    metadata,
    _text("library"),
    _id("id"),
    _text("patron_id"),
    _text("identifier"),
    _text("category"),
    _text("branch"),
    _text("name"),
    _text("method"),
    _text("proof"),
    Column("started", UtcDateTime, nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_page_session"),
    Index("ix_page_session_expires", "library", "expires"),
)
"""Patrons who are signed in."""

page_journey = Table(
    "page_journey",
    metadata,
    _text("library"),
    _id("id"),
    _text("visit"),
    _text("nonce"),
    _text("verifier"),
    _text("back_to"),
    Column("expires", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_page_journey"),
    Index("ix_page_journey_expires", "library", "expires"),
)
"""Patrons who are at their identity provider (OpenID Connect)."""

page_form = Table(
    "page_form",
    metadata,
    _text("library"),
    _id("id"),
    _text("request_id"),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_page_form"),
    Index("ix_page_form_at", "library", "at"),
)
"""Forms that became a request: sent twice, a form is the same request."""

page_failure = Table(
    "page_failure",
    metadata,
    _text("library"),
    _id("id"),
    Column("count", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("library", "id", name="pk_page_failure"),
    Index("ix_page_failure_since", "library", "since"),
)
"""Tries to sign in, by keyed hash of who was tried and of where from."""
