"""Limit, offer and agreed sum are three things: which price is a question, and that nobody agrees unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.library import Money
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import EventOrigin, EventSignal, LoanCondition
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import RequestCosts, RequestFlag
from gateway.domain.requests.state_machine import Denied, compute_transition
from gateway.domain.requests.task_lists import list_task_names
from tests.support.requests import Story, asked_story, borrowing, event, lending, money

LIMIT = money("20.00")
ASKING = (K.WILL_SUPPLY, K.EXPECT_TO_SUPPLY, K.HOLD_PLACED, K.ACKNOWLEDGED)


def story_with(maximum: Money | None) -> Story:
    return asked_story(borrowing(costs=RequestCosts(maximum)))


# --- what an offer means ---------------------------------------------------------------------------------

PRICES: tuple[tuple[str, Money | None, Money, bool, Money | None], ...] = (
    # name, limit, price, whether it is a question, what is agreed beforehand
    ("within", LIMIT, money("20.00"), False, money("20.00")),
    ("other decimals", LIMIT, money("20.000"), False, money("20.000")),
    ("above", LIMIT, money("20.01"), True, None),
    ("another currency", LIMIT, money("5.00", "USD"), True, None),
    ("nothing", LIMIT, money("0", "USD"), False, None),
    ("no limit set", None, money("20.00"), False, None),
)


@pytest.mark.parametrize("kind", ASKING)
@pytest.mark.parametrize(("name", "maximum", "price", "asks", "agreed"), PRICES, ids=[row[0] for row in PRICES])
def test_a_price_above_the_limit_is_a_question_whatever_status_word_it_has(
    kind: K, name: str, maximum: Money | None, price: Money, asks: bool, agreed: Money | None
) -> None:
    story = story_with(maximum)
    told = story.partner(kind, 1, cost=price)
    assert (story.state is B.CONDITIONAL) is asks
    assert (told.event.kind is K.CONDITIONAL) is asks
    assert story.request.costs == RequestCosts(
        maximum, agreed=agreed, offered=price, agreed_by="limit" if agreed is not None else ""
    )


def test_a_price_where_a_yes_is_asked_for_is_not_covered_by_the_limit() -> None:
    story = story_with(LIMIT)
    story.partner(K.CONDITIONAL, 1, cost=money("5.00"))
    assert story.state is B.CONDITIONAL
    assert story.request.costs == RequestCosts(LIMIT, offered=money("5.00"))


def test_the_profile_limits_a_supplier_beside_the_request() -> None:
    story = story_with(LIMIT)
    (asked,) = story.request.attempts
    story.request = replace(story.request, attempts=(replace(asked, cost_limit=money("8.00")),))
    story.partner(K.WILL_SUPPLY, 1, cost=money("9.00"))
    assert story.state is B.CONDITIONAL
    assert story.request.costs.agreed is None


def test_a_yes_covers_what_was_asked_for_and_no_more() -> None:
    story = story_with(LIMIT)
    story.partner(K.WILL_SUPPLY, 1, cost=money("30.00"))
    story.us(K.CONDITION_ACCEPTED)
    yes = RequestCosts(LIMIT, agreed=money("30.00"), offered=money("30.00"), agreed_by="staff:ana")
    assert (story.state, story.request.costs) == (B.WILL_SUPPLY, yes)
    story.partner(K.WILL_SUPPLY, 1, cost=money("30.00"))
    assert (story.state, story.request.costs) == (B.WILL_SUPPLY, yes), "the same once more is no question"
    story.partner(K.WILL_SUPPLY, 1, cost=money("31.00"))
    assert (story.state, story.request.costs.agreed) == (B.CONDITIONAL, money("30.00"))


def test_a_condition_that_is_refused_leaves_nothing_behind() -> None:
    story = story_with(LIMIT)
    story.partner(K.CONDITIONAL, 1, cost=money("30.00"), conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    story.us(K.CONDITION_REFUSED)
    assert story.request.costs == RequestCosts(LIMIT)
    assert story.request.terms.conditions == ()


def test_the_next_supplier_begins_without_what_was_agreed_with_the_last() -> None:
    story = story_with(LIMIT)
    story.partner(K.WILL_SUPPLY, 1, cost=money("30.00"))
    story.us(K.CONDITION_ACCEPTED)
    story.partner(K.UNFILLED, 1)
    story.ask("kyoto")
    assert story.request.costs == RequestCosts(LIMIT)
    story.partner(K.WILL_SUPPLY, 2, cost=money("30.00"))
    assert story.state is B.CONDITIONAL, "the yes was to another"


UNREAD = {"note": "Cost: 12 kr", "conditions": (LoanCondition.COST,)}


@pytest.mark.parametrize("kind", ASKING)
@pytest.mark.parametrize(("maximum", "asks"), [(LIMIT, True), (None, False)], ids=["a limit", "none"])
def test_a_price_that_nobody_can_read_lies_within_no_limit(kind: K, maximum: Money | None, asks: bool) -> None:
    story = story_with(maximum)
    told = story.partner(kind, 1, **UNREAD)
    assert (told.event.kind is K.CONDITIONAL, story.state is B.CONDITIONAL) == (asks, asks)
    assert story.request.costs == RequestCosts(maximum)


def test_the_yes_to_a_price_that_nobody_can_read_is_to_its_words() -> None:
    story = story_with(LIMIT)
    story.partner(K.WILL_SUPPLY, 1, cost=money("5.00"))
    story.partner(K.WILL_SUPPLY, 1, **UNREAD)
    assert (story.state, story.request.costs.offered) == (B.CONDITIONAL, None), "the sum of before is asked no more"
    story.us(K.CONDITION_ACCEPTED)
    assert (story.state, story.request.costs.agreed) == (B.WILL_SUPPLY, money("5.00"))
    story.partner(K.WILL_SUPPLY, 1, **UNREAD)
    assert story.state is B.WILL_SUPPLY, "the same once more is no question"
    story.partner(K.WILL_SUPPLY, 1, **UNREAD | {"note": "Cost: 13 kr"})
    assert story.state is B.CONDITIONAL


# --- what was sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [K.SHIPPED, K.COPY_DELIVERED])
@pytest.mark.parametrize(
    ("price", "warned"),
    [
        (money("20.00"), False),
        (money("20.01"), True),
        (money("1.00", "USD"), True),
        (money("0.00", "USD"), False),
    ],
    ids=str,
)
def test_what_was_sent_too_dear_is_on_a_list(kind: K, price: Money, warned: bool) -> None:
    story = story_with(LIMIT)
    story.partner(kind, 1, cost=price, link="https://copies.example/1")
    assert story.state is (B.SHIPPED if kind is K.SHIPPED else B.COMPLETED), "it is on its way all the same"
    assert (RequestFlag.PRICE_OPEN in story.request.flags) is warned
    assert ("price-to-check" in list_task_names(story.request)) is warned
    assert story.request.costs == RequestCosts(LIMIT, charged=price)
    if warned:
        told = story.us(K.CONDITION_ACCEPTED).told
        assert told == ()
        assert story.request.costs == RequestCosts(LIMIT, agreed=price, charged=price, agreed_by="staff:ana")
        assert "price-to-check" not in list_task_names(story.request)
    story.no_us(K.CONDITION_ACCEPTED)


def test_what_was_sent_without_waiting_for_the_yes_is_on_the_list() -> None:
    story = story_with(LIMIT)
    story.partner(K.CONDITIONAL, 1, cost=money("5.00"))
    story.partner(K.SHIPPED, 1, cost=money("5.00"))
    assert RequestFlag.PRICE_OPEN in story.request.flags


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("kind", [K.SHIPPED, K.COPY_DELIVERED])
def test_what_was_sent_at_a_price_that_nobody_can_read_is_on_the_list(kind: K, is_known: bool) -> None:
    story = story_with(LIMIT)
    if is_known:
        story.partner(K.WILL_SUPPLY, 1, **UNREAD)
        story.us(K.CONDITION_ACCEPTED)
    story.partner(kind, 1, **UNREAD)
    assert ("price-to-check" in list_task_names(story.request)) is not is_known


def test_what_was_agreed_may_be_charged() -> None:
    story = story_with(LIMIT)
    story.partner(K.CONDITIONAL, 1, cost=money("30.00"))
    story.us(K.CONDITION_ACCEPTED)
    story.partner(K.SHIPPED, 1, cost=money("30.00"))
    assert RequestFlag.PRICE_OPEN not in story.request.flags


# --- we lend ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ({}, True),
        ({"cost": money("12.00")}, True),
        ({"maximum_cost": money("15.00")}, True),
        ({"cost": money("11.00")}, False),
        ({"maximum_cost": money("11.99")}, False),
        ({"maximum_cost": money("12.00", "USD")}, False),
    ],
    ids=str,
)
def test_a_requesters_yes_has_to_cover_what_we_ask_for(said: dict[str, Money], agreed: bool) -> None:
    story = Story(lending())
    story.us(K.CONDITIONAL, cost=money("12.00"))
    assert story.request.costs == RequestCosts(offered=money("12.00"))
    story.partner(K.CONDITION_ACCEPTED, **said)
    assert story.state is (L.WILL_SUPPLY if agreed else L.CONDITIONAL)
    by = "partner:ISIL:PL-WaUW" if agreed else ""
    assert story.request.costs == RequestCosts(
        offered=money("12.00"), agreed=money("12.00") if agreed else None, agreed_by=by
    )


@pytest.mark.parametrize(("maximum", "by"), [(LIMIT, "limit"), (money("11.00"), ""), (None, "")], ids=str)
def test_our_promise_is_agreed_within_the_requesters_limit_alone(maximum: Money | None, by: str) -> None:
    story = Story(lending(costs=RequestCosts(maximum)))
    story.us(K.WILL_SUPPLY, cost=money("12.00"))
    agreed = money("12.00") if by else None
    assert story.request.costs == RequestCosts(maximum, offered=money("12.00"), agreed=agreed, agreed_by=by)


# --- always ----------------------------------------------------------------------------------------------

SUMS = (money("5.00"), money("20.00"), money("30.00"), money("5.00", "USD"), None)
SUPPLIER = (*ASKING, K.CONDITIONAL, K.RETRY, K.UNFILLED, K.SHIPPED, K.MESSAGE, K.CANCEL_REFUSED, K.DAMAGED, K.OVERDUE)
ASKING_A_PRICE = (*ASKING, K.CONDITIONAL, K.RETRY, K.SHIPPED)
OURS = (K.CONDITION_ACCEPTED, K.CONDITION_REFUSED, K.NEXT_SUPPLIER, K.CANCEL, K.RECEIVED, K.REQUEST)
HAPPENINGS = st.one_of(
    st.tuples(st.just("partner"), st.sampled_from(SUPPLIER), st.sampled_from(SUMS)),
    st.tuples(st.just("us"), st.sampled_from(OURS), st.sampled_from(SUMS)),
)


def test_a_price_that_asks_for_nothing_is_not_what_staff_say_yes_to() -> None:
    story = story_with(LIMIT)
    story.partner(K.CONDITIONAL, 1, cost=money("30.00"))
    for kind in (K.CANCEL_REFUSED, K.EXPECT_TO_SUPPLY, K.DAMAGED):
        story.partner(kind, 1, cost=money("5.00"))
    (asked,) = story.request.attempts
    assert asked.cost == story.request.costs.offered == money("30.00")
    story.us(K.CONDITION_ACCEPTED)
    assert story.request.costs.agreed == money("30.00")


@given(maximum=st.sampled_from((LIMIT, money("5.00", "USD"), None)), happenings=st.lists(HAPPENINGS, max_size=14))
def test_no_sum_is_ever_agreed_that_nobody_agreed(
    maximum: Money | None, happenings: list[tuple[str, K, Money | None]]
) -> None:
    """A model that knows three things alone: the limit, what this supplier has asked for, and what was said yes to."""
    story = story_with(maximum)
    heard: Money | None = None
    yes: set[Money] = set()
    for origin, kind, price in happenings:
        if kind is K.REQUEST:
            if story.state is B.SOURCING:
                story.ask("kyoto")
                heard, yes = None, set()
            continue
        signal = EventSignal(EventOrigin(origin), kind)
        said = event(signal, story.at, story.request.current, cost=price)
        outcome = compute_transition(story.request, said, story.workflow)
        if isinstance(outcome, Denied):
            continue
        story.request = outcome.request
        if origin == "partner" and price is not None and kind in ASKING_A_PRICE and not outcome.kept:
            heard = price
        if story.state is B.CONDITIONAL and story.request.attempt is not None:
            shown = story.request.attempt.cost
            assert shown == story.request.costs.offered, "staff say yes to the sum that they see"
        if kind is K.CONDITION_ACCEPTED and (accepted := price or heard) is not None:
            yes.add(accepted)
        agreed = story.request.costs.agreed
        if agreed is None:
            continue
        in_limit = maximum is not None and (agreed.currency, agreed.amount <= maximum.amount) == (
            maximum.currency,
            True,
        )
        by_limit = story.request.costs.agreed_by == "limit"
        assert in_limit if by_limit else agreed in yes
