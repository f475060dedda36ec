"""What staff do with mails that nobody understood: look at them, say which request is meant, or dismiss them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request
from gateway.domain.requests.views import NotFound
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import MailEvent, MailFormat, ParsedMail, ParseMail
from gateway.ports.shared_store import Transaction
from gateway.services.mailbox.mail_application import MailApplication, add_note, force_request, inspect_attachments
from gateway.services.mailbox.mail_reader import (
    MailDestination,
    MailReading,
    read_as_partner,
    read_mail,
    resolve_recipient,
)
from gateway.services.mailbox.request_finder import RequestMatch, expand_events, find_requests
from gateway.services.requests.library_context import LibraryContext, find_library_context
from gateway.services.requests.request_messages import mark_messages_read
from gateway.store import mailbox
from gateway.store.journal_records import BodyCipher
from gateway.store.mailbox import MailRow, RequestReference, UnmatchedMailPage
from gateway.store.requests import request_messages, requests


@value_object
class UnmatchedMailService:
    """`contexts` by symbol; `parse` takes mails apart; `formats` by name; `cipher` as contents were kept with."""

    contexts: Mapping[str, LibraryContext]
    parse: ParseMail
    formats: Mapping[str, MailFormat]
    cipher: BodyCipher | None

    async def list_mails(self, library: str, limit: int, cursor: str) -> UnmatchedMailPage:
        context = find_library_context(self.contexts, library)
        return await context.store.read(lambda c: mailbox.list_unmatched(c, context.symbol, limit, cursor))

    async def show_mail(self, library: str, id_: str) -> MailRow:
        """With its content. Raises NotFound, BodyUnreadable."""
        context = find_library_context(self.contexts, library)
        row = await context.store.read(lambda c: mailbox.get_mail(c, context.symbol, id_, self.cipher))
        if row is None:
            raise NotFound("mail")
        return row

    async def assign_mail(self, library: str, id_: str, reference: str, actor: str) -> Request:
        """What the mail says happens to this request (by id or number); what says nothing becomes a note of it.
        Raises NotFound, Refused."""
        context = find_library_context(self.contexts, library)
        row = await self.show_mail(library, id_)
        parsed = self._parse_kept_mail(row, context)
        files = await inspect_attachments(parsed.mail, context.policy().copies) if parsed is not None else ()

        def apply_assignment(connection: Transaction) -> Request:
            request = _load_named_request(connection, context, reference)
            if not row.open or not mailbox.close_mail(connection, context.symbol, id_, actor, request.id):
                raise NotFound("mail on the list")
            if parsed is None:
                add_note(connection, context, request.id, f"mail by hand: {row.reason}", actor)
            else:
                profile, named = _find_correspondent(connection, context, request, row)
                hand = MailApplication(connection, context, profile or Profile(name="mail"), parsed, files)
                events = self._read_events_for(parsed, profile, named)
                if named is not None and events:
                    before = request_messages.find_unread_ids(connection, context.symbol, request.id)
                    hand.apply_events(events, force_request(named))
                    came = request_messages.find_unread_ids(connection, context.symbol, request.id) - before
                    mark_messages_read(connection, context, request.id, came, actor)  # who assigns a mail has read it
                else:
                    hand.keep_as_note(request, actor)
            changed = requests.load_request(connection, context.symbol, request.id)
            assert changed is not None
            return changed

        request = await context.store.write(apply_assignment)
        context.wake_outbox()
        return request

    async def dismiss_mail(self, library: str, id_: str, actor: str) -> None:
        """It needs nothing. Its content is in the mailbox's folder still. Raises NotFound."""
        context = find_library_context(self.contexts, library)
        if not await context.store.write(lambda c: mailbox.close_mail(c, context.symbol, id_, actor)):
            raise NotFound("mail on the list")

    async def explain_mail(self, content: bytes, post: MailDestination) -> tuple[str, ...]:
        """How a mail is understood, rule by rule; nothing changes."""
        context = find_library_context(self.contexts, post.library)
        try:
            parsed = resolve_recipient(self.parse(content, context.now()), context)
        except MalformedMessage as error:
            return (f"can't be read: {error}",)
        reading = read_mail(parsed, context.profiles(), self.formats, post)
        lines = list(_describe_mail(parsed)) + list(reading.explained)
        if reading.problem:
            return (*lines, f"for staff: {reading.problem}")
        for profile in reading.profiles[:1]:
            for found in await context.store.read(_make_event_search(context, profile, reading)):
                lines += found.explained
                if found.named is None:
                    lines.append(f"for staff: {len(found.possible)} requests that it may be about")
        return tuple(lines)

    def _parse_kept_mail(self, row: MailRow, context: LibraryContext) -> ParsedMail | None:
        if row.content is None:
            return None
        try:
            return resolve_recipient(self.parse(row.content, row.at), context)
        except MalformedMessage:
            return None  # it stands on the list for that very reason

    def _read_events_for(
        self, parsed: ParsedMail, profile: Profile | None, named: RequestReference | None
    ) -> tuple[MailEvent, ...]:
        """What the mail says, if its partner has to do with the request."""
        if profile is None or named is None:
            return ()
        return _fitting_events(read_as_partner(parsed, profile, self.formats), named)


def _fitting_events(reading: MailReading, named: RequestReference) -> tuple[MailEvent, ...]:
    """Events that can be this request's: of our role in it. A new request is none of them."""
    if reading.parsed.bounce is not None or reading.malformed:
        return ()
    fit = (replace(event, transaction=named.reference) for event in reading.understood.events)
    return tuple(
        one
        for one in fit
        if one.kind is EventKind.MESSAGE or (one.role is named.role and one.kind is not EventKind.REQUEST)
    )


def _find_correspondent(
    connection: Transaction, context: LibraryContext, request: Request, row: MailRow
) -> tuple[Profile | None, RequestReference | None]:
    """The partner that wrote, if it is one of the request's; else the one that has it now."""
    names = [row.profile, request.partner.profile] if row.profile else [request.partner.profile]
    for name in names:
        profile = context.profile(name)
        if profile is None:
            continue
        found = mailbox.list_references_of_requests(connection, context.symbol, name, [request.id])
        if found:
            return profile, found[0]
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
    files = ", ".join(f"{one.name} ({one.media_type}, {len(one.content)} bytes)" for one in mail.attachments)
    return (
        f"from: {mail.sender or 'nobody'}",
        f"subject: {mail.subject}",
        f"text: {len(mail.text)} characters",
        *((f"files: {files}",) if files else ()),
        *((f"answers: {', '.join(mail.references[:3])}",) if mail.references else ()),
    )


def _events_to_match(reading: MailReading) -> tuple[MailEvent, ...]:
    return tuple(one for one in reading.understood.events if one.kind is not EventKind.REQUEST)


def _make_event_search(
    context: LibraryContext, profile: Profile, reading: MailReading
) -> Callable[[Transaction], Sequence[RequestMatch]]:
    mail = reading.parsed.mail

    def find_event_requests(connection: Transaction) -> Sequence[RequestMatch]:
        each = expand_events(connection, context, profile, _events_to_match(reading), mail)
        return [find_requests(connection, context, profile, event, mail, reading.files_named) for _, event in each]

    return find_event_requests
