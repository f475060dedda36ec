"""What an event of one leg of a brokered request does on the other: by table."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests import brokered_requests as rules
from gateway.domain.requests.brokered_requests import PastBroker, list_carry_rules
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    BROKER,
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    LoanCondition,
    NamedSupplier,
    ShippedItem,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    BrokeredDelivery,
    LendingState,
    LibraryParty,
    LoanTerms,
    OtherLeg,
    Request,
    RequestCosts,
    RequestFlag,
    Role,
)
from gateway.domain.requests.state_machine import TABLES, Denied, Transition, compute_transition
from gateway.domain.requests.state_table import FollowUp, ForbiddenCell, TimerKind
from gateway.domain.requests.task_lists import list_task_names
from tests.support.requests import (
    BOOK,
    DUE,
    START,
    Story,
    asked_story,
    borrowing,
    copy_of,
    event,
    follow_ups,
    in_volumes,
    lending,
    money,
    shipped_story,
    told,
    workflow,
)

K, B, L = EventKind, BorrowingState, LendingState
ZONE = ZoneInfo("Europe/Tallinn")


def brokered(request: Request, delivery: BrokeredDelivery = BrokeredDelivery.DIRECT) -> Request:
    party = LibraryParty(symbol="ISIL:EE-TTU", name="Tartu Ülikooli Raamatukogu", address="Struve 1\n50091 Tartu")
    return replace(request, other_leg=OtherLeg(request_id="r-0002", number="X-2", delivery=delivery, party=party))


def acts_of(transition: Transition) -> list[tuple[EventKind, ...]]:
    return [rule.acts for rule in list_carry_rules(transition)]


# --- the table -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_every_event_of_a_partner_is_carried_or_has_a_reason_why_not(role: Role) -> None:
    table = TABLES[role]
    partners = {signal for signal in table.signals if signal.origin is EventOrigin.PARTNER}
    carried = {signal for side, signal in rules.CARRIED if side is role and signal.origin is EventOrigin.PARTNER}
    kept = {partner_signal(kind) for kind, entry in EVENT_CATALOGUE.items() if role in entry.stays}
    assert partners == carried | kept
    assert not carried & kept


@pytest.mark.parametrize(("key", "found"), rules.CARRIED.items(), ids=lambda one: str(one)[:60])
def test_the_other_side_knows_each_act(key: tuple[Role, object], found: tuple[rules.CarryRule, ...]) -> None:
    other, own = (TABLES[role] for role in (_other_role(key[0]), key[0]))
    for rule in found:
        for kind in (*rule.acts, *filter(None, (rule.missed_act, rule.fallback))):
            assert _is_known(other, kind), kind
        for kind in filter(None, (rule.own_refusal, rule.own_ending)):
            assert _is_known(own, kind), kind


def _other_role(role: Role) -> Role:
    return Role.LENDING if role is Role.BORROWING else Role.BORROWING


def _is_known(table: object, kind: EventKind) -> bool:
    return any(
        not isinstance(table.find_cell(state, local_signal(kind)), ForbiddenCell)  # type: ignore[attr-defined]
        for state in table.states  # type: ignore[attr-defined]
    )


# --- what is carried -------------------------------------------------------------------------------------


def test_a_request_that_we_do_not_broker_carries_nothing() -> None:
    assert acts_of(shipped_story().us(K.LOST)) == []


def test_a_supplier_that_ships_is_told_to_the_requester() -> None:
    story = asked_story(brokered(borrowing()))
    assert acts_of(story.partner(K.SHIPPED, 1, due=DUE)) == [(K.SHIPPED, K.COPY_DELIVERED)]


@pytest.mark.parametrize("who", ["us", "partner"])
def test_a_settled_loss_is_handed_on_as_that_and_as_no_other_end(who: str) -> None:
    story = shipped_story(brokered(borrowing()))
    story.partner(K.LOST, 1)
    settled = story.us(K.SETTLED) if who == "us" else story.partner(K.SETTLED, 1)
    assert acts_of(settled) == [(K.SETTLED,)]


def test_what_comes_by_us_is_shipped_when_we_have_it() -> None:
    story = asked_story(brokered(borrowing(), BrokeredDelivery.BROKER))
    assert acts_of(story.partner(K.SHIPPED, 1, due=DUE)) == [(K.WILL_SUPPLY,)]
    received = story.us(K.RECEIVED, note="Karton ist eingedrückt, bei uns aufheben")
    (rule,) = list_carry_rules(received)
    details = rules.carry_details(received.event, received.request, 3, START.date())
    assert (rule.acts, details.due) == ((K.SHIPPED,), date(2026, 4, 7))
    assert details.note == "", "what staff note is not for the requester"


@pytest.mark.parametrize(("scanned", "barcode"), [("", "KYO-1"), ("KYO-1", "KYO-1"), ("label-7", "label-7")])
def test_what_comes_by_us_is_named_as_its_supplier_did(scanned: str, barcode: str) -> None:
    story = asked_story(brokered(borrowing(), BrokeredDelivery.BROKER))
    story.partner(K.SHIPPED, 1, items=(ShippedItem("KYO-1", "Bd. 1", "P 2"),))
    received = story.us(K.RECEIVED, barcode=scanned)
    details = rules.carry_details(received.event, received.request, 3, START.date())
    assert [(one.barcode, one.call_number) for one in details.items] == [(barcode, "P 2")]


def test_what_staff_note_when_it_goes_back_by_us_is_not_for_the_supplier() -> None:
    request = brokered(lending(L.RETURNED), BrokeredDelivery.BROKER)
    back = compute_transition(request, event(local_signal(K.CHECKED_IN), note="Ecke beschädigt?"), workflow())
    assert isinstance(back, Transition)
    assert acts_of(back) == [(K.RETURNED,)]
    assert rules.carry_details(back.event, back.request, 3, START.date()).note == ""


def test_what_is_done_because_of_the_other_leg_is_not_carried_back() -> None:
    request = brokered(lending(L.SHIPPED))
    recalled = compute_transition(request, replace(event(local_signal(K.RECALL)), actor=BROKER), workflow())
    assert isinstance(recalled, Transition)
    assert acts_of(recalled) == []


def test_a_supplier_whose_turn_is_over_speaks_for_nobody() -> None:
    story = asked_story(brokered(borrowing()))
    story.partner(K.UNFILLED, 1)
    story.ask("kyoto")
    assert acts_of(story.partner(K.MESSAGE, 1, note="zu spät")) == []
    assert acts_of(story.partner(K.MESSAGE, 2, note="間もなく")) == [(K.MESSAGE,)]


@pytest.mark.parametrize("promise", [K.WILL_SUPPLY, K.HOLD_PLACED, K.CONDITIONAL])
@pytest.mark.parametrize("leave", ["unfilled", "retry", "next-supplier"])
def test_a_promise_ends_with_its_supplier_on_both_legs(promise: EventKind, leave: str) -> None:
    story = asked_story(brokered(borrowing()))
    story.partner(promise, 1, cost=money("9.00"), conditions=(LoanCondition.LIBRARY_USE_ONLY,))
    by_partner = leave != "next-supplier"
    left = story.partner(K(leave), 1, reason="on-loan") if by_partner else story.us(K.NEXT_SUPPLIER)
    assert acts_of(left) == [(K.BROKERED,)]
    said = rules.carry_details(left.event, left.request, 3, START.date())
    details = rules.fit_details(K.BROKERED, said, ZONE, K(leave))
    assert details == EventDetails(reason="on-loan" if by_partner else "")
    promised = lending(
        L(promise.value),
        terms=LoanTerms(conditions=(LoanCondition.LIBRARY_USE_ONLY,), note="ours"),
        costs=RequestCosts(maximum=money("20.00"), offered=money("9.00"), agreed=money("9.00"), agreed_by="limit"),
    )
    anew = replace(event(local_signal(K.BROKERED), reason=details.reason), actor=BROKER)
    after = compute_transition(brokered(promised), anew, workflow())
    assert isinstance(after, Transition)
    assert (after.request.state, told(after)) == (L.NEW, ((K.MESSAGE, 0),))
    assert (after.request.terms, after.request.costs) == (LoanTerms(note="ours"), RequestCosts(money("20.00")))
    by_hand = compute_transition(brokered(promised), event(local_signal(K.BROKERED)), workflow())
    assert isinstance(by_hand, Denied), "nobody does it by hand"


@pytest.mark.parametrize("end", [K.LOST, K.CHECKED_IN])
def test_a_promise_ends_with_what_does_not_come_to_us(end: EventKind) -> None:
    """It had been promised to the requester, who hears that it is shipped only when we have it."""
    story = asked_story(brokered(borrowing(), BrokeredDelivery.BROKER))
    story.partner(K.WILL_SUPPLY, 1, cost=money("9.00"))
    story.partner(K.SHIPPED, 1)
    ended = story.partner(end, 1)
    assert story.state is B.SOURCING
    assert acts_of(ended)[0] == (K.BROKERED,)


def test_nothing_is_told_of_the_next_where_nothing_was_promised() -> None:
    story = asked_story(brokered(borrowing()))
    assert acts_of(story.partner(K.UNFILLED, 1)) == []


def test_a_promise_of_another_behind_the_same_broker_is_no_old_one() -> None:
    story = asked_story(brokered(borrowing()), workflow(borrowing={"asks_others": True}))
    story.partner(K.WILL_SUPPLY, 1, supplier=NamedSupplier(symbol="ELM"))
    other = story.partner(K.WILL_SUPPLY, 1, supplier=NamedSupplier(symbol="ASH"))
    assert acts_of(other) == [(K.BROKERED,), (K.WILL_SUPPLY,)]
    asked = story.partner(K.EXPECT_TO_SUPPLY, 1, supplier=NamedSupplier(symbol="OAK"))
    assert acts_of(asked) == [(K.BROKERED,)]


def test_a_promise_that_ends_while_it_is_cancelled_is_none_when_the_cancellation_is_refused() -> None:
    cancelled = compute_transition(brokered(lending(L.WILL_SUPPLY)), event(partner_signal(K.CANCEL)), workflow())
    assert isinstance(cancelled, Transition)
    anew = compute_transition(cancelled.request, replace(event(local_signal(K.BROKERED)), actor=BROKER), workflow())
    assert isinstance(anew, Transition)
    assert anew.request.state is L.CANCEL_PENDING
    refused = compute_transition(anew.request, event(local_signal(K.CANCEL_REFUSED)), workflow())
    assert isinstance(refused, Transition)
    assert refused.request.state is L.NEW


def test_another_price_of_the_same_supplier_is_told_and_the_same_is_not() -> None:
    promised = lending(L.WILL_SUPPLY, costs=RequestCosts(offered=money("9.00")))
    dearer = replace(event(local_signal(K.WILL_SUPPLY), cost=money("12.00")), actor=BROKER)
    after = compute_transition(brokered(promised), dearer, workflow())
    assert isinstance(after, Transition)
    assert (told(after), after.request.costs.offered) == (((K.WILL_SUPPLY, 0),), money("12.00"))
    assert isinstance(compute_transition(after.request, dearer, workflow()), Denied)
    by_hand = replace(dearer, actor="staff:ana")
    assert isinstance(compute_transition(brokered(promised), by_hand, workflow()), Denied)


LIBRARIES = {"ELM": money("9.00"), "ASH": money("12.00"), "OAK": money("30.00")}
"""What each of those behind the broker asks for; each has a condition as well."""
_FORBIDS = (LoanCondition.LIBRARY_USE_ONLY, LoanCondition.NO_REPRODUCTION, LoanCondition.SUPERVISED)
CONDITIONS = dict(zip(LIBRARIES, _FORBIDS, strict=True))
SAID = (K.EXPECT_TO_SUPPLY, K.WILL_SUPPLY, K.CONDITIONAL, K.RETRY, K.FORWARDED, K.UNFILLED)


def carry_over(transition: Transition, near: Request, story: Story) -> Request:
    """The leg to the requester after what the rules do there; what they do on the leg of the event happens to it."""
    for rule in list_carry_rules(transition):
        said = rules.carry_details(transition.event, transition.request, 0, START.date())
        for act in rule.acts:
            details = rules.fit_details(act, said, ZONE, transition.event.kind)
            done = compute_transition(near, Event(local_signal(act), story.at, BROKER, details), workflow())
            if rules.can_act(act, details) and isinstance(done, Transition):
                near = done.request
                break
        else:
            if rule.own_refusal is not None:
                story.us(rule.own_refusal)
    return near


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(SAID), st.sampled_from(tuple(LIBRARIES))),
            st.tuples(st.sampled_from((K.NEXT_SUPPLIER, K.CONDITION_REFUSED)), st.none()),
        ),
        max_size=10,
    ),
    st.booleans(),
)
def test_no_term_of_a_supplier_survives_it_on_either_leg(
    happenings: list[tuple[EventKind, str | None]], asks_others: bool
) -> None:
    rules_of_partner = workflow(borrowing={"asks_others": asks_others})
    story, near = asked_story(brokered(borrowing()), rules_of_partner), brokered(lending())
    heard: set[str] = set()
    for kind, library in happenings:
        named = {"supplier": NamedSupplier(symbol=library)} if library is not None and asks_others else {}
        terms = {"cost": LIBRARIES[library], "conditions": (CONDITIONS[library],)} if library is not None else {}
        if kind in (K.UNFILLED, K.FORWARDED, K.EXPECT_TO_SUPPLY):
            terms = {}
        signal = local_signal(kind) if library is None else partner_signal(kind)
        said = event(signal, story.at, 0 if library is None else story.request.current, **named, **terms)
        outcome = compute_transition(story.request, said, story.workflow)
        if isinstance(outcome, Denied):
            continue
        story.request = outcome.request
        near = carry_over(outcome, near, story)
        heard = {*(heard if not asks_others else ()), *([library] if terms and library is not None else heard)}
        if story.state is B.SOURCING:
            story.ask("kyoto")
            heard = set()
        if story.state is B.REQUESTED:
            assert (near.state, near.costs.offered, near.terms.conditions) == (L.NEW, None, ()), said
        attempt = story.request.attempt
        assert attempt is not None
        assert near.costs.offered in (None, attempt.cost), "the price of the supplier in hand, and its last one"
        assert set(near.terms.conditions) <= {CONDITIONS[one] for one in heard}
        assert near.costs.agreed is None, "nobody has agreed to anything"


# --- an offer of a supplier ------------------------------------------------------------------------------


@pytest.mark.parametrize("asks_others", [False, True], ids=["direct", "behind a broker"])
@pytest.mark.parametrize(
    "offer",
    [{"cost": money("9.00"), "reason": "cost-exceeds-maximum"}, {"conditions": (LoanCondition.NO_REPRODUCTION,)}],
    ids=["price", "condition"],
)
def test_an_offer_is_asked_of_the_requester(offer: dict[str, object], *, asks_others: bool) -> None:
    story = asked_story(brokered(borrowing()), workflow(borrowing={"asks_others": asks_others}))
    offered = story.partner(K.RETRY, 1, **offer)
    assert (story.state, story.statuses) == (B.CONDITIONAL, (AttemptStatus.OFFERED,))
    (rule,) = list_carry_rules(offered)
    assert (rule.acts, rule.own_refusal) == ((K.CONDITIONAL,), K.CONDITION_REFUSED)
    details = rules.carry_details(offered.event, offered.request, 3, START.date())
    assert rules.can_act(K.CONDITIONAL, rules.fit_details(K.CONDITIONAL, details, ZONE, K.RETRY))
    yes = story.us(K.CONDITION_ACCEPTED)
    assert (story.state, follow_ups(yes), acts_of(yes)) == (B.SOURCING, (FollowUp.FIND_SUPPLIER,), [])


@pytest.mark.parametrize(
    "offer", [{"reason": "on-loan", "note": "im Mai"}, {"barcode": "REC-7"}], ids=["a later day", "a record"]
)
def test_an_offer_that_the_requester_cannot_agree_to_is_declined(offer: dict[str, object]) -> None:
    direct = asked_story(brokered(borrowing()))
    assert acts_of(direct.partner(K.RETRY, 1, **offer)) == []
    assert direct.state is B.SOURCING
    story = asked_story(brokered(borrowing()), workflow(borrowing={"asks_others": True}))
    story.partner(K.EXPECT_TO_SUPPLY, 1, supplier=NamedSupplier(symbol="ELM"))
    offered = story.partner(K.RETRY, 1, **offer)
    (rule,) = list_carry_rules(offered)
    details = rules.carry_details(offered.event, offered.request, 3, START.date())
    assert not rules.can_act(K.CONDITIONAL, rules.fit_details(K.CONDITIONAL, details, ZONE, K.RETRY))
    assert rule.own_refusal is K.CONDITION_REFUSED
    declined = story.us(K.CONDITION_REFUSED)
    assert (story.state, told(declined)) == (B.REQUESTED, ((K.CANCEL, 1),)), "the broker asks the next one"


WAITS = workflow(lending={"declined": "next-supplier"})


@pytest.mark.parametrize("rules_of_partner", [WAITS, workflow()], ids=["waits for the next", "is through"])
@pytest.mark.parametrize("by_cancel", [False, True], ids=["a note", "a cancellation"])
@pytest.mark.parametrize("is_brokered", [True, False])
def test_who_waits_for_the_next_supplier_declines_one_condition_and_no_more(
    rules_of_partner: Workflow, *, by_cancel: bool, is_brokered: bool
) -> None:
    story = Story(brokered(lending()) if is_brokered else lending(), rules_of_partner)
    story.us(K.CONDITIONAL, cost=money("9.00"), conditions=(LoanCondition.NO_REPRODUCTION,))
    declined = story.partner(K.CONDITION_REFUSED, by_cancel=by_cancel)
    goes_on = is_brokered and rules_of_partner is WAITS and not by_cancel
    assert story.state is (L.NEW if goes_on else L.UNFILLED)
    assert told(declined) == (((K.CANCEL_ACCEPTED, 0),) if by_cancel else ())
    carried = [(K.CONDITION_REFUSED,), *([] if goes_on else [(K.CANCEL,)])]
    assert acts_of(declined) == (carried if is_brokered else [])
    assert (story.request.costs, story.request.terms.conditions) == (RequestCosts(), ())
    assert TimerKind.ANSWER not in story.running


def test_an_end_is_carried_whatever_led_there() -> None:
    story = asked_story(brokered(borrowing()))
    story.us(K.CANCEL)
    assert acts_of(story.partner(K.UNFILLED, 1)) == [(K.CANCEL_ACCEPTED, K.UNFILLED)]


def test_a_renewal_that_a_recall_forbids_is_not_carried() -> None:
    request = brokered(lending(L.SHIPPED, flags=frozenset({RequestFlag.RECALLED})))
    wished = compute_transition(request, event(partner_signal(K.RENEW)), workflow())
    assert isinstance(wished, Transition)
    assert acts_of(wished) == []


def test_the_supplier_hears_nothing_of_a_copy_of_ours_but_a_cancellation() -> None:
    request = brokered(lending())
    found = compute_transition(request, event(local_signal(K.LOCATED), barcode="NB-1", note="Regał 3"), workflow())
    assert isinstance(found, Transition)
    assert acts_of(found) == [(K.CANCEL,)]
    assert rules.carry_details(found.event, found.request, 3, START.date()) == EventDetails()


def test_no_rule_of_ours_answers_for_a_supplier() -> None:
    """Neither a cancellation nor a renewal, and staff have nothing to do about them."""
    request = brokered(lending(L.WILL_SUPPLY))
    cancelled = compute_transition(request, event(partner_signal(K.CANCEL)), workflow())
    assert isinstance(cancelled, Transition)
    assert (cancelled.request.state, told(cancelled)) == (L.CANCEL_PENDING, ())
    assert list_task_names(cancelled.request) == ()
    renewed = compute_transition(brokered(lending(L.SHIPPED)), event(partner_signal(K.RENEW)), workflow())
    assert isinstance(renewed, Transition)
    assert (follow_ups(renewed), acts_of(renewed)) == ((), [(K.RENEW,)])


def test_the_supplier_s_item_is_no_item_of_ours() -> None:
    request = brokered(lending(L.WILL_SUPPLY))
    carried = replace(event(local_signal(K.SHIPPED), barcode="TTU-1"), actor=BROKER)
    shipped = compute_transition(request, carried, workflow())
    assert isinstance(shipped, Transition)
    assert (shipped.request.item_barcode, shipped.request.lent_barcodes) == ("", ())
    assert shipped.request.volumes[0].theirs == "TTU-1"


def test_an_item_of_ours_that_goes_out_after_all_is_lent_by_our_rules() -> None:
    request = brokered(lending())
    shipped = compute_transition(request, event(local_signal(K.SHIPPED), barcode="NB-1"), workflow())
    assert isinstance(shipped, Transition)
    assert (shipped.request.item_barcode, shipped.request.lent_barcodes) == ("NB-1", ("NB-1",))
    assert acts_of(shipped) == [(K.CANCEL,)]
    renewed = compute_transition(shipped.request, event(partner_signal(K.RENEW)), workflow())
    assert isinstance(renewed, Transition)
    assert (follow_ups(renewed), acts_of(renewed)) == ((FollowUp.DECIDE_RENEWAL,), [])
    back = compute_transition(shipped.request, event(partner_signal(K.RETURNED)), workflow())
    assert isinstance(back, Transition)
    assert (acts_of(back), list_task_names(back.request)) == ([], ("to-check-in",))


# --- what goes along -------------------------------------------------------------------------------------


def test_the_requester_has_it_due_earlier() -> None:
    story = asked_story(brokered(borrowing()))
    shipped = story.partner(K.SHIPPED, 1, due=DUE, cost=money("4.50"), barcode="TTU-1")
    details = rules.carry_details(shipped.event, shipped.request, 3, START.date())
    assert (details.due, details.cost, details.barcode) == (date(2026, 4, 7), money("4.50"), "TTU-1")


def test_that_an_item_is_to_be_kept_goes_along() -> None:
    asked = compute_transition(
        brokered(lending(L.SHIPPED)),
        event(partner_signal(K.MESSAGE), note="Überschwemmt", return_on_hold=True),
        workflow(),
    )
    assert isinstance(asked, Transition)
    assert acts_of(asked) == [(K.MESSAGE,)]
    assert RequestFlag.RETURN_ON_HOLD in asked.request.flags
    assert rules.carry_details(asked.event, asked.request, 3, START.date()).return_on_hold


def test_a_date_that_leaves_no_days_stays() -> None:
    story = asked_story(brokered(borrowing()))
    shipped = story.partner(K.SHIPPED, 1, due=date(2026, 3, 4))
    assert rules.carry_details(shipped.event, shipped.request, 3, START.date()).due == date(2026, 3, 4)


def test_volumes_that_the_request_does_not_have_are_left_out() -> None:
    story = asked_story(brokered(in_volumes(borrowing(), 2)))
    shipped = story.partner(K.SHIPPED, 1, volumes=("2", "99"))
    assert rules.carry_details(shipped.event, shipped.request, 3, START.date()).volumes == ("2",)


def test_the_last_reason_is_the_requester_s() -> None:
    story = asked_story(brokered(borrowing()))
    story.partner(K.UNFILLED, 1, reason="on-loan")
    story.ask("kyoto")
    story.partner(K.RETRY, 2, reason="at-bindery", retry_after=date(2026, 5, 1))
    over = story.us(K.NO_SUPPLIER)
    details = rules.explain_end(over.request)
    assert (details.reason, details.retry_after) == ("at-bindery", date(2026, 5, 1))
    assert rules.can_act(K.RETRY, details)
    assert not rules.can_act(K.RETRY, replace(details, retry_after=None))


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        (K.DUE_DATE_CHANGED, EventDetails(due=DUE), "The due date is now 2026-04-10."),
        (K.RECALL, EventDetails(due=DUE, note="dringend"), "recall; due: 2026-04-10; dringend"),
        (K.UNFILLED, EventDetails(reason="on-loan", note="bis Mai"), "unfilled; on loan; bis Mai"),
        (K.UNFILLED, EventDetails(reason="prêté"), "unfilled; prêté"),
        (
            K.CONDITIONAL,
            EventDetails(cost=money("9.00"), conditions=(LoanCondition.SUPERVISED,)),
            "conditional; cost: 9.00 EUR; conditions: supervised",
        ),
        (K.BROKERED, EventDetails(reason="on-loan"), "another library is asked for it; on loan"),
    ],
)
def test_an_event_in_words(kind: EventKind, details: EventDetails, words: str) -> None:
    assert rules.write_event_note(kind, details, ZONE) == words


def test_an_end_with_the_item_back_has_no_reason() -> None:
    assert rules.explain_end(brokered(borrowing(B.COMPLETED))) == EventDetails()


# --- no circles ------------------------------------------------------------------------------------------


def test_the_note_says_who_has_brokered_it() -> None:
    asked = borrowing(citation=replace(BOOK, note="bitte rasch"))
    once = rules.add_past_broker(asked, PastBroker("ISIL:EE-TTU", "B2026-00001"))
    twice = rules.add_past_broker(once, PastBroker("SOUTH", "7 / 8"))
    assert twice.citation.note == (
        "brokered by: SOUTH for 7_/_8; brokered by: ISIL:EE-TTU for B2026-00001; bitte rasch"
    )
    assert rules.read_past_brokers(twice.citation.note) == (
        PastBroker("SOUTH", "7_/_8"),
        PastBroker("ISIL:EE-TTU", "B2026-00001"),
    )
    assert rules.read_past_brokers("brokered by us all") == ()


def test_a_note_names_no_more_brokers_than_are_too_many() -> None:
    note = "; ".join(f"brokered by: B{number} for {number}" for number in range(1000))
    assert rules.read_past_brokers(note) == tuple(PastBroker(f"B{n}", str(n)) for n in range(rules.MAX_BROKERS))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ISIL:EE-TTU", "isil:ee-ttu", True),
        ("EE-TTU", "ISIL:EE-TTU", True),
        ("OCLC:EE-TTU", "ISIL:EE-TTU", False),
        ("EE-TTU", "EE-TTX", False),
    ],
)
def test_symbols_are_compared(one: str, other: str, *, same: bool) -> None:
    assert rules.is_same_symbol(one, other) is same


def test_the_supplier_reads_where_it_goes() -> None:
    where = "ship to: Tartu Ülikooli Raamatukogu, Struve 1, 50091 Tartu"
    assert rules.describe_ship_to(brokered(borrowing()), "ill@broker.example") == where
    assert rules.describe_ship_to(brokered(borrowing(), BrokeredDelivery.BROKER), "") == ""
    assert rules.describe_ship_to(brokered(copy_of(borrowing())), "ill@broker.example") == ""
    assert rules.describe_ship_to(brokered(copy_of(borrowing())), "") == where, "it has to come somewhere"
