"""The library's rules as pure functions: who is blocked, for how long a loan goes, what lateness costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal

from gateway.domain.frozen import frozen
from gateway.domain.library import Block, Scope

ANY = "*"
END_OF_DAY = time(23, 59, 59)
EXPIRED = "membership expired"


@frozen
class Category:
    """What a patron category allows; None means without limit."""

    code: str
    loan_limit: int | None = None
    hold_limit: int | None = None
    fee_limit: Decimal | None = None
    overdue_limit: int | None = None


@frozen
class Policy:
    code: str
    circulates: bool = True
    holdable: bool = True
    renewable: bool = True
    recallable: bool = True


@frozen
class LoanRule:
    """For a category and an item policy; '*' stands for any. Loans go by days or by hours."""

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


def derived_blocks(
    category: Category, *, expires: date | None, today: date, owed: Decimal, overdues: int, currency: str
) -> tuple[Block, ...]:
    """Blocks that follow from expiry (the last day still counts), fees and overdue items."""
    blocks = []
    if expires is not None and expires < today:
        blocks.append(Block(EXPIRED, since=expires + timedelta(days=1)))
    if category.fee_limit is not None and owed > category.fee_limit:
        blocks.append(Block(f"fees above {category.fee_limit} {currency}"))
    if category.overdue_limit is not None and overdues > category.overdue_limit:
        blocks.append(Block("overdue items", frozenset({Scope.BORROW, Scope.REQUEST})))
    return tuple(blocks)


def in_force(block: Block, today: date) -> bool:
    return (block.since is None or block.since <= today) and (block.until is None or today <= block.until)


# --- due dates -------------------------------------------------------------------------------------------


@frozen
class Closures:
    """When a branch is closed: ISO weekdays (1 is Monday) and single dates."""

    weekdays: frozenset[int] = frozenset()
    dates: frozenset[date] = frozenset()

    def closed(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays or day in self.dates

    def next_open(self, day: date) -> date:
        """That day, or the first open one after it; the day itself where a whole year is closed."""
        return next((d for d in (day + timedelta(days=n) for n in range(366)) if not self.closed(d)), day)


def end_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, END_OF_DAY, zone).astimezone(UTC)


def due_at(rule: LoanRule, start: datetime, days: int | None, zone: tzinfo, closures: Closures) -> datetime:
    """End of the local day `days` later; by hours where the rule has no days. Never on a closed day."""
    if days is None:
        local = (start + timedelta(hours=rule.loan_hours or 0)).astimezone(zone)
        day = closures.next_open(local.date())
        return local.astimezone(UTC) if day == local.date() else end_of(day, zone)
    return end_of(closures.next_open(start.astimezone(zone).date() + timedelta(days=days)), zone)


def first_due(rule: LoanRule, now: datetime, zone: tzinfo, closures: Closures) -> datetime:
    return due_at(rule, now, rule.loan_days, zone, closures)


def renewed_due(rule: LoanRule, due: datetime, now: datetime, zone: tzinfo, closures: Closures) -> datetime:
    """Counted from today, but a renewal never shortens a loan."""
    days = rule.renewal_days if rule.loan_days is not None else None
    return max(due, due_at(rule, now, days, zone, closures))


def recalled_due(rule: LoanRule, due: datetime, now: datetime, zone: tzinfo, closures: Closures) -> datetime:
    """The rule's days from now, but a recall never lengthens a loan."""
    return min(due, due_at(rule, now, rule.recall_days, zone, closures))


def shelf_until(days: int, today: date, closures: Closures) -> date:
    return closures.next_open(today + timedelta(days=days))


def overdue_fine(rule: LoanRule, due: datetime, returned: datetime, zone: tzinfo, closures: Closures) -> Decimal:
    """Per day begun after the due day on which the branch was open."""
    first, last = due.astimezone(zone).date(), returned.astimezone(zone).date()
    late = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    return rule.fine_per_day * sum(1 for day in late if not closures.closed(day))


# --- holds -----------------------------------------------------------------------------------------------


def promised(holds_ahead: Sequence[str], item_id: str, free_copies: int) -> bool:
    """Whether an item on the shelf is kept back for waiting holds.

    `holds_ahead`: item ids of the waiting holds that come first, '' for a hold on any copy.
    """
    on_any = sum(1 for held in holds_ahead if not held)
    return item_id in holds_ahead or on_any >= max(free_copies, 1)
