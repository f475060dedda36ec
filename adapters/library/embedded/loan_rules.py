"""Loan rules and set-up of the library, as pure functions and look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from sqlalchemy import bindparam, func, or_, select

from adapters.library.embedded.library_session import LibrarySession
from adapters.library.embedded.tables import branches, categories, loan_rules, policies, shelves
from gateway.domain.library import Block, BlockCause, BlockScope
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import LibraryCodes

ANY = "*"
END_OF_DAY = time(23, 59, 59)
EXPIRED = "membership expired"

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


@value_object
class PatronCategory:
    """The limits of a patron category; None means without limit."""

    code: str
    loan_limit: int | None = None
    hold_limit: int | None = None
    fee_limit: Decimal | None = None
    overdue_limit: int | None = None


@value_object
class ItemPolicy:
    code: str
    circulates: bool = True
    holdable: bool = True
    renewable: bool = True
    recallable: bool = True


@value_object
class LoanRule:
    """The rule for a category and an item policy; '*' stands for any. Loans go by days or by hours."""

    category: str
    policy: str
    loan_days: int | None
    loan_hours: int | None
    renewals: int
    renewal_days: int
    fine_per_day: Decimal
    shelf_days: int
    recall_days: int


def choose_rule(rules: Iterable[LoanRule], category: str, policy: str) -> LoanRule | None:
    """The most particular one: an exact category counts for more than an exact policy."""
    fitting = [r for r in rules if r.category in (category, ANY) and r.policy in (policy, ANY)]
    return max(fitting, key=lambda r: (r.category != ANY, r.policy != ANY), default=None)


# --- patrons ---------------------------------------------------------------------------------------------


def derive_blocks(
    category: PatronCategory, *, expires: date | None, today: date, owed: Decimal, overdues: int, currency: str
) -> tuple[Block, ...]:
    """Blocks that follow from expiry (the last day still counts), fees and overdue items."""
    blocks = []
    if expires is not None and expires < today:
        blocks.append(Block(EXPIRED, since=expires + timedelta(days=1), cause=BlockCause.EXPIRED))
    if category.fee_limit is not None and owed > category.fee_limit:
        blocks.append(Block(f"fees above {category.fee_limit} {currency}", cause=BlockCause.FEES))
    if category.overdue_limit is not None and overdues > category.overdue_limit:
        scopes = frozenset({BlockScope.BORROW, BlockScope.REQUEST})
        blocks.append(Block("overdue items", scopes, cause=BlockCause.OVERDUE))
    return tuple(blocks)


def is_in_force(block: Block, today: date) -> bool:
    return (block.since is None or block.since <= today) and (block.until is None or today <= block.until)


# --- due dates -------------------------------------------------------------------------------------------


@value_object
class BranchClosures:
    """The days on which a branch is closed: ISO weekdays (1 is Monday) and single dates."""

    weekdays: frozenset[int] = frozenset()
    dates: frozenset[date] = frozenset()

    def is_closed(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays or day in self.dates

    def next_open_day(self, day: date) -> date:
        """Return that day, or the first open one after it; the day itself where a whole year is closed."""
        return next((d for d in (day + timedelta(days=n) for n in range(366)) if not self.is_closed(d)), day)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, END_OF_DAY, zone).astimezone(UTC)


def compute_due(rule: LoanRule, start: datetime, days: int | None, zone: tzinfo, closures: BranchClosures) -> datetime:
    """End of the local day `days` later; by hours where the rule has no days. Never on a closed day."""
    if days is None:
        local = (start + timedelta(hours=rule.loan_hours or 0)).astimezone(zone)
        day = closures.next_open_day(local.date())
        return local.astimezone(UTC) if day == local.date() else end_of_day(day, zone)
    return end_of_day(closures.next_open_day(start.astimezone(zone).date() + timedelta(days=days)), zone)


def compute_first_due(rule: LoanRule, now: datetime, zone: tzinfo, closures: BranchClosures) -> datetime:
    return compute_due(rule, now, rule.loan_days, zone, closures)


def compute_renewed_due(
    rule: LoanRule, due: datetime, now: datetime, zone: tzinfo, closures: BranchClosures
) -> datetime:
    """Counted from today, but a renewal never shortens a loan."""
    days = rule.renewal_days if rule.loan_days is not None else None
    return max(due, compute_due(rule, now, days, zone, closures))


def compute_recalled_due(
    rule: LoanRule, due: datetime, now: datetime, zone: tzinfo, closures: BranchClosures
) -> datetime:
    """The rule's days from now, but a recall never lengthens a loan."""
    return min(due, compute_due(rule, now, rule.recall_days, zone, closures))


def compute_shelf_end(days: int, today: date, closures: BranchClosures) -> date:
    return closures.next_open_day(today + timedelta(days=days))


def compute_overdue_fine(
    rule: LoanRule, due: datetime, returned: datetime, zone: tzinfo, closures: BranchClosures
) -> Decimal:
    """Per day begun after the due day on which the branch was open."""
    first, last = due.astimezone(zone).date(), returned.astimezone(zone).date()
    late = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return rule.fine_per_day * sum(1 for day in late if not closures.is_closed(day))


# --- holds -----------------------------------------------------------------------------------------------


def is_promised(holds_ahead: Sequence[str], item_id: str, free_copies: int) -> bool:
    """Return whether an item on the shelf is kept back for waiting holds.

    `holds_ahead`: item ids of the waiting holds that come first, '' for a hold on any copy.
    """
    on_any = sum(1 for held in holds_ahead if not held)
    return item_id in holds_ahead or on_any >= max(free_copies, 1)


_every = branches.alias("every_branch")
_COUNT = select(func.count()).where(_every.c.library == bindparam("library")).scalar_subquery()
_SHARING = (
    select(branches)
    .where(branches.c.library == bindparam("library"), or_(branches.c.resource_sharing, _COUNT == 1))
    .order_by(branches.c.code)
    .limit(1)
)


@value_object
class LibraryBranch:
    code: str
    name: str
    pickup: bool
    resource_sharing: bool
    closures: BranchClosures


def get_loan_rule(session: LibrarySession, category: str, policy: str) -> LoanRule:
    """Load a rule; raises Refused(NOT_ALLOWED) where the library has none for them."""
    rule = find_loan_rule(session, category, policy)
    if rule is None:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            write_sentence(
                "the library has no loan rule for %(category)s and %(policy)s", category=category, policy=policy
            ),
            about=MessagePart.ITEM,
        )
    return rule


def find_loan_rule(session: LibrarySession, category: str, policy: str) -> LoanRule | None:
    rows = session.connection.execute(_RULES, {"library": session.library, "category": category, "policy": policy})
    return choose_rule((LoanRule(*row) for row in rows), category, policy)


def get_branch(session: LibrarySession, code: str) -> LibraryBranch:
    """Load a branch; raises Refused(INVALID_VALUE)."""
    row = session.connection.execute(_BRANCH, {"library": session.library, "branch": code}).one_or_none()
    if row is None:
        raise Refused(
            RefusalReason.INVALID_VALUE, write_sentence("the library has no branch %(code)s", code=code), value=code
        )
    return LibraryBranch(
        row.code, row.name, row.pickup, row.resource_sharing, build_closures(row.closed_weekdays, row.closed_dates)
    )


def find_resource_sharing_branch(session: LibrarySession) -> LibraryBranch | None:
    """The branch through which partners' items come and go: the one that is marked so, or the only one."""
    row = session.connection.execute(_SHARING, {"library": session.library}).one_or_none()
    if row is None:
        return None
    return LibraryBranch(row.code, row.name, row.pickup, True, build_closures(row.closed_weekdays, row.closed_dates))


def get_pickup_branch(session: LibrarySession, code: str) -> LibraryBranch:
    """Load a branch; raises Refused(BAD_PICKUP_LOCATION)."""
    row = session.connection.execute(_BRANCH, {"library": session.library, "branch": code}).one_or_none()
    if row is None or not row.pickup:
        raise bad_pickup_refusal(code)
    return LibraryBranch(
        row.code, row.name, True, row.resource_sharing, build_closures(row.closed_weekdays, row.closed_dates)
    )


def bad_pickup_refusal(code: str) -> Refused:
    return Refused(
        RefusalReason.BAD_PICKUP_LOCATION,
        "the library does not have this pickup location",
        about=MessagePart.PICKUP_LOCATION,
        value=code,
    )


def build_closures(weekdays: list[int], dates: list[str]) -> BranchClosures:
    return BranchClosures(frozenset(weekdays), frozenset(date.fromisoformat(day) for day in dates))


def list_library_codes(session: LibrarySession) -> LibraryCodes:
    """List the codes that profiles may name. Fee types are free words here."""
    codes = {}
    for table in (branches, policies, categories):
        rows = session.connection.scalars(select(table.c.code).where(table.c.library == session.library))
        codes[table.name] = frozenset(rows)
    places = session.connection.execute(
        select(shelves.c.branch, shelves.c.code).where(shelves.c.library == session.library)
    )
    sharing = find_resource_sharing_branch(session)
    return LibraryCodes(
        sharing_branch=sharing.code if sharing is not None else "",
        branches=codes[branches.name],
        shelves=frozenset((row.branch, row.code) for row in places),
        item_policies=codes[policies.name],
        patron_categories=codes[categories.name],
    )
