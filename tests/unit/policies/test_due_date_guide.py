"""Every example of docs/due-dates.md does what the guide says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.domain import due_dates
from gateway.domain.problems import Refused
from gateway.domain.requests.calendar import Calendar
from tests.unit.policies.guide import GuideExample, examples

ZURICH = ZoneInfo("Europe/Zurich")
EXAMPLES = list(examples("due-dates.md"))

Run = Callable[[GuideExample], Mapping[str, Any]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZURICH)


def local(found: datetime | None) -> str | None:
    return found.astimezone(ZURICH).strftime("%Y-%m-%dT%H:%M") if found is not None else None


def calendar_of(example: GuideExample) -> Calendar:
    return Calendar.from_policy(example.policy.calendar, ZURICH)


def run_calendar(example: GuideExample) -> Mapping[str, Any]:
    given, calendar = example.given, calendar_of(example)
    start = moment(given["start"])
    if "time_limit" in given:
        return {"moment": local(calendar.add_time_limit(start, given["time_limit"]))}
    return {"moment": local(calendar.add_open_days(start, given["business_days"]))}


def run_patron(example: GuideExample) -> Mapping[str, Any]:
    given = example.given
    rules = example.profiles[given["profile"]].circulation.due_dates
    lender = date.fromisoformat(given["lender_due"]) if given["lender_due"] is not None else None
    ours = moment(given["local_due"]) if "local_due" in given else None
    try:
        found = due_dates.patron_due_for_request(
            lender, rules, calendar_of(example), ZURICH, moment(given["start"]), ours
        )
    except Refused as refused:
        return {"refused": refused.reason.value}
    return {"patron_due": local(found)}


def run_need_by(example: GuideExample) -> Mapping[str, Any]:
    given = example.given
    need_by = date.fromisoformat(given["need_by"])
    now = moment(given["now"])
    return {"problem": due_dates.describe_need_by_problem(need_by, now, given["business_days"], calendar_of(example))}


def run_lending(example: GuideExample) -> Mapping[str, Any]:
    given, calendar = example.given, calendar_of(example)
    partner = example.profiles[given["profile"]].partner
    assert partner is not None
    rules = partner.workflow.lending
    if "due" in given:
        current = date.fromisoformat(given["due"])
        renewed = due_dates.extend_lender_due(current, moment(given["now"]), rules.renewal_days, calendar)
        return {"renewed": renewed.isoformat()}
    days = due_dates.count_loan_days(example.policy.lending, rules.loan_days, given["item_policy"], partner.category)
    return {"due": due_dates.compute_lender_due(moment(given["shipped"]), days, calendar).isoformat()}


RUNS: Mapping[str, Run] = {
    "The library's calendar": run_calendar,
    "Due date for the patron": run_patron,
    "Requests that would arrive too late": run_need_by,
    "Loan periods for lending": run_lending,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.id for example in EXAMPLES])
def test_the_guide_is_right(example: GuideExample) -> None:
    assert RUNS[example.heading](example) == example.expect


def test_every_chapter_has_examples() -> None:
    assert list(dict.fromkeys(example.heading for example in EXAMPLES)) == list(RUNS)
