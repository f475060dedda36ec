"""How a message ends that needed no transaction of its own, or got none."""

from __future__ import annotations

import structlog

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage, Reason, Refusal, Unavailable
from gateway.ports.protocol import Answer, OutcomeClass
from gateway.services.hand import Hand, ending_of, opening_of
from gateway.store.journal import Journal

log = structlog.get_logger(component="exchange")


@frozen
class Endings:
    journal: Journal
    clock: Clock

    async def refuse(self, hand: Hand, refusal: Refusal) -> Answer:
        sender = refusal.reason in (Reason.UNKNOWN_SENDER, Reason.SENDER_AUTH_FAILED)
        failed(hand, OutcomeClass.REJECTED if sender else OutcomeClass.REFUSED, refusal)
        if sender:
            log.warning("sender.rejected", peer=hand.arrival.peer, reason=refusal.reason.value)
        return await self.record(hand, hand.responder.refuse(hand.envelope, refusal, hand.talk))

    async def malformed(self, hand: Hand, error: MalformedMessage) -> Answer:
        hand.outcome, hand.reason = OutcomeClass.MALFORMED, error.fault.value
        hand.notes.append(str(error))
        return await self.record(hand, hand.responder.refuse(hand.envelope, error, hand.talk))

    async def record(self, hand: Hand, answer: Answer) -> Answer:
        try:
            if hand.begun is not None:
                await self.journal.complete(hand.begun, ending_of(hand, answer, self.clock.now()))
            else:
                await self.journal.record_exchange(opening_of(hand), ending_of(hand, answer, self.clock.now()))
        except Unavailable as down:
            return not_kept(hand, down)
        return answer


def failed(hand: Hand, outcome: OutcomeClass, refusal: Refusal) -> Refusal:
    """The refusal, once the message in hand knows of it."""
    hand.outcome, hand.reason = outcome, refusal.reason.value
    hand.notes.append(refusal.detail)
    if refusal.internal:
        hand.notes.append(f"library: {refusal.internal}")
    return refusal


def not_kept(hand: Hand, down: Unavailable) -> Answer:
    """A message that can't be kept is not dealt with: the sender keeps it and sends it again."""
    log.error("journal.down", reason=str(down))
    hand.outcome, hand.reason = OutcomeClass.FAILED, Reason.TEMPORARY_FAILURE.value
    refusal = Refusal(Reason.TEMPORARY_FAILURE, "The message could not be stored. Please send it again later.")
    return hand.responder.refuse(hand.envelope, refusal, hand.talk)
