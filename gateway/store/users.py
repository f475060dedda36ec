"""Staff: accounts, the roles they have, sessions on the pages.

Every row has a library, and every primary key begins with it. An account belongs to one library and may have roles in
others. Of passwords only argon2 hashes are here, of cookies SHA-256.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    PrimaryKeyConstraint,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.domain.roles import ALL_LIBRARIES, GrantSource, RoleGrant, StaffRole, StaffUser, sort_grants
from gateway.domain.value import copy_fields, replace, value_object
from gateway.sql import column_types
from gateway.sql.column_types import UtcDateTime
from gateway.store import staff_identities
from gateway.store.schema import metadata
from gateway.store.second_factors import end_code_waits_of_user, staff_second_factor
from gateway.store.staff_identities import staff_identity

staff_user = Table(
    "staff_user",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),
    column_types.text_column("name"),  # as typed when signing in, in lower case
    column_types.text_column("shown_name"),
    column_types.text_column("email"),
    column_types.text_column("subject"),  # as a claim of an identity provider names the user; empty: as `name`
    column_types.text_column("password_hash"),  # argon2; empty: no password opens it
    column_types.moment_column("created"),
    Column("disabled", UtcDateTime),
    PrimaryKeyConstraint("library", "id", name="pk_staff_user"),
    Index("ix_staff_user_name", "name", unique=True),  # a user signs in before a library is chosen
)

staff_grant = Table(
    "staff_grant",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("user_id"),
    column_types.text_column("role"),
    column_types.text_column("branch"),  # empty: the whole library
    PrimaryKeyConstraint("library", "user_id", "role", "branch", name="pk_staff_grant"),
    Index("ix_staff_grant_user", "user_id"),
)
"""`library`: where the role counts."""

staff_provider_grant = Table(
    "staff_provider_grant",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("user_id"),
    column_types.text_column("role"),
    column_types.text_column("branch"),
    PrimaryKeyConstraint("library", "user_id", "role", "branch", name="pk_staff_provider_grant"),
    Index("ix_staff_provider_grant_user", "user_id"),
)
"""The same, of the identity provider's groups at the last sign-in there."""

staff_session = Table(
    "staff_session",
    metadata,
    column_types.text_column("library"),
    column_types.id_column("id"),  # SHA-256 of the cookie
    column_types.id_column("user_id"),
    column_types.text_column("method"),
    column_types.moment_column("started"),
    column_types.moment_column("expires"),
    Column("confirmed", UtcDateTime),  # when the password was asked for again
    PrimaryKeyConstraint("library", "id", name="pk_staff_session"),
    Index("ix_staff_session_id", "id", unique=True),  # it is looked up before the library is known
    Index("ix_staff_session_user", "user_id"),
    Index("ix_staff_session_expires", "library", "expires"),
)
"""`library`: the one that the user works for now."""


_GRANT_TABLES = {GrantSource.STAFF: staff_grant, GrantSource.PROVIDER: staff_provider_grant}


class UserExistsError(Exception):
    """The name is taken, in this library or in another one of the installation."""


# --- accounts ------------------------------------------------------------------------------------------------


def add_user(c: Connection, user: StaffUser, password_hash: str) -> None:
    """Add a user with its roles, and expected at an identity provider. Raises UserExistsError, IdentityTakenError."""
    try:
        with c.begin_nested():
            c.execute(
                insert(staff_user).values(
                    library=user.library,
                    id=user.id,
                    name=user.name,
                    shown_name=user.shown_name,
                    email=user.email,
                    subject=user.subject,
                    password_hash=password_hash,
                    created=user.created,
                    disabled=user.disabled,
                )
            )
    except IntegrityError:
        raise UserExistsError(user.name) from None
    staff_identities.expect_identity(c, user.library, user.id, user.subject or user.name)
    for library in user.libraries:
        replace_grants(c, library, user.id, user.grants)


def find_user_by_name(c: Connection, name: str) -> StaffUser | None:
    return _find_user(c, staff_user.c.name == name)


def list_shown_names(c: Connection, names: Collection[str]) -> dict[str, str]:
    """List the shown names of users of all libraries, by name to sign in with; a name that nobody has isn't in it."""
    query = select(staff_user.c.name, staff_user.c.shown_name).where(staff_user.c.name.in_(names))
    return {row.name: row.shown_name for row in c.execute(query)}


def find_user_by_id(c: Connection, id_: str) -> StaffUser | None:
    return _find_user(c, staff_user.c.id == id_)


def find_user_by_identity(c: Connection, issuer: str, subject: str) -> StaffUser | None:
    """Find the user who is linked to it."""
    user_id = staff_identities.find_linked_user_id(c, issuer, subject)
    return find_user_by_id(c, user_id) if user_id else None


def find_expected_user(c: Connection, name: str) -> StaffUser | None:
    """Find the user who signs in first under this name, as an identity provider's claim has it; ours in any case of
    letters."""
    user_id = staff_identities.find_expected_user_id(c, name)
    user = find_user_by_id(c, user_id) if user_id else None
    return user if user is not None and user.subject in ("", name) else None


def read_password_hash(c: Connection, id_: str) -> str:
    """Empty: there is no such user, or no password opens it."""
    return c.execute(select(staff_user.c.password_hash).where(staff_user.c.id == id_)).scalar_one_or_none() or ""


def list_users(c: Connection, library: str) -> tuple[StaffUser, ...]:
    """List the users whose account the library keeps, and those who have a role there, or in all; by name."""
    table, places = staff_user.c, (library, ALL_LIBRARIES)
    with_role = [table.id.in_(select(t.c.user_id).where(t.c.library.in_(places))) for t in _GRANT_TABLES.values()]
    query = _select_users().where(or_(table.library == library, *with_role)).order_by(table.name)
    return _users_of_rows(c, c.execute(query).all())


def count_users(c: Connection) -> int:
    """Count the users of the whole installation, disabled ones too."""
    return int(c.execute(select(func.count()).select_from(staff_user)).scalar_one())


def change_user(c: Connection, user: StaffUser) -> None:
    """Shown name, address and subject; what the account is linked to stays."""
    this = update(staff_user).where(staff_user.c.library == user.library, staff_user.c.id == user.id)
    c.execute(this.values(shown_name=user.shown_name, email=user.email, subject=user.subject))


def set_password_hash(c: Connection, user: StaffUser, password_hash: str) -> None:
    this = update(staff_user).where(staff_user.c.library == user.library, staff_user.c.id == user.id)
    c.execute(this.values(password_hash=password_hash))


def set_disabled(c: Connection, user: StaffUser, disabled: datetime | None) -> None:
    this = update(staff_user).where(staff_user.c.library == user.library, staff_user.c.id == user.id)
    c.execute(this.values(disabled=disabled))


def replace_grants(c: Connection, library: str, user_id: str, grants: Iterable[RoleGrant]) -> None:
    """The roles that people gave in this library; those in others, and an identity provider's, stay."""
    c.execute(delete(staff_grant).where(staff_grant.c.library == library, staff_grant.c.user_id == user_id))
    own = [grant for grant in grants if grant.library == library and grant.source is GrantSource.STAFF]
    _insert_grants(c, staff_grant, user_id, own)


def replace_provider_grants(c: Connection, user_id: str, grants: Iterable[RoleGrant]) -> None:
    """The roles that an identity provider's groups give, in all libraries."""
    c.execute(delete(staff_provider_grant).where(staff_provider_grant.c.user_id == user_id))
    _insert_grants(c, staff_provider_grant, user_id, grants)


def _insert_grants(c: Connection, table: Table, user_id: str, grants: Iterable[RoleGrant]) -> None:
    rows = [
        {"library": grant.library, "user_id": user_id, "role": grant.role.value, "branch": grant.branch}
        for grant in sort_grants(grants)
    ]
    if rows:
        c.execute(insert(table), rows)


def _find_user(c: Connection, condition: ColumnElement[bool]) -> StaffUser | None:
    rows = c.execute(_select_users().where(condition)).all()
    return _users_of_rows(c, rows)[0] if rows else None


def _select_users() -> Select[tuple[object, ...]]:
    user, identity, factor = staff_user.c, staff_identity.c, staff_second_factor.c
    linked = select(identity.linked).where(identity.library == user.library, identity.user_id == user.id)
    confirmed = select(factor.confirmed).where(factor.library == user.library, factor.user_id == user.id)
    return select(
        staff_user, linked.scalar_subquery().label("linked"), confirmed.scalar_subquery().label("factor_confirmed")
    )


def _users_of_rows(c: Connection, rows: Sequence[Row[tuple[object, ...]]]) -> tuple[StaffUser, ...]:
    grants: dict[str, list[RoleGrant]] = {row.id: [] for row in rows}
    if grants:
        for source, table in _GRANT_TABLES.items():
            for grant in c.execute(select(table).where(table.c.user_id.in_(grants))):
                grants[grant.user_id].append(RoleGrant(grant.library, StaffRole(grant.role), grant.branch, source))
    return tuple(
        copy_fields(
            StaffUser,
            row,
            has_password=bool(row.password_hash),
            has_second_factor=row.factor_confirmed is not None,
            grants=sort_grants(grants[row.id]),
        )
        for row in rows
    )


# --- sessions ------------------------------------------------------------------------------------------------


@value_object(kw_only=True)
class StaffSessionRow:
    """`id`: SHA-256 of the cookie; `method`: how the user signed in; `confirmed`: when the password was asked for
    last."""

    library: str
    id: str
    user_id: str
    method: str
    started: datetime
    expires: datetime
    confirmed: datetime | None = None


def add_session(c: Connection, row: StaffSessionRow) -> None:
    c.execute(insert(staff_session).values(**{field.name: getattr(row, field.name) for field in fields(row)}))


def find_session(c: Connection, id_: str, now: datetime) -> StaffSessionRow | None:
    """None: there is none, or its time is over."""
    table = staff_session.c
    row = c.execute(select(staff_session).where(table.id == id_, table.expires > now)).one_or_none()
    return StaffSessionRow(**row._mapping) if row is not None else None


def extend_session(c: Connection, row: StaffSessionRow, expires: datetime) -> StaffSessionRow:
    c.execute(update(staff_session).where(*_is_session(row)).values(expires=expires))
    return replace(row, expires=expires)


def confirm_session(c: Connection, row: StaffSessionRow, now: datetime) -> StaffSessionRow:
    c.execute(update(staff_session).where(*_is_session(row)).values(confirmed=now))
    return replace(row, confirmed=now)


def move_session(c: Connection, row: StaffSessionRow, library: str) -> StaffSessionRow:
    """The user works for another library from now on."""
    c.execute(update(staff_session).where(*_is_session(row)).values(library=library))
    return replace(row, library=library)


def end_session(c: Connection, id_: str) -> None:
    c.execute(delete(staff_session).where(staff_session.c.id == id_))


def end_sessions_of_user(c: Connection, user_id: str, but: str = "") -> int:
    """All of them, on all machines, but for one; how many there were. Where the password was right and a code is still
    to come, nobody signs in with that any more."""
    end_code_waits_of_user(c, user_id)
    table = staff_session.c
    return c.execute(delete(staff_session).where(table.user_id == user_id, table.id != but)).rowcount


def prune_sessions(c: Connection, libraries: Collection[str], now: datetime) -> int:
    """Remove sessions that are over, and return their number."""
    table = staff_session.c
    return c.execute(delete(staff_session).where(table.library.in_(libraries), table.expires <= now)).rowcount


def _is_session(row: StaffSessionRow) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return staff_session.c.library == row.library, staff_session.c.id == row.id
