"""An offer to supply on other terms stands until somebody decides; what a broker is told, so that it goes on."""

from __future__ import annotations

import pytest

from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.events import LoanCondition, NamedSupplier, ReasonCodes
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import AttemptStatus as A
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.request import LendingState as L
from gateway.domain.requests.request import LoanTerms, RequestCosts, RequestFlag
from gateway.domain.requests.state_table import FollowUp, TimerKind
from tests.support.requests import Story, asked_story, borrowing, follow_ups, lending, money, told, workflow

ELM = NamedSupplier(symbol="ELM", name="Elm Library")
BROKER = workflow(borrowing={"asks_others": True})
DIRECT = Workflow()
PRICE = {"reason": ReasonCodes.COST.value, "cost": money("35.00", "USD")}
CONDITION = {"reason": ReasonCodes.POLICY.value, "conditions": (LoanCondition.NO_REPRODUCTION,)}
RECORD = {"reason": ReasonCodes.NOT_FOUND_AS_CITED.value, "barcode": "REC-7"}
ON_LOAN = {"reason": ReasonCodes.ON_LOAN.value}


def story_at(rules: Workflow) -> Story:
    story = asked_story(borrowing(costs=RequestCosts(money("20.00"))), rules)
    story.partner(K.EXPECT_TO_SUPPLY, 1, supplier=ELM)
    return story


@pytest.mark.parametrize(
    ("rules", "offer", "stands"),
    [
        (DIRECT, PRICE, True),
        (DIRECT, CONDITION, True),
        (DIRECT, RECORD, True),
        (DIRECT, ON_LOAN, False),
        (workflow(borrowing={"conditions": "refuse"}), PRICE, False),
        (BROKER, PRICE, True),
        (BROKER, CONDITION, True),
        (BROKER, RECORD, True),
        (BROKER, ON_LOAN, True),
    ],
    ids=str,
)
def test_an_offer_stands_where_somebody_can_decide_on_it(
    rules: Workflow, offer: dict[str, object], stands: bool
) -> None:
    story = story_at(rules)
    answered = story.partner(K.RETRY, 1, **offer)
    assert (story.state, story.statuses) == ((B.CONDITIONAL, (A.OFFERED,)) if stands else (B.SOURCING, (A.RETRY,)))
    assert follow_ups(answered) == ((FollowUp.DECIDE_CONDITION,) if stands else (FollowUp.FIND_SUPPLIER,))


@pytest.mark.parametrize("rules", [DIRECT, BROKER], ids=["direct", "broker"])
def test_who_accepts_an_offer_asks_the_same_supplier_again(rules: Workflow) -> None:
    story = story_at(rules)
    story.partner(K.RETRY, 1, **PRICE | CONDITION)
    accepted = story.us(K.CONDITION_ACCEPTED)
    assert (story.state, told(accepted), follow_ups(accepted)) == (B.SOURCING, (), (FollowUp.FIND_SUPPLIER,))
    assert story.request.rota[1].partner == "warsaw"
    assert story.request.rota[1].by_hand, "before all others"
    (asked,) = story.request.attempts
    assert (asked.status, asked.agreed, asked.agreed_by) == (A.RETRY, money("35.00", "USD"), "staff:ana")


@pytest.mark.parametrize(
    ("offer", "says"),
    [(PRICE, K.CANCEL), (ON_LOAN, K.CANCEL)],
    ids=["price", "on loan"],
)
def test_a_broker_is_told_of_a_declined_offer_by_a_cancel_to_its_supplier(offer: dict[str, object], says: K) -> None:
    story = story_at(BROKER)
    story.partner(K.RETRY, 1, **offer)
    declined = story.us(K.CONDITION_REFUSED)
    assert story.state is B.REQUESTED
    assert [(one.kind, one.supplier) for one in declined.told] == [(says, ELM)]
    (asked,) = story.request.attempts
    assert (asked.status, asked.supplier, asked.cost, asked.declined) == (A.ASKED, NamedSupplier(), None, "ELM")
    assert TimerKind.ANSWER in story.running


@pytest.mark.parametrize("is_named", [False, True])
def test_a_broker_s_answer_to_a_declined_offer_is_no_new_offer(is_named: bool) -> None:
    """It says in which state the request is there: still that of the offer. Who names no supplier has ended all."""
    story = story_at(BROKER) if is_named else asked_story(borrowing(), BROKER)
    story.partner(K.RETRY, 1, **ON_LOAN)
    story.us(K.CONDITION_REFUSED)
    story.partner(K.CANCEL_ACCEPTED, 1, reported=K.RETRY, status_counts=True)
    assert story.state is (B.REQUESTED if is_named else B.SOURCING)


@pytest.mark.parametrize("by_timer", [False, True], ids=["staff", "nobody in time"])
def test_a_condition_behind_a_broker_is_declined_at_its_supplier(by_timer: bool) -> None:
    story = story_at(BROKER)
    story.partner(K.CONDITIONAL, 1, cost=money("25.00"), conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    declined = story.timer(TimerKind.ANSWER) if by_timer else story.us(K.CONDITION_REFUSED)
    assert [(one.kind, one.supplier) for one in declined.told] == [(K.CONDITION_REFUSED, ELM)]
    assert (story.state, story.request.costs) == (B.REQUESTED, RequestCosts(money("20.00")))
    assert story.request.terms == LoanTerms(), "the next supplier begins without it"
    assert story.request.attempts[0].conditions == ()
    story.partner(K.CANCEL_ACCEPTED, 1, supplier=ELM)
    assert (story.state, story.statuses) == (B.REQUESTED, (A.ASKED,)), "it answers for the declined supplier alone"
    story.partner(K.CANCEL_ACCEPTED, 1)
    assert story.state is B.SOURCING, "the broker has ended all"


def test_one_supplier_behind_a_broker_is_skipped_and_the_request_is_cancelled_at_the_broker() -> None:
    story = story_at(BROKER)
    story.partner(K.WILL_SUPPLY, 1)
    skipped = story.us(K.NEXT_SUPPLIER)
    assert (story.state, [(one.kind, one.supplier) for one in skipped.told]) == (B.REQUESTED, [(K.CANCEL, ELM)])
    cancelled = story.us(K.CANCEL)
    assert (story.state, [(one.kind, one.supplier) for one in cancelled.told]) == (
        B.CANCEL_PENDING,
        [(K.CANCEL, None)],
    )


def test_a_broker_is_told_where_nobody_wants_it_any_more() -> None:
    story = story_at(BROKER)
    story.us(K.CANCEL)
    story.partner(K.CANCEL_REFUSED, 1)
    assert RequestFlag.UNWANTED in story.request.flags
    ended = story.partner(K.RETRY, 1, **PRICE)
    assert (story.state, told(ended)) == (B.CANCELLED, ((K.CANCEL, 1),))


@pytest.mark.parametrize(
    ("act", "state"),
    [(K.CANCEL, B.CANCEL_PENDING), (K.EXPIRED, B.CANCEL_PENDING), (K.NEXT_SUPPLIER, B.REQUESTED)],
    ids=str,
)
def test_a_broker_whose_offer_stands_is_told_of_its_end(act: K, state: B) -> None:
    story = story_at(BROKER)
    story.partner(K.RETRY, 1, **PRICE)
    ended = story.late_timer(act) if act is K.EXPIRED else story.us(act)
    assert (story.state, told(ended)) == (state, ((K.CANCEL, 1),))


@pytest.mark.parametrize("is_looked_for", [True, False], ids=["sourcing", "no supplier"])
@pytest.mark.parametrize("act", [K.CANCEL, K.CLOSE, K.EXPIRED], ids=str)
def test_a_broker_that_waits_to_be_asked_again_is_told_that_it_will_not_be(act: K, is_looked_for: bool) -> None:
    for rules, says in ((BROKER, ((K.CANCEL, 1),)), (DIRECT, ())):
        story = story_at(rules)
        story.partner(K.RETRY, 1, **PRICE)
        story.us(K.CONDITION_ACCEPTED)
        if not is_looked_for:
            story.us(K.NO_SUPPLIER)
        ended = story.late_timer(act) if act is K.EXPIRED else story.us(act)
        assert (story.request.open, told(ended)) == (False, says)


@pytest.mark.parametrize("act", [K.CONDITION_REFUSED, K.NEXT_SUPPLIER, K.CANCEL], ids=str)
def test_a_direct_supplier_has_ended_its_request_with_the_offer(act: K) -> None:
    story = story_at(DIRECT)
    story.partner(K.RETRY, 1, **PRICE)
    assert told(story.us(act)) == ()
    assert story.state is (B.CANCELLED if act is K.CANCEL else B.SOURCING)


def test_the_answer_to_a_declined_condition_leaves_it_declined() -> None:
    story = story_at(DIRECT)
    story.partner(K.CONDITIONAL, 1, conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    story.us(K.CONDITION_REFUSED)
    story.partner(K.CANCEL_ACCEPTED, 1)
    assert (story.state, story.statuses) == (B.SOURCING, (A.CONDITION_REFUSED,))


# --- we lend ---------------------------------------------------------------------------------------------


def test_a_condition_that_is_declined_by_a_cancel_gets_its_answer() -> None:
    story = Story(lending())
    story.us(K.CONDITIONAL, cost=money("12.00"), conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    declined = story.partner(K.CONDITION_REFUSED, by_cancel=True)
    assert (story.state, told(declined)) == (L.UNFILLED, ((K.CANCEL_ACCEPTED, 0),))
    assert (story.request.costs, story.request.terms.conditions) == (RequestCosts(), ())


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (L.NEW, K.CANCEL_ACCEPTED),
        (L.WILL_SUPPLY, K.CANCEL_ACCEPTED),
        (L.SHIPPED, K.CANCEL_REFUSED),
        (L.UNFILLED, K.CANCEL_ACCEPTED),
        (L.COMPLETED, K.CANCEL_REFUSED),
    ],
    ids=str,
)
def test_a_cancel_with_words_of_refusal_is_a_cancel_where_no_condition_is_open(state: L, answer: K) -> None:
    story = Story(lending(state))
    assert told(story.partner(K.CONDITION_REFUSED, by_cancel=True)) == ((answer, 0),)
