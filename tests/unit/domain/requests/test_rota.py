"""Suppliers: who is on the rota, who comes next, who is passed over and why."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.library import Money
from gateway.domain.requests import rota
from gateway.domain.requests.events import LoanCondition
from gateway.domain.requests.partner_policy import Closure, PartnerPolicy, PartnerRole, Price
from gateway.domain.requests.policy import (
    LineOrder,
    OnlyOwning,
    OverloadRule,
    Ranking,
    RequestPolicy,
    RetryLater,
    RotaTemplate,
    TemplateLine,
    UsualRanking,
)
from gateway.domain.requests.request import (
    AttemptStatus,
    Request,
    RequestCosts,
    RequestedService,
    RotaLine,
    RotaLineStatus,
    ServiceType,
)
from gateway.domain.requests.rota import (
    PartnerStanding,
    ShownLocation,
    choose_next_line,
    keep_holders,
    rank_suppliers,
)
from tests.support.requests import attempt, borrowing, money

TODAY = date(2026, 11, 24)
EARLY = date(2026, 3, 2)
NAMES = ("warsaw", "kyoto", "tbilisi")
TEMPLATE = RotaTemplate(lines=tuple(TemplateLine(partner=name) for name in NAMES))
RANKED = TEMPLATE.model_copy(update={"order": LineOrder.RANKED})
POLICY = RequestPolicy()


def price(amount: str, currency: str = "EUR") -> Price:
    return Price(amount=Decimal(amount), currency=currency)


def partner(**changes: Any) -> PartnerPolicy:
    return PartnerPolicy(symbols=("ISIL:X",), channel="loopback", **changes)


PARTNERS = {name: partner() for name in NAMES}


def standings(
    request: Request | None = None,
    policy: RequestPolicy = POLICY,
    open_requests: Mapping[str, int] | None = None,
    **partners: PartnerPolicy,
) -> dict[str, PartnerStanding]:
    """Of all three; those that aren't named have nothing special about them."""
    known = {name: partner() for name in NAMES} | partners
    loads = open_requests or {}
    return {
        name: rota.partner_standing(one, request or requested(), policy, TODAY, open_requests=loads.get(name, 0))
        for name, one in known.items()
    }


def requested(template: RotaTemplate = TEMPLATE, **changes: Any) -> Request:
    request = borrowing(**changes)
    return replace(request, rota=rota.build_rota_lines(template, request, {name: partner() for name in NAMES}))


def asked(request: Request, name: str, **changes: Any) -> Request:
    """That supplier was asked, and answered."""
    lines = tuple(replace(one, standing=RotaLineStatus.ASKED) if one.partner == name else one for one in request.rota)
    one = attempt(len(request.attempts) + 1, name, **{"status": AttemptStatus.UNFILLED, **changes})
    return replace(request, rota=lines, attempts=(*request.attempts, one))


def name_of(choice: rota.SupplierChoice) -> str | None:
    return choice.line.partner if choice.line is not None else None


# --- lines -----------------------------------------------------------------------------------------------


def test_last_resorts_go_to_the_end_in_their_order() -> None:
    template = RotaTemplate(
        lines=(
            TemplateLine(partner="warsaw", last_resort=True),
            TemplateLine(partner="kyoto"),
            TemplateLine(partner="tbilisi", last_resort=True),
        )
    )

    assert [line.partner for line in requested(template).rota] == ["kyoto", "warsaw", "tbilisi"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (TemplateLine(partner="warsaw", services=(ServiceType.COPY,)), "not on this rota for the service loan"),
        (TemplateLine(partner="warsaw", formats=("pdf",)), "not on this rota for the format printed"),
        (
            TemplateLine(partner="warsaw", max_cost=price("5")),
            "costs 12 EUR, more than the maximum for this rota (5 EUR)",
        ),
        (
            TemplateLine(partner="warsaw", max_cost=price("50", "USD")),
            "costs 12 EUR, which cannot be compared with the maximum for this rota (50 USD)",
        ),
        (TemplateLine(partner="atlantis"), "unknown partner"),
    ],
)
def test_what_the_template_keeps_from_a_request_is_skipped_with_the_reason(line: TemplateLine, why: str) -> None:
    request = borrowing(service=RequestedService(ServiceType.LOAN, "printed"))

    (made,) = rota.build_rota_lines(RotaTemplate(lines=(line,)), request, {"warsaw": partner(cost=price("12"))})

    assert (made.standing, made.why) == (RotaLineStatus.SKIPPED, why)


def test_a_copy_or_a_loan_fits_a_line_for_copies() -> None:
    template = RotaTemplate(lines=(TemplateLine(partner="warsaw", services=(ServiceType.COPY,)),))

    (made,) = requested(template, service=RequestedService(ServiceType.COPY_OR_LOAN)).rota

    assert made.standing is RotaLineStatus.WAITING


# --- the next one ----------------------------------------------------------------------------------------


def test_the_first_that_waits() -> None:
    request = asked(requested(), "warsaw")

    assert name_of(choose_next_line(request, POLICY, TEMPLATE, standings(), TODAY, UTC)) == "kyoto"


def test_nobody_is_asked_twice() -> None:
    request = requested()
    for name in NAMES:
        request = asked(request, name)

    assert choose_next_line(request, POLICY, TEMPLATE, standings(), TODAY, UTC) == rota.SupplierChoice(None)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"closures": (Closure(first=TODAY, last=date(2026, 12, 1)),)}, "closed until 2026-12-01"),
        ({"roles": (PartnerRole.REQUESTER,)}, "is not a supplier"),
        ({"channel": ""}, "has no channel for requests"),
        ({"services": (ServiceType.COPY,)}, "does not offer the service loan"),
        ({"workflow": {"borrowing": {"digital_only": True}}}, "supplies copies only"),
        ({"cost": price("30")}, "costs 30 EUR, more than the maximum of the request (20 EUR)"),
        ({"cost": price("9"), "cost_limit": price("8")}, "costs 9 EUR, more than the maximum for this partner (8 EUR)"),
        ({"formats": ("pdf",)}, "does not supply the format printed"),
    ],
)
def test_who_is_passed_over_and_why(changes: dict[str, Any], why: str) -> None:
    request = requested(costs=RequestCosts(money("20")), service=RequestedService(ServiceType.LOAN, "printed"))
    warsaw = PartnerPolicy.model_validate({"symbols": ("ISIL:X",), "channel": "loopback", **changes})

    choice = choose_next_line(request, POLICY, TEMPLATE, standings(request, warsaw=warsaw), TODAY, UTC)

    assert name_of(choice) == "kyoto"
    assert [(line.partner, line.why) for line in choice.skipped] == [("warsaw", why)]


def test_who_is_passed_over_goes_on_waiting_and_has_its_place_when_it_is_open_again() -> None:
    closed = partner(closures=(Closure(first=TODAY, last=TODAY),))
    tomorrow = date(2026, 11, 25)
    request = requested()
    assert name_of(choose_next_line(request, POLICY, TEMPLATE, standings(warsaw=closed), TODAY, UTC)) == "kyoto"

    later = {
        name: rota.partner_standing(closed if name == "warsaw" else partner(), request, POLICY, tomorrow)
        for name in NAMES
    }

    assert name_of(choose_next_line(request, POLICY, TEMPLATE, later, tomorrow, UTC)) == "warsaw"


def test_a_reason_to_wait_that_is_over_is_not_shown_any_more() -> None:
    request = requested()
    waited = replace(request, rota=tuple(replace(line, why="closed until 2026-11-23") for line in request.rota))

    choice = choose_next_line(waited, POLICY, TEMPLATE, standings(), TODAY, UTC)

    assert choice.line == RotaLine("warsaw", why="in rota order")


def test_a_partner_whose_profile_is_gone_is_passed_over() -> None:
    left = {name: known for name, known in standings().items() if name != "warsaw"}

    choice = choose_next_line(requested(), POLICY, TEMPLATE, left, TODAY, UTC)

    assert name_of(choice) == "kyoto"
    assert choice.skipped[0].why == "unknown partner"


def test_overloaded_ones_come_after_the_others_but_before_last_resorts() -> None:
    template = RotaTemplate(
        lines=(
            TemplateLine(partner="warsaw"),
            TemplateLine(partner="kyoto"),
            TemplateLine(partner="tbilisi", last_resort=True),
        )
    )
    policy = RequestPolicy(overload=OverloadRule(max_open=10))
    now = standings(policy=policy, open_requests={"warsaw": 10, "kyoto": 9, "tbilisi": 0})

    choice = choose_next_line(requested(template), policy, template, now, TODAY, UTC)

    assert [line.partner for line in choice.order] == ["kyoto", "warsaw", "tbilisi"]


def test_overloaded_ones_are_skipped_when_the_library_wants_it() -> None:
    policy = RequestPolicy(overload=OverloadRule(max_open=10, then="skip"))
    now = standings(policy=policy, open_requests={"warsaw": 12})

    choice = choose_next_line(requested(), policy, TEMPLATE, now, TODAY, UTC)

    assert choice.skipped == (RotaLine("warsaw", why="overloaded: 12 open requests"),)


def test_a_partners_own_limit_comes_before_the_librarys() -> None:
    policy = RequestPolicy(overload=OverloadRule(max_open=10))
    now = standings(policy=policy, open_requests={"warsaw": 12}, warsaw=partner(max_open=20))

    assert name_of(choose_next_line(requested(), policy, TEMPLATE, now, TODAY, UTC)) == "warsaw"


def test_a_free_supplier_is_asked_whatever_the_maximum_says() -> None:
    request = requested(costs=RequestCosts(money("0")))

    assert name_of(choose_next_line(request, POLICY, TEMPLATE, standings(request), TODAY, UTC)) == "warsaw"


def test_a_copy_has_its_own_price() -> None:
    both = partner(cost=price("30"), copy_cost=price("4"))
    request = requested(costs=RequestCosts(money("5")), service=RequestedService(ServiceType.COPY))

    assert name_of(choose_next_line(request, POLICY, TEMPLATE, standings(request, warsaw=both), TODAY, UTC)) == "warsaw"


def test_lines_without_a_template_are_asked_as_they_stand() -> None:
    by_hand = RotaLine("tbilisi", why="manually", by_hand=True)
    request = replace(borrowing(), rota=(by_hand, RotaLine("warsaw")))
    now = standings(open_requests={"tbilisi": 500})

    choice = choose_next_line(request, POLICY, None, now, TODAY, UTC)

    assert choice.line == by_hand
    assert [line.why for line in choice.order] == ["manually", "in rota order"]


# --- retry later -----------------------------------------------------------------------------------------


def test_who_said_ask_again_is_asked_after_all_others_when_the_day_has_come() -> None:
    request = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    now = standings()
    assert name_of(choose_next_line(request, POLICY, TEMPLATE, now, TODAY, UTC)) == "kyoto"

    request = asked(asked(request, "kyoto"), "tbilisi")
    early = choose_next_line(request, POLICY, TEMPLATE, now, date(2026, 3, 19), UTC)
    choice = choose_next_line(request, POLICY, TEMPLATE, now, date(2026, 3, 20), UTC)

    assert early.line is None
    assert rota.first_retry_day(request, POLICY, PARTNERS, date(2026, 3, 19), UTC) == date(2026, 3, 20)
    assert rota.first_retry_day(request, POLICY, PARTNERS, date(2026, 3, 20), UTC) is None, "it has come"
    assert (name_of(choice), choice.again) == ("warsaw", True)


def test_the_days_of_waiting_count_from_the_library_s_own_day() -> None:
    """Asked on 2 March late in the evening, when it is 3 March in UTC already."""
    policy = RequestPolicy(retry_later=RetryLater(longest_days=17))
    request = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    (one,) = request.attempts
    request = replace(request, attempts=(replace(one, asked=datetime(2026, 3, 3, 4, 0, tzinfo=UTC)),))

    assert rota.first_retry_day(request, policy, PARTNERS, date(2026, 3, 10), UTC) == date(2026, 3, 20)
    assert rota.first_retry_day(request, policy, PARTNERS, date(2026, 3, 10), ZoneInfo("America/Los_Angeles")) is None


def test_a_later_answer_ends_the_waiting() -> None:
    request = asked(requested(), "warsaw", status=AttemptStatus.UNFILLED, retry_after=date(2026, 3, 20))

    assert rota.first_retry_day(request, POLICY, PARTNERS, EARLY, UTC) is None


def test_a_retry_day_is_waited_for_only_so_long_and_so_often() -> None:
    policy = RequestPolicy(retry_later=RetryLater(times=2, longest_days=10))
    day = attempt().asked.date() + timedelta(days=10)
    once = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=day)
    too_far = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=day + timedelta(days=1))
    twice = asked(once, "warsaw", status=AttemptStatus.RETRY, retry_after=day)
    thrice = asked(twice, "warsaw", status=AttemptStatus.RETRY, retry_after=day)

    found = [rota.first_retry_day(one, policy, PARTNERS, EARLY, UTC) for one in (once, too_far, twice, thrice)]
    assert found == [day, None, day, None]


def test_who_has_set_a_condition_is_not_asked_again_by_rule() -> None:
    conditions = (LoanCondition.LIBRARY_USE_ONLY,)
    request = asked(
        requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20), conditions=conditions
    )
    assert rota.first_retry_day(request, POLICY, PARTNERS, EARLY, UTC) is None


def closed_in(*days: tuple[str, str]) -> PartnerPolicy:
    closures = [Closure(first=date.fromisoformat(first), last=date.fromisoformat(last)) for first, last in days]
    return partner(closures=tuple(closures))


def test_who_is_closed_is_waited_for_until_it_opens() -> None:
    request = asked(asked(requested(), "kyoto"), "tbilisi")
    christmas = {**PARTNERS, "warsaw": closed_in(("2026-12-20", "2027-01-03"), ("2027-01-04", "2027-01-06"))}
    at_christmas, after_it = date(2026, 12, 24), date(2027, 1, 7)

    assert rota.first_retry_day(request, POLICY, christmas, at_christmas, UTC) == after_it
    assert rota.first_retry_day(request, POLICY, christmas, after_it, UTC) is None, "it can be asked"
    assert rota.first_retry_day(request, POLICY, PARTNERS, at_christmas, UTC) is None, "another reason is in the way"


def test_who_is_closed_on_the_day_that_it_named_is_waited_for_longer() -> None:
    request = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    request = asked(asked(request, "kyoto"), "tbilisi")
    partners = {**PARTNERS, "warsaw": closed_in(("2026-03-18", "2026-03-22"))}

    assert rota.first_retry_day(request, POLICY, partners, date(2026, 3, 10), UTC) == date(2026, 3, 23)
    assert rota.first_retry_day(request, POLICY, partners, date(2026, 3, 20), UTC) == date(2026, 3, 23)

    passed = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 16))
    passed = asked(asked(passed, "kyoto"), "tbilisi")
    assert rota.first_retry_day(passed, POLICY, partners, date(2026, 3, 20), UTC) == date(2026, 3, 23)


@pytest.mark.parametrize(
    "changes",
    [{"roles": (PartnerRole.REQUESTER,)}, {"cost": price("30")}, {"closures": (Closure(first=EARLY, last=date.max),)}],
    ids=["no supplier", "too dear", "closed for good"],
)
def test_who_can_t_be_asked_after_its_closure_either_is_not_waited_for(changes: dict[str, Any]) -> None:
    request = asked(asked(requested(costs=RequestCosts(maximum=money("20"))), "kyoto"), "tbilisi")
    said = {"closures": (Closure(first=EARLY, last=date(2026, 3, 9)),), **changes}

    assert rota.first_retry_day(request, POLICY, {**PARTNERS, "warsaw": partner(**said)}, EARLY, UTC) is None


def test_the_first_of_several_retry_days_counts() -> None:
    request = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    request = asked(request, "kyoto", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 18))

    assert rota.first_retry_day(request, POLICY, PARTNERS, EARLY, UTC) == date(2026, 3, 18)
    assert rota.first_retry_day(request, POLICY, PARTNERS, date(2026, 3, 17), UTC) == date(2026, 3, 18)
    assert rota.first_retry_day(request, POLICY, PARTNERS, date(2026, 3, 18), UTC) == date(2026, 3, 20)
    request = asked(request, "tbilisi")
    choice = choose_next_line(request, POLICY, TEMPLATE, standings(), date(2026, 3, 18), UTC)
    assert [(line.partner, line.why) for line in choice.order] == [("kyoto", "asked us to retry from 2026-03-18")]


# --- ranking ---------------------------------------------------------------------------------------------


def test_each_reason_counts_by_its_weight_and_is_written_out() -> None:
    known = {"warsaw": PartnerStanding(open=4, mean_days=2.5, cost=Money(Decimal(10), "EUR"), reciprocity=2, near=True)}
    weights = Ranking(load=2, supply_time=1, cost=0.5, reciprocity=3, near=4)

    (line,) = rank_suppliers((RotaLine("warsaw"),), known, weights)

    assert line.why == "5.5 points (4 open +8, 2.5 days +2.5, costs 10 EUR +5, reciprocity 2 -6, same campus -4)"


def test_a_supplier_of_which_nothing_is_known_takes_as_long_as_the_library_assumes() -> None:
    weights = Ranking(load=1, supply_time=1, cost=1, near=4, unknown_days=5)

    (line,) = rank_suppliers((RotaLine("warsaw"),), {}, weights)

    assert line.why == "5 points (5 days assumed +5)"


def test_equal_ones_stay_in_their_order() -> None:
    lines = tuple(RotaLine(name) for name in NAMES)

    assert [line.partner for line in rank_suppliers(lines, {}, Ranking())] == list(NAMES)


def test_a_template_may_weigh_otherwise_than_the_library() -> None:
    now = standings(open_requests={"warsaw": 3}, kyoto=partner(cost=price("10")), tbilisi=partner(cost=price("10")))
    by_cost = RANKED.model_copy(update={"ranking": Ranking(load=0, cost=1)})

    assert name_of(choose_next_line(requested(), POLICY, RANKED, now, TODAY, UTC)) == "warsaw"  # 3 against 5
    assert (
        name_of(choose_next_line(requested(), RequestPolicy(ranking=UsualRanking(cost=0)), RANKED, now, TODAY, UTC))
        == "kyoto"
    )
    assert (
        name_of(choose_next_line(requested(), RequestPolicy(ranking=UsualRanking(cost=0)), by_cost, now, TODAY, UTC))
        == "warsaw"
    )


known_standings = st.builds(
    PartnerStanding,
    open=st.integers(0, 50),
    mean_days=st.none() | st.floats(0, 90),
    overloaded=st.booleans(),
    reciprocity=st.floats(0, 10),
    near=st.booleans(),
)


@given(
    st.dictionaries(st.sampled_from("abcdefghij"), known_standings),
    st.sets(st.sampled_from("abcdefghij")),
    st.randoms(use_true_random=False),
)
def test_a_ranking_is_total_and_does_not_depend_on_chance(
    known: dict[str, PartnerStanding], last: set[str], chance: random.Random
) -> None:
    lines = tuple(RotaLine(name, last_resort=name in last) for name in sorted(known))

    once = rank_suppliers(lines, known, Ranking(reciprocity=1, near=1))
    again = rank_suppliers(once, known, Ranking(reciprocity=1, near=1))

    assert sorted(line.partner for line in once) == sorted(known)
    assert once == again
    marks = [(line.last_resort, known[line.partner].overloaded) for line in once]
    assert marks == sorted(marks)
    mixed = list(lines)
    chance.shuffle(mixed)
    assert points_of(rank_suppliers(tuple(mixed), known, Ranking(reciprocity=1, near=1))) == points_of(once)


def points_of(lines: tuple[RotaLine, ...]) -> list[str]:
    return [line.why.partition(" (")[0] for line in lines]


# --- owning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "owns", "not_owns", "nobody_knows"),
    [
        (OnlyOwning.YES, True, False, False),
        (OnlyOwning.UNKNOWN_TOO, True, False, True),
        (OnlyOwning.NO, True, True, True),
    ],
)
def test_who_may_be_asked(rule: OnlyOwning, owns: bool, not_owns: bool, nobody_knows: bool) -> None:
    assert [rota.can_ask_supplier(rule, said) for said in (True, False, None)] == [owns, not_owns, nobody_knows]


# --- words and defaults ----------------------------------------------------------------------------------


def test_the_first_rule_that_fits_gives_the_rota() -> None:
    policy = RequestPolicy.model_validate(
        {
            "rotas": {"far": {"lines": [{"partner": "kyoto"}]}, "near": {"lines": [{"partner": "warsaw"}]}},
            "rules": [{"services": ["copy"], "rota": "far"}],
            "default_rota": "near",
        }
    )
    assert rota.choose_rota(requested(), policy) == "near"
    assert rota.choose_rota(requested(service=RequestedService(ServiceType.COPY)), policy) == "far"
    assert rota.choose_rota(requested(), RequestPolicy()) == ""


@pytest.mark.parametrize(
    ("branch", "campus", "near"), [("SCI", "NORTH", True), ("SCI", "south", False), ("", "", False)]
)
def test_who_is_on_the_campus_of_the_request_is_near(branch: str, campus: str, near: bool) -> None:
    policy = RequestPolicy(campuses={"north": ("SCI",)})
    known = rota.partner_standing(partner(campus=campus), requested(branch=branch), policy, TODAY)
    assert (known.near, known.open) == (near, 0)
    (line,) = rank_suppliers((RotaLine("warsaw"),), {"warsaw": known}, Ranking(near=4))
    assert ("same campus -4" in line.why) is near


def test_who_is_overloaded_comes_last_and_it_is_said() -> None:
    policy = RequestPolicy(overload=OverloadRule(max_open=2, then="last"))
    now = standings(policy=policy, open_requests={"warsaw": 2})
    choice = choose_next_line(requested(), policy, TEMPLATE, now, TODAY, UTC)
    assert [(line.partner, line.why) for line in choice.order] == [
        ("kyoto", "in rota order"),
        ("tbilisi", "in rota order"),
        ("warsaw", "overloaded, so moved to the end"),
    ]


def test_a_retry_day_is_one_of_the_library_s_zone_where_suppliers_are_chosen() -> None:
    policy = RequestPolicy(retry_later=RetryLater(longest_days=17))
    request = asked(requested(), "warsaw", status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    request = asked(asked(request, "kyoto"), "tbilisi")
    first, *others = request.attempts

    def choose_why(zone: str, asked_at: datetime) -> str:
        there = replace(request, attempts=(replace(first, asked=asked_at), *others))
        choice = choose_next_line(there, policy, TEMPLATE, standings(), date(2026, 3, 20), ZoneInfo(zone))
        return choice.line.why if choice.line is not None else ""

    morning, evening = datetime(2026, 3, 3, 4, 0, tzinfo=UTC), datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    assert choose_why("UTC", morning) == "asked us to retry from 2026-03-20"
    assert choose_why("America/Los_Angeles", morning) == "", "asked on the 2nd there, so the 19th is the last day"
    assert choose_why("UTC", evening) == ""
    assert choose_why("Asia/Tokyo", evening) == "asked us to retry from 2026-03-20", "asked on the 3rd there"


def test_a_copy_that_costs_exactly_the_highest_price_is_asked_for() -> None:
    costly = partner(cost=price("12"), copy_cost=price("8"), cost_limit=price("8"))
    assert rota.profile_objection(costly, requested(service=RequestedService(ServiceType.COPY))) == ""
    assert rota.profile_objection(costly, requested()) == (
        "costs 12 EUR, more than the maximum for this partner (8 EUR)"
    )


def test_those_to_ask_again_are_ranked_and_passed_over_like_all_others() -> None:
    request = requested()
    for name in NAMES:
        request = asked(request, name, status=AttemptStatus.RETRY, retry_after=date(2026, 3, 20))
    policy = RequestPolicy(overload=OverloadRule(max_open=10, then="skip"))
    now = standings(policy=policy, open_requests={"warsaw": 12, "kyoto": 5, "tbilisi": 1})

    choice = choose_next_line(request, policy, RANKED, now, date(2026, 3, 20), UTC)

    assert [line.partner for line in choice.order] == ["tbilisi", "kyoto"]
    assert [(line.partner, line.why) for line in choice.skipped] == [("warsaw", "overloaded: 12 open requests")]


def test_a_partner_stands_with_its_speed_and_what_it_owes() -> None:
    known = rota.partner_standing(partner(reciprocity=2.5), requested(), POLICY, TODAY, mean_days=4.5)
    assert (known.mean_days, known.reciprocity) == (4.5, 2.5)


def test_a_ranking_says_why_somebody_comes_last_whatever_its_points() -> None:
    lines = (RotaLine("warsaw", last_resort=True), RotaLine("kyoto"))
    known = {"warsaw": PartnerStanding(overloaded=True), "kyoto": PartnerStanding(open=3)}
    ranked = rank_suppliers(lines, known, Ranking(load=1, supply_time=0))
    assert [(line.partner, line.why) for line in ranked] == [
        ("kyoto", "3 points (3 open +3)"),
        ("warsaw", "last resort, overloaded, 0 points (no ranking points)"),
    ]


def test_a_rota_s_highest_price_is_compared_with_that_of_the_service() -> None:
    line = TemplateLine(partner="warsaw", max_cost=price("10"))
    costly = partner(cost=price("12"), copy_cost=price("8"))
    assert rota.rota_objection(line, costly, requested(service=RequestedService(ServiceType.COPY))) == ""
    assert rota.rota_objection(line, costly, requested()) == (
        "costs 12 EUR, more than the maximum for this rota (10 EUR)"
    )


# --- holders that a union catalogue shows ----------------------------------------------------------------


def test_of_the_lines_of_a_union_catalogue_those_of_holders_stay() -> None:
    union = {name: RotaLine(name, catalogue="union") for name in NAMES}
    asks = RotaLine("lagos", RotaLineStatus.SKIPPED, "asks for it", catalogue="union")
    other = RotaLine("lima", catalogue="another")
    shown = [
        ShownLocation("WAW", "warsaw", False, "reference only"),
        ShownLocation("WAW-2", "warsaw", True, "on shelf"),
        ShownLocation("WAW-3", "warsaw", False, "rare book"),
        ShownLocation("TBS", "tbilisi", False, "reference only"),
        ShownLocation("LOS", "lagos", False, "rare book"),
        ShownLocation("OSL", "", True, "on shelf"),
        ShownLocation("OSL", "", True, "on shelf, too"),
    ]

    kept = keep_holders((*union.values(), asks, other), "union", shown)

    assert kept == (
        RotaLine("warsaw", held="on shelf"),
        RotaLine(
            "tbilisi", RotaLineStatus.SKIPPED, "holds it but does not lend it (reference only)", held="reference only"
        ),
        RotaLine("lagos", RotaLineStatus.SKIPPED, "asks for it", held="rare book"),
        other,
        RotaLine("OSL", RotaLineStatus.SKIPPED, "union shows holdings there, but it is not a partner"),
    )
