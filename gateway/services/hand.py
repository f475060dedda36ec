"""The message in hand: what an exchange has found out so far, and what of it goes into the journal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from gateway.domain.frozen import frozen
from gateway.ports.library import LibrarySystem
from gateway.ports.protocol import Answer, Arrival, Conversation, Envelope, Incoming, OutcomeClass, Responder, Transport
from gateway.profiles.matching import Sender
from gateway.store.records import Begun, Ending, Opening

AFTERWARDS = "finished after an interruption; the answer was not sent"


@frozen
class OpenLibrary:
    """A library of this installation with its system."""

    symbol: str
    name: str
    system: LibrarySystem
    zone: tzinfo
    currency: str


@dataclass(slots=True)
class Hand:
    """The message in hand: what is known so far."""

    arrival: Arrival
    responder: Responder
    envelope: Envelope
    library: OpenLibrary
    started: float
    talk: Conversation | None = None
    incoming: Incoming | None = None
    outcome: OutcomeClass = OutcomeClass.OK
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    repeat_of: str = ""
    replay_of: str = ""
    begun: Begun | None = None  # its opening is in the journal already

    @property
    def profile(self) -> str:
        return self.talk.profile.name if self.talk is not None else ""


def opening_of(hand: Hand) -> Opening:
    arrival, envelope, incoming = hand.arrival, hand.envelope, hand.incoming
    return Opening(
        library=hand.library.symbol,
        at=arrival.received,
        body=arrival.body,
        protocol=arrival.protocol,
        transport=arrival.transport.value,
        profile=hand.profile,
        service=envelope.service,
        version=envelope.version,
        peer=arrival.peer,
        from_agency=envelope.from_agency,
        to_agency=envelope.to_agency,
        request_id=incoming.request_id if incoming is not None else "",
        item_id=incoming.item_id if incoming is not None else "",
        content_type=arrival.content_type,
        note="; ".join(envelope.repairs),
        replay_of=hand.replay_of,
    )


def ending_of(hand: Hand, answer: Answer, at: datetime, key: str = "") -> Ending:
    """`key`: what makes the message idempotent, where it was carried out."""
    return Ending(
        at=at,
        outcome=hand.outcome,
        body=answer.body or None,
        content_type=answer.content_type,
        status=answer.status if hand.arrival.transport is Transport.HTTP else 0,
        reason=hand.reason,
        note="; ".join([AFTERWARDS, *hand.notes] if hand.begun is not None else hand.notes),
        duration_ms=(time.perf_counter() - hand.started) * 1000,
        repeat_of=hand.repeat_of,
        key=key,
    )


def sender_of(hand: Hand) -> Sender:
    arrival, envelope = hand.arrival, hand.envelope
    return Sender(
        protocol=arrival.protocol,
        path=arrival.profile,
        from_agency=envelope.from_agency,
        to_agency=envelope.to_agency,
        profile_type=envelope.profile_type,
        from_system=envelope.from_system,
        version=envelope.version,
        network=arrival.peer,
        symbols=envelope.symbols,
    )
