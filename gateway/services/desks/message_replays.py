"""MessageReplayService: one message of the journal is rehearsed, then carried out again, for operators at their page
and for jobs that do many (gateway.services.desks.replay_jobs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from structlog.contextvars import clear_contextvars

from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.profiles import LoadedProfile
from gateway.services.desks.journaled_messages import JournaledMessageService
from gateway.services.exchange import MessageExchange
from gateway.services.exchange.handlers import KeyedLocks
from gateway.services.exchange.message_context import NotReplayableError, RehearsalResult
from gateway.services.exchange.message_example import MessageExample
from gateway.services.exchange.value_trace import ValueTrace
from gateway.services.people.users import AuditOrigin, UserService
from gateway.store.journal_records import BodyUnreadable, FullMessage, JournalMessage


class AlreadyReplayedError(Exception):
    """Somebody has replayed the message since it was looked at; nothing was done."""


@value_object
class MessageRehearsal:
    """The effect that a replay would have, beside what came of the message then. `answer_then`: as the journal has it,
    None: none is kept; `newest_replay`: id of the last one so far, empty: there is none."""

    message: JournalMessage
    result: RehearsalResult
    answer_then: bytes | None = field(repr=False)
    newest_replay: str


@value_object
class DraftRehearsal:
    """The effect that a replay would have with a draft of the profile. `changes`: values, by path, that are others than
    with the profile of now, with both."""

    result: RehearsalResult
    changes: Mapping[str, tuple[str, str]] = field(repr=False)


@value_object
class MessageReplay:
    """The end of a replay. `id`: of the journal's new entry; empty: it couldn't be written, so nothing was done."""

    id: str
    outcome: OutcomeClass


@value_object
class MessageReplayService:
    journaled: JournaledMessageService
    exchange: MessageExchange
    users: UserService
    locks: KeyedLocks = field(default_factory=KeyedLocks)

    async def rehearse_message(self, message_id: str) -> MessageRehearsal:
        """Show what a replay would do; nothing is changed or sent. Raises NotFound, NotReplayableError."""
        asked, answer = await self._read_original(message_id)
        result = await self.exchange.rehearse_message(asked)
        return MessageRehearsal(
            message=asked.message,
            result=result,
            answer_then=answer.body if answer is not None else None,
            newest_replay=await self._find_newest_replay(asked.message.id),
        )

    async def replay_message(self, message_id: str, seen: str, by: AuditOrigin) -> MessageReplay:
        """Replay a message as if it came in once more; nobody is sent the answer. `seen`: `newest_replay` of the
        rehearsal that it follows. Raises NotFound, NotReplayableError, AlreadyReplayedError, Unavailable; then nothing
        was done; or OutcomeUnknown."""
        asked, _answer = await self._read_original(message_id)
        message = asked.message
        async with self.locks.hold_key(f"{message.library} {message.id}"):
            if await self._find_newest_replay(message.id) != seen:
                raise AlreadyReplayedError
            await self.exchange.rehearse_message(asked)
            await self.users.log_message_replay(message.id, by)
            try:
                replayed = await self.exchange.replay_message(asked)
                newest = await self._find_newest_replay(message.id)
            except Unavailable as down:
                raise OutcomeUnknown(down.detail) from down
            finally:
                clear_contextvars()  # they are of the message, and this connection will ask for other pages
        return MessageReplay(newest if newest != seen else "", replayed.outcome)

    async def _read_original(self, message_id: str) -> tuple[FullMessage, FullMessage | None]:
        """Read the original and its answer. A replay of a replay could do twice what one of the original does once: its
        identity is that of when the message came. Raises NotFound, NotReplayableError."""
        exchange = await self._load_exchange(message_id)
        if exchange[0].message.replay_of:
            raise NotReplayableError("it is a replay; replay the original instead")
        return exchange[0], exchange[1] if len(exchange) > 1 else None

    async def trace_message(self, message_id: str, loaded: LoadedProfile) -> ValueTrace:
        """Trace each value of a message under a profile. Raises NotFound, NotReplayableError."""
        return await self.exchange.trace_message((await self._load_exchange(message_id))[0], loaded)

    async def make_example(self, message_id: str, loaded: LoadedProfile) -> MessageExample:
        """Make an example of a profile from a message. Raises NotFound, NotReplayableError."""
        return await self.exchange.make_example((await self._load_exchange(message_id))[0], loaded)

    async def rehearse_with_draft(self, message_id: str, draft: LoadedProfile) -> DraftRehearsal:
        """Show what a replay would do with a draft of its profile; nothing is changed or sent. Raises NotFound,
        NotReplayableError."""
        asked, _answer = await self._read_original(message_id)
        changes = await self.exchange.compare_draft(asked, draft)
        return DraftRehearsal(await self.exchange.rehearse_message(asked, draft), changes)

    async def _load_exchange(self, message_id: str) -> tuple[FullMessage, ...]:
        try:
            return await self.journaled.load_exchange(message_id)
        except BodyUnreadable as error:
            raise NotReplayableError(error.detail) from error

    async def find_newest_replay(self, message_id: str) -> JournalMessage | None:
        """Find the newest replay of the message; None: there is none."""
        replays = await self.journaled.list_replays(message_id)
        return replays[0] if replays else None

    async def _find_newest_replay(self, message_id: str) -> str:
        newest = await self.find_newest_replay(message_id)
        return newest.id if newest is not None else ""
