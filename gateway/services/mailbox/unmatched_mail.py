"""Work of staff on mails that nobody understood: look at them, say which request is meant, answer or dismiss them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from unicodedata import east_asian_width

from gateway.domain.problems import MalformedMessage, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import NotFound
from gateway.domain.sentences import write_sentence
from gateway.domain.text_folding import fold_text
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    AutomaticMailKind,
    IncomingMail,
    MailEvent,
    MailFormat,
    ParsedMail,
    ParseMail,
    remove_quoted_text,
    shorten_text,
)
from gateway.ports.shared_store import Transaction
from gateway.services.mailbox.mail_application import (
    MAX_NOTE_CHARS,
    MailApplication,
    add_note,
    force_request,
    inspect_attachments,
)
from gateway.services.mailbox.mail_reader import (
    MailDestination,
    MailReading,
    read_as_partner,
    read_mail,
    resolve_recipient,
)
from gateway.services.mailbox.mail_records import describe_unreadable_mail
from gateway.services.mailbox.mail_replies import new_reply_row
from gateway.services.mailbox.request_finder import (
    MAX_SEARCHED_CHARS,
    RequestMatch,
    candidate_numbers,
    expand_events,
    find_requests,
)
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.request_messages import mark_messages_read
from gateway.services.requests.sent_messages import MAIL
from gateway.store import mailbox
from gateway.store.journal_records import BodyCipher, BodyUnreadable
from gateway.store.journal_writer import link_exchanges_at
from gateway.store.mailbox import MailRow, RequestReference, UnmatchedMailPage
from gateway.store.requests import history, outbox, request_messages, requests

TOO_LARGE = write_sentence("too large to be stored: see the mailbox folder")

DISMISSED_KEPT = timedelta(days=7)
"""So long a dismissed mail can be put back on the list."""

MAX_WORDS = 8
"""Words of a request's citation in the mail that are named, at most."""

MIN_WORD_CHARS = 4
"""Shorter words say nothing: they stand in every mail."""


class MailMeaning(StrEnum):
    """What staff say a mail is. Of somebody who is no partner of the request neither of the first two is the partner's:
    it is kept as the words of whoever wrote it."""

    AS_READ = "as-read"  # what the partner's format reads in it happens
    MESSAGE = "message"  # nothing but words
    FROM_PARTNER = "from-partner"  # staff vouch for it: the partner has written it, and it happens as read


@value_object(kw_only=True)
class MailCandidate:
    """A request that a mail may be about, and what speaks for it. `numbers`: of the request, that stand in the mail;
    `words`: of its title and author, that do; `with_sender`: the mail comes from a partner of it."""

    request: Request
    numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    with_sender: bool = False


@value_object
class MailFile:
    """`size` in bytes."""

    name: str
    media_type: str
    size: int


@value_object(kw_only=True)
class OpenedMail:
    """A mail that waits for staff, taken apart. `text`: as plain text; `says`: what the format of the partner, or of
    plain mail, understands of it; `explained`: how it was looked at, rule by rule; `candidates`: the likeliest first;
    `automatic`: a machine wrote it, and nobody answers it. `problem`: why its content can't be shown; then there is
    nothing of it here."""

    row: MailRow
    to: tuple[str, ...] = ()
    text: str = ""
    files: tuple[MailFile, ...] = ()
    says: tuple[EventKind, ...] = ()
    explained: tuple[str, ...] = ()
    candidates: tuple[MailCandidate, ...] = ()
    automatic: bool = False
    problem: str = ""


@value_object
class UnmatchedMailService:
    """`parse` takes mails apart; `formats` by name; `cipher` as contents were kept with."""

    context: LibraryContext
    parse: ParseMail
    formats: Mapping[str, MailFormat]
    cipher: BodyCipher | None

    async def list_mails(self, limit: int, cursor: str) -> UnmatchedMailPage:
        return await self.context.store.read(lambda c: mailbox.list_unmatched(c, self.context.symbol, limit, cursor))

    async def list_oldest_mails(self, limit: int, cursor: str) -> UnmatchedMailPage:
        """Those first that have waited longest."""
        return await self.context.store.read(
            lambda c: mailbox.list_oldest_unmatched(c, self.context.symbol, limit, cursor)
        )

    async def show_mail(self, id_: str) -> MailRow:
        """Return a mail with its content. Raises NotFound, BodyUnreadable."""
        row = await self.context.store.read(lambda c: mailbox.get_mail(c, self.context.symbol, id_, self.cipher))
        if row is None:
            raise NotFound("email")
        return row

    async def open_mail(self, id_: str) -> OpenedMail:
        """One that waits, beside the requests that it may be about. Raises NotFound, also when it was decided about."""
        try:
            row = await self.show_mail(id_)
        except BodyUnreadable as error:
            waiting = await self.context.store.read(lambda c: mailbox.get_mail_header(c, self.context.symbol, id_))
            return OpenedMail(row=_require_open(waiting), problem=error.detail)
        _require_open(row)
        if row.content is None:
            return OpenedMail(row=row, problem=TOO_LARGE)
        try:
            parsed = resolve_recipient(self.parse(row.content, row.at), self.context)
        except MalformedMessage as error:
            return OpenedMail(row=row, problem=describe_unreadable_mail(error))
        reading = read_mail(parsed, self.context.own_profiles(), self.formats, MailDestination(self.context.symbol))
        mail = parsed.mail
        return OpenedMail(
            row=row,
            to=mail.to,
            text=mail.text,
            files=tuple(MailFile(file.name, file.media_type, len(file.content)) for file in mail.attachments),
            says=tuple(dict.fromkeys(event.kind for event in reading.understood.events)),
            explained=await self.explain_mail(row.content, MailDestination(self.context.symbol)),
            candidates=await self.context.store.read(lambda c: _list_candidates(c, self.context, row, mail)),
            automatic=_is_automatic(parsed),
        )

    async def assign_mail(
        self, id_: str, reference: str, actor: str, meaning: MailMeaning = MailMeaning.AS_READ
    ) -> Request:
        """Apply what the mail says to this request (by id or number), or its words as a message of the partner; what
        says nothing becomes a note of it. So does what came from nobody who has to do with the request, unless staff
        vouch for it: it is the sender's, and answers nothing. Raises NotFound, Refused."""
        row = await self.show_mail(id_)
        parsed = self._parse_kept_mail(row)
        files = await inspect_attachments(parsed.mail, self.context.policy().copies) if parsed is not None else ()

        def apply_assignment(connection: Transaction) -> Request:
            request = _load_named_request(connection, self.context, reference)
            if not row.open or not mailbox.close_mail(connection, self.context.symbol, id_, actor, request.id):
                raise NotFound("email on the list")
            exchanges = link_exchanges_at(connection, self.context.symbol, row.at, MAIL, request.id)
            with history.collect_new_events(connection) as new:
                apply_to_request(connection, request)
            if exchanges:
                history.link_events(connection, self.context.symbol, new, exchanges[0])
            changed = requests.load_request(connection, self.context.symbol, request.id)
            assert changed is not None
            return changed

        def apply_to_request(connection: Transaction, request: Request) -> None:
            if parsed is None:
                note = write_sentence("email processed manually: %(report)s", report=row.reason)
                add_note(connection, self.context, request.id, note, actor)
            else:
                senders = self._list_senders(row, parsed)
                vouched = (request.partner.profile,) if meaning is MailMeaning.FROM_PARTNER else ()
                profile, named = _find_correspondent(connection, self.context, request, (*senders, *vouched))
                hand = MailApplication(connection, self.context, profile or Profile(name="mail"), parsed, files)
                events = (
                    self._read_events_for(parsed, profile, named)
                    if meaning is not MailMeaning.MESSAGE
                    else _words_as_message(parsed, named)
                )
                if named is not None and events:
                    before = request_messages.find_unread_ids(connection, self.context.symbol, request.id)
                    hand.apply_events(events, force_request(named))
                    came = request_messages.find_unread_ids(connection, self.context.symbol, request.id) - before
                    mark_messages_read(
                        connection, self.context, request.id, came, actor
                    )  # who assigns a mail has read it
                else:
                    hand.keep_as_note(request, actor, is_stranger=named is None and parsed.bounce is None)

        request = await write_once(self.context.store, apply_assignment)
        self.context.wake_outbox()
        return request

    async def answer_mail(self, id_: str, text: str, actor: str) -> None:
        """The sender gets the answer by mail, and nothing else is to be done about it: it is off the list. Raises
        NotFound; Refused: a machine wrote it, it names nobody to answer, or it isn't here to be answered."""
        row = _require_open(await self.show_mail(id_))
        parsed = self._parse_kept_mail(row)
        if parsed is None:
            raise Refused(RefusalReason.NOT_ALLOWED, "The original email was not stored, so you cannot reply to it.")
        if _is_automatic(parsed):
            raise Refused(RefusalReason.NOT_ALLOWED, "This email was sent automatically; a reply would not be read.")
        if not parsed.mail.sender:
            raise Refused(RefusalReason.DATA_MISSING, "The email has no address to reply to.")

        def close_and_send(connection: Transaction) -> None:
            if not mailbox.close_mail(connection, self.context.symbol, id_, actor):
                raise NotFound("email on the list")
            outbox.add_outbox_row(connection, new_reply_row(row, parsed.mail, text, actor, self.context.now()))

        await write_once(self.context.store, close_and_send)
        self.context.wake_outbox()

    async def dismiss_mail(self, id_: str, actor: str) -> None:
        """It needs nothing. It stays in the mailbox's folder, and can be put back for DISMISSED_KEPT. Raises
        NotFound."""

        def take_off(connection: Transaction) -> None:
            if not mailbox.dismiss_mail(connection, self.context.symbol, id_, actor, self.context.now()):
                raise NotFound("email on the list")

        await write_once(self.context.store, take_off)

    async def list_dismissed(self, limit: int, cursor: str) -> UnmatchedMailPage:
        """Those that can be put back; the newest mail first."""
        return await self.context.store.read(lambda c: mailbox.list_dismissed(c, self.context.symbol, limit, cursor))

    async def put_back_mail(self, id_: str) -> None:
        """Put a mail on the list again. Raises NotFound: it was not dismissed, or too long ago."""

        def put_back(connection: Transaction) -> None:
            if not mailbox.put_back_mail(connection, self.context.symbol, id_):
                raise NotFound("dismissed email")

        await write_once(self.context.store, put_back)

    async def explain_mail(self, content: bytes, post: MailDestination) -> tuple[str, ...]:
        """Explain how a mail is understood, rule by rule; nothing changes."""
        try:
            parsed = resolve_recipient(self.parse(content, self.context.now()), self.context)
        except MalformedMessage as error:
            return (describe_unreadable_mail(error),)
        reading = read_mail(parsed, self.context.own_profiles(), self.formats, post)
        lines = list(_describe_mail(parsed)) + list(reading.explained)
        if reading.problem:
            return (*lines, write_sentence("for staff: %(report)s", report=reading.problem))
        for profile in reading.profiles[:1]:
            for match in await self.context.store.read(_make_event_search(self.context, profile, reading)):
                lines += match.explained
                if match.named is None:
                    count = len(match.possible)
                    lines.append(
                        write_sentence("for staff: 1 possible request")
                        if count == 1
                        else write_sentence("for staff: %(count)s possible requests", count=count)
                    )
        return tuple(lines)

    def _parse_kept_mail(self, row: MailRow) -> ParsedMail | None:
        if row.content is None:
            return None
        try:
            return resolve_recipient(self.parse(row.content, row.at), self.context)
        except MalformedMessage:
            return None  # it stands on the list for that very reason

    def _list_senders(self, row: MailRow, parsed: ParsedMail) -> tuple[str, ...]:
        """Names of the profiles that the sender's address is one of."""
        reading = read_mail(parsed, self.context.own_profiles(), self.formats, MailDestination(self.context.symbol))
        return tuple(dict.fromkeys(filter(None, (row.profile, *(profile.name for profile in reading.profiles)))))

    def _read_events_for(
        self, parsed: ParsedMail, profile: Profile | None, named: RequestReference | None
    ) -> tuple[MailEvent, ...]:
        """Read what the mail says, if its partner has to do with the request."""
        if profile is None or named is None:
            return ()
        return _fitting_events(read_as_partner(parsed, profile, self.formats), named)


def _require_open(row: MailRow | None) -> MailRow:
    """Require a mail on the list; raises NotFound."""
    if row is None or not row.open:
        raise NotFound("email on the list")
    return row


def _is_automatic(parsed: ParsedMail) -> bool:
    return parsed.bounce is not None or parsed.automatic is not AutomaticMailKind.NO


def _list_candidates(
    connection: Transaction, context: LibraryContext, row: MailRow, mail: IncomingMail
) -> tuple[MailCandidate, ...]:
    """Those that were found when the mail came, and requests of ours whose number stands in it, whoever sent it: staff
    decide, so a forged sender gains nothing by it."""
    text = f"{mail.subject}\n{mail.text}"[:MAX_SEARCHED_CHARS]
    by_number = mailbox.find_ids_by_number(connection, context.symbol, candidate_numbers(text))
    loaded = (
        requests.load_request(connection, context.symbol, id_) for id_ in dict.fromkeys((*row.possible, *by_number))
    )
    candidates = [_weigh_candidate(request, row, text) for request in loaded if request is not None]
    weights = {item.request.id: (len(item.numbers), item.with_sender, len(item.words)) for item in candidates}
    return tuple(sorted(candidates, key=lambda mail_candidate: weights[mail_candidate.request.id], reverse=True))


def _weigh_candidate(request: Request, row: MailRow, text: str) -> MailCandidate:
    folded = f" {fold_text(text)} "
    citation = request.citation
    described = " ".join((citation.title, citation.component_title, citation.author, citation.component_author))
    numbers = (request.number, request.transaction, *(attempt.transaction for attempt in request.attempts))
    partners = {request.partner.profile, *(attempt.partner for attempt in request.attempts)}
    words = (word for word in fold_text(described).split() if _has_word(folded, word))
    return MailCandidate(
        request=request,
        numbers=tuple(dict.fromkeys(number for number in numbers if number and number.casefold() in text.casefold())),
        words=tuple(dict.fromkeys(words))[:MAX_WORDS],
        with_sender=bool(row.profile) and row.profile in partners,
    )


def _has_word(text: str, word: str) -> bool:
    """`text` begins and ends with a blank. Scripts that set no blanks between words have them anywhere."""
    if any(east_asian_width(letter) == "W" for letter in word):
        return len(word) > 1 and word in text
    return len(word) >= MIN_WORD_CHARS and f" {word} " in text


def _words_as_message(parsed: ParsedMail, named: RequestReference | None) -> tuple[MailEvent, ...]:
    text = shorten_text(remove_quoted_text(parsed.mail.text), MAX_NOTE_CHARS).strip()
    if named is None or not text or parsed.bounce is not None:
        return ()
    event = MailEvent(
        kind=EventKind.MESSAGE,
        role=named.role,
        transaction=named.reference,
        details=EventDetails(note=text),
        files=tuple(range(len(parsed.mail.attachments))),
    )
    return (event,)


def _fitting_events(reading: MailReading, named: RequestReference) -> tuple[MailEvent, ...]:
    """Events that can be this request's: of our role in it. A new request is none of them."""
    if reading.parsed.bounce is not None or reading.malformed:
        return ()
    fit = (replace(event, transaction=named.reference) for event in reading.understood.events)
    return tuple(
        event
        for event in fit
        if event.kind is EventKind.MESSAGE or (event.role is named.role and event.kind is not EventKind.REQUEST)
    )


def _find_correspondent(
    connection: Transaction, context: LibraryContext, request: Request, names: Sequence[str]
) -> tuple[Profile | None, RequestReference | None]:
    """The first of these partners that is one of the request's."""
    for name in names:
        profile = context.profile(name)
        if profile is None:
            continue
        references = mailbox.list_references_of_requests(connection, context.symbol, name, [request.id])
        if references:
            return profile, references[0]
    return None, None


def _load_named_request(connection: Transaction, context: LibraryContext, reference: str) -> Request:
    id_ = requests.find_by_number(connection, context.symbol, reference) or reference
    request = requests.load_request(connection, context.symbol, id_)
    if request is None:
        raise NotFound("request")
    return request


# --- explaining ------------------------------------------------------------------------------------------


def _describe_mail(parsed: ParsedMail) -> tuple[str, ...]:
    mail = parsed.mail
    files = ", ".join(f"{file.name} ({file.media_type}, {len(file.content)} bytes)" for file in mail.attachments)
    answered = ", ".join(mail.references[:3])
    return (
        write_sentence("from: %(words)s", words=mail.sender or write_sentence("nobody")),
        write_sentence("subject: %(words)s", words=mail.subject),
        write_sentence("text: %(count)s characters", count=len(mail.text)),
        *((write_sentence("files: %(words)s", words=files),) if files else ()),
        *((write_sentence("answers: %(words)s", words=answered),) if answered else ()),
    )


def _events_to_match(reading: MailReading) -> tuple[MailEvent, ...]:
    return tuple(event for event in reading.understood.events if event.kind is not EventKind.REQUEST)


def _make_event_search(
    context: LibraryContext, profile: Profile, reading: MailReading
) -> Callable[[Transaction], Sequence[RequestMatch]]:
    mail = reading.parsed.mail

    def find_event_requests(connection: Transaction) -> Sequence[RequestMatch]:
        each = expand_events(connection, context, profile, _events_to_match(reading), mail)
        return [find_requests(connection, context, profile, event, mail, reading.files_named) for _, event in each]

    return find_event_requests
