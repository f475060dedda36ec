"""Every end, walked to by all events of the borrowing table: none that brings the patron nothing says that it is done,
and no side of ours stays open when the lender's has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import pytest

from gateway.domain.requests.borrowing_table import BORROWING
from gateway.domain.requests.events import (
    Event,
    EventDetails,
    EventKind,
    EventOrigin,
    EventSignal,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.patron_status import PatronStatus, status_of_request
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    ServiceType,
)
from gateway.domain.requests.request_messages import is_message_to_read
from gateway.domain.requests.state_machine import Transition, compute_transition
from gateway.domain.requests.state_table import FollowUp
from gateway.domain.requests.task_lists import list_task_names
from tests.support.requests import (
    DUE,
    Story,
    borrowing,
    copy_of,
    event,
    follow_ups,
    lending,
    letters,
    library_calls,
    shipped_story,
    told,
)
from tests.support.requests import asked_story as asked
from tests.support.requests import lent_story as lent
from tests.support.requests import workflow as make_workflow

B, K = BorrowingState, EventKind
LINK = "https://ill.buw.example/copies/77"

# --- the walk --------------------------------------------------------------------------------------------

ON_THE_WAY = frozenset(
    {
        K.ACKNOWLEDGED, K.ANONYMISED, K.ARRIVED_AT_BRANCH, K.ASSIGN, K.DAMAGED, K.DUE_DATE_CHANGED, K.DUE_SOON, K.EDIT,
        K.EXPECT_TO_SUPPLY, K.FORWARDED, K.HOLD_PLACED, K.MESSAGE, K.NOTE, K.OVERDUE, K.PATRON_ANSWERED,
        K.PATRON_ASKED, K.PATRON_MESSAGE, K.PATRON_NOT_TOLD, K.PATRON_TOLD, K.RENEW, K.RENEW_ACCEPTED, K.RENEW_REFUSED,
        K.STATUS_QUERY, K.STATUS_REPORT, K.TROUBLE, K.UNDONE,
    }
)  # fmt: skip
"""Events that lead to no end, or that others stand for."""

KEPT_FLAGS = frozenset(
    {
        RequestFlag.RECALLED,
        RequestFlag.UNWANTED,
        RequestFlag.EXPIRING,
        RequestFlag.NOT_COLLECTED,
        RequestFlag.IN_TRANSIT,
    }
)


@dataclass(frozen=True)
class Place:
    """`had`: whether the patron has had it, told by letters and loans alone."""

    request: Request
    had: bool

    @property
    def key(self) -> tuple[object, ...]:
        one = self.request
        attempts = tuple(attempt.status for attempt in one.attempts)
        volumes = tuple(volume.state for volume in one.volumes)
        return (one.state, one.flags, attempts, volumes, one.service.type, one.terms.patron_loan, self.had)


@cache
def walk(kind: ServiceType, conditions: str) -> tuple[tuple[Place, Transition, Place], ...]:
    """Every step from every place that can be reached with one supplier."""
    start = borrowing() if kind is ServiceType.LOAN else copy_of(borrowing())
    workflow = make_workflow(borrowing={"expects_check_in": conditions == "usual"})
    first = Place(start, had=False)
    seen, waiting, steps = {first.key}, [first], []
    while waiting:
        place = waiting.pop()
        for outcome in list_steps(place.request, workflow):
            flags = outcome.request.flags & KEPT_FLAGS
            after = Place(replace(outcome.request, version=1, notes=(), flags=flags), had=was_had(place, outcome))
            steps.append((place, outcome, after))
            if after.key not in seen:
                seen.add(after.key)
                waiting.append(after)
    return tuple(steps)


def list_steps(request: Request, workflow: object) -> Iterator[Transition]:
    if request.state is B.SOURCING and not request.attempts:
        yield Story(request, workflow).ask()  # type: ignore[arg-type]
    for said in list_events(request.current):
        outcome = compute_transition(request, said, workflow)  # type: ignore[arg-type]
        if isinstance(outcome, Transition):
            yield outcome


@cache
def list_events(current: int) -> tuple[Event, ...]:
    """All that can happen, about this attempt where a partner says it."""
    return tuple(
        replace(event(signal, attempt=current if signal.origin is EventOrigin.PARTNER else 0), details=details)
        for signal in BORROWING.signals
        if signal.kind not in ON_THE_WAY and signal != local_signal(K.REQUEST)
        for details in list_details(signal)
    )


def list_details(signal: EventSignal) -> Iterator[EventDetails]:
    if signal == partner_signal(K.COPY_DELIVERED):
        yield EventDetails(link=LINK)
    yield EventDetails(due=DUE) if signal == partner_signal(K.SHIPPED) else EventDetails()


IN_VAIN = frozenset({RequestFlag.RECALLED, RequestFlag.UNWANTED, RequestFlag.NOT_COLLECTED, RequestFlag.IN_TRANSIT})


def was_had(before: Place, step: Transition) -> bool:
    request, said = before.request, step.event
    if said.signal == local_signal(K.REQUEST) or step.request.state in (B.REVIEW, B.SOURCING):
        return False
    if said.signal == local_signal(K.LOANED_TO_PATRON) or "copy-ready" in letters(step):
        return True
    used_here = request.state is B.RECEIVED and not request.flags & IN_VAIN
    leaves = said.kind in (K.RETURNED, K.CHECKED_IN, K.RETURNED_BY_PATRON) and step.changes_state
    return before.had or (used_here and leaves) or said.signal == local_signal(K.RETURNED_BY_PATRON)


WALKS = pytest.mark.parametrize(("service", "way"), [(ServiceType.LOAN, "usual"), (ServiceType.COPY, "usual")])


@WALKS
def test_only_a_delivery_says_that_it_is_done(service: ServiceType, way: str) -> None:
    for _, step, after in walk(service, way):
        words = status_of_request(after.request)
        told_done = words.status is PatronStatus.DONE
        assert not told_done or after.had, f"{step.before} × {step.event.signal} → {after.request.state}: {words.word}"


ENDS_THERE = frozenset({K.UNFILLED, K.EXPIRED, K.REJECTED, K.CANCEL_ACCEPTED, K.CHECKED_IN, K.LOST, K.SETTLED})
"""By these a supplier's side is over."""


@WALKS
def test_nothing_stays_open_here_when_the_lenders_side_has_ended(service: ServiceType, way: str) -> None:
    """It is over here too, or another supplier is asked, or staff read that it can't be so. A copy comes all the
    same."""
    for place, step, after in walk(service, way):
        said, request = step.event, after.request
        attempt = place.request.attempt
        if said.signal.origin is not EventOrigin.PARTNER or attempt is None or attempt.status not in OPEN_ATTEMPT:
            continue
        if said.kind not in ENDS_THERE and not (said.kind is K.STATUS_REPORT and said.details.reported in ENDS_THERE):
            continue
        here = request.attempt
        is_open = request.open and here is not None and here.number == attempt.number and here.status in OPEN_ATTEMPT
        is_read = is_message_to_read(replace(said, actor="partner:ISIL:PL-WaUW"))
        is_copy = request.service.type is ServiceType.COPY and request.state is B.SHIPPED
        is_declined = said.kind is K.REJECTED and place.request.state in OUT  # a refused message, long after
        assert not is_open or is_read or is_copy or is_declined, f"{step.before} × {said.signal} stays {request.state}"


OUT = (B.SHIPPED, B.RECEIVED, B.LENT, B.BACK, B.RETURNED)


@WALKS
def test_what_never_came_to_the_patron_is_asked_of_others_while_it_is_wanted(service: ServiceType, way: str) -> None:
    """Where the lender ends it: nothing of its side is waited for."""
    for place, step, after in walk(service, way):
        before = place.request
        calls_off = step.event.signal in (partner_signal(K.CHECKED_IN), partner_signal(K.LOST))
        if not calls_off or before.state not in (*AWAITED, B.SHIPPED) or step.kept:
            continue
        unwanted = before.flags & {RequestFlag.UNWANTED, RequestFlag.EXPIRING} or before.state is B.CANCEL_PENDING
        expected = (B.CANCELLED, B.EXPIRED) if unwanted else (B.SOURCING,)
        assert after.request.state in expected, f"{before.state} × {step.event.signal}"
        assert (FollowUp.FIND_SUPPLIER in follow_ups(step)) is (after.request.state is B.SOURCING)


AWAITED = (B.REQUESTED, B.HOLD_PLACED, B.WILL_SUPPLY, B.CONDITIONAL, B.CANCEL_PENDING)

# --- a recall before the patron had it -------------------------------------------------------------------


def test_what_is_recalled_in_transit_goes_back_and_others_are_asked() -> None:
    story = shipped_story()
    recalled = story.partner(K.RECALL, 1)
    assert letters(recalled) == ("not-coming",)
    assert status_of_request(story.request).word == "recalled-before-loan"
    assert letters(story.partner(K.RECALL, 1)) == (), "the patron has heard of it"

    story.us(K.RECEIVED)
    assert (story.state, status_of_request(story.request).word) == (B.BACK, "recalled-before-loan")
    sent_back = story.us(K.RETURNED)

    assert (story.state, story.statuses) == (B.SOURCING, (AttemptStatus.EXTRA_RETURNED,))
    assert told(sent_back) == ((K.RETURNED, 1),)
    assert "delete-temporary" in library_calls(sent_back)
    assert FollowUp.FIND_SUPPLIER in follow_ups(sent_back)
    story.ask("kyoto")
    assert story.partner(K.CHECKED_IN, 1).kept
    assert story.state is B.REQUESTED


@pytest.mark.parametrize("end", [K.CHECKED_IN, K.LOST])
def test_who_has_heard_of_a_recall_hears_no_more_of_how_it_ended(end: EventKind) -> None:
    story = shipped_story()
    story.partner(K.RECALL, 1)
    ended = story.partner(end, 1)
    assert (story.state, letters(ended)) == (B.SOURCING, ())


def test_what_comes_late_from_another_supplier_was_not_recalled() -> None:
    story = asked()
    story.us(K.NEXT_SUPPLIER)
    story.ask("kyoto")
    story.partner(K.SHIPPED, 2)
    story.partner(K.RECALL, 2)
    story.partner(K.CHECKED_IN, 2)
    story.partner(K.SHIPPED, 1)
    assert (story.state, story.request.current, story.request.flags) == (B.SHIPPED, 1, frozenset())
    story.us(K.RECEIVED)
    assert story.state is B.RECEIVED


def test_what_is_recalled_from_the_shelf_is_no_loan_that_is_over() -> None:
    story = shipped_story()
    story.us(K.RECEIVED)
    story.partner(K.RECALL, 1)
    story.us(K.CANCEL)
    story.us(K.RETURNED)
    assert (story.state, status_of_request(story.request).word) == (B.RETURNED, "going-back")
    story.partner(K.CHECKED_IN, 1)
    assert (story.state, status_of_request(story.request).word) == (B.COMPLETED, "not-delivered")


def test_what_the_patron_has_had_is_done() -> None:
    story = lent()
    story.partner(K.RECALL, 1)
    story.us(K.RETURNED_BY_PATRON)
    story.us(K.RETURNED)
    story.partner(K.CHECKED_IN, 1)
    assert (story.state, status_of_request(story.request).status) == (B.COMPLETED, PatronStatus.DONE)


def test_what_is_used_in_the_library_is_done() -> None:
    story = shipped_story()
    story.us(K.RECEIVED)
    story.us(K.RETURNED)
    story.partner(K.CHECKED_IN, 1)
    assert status_of_request(story.request).status is PatronStatus.DONE


# --- losses ----------------------------------------------------------------------------------------------


def test_a_lender_that_settles_a_loss_ends_our_side() -> None:
    story = lent()
    story.us(K.LOST)
    settled = story.partner(K.LOST, 1)  # ISO 18626 has one word for both
    assert (settled.event.kind, story.state) == (K.SETTLED, B.COMPLETED)
    assert library_calls(settled) == ("end-lost-loans", "delete-temporary")
    assert story.request.is_loss_settled
    assert status_of_request(story.request).word == "loss-settled"
    assert story.partner(K.LOST, 1).kept, "once"


def test_where_the_patron_pays_staff_say_how_much() -> None:
    story = lent(workflow=make_workflow(borrowing={"loss_fee": True}))
    story.us(K.LOST)
    settled = story.partner(K.SETTLED, 1)
    assert (settled.kept, story.state) == (True, B.LOST)
    assert is_message_to_read(settled.event)


def test_a_loss_on_the_way_back_is_nothing_to_who_has_returned_it() -> None:
    story = lent()
    story.us(K.RETURNED_BY_PATRON)
    story.us(K.RETURNED)
    story.partner(K.SETTLED, 1)
    assert (story.state, status_of_request(story.request).word) == (B.LOST, "borrowing-returned")


def test_what_is_lost_on_its_way_here_is_told_as_that() -> None:
    story = shipped_story()
    assert letters(story.us(K.LOST)) == ("not-coming",)
    assert status_of_request(story.request).word == "lost-before-loan"


# --- not wanted any more ---------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(), (K.RECEIVED,)])
def test_what_is_not_wanted_any_more_goes_back(steps: tuple[EventKind, ...]) -> None:
    story = shipped_story()
    for kind in steps:
        story.us(kind)
    cancelled = story.us(K.CANCEL)
    assert told(cancelled) == (), "it was sent already"
    assert status_of_request(story.request).word == "not-wanted"
    story.us(K.APPROVE)
    assert status_of_request(story.request).word != "not-wanted", "wanted after all"


def test_what_the_patron_has_is_brought_back_and_not_cancelled() -> None:
    lent().no_us(K.CANCEL)


def test_a_supplier_that_calls_off_what_it_sent_is_looked_at() -> None:
    story = shipped_story()
    said = story.partner(K.UNFILLED, 1)
    assert (story.state, said.event.kind, is_message_to_read(said.event)) == (B.SHIPPED, K.STATUS_REPORT, True)


def test_what_a_supplier_has_lost_before_it_was_sent_is_a_no() -> None:
    story = asked()
    story.partner(K.LOST, 1)
    assert (story.state, story.statuses) == (B.SOURCING, (AttemptStatus.UNFILLED,))


def test_a_copy_whose_loan_has_ended_is_on_its_way() -> None:
    """Some have one word for both."""
    story = asked(copy_of(borrowing()))
    story.partner(K.CHECKED_IN, 1)
    assert (story.state, status_of_request(story.request).status) == (B.SHIPPED, PatronStatus.UNDERWAY)


# --- lending ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", LendingState)
@pytest.mark.parametrize("kind", [K.CANCEL, K.CONDITION_REFUSED, K.RETURNED, K.LOST])
def test_no_side_of_ours_stays_open_unseen_when_the_borrowers_has_ended(state: LendingState, kind: EventKind) -> None:
    """It is over here too, or on a list of staff, or the borrower is told that it goes on."""
    request = lending(state)
    outcome = compute_transition(request, event(partner_signal(kind)), make_workflow())
    if not isinstance(outcome, Transition):
        return
    after = outcome.request
    is_read = is_message_to_read(replace(outcome.event, actor="partner:ISIL:PL-WaUW"), request)
    is_told = any(one.kind in (K.CANCEL_REFUSED, K.CANCEL_ACCEPTED) for one in outcome.told)
    is_condition_open_no_more = kind is K.CONDITION_REFUSED and state in (LendingState.SHIPPED, LendingState.RETURNED)
    is_seen = bool(list_task_names(after)) or is_read or is_told or is_condition_open_no_more
    assert not after.open or is_seen, f"{state} × {kind}"
