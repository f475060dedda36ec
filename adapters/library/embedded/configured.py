"""What the library has set up: branches, closures, loan rules."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, bindparam, select

from adapters.library.embedded.here import Here
from adapters.library.embedded.rules import ANY, Closures, LoanRule, choose_rule
from adapters.library.embedded.tables import branches, categories, loan_rules, policies, shelves
from gateway.domain.frozen import frozen
from gateway.domain.problems import About, Reason, Refused
from gateway.ports.library import LibraryCodes

SHELF_DAYS = 7
"""On the hold shelf, where no loan rule says it."""

_r = loan_rules.c
_RULES = select(
    _r.category,
    _r.policy,
    _r.loan_days,
    _r.loan_hours,
    _r.renewals,
    _r.renewal_days,
    _r.fine_per_day,
    _r.shelf_days,
    _r.recall_days,
).where(
    _r.library == bindparam("library"),
    _r.category.in_([ANY, bindparam("category")]),
    _r.policy.in_([ANY, bindparam("policy")]),
)
_BRANCH = select(branches).where(branches.c.library == bindparam("library"), branches.c.code == bindparam("branch"))
_SHARING = (
    select(branches)
    .where(branches.c.library == bindparam("library"), branches.c.resource_sharing)
    .order_by(branches.c.code)
    .limit(1)
)


@frozen
class Branch:
    code: str
    name: str
    pickup: bool
    resource_sharing: bool
    closures: Closures


def loan_rule(connection: Connection, here: Here, category: str, policy: str) -> LoanRule:
    """Raises Refused(NOT_ALLOWED) where the library has no rule for them."""
    rule = find_loan_rule(connection, here, category, policy)
    if rule is None:
        raise Refused(Reason.NOT_ALLOWED, f"the library has no loan rule for {category} and {policy}", about=About.ITEM)
    return rule


def find_loan_rule(connection: Connection, here: Here, category: str, policy: str) -> LoanRule | None:
    rows = connection.execute(_RULES, {"library": here.library, "category": category, "policy": policy})
    return choose_rule((LoanRule(*row) for row in rows), category, policy)


def branch(connection: Connection, here: Here, code: str) -> Branch:
    """Raises Refused(INVALID_VALUE)."""
    row = connection.execute(_BRANCH, {"library": here.library, "branch": code}).one_or_none()
    if row is None:
        raise Refused(Reason.INVALID_VALUE, f"the library has no branch {code}", value=code)
    return Branch(row.code, row.name, row.pickup, row.resource_sharing, closures(row.closed_weekdays, row.closed_dates))


def resource_sharing(connection: Connection, here: Here) -> Branch | None:
    """The branch through which partners' items come and go."""
    row = connection.execute(_SHARING, {"library": here.library}).one_or_none()
    if row is None:
        return None
    return Branch(row.code, row.name, row.pickup, True, closures(row.closed_weekdays, row.closed_dates))


def pickup_branch(connection: Connection, here: Here, code: str) -> Branch:
    """Raises Refused(BAD_PICKUP_LOCATION)."""
    row = connection.execute(_BRANCH, {"library": here.library, "branch": code}).one_or_none()
    if row is None or not row.pickup:
        raise bad_pickup(code)
    return Branch(row.code, row.name, True, row.resource_sharing, closures(row.closed_weekdays, row.closed_dates))


def bad_pickup(code: str) -> Refused:
    return Refused(
        Reason.BAD_PICKUP_LOCATION, "the library has no such pickup location", about=About.PICKUP_LOCATION, value=code
    )


def closures(weekdays: list[int], dates: list[str]) -> Closures:
    return Closures(frozenset(weekdays), frozenset(date.fromisoformat(day) for day in dates))


def codes(connection: Connection, here: Here) -> LibraryCodes:
    """What profiles may name. Fee types are free words here."""
    found = {}
    for table in (branches, policies, categories):
        rows = connection.scalars(select(table.c.code).where(table.c.library == here.library))
        found[table.name] = frozenset(rows)
    places = connection.execute(select(shelves.c.branch, shelves.c.code).where(shelves.c.library == here.library))
    return LibraryCodes(
        branches=found[branches.name],
        shelves=frozenset((row.branch, row.code) for row in places),
        item_policies=found[policies.name],
        patron_categories=found[categories.name],
    )
