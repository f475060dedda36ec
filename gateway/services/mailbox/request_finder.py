"""Search for the request that an event of a mail belongs to. The rules are tried in order; each that is tried leaves a
line.

1. the number that the mail's format has read, or that of a file of ours (`BatchEvent`)
2. our reference, in the subject, then in the text
3. the number of a file of ours, as the formats of the partner read it anywhere in the mail (`NamesBatches`)
4. In-Reply-To and References: Message-IDs of mails that our outbox sent
5. the request's own number, in the subject, then in the text
6. nothing: staff get a list of requests that it may be about

Only requests with the partner that the mail comes from are found. An answer about a whole file is about every request
in it that the mail doesn't name with an answer of its own (`expand_events`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.views import RequestFilter
from gateway.domain.sentences import Sentence, write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import IncomingMail, MailEvent, remove_quoted_text
from gateway.ports.partner_channel import PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.requests.effects import PARTNER
from gateway.services.requests.library_context import LibraryContext
from gateway.store import mailbox
from gateway.store.mailbox import RequestReference
from gateway.store.requests import order_batches, outbox_queries, request_lists
from gateway.store.requests.order_batches import ORDER, FiledOrder
from gateway.store.requests.outbox import OutboxRow
from gateway.store.requests.request_rows import UnreadableDocumentError, parse_message

MAX_CANDIDATE_NUMBERS = 400
MAX_MATCHES = 10
MAX_SEARCHED_CHARS = 50_000
"""Of a mail in which titles and authors are looked for."""

_WORD = re.compile(r"[^\W_][\w./:+-]{2,48}")
_FILE = write_sentence("the number in a file name")
_ANSWERED = write_sentence("In-Reply-To and References")
_TALK = frozenset(
    {
        EventKind.MESSAGE,
        EventKind.STATUS_QUERY,
        EventKind.STATUS_REPORT,
        EventKind.TROUBLE,
        EventKind.LOST,
        EventKind.DAMAGED,
    }
)
"""Both sides say these, so a format can't always tell which of them the partner is."""


@value_object
class RequestMatch:
    """`named`: the request, as the partner knows it; None: it wasn't found, or more than one was (`possible`)."""

    named: RequestReference | None = None
    possible: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()


def expand_events(
    connection: Transaction, context: LibraryContext, profile: Profile, events: Sequence[MailEvent], mail: IncomingMail
) -> tuple[tuple[str, MailEvent], ...]:
    """Each with a word that is its own among them, the same however often the mail is read. One that says another
    number of requests than the file has stays as it is: staff look at it."""
    named = {event.transaction.casefold() for event in events if event.transaction}
    expanded: list[tuple[str, MailEvent]] = []
    for n, event in enumerate(events, start=1):
        if not _is_for_each(event):
            expanded.append((str(n), event))
            continue
        requests = _RequestSeeker(connection, context, profile, event).find_in_batch(mail)
        left = [request for request in requests if request.reference.casefold() not in named]
        if left and _is_whole_batch_meant(event, left):
            expanded += [(f"{n}-{reference.request_id}", event_of_request(event, reference)) for reference in left]
        else:
            expanded.append((str(n), event))
    return tuple(expanded)


def _is_for_each(event: MailEvent) -> bool:
    return event.file is not None and event.file.each and not event.transaction


def _is_whole_batch_meant(event: MailEvent, requests: Sequence[RequestReference]) -> bool:
    return event.file is None or event.file.count in (None, len(requests))


def find_requests(
    connection: Transaction,
    context: LibraryContext,
    profile: Profile,
    event: MailEvent,
    mail: IncomingMail,
    files_named: Sequence[str] = (),
) -> RequestMatch:
    """`files_named`: as in `mail_reader.MailReading`."""
    seeker = _RequestSeeker(connection, context, profile, event)
    if _is_for_each(event):
        return _match_in_batch(event, seeker.find_in_batch(mail))
    lines: list[Sentence] = []
    possible: list[str] = []
    for rule, references in seeker.try_rules(mail, files_named):
        ids = tuple(dict.fromkeys(reference.request_id for reference in references))
        if len(ids) == 1:
            named = references[0]
            return RequestMatch(named, explained=(*lines, _describe_match(rule, named.reference)))
        if ids:
            lines.append(
                write_sentence(
                    "request: %(rule)s: %(count)s requests match, so none was chosen", rule=rule, count=len(ids)
                )
            )
        else:
            lines.append(write_sentence("request: %(rule)s: no match", rule=rule))
        possible += ids
    if not possible:
        possible = list(_list_open_requests(connection, context, profile, event.role, mail))
    return RequestMatch(None, tuple(dict.fromkeys(possible))[:MAX_MATCHES], tuple(lines))


def _match_in_batch(event: MailEvent, batch: Sequence[RequestReference]) -> RequestMatch:
    meant = event.file.count if event.file is not None else None
    count = write_sentence("1 request") if len(batch) == 1 else write_sentence("%(count)s requests", count=len(batch))
    if meant is not None:
        count = write_sentence("%(requests)s, %(count)s match", requests=count, count=meant)
    match = _describe_match(_FILE, count)
    if len(batch) == 1 and _is_whole_batch_meant(event, batch):
        return RequestMatch(batch[0], explained=(match,))
    return RequestMatch(None, tuple(reference.request_id for reference in batch), (match,))


def _describe_match(rule: Sentence, words: str) -> Sentence:
    return write_sentence("request: %(rule)s: %(words)s", rule=rule, words=words)


class _RequestSeeker:
    def __init__(self, connection: Transaction, context: LibraryContext, profile: Profile, event: MailEvent) -> None:
        self._connection = connection
        self._house = context
        self._profile = profile
        self._event = event

    def try_rules(
        self, mail: IncomingMail, files_named: Sequence[str]
    ) -> Iterator[tuple[Sentence, Sequence[RequestReference]]]:
        """One after the other: the next is only asked when this one found nothing."""
        stated = self._event.transaction
        if stated:
            yield (
                write_sentence("the number in the message"),
                self._find_by_reference(number_variants(stated))
                or self._find_by_request_number(number_variants(stated)),
            )
            return  # a number that is said and isn't ours is not made good by another that stands around
        if self._event.file is not None:
            yield _FILE, self._find_by_batch_number(self._event.file.numbers)
            yield _ANSWERED, self._find_by_sent_mail(mail.references)
            return
        text = remove_quoted_text(mail.text)
        yield write_sentence("our reference in the subject"), self._find_by_reference(candidate_numbers(mail.subject))
        yield write_sentence("our reference in the text"), self._find_by_reference(candidate_numbers(text))
        yield _FILE, self._find_by_batch_number(files_named)
        yield _ANSWERED, self._find_by_sent_mail(mail.references)
        yield (
            write_sentence("the request's number in the subject"),
            self._find_by_request_number(candidate_numbers(mail.subject)),
        )
        yield write_sentence("the request's number in the text"), self._find_by_request_number(candidate_numbers(text))
        yield write_sentence("our reference in the quoted text"), self._find_by_reference(candidate_numbers(mail.text))

    def _find_by_reference(self, numbers: Sequence[str]) -> Sequence[RequestReference]:
        return self._keep_fitting_role(
            mailbox.find_by_references(self._connection, self._house.symbol, self._profile.name, numbers)
        )

    def _find_by_request_number(self, numbers: Sequence[str]) -> Sequence[RequestReference]:
        ids = mailbox.find_ids_by_number(self._connection, self._house.symbol, numbers)
        return self._keep_fitting_role(
            mailbox.list_references_of_requests(self._connection, self._house.symbol, self._profile.name, ids)
        )

    def find_in_batch(self, mail: IncomingMail) -> Sequence[RequestReference]:
        """All requests of the file that the event is about."""
        numbers = self._event.file.numbers if self._event.file is not None else ()
        return self._find_by_batch_number(numbers) or self._find_by_sent_mail(mail.references)

    def _find_by_batch_number(self, numbers: Sequence[str]) -> Sequence[RequestReference]:
        """A mail about one request alone has its number there."""
        variants = [variant for number in numbers for variant in number_variants(number)]
        orders = order_batches.find_filed_orders(self._connection, self._house.symbol, self._profile.name, variants)
        if orders:
            return self._keep_fitting_role(tuple(map(_reference_of_order, orders)))
        return self._find_by_reference(variants) or self._find_by_request_number(variants)

    def _find_by_sent_mail(self, ids: Iterable[str]) -> Sequence[RequestReference]:
        """The newest of our mails that is answered."""
        for id_ in ids:
            message = find_sent_message(self._connection, self._house.symbol, id_, self._profile.name)
            if message is not None:
                return self._keep_fitting_role(
                    (RequestReference(message.role, message.transaction, message.request.id),)
                )
            orders = order_batches.list_filed_orders(self._connection, self._house.symbol, row_id(id_))
            if orders and orders[0].profile == self._profile.name:
                return self._keep_fitting_role(tuple(map(_reference_of_order, orders)))
        return ()

    def _keep_fitting_role(self, references: Sequence[RequestReference]) -> Sequence[RequestReference]:
        """Keep the requests of the event's role; what both sides may say belongs to either side's."""
        own = tuple(reference for reference in references if reference.role is self._event.role)
        return own or (references if self._event.kind in _TALK else ())


def _reference_of_order(order: FiledOrder) -> RequestReference:
    return RequestReference(Role.BORROWING, order.reference, order.request_id)


def row_id(message_id: str) -> str:
    """Return the id of the row that our outbox sent under this Message-ID: its local part."""
    return message_id.partition("@")[0].strip("<> ")


def find_sent_message(
    connection: Transaction, library: str, message_id: str, partner: str = ""
) -> PartnerMessage | None:
    """The message to a partner that our outbox sent under this Message-ID, until the row is pruned. `partner`: only to
    this one."""
    row = outbox_queries.get_outbox_row(connection, library, row_id(message_id))
    return (
        _read_partner_message(row) if row is not None and row.kind == PARTNER and partner in ("", row.target) else None
    )


def find_sent_batch(connection: Transaction, library: str, message_id: str) -> tuple[PartnerMessage, ...]:
    """The orders in the file that our outbox sent under this Message-ID; empty: it sent none, or has forgotten it."""
    orders = order_batches.list_filed_orders(connection, library, row_id(message_id))
    rows = (outbox_queries.get_outbox_row(connection, library, order.order_id) for order in orders)
    messages = (_read_partner_message(row) for row in rows if row is not None and row.kind == ORDER)
    return tuple(message for message in messages if message is not None)


def _read_partner_message(row: OutboxRow) -> PartnerMessage | None:
    try:
        return parse_message(row.payload)
    except UnreadableDocumentError:  # of a newer release: found by other rules, or by staff
        return None


def candidate_numbers(text: str) -> tuple[str, ...]:
    """Words that may be numbers of requests: each has a digit."""
    variants = dict.fromkeys(
        variant
        for word in _WORD.findall(text)
        if any(letter.isdigit() for letter in word)
        for variant in number_variants(word)
    )
    return tuple(variants)[:MAX_CANDIDATE_NUMBERS]


def number_variants(word: str) -> tuple[str, ...]:
    """List a number as written, without what ends a sentence, and in capitals."""
    bare = word.strip().strip("[](){}<>\"'#").rstrip(".:;,/-+")
    return tuple(dict.fromkeys(text for text in (word.strip(), bare, bare.upper()) if text))


def _list_open_requests(
    connection: Transaction, context: LibraryContext, profile: Profile, role: Role, mail: IncomingMail
) -> Iterator[str]:
    """Open requests with the partner, those first whose title or author is named in the mail."""
    text = fold_text(f"{mail.subject}\n{mail.text}"[:MAX_SEARCHED_CHARS])
    request_filter = RequestFilter(role=role, partners=(profile.name,), open=True)
    requests = request_lists.list_requests(connection, context.symbol, request_filter, 50).requests
    yield from (hit.id for hit in sorted(requests, key=lambda hit: -_count_named_fields(hit, text))[:MAX_MATCHES])


def _count_named_fields(request: Request, text: str) -> int:
    citation = request.citation
    names = (citation.title, citation.component_title, citation.author, citation.component_author)
    numbers = tuple(identifier.value for identifier in citation.identifiers)
    return sum(1 for name in map(fold_text, (*names, *numbers)) if len(name) > 3 and name in text)


def event_of_request(event: MailEvent, named: RequestReference) -> MailEvent:
    return replace(event, role=named.role, transaction=named.reference, file=None)
