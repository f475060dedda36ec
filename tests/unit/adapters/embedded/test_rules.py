"""Rules of the embedded library, as examples."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adapters.library.embedded.loan_rules import (
    BranchClosures,
    LoanRule,
    PatronCategory,
    choose_rule,
    compute_first_due,
    compute_overdue_fine,
    compute_recalled_due,
    compute_renewed_due,
    derive_blocks,
    is_promised,
)
from gateway.domain.library import BlockScope

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SUNDAYS = BranchClosures(frozenset({7}))


def rule(category: str = "*", policy: str = "*", days: int | None = 28, hours: int | None = None) -> LoanRule:
    return LoanRule(category, policy, days, hours, 2, 14, Decimal("0.20"), 7, 7)


def test_the_most_particular_rule_counts() -> None:
    rules = [rule(), rule("adult"), rule(policy="short"), rule("adult", "short")]

    assert choose_rule(rules, "adult", "short") == rules[3]
    assert choose_rule(rules[:3], "adult", "short") == rules[1]
    assert choose_rule(rules[:1], "child", "short") == rules[0]
    assert choose_rule([rule("staff")], "child", "short") is None


def test_a_loan_ends_with_the_local_day_also_across_a_change_of_clocks() -> None:
    # 28 days on, summer time has begun
    assert compute_first_due(rule(), MONDAY, BERLIN, BranchClosures()) == datetime(2026, 3, 30, 21, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("closures", "due"),
    [
        (BranchClosures(frozenset({1})), date(2026, 3, 31)),
        (BranchClosures(frozenset({1}), frozenset({date(2026, 3, 31)})), date(2026, 4, 1)),
        (BranchClosures(frozenset({1, 2, 3, 4, 5, 6, 7})), date(2026, 3, 30)),
    ],
)
def test_nothing_is_due_on_a_closed_day(closures: BranchClosures, due: date) -> None:
    assert compute_first_due(rule(), MONDAY, BERLIN, closures).astimezone(BERLIN).date() == due


def test_loans_by_the_hour() -> None:
    assert compute_first_due(rule(days=None, hours=4), MONDAY, BERLIN, SUNDAYS) == MONDAY + timedelta(hours=4)
    late_on_saturday = datetime(2026, 3, 7, 21, 0, tzinfo=UTC)
    due = compute_first_due(rule(days=None, hours=4), late_on_saturday, BERLIN, SUNDAYS)
    assert due == datetime(2026, 3, 9, 22, 59, 59, tzinfo=UTC)


def test_renewing_never_shortens_and_recalling_never_lengthens() -> None:
    due = MONDAY + timedelta(days=90)

    assert compute_renewed_due(rule(), due, MONDAY, BERLIN, SUNDAYS) == due
    assert compute_renewed_due(rule(), MONDAY, MONDAY, BERLIN, SUNDAYS) > MONDAY
    assert compute_recalled_due(rule(), due, MONDAY, BERLIN, SUNDAYS) < due
    assert compute_recalled_due(rule(), MONDAY, MONDAY, BERLIN, SUNDAYS) == MONDAY


def test_fines_leave_closed_days_out() -> None:
    friday = datetime(2026, 3, 6, 22, 59, 59, tzinfo=UTC)
    tuesday = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)

    assert compute_overdue_fine(rule(), friday, tuesday, BERLIN, SUNDAYS) == Decimal("0.60")
    assert compute_overdue_fine(rule(), friday, friday, BERLIN, SUNDAYS) == 0


def test_blocks_that_follow_from_limits() -> None:
    category = PatronCategory("adult", fee_limit=Decimal(20), overdue_limit=1)
    today = MONDAY.date()

    def blocks(expires: date, owed: str, overdues: int) -> list[str]:
        found = derive_blocks(
            category, expires=expires, today=today, owed=Decimal(owed), overdues=overdues, currency="EUR"
        )
        return [block.reason for block in found]

    assert blocks(today, "20.00", 1) == []
    assert blocks(today - timedelta(days=1), "20.01", 2) == [
        "membership expired",
        "fees above 20 EUR",
        "overdue items",
    ]


def test_overdue_items_do_not_stop_renewals() -> None:
    (block,) = derive_blocks(
        PatronCategory("adult", overdue_limit=0),
        expires=None,
        today=MONDAY.date(),
        owed=Decimal(0),
        overdues=1,
        currency="EUR",
    )

    assert BlockScope.RENEW not in block.scopes


@pytest.mark.parametrize(
    ("ahead", "free", "kept"),
    [
        ([], 1, False),
        (["other"], 1, False),
        (["this"], 5, True),
        ([""], 1, True),
        ([""], 2, False),
        (["", ""], 2, True),
    ],
)
def test_items_on_the_shelf_are_kept_back_for_those_who_wait(ahead: list[str], free: int, kept: bool) -> None:
    assert is_promised(ahead, "this", free) is kept
