"""Accounts, roles, sessions and the audit log in the store, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.roles import RoleGrant, StaffRole, StaffUser
from gateway.ports.shared_store import Store
from gateway.store import audit, staff_identities, users
from gateway.store.staff_identities import IdentityTakenError
from gateway.store.users import StaffSessionRow, UserExistsError

ISSUER = "https://login.riverside.example"
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
RUTH = StaffUser(
    library="RIV",
    id="0001",
    name="r.okafor",
    shown_name="Ruth Okafor",
    email="ruth@riverside.example",
    created=NOW,
    grants=(RoleGrant("ALT", StaffRole.MANAGER), RoleGrant("RIV", StaffRole.PATRON_SERVICES, "EAST")),
)
ØYSTEIN = replace(RUTH, id="0002", name="øystein", shown_name="Øystein 京", email="", grants=())
SESSION = StaffSessionRow(
    library="RIV", id="a" * 64, user_id="0001", method="password", started=NOW, expires=NOW + timedelta(hours=1)
)


@pytest.fixture
def store_url(migrated_store_url: str) -> str:
    return migrated_store_url


@pytest.fixture
async def filled(store: Store) -> Store:
    await store.write(lambda c: users.add_user(c, RUTH, "hash of ruth"))
    await store.write(lambda c: users.add_user(c, ØYSTEIN, ""))
    return store


async def test_a_user_comes_back_with_its_roles(filled: Store) -> None:
    assert await filled.read(lambda c: users.find_user_by_name(c, "r.okafor")) == RUTH
    assert await filled.read(lambda c: users.find_user_by_id(c, "0002")) == replace(ØYSTEIN, has_password=False)
    assert await filled.read(lambda c: users.read_password_hash(c, "0001")) == "hash of ruth"
    assert await filled.read(users.count_users) == 2


async def test_a_name_is_there_once_in_all_libraries(filled: Store) -> None:
    other = replace(RUTH, library="ALT", id="0003", grants=())
    with pytest.raises(UserExistsError):
        await filled.write(lambda c: users.add_user(c, other, ""))


async def test_a_library_lists_its_accounts_and_whoever_has_a_role_there(filled: Store) -> None:
    for library, names in (("RIV", ["r.okafor", "øystein"]), ("ALT", ["r.okafor"]), ("DEMO", [])):
        found = await filled.read(lambda c, library=library: users.list_users(c, library))
        assert [one.name for one in found] == names


async def test_roles_are_replaced_in_one_library(filled: Store) -> None:
    new = [RoleGrant("RIV", StaffRole.STAFF), RoleGrant("ALT", StaffRole.OPERATOR)]
    await filled.write(lambda c: users.replace_grants(c, "RIV", "0001", new))

    found = await filled.read(lambda c: users.find_user_by_id(c, "0001"))

    assert found is not None
    assert found.grants == (RoleGrant("ALT", StaffRole.MANAGER), RoleGrant("RIV", StaffRole.STAFF))


async def test_an_expected_name_is_there_once_and_ends_with_the_first_who_comes(filled: Store) -> None:
    assert await filled.read(lambda c: users.find_expected_user(c, "R.Okafor")) == RUTH
    await filled.write(lambda c: users.change_user(c, replace(ØYSTEIN, subject="U-1")))
    await filled.write(lambda c: staff_identities.expect_identity(c, "RIV", "0002", "U-1"))
    assert await filled.read(lambda c: users.find_expected_user(c, "øystein")) is None
    assert await filled.read(lambda c: users.find_expected_user(c, "u-1")) is None, "as the provider writes it"
    for taken in ("u-1", "U-1"):
        with pytest.raises(IdentityTakenError):
            await filled.write(lambda c, taken=taken: staff_identities.expect_identity(c, "RIV", "0001", taken))
    assert await filled.read(lambda c: users.find_expected_user(c, "R.Okafor")) == RUTH, "it is still expected"

    assert await filled.write(lambda c: staff_identities.link_identity(c, "0002", ISSUER, "248289761001", NOW))
    assert not await filled.write(lambda c: staff_identities.link_identity(c, "0002", ISSUER, "another", NOW))
    assert not await filled.write(lambda c: staff_identities.link_identity(c, "0001", ISSUER, "248289761001", NOW))

    found = await filled.read(lambda c: users.find_user_by_identity(c, ISSUER, "248289761001"))
    assert (found.id, found.linked) == ("0002", NOW)
    for issuer, subject in ((ISSUER, "another"), ("https://elsewhere.example", "248289761001"), ("", "r.okafor")):
        assert await filled.read(lambda c, i=issuer, s=subject: users.find_user_by_identity(c, i, s)) is None
    assert await filled.read(lambda c: users.find_expected_user(c, "U-1")) is None
    await filled.write(lambda c: staff_identities.expect_identity(c, "RIV", "0001", "U-1"))


async def test_a_session_is_found_until_its_time_is_over(filled: Store) -> None:
    await filled.write(lambda c: users.add_session(c, SESSION))
    later = NOW + timedelta(hours=1)
    assert await filled.read(lambda c: users.find_session(c, SESSION.id, NOW)) == SESSION
    assert await filled.read(lambda c: users.find_session(c, SESSION.id, later)) is None
    longer = await filled.write(lambda c: users.extend_session(c, SESSION, later + timedelta(minutes=1)))
    confirmed = await filled.write(lambda c: users.confirm_session(c, longer, NOW))
    moved = await filled.write(lambda c: users.move_session(c, confirmed, "ALT"))

    assert await filled.read(lambda c: users.find_session(c, SESSION.id, later)) == moved
    assert (moved.library, moved.confirmed) == ("ALT", NOW)


async def test_all_sessions_of_a_user_end_but_one(filled: Store) -> None:
    for letter, user_id in (("a", "0001"), ("b", "0001"), ("c", "0002")):
        row = replace(SESSION, id=letter * 64, user_id=user_id)
        await filled.write(lambda c, row=row: users.add_session(c, row))

    assert await filled.write(lambda c: users.end_sessions_of_user(c, "0001", "b" * 64)) == 1

    left = [await filled.read(lambda c, one=one: users.find_session(c, one * 64, NOW)) for one in "abc"]
    assert [row is not None for row in left] == [False, True, True]
    assert await filled.write(lambda c: users.prune_sessions(c, ["RIV"], NOW + timedelta(days=1))) == 2


async def test_the_audit_log_is_read_backwards_and_forgotten(filled: Store) -> None:
    def write_entries(c: object) -> None:
        for number in range(5):
            at = NOW + timedelta(minutes=number)
            audit.add_audit_entry(c, "RIV", at, "staff:ruth", f"act-{number}", "Øystein", "détail", "192.0.2.7")
        audit.add_audit_entry(c, "RIV", NOW + timedelta(hours=1), "staff:other", "signed-in")
        audit.add_audit_entry(c, "ALT", NOW, "staff:ruth", "elsewhere")

    await filled.write(write_entries)
    newest = await filled.read(lambda c: audit.list_audit_entries(c, "RIV", 3))
    assert [one.action for one in newest] == ["signed-in", "act-4", "act-3"]
    rest = await filled.read(lambda c: audit.list_audit_entries(c, "RIV", 9, before=newest[-1].id, actor="staff:ruth"))
    assert [one.action for one in rest] == ["act-2", "act-1", "act-0"]
    since = NOW + timedelta(minutes=4)
    assert [one.action for one in await filled.read(lambda c: audit.list_audit_entries(c, "RIV", 9, since=since))] == [
        "signed-in",
        "act-4",
    ]

    assert await filled.write(lambda c: audit.prune_audit_entries(c, "RIV", since)) == 4
