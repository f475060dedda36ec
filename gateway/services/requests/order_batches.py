"""Orders that wait to go to a partner together."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests import calendar
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.partner_policy import BatchRule
from gateway.domain.requests.staff_views import BatchedOrder
from gateway.domain.requests.views import NotFound, ResultPage
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import (
    DeliveryResult,
    OrderBatchFile,
    PartnerChannel,
    PartnerMessage,
    RepeatsOctets,
    SendsBatches,
)
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.attempts import describe_refusal
from gateway.services.outbox.queue import Handler, HandlerResult
from gateway.services.requests.delivery_results import record_delivery_result
from gateway.services.requests.effects import find_batch_channel, next_batch_number, read_message_to_send
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.outbox_row_names import LEFT_OUT, name_outbox_row
from gateway.services.requests.sent_messages import Delivery, SentMessageJournal
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import order_batches, outbox, outbox_queries
from gateway.store.requests.order_batches import FILE, GATHER, FiledOrder
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.request_rows import UnreadableDocumentError, parse_message
from gateway.store.schema import make_exchange_id

log = structlog.get_logger(component="outbox")

LEFT_OVER = timedelta(minutes=1)
"""Shortest wait of an order that could not go with the others, since another message of its request comes first."""


@value_object
class OrderBatcher:
    """`contexts` by symbol; `sent`: what partners are told."""

    contexts: Mapping[str, LibraryContext]
    sent: SentMessageJournal

    def handlers_by_kind(self) -> Mapping[str, Handler]:
        return {GATHER: self.handle_batch_timer, FILE: self.handle_order_batch}

    # --- the alarm ---------------------------------------------------------------------------------------

    async def handle_batch_timer(self, row: OutboxRow) -> HandlerResult:
        """All is done in the transaction that ends the row."""
        context = self.contexts[row.library]
        batch_channel = find_batch_channel(context, row.target)
        if batch_channel is None:
            return HandlerResult(
                "not gathered any more", lambda c: order_batches.send_singly(c, context.symbol, row.target)
            )
        return HandlerResult("gathered", lambda c: self._form_batches(c, context, *batch_channel))

    def _form_batches(
        self, connection: Transaction, context: LibraryContext, profile: Profile, rule: BatchRule, channel: SendsBatches
    ) -> None:
        ready = order_batches.lock_ready_orders(connection, context.symbol, profile.name, order_batches.ALL)
        for orders in _group_orders(ready, profile, rule.most, channel):
            _insert_batch(connection, context, profile, rule, orders)
        if order_batches.has_waiting_orders(connection, context.symbol, profile.name):
            now = context.now()
            due = max(calendar.batch_due(rule, now, context.calendar), now + LEFT_OVER)
            order_batches.schedule_batch(connection, context.symbol, profile.name, now, due, order_batches.ALL)

    # --- the file ----------------------------------------------------------------------------------------

    async def handle_order_batch(self, row: OutboxRow) -> HandlerResult:
        """Each try is the same: its orders, its number, its id, its octets."""
        context = self.contexts[row.library]
        orders = await context.store.read(lambda c: order_batches.list_orders_in_hand(c, context.symbol, row.id))
        profile, policy = context.require_partner(row.target)
        channel = context.channels.get(policy.channel)
        if not isinstance(channel, SendsBatches):
            return HandlerResult(
                "its orders go one by one",
                lambda c: order_batches.dissolve_batch(c, context.symbol, row.id, context.now()),
            )
        messages = [read_message_to_send(context, outbox_row) for outbox_row in orders]
        number = str(json.loads(row.payload)["number"])
        file = OrderBatchFile(id=row.id, number=number, at=row.created)
        composed = await keep_composed(context, row, lambda: channel.compose_batch(messages, file, profile))
        assert composed is not None, "a batch is always kept"
        delivery = Delivery(row.library, profile.name, messages, number)
        outcomes, journal_sent = await self.sent.deliver(delivery, lambda: channel.send_composed(composed))
        sent = sum(isinstance(outcome, DeliveryResult) for outcome in outcomes)
        ends = tuple(zip(orders, messages, outcomes, strict=True))

        def record_batch(connection: Transaction) -> None:
            _record_batch_results(connection, context, row.id, ends)
            journal_sent(connection)

        for order, _, outcome in ends:
            if isinstance(outcome, Refused):
                reason = outcome.reason.value
                log.warning(
                    "outbox.dead", outbox_row=order.id, request=order.request_id, outcome="refused", reason=reason
                )
        return HandlerResult(f"file {number}: {sent} of {len(ends)} orders", record_batch)


async def keep_composed(context: LibraryContext, row: OutboxRow, compose: Callable[[], str | None]) -> str | None:
    """The order file of a row: composed and kept at the first try, the same at all others. The first one after staff
    have released the row is a first one again, since what was wrong may have been the profile. None: `compose` has
    nothing to keep."""
    library = context.symbol
    kept = await context.store.read(lambda c: order_batches.find_order_file(c, library, row.id))
    if kept is not None:
        if row.tries > 1:
            return kept
        await context.store.write(lambda c: order_batches.forget_order_file(c, library, row.id))
    composed = compose()
    if composed is not None:
        await context.store.write(lambda c: order_batches.keep_order_file(c, library, row.id, composed, context.now()))
    return composed


async def send_single(
    channel: PartnerChannel, message: PartnerMessage, profile: Profile, composed: str | None
) -> DeliveryResult:
    """A message that goes alone: as it was composed, or, where nothing was, as the profile says now. Raises as
    `PartnerChannel.send`."""
    if composed is not None and isinstance(channel, RepeatsOctets):
        return await channel.send_octets(composed, message, profile)
    if composed is None or not isinstance(channel, SendsBatches):
        return await channel.send(message, profile)
    (outcome,) = await channel.send_composed(composed)
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def _record_batch_results(
    connection: Transaction,
    context: LibraryContext,
    file_id: str,
    ends: Sequence[tuple[OutboxRow, PartnerMessage, DeliveryResult | Refused]],
) -> None:
    order_batches.forget_order_file(connection, context.symbol, file_id)
    for _, message, outcome in ends:  # first, since what changes a request locks it before the lane
        if isinstance(outcome, DeliveryResult):
            record_delivery_result(connection, context, message, outcome)
    now = context.now()
    for order, _, outcome in ends:
        if isinstance(outcome, DeliveryResult):
            outbox.mark_done(connection, order, outcome.note or "delivered", now)
        else:
            order_batches.drop_order(connection, context.symbol, file_id, order.id)
            outbox.mark_dead(connection, order, describe_refusal(outcome), now)


# --- coming together -------------------------------------------------------------------------------------


def _group_orders(
    orders: Sequence[OutboxRow], profile: Profile, most: int, channel: SendsBatches
) -> Iterator[Sequence[tuple[OutboxRow, PartnerMessage]]]:
    """Those that can go together, oldest first, no more than `most`."""
    groups: dict[str, list[tuple[OutboxRow, PartnerMessage]]] = defaultdict(list)
    for order in orders:
        try:
            message = parse_message(order.payload)
        except UnreadableDocumentError:  # of a newer release: a node that can read it will be the next to try
            continue
        groups[channel.batch_key(message, profile)].append((order, message))
    for group in groups.values():
        yield from (group[n : n + most] for n in range(0, len(group), most))


def _insert_batch(
    connection: Transaction,
    context: LibraryContext,
    profile: Profile,
    rule: BatchRule,
    orders: Sequence[tuple[OutboxRow, PartnerMessage]],
) -> None:
    now = context.now()
    number = next_batch_number(connection, context, profile, rule)
    row = OutboxRow(
        library=context.symbol,
        id=make_exchange_id(now),
        lane="",
        kind=FILE,
        target=profile.name,
        payload=json.dumps({"number": number}),
        created=now,
        next_at=now,
    )
    entries = [
        FiledOrder(
            library=context.symbol,
            profile=profile.name,
            number=number,
            place=place,
            file_id=row.id,
            order_id=order.id,
            request_id=order.request_id,
            reference=message.transaction,
            at=now,
        )
        for place, (order, message) in enumerate(orders, start=1)
    ]
    order_batches.add_batch(connection, row, entries)


def list_waiting_orders(
    connection: Transaction, context: LibraryContext, limit: int, cursor: str
) -> ResultPage[BatchedOrder]:
    """Oldest first."""
    page = order_batches.unsent_orders(connection, context.symbol, limit, cursor)
    return ResultPage(tuple(_build_order_view(connection, context, row) for row in page.rows), page.cursor)


def _build_order_view(connection: Transaction, context: LibraryContext, order: OutboxRow) -> BatchedOrder:
    view = BatchedOrder(id=order.id, partner=order.target, request_id=order.request_id, created=order.created)
    file_id = order_batches.file_id_of_order(order)
    if not file_id:
        return replace(view, due=order_batches.find_batch_due(connection, context.symbol, order.target))
    file = outbox_queries.get_outbox_row(connection, context.symbol, file_id)
    number = next((filed.number for filed in order_batches.list_filed_orders(connection, context.symbol, file_id)), "")
    return replace(view, file=number, error=file.error if file is not None else "")


def skip_batch_orders(
    connection: Transaction, context: LibraryContext, file: OutboxRow, reason: str, actor: str
) -> None:
    """Skip the orders of a file that is never sent. Who decided it stands in the history of each request."""
    for order in order_batches.list_orders_in_hand(connection, context.symbol, file.id):
        what = name_outbox_row(order.kind, order.target, context)
        details = EventDetails(note=write_sentence(LEFT_OUT, what=what, words=reason))
        event = Event(local_signal(EventKind.NOTE), context.now(), actor, details)
        with suppress(NotFound):
            apply_event_in(connection, context, EventRequest(request_id=order.request_id, event=event))
        outbox.leave_unsent(connection, order, reason, actor, context.now())
