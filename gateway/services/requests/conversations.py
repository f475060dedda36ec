"""Managed requests in the journal: under which names they stand in it, and what channels bring about them."""

from __future__ import annotations

from gateway.domain.profile import Profile
from gateway.domain.requests.request import Request
from gateway.domain.requests.search_terms import NUMBERS_OF_REQUEST
from gateway.domain.requests.views import NotFound, SeveralRequests
from gateway.ports.partner_channel import ChannelMessage, InboxResult, IncomingPartnerMessage
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.request_search import require_meant_request
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.request_names import RequestNames


def find_request_names(connection: Transaction, library: str, reference: str) -> RequestNames | None:
    """Find the names of the request that this id or number means, ours, a partner's or another system's. None: it means
    none, or several, so the reference is a word in messages and no more."""
    try:
        return names_of_request(require_meant_request(connection, library, reference, NUMBERS_OF_REQUEST))
    except (NotFound, SeveralRequests):
        return None


def names_of_request(request: Request) -> RequestNames:
    """Return the names: what partners call it, and what we call it to them, counts from these partners alone: others
    may use the same numbers, our own too."""
    transactions = [(request.partner.profile, request.transaction)]
    transactions += [
        (attempt.partner, number) for attempt in request.attempts for number in (attempt.transaction, attempt.theirs)
    ]
    ours = [(profile, number) for profile, _ in transactions for number in (request.number, request.id)]
    pairs = dict.fromkeys(pair for pair in (*transactions, *ours) if all(pair))
    return RequestNames(request.id, (request.number,), tuple(pairs))


def describe_received(
    context: LibraryContext,
    message: IncomingPartnerMessage,
    profile: Profile,
    carried: ChannelMessage,
    result: InboxResult,
) -> tuple[JournalOpening, JournalEnding]:
    """Its answer is in the journal of whoever sent it."""
    now, refused = context.now(), result.refused
    opening = JournalOpening(
        library=context.symbol,
        at=now,
        body=carried.body,
        protocol=carried.protocol,
        transport=carried.transport,
        profile=profile.name,
        service=carried.service or message.kind.value,
        peer=carried.peer,
        from_agency=message.sender,
        to_agency=context.symbol,
        request_id=message.transaction,
        item_id=message.details.barcode,
        content_type=carried.content_type,
        note="a repeat: it was here before" if result.repeated else "",
    )
    ending = JournalEnding(
        at=now,
        outcome=OutcomeClass.OK if refused is None else OutcomeClass.REFUSED,
        reason=refused.reason.value if refused is not None else "",
        note=refused.detail if refused is not None else "",
        managed_requests=(result.request_id,),
    )
    return opening, ending
