"""A message of the journal, taken up again: values, and what stands against it."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.commands import Command
from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage, Refusal
from gateway.ports.channel import FromPartner
from gateway.ports.protocol import Answer, Arrival, OutcomeClass, Transport
from gateway.store.records import Direction, FullMessage


class NotReplayable(Exception):
    """A plain sentence that says why a message can't be taken up again."""


@frozen
class Replayed:
    """What came of it. `note` as in the journal."""

    answer: Answer
    outcome: OutcomeClass
    reason: str
    note: str


@frozen
class Rehearsal:
    """What a message asks for, without asking the library; or what it tells of a managed request.

    Neither: it was refused when read (`refusal`), or the protocol answers it by itself. `answer`: what would
    be answered without the library, or what was answered when the message `carried_out_as` was carried out; None
    when only the library can tell.
    """

    service: str
    command: Command | None = None
    refusal: Refusal | MalformedMessage | None = None
    answer: Answer | None = None
    carried_out_as: str = ""
    told: FromPartner | None = None


def arrival_of(kept: FullMessage, received: datetime, transport: Transport) -> Arrival:
    """The message as if it came in now. Raises NotReplayable."""
    message = kept.message
    if message.direction is not Direction.IN:
        raise NotReplayable("it is one that we sent; only those that came in can be carried out again")
    if kept.body is None:
        raise NotReplayable("its content is no longer kept (journal.keep_bodies_days)")
    if message.truncated:
        raise NotReplayable("its content was too long to be kept whole (journal.body_limit)")
    return Arrival(
        body=kept.body,
        received=received,
        transport=transport,
        protocol=message.protocol,
        peer=message.peer,
        profile=message.profile,
        headers={"content-type": message.content_type} if message.content_type else {},
    )
