"""Lists of requests by number and by title

Revision ID: 0022
Revises: 0021
"""

from typing import Literal

import sqlalchemy as sa
from alembic import op
from pydantic import BaseModel, ValidationError
from sqlalchemy.dialects import postgresql

from gateway.domain.text_folding import fold_text

revision = "0022"
down_revision = "0021"

SORT_TITLE_CHARS = 40

SLICE = 1_000
_NEXT = sa.text(
    "SELECT library, id, document FROM request WHERE library > :library OR (library = :library AND id > :id) "
    "ORDER BY library, id LIMIT :limit"
)
_FOLD = sa.text("UPDATE request SET title = :title WHERE library = :library AND id = :id")

SORTED_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Sorts by its bytes, whatever language the database was made for."""


class StoredCitation(BaseModel):
    title: str = ""
    component_title: str = ""


class StoredRequest(BaseModel):
    """Of the document of a request, what is read here."""

    v: Literal[1]
    citation: StoredCitation = StoredCitation()


def upgrade() -> None:
    op.add_column("request", sa.Column("title", SORTED_TEXT, nullable=False, server_default=""))
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.alter_column("request", "number", type_=postgresql.TEXT(collation="C"))
    _fold_titles(connection)
    op.create_index("ix_request_state_number", "request", ["library", "state", "role", "number", "id"])
    op.create_index("ix_request_state_title", "request", ["library", "state", "role", "title", "id"])


def _fold_titles(connection: sa.Connection) -> None:
    """Of requests of before; one whose document can't be read comes first, without a title. By the folding of the
    release that runs this: whoever changes it folds anew in a migration of that release."""
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        folded = []
        for row in rows:
            try:
                citation = StoredRequest.model_validate_json(row.document).citation
            except ValidationError:
                continue
            title = fold_text(citation.component_title or citation.title)[:SORT_TITLE_CHARS]
            folded.append({"library": row.library, "id": row.id, "title": title})
        if folded:
            connection.execute(_FOLD, folded)
