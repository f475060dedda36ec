"""look-up words of records folded anew"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from adapters.library.embedded.catalogue import list_lookup_words
from gateway.domain.library import Bib, RecordId

revision = "0002"
down_revision = "0001"

SLICE = 1_000
_NEXT = sa.text(
    "SELECT library, id, title, author, component_title, identifiers FROM embedded_bibs "
    "WHERE NOT suppressed AND (library > :library OR (library = :library AND id > :id)) "
    "ORDER BY library, id LIMIT :limit"
)
_FORGET = sa.text("DELETE FROM embedded_bib_words WHERE library = :library AND bib_id = :bib_id")
_ADD = sa.text("INSERT INTO embedded_bib_words (library, word, bib_id) VALUES (:library, :word, :bib_id)")


def upgrade() -> None:
    """The gateway's folding instead of one of the library's own; they differ for texts beyond ASCII."""
    connection = op.get_bind()
    last = {"library": "", "id": ""}
    while rows := connection.execute(_NEXT, {**last, "limit": SLICE}).all():
        last = {"library": rows[-1].library, "id": rows[-1].id}
        for row in rows:
            if not f"{row.title}{row.author}{row.component_title}{row.identifiers}".isascii():
                _fold_record(connection, row)


def _fold_record(connection: sa.Connection, row: sa.Row[tuple[str, ...]]) -> None:
    numbers = json.loads(row.identifiers) if isinstance(row.identifiers, str) else row.identifiers
    record = Bib(
        id=row.id,
        title=row.title,
        author=row.author,
        component_title=row.component_title,
        identifiers=tuple(RecordId(type_, value) for type_, value in numbers),
    )
    place = {"library": row.library, "bib_id": row.id}
    connection.execute(_FORGET, place)
    if words := sorted(list_lookup_words(record)):
        connection.execute(_ADD, [{**place, "word": word} for word in words])
