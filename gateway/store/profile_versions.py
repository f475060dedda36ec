"""Versions of profiles: a row for each text that was saved at the pages or read from an edited file; none with a
secret written in it.

The files are what counts; here is how they came to be what they are. Every row has a library, empty for a profile of
all libraries, and every primary key begins with it; an id begins with its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, UniqueConstraint, delete, select, update

from gateway.domain.value import replace, value_object
from gateway.sql import column_types
from gateway.sql.statements import insert_missing_rows
from gateway.store.schema import metadata

MAX_VERSIONS = 200
"""Kept of each profile, the newest."""

profile_version = Table(
    "profile_version",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("profile"),
    column_types.text_column("previous"),  # id of the version that it follows; two nodes that read the same edit meet
    column_types.text_column("digest"),
    column_types.text_column("actor"),
    column_types.text_column("reason"),
    column_types.text_column("content"),
    column_types.moment_column("at"),
    PrimaryKeyConstraint("library", "id", name="pk_profile_version"),
    UniqueConstraint("library", "profile", "previous", name="uq_profile_version_previous"),
    Index("ix_profile_version_profile", "library", "profile", "id"),
)

_c = profile_version.c


@value_object(kw_only=True)
class ProfileVersion:
    """`actor`: who saved it, as histories name it, empty: it was edited as a file; `content`: its text, with masks in
    the place of secrets, and `digest` of that; `previous`: id of the version before, empty: none is known."""

    library: str
    id: str
    profile: str
    digest: str
    content: str = field(repr=False)
    at: datetime
    actor: str = ""
    reason: str = ""
    previous: str = ""


def record_profile_version(connection: Connection, new: ProfileVersion) -> None:
    """Record a version; nothing where the newest says the same, but that somebody saved it, and why, once that is
    known."""
    latest = find_latest_version(connection, new.library, new.profile)
    if latest is None or latest.digest != new.digest:
        row = replace(new, previous=latest.id if latest is not None else "")
        insert_missing_rows(
            connection, profile_version, [tuple(getattr(row, column.name) for column in profile_version.columns)]
        )
        _prune_versions(connection, new.library, new.profile)
        latest = find_latest_version(connection, new.library, new.profile)
    if latest is not None and latest.digest == new.digest and new.actor and not latest.actor:
        same = (_c.library == latest.library, _c.id == latest.id)
        connection.execute(update(profile_version).where(*same).values(actor=new.actor, reason=new.reason))


def find_latest_version(connection: Connection, library: str, profile: str) -> ProfileVersion | None:
    profile_versions = list_profile_versions(connection, (library,), profile, 1)
    return profile_versions[0] if profile_versions else None


def find_profile_version(
    connection: Connection, libraries: Sequence[str], profile: str, id_: str
) -> ProfileVersion | None:
    query = select(profile_version).where(_c.library.in_(libraries), _c.profile == profile, _c.id == id_)
    row = connection.execute(query).first()
    return ProfileVersion(**row._mapping) if row is not None else None


def list_profile_versions(
    connection: Connection, libraries: Sequence[str], profile: str, limit: int = MAX_VERSIONS
) -> tuple[ProfileVersion, ...]:
    """Newest first."""
    query = select(profile_version).where(_c.library.in_(libraries), _c.profile == profile)
    return tuple(
        ProfileVersion(**row._mapping) for row in connection.execute(query.order_by(_c.id.desc()).limit(limit))
    )


def _prune_versions(connection: Connection, library: str, profile: str) -> None:
    mine = (_c.library == library, _c.profile == profile)
    last = select(_c.id).where(*mine).order_by(_c.id.desc()).offset(MAX_VERSIONS).limit(1)
    oldest = connection.execute(last).scalar()
    if oldest is not None:
        connection.execute(delete(profile_version).where(*mine, _c.id <= oldest))
