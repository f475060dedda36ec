"""Roles of staff: what they may do, where, and whom they may make."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.domain.roles import (
    ALL_LIBRARIES,
    RIGHTS,
    Right,
    RoleGrant,
    StaffRole,
    StaffUser,
    can_grant,
    can_manage_user,
    parse_grant,
    sort_grants,
)


def make_user(*grants: RoleGrant) -> StaffUser:
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    return StaffUser(library="RIV", id="1", name="r.okafor", shown_name="Ruth Okafor", created=at, grants=grants)


def test_every_right_is_given_by_some_role() -> None:
    assert {right for rights in RIGHTS.values() for right in rights} == set(Right)


def test_a_user_without_roles_may_do_nothing() -> None:
    assert make_user().rights_in("RIV") == frozenset()


def test_a_role_counts_in_its_library_alone() -> None:
    user = make_user(RoleGrant("RIV", StaffRole.STAFF), RoleGrant("ALT", StaffRole.MANAGER))

    assert user.has_right("RIV", Right.LENDING_ACT)
    assert not user.has_right("ALT", Right.LENDING_ACT)
    assert user.has_right("ALT", Right.COSTS_READ)
    assert not user.has_right("RIV", Right.COSTS_READ)
    assert user.libraries == ("ALT", "RIV")


def test_a_role_in_all_libraries_counts_in_each() -> None:
    user = make_user(RoleGrant("RIV", StaffRole.STAFF), RoleGrant(ALL_LIBRARIES, StaffRole.OPERATOR))

    assert user.roles_in("RIV") == (StaffRole.STAFF, StaffRole.OPERATOR)
    assert user.roles_in("ALT") == (StaffRole.OPERATOR,)
    assert not user.has_right(ALL_LIBRARIES, Right.LENDING_ACT)


@pytest.mark.parametrize("role", [StaffRole.OPERATOR, StaffRole.OFFICE])
def test_who_runs_machine_or_office_sees_no_patron(role: StaffRole) -> None:
    assert not RIGHTS[role] & {Right.PATRON_DATA, Right.PATRON_REVEAL, Right.PRIVACY}


def test_the_office_sees_no_request_and_no_machine() -> None:
    requests = {
        Right.WORK_READ,
        Right.BORROWING_READ,
        Right.LENDING_READ,
        Right.COPIES_READ,
        Right.MESSAGES_READ,
        Right.BRANCH_READ,
    }

    assert not RIGHTS[StaffRole.OFFICE] & {*requests, Right.OPERATION, Right.OUTBOX_READ, Right.PROFILES_READ}
    assert {Right.LIBRARIES_READ, Right.STATISTICS_READ, Right.PARTNERS_READ} <= RIGHTS[StaffRole.OFFICE]


def test_a_library_administrator_is_a_manager_who_edits_partners_and_reads_no_journal() -> None:
    more = RIGHTS[StaffRole.MEMBER_ADMIN] - RIGHTS[StaffRole.MANAGER]

    assert more == {Right.PROFILES_READ, Right.PROFILES_ACT}
    assert RIGHTS[StaffRole.MANAGER] < RIGHTS[StaffRole.MEMBER_ADMIN]


def test_a_branch_desk_sees_its_branches() -> None:
    user = make_user(
        RoleGrant("RIV", StaffRole.PATRON_SERVICES, "EAST"), RoleGrant("RIV", StaffRole.PATRON_SERVICES, "WEST")
    )

    assert user.branches_with("RIV", Right.BRANCH_ACT) == {"EAST", "WEST"}
    assert user.branches_with("ALT", Right.BRANCH_ACT) == frozenset()
    assert user.branches_with("RIV", Right.OPERATION) == frozenset()


def test_a_role_for_the_whole_library_lifts_the_bound_of_a_branch() -> None:
    user = make_user(RoleGrant("RIV", StaffRole.PATRON_SERVICES, "EAST"), RoleGrant("RIV", StaffRole.STAFF))

    assert user.branches_with("RIV", Right.BRANCH_ACT) == frozenset()


@pytest.mark.parametrize(
    ("actor", "role", "allowed"),
    [
        (StaffRole.OPERATOR, StaffRole.OPERATOR, True),
        (StaffRole.MANAGER, StaffRole.STAFF, True),
        (StaffRole.MANAGER, StaffRole.MANAGER, True),
        (StaffRole.MANAGER, StaffRole.OPERATOR, False),
        (StaffRole.MANAGER, StaffRole.MEMBER_ADMIN, False),
        (StaffRole.MEMBER_ADMIN, StaffRole.MEMBER_ADMIN, True),
        (StaffRole.MEMBER_ADMIN, StaffRole.OPERATOR, False),
        (StaffRole.OPERATOR, StaffRole.OFFICE, False),
        (StaffRole.STAFF, StaffRole.PATRON_SERVICES, False),
    ],
)
def test_nobody_makes_somebody_mightier(actor: StaffRole, role: StaffRole, allowed: bool) -> None:
    assert can_grant(make_user(RoleGrant("RIV", actor)), "RIV", role) is allowed


def test_a_manager_manages_nobody_of_another_library() -> None:
    manager = make_user(RoleGrant("RIV", StaffRole.MANAGER))
    guest = make_user(RoleGrant("RIV", StaffRole.STAFF), RoleGrant("ALT", StaffRole.STAFF))

    assert not can_grant(manager, "ALT", StaffRole.STAFF)
    assert not can_manage_user(manager, "RIV", guest)


def test_a_role_in_all_libraries_is_given_by_who_manages_accounts_in_all() -> None:
    everywhere = make_user(RoleGrant(ALL_LIBRARIES, StaffRole.MANAGER))
    office = make_user(RoleGrant(ALL_LIBRARIES, StaffRole.OFFICE))
    here = make_user(RoleGrant("RIV", StaffRole.OPERATOR))

    assert can_grant(everywhere, ALL_LIBRARIES, StaffRole.OFFICE)
    assert can_manage_user(everywhere, "RIV", office)
    assert not can_grant(here, ALL_LIBRARIES, StaffRole.STAFF)
    assert not can_manage_user(here, "RIV", office)


def test_a_manager_leaves_operators_alone() -> None:
    manager = make_user(RoleGrant("RIV", StaffRole.MANAGER))

    assert can_manage_user(manager, "RIV", make_user(RoleGrant("RIV", StaffRole.STAFF)))
    assert not can_manage_user(manager, "RIV", make_user(RoleGrant("RIV", StaffRole.OPERATOR)))


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("staff", RoleGrant("RIV", StaffRole.STAFF)),
        ("patron-services@EAST", RoleGrant("RIV", StaffRole.PATRON_SERVICES, "EAST")),
        ("operator@*", RoleGrant(ALL_LIBRARIES, StaffRole.OPERATOR)),
        ("office@*", RoleGrant(ALL_LIBRARIES, StaffRole.OFFICE)),
    ],
)
def test_a_role_is_written_with_its_place(text: str, grant: RoleGrant) -> None:
    assert parse_grant("RIV", text) == grant
    assert str(grant) == text


def test_the_office_is_of_all_libraries_without_saying_so() -> None:
    assert parse_grant("RIV", "office") == RoleGrant(ALL_LIBRARIES, StaffRole.OFFICE)


def test_roles_are_listed_by_library_and_rank() -> None:
    east = RoleGrant("RIV", StaffRole.PATRON_SERVICES, "EAST")
    west = RoleGrant("RIV", StaffRole.PATRON_SERVICES, "WEST")
    manager, staff = RoleGrant("RIV", StaffRole.MANAGER), RoleGrant("RIV", StaffRole.STAFF)
    elsewhere = RoleGrant("ALT", StaffRole.OPERATOR)

    assert sort_grants([west, manager, staff, east, elsewhere, staff]) == (elsewhere, east, west, staff, manager)


@pytest.mark.parametrize(
    ("text", "why"),
    [("king", "There are: patron-services, staff"), ("staff@EAST", "whole library"), ("office@EAST", "all libraries")],
)
def test_what_is_no_role_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_grant("RIV", text)
