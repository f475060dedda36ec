"""Messages that we send to partners, for the journal: gathered where they leave, written with what came of them.

A channel hands its mail to a `Mailer` and its bytes to `PartnerConnections`; both are wrapped
(`gateway.runtime.sent_recording`), so that no channel can forget it. What a try has sent is written in the transaction
that ends its outbox row; of a try that failed, right after it. A crash between sending and writing leaves the row in
hand: it is sent again as a repeat, and that is written.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

import structlog

from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import (
    ChannelMessage,
    DeliveryResult,
    PartnerMessage,
)
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.queue import CompletionWork
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening, MessageDirection

log = structlog.get_logger(component="outbox")

T = TypeVar("T")

MAIL = "mail"
"""Protocol of mails in the journal."""

_GATHERED: ContextVar[list[ChannelMessage] | None] = ContextVar("sent_messages", default=None)
"""What the try in hand has sent; each try is a task of its own. None: nobody keeps it, as in a preview."""


def record_sent_message(message: ChannelMessage) -> None:
    """A `RecordSent`."""
    gathered = _GATHERED.get()
    if gathered is not None:
        gathered.append(message)


@value_object
class Delivery:
    """The messages that a try is to tell one partner. `number`: of the file, where several messages go together."""

    library: str
    profile: str
    messages: Sequence[PartnerMessage]
    number: str = ""


@value_object
class _TryResult:
    outcome: OutcomeClass
    reason: str = ""
    note: str = ""


class SentMessageJournal:
    """`conceal_mail` takes passwords and tokens of links out of mails; `public_url`: where our links lead, with whose
    tokens one can answer or fetch a copy."""

    def __init__(
        self, journal: Journal, clock: Clock, conceal_mail: Callable[[bytes], bytes], public_url: str = ""
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._conceal_mail = conceal_mail
        tokens = link_token_pattern(public_url)
        self._tokens = re.compile(tokens.encode()) if tokens else None

    async def deliver(self, delivery: Delivery, send: Callable[[], Awaitable[T]]) -> tuple[T, CompletionWork]:
        """Send messages, and return what `send` returns, and what writes down what it has sent, for the transaction
        that ends the row. Raises what `send` raises; then what may have been sent is written already."""
        at, started = self._clock.now(), time.perf_counter()
        gathered: list[ChannelMessage] = []
        token = _GATHERED.set(gathered)
        try:
            result = await send()
        except (Exception, asyncio.CancelledError) as failure:  # whatever it is, something may have left
            await self._record_failed_try(delivery, gathered, failure, at, started)
            raise
        finally:
            _GATHERED.reset(token)
        came_of_it, delivered = _result_of_delivery(result), _without_refused(delivery, result)
        return result, lambda c: self._insert_messages(c, delivered, gathered, came_of_it, at, started)

    async def _record_failed_try(
        self, delivery: Delivery, gathered: list[ChannelMessage], failure: BaseException, at: datetime, started: float
    ) -> None:
        """The failure itself decides what becomes of the row, also where the journal can't be written now."""
        if not gathered:
            return
        came_of_it = _result_of_failure(failure)
        try:
            await self._journal.run_in_own_transaction(
                lambda c: self._insert_messages(c, delivery, gathered, came_of_it, at, started)
            )
        except Unavailable as down:
            log.warning("outbox.sent_not_journaled", reason=str(down))

    def _insert_messages(
        self,
        connection: Transaction,
        delivery: Delivery,
        gathered: Sequence[ChannelMessage],
        came_of_it: _TryResult,
        at: datetime,
        started: float,
    ) -> None:
        for channel_message in gathered:
            ending = JournalEnding(
                at=self._clock.now(),
                outcome=came_of_it.outcome,
                body=channel_message.answer,
                content_type=channel_message.answer_type,
                status=channel_message.status,
                reason=came_of_it.reason,
                note=came_of_it.note,
                duration_ms=(time.perf_counter() - started) * 1000,
                managed_requests=tuple(message.request.id for message in delivery.messages),
            )
            self._journal.add_exchange(connection, self._make_opening(delivery, channel_message, at), ending)

    def _make_opening(self, delivery: Delivery, message: ChannelMessage, at: datetime) -> JournalOpening:
        first = delivery.messages[0]
        return JournalOpening(
            library=delivery.library,
            at=at,
            body=self._conceal(message),
            protocol=message.protocol,
            transport=message.transport,
            direction=MessageDirection.OUT,
            profile=delivery.profile,
            service=message.service or first.kind.value,
            peer=message.peer,
            from_agency=first.sender.symbol,
            to_agency=first.receiver.symbol or delivery.profile,
            request_id=delivery.number or first.request.number or first.transaction,
            item_id=first.details.barcode if len(delivery.messages) == 1 else "",
            content_type=message.content_type,
            note="a repeat: an earlier attempt may have succeeded" if first.repeated else "",
        )

    def _conceal(self, message: ChannelMessage) -> bytes:
        if message.protocol == MAIL:
            return self._conceal_mail(message.body)
        if self._tokens is None:
            return message.body
        star = CONCEALED[:1].encode("ascii")  # of binary formats lengths must stay right
        return self._tokens.sub(lambda match: match["root"] + star * len(match["secret"]), message.body)


def link_token_pattern(public_url: str) -> str:
    """Make the pattern of the token of a link of ours, as group `secret`: of an answer (`/q/`) or of a copy (`/d/`).
    Empty: we have no address from outside, so there are no links."""
    root = re.escape(public_url.rstrip("/"))
    return rf"(?P<root>{root}/[qd]/)(?P<secret>[A-Za-z0-9._~=-]+)" if root else ""


def _without_refused(delivery: Delivery, result: object) -> Delivery:
    """Those of several messages that could be written, which alone are in the mail."""
    if not isinstance(result, Sequence) or len(result) != len(delivery.messages):
        return delivery
    pairs = zip(delivery.messages, result, strict=True)
    return replace(delivery, messages=[message for message, outcome in pairs if not isinstance(outcome, Refused)])


def _result_of_delivery(result: object) -> _TryResult:
    if not isinstance(result, DeliveryResult):
        return _TryResult(OutcomeClass.OK)
    if result.refused is not None:
        return _TryResult(OutcomeClass.REFUSED, result.refused.reason.value, result.note or result.refused.detail)
    return _TryResult(OutcomeClass.OK, note=result.note)


def _result_of_failure(failure: BaseException) -> _TryResult:
    """Return the result of a failure; of what is not known to us the text might name a patron; the log has where it
    happened."""
    if isinstance(failure, Refused):
        return _TryResult(OutcomeClass.REFUSED, failure.reason.value, failure.detail)
    reason = RefusalReason.TEMPORARY_FAILURE.value
    if isinstance(failure, OutcomeUnknown | Unavailable):
        words = "outcome unknown" if isinstance(failure, OutcomeUnknown) else "not taken"
        return _TryResult(OutcomeClass.FAILED, reason, f"{words}: {failure}")
    if isinstance(failure, asyncio.CancelledError):
        return _TryResult(OutcomeClass.FAILED, reason, "outcome unknown: broken off while it was under way")
    return _TryResult(OutcomeClass.FAILED, reason, f"{type(failure).__qualname__} (see the log)")
