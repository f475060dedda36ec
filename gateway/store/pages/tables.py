"""Tables of the patrons' pages. Every row has a library, and every primary key begins with it. Secrets that browsers
hold (cookies, `state`) are here as SHA-256 only, so that a stolen table signs nobody in."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from gateway.store import columns
from gateway.store.tables import metadata

page_session = Table(
    "page_session",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("patron_id"),
    columns.text("identifier"),
    columns.text("category"),
    columns.text("branch"),
    columns.text("name"),
    columns.text("method"),
    columns.text("proof"),
    columns.moment("started"),
    columns.moment("expires"),
    PrimaryKeyConstraint("library", "id", name="pk_page_session"),
    Index("ix_page_session_expires", "library", "expires"),
)
"""Patrons who are signed in."""

page_journey = Table(
    "page_journey",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("visit"),
    columns.text("nonce"),
    columns.text("verifier"),
    columns.text("back_to"),
    columns.moment("expires"),
    PrimaryKeyConstraint("library", "id", name="pk_page_journey"),
    Index("ix_page_journey_expires", "library", "expires"),
)
"""Patrons who are at their identity provider (OpenID Connect)."""

page_form = Table(
    "page_form",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.text("request_id"),
    columns.moment("at"),
    PrimaryKeyConstraint("library", "id", name="pk_page_form"),
    Index("ix_page_form_at", "library", "at"),
)
"""Forms that became a request: sent twice, a form is the same request."""

page_failure = Table(
    "page_failure",
    metadata,
    columns.text("library"),
    columns.id_("id"),
    columns.integer("count"),
    columns.moment("since"),
    PrimaryKeyConstraint("library", "id", name="pk_page_failure"),
    Index("ix_page_failure_since", "library", "since"),
)
"""Tries to sign in, by keyed hash of who was tried and of where from."""
