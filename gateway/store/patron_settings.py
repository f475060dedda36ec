"""Settings that patrons make for themselves: their notices, and the language of their letters."""

from __future__ import annotations

from sqlalchemy import Connection, PrimaryKeyConstraint, Table, delete, insert, select, update

from gateway.domain.requests.patron_settings import NoticeChoice, PatronSettings
from gateway.sql import column_types
from gateway.store.schema import metadata

patron_setting = Table(
    "patron_setting",
    metadata,
    column_types.text_column("library"),
    column_types.text_column("patron_id"),
    column_types.text_column("notices"),
    column_types.text_column("language"),
    PrimaryKeyConstraint("library", "patron_id", name="pk_patron_setting"),
)
"""Only of patrons who have changed something."""


def load_patron_settings(c: Connection, library: str, patron_id: str) -> PatronSettings:
    """The usual ones, where the patron has set nothing."""
    table = patron_setting.c
    query = select(table.notices, table.language).where(table.library == library, table.patron_id == patron_id)
    row = c.execute(query).one_or_none()
    return PatronSettings(NoticeChoice(row.notices), row.language) if row is not None else PatronSettings()


def save_patron_settings(c: Connection, library: str, patron_id: str, settings: PatronSettings) -> None:
    """The usual ones are not kept."""
    if settings == PatronSettings():
        forget_patron_settings(c, library, patron_id)
        return
    table = patron_setting.c
    values = {"notices": settings.notices.value, "language": settings.language}
    own = update(patron_setting).where(table.library == library, table.patron_id == patron_id).values(**values)
    if not c.execute(own).rowcount:
        c.execute(insert(patron_setting).values(library=library, patron_id=patron_id, **values))


def forget_patron_settings(c: Connection, library: str, patron_id: str) -> None:
    table = patron_setting.c
    c.execute(delete(patron_setting).where(table.library == library, table.patron_id == patron_id))
