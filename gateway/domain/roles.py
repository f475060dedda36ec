"""Rights of staff, roles as sets of rights, and the roles that a user has where.

A page names one right; a user may open it when one of the user's roles in that library has it, or one that counts in
all libraries. What no role grants is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from gateway.domain.value import value_object


class Right(StrEnum):
    """The right that a page or an act asks for. `…:read` sees, `…:act` changes."""

    OWN_ACCOUNT = "own-account"  # one's own password and sessions
    WORK_READ = "work:read"  # the work queue; it shows the lists that one may open
    BORROWING_READ = "borrowing:read"
    BORROWING_ACT = "borrowing:act"
    BRANCH_READ = "branch:read"  # what lies at a branch: arrivals, hold shelf
    BRANCH_ACT = "branch:act"
    LENDING_READ = "lending:read"
    LENDING_ACT = "lending:act"
    COPIES_READ = "copies:read"
    COPIES_ACT = "copies:act"
    CLEARANCE_SIGN = "clearance:sign"
    MESSAGES_READ = "messages:read"  # partners' words, mails
    MESSAGES_ACT = "messages:act"
    PRINT = "print"
    PATRON_DATA = "patron-data"  # names and numbers of patrons, without asking
    PATRON_REVEAL = "patron-reveal"  # the same and what is behind it, of one request, and it is logged
    PARTNERS_READ = "partners:read"
    PARTNERS_ACT = "partners:act"
    STATISTICS_READ = "statistics:read"
    COSTS_READ = "costs:read"
    OUTBOX_READ = "outbox:read"
    OUTBOX_RETRY = "outbox:retry"
    OUTBOX_ACT = "outbox:act"  # edit and skip
    OPERATION = "operation"  # the library's system, mailboxes, journal; of all libraries: the machine, too
    OPERATION_ACT = "operation:act"  # carry messages out again
    PROFILES_READ = "profiles:read"  # files of partners and profiles
    PROFILES_ACT = "profiles:act"
    USERS_READ = "users:read"
    USERS_ACT = "users:act"
    AUDIT_READ = "audit:read"
    LIBRARIES_READ = "libraries:read"  # how much waits in each library, and whether its system works
    PRIVACY = "privacy"  # what is held about a patron: given out, or forgotten now


class StaffRole(StrEnum):
    PATRON_SERVICES = "patron-services"
    STAFF = "staff"
    CLEARANCE = "clearance"
    MANAGER = "manager"
    MEMBER_ADMIN = "member-admin"
    OFFICE = "office"
    OPERATOR = "operator"


ALL_LIBRARIES = "*"
"""In place of a library's symbol: the role counts in all libraries, those added later too."""


_EVERYBODY = frozenset({Right.OWN_ACCOUNT, Right.WORK_READ})

_READS = frozenset(
    {
        Right.BORROWING_READ,
        Right.BRANCH_READ,
        Right.LENDING_READ,
        Right.COPIES_READ,
        Right.MESSAGES_READ,
        Right.PARTNERS_READ,
        Right.STATISTICS_READ,
        Right.OUTBOX_READ,
    }
)

_MANAGER = (
    _EVERYBODY
    | _READS
    | {
        Right.CLEARANCE_SIGN,
        Right.PATRON_REVEAL,
        Right.PARTNERS_ACT,
        Right.COSTS_READ,
        Right.PRIVACY,
        Right.USERS_READ,
        Right.USERS_ACT,
        Right.AUDIT_READ,
        Right.LIBRARIES_READ,
    }
)

RIGHTS: Mapping[StaffRole, frozenset[Right]] = {
    StaffRole.PATRON_SERVICES: _EVERYBODY
    | {
        Right.BORROWING_READ,
        Right.BRANCH_READ,
        Right.BRANCH_ACT,
        Right.PRINT,
        Right.PATRON_DATA,
        Right.PATRON_REVEAL,
    },
    StaffRole.STAFF: _EVERYBODY
    | _READS
    | {
        Right.BORROWING_ACT,
        Right.BRANCH_ACT,
        Right.LENDING_ACT,
        Right.COPIES_ACT,
        Right.MESSAGES_ACT,
        Right.PRINT,
        Right.PATRON_DATA,
        Right.PATRON_REVEAL,
        Right.OUTBOX_RETRY,
        Right.LIBRARIES_READ,
    },
    StaffRole.CLEARANCE: _EVERYBODY | {Right.COPIES_READ, Right.LENDING_READ, Right.CLEARANCE_SIGN},
    StaffRole.MANAGER: _MANAGER,
    StaffRole.MEMBER_ADMIN: _MANAGER | {Right.PROFILES_READ, Right.PROFILES_ACT},
    StaffRole.OFFICE: frozenset(
        {
            Right.OWN_ACCOUNT,
            Right.LIBRARIES_READ,
            Right.PARTNERS_READ,
            Right.STATISTICS_READ,
            Right.COSTS_READ,
        }
    ),
    StaffRole.OPERATOR: _EVERYBODY
    | _READS
    | {
        Right.PARTNERS_ACT,
        Right.OUTBOX_RETRY,
        Right.OUTBOX_ACT,
        Right.OPERATION,
        Right.OPERATION_ACT,
        Right.PROFILES_READ,
        Right.PROFILES_ACT,
        Right.LIBRARIES_READ,
        Right.USERS_READ,
        Right.USERS_ACT,
        Right.AUDIT_READ,
    },
}
"""Operators keep the gateway running and see no patron; managers see patrons one at a time, and it is logged. The
office of a group of libraries sees counts and figures, no request and no machine."""

BRANCH_ROLES = frozenset({StaffRole.PATRON_SERVICES})
"""Roles that may be for one branch alone."""


OFFICE_ROLES = frozenset({StaffRole.OFFICE})
"""Roles that count in all libraries or in none."""


class GrantSource(StrEnum):
    """The origin of a role: people gave it, or the identity provider's groups do, anew at each sign-in there."""

    STAFF = "staff"
    PROVIDER = "provider"


@value_object
class RoleGrant:
    """A role that a user has in a library (ALL_LIBRARIES: in each). `branch` empty: in all of it."""

    library: str
    role: StaffRole
    branch: str = ""
    source: GrantSource = GrantSource.STAFF

    def __str__(self) -> str:
        """Write it as `parse_grant` reads it."""
        place = self.branch or (ALL_LIBRARIES if self.library == ALL_LIBRARIES else "")
        return f"{self.role.value}@{place}" if place else self.role.value


@value_object(kw_only=True)
class StaffUser:
    """One of the staff. `library`: the one that keeps the account; `shown_name`: as pages and histories name the user;
    `subject`: what a claim of an identity provider calls the user, empty: as we do. `linked`: since when it is one
    identity there, whatever that is called. `has_second_factor`: a code is asked for after the
    password. `disabled`: since when nobody can sign in with it."""

    library: str
    id: str
    name: str
    shown_name: str
    email: str = ""
    subject: str = ""
    has_password: bool = True
    created: datetime
    disabled: datetime | None = None
    linked: datetime | None = None
    has_second_factor: bool = False
    grants: tuple[RoleGrant, ...] = ()

    @property
    def actor(self) -> str:
        """The holder's name as histories have it."""
        return f"staff:{self.name}"

    @property
    def libraries(self) -> tuple[str, ...]:
        """Symbols of those where the user has a role, in order; ALL_LIBRARIES among them for a role in all."""
        return tuple(sorted({grant.library for grant in self.grants}))

    def grants_of(self, source: GrantSource) -> tuple[RoleGrant, ...]:
        return tuple(grant for grant in self.grants if grant.source is source)

    def grants_in(self, library: str) -> tuple[RoleGrant, ...]:
        """The grants that count in this library; in ALL_LIBRARIES: those that count in each."""
        return tuple(grant for grant in self.grants if grant.library in (library, ALL_LIBRARIES))

    def roles_in(self, library: str) -> tuple[StaffRole, ...]:
        roles = {grant.role for grant in self.grants_in(library)}
        return tuple(role for role in StaffRole if role in roles)

    def rights_in(self, library: str) -> frozenset[Right]:
        return frozenset(right for role in self.roles_in(library) for right in RIGHTS[role])

    def has_right(self, library: str, right: Right) -> bool:
        return right in self.rights_in(library)

    def branches_with(self, library: str, right: Right) -> frozenset[str]:
        """Codes of the branches for which the user has it; empty: all of the library, or none (`has_right`)."""
        giving = [grant for grant in self.grants_in(library) if right in RIGHTS[grant.role]]
        if any(not grant.branch for grant in giving):
            return frozenset()
        return frozenset(grant.branch for grant in giving)


_GIVEN_BY: Mapping[StaffRole, frozenset[StaffRole]] = {
    StaffRole.MEMBER_ADMIN: frozenset({StaffRole.MEMBER_ADMIN, StaffRole.OPERATOR}),
    StaffRole.OPERATOR: frozenset({StaffRole.OPERATOR}),
}
"""Roles that only those with one of these may give; who manages accounts gives the others."""


def can_grant(actor: StaffUser, library: str, role: StaffRole) -> bool:
    """Return whether one user may give another one this role, or take it away: nobody makes somebody mightier than
    oneself. `library` may be ALL_LIBRARIES."""
    if not actor.has_right(library, Right.USERS_ACT) or (role in OFFICE_ROLES and library != ALL_LIBRARIES):
        return False
    return role not in _GIVEN_BY or not _GIVEN_BY[role].isdisjoint(actor.roles_in(library))


def can_manage_user(actor: StaffUser, library: str, user: StaffUser) -> bool:
    """Return whether one may change the account of another: with none of its roles beyond one's reach, in any
    library."""
    return actor.has_right(library, Right.USERS_ACT) and all(
        can_grant(actor, grant.library, grant.role) for grant in user.grants
    )


def parse_grant(library: str, text: str) -> RoleGrant:
    """`staff`, or `patron-services@BRANCH`; in all libraries: `staff@*`, and roles of the office also without it.
    Raises ValueError that says what is allowed."""
    word, _, branch = text.partition("@")
    try:
        role = StaffRole(word)
    except ValueError:
        known = ", ".join(role.value for role in StaffRole)
        raise ValueError(f"no such role: '{word}'. There are: {known}") from None
    if branch == ALL_LIBRARIES or (role in OFFICE_ROLES and not branch):
        return RoleGrant(ALL_LIBRARIES, role)
    if branch and role not in BRANCH_ROLES:
        place = "all libraries" if role in OFFICE_ROLES else "the whole library"
        raise ValueError(f"'{role.value}' is a role for {place}, so it takes no @{branch}")
    return RoleGrant(library, role, branch)


def sort_grants(grants: Iterable[RoleGrant]) -> tuple[RoleGrant, ...]:
    """Sort grants without repeats, by library and rank of the role."""
    order = list(StaffRole)
    return tuple(
        sorted(set(grants), key=lambda grant: (grant.library, order.index(grant.role), grant.branch, grant.source))
    )
