"""The way of news: what a partner tells of a managed request."""

from __future__ import annotations

from dataclasses import field

import structlog
from sqlalchemy import Connection

from gateway.domain.clock import Clock
from gateway.domain.frozen import frozen_by_name
from gateway.domain.problems import Reason, Refusal, Unavailable
from gateway.ports.channel import FromPartner, Taken
from gateway.ports.protocol import Answer, Conversation, Incoming, OutcomeClass
from gateway.services.exchange.endings import Endings, failed, not_kept
from gateway.services.hand import Hand, ending_of, opening_of
from gateway.services.locks import Locks
from gateway.services.managing import Doors
from gateway.services.replay import NotReplayable
from gateway.store.journal import Journal
from gateway.store.records import Ending, Opening

log = structlog.get_logger(component="exchange")


@frozen_by_name
class NewsWay:
    """`doors`: None where the gateway manages no requests."""

    journal: Journal
    clock: Clock
    endings: Endings
    doors: Doors | None
    locks: Locks = field(default_factory=Locks)

    async def tell(self, hand: Hand, incoming: Incoming, told: FromPartner, talk: Conversation) -> Answer:
        """What it changes, its answer and the journal are one transaction; those of one partner go one after the
        other. After a crash it was never here: its sender sends it again."""
        doors, profile = self.doors, talk.profile
        if doors is None:
            return await self.endings.refuse(hand, Refusal(Reason.UNSUPPORTED_SERVICE, "No requests are managed here."))
        notes = tuple(hand.notes)

        def work(connection: Connection) -> tuple[Answer, Opening, Ending]:
            hand.outcome, hand.reason = OutcomeClass.OK, ""
            taken = doors.take(connection, hand.library.symbol, told, profile)
            answer = hand.responder.encode(hand.envelope, incoming, taken, talk)
            hand.notes = [*notes, *_notes(taken), *([answer.note] if answer.note else [])]
            if taken.refused is not None:
                hand.outcome, hand.reason = OutcomeClass.REFUSED, taken.refused.reason.value
            return answer, opening_of(hand), ending_of(hand, answer, self.clock.now())

        async with self.locks.hold(f"{hand.library.symbol} {profile.name}"):
            try:
                answer = await self.journal.record_with(work)
            except Unavailable as down:
                return not_kept(hand, down)
            except Exception:
                log.exception("exchange.defect")
                detail = "An internal error occurred; the message is kept and can be replayed."
                refusal = failed(hand, OutcomeClass.FAILED, Refusal(Reason.TEMPORARY_FAILURE, detail))
                answer = hand.responder.encode(hand.envelope, incoming, Taken("", refusal), talk)
                return await self.endings.record(hand, answer)
        doors.after(hand.library.symbol)
        return answer

    async def as_if(self, hand: Hand, told: FromPartner, talk: Conversation) -> Taken:
        """What would become of it; nothing does. Raises NotReplayable."""
        doors = self.doors
        if doors is None:
            raise NotReplayable("no requests are managed here")

        def work(connection: Connection) -> Taken:
            raise _TakenBack(doors.take(connection, hand.library.symbol, told, talk.profile))

        try:
            return await self.journal.apart(work)
        except _TakenBack as rehearsed:
            return rehearsed.taken


class _TakenBack(Exception):
    """Ends a transaction that was only to show what it would do."""

    def __init__(self, taken: Taken) -> None:
        super().__init__("taken back")
        self.taken = taken


def _notes(taken: Taken) -> list[str]:
    notes = ["a repeat: it was here before"] if taken.repeated else []
    return notes if taken.refused is None else [*notes, taken.refused.detail]
