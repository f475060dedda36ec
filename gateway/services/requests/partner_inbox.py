"""Messages of partners about managed requests, taken once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain.problems import MessagePart, Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.attempt_updates import replace_attempt
from gateway.domain.requests.brokered_requests import is_same_symbol
from gateway.domain.requests.citation import PREVIOUS_REQUEST, RETRY, WANTED_ITEM
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.events import STRANGER, Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.prices import covers_price
from gateway.domain.requests.request import (
    OPEN_ATTEMPT,
    LendingState,
    LibraryParty,
    Request,
    RequestFlag,
    Role,
)
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.trial_numbers import is_trial_number
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import (
    ChannelMessage,
    InboxResult,
    IncomingPartnerMessage,
    PartnerMessage,
    ReportedStranger,
    StrangerMessage,
)
from gateway.ports.shared_store import Transaction
from gateway.services.requests.answered_messages import end_answered_messages, list_tried_messages
from gateway.services.requests.brokered_requests import find_loop_refusal, is_asked_as_broker
from gateway.services.requests.conversations import describe_received
from gateway.services.requests.effects import PARTNER, new_outbox_row
from gateway.services.requests.lending_intake import (
    new_lending_request,
    party_of_sender,
    start_lending_request,
    store_lending_request,
)
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in, denial_as_refusal, record_denied_event
from gateway.store import api_access
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.requests import history, outbox, requests
from gateway.store.requests.request_rows import dump_message
from gateway.store.requests.requests import ReferencedRequest, TransactionTaken
from gateway.store.schema import make_exchange_id

MAX_SENDER_CHARS = 60
"""Of the name by which a stranger calls itself, in the history of a request."""


@value_object
class PartnerInbox:
    """Implements `ports.partner_channel.ReceiveMessage` for all libraries of the installation. `contexts` by symbol;
    `journal`: of what channels hand over; None: whoever calls journals it."""

    contexts: Mapping[str, LibraryContext]
    journal: Journal | None = None

    async def receive_message(
        self, message: IncomingPartnerMessage, profile: Profile | None, carried: ChannelMessage | None = None
    ) -> InboxResult:
        """Receive a message; raises Unavailable."""
        context = self._find_library(message.receiver, profile)
        if context is None:
            refusal = Refusal(
                RefusalReason.UNKNOWN_AGENCY, "Library not found.", MessagePart.RECEIVER, message.receiver
            )
            return InboxResult(refused=refusal)
        partner = profile or context.find_partner_by_symbol(message.sender)
        if partner is None:
            refusal = Refusal(
                RefusalReason.UNKNOWN_SENDER, "The sender is not known here.", MessagePart.SENDER, message.sender
            )
            return InboxResult(refused=refusal)
        journal = self.journal
        if carried is None or journal is None:
            return await LibraryInbox(context).receive_message(message, partner)

        def receive_and_describe(connection: Transaction) -> tuple[InboxResult, JournalOpening, JournalEnding]:
            result = LibraryInbox(context).receive_in(connection, message, partner)
            return result, *describe_received(context, message, partner, carried, result)

        inbox_result = await journal.record_in_transaction(receive_and_describe)
        context.wake_outbox()
        return inbox_result

    def receive_in(
        self, connection: Transaction, symbol: str, message: IncomingPartnerMessage, profile: Profile
    ) -> InboxResult:
        """See `services.exchange.handlers.PartnerInboxPort`."""
        return LibraryInbox(self.contexts[symbol]).receive_in(connection, message, profile)

    def report_stranger(self, connection: Transaction, stranger: StrangerMessage) -> ReportedStranger | None:
        """See `services.exchange.handlers.PartnerInboxPort`."""
        by_address = sorted(
            (context for context in self.contexts.values() if stranger.library in ("", context.symbol)),
            key=lambda context: not is_same_symbol(stranger.receiver, context.symbol),
        )
        for context in by_address:
            inbox = LibraryInbox(context)
            request = inbox.find_named_request(connection, stranger)
            if request is not None:  # others may have a request of the same number
                is_new = inbox.put_on_list(connection, request, stranger)
                return ReportedStranger(context.symbol, request.id) if is_new else None
        return None

    def notify_committed(self, symbol: str) -> None:
        self.contexts[symbol].wake_outbox()

    def _find_library(self, symbol: str, profile: Profile | None) -> LibraryContext | None:
        wanted = (symbol or (profile.library if profile is not None else "")).casefold()
        if not wanted and len(self.contexts) == 1:
            return next(iter(self.contexts.values()))
        return next((context for name, context in self.contexts.items() if name.casefold() == wanted), None)


@value_object
class LibraryInbox:
    """Messages of partners to one library."""

    context: LibraryContext

    async def receive_message(self, message: IncomingPartnerMessage, profile: Profile) -> InboxResult:
        """Receive a message; raises Unavailable."""
        result = await self.context.store.write(lambda c: self.receive_in(c, message, profile))
        self.context.wake_outbox()
        return result

    def receive_in(self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile) -> InboxResult:
        """Receive a message inside a transaction that does more; whoever ends it calls `notify_committed`."""
        symbol = self.context.symbol
        requests.lock_transaction(connection, symbol, profile.name, message.transaction)
        seen = history.find_partner_message(connection, symbol, profile.name, message.id)
        if seen is not None:
            refused = Refusal(RefusalReason(seen.reason), seen.refused, MessagePart.REQUEST) if seen.refused else None
            request = requests.load_request(connection, symbol, seen.request_id) if seen.request_id else None
            return InboxResult(seen.request_id, refused, repeated=True, request=request)
        result = self._apply_message(connection, message, profile)
        refusal = result.refused
        history.store_partner_message(
            connection,
            symbol,
            profile.name,
            message.id,
            history.PartnerMessageResult(
                result.request_id,
                refusal.detail if refusal is not None else "",
                refusal.reason.value if refusal is not None else "",
            ),
            self.context.now(),
        )
        return result

    def answer_unfilled(
        self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile, why: EventDetails
    ) -> None:
        """Answer a request so at once, and make none of it: only that the message was here is kept, so that it is
        answered once. Inside a transaction, as `receive_in`."""
        context, at = self.context, self.context.now()
        requests.lock_transaction(connection, context.symbol, profile.name, message.transaction)
        if history.find_partner_message(connection, context.symbol, profile.name, message.id) is not None:
            return
        history.store_partner_message(
            connection, context.symbol, profile.name, message.id, history.PartnerMessageResult(""), at
        )
        assert message.request is not None, "it comes with kind REQUEST"
        request = message.request.make_request(context.symbol, "", "", at)
        answer = PartnerMessage(
            id=make_exchange_id(at),
            kind=EventKind.UNFILLED,
            at=at,
            sender=context.party,
            receiver=party_of_sender(context, profile, request.partner),
            role=Role.LENDING,
            transaction=message.transaction,
            details=why,
            request=request,
        )
        outbox.add_outbox_row(
            connection, new_outbox_row(request, PARTNER, profile.name, dump_message(answer), at, answer.id)
        )

    def _apply_message(self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile) -> InboxResult:
        symbol = self.context.symbol
        if message.kind is EventKind.REQUEST and message.role is Role.LENDING:
            return self._take_new_request(connection, message, profile)
        match = requests.find_by_transaction(connection, symbol, message.role, profile.name, message.transaction)
        if match is None and self._is_about_trial(connection, message, profile):
            return InboxResult(is_trial=True)
        if match is None:
            stranger = StrangerMessage(message.role, message.transaction, message.sender)
            request = self.find_named_request(connection, stranger)
            is_new = request is not None and self.put_on_list(connection, request, stranger)
            return InboxResult(
                request.id if request is not None and is_new else "", refused=_unknown_request_refusal(message)
            )
        is_refusal = message.kind is EventKind.TROUBLE  # as where a delivery is refused at once
        event = Event(
            local_signal(message.kind) if is_refusal else partner_signal(message.kind),
            self.context.now(),
            f"partner:{message.sender}",
            message.details,
            match.attempt if message.role is Role.BORROWING else 0,
        )
        if message.guard is not None:
            request = requests.lock_request(connection, symbol, match.request_id)
            refused = message.guard(request) if request is not None else None
            if refused is not None and request is not None:
                record_denied_event(connection, self.context, request, event, refused.detail)
                return InboxResult(match.request_id, refused, event=event, request=request)
        prepare = prepare_forwarding(connection, self.context, message, profile, match)
        event_request = EventRequest(request_id=match.request_id, event=event, prepare=prepare)
        tried = list_tried_messages(connection, self.context, match.request_id, profile.name)
        outcome = apply_event_in(connection, self.context, event_request)
        end_answered_messages(connection, self.context, tried, event)
        if isinstance(outcome, Denied):
            current = requests.load_request(connection, symbol, match.request_id)
            return InboxResult(match.request_id, denial_as_refusal(outcome), event=event, request=current)
        request = self._report_own_supply(connection, message, outcome.request)
        return InboxResult(match.request_id, event=event, request=request)

    def _is_about_trial(self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile) -> bool:
        """Return whether the partner answers a request by which its system was tried (`illgate conformance`)."""
        if message.role is not Role.BORROWING:
            return False
        secret = api_access.read_secret(connection, self.context.symbol, api_access.CONFORMANCE_TRIALS)
        return secret is not None and is_trial_number(message.transaction, profile.name, secret)

    # --- for staff ---------------------------------------------------------------------------------------

    def find_named_request(self, connection: Transaction, stranger: StrangerMessage) -> Request | None:
        """The request of this library that a stranger's message names, locked."""
        context = self.context
        names = [profile.name for profile, _ in context.partners()]
        request = requests.find_by_any_transaction(connection, context.symbol, stranger.role, names, stranger.number)
        return requests.lock_request(connection, context.symbol, request.request_id) if request is not None else None

    def put_on_list(self, connection: Transaction, request: Request, stranger: StrangerMessage) -> bool:
        """Put a request on the list of staff, and return whether it came there just now; else it was there already, or
        is closed: nothing would take it off again."""
        if RequestFlag.STRANGER in request.flags or not request.open:
            return False
        note = write_sentence(
            "A message about this request came from %(sender)s, which is not its partner. It was not applied; the "
            "message log has it.",
            sender=stranger.sender[:MAX_SENDER_CHARS],
        )
        self._add_trouble(connection, request, EventDetails(reason=STRANGER, note=note))
        return True

    def _report_own_supply(self, connection: Transaction, message: IncomingPartnerMessage, request: Request) -> Request:
        """A broker that has found the item here, at the library that asks for it, waits for us to supply it."""
        supplier = message.details.supplier
        is_expected = message.role is Role.BORROWING and message.kind is EventKind.EXPECT_TO_SUPPLY
        if not is_expected or supplier is None or RequestFlag.TROUBLE in request.flags:
            return request
        if not (supplier.symbol and is_same_symbol(supplier.symbol, message.addressed or self.context.symbol)):
            return request
        note = write_sentence(
            "The broker names this library itself as the supplier. Supply the item from the own holdings, or cancel "
            "the request."
        )
        return self._add_trouble(connection, request, EventDetails(note=note))

    def _add_trouble(self, connection: Transaction, request: Request, details: EventDetails) -> Request:
        event = Event(local_signal(EventKind.TROUBLE), self.context.now(), details=details)
        outcome = apply_event_in(connection, self.context, EventRequest(request_id=request.id, event=event))
        return request if isinstance(outcome, Denied) else outcome.request

    # --- a new request -----------------------------------------------------------------------------------

    def _take_new_request(
        self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile
    ) -> InboxResult:
        context = self.context
        known = requests.find_by_transaction(
            connection, context.symbol, Role.LENDING, profile.name, message.transaction
        )
        conditional = self._find_conditional_request(connection, message, profile)
        if conditional is not None and (known is None or known.request_id == conditional.id):
            if _is_offer_met(message, conditional):
                return self._accept_by_retry(connection, message, profile, conditional)
            self._end_unmet_offer(connection, message, conditional)
        if known is not None:  # the same request under another message id: a reminder, or a sender that forgot
            request = requests.load_request(connection, context.symbol, known.request_id)
            if request is None or not _is_asked_anew(message, request):
                refused = message.guard(request) if message.guard is not None and request is not None else None
                return InboxResult(known.request_id, refused, repeated=refused is None, request=request)
        if message.request is None or not message.transaction:
            return InboxResult(refused=Refusal(RefusalReason.DATA_MISSING, "The request has no content or no number."))
        circle = find_loop_refusal(connection, context, message.request, message.sender)
        if circle is not None:
            return InboxResult(refused=circle)
        try:
            request = new_lending_request(connection, context, message.request, profile, message.transaction)
        except Refused as no:
            return InboxResult(refused=Refusal.from_error(no))
        if known is not None:
            requests.remove_transaction(connection, context.symbol, Role.LENDING, profile.name, message.transaction)
        if is_asked_as_broker(context, request, message.addressed):
            store_lending_request(connection, context, request, f"partner:{message.sender}")
            passed_on = Event(local_signal(EventKind.BROKERED), context.now())
            apply_event_in(connection, context, EventRequest(request_id=request.id, event=passed_on))
        else:
            start_lending_request(connection, context, request, f"partner:{message.sender}")
        return InboxResult(request.id, request=request)

    def _find_conditional_request(
        self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile
    ) -> Request | None:
        """Find what waits for an answer to our condition, where this asks for the same once more: by the book it is
        accepted so (facts/iso-18626.md 7)."""
        draft, symbol = message.request, self.context.symbol
        extras = {extra.name: extra.value for extra in draft.extras} if draft is not None else {}
        if draft is None or not message.transaction or not {RETRY, PREVIOUS_REQUEST} <= extras.keys():
            return None
        older = requests.find_by_transaction(connection, symbol, Role.LENDING, profile.name, extras[PREVIOUS_REQUEST])
        request = requests.load_request(connection, symbol, older.request_id) if older is not None else None
        if request is None or request.state is not LendingState.CONDITIONAL:
            return None
        return request if citation_fingerprint(request.citation) == citation_fingerprint(draft.citation) else None

    def _end_unmet_offer(self, connection: Transaction, message: IncomingPartnerMessage, request: Request) -> None:
        """It is asked for anew, and not at our price: that ends our offer, and what is asked is a request like any
        other."""
        details = EventDetails(note=write_sentence("The requester asks again and does not agree to the price."))
        event = Event(
            partner_signal(EventKind.CONDITION_REFUSED), self.context.now(), f"partner:{message.sender}", details
        )
        apply_event_in(connection, self.context, EventRequest(request_id=request.id, event=event))

    def _accept_by_retry(
        self, connection: Transaction, message: IncomingPartnerMessage, profile: Profile, request: Request
    ) -> InboxResult:
        """The request goes on under the number of the retry; messages about the old one still find it."""
        asked, number = message.request, message.transaction
        assert asked is not None, "_find_conditional_request compares it"
        if number != request.transaction:
            requests.add_transaction(connection, self.context.symbol, Role.LENDING, profile.name, number, request.id, 0)
        event = Event(
            partner_signal(EventKind.CONDITION_ACCEPTED),
            self.context.now(),
            f"partner:{message.sender}",
            EventDetails(note=asked.citation.note, maximum_cost=asked.maximum_cost, extras=asked.extras),
        )
        event_request = EventRequest(
            request_id=request.id,
            event=event,
            prepare=lambda before: replace(before, transaction=number, answered_in=0),
        )
        outcome = apply_event_in(connection, self.context, event_request)
        if isinstance(outcome, Denied):
            return InboxResult(request.id, denial_as_refusal(outcome), event=event, request=request)
        return InboxResult(request.id, event=event, request=outcome.request)


def _is_offer_met(message: IncomingPartnerMessage, request: Request) -> bool:
    """Return whether a Retry allows what we ask for. Without a maximum it allows nothing."""
    offered = request.costs.offered
    maximum = message.request.maximum_cost if message.request is not None else None
    return offered is None or not offered.amount or covers_price(maximum, offered)


def _is_asked_anew(message: IncomingPartnerMessage, request: Request) -> bool:
    """Return whether it asks for what we couldn't supply, once more under its old number: some keep the number of a
    request that they retry, or for which they choose another copy of ours."""
    extras = {extra.name: extra.value for extra in message.request.extras} if message.request is not None else {}
    before = {extra.name: extra.value for extra in request.extras}
    is_other_copy = WANTED_ITEM in extras and extras[WANTED_ITEM] != before.get(WANTED_ITEM)
    return request.state is LendingState.UNFILLED and (RETRY in extras or is_other_copy)


def _unknown_request_refusal(message: IncomingPartnerMessage) -> Refusal:
    return Refusal(
        RefusalReason.UNKNOWN_REQUEST, "There is no request with this number.", MessagePart.REQUEST, message.transaction
    )


def prepare_forwarding(
    connection: Transaction,
    context: LibraryContext,
    message: IncomingPartnerMessage,
    profile: Profile,
    match: ReferencedRequest,
) -> Callable[[Request], Request]:
    """Prepare the change of the request before the event. The transaction keeps its number; both may use it."""
    if message.kind is not EventKind.FORWARDED or message.role is not Role.BORROWING:
        return keep_request
    new = context.find_partner_by_symbol(message.details.partner)
    if new is None or new.partner is None or new.name == profile.name:
        return keep_request
    try:
        requests.add_transaction(
            connection, context.symbol, Role.BORROWING, new.name, message.transaction, match.request_id, match.attempt
        )
    except TransactionTaken:
        return keep_request
    party, channel = context.party_of_partner(new.name), new.partner.channel
    return lambda request: _hand_over_attempt(request, match.attempt, party, channel)


def _hand_over_attempt(request: Request, number: int, party: LibraryParty, channel: str) -> Request:
    attempt = request.find_attempt(number)
    if attempt is None or attempt.status not in OPEN_ATTEMPT:
        return request
    new = replace_attempt(request, replace(attempt, partner=party.profile, symbol=party.symbol, channel=channel))
    return replace(new, partner=party) if number == request.current else new
