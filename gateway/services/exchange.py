"""One message in, one answer out: the stage that every message of every protocol passes.

    open → choose profile, admit sender → decode → use case → encode → journal

A message that changes something is journaled before its work begins (design rule 4 and users-want 16), so that a
crash leaves a `pending` row that `services.repair` finishes; its answer and the key that makes it idempotent are
committed together before the answer is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars, clear_contextvars

from gateway.configuration.problems import ConfigurationError
from gateway.domain.clock import Clock
from gateway.domain.commands import READ_ONLY, AcceptItem, Command, LookUpPatron, LookUpRequest, Result
from gateway.domain.frozen import frozen
from gateway.domain.identifiers import our_agency
from gateway.domain.problems import (
    About,
    Fault,
    MalformedMessage,
    OutcomeUnknown,
    Reason,
    Refusal,
    Refused,
    Unavailable,
)
from gateway.domain.profile import Profile
from gateway.ports.channel import FromPartner, Taken
from gateway.ports.library import LibrarySystem
from gateway.ports.protocol import Answer, Arrival, Conversation, Incoming, OutcomeClass, Responder, Transport
from gateway.profiles import ProfileSet
from gateway.services.authentication import Secrets, admit
from gateway.services.circulation import Desk, carry_out, message_key
from gateway.services.hand import Hand, OpenLibrary, ending_of, opening_of, sender_of
from gateway.services.locks import Locks
from gateway.services.managing import Broker, Doors, Link, Linked
from gateway.services.replay import NotReplayable, Rehearsal, Replayed, arrival_of
from gateway.store.journal import Journal
from gateway.store.records import Begun, Ending, FullMessage, Opening
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


@frozen
class Done:
    """What is known of a finished exchange, for metrics."""

    protocol: str
    profile: str
    service: str
    outcome: OutcomeClass
    seconds: float


class Exchange:
    def __init__(
        self,
        *,
        responders: Mapping[str, Responder],
        profiles: Callable[[], ProfileSet],
        libraries: Mapping[str, OpenLibrary],
        journal: Journal,
        clock: Clock,
        secrets: Secrets,
        library_seconds: float,
        observe: Callable[[Done], None] = lambda _done: None,
        link: Link | None = None,
        broker: Broker | None = None,
        doors: Doors | None = None,
    ) -> None:
        """`library_seconds`: longest time for one use case. `link`, `broker` and `doors`: where the gateway manages
        requests."""
        if not libraries:
            raise ValueError("an exchange needs a library")
        self._responders = responders
        self._profiles = profiles
        self._libraries = {symbol.casefold(): library for symbol, library in libraries.items()}
        self._main = next(iter(libraries.values()))
        self._journal = journal
        self._clock = clock
        self._secrets = secrets
        self._library_seconds = library_seconds
        self._observe = observe
        self._link = link
        self._broker = broker
        self._doors = doors
        self._locks = Locks()

    async def handle(self, arrival: Arrival) -> Answer:
        """Never raises for anything that a message holds."""
        hand = self._take(arrival)
        clear_contextvars()
        answer = await self._converse(hand)
        seconds = time.perf_counter() - hand.started
        self._observe(Done(arrival.protocol, hand.profile, hand.envelope.service, hand.outcome, seconds))
        return answer

    # --- again -------------------------------------------------------------------------------------------

    async def replay(self, kept: FullMessage) -> Replayed:
        """Carry a message of the journal out once more, as a new exchange; its sender was admitted the first time, so
        the profile named in the journal is used. Raises NotReplayable, Unavailable."""
        hand, profile = self._kept(kept, self._clock.now(), Transport.REPLAY)
        hand.replay_of = kept.message.id
        replayed = await self._again(hand, profile)
        if replayed.outcome is not OutcomeClass.FAILED:
            await self._journal.lay_down(kept.message.library, kept.message.id)  # where repair had set it aside
        return replayed

    async def finish(self, kept: FullMessage) -> Replayed:
        """Carry out what was interrupted, and complete its row in the journal. Raises NotReplayable."""
        hand, profile = self._kept(kept, kept.message.at, Transport(kept.message.transport))
        hand.begun = kept.begun()
        return await self._again(hand, profile)

    async def rehearse(self, kept: FullMessage) -> Rehearsal:
        """What `replay` would do, as far as it can be told without the library. Raises NotReplayable."""
        hand, profile = self._kept(kept, self._clock.now(), Transport.REPLAY)
        talk = self._address(hand, profile)
        service = hand.envelope.service
        try:
            incoming = self._decode(hand, talk)
        except MalformedMessage as error:
            return Rehearsal(service, refusal=error, answer=hand.responder.refuse(hand.envelope, error, talk))
        except Refused as refused:
            refusal = Refusal.of(refused)
            return Rehearsal(service, refusal=refusal, answer=hand.responder.refuse(hand.envelope, refusal, talk))
        command = incoming.command
        if incoming.told is not None:
            taken = await self._as_if(hand, incoming.told, talk)
            said = hand.responder.encode(hand.envelope, incoming, taken, talk)
            return Rehearsal(service, told=incoming.told, refusal=taken.refused, answer=said)
        if command is None:
            return Rehearsal(service, answer=hand.responder.encode(hand.envelope, incoming, None, talk))
        key = "" if isinstance(command, READ_ONLY) else message_key(command, profile.name)
        answer = await self._repeat(hand, key) if key else None
        return Rehearsal(service, command, answer=answer, carried_out_as=hand.repeat_of)

    async def _again(self, hand: Hand, profile: Profile) -> Replayed:
        clear_contextvars()
        answer = await self._serve(hand, profile)
        return Replayed(answer, hand.outcome, hand.reason, "; ".join(hand.notes))

    def _kept(self, kept: FullMessage, received: datetime, transport: Transport) -> tuple[Hand, Profile]:
        message = kept.message
        arrival = arrival_of(kept, received, transport)
        if not message.profile:
            raise NotReplayable("no profile was found for it when it came; have its sender send it again")
        profile = self._profiles().by_name(message.profile)
        if profile is None or profile.abstract or arrival.protocol not in self._responders:
            raise NotReplayable(f"its profile '{message.profile}' is no longer there")
        if self._library_of(profile).symbol != message.library:
            raise NotReplayable(f"its profile '{message.profile}' belongs to another library now")
        return self._take(arrival), profile

    # --- the way of a message ----------------------------------------------------------------------------

    def _take(self, arrival: Arrival) -> Hand:
        responder = self._responders[arrival.protocol]
        return Hand(
            arrival=arrival,
            responder=responder,
            envelope=responder.open(arrival, self._profiles().max_bytes),
            library=self._main,
            started=time.perf_counter(),
        )

    async def _converse(self, hand: Hand) -> Answer:
        try:
            profile = self._choose(hand)
        except Refused as refused:
            return await self._refuse(hand, Refusal.of(refused))
        return await self._serve(hand, profile)

    async def _serve(self, hand: Hand, profile: Profile) -> Answer:
        talk = self._address(hand, profile)
        bind_contextvars(profile=profile.name, service=hand.envelope.service)
        try:
            incoming = self._decode(hand, talk)
        except Refused as refused:
            return await self._refuse(hand, Refusal.of(refused))
        except MalformedMessage as error:
            return await self._malformed(hand, error)
        hand.incoming = incoming
        hand.notes += [f"not understood: {path}" for path in incoming.unknown]
        if incoming.told is not None:
            return await self._tell(hand, incoming, incoming.told, talk)
        if incoming.command is None or isinstance(incoming.command, READ_ONLY):
            return await self._look_up(hand, incoming, talk)
        return await self._act(hand, incoming, incoming.command, talk)

    def _address(self, hand: Hand, profile: Profile) -> Conversation:
        """Which library is meant, under which profile."""
        hand.library = library = self._library_of(profile)
        hand.talk = Conversation(profile, library.symbol, library.zone, library.currency, hand.arrival.received)
        return hand.talk

    # --- before the library is asked ---------------------------------------------------------------------

    def _choose(self, hand: Hand) -> Profile:
        """Raises Refused(UNKNOWN_SENDER | SENDER_AUTH_FAILED)."""
        line = hand.arrival.line
        candidates = self._profiles().candidates(sender_of(hand))
        if line is not None and not (hand.envelope.from_agency or hand.envelope.symbols):
            known = self._profiles().by_name(line.only)
            if known is not None:
                return known  # on a connection parties need not be named (facts/iso-ill-10161.md 3)
        for candidate in candidates:
            profile = candidate.profile
            if line is not None and line.knows(profile.name):
                return profile
            credential = self._admitted(profile, hand)
            wanted = candidate.rule.credential if candidate.rule is not None else None
            if credential is not None and wanted in (None, credential):
                if line is not None:
                    line.admit(profile.name)
                return profile
        if candidates:
            raise Refused(Reason.SENDER_AUTH_FAILED, "The sender could not be authenticated.", about=About.SENDER)
        raise Refused(
            Reason.UNKNOWN_SENDER,
            "No profile fits this sender.",
            about=About.SENDER,
            value=hand.envelope.from_agency,
        )

    def _admitted(self, profile: Profile, hand: Hand) -> str | None:
        try:
            return admit(profile, hand.arrival, hand.envelope, self._secrets)
        except ConfigurationError as error:  # a secret that can't be read lets nobody in
            log.error("profile.secret_missing", profile=profile.name, problem=str(error))
            return None

    def _library_of(self, profile: Profile) -> OpenLibrary:
        return self._libraries[profile.library.casefold()] if profile.library else self._main

    def _decode(self, hand: Hand, talk: Conversation) -> Incoming:
        size = len(hand.arrival.body)
        if size > talk.profile.max_bytes:
            raise MalformedMessage("message", f"larger than {talk.profile.max_bytes} bytes", Fault.TOO_LARGE)
        return hand.responder.decode(hand.envelope, talk)

    # --- news of a managed request -----------------------------------------------------------------------

    async def _tell(self, hand: Hand, incoming: Incoming, told: FromPartner, talk: Conversation) -> Answer:
        """What it changes, its answer and the journal are one transaction; those of one partner go one after the
        other. After a crash it was never here: its sender sends it again."""
        doors, profile = self._doors, talk.profile
        if doors is None:
            return await self._refuse(hand, Refusal(Reason.UNSUPPORTED_SERVICE, "No requests are managed here."))
        notes = tuple(hand.notes)

        def work(connection: Connection) -> tuple[Answer, Opening, Ending]:
            hand.outcome, hand.reason = OutcomeClass.OK, ""
            taken = doors.take(connection, hand.library.symbol, told, profile)
            answer = hand.responder.encode(hand.envelope, incoming, taken, talk)
            hand.notes = [*notes, *_taken_notes(taken), *([answer.note] if answer.note else [])]
            if taken.refused is not None:
                hand.outcome, hand.reason = OutcomeClass.REFUSED, taken.refused.reason.value
            return answer, opening_of(hand), ending_of(hand, answer, self._clock.now())

        async with self._locks.hold(f"{hand.library.symbol} told {profile.name}"):
            try:
                answer = await self._journal.record_with(work)
            except Unavailable as down:
                return self._not_kept(hand, down)
            except Exception:
                log.exception("exchange.defect")
                detail = "An internal error occurred; the message is kept and can be replayed."
                refusal = self._failed(hand, OutcomeClass.FAILED, Refusal(Reason.TEMPORARY_FAILURE, detail))
                return await self._record(
                    hand, hand.responder.encode(hand.envelope, incoming, Taken("", refusal), talk)
                )
        doors.after(hand.library.symbol)
        return answer

    async def _as_if(self, hand: Hand, told: FromPartner, talk: Conversation) -> Taken:
        """What would become of it; nothing does. Raises NotReplayable."""
        doors = self._doors
        if doors is None:
            raise NotReplayable("no requests are managed here")

        def work(connection: Connection) -> Taken:
            raise _TakenBack(doors.take(connection, hand.library.symbol, told, talk.profile))

        try:
            return await self._journal.apart(work)
        except _TakenBack as rehearsed:
            return rehearsed.taken

    # --- the use case ------------------------------------------------------------------------------------

    async def _look_up(self, hand: Hand, incoming: Incoming, talk: Conversation) -> Answer:
        if isinstance(incoming.command, SHORT):
            answer = await self._in_one(hand, incoming, incoming.command, "", talk)
            if answer is not None:
                return answer
        result = await self._carry_out(hand, incoming.command, talk) if incoming.command is not None else None
        answer = hand.responder.encode(hand.envelope, incoming, result, talk)
        return await self._record(hand, answer)

    async def _act(self, hand: Hand, incoming: Incoming, command: Command, talk: Conversation) -> Answer:
        key = message_key(command, talk.profile.name)
        async with self._locks.hold(f"{hand.library.symbol} {key}"):
            answer = await self._in_one(hand, incoming, command, key, talk)
            if answer is not None:
                return answer
            try:
                begun = hand.begun or await self._journal.begin(opening_of(hand))
            except Unavailable as down:
                return self._not_kept(hand, down)
            bind_contextvars(exchange=begun.exchange)
            return await self._act_once(hand, incoming, command, key, talk, begun)

    async def _in_one(
        self, hand: Hand, incoming: Incoming, command: Command, key: str, talk: Conversation
    ) -> Answer | None:
        """Work, answer and journal in one transaction (docs/decisions/0005-one-transaction.md).

        None where that is not possible or doesn't end well: nothing has happened then, and the usual way meets the
        same again and tells the kinds of trouble apart."""
        system = hand.library.system
        if hand.begun is not None or not isinstance(system, SharesStore):
            return None
        if self._broker is not None and self._broker.takes(talk.profile, command):
            return None
        link = self._link if key else None

        def work(connection: Connection) -> tuple[tuple[Answer, Linked | None], Opening, Ending]:
            result = at_once(carry_out(command, self._desk(hand, talk, system.within(connection)), key))
            linked = link(connection, hand.library.symbol, talk.profile, command, result) if link is not None else None
            answer = hand.responder.encode(hand.envelope, incoming, linked.result if linked else result, talk)
            return (answer, linked), opening_of(hand), ending_of(hand, answer, self._clock.now(), key)

        try:
            answer, linked = await self._journal.record_with(work)
        except Exception as error:  # noqa: BLE001 - see above
            log.debug("exchange.usual_way", kind=type(error).__name__)
            return None
        if linked is not None:
            linked.after()
        return answer

    async def _act_once(
        self, hand: Hand, incoming: Incoming, command: Command, key: str, talk: Conversation, begun: Begun
    ) -> Answer:
        outcome = await self._carry_out(hand, command, talk)
        answer = None
        if isinstance(outcome, Refusal) and outcome.reason in REPEATABLE and _may_repeat(command, talk.profile):
            answer = await self._repeat(hand, key)
        try:
            if answer is None:
                outcome = await self._linked(hand, command, outcome, talk)
                answer = hand.responder.encode(hand.envelope, incoming, outcome, talk)
            done = key if hand.outcome is OutcomeClass.OK and not hand.repeat_of else ""
            await self._journal.complete(begun, ending_of(hand, answer, self._clock.now(), done))
        except Unavailable as down:
            return self._not_kept(hand, down)
        return answer

    async def _linked(
        self, hand: Hand, command: Command, outcome: Result | Refusal, talk: Conversation
    ) -> Result | Refusal:
        """What the library did may be news for a managed request. After a crash from here on the message is carried out
        again, and the request told again. A defect here is no reason to answer that the library did nothing.

        Raises Unavailable (the store).
        """
        link = self._link
        if link is None or isinstance(outcome, Refusal):
            return outcome
        symbol = hand.library.symbol
        try:
            linked = await self._journal.apart(lambda c: link(c, symbol, talk.profile, command, outcome))
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

    async def _carry_out(self, hand: Hand, command: Command, talk: Conversation) -> Result | Refusal:
        desk = self._desk(hand, talk, hand.library.system)
        broker = self._broker
        try:
            async with asyncio.timeout(self._library_seconds):
                if broker is not None and broker.takes(talk.profile, command):
                    return await broker.carry_out(command, desk, message_key(command, desk.profile))
                return await carry_out(command, desk)
        except Refused as refused:
            return self._failed(hand, OutcomeClass.REFUSED, Refusal.of(refused))
        except Unavailable as error:
            log.warning("library.unavailable", reason=str(error))
            detail = "The library system can't be reached; nothing was done. Please send the message again later."
        except (TimeoutError, OutcomeUnknown):
            log.warning("library.outcome_unknown")
            detail = UNCERTAIN
        except Exception:
            log.exception("exchange.defect")
            detail = "An internal error occurred; the message is kept and can be replayed."
        return self._failed(hand, OutcomeClass.FAILED, Refusal(Reason.TEMPORARY_FAILURE, detail, About.SERVICE))

    def _desk(self, hand: Hand, talk: Conversation, system: LibrarySystem) -> Desk:
        return Desk(
            library=system,
            policy=talk.profile.circulation,
            profile=talk.profile.name,
            zone=hand.library.zone,
            currency=hand.library.currency,
            clock=self._clock,
            symbol=hand.library.symbol,
            sender=our_agency(hand.envelope.from_agency, talk.profile.circulation),
            institution=talk.profile.partner.symbol if talk.profile.partner is not None else "",
        )

    @staticmethod
    def _failed(hand: Hand, outcome: OutcomeClass, refusal: Refusal) -> Refusal:
        hand.outcome, hand.reason = outcome, refusal.reason.value
        hand.notes.append(refusal.detail)
        if refusal.internal:
            hand.notes.append(f"library: {refusal.internal}")
        return refusal

    async def _repeat(self, hand: Hand, key: str) -> Answer | None:
        """The answer that this message got when it was carried out before."""
        before = await self._journal.find_processed(hand.library.symbol, hand.profile, key)
        first = before.answer if before is not None else None
        if before is None or first is None or first.body is None or first.message.truncated:
            return None
        hand.outcome, hand.reason, hand.repeat_of = OutcomeClass.OK, "", before.first_message
        hand.notes = ["a repeat: answered as before"]
        return Answer(first.body, first.message.content_type, first.message.status or 200)

    # --- endings -----------------------------------------------------------------------------------------

    async def _refuse(self, hand: Hand, refusal: Refusal) -> Answer:
        sender = refusal.reason in (Reason.UNKNOWN_SENDER, Reason.SENDER_AUTH_FAILED)
        self._failed(hand, OutcomeClass.REJECTED if sender else OutcomeClass.REFUSED, refusal)
        if sender:
            log.warning("sender.rejected", peer=hand.arrival.peer, reason=refusal.reason.value)
        return await self._record(hand, hand.responder.refuse(hand.envelope, refusal, hand.talk))

    async def _malformed(self, hand: Hand, error: MalformedMessage) -> Answer:
        hand.outcome, hand.reason = OutcomeClass.MALFORMED, error.fault.value
        hand.notes.append(str(error))
        return await self._record(hand, hand.responder.refuse(hand.envelope, error, hand.talk))

    async def _record(self, hand: Hand, answer: Answer) -> Answer:
        try:
            if hand.begun is not None:
                await self._journal.complete(hand.begun, ending_of(hand, answer, self._clock.now()))
            else:
                await self._journal.record_exchange(opening_of(hand), ending_of(hand, answer, self._clock.now()))
        except Unavailable as down:
            return self._not_kept(hand, down)
        return answer

    def _not_kept(self, hand: Hand, down: Unavailable) -> Answer:
        """A message that can't be kept is not dealt with: the sender keeps it and sends it again."""
        log.error("journal.down", reason=str(down))
        hand.outcome, hand.reason = OutcomeClass.FAILED, Reason.TEMPORARY_FAILURE.value
        refusal = Refusal(Reason.TEMPORARY_FAILURE, "The message could not be stored. Please send it again later.")
        return hand.responder.refuse(hand.envelope, refusal, hand.talk)


class _TakenBack(Exception):
    """Ends a transaction that was only to show what it would do."""

    def __init__(self, taken: Taken) -> None:
        super().__init__("taken back")
        self.taken = taken


def _taken_notes(taken: Taken) -> list[str]:
    notes = ["a repeat: it was here before"] if taken.repeated else []
    return notes if taken.refused is None else [*notes, taken.refused.detail]


def _may_repeat(command: Command, profile: Profile) -> bool:
    return not isinstance(command, AcceptItem) or profile.circulation.accept.duplicate != "refuse"
