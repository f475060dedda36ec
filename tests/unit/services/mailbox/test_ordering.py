"""Mails that say when each was sent are taken in that order; the others keep their places."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.ports.incoming_mail import MailEvent, MailInterpretation
from gateway.services.mailbox.mail_reader import MailStep, earliest_event_time, order_by_sent_time
from gateway.store.mailbox import MailOutcome, MailPosition


async def nothing() -> MailOutcome:
    return MailOutcome.DONE


def step(uid: int, minute: int | None = None) -> MailStep:
    sent = datetime(2026, 3, 2, 9, minute, tzinfo=UTC) if minute is not None else None
    return MailStep(MailPosition("DEMO", "ill", 7, uid), nothing, sent)


def test_dated_ones_change_places_among_themselves() -> None:
    steps = [step(1, 30), step(2), step(3, 10), step(4), step(5, 20)]

    assert [one.spot.uid for one in order_by_sent_time(steps)] == [3, 2, 5, 4, 1]


def test_those_of_one_moment_stay_as_they_came() -> None:
    assert [one.spot.uid for one in order_by_sent_time([step(2, 10), step(1, 10), step(3, 5)])] == [3, 2, 1]


def test_a_mail_was_sent_when_the_earliest_of_its_messages_was() -> None:
    early, late = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 10))
    events = tuple(MailEvent(kind=EventKind.MESSAGE, role=Role.BORROWING, at=at) for at in (late, None, early))

    assert earliest_event_time(MailInterpretation(events=events)) == early
    assert earliest_event_time(MailInterpretation(events=events[1:2])) is None
