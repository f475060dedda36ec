"""A message that is called an answer, and isn't one: what its status says is done, from its octets on."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.iso18626.codec import decode_message
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.messages import SupplyingAgencyMessage
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import BorrowingState, RequestFlag
from gateway.domain.requests.state_machine import Transition, compute_transition
from tests.protocol.iso18626.habit_rows.messages import write_status
from tests.support.requests import DUE, Story, asked_story, lent_story, letters, library_calls, shipped_story

K, B, F = EventKind, BorrowingState, RequestFlag
OSLO = ZoneInfo("Europe/Oslo")
YES = "<answerYesNo>Y</answerYesNo>"
NO = "<answerYesNo>N</answerYesNo>"
LATER = DUE + timedelta(days=14)


def hear(story: Story, octets: str) -> Transition:
    decoded = decode_message(octets.encode(), OSLO)
    assert isinstance(decoded.message, SupplyingAgencyMessage)
    context = MappingContext(library_zone=OSLO, currency="NOK", ours=("NO-0030101",))
    message = event_of_message(decoded.message, context, "digest")
    story.at += timedelta(hours=1)
    event = Event(partner_signal(message.kind), story.at, f"partner:{message.sender}", message.details, 1)
    outcome = compute_transition(story.request, event, story.workflow)
    assert isinstance(outcome, Transition), outcome
    story.request = outcome.request
    return outcome


def due_on(day: date) -> str:
    return f"<dueDate>{day}T23:59:59Z</dueDate>"


def renewing_story() -> Story:
    story = lent_story()
    story.us(K.RENEW)
    return story


def renewed_story() -> Story:
    story = renewing_story()
    hear(story, write_status("Loaned", "RenewResponse", info=YES, dates=due_on(LATER)))
    return story


def test_a_real_answer_to_a_renewal_is_one() -> None:
    story = renewed_story()
    assert (story.request.terms.renewals, story.request.terms.lender_due) == (1, LATER)
    refused = renewing_story()
    answer = hear(refused, write_status("Loaned", "RenewResponse", info=NO, dates=due_on(DUE)))
    assert (answer.event.kind, letters(answer), refused.request.flags) == (
        K.RENEW_REFUSED,
        ("renewal-refused",),
        frozenset(),
    )


def test_a_yes_without_a_day_is_one_too() -> None:
    story = renewing_story()
    answer = hear(story, write_status("Loaned", "RenewResponse", info=YES))
    assert (answer.event.kind, F.RENEWAL_PENDING in story.request.flags) == (K.RENEW_ACCEPTED, False)


@pytest.mark.parametrize("begin", [renewing_story, renewed_story, lent_story], ids=["asked", "answered", "unasked"])
@pytest.mark.parametrize(
    ("status", "kind", "state", "flag"),
    [
        ("Recalled", K.RECALL, B.LENT, F.RECALLED),
        ("Overdue", K.OVERDUE, B.LENT, F.OVERDUE),
        ("CompletedWithoutReturn", K.LOST, B.LOST, None),
        ("LoanCompleted", K.CHECKED_IN, B.COMPLETED, None),
    ],
)
def test_a_renewal_response_without_an_answer_is_its_status(
    begin: object, status: str, kind: EventKind, state: BorrowingState, flag: RequestFlag | None
) -> None:
    assert callable(begin)
    story: Story = begin()
    done = hear(story, write_status(status, "RenewResponse"))
    assert (done.event.kind, story.state, done.event.details.reported) == (kind, state, None)
    assert flag is None or flag in story.request.flags
    assert "renewal-refused" not in letters(done)


def test_loaned_without_an_answer_renews_only_by_a_later_day() -> None:
    story = renewing_story()
    same = hear(story, write_status("Loaned", "RenewResponse", dates=due_on(DUE)))
    assert (same.event.kind, letters(same), F.RENEWAL_PENDING in story.request.flags) == (K.STATUS_REPORT, (), True)
    bare = hear(story, write_status("Loaned", "RenewResponse"))
    assert (bare.kept, F.RENEWAL_PENDING in story.request.flags) == (True, True)
    later = hear(story, write_status("Loaned", "RenewResponse", dates=due_on(LATER)))
    assert (later.event.kind, letters(later), story.request.terms.lender_due) == (
        K.RENEW_ACCEPTED,
        ("renewed",),
        LATER,
    )


def test_a_second_yes_is_no_second_renewal() -> None:
    story = renewed_story()
    for dates in (due_on(LATER), ""):
        again = hear(story, write_status("Loaned", "RenewResponse", info=YES, dates=dates))
        assert (again.event.kind, letters(again), library_calls(again)) == (K.STATUS_REPORT, (), ())
    assert story.request.terms.renewals == 1
    moved = hear(story, write_status("Loaned", "RenewResponse", dates=due_on(LATER + timedelta(days=7))))
    assert moved.event.kind is K.DUE_DATE_CHANGED, "the day is news all the same"
    assert story.request.terms.lender_due == LATER + timedelta(days=7)


def test_a_renewal_response_to_nothing_says_what_stands() -> None:
    story = lent_story()
    recalled = hear(story, write_status("Recalled", "RenewResponse", info=NO))
    assert (recalled.event.kind, F.RECALLED in story.request.flags) == (K.RECALL, True)
    again = hear(story, write_status("Recalled", "RenewResponse"))
    assert (again.event.kind, story.state) == (K.RECALL, B.LENT)


def cancelling_story() -> Story:
    story = asked_story()
    story.partner(K.WILL_SUPPLY, 1)
    story.us(K.CANCEL)
    return story


@pytest.mark.parametrize(
    ("status", "info", "state"),
    [
        ("Cancelled", YES, B.CANCELLED),
        ("WillSupply", NO, B.WILL_SUPPLY),
        ("Loaned", NO, B.WILL_SUPPLY),
        ("Cancelled", "", B.CANCELLED),
        ("Loaned", "", B.SHIPPED),
        ("WillSupply", "", B.CANCEL_PENDING),
        ("Unfilled", "", B.CANCELLED),
    ],
)
def test_a_cancel_response_is_its_answer_or_its_status(status: str, info: str, state: BorrowingState) -> None:
    story = cancelling_story()
    hear(story, write_status(status, "CancelResponse", info=info))
    assert story.state is state


def test_a_cancel_response_to_nothing_is_its_status() -> None:
    story = asked_story()
    promised = hear(story, write_status("WillSupply", "CancelResponse", info=NO))
    assert (promised.event.kind, story.state) == (K.WILL_SUPPLY, B.WILL_SUPPLY)
    sent = hear(story, write_status("Loaned", "CancelResponse", info=NO, dates=due_on(DUE)))
    assert (sent.event.kind, story.state, letters(sent)) == (K.SHIPPED, B.SHIPPED, ("sent",))
    again = hear(story, write_status("Loaned", "CancelResponse", info=NO, dates=due_on(DUE)))
    assert (again.event.kind, again.kept) == (K.CANCEL_REFUSED, True), "it is known"


def test_the_first_answer_to_a_status_query_is_one_and_what_follows_is_its_status() -> None:
    story = lent_story()
    story.us(K.STATUS_QUERY)
    assert story.request.attempt is not None
    assert story.request.attempt.queried
    answer = hear(story, write_status("LoanCompleted", "StatusRequestResponse"))
    assert (answer.event.kind, story.state) == (K.STATUS_REPORT, B.LENT), "staff look, the patron has it"
    assert story.request.attempt is not None
    assert not story.request.attempt.queried
    done = hear(story, write_status("LoanCompleted", "StatusRequestResponse"))
    assert (done.event.kind, story.state) == (K.CHECKED_IN, B.COMPLETED)


def test_a_status_response_that_is_no_news_stays_a_report() -> None:
    story = shipped_story()
    known = hear(story, write_status("Loaned", "StatusRequestResponse", dates=due_on(DUE)))
    assert (known.event.kind, known.event.details.reported, story.state) == (K.STATUS_REPORT, None, B.SHIPPED)
    contrary = hear(story, write_status("Unfilled", "StatusRequestResponse"))
    assert (contrary.event.details.reported, story.state) == (K.UNFILLED, B.SHIPPED), "staff look"


def test_a_past_supplier_answers_as_it_says() -> None:
    story = asked_story()
    story.us(K.NEXT_SUPPLIER)
    story.ask("kyoto")
    late = hear(story, write_status("WillSupply", "CancelResponse", info=NO))
    assert (late.event.kind, late.kept) == (K.CANCEL_REFUSED, True)
