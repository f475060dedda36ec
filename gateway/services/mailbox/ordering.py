"""In which order the mails of a round are taken. Mail keeps none; some formats say when each message was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from gateway.domain.frozen import frozen
from gateway.ports.mail_format import Understood
from gateway.store.mailbox.mails import Outcome, Spot


@frozen
class Step:
    """A mail that was read; `work` is its transaction. `sent`: when, by what it says itself; None: it doesn't say."""

    spot: Spot
    work: Callable[[], Awaitable[Outcome]]
    sent: datetime | None = None


def sent_at(understood: Understood) -> datetime | None:
    """Of its earliest message."""
    return min((event.at for event in understood.events if event.at is not None), default=None)


def in_time(steps: Sequence[Step]) -> list[Step]:
    """Those that say when they were sent in that order, in the places that they have; the others stay in theirs."""
    dated = iter(sorted((step for step in steps if step.sent is not None), key=_sent))
    return [step if step.sent is None else next(dated) for step in steps]


def _sent(step: Step) -> datetime:
    assert step.sent is not None, "only those"
    return step.sent
