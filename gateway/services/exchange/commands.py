"""The way of a command: looked up, or done in one transaction, or, where the library shares none with us, in steps."""

from __future__ import annotations

import asyncio
from dataclasses import field

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars

from gateway.domain.clock import Clock
from gateway.domain.commands import AcceptItem, Command, LookUpPatron, LookUpRequest, Result
from gateway.domain.frozen import frozen_by_name
from gateway.domain.identifiers import our_agency
from gateway.domain.problems import About, OutcomeUnknown, Reason, Refusal, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.ports.library import LibrarySystem
from gateway.ports.protocol import Answer, Conversation, Incoming, OutcomeClass
from gateway.services.circulation import Desk, carry_out, message_key
from gateway.services.exchange.endings import Endings, failed, not_kept
from gateway.services.hand import Hand, ending_of, opening_of
from gateway.services.locks import Locks
from gateway.services.managing import Broker, Link, Linked
from gateway.store.journal import Journal
from gateway.store.records import Begun, Ending, Opening
from gateway.store.together import SharesStore, at_once

log = structlog.get_logger(component="exchange")

REPEATABLE = frozenset(
    {
        Reason.DUPLICATE_ITEM,
        Reason.DUPLICATE_REQUEST,
        Reason.DUPLICATE_PATRON,
        Reason.DUPLICATE_CHARGE,
        Reason.ON_LOAN_SAME_PATRON,
        Reason.NOT_CHECKED_OUT,
        Reason.UNKNOWN_ITEM,
        Reason.UNKNOWN_REQUEST,
        Reason.REQUEST_CLOSED,
    }
)
"""Refusals by which a library that keeps no keys shows that it did this before: then the first answer is repeated."""

SHORT = (LookUpPatron, LookUpRequest)
"""Look-ups that read a few rows by their keys, so that they may stand in the way of those who write."""

UNCERTAIN = "The library system did not answer in time; whether it did its part is not known."


@frozen_by_name
class CommandWay:
    """`library_seconds`: longest time for one use case. `link` and `broker`: where the gateway manages requests."""

    journal: Journal
    clock: Clock
    endings: Endings
    library_seconds: float
    link: Link | None
    broker: Broker | None
    locks: Locks = field(default_factory=Locks)

    async def look_up(self, hand: Hand, incoming: Incoming, talk: Conversation) -> Answer:
        """What changes nothing. Without a command it is the protocol that answers."""
        if isinstance(incoming.command, SHORT):
            answer = await self._in_one(hand, incoming, incoming.command, "", talk)
            if answer is not None:
                return answer
        result = await self._carry_out(hand, incoming.command, talk) if incoming.command is not None else None
        answer = hand.responder.encode(hand.envelope, incoming, result, talk)
        return await self.endings.record(hand, answer)

    async def act(self, hand: Hand, incoming: Incoming, command: Command, talk: Conversation) -> Answer:
        """What changes something: once, however often the message comes."""
        key = message_key(command, talk.profile.name)
        async with self.locks.hold(f"{hand.library.symbol} {key}"):
            answer = await self._in_one(hand, incoming, command, key, talk)
            if answer is not None:
                return answer
            try:
                begun = hand.begun or await self.journal.begin(opening_of(hand))
            except Unavailable as down:
                return not_kept(hand, down)
            bind_contextvars(exchange=begun.exchange)
            return await self._in_steps(hand, incoming, command, key, talk, begun)

    async def repeat(self, hand: Hand, key: str) -> Answer | None:
        """The answer that this message got when it was carried out before."""
        before = await self.journal.find_processed(hand.library.symbol, hand.profile, key)
        first = before.answer if before is not None else None
        if before is None or first is None or first.body is None or first.message.truncated:
            return None
        hand.outcome, hand.reason, hand.repeat_of = OutcomeClass.OK, "", before.first_message
        hand.notes = ["a repeat: answered as before"]
        return Answer(first.body, first.message.content_type, first.message.status or 200)

    # --- in one transaction ------------------------------------------------------------------------------

    async def _in_one(
        self, hand: Hand, incoming: Incoming, command: Command, key: str, talk: Conversation
    ) -> Answer | None:
        """Work, answer and journal in one transaction (docs/decisions/0005-one-transaction.md).

        None where that is not possible or doesn't end well: nothing has happened then, and the usual way meets the
        same again and tells the kinds of trouble apart."""
        system = hand.library.system
        if hand.begun is not None or not isinstance(system, SharesStore):
            return None
        if self.broker is not None and self.broker.takes(talk.profile, command):
            return None
        link = self.link if key else None

        def work(connection: Connection) -> tuple[tuple[Answer, Linked | None], Opening, Ending]:
            result = at_once(carry_out(command, self._desk(hand, talk, system.within(connection)), key))
            linked = link(connection, hand.library.symbol, talk.profile, command, result) if link is not None else None
            answer = hand.responder.encode(hand.envelope, incoming, linked.result if linked else result, talk)
            return (answer, linked), opening_of(hand), ending_of(hand, answer, self.clock.now(), key)

        try:
            answer, linked = await self.journal.record_with(work)
        except Exception as error:  # noqa: BLE001 - see above
            log.debug("exchange.usual_way", kind=type(error).__name__)
            return None
        if linked is not None:
            linked.after()
        return answer

    # --- in steps ----------------------------------------------------------------------------------------

    async def _in_steps(
        self, hand: Hand, incoming: Incoming, command: Command, key: str, talk: Conversation, begun: Begun
    ) -> Answer:
        """The library first, then the managed request, then answer and journal: each finds done what was done."""
        outcome = await self._carry_out(hand, command, talk)
        answer = None
        if isinstance(outcome, Refusal) and outcome.reason in REPEATABLE and _may_repeat(command, talk.profile):
            answer = await self.repeat(hand, key)
        try:
            if answer is None:
                outcome = await self._linked(hand, command, outcome, talk)
                answer = hand.responder.encode(hand.envelope, incoming, outcome, talk)
            done = key if hand.outcome is OutcomeClass.OK and not hand.repeat_of else ""
            await self.journal.complete(begun, ending_of(hand, answer, self.clock.now(), done))
        except Unavailable as down:
            return not_kept(hand, down)
        return answer

    async def _linked(
        self, hand: Hand, command: Command, outcome: Result | Refusal, talk: Conversation
    ) -> Result | Refusal:
        """What the library did may be news for a managed request. After a crash from here on the message is carried out
        again, and the request told again. A defect here is no reason to answer that the library did nothing.

        Raises Unavailable (the store).
        """
        link = self.link
        if link is None or isinstance(outcome, Refusal):
            return outcome
        symbol = hand.library.symbol
        try:
            linked = await self.journal.apart(lambda c: link(c, symbol, talk.profile, command, outcome))
        except Unavailable:
            raise
        except Exception:
            log.exception("exchange.link_defect")
            hand.notes.append("the managed request could not be told; see the gateway's log")
            return outcome
        if linked is None:
            return outcome
        linked.after()
        return linked.result

    # --- the use case ------------------------------------------------------------------------------------

    async def _carry_out(self, hand: Hand, command: Command, talk: Conversation) -> Result | Refusal:
        desk = self._desk(hand, talk, hand.library.system)
        broker = self.broker
        try:
            async with asyncio.timeout(self.library_seconds):
                if broker is not None and broker.takes(talk.profile, command):
                    return await broker.carry_out(command, desk, message_key(command, desk.profile))
                return await carry_out(command, desk)
        except Refused as refused:
            return failed(hand, OutcomeClass.REFUSED, Refusal.of(refused))
        except Unavailable as error:
            log.warning("library.unavailable", reason=str(error))
            detail = "The library system can't be reached; nothing was done. Please send the message again later."
        except (TimeoutError, OutcomeUnknown):
            log.warning("library.outcome_unknown")
            detail = UNCERTAIN
        except Exception:
            log.exception("exchange.defect")
            detail = "An internal error occurred; the message is kept and can be replayed."
        return failed(hand, OutcomeClass.FAILED, Refusal(Reason.TEMPORARY_FAILURE, detail, About.SERVICE))

    def _desk(self, hand: Hand, talk: Conversation, system: LibrarySystem) -> Desk:
        return Desk(
            library=system,
            policy=talk.profile.circulation,
            profile=talk.profile.name,
            zone=hand.library.zone,
            currency=hand.library.currency,
            clock=self.clock,
            symbol=hand.library.symbol,
            sender=our_agency(hand.envelope.from_agency, talk.profile.circulation),
            institution=talk.profile.partner.symbol if talk.profile.partner is not None else "",
        )


def _may_repeat(command: Command, profile: Profile) -> bool:
    return not isinstance(command, AcceptItem) or profile.circulation.accept.duplicate != "refuse"
