"""Handlers of outbox rows: partner, letter, library, work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable
from gateway.domain.requests.events import Event, EventDetails, EventKind, LoanCondition, ReasonCodes, local_signal
from gateway.domain.requests.prices import covers_price, list_limits, needs_agreement
from gateway.domain.requests.request import STILL_WANTED, AttemptStatus, BorrowingState, Request, RequestFlag
from gateway.domain.requests.request_messages import is_letter_overtaken, is_message_overtaken
from gateway.domain.requests.state_table import FollowUp, LibraryAction
from gateway.domain.requests.views import EventDenied, VersionConflict
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.outgoing_mail import LetterSender, Mailer, build_mail
from gateway.ports.partner_channel import PartnerMessage, RepeatsOctets, SendsBatches, SendsInParts
from gateway.ports.shared_store import Transaction
from gateway.services.letters.renderer import LetterRenderer, mail_address
from gateway.services.outbox.attempts import can_have_arrived, describe_refusal
from gateway.services.outbox.queue import Handler, HandlerResult
from gateway.services.request_work.desk_rows import DeskStep, make_moot_note
from gateway.services.request_work.library_calls import call_library
from gateway.services.request_work.patron_notices import (
    NO_ADDRESS,
    NO_PATRON,
    NOT_SENT,
    NOT_WANTED,
    find_reader,
    load_reader_settings,
    make_telling_task,
    render_stored_notice,
)
from gateway.services.requests.answered_messages import ANSWERED, is_answered, was_tried_before
from gateway.services.requests.deadlines import compute_renewed_due
from gateway.services.requests.delivery_results import is_refusal_for_staff, record_delivery_result
from gateway.services.requests.effects import (
    LETTER,
    LIBRARY,
    PARTNER,
    WORK,
    add_next_part,
    read_message_to_send,
    reader_of_request,
)
from gateway.services.requests.lending import LOCATE, locate_item
from gateway.services.requests.library_context import DESK, PATRON, LibraryContext, require_request
from gateway.services.requests.moot_steps import MOOT
from gateway.services.requests.order_batches import OrderBatcher, keep_composed, send_single
from gateway.services.requests.sent_messages import Delivery, SentMessageJournal
from gateway.services.requests.suppliers import select_next_supplier
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store.requests import order_batches, requests
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id


@value_object
class RequestOutboxHandlers:
    """`contexts` by symbol; `sender`: whose address letters to patrons carry; `sent`: what partners are told."""

    contexts: Mapping[str, LibraryContext]
    letters: LetterRenderer
    mailer: Mailer
    sender: LetterSender
    sent: SentMessageJournal

    def handlers_by_kind(self) -> Mapping[str, Handler]:
        own: dict[str, Handler] = {
            PARTNER: self.handle_partner_message,
            LETTER: self.handle_letter,
            LIBRARY: self.handle_library_call,
            WORK: self.handle_own_work,
        }
        return {**own, **OrderBatcher(self.contexts, self.sent).handlers_by_kind()}

    # --- partners ----------------------------------------------------------------------------------------

    async def handle_partner_message(self, row: OutboxRow) -> HandlerResult:
        """Send a message; raises Refused when the partner has no channel that works."""
        context = self.contexts[row.library]
        message = replace(read_message_to_send(context, row), repeated=can_have_arrived(row.tries, row.error))
        if was_tried_before(row) and await context.store.read(lambda c: is_answered(c, context, row, message)):
            return HandlerResult(ANSWERED, lambda c: _end_answered(c, context, row, message))
        if was_tried_before(row) and await _is_overtaken(context, row, lambda r: is_message_overtaken(r, message.kind)):
            return HandlerResult(MOOT, lambda c: _end_overtaken(c, context, row, message))
        profile, policy = context.require_partner(row.target)
        channel = context.channels.get(policy.channel)
        if channel is None:
            raise Refused(
                RefusalReason.UNSUPPORTED_SERVICE,
                write_sentence("The channel '%(channel)s' does not exist.", channel=policy.channel),
                about=MessagePart.RECEIVER,
            )
        parts = channel.count_parts(message, profile) if isinstance(channel, SendsInParts) else 1
        if parts > 1 and message.part is None:
            message = replace(message, part=0)
        composed = None
        if isinstance(channel, SendsBatches):
            composed = await keep_composed(context, row, lambda: channel.compose_single(message, profile))
        elif isinstance(channel, RepeatsOctets):
            composed = await keep_composed(context, row, lambda: channel.compose_message(message, profile))
        delivery = Delivery(row.library, profile.name, [message])
        delivered, journal_sent = await self.sent.deliver(
            delivery, lambda: send_single(channel, message, profile, composed)
        )

        def record_delivery(connection: Transaction) -> None:
            record_delivery_result(connection, context, message, delivered)
            order_batches.forget_order_file(connection, context.symbol, row.id)
            journal_sent(connection)
            if message.part is not None and delivered.refused is None:
                add_next_part(connection, context, message)

        refused = delivered.refused
        for_staff = refused is not None and is_refusal_for_staff(context, message, refused)
        words = describe_refusal(Refused(refused.reason, refused.detail)) if refused is not None else ""
        if for_staff:
            return HandlerResult(words, record_delivery, words)
        return HandlerResult(words or delivered.note or "delivered", record_delivery)

    # --- patrons -----------------------------------------------------------------------------------------

    async def handle_letter(self, row: OutboxRow) -> HandlerResult:
        context = self.contexts[row.library]
        request = await require_request(context, row.request_id)
        if not reader_of_request(request).id:
            return HandlerResult(f"{NOT_SENT}{NO_PATRON}")
        if was_tried_before(row) and is_letter_overtaken(request, row.target):
            return HandlerResult(MOOT)
        if not (await load_reader_settings(context, request)).wants_letter(row.target):
            return HandlerResult(NOT_WANTED)
        patron = await find_reader(context, request)
        if not mail_address(patron, context.today()):
            return HandlerResult(f"{NOT_SENT}{NO_ADDRESS}", make_telling_task(context, row, request))
        letter = await render_stored_notice(context, self.letters, row, request, patron)
        return HandlerResult(await self.mailer.send(build_mail(letter, self.sender.fill_from_library(context.info))))

    # --- the library -------------------------------------------------------------------------------------

    async def handle_library_call(self, row: OutboxRow) -> HandlerResult:
        context = self.contexts[row.library]
        if row.target.startswith(f"{DESK}:"):
            return await DeskStep(context).handle_row(row)
        request = await require_request(context, row.request_id)
        return await call_library(context, LibraryAction(row.target), request, row.id, row.payload)

    async def handle_own_work(self, row: OutboxRow) -> HandlerResult:
        return HandlerResult(await run_follow_up(self.contexts[row.library], row.target, row.request_id))


def _end_answered(connection: Transaction, context: LibraryContext, row: OutboxRow, message: PartnerMessage) -> None:
    order_batches.forget_order_file(connection, context.symbol, row.id)
    add_next_part(connection, context, message)


async def _is_overtaken(context: LibraryContext, row: OutboxRow, test: Callable[[Request], bool]) -> bool:
    """Return whether the request, if there is one, has left behind what the row says."""
    if not row.request_id:
        return False
    request = await context.store.read(lambda c: requests.load_request(c, context.symbol, row.request_id))
    return request is not None and test(request)


def _end_overtaken(connection: Transaction, context: LibraryContext, row: OutboxRow, message: PartnerMessage) -> None:
    make_moot_note(context, row)(connection)
    _end_answered(connection, context, row, message)


async def run_follow_up(context: LibraryContext, work: str, request_id: str) -> str:
    """A line for the outbox. Raises Unavailable, NotFound."""
    return await _WORK[work](context, request_id)


async def _decide_condition(context: LibraryContext, request_id: str) -> str:
    request = await require_request(context, request_id)
    if request.state is not BorrowingState.CONDITIONAL:
        return "no condition is open"
    if request.other_leg is not None:
        return "the requester decides, or staff"
    match context.workflow(request).borrowing.conditions:
        case "accept" if _is_acceptable_by_rule(request):
            return await _apply_event_by_rule(context, request, EventKind.CONDITION_ACCEPTED)
        case "refuse":
            return await _apply_event_by_rule(context, request, EventKind.CONDITION_REFUSED)
        case "patron" if request.patron.id and _has_terms(request):
            details = EventDetails(
                query=make_exchange_id(context.now()), reason=_query_subject(request), note=_query_text(request)
            )
            return await _apply_event_by_rule(context, request, EventKind.PATRON_ASKED, details)
    return "staff decide"


def _is_acceptable_by_rule(request: Request) -> bool:
    """Return whether a rule may accept: no rule pays more than the limit, or what nobody can read, nor asks again for
    what isn't to be had now."""
    attempt, offered = request.attempt, request.costs.offered
    is_unread = offered is None and attempt is not None and LoanCondition.COST in attempt.conditions
    if is_unread and list_limits(request):
        return False
    return _has_terms(request) and not needs_agreement(request, offered)


def _has_terms(request: Request) -> bool:
    """Return whether it is a price or a condition that is to be decided, and not a mere offer to ask again."""
    attempt = request.attempt
    is_offer = attempt is not None and attempt.status is AttemptStatus.OFFERED
    return not is_offer or request.costs.offered is not None or (attempt is not None and bool(attempt.conditions))


def _query_subject(request: Request) -> str:
    """Return what the patron is asked about: a word of the query letter."""
    attempt = request.attempt
    if attempt is not None and attempt.cost is not None:
        return LoanCondition.COST.value
    conditions = attempt.conditions if attempt is not None else ()
    return conditions[0].value if conditions else LoanCondition.OTHER.value


def _query_text(request: Request) -> str:
    """The supplier's own words, where it said any."""
    return request.attempt.note if request.attempt is not None else ""


async def _apply_patron_answer(context: LibraryContext, request_id: str) -> str:
    request = await require_request(context, request_id)
    query = request.query
    if query is not None and query.about == STILL_WANTED:  # which decides on no condition
        if query.answer != "no" or query.has_run_out:
            return "nothing to decide"
        return await _apply_event_by_rule(context, request, EventKind.CANCEL, actor=PATRON)
    if request.state is not BorrowingState.CONDITIONAL or query is None or not query.answer:
        return "nothing to decide"
    if request.attempt is not None and query.asked < request.attempt.asked:
        return "the question was about an earlier supplier"
    if query.answer != "yes":
        return await _apply_event_by_rule(context, request, EventKind.CONDITION_REFUSED)
    offered = request.costs.offered
    if offered is not None and not covers_price(query.cost, offered):
        return "the price is another one by now"
    return await _apply_event_by_rule(context, request, EventKind.CONDITION_ACCEPTED, actor=PATRON)


async def _decide_renewal(context: LibraryContext, request_id: str) -> str:
    request = await require_request(context, request_id)
    if RequestFlag.RENEWAL_PENDING not in request.flags:
        return "no renewal is wanted"
    rules = context.workflow(request).lending
    if rules.renew == "staff":
        return "staff decide"
    granted = rules.renew == "grant" and request.terms.renewals_allowed
    reason = "" if granted else ReasonCodes.POLICY.value
    if not reason and request.terms.renewals >= rules.renewals:
        reason = ReasonCodes.RENEWAL_LIMIT.value
    if not reason and await _is_wanted_here(context, request):
        reason = ReasonCodes.HAS_REQUESTS.value
    if reason:
        return await _apply_event_by_rule(
            context, request, EventKind.RENEW_REFUSED, EventDetails(reason=reason, due=request.terms.lender_due)
        )
    until = compute_renewed_due(context, request, rules.renewal_days)
    return await _apply_event_by_rule(context, request, EventKind.RENEW_ACCEPTED, EventDetails(due=until))


async def _is_wanted_here(context: LibraryContext, request: Request) -> bool:
    """Return whether somebody of our own waits for the item."""
    if not request.item_barcode:
        return False
    item = await context.find_item(request.item_barcode)
    if item is None:
        return False
    return any(hold.request_id != request.number for hold in await context.system.item_holds(item.id))


async def _report_status(context: LibraryContext, request_id: str) -> str:
    request = await require_request(context, request_id)
    details = EventDetails(status=request.state.value, due=request.terms.lender_due)
    return await _apply_event_by_rule(context, request, EventKind.STATUS_REPORT, details)


async def _apply_event_by_rule(
    context: LibraryContext,
    request: Request,
    kind: EventKind,
    details: EventDetails | None = None,
    actor: str = "rule",
) -> str:
    """An event by rule, or by `actor`, who has said what the rule goes by. What has become impossible meanwhile is
    left. Raises Unavailable where a yes would be to another offer than the one that was looked at."""
    event = Event(local_signal(kind), context.now(), actor, details or EventDetails())
    expected = request.version if kind is EventKind.CONDITION_ACCEPTED else None
    try:
        await apply_event(context, EventRequest(request_id=request.id, event=event, expected=expected))
    except EventDenied as late:
        return f"not possible any more: {late.denied.detail}"
    except VersionConflict as meanwhile:
        raise Unavailable(write_sentence("the request changed while its condition was being decided")) from meanwhile
    return kind.value


_WORK: dict[str, Callable[[LibraryContext, str], Awaitable[str]]] = {
    FollowUp.FIND_SUPPLIER.value: select_next_supplier,
    FollowUp.DECIDE_CONDITION.value: _decide_condition,
    FollowUp.DECIDE_RENEWAL.value: _decide_renewal,
    FollowUp.REPORT_STATUS.value: _report_status,
    FollowUp.PATRON_ANSWER.value: _apply_patron_answer,
    LOCATE: locate_item,
}
