"""Request numbers: the template that counts, and counts that begin anew where the number shows it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.domain.requests.intake_rules import (
    NumberFields,
    choose_number_template,
    number_series,
)
from gateway.domain.requests.partner_policy import NumberTemplate
from gateway.domain.requests.policy import Numbers
from gateway.domain.requests.request import Role

ZURICH = ZoneInfo("Europe/Zurich")
NEW_YEARS_EVE = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # 2027 in Zurich
NUMBERS = Numbers(
    borrowing="B{sequence}",
    lending="L{sequence}",
    branches={"SCI": "S{sequence}"},
    partners={"warsaw": "W{sequence}"},
)


def fields(at: datetime = NEW_YEARS_EVE, branch: str = "MAIN", partner: str = "PL-WaUW") -> NumberFields:
    return NumberFields(at=at, zone=ZURICH, library="CH-Zz", branch=branch, partner=partner)


@pytest.mark.parametrize(
    ("role", "branch", "profile", "own", "template"),
    [
        (Role.BORROWING, "", "", None, "B{sequence}"),
        (Role.BORROWING, "SCI", "", None, "S{sequence}"),
        (Role.BORROWING, "SCI", "warsaw", None, "W{sequence}"),
        (Role.LENDING, "SCI", "", None, "L{sequence}"),
        (Role.LENDING, "", "warsaw", None, "W{sequence}"),
        (Role.LENDING, "", "warsaw", "OWN{sequence}", "OWN{sequence}"),
    ],
)
def test_the_most_particular_template_counts(
    role: Role, branch: str, profile: str, own: str | None, template: str
) -> None:
    assert choose_number_template(role, NUMBERS, branch=branch, profile=profile, own=own) == template


def test_all_fields_in_the_zone_of_the_library() -> None:
    template = "{library}-{prefix}-{branch}-{partner}-{year}-{month}-{sequence:04d}"

    assert number_series(template, fields(), "UB").format_number(17) == "CH-Zz-UB-MAIN-PL-WaUW-2027-01-0017"


def test_a_new_year_is_a_new_count_only_where_the_number_shows_it() -> None:
    before, after = fields(datetime(2026, 6, 1, tzinfo=UTC)), fields()

    assert (
        number_series("B{year}-{sequence}", before, "").sequence
        != number_series("B{year}-{sequence}", after, "").sequence
    )
    assert number_series("B{sequence}", before, "").sequence == number_series("B{sequence}", after, "").sequence


def test_each_branch_counts_for_itself_only_where_the_number_shows_it() -> None:
    main, science = fields(), fields(branch="SCI")

    assert (
        number_series("{branch}{sequence}", main, "").sequence
        != number_series("{branch}{sequence}", science, "").sequence
    )
    assert number_series("B{sequence}", main, "").sequence == number_series("B{sequence}", science, "").sequence


def test_the_width_of_a_number_makes_no_other_count() -> None:
    """Else `B{sequence}` and `B{sequence:03d}` would both give B100."""
    assert (
        number_series("B{sequence}", fields(), "").sequence == number_series("B{sequence:03d}", fields(), "").sequence
    )


def test_what_stands_around_the_count_names_the_series() -> None:
    series = number_series("{prefix}{sequence:03d}-{branch}/{year}", fields(), "UB")
    assert (series.sequence, series.format_number(7)) == ("number UB#-MAIN/2027", "UB007-MAIN/2027")


templates = st.sampled_from(
    ["B{year}-{sequence}", "B{sequence:03d}", "{branch}/{sequence}", "{prefix}{sequence}", "L{year}{month}-{sequence}"]
)
branches = st.sampled_from(["", "MAIN", "SCI"])
times = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(st.tuples(templates, branches, times), max_size=30))
def test_no_number_is_given_twice(wanted: list[tuple[str, str, datetime]]) -> None:
    counts: dict[str, int] = {}
    given_out = []
    for template, branch, at in wanted:
        one = number_series(template, fields(at, branch), "UB")
        counts[one.sequence] = counts.get(one.sequence, 0) + 1
        given_out.append(one.format_number(counts[one.sequence]))

    assert len(set(given_out)) == len(given_out)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("B{year}", "must contain {sequence} once"),
        ("{sequence}-{sequence}", "must contain {sequence} once"),
        ("{number}{sequence}", "'number' is no field"),
        ("{sequence.__class__}", "is no field"),
        ("{month}-{sequence}", "must contain {year}"),
        ("B{sequence", "can't be filled in"),
        ("B{sequence:04x y}", "can't be filled in"),
        ("x" * 60 + "{sequence}", "longer than 60"),
    ],
)
def test_a_template_that_can_not_work_is_refused_when_it_is_read(template: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(NumberTemplate).validate_python(template)
