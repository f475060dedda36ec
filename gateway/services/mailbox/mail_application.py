"""Application of a mail to requests in the transaction that keeps the mail."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import (
    STRANGER_MAIL,
    Event,
    EventDetails,
    EventKind,
    local_signal,
    partner_signal,
)
from gateway.domain.requests.policy import CopyRules
from gateway.domain.requests.reason_words import UNDELIVERABLE
from gateway.domain.requests.request import Attachment, Request, Role, ServiceType
from gateway.domain.requests.views import FileUpload
from gateway.domain.sentences import join_sentences, write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import (
    BounceReport,
    IncomingMail,
    MailEvent,
    MailPart,
    ParsedMail,
    remove_quoted_text,
    shorten_text,
)
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from gateway.ports.shared_store import Transaction
from gateway.services.mailbox.request_finder import (
    RequestMatch,
    event_of_request,
    expand_events,
    find_requests,
    find_sent_batch,
    find_sent_message,
    row_id,
)
from gateway.services.request_work.attachments import complete_upload, require_file_type, scan_file
from gateway.services.requests.effects import LETTER, new_refusal_row
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.outbox_row_names import name_patron_letter
from gateway.services.requests.partner_inbox import LibraryInbox
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.api_access import make_copy_token
from gateway.store.mailbox import RequestReference
from gateway.store.requests import history, outbox, outbox_queries, requests
from gateway.store.schema import make_exchange_id

MAX_NOTE_CHARS = 4_000
"""Characters of a mail's text that become a note."""

MAX_SENDER_CHARS = 254
MAX_SUBJECT_CHARS = 200
"""Characters of a mail's header in a note."""


@value_object
class InspectedAttachment:
    """`upload` None: the rules don't take it; `why` in a sentence for staff."""

    name: str
    upload: FileUpload | None = None
    why: str = ""


async def find_infected_file(mail: IncomingMail, rules: CopyRules) -> bool:
    """Find an infected file; raises Unavailable: nobody knows now, and the mail waits."""
    try:
        for part in mail.attachments:
            await scan_file(rules.scan_command, part.content, rules.scan_seconds)
    except Refused:
        return True
    return False


async def inspect_attachments(mail: IncomingMail, rules: CopyRules) -> tuple[InspectedAttachment, ...]:
    """One for each file, in the order of the mail."""
    return tuple([await _inspect_attachment(part, rules) for part in mail.attachments])


async def _inspect_attachment(part: MailPart, rules: CopyRules) -> InspectedAttachment:
    upload = FileUpload(name=part.name, media_type=part.media_type, content=part.content)
    try:
        return InspectedAttachment(part.name, await complete_upload(upload, require_file_type(part.content, rules)))
    except Refused as refused:
        return InspectedAttachment(part.name, why=refused.detail)


@value_object(kw_only=True)
class ApplicationResult:
    """`request_id`: of the first request that it was about, `request_ids`: of all; `problem`: why staff must look
    (empty: all was taken); `possible`: requests that it may be about; `notes`: what came of each event, without
    personal data."""

    request_id: str = ""
    problem: str = ""
    possible: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    request_ids: tuple[str, ...] = ()


_FILE_CAME = write_sentence("a file was received by email")

Seek = Callable[[MailEvent], RequestMatch]


@value_object
class MailApplication:
    """Applies one mail, of one partner to one library. `files_named`: as in `mail_reader.MailReading`."""

    connection: Transaction
    context: LibraryContext
    profile: Profile
    parsed: ParsedMail
    files: tuple[InspectedAttachment, ...] = ()
    files_named: tuple[str, ...] = ()

    @property
    def mail(self) -> IncomingMail:
        return self.parsed.mail

    def apply_events(self, events: Sequence[MailEvent], seek: Seek | None = None) -> ApplicationResult:
        """Each event has an id of its own, the same however often the mail is read: what was taken before is not
        taken again."""
        seek = seek or self._find_request
        total = ApplicationResult()
        for word, event in expand_events(self.connection, self.context, self.profile, events, self.mail):
            result = self._apply_event(event, event.id or f"{mail_identity(self.parsed)}-{word}", seek)
            total = ApplicationResult(
                request_id=total.request_id or result.request_id,
                problem=total.problem or result.problem,
                possible=tuple(dict.fromkeys((*total.possible, *result.possible))),
                notes=(*total.notes, *result.notes),
                request_ids=tuple(dict.fromkeys(filter(None, (*total.request_ids, result.request_id)))),
            )
        return total

    def _find_request(self, event: MailEvent) -> RequestMatch:
        return find_requests(self.connection, self.context, self.profile, event, self.mail, self.files_named)

    def _apply_event(self, event: MailEvent, id_: str, seek: Seek) -> ApplicationResult:
        seen = history.find_partner_message(self.connection, self.context.symbol, self.profile.name, id_)
        if seen is not None:
            return ApplicationResult(request_id=seen.request_id, notes=(f"{event.kind.value}: taken before",))
        if event.unfilled is not None:
            LibraryInbox(self.context).answer_unfilled(
                self.connection, self._make_partner_message(event, id_), self.profile, event.unfilled
            )
            return ApplicationResult(notes=(f"{event.kind.value}: answered unfilled at once",))
        if event.kind is EventKind.REQUEST and event.role is Role.LENDING:
            return self._receive_event(event, id_)
        match = seek(event)
        if match.named is None:
            problem = (
                write_sentence("%(event)s: several requests match", event=EVENT_CATALOGUE[event.kind].words)
                if len(match.possible) > 1
                else write_sentence("%(event)s: no matching request", event=EVENT_CATALOGUE[event.kind].words)
            )
            return ApplicationResult(problem=problem, possible=match.possible, notes=match.explained)
        event, refused = self._attach_event_files(event_of_request(event, match.named), match.named.request_id)
        result = self._receive_event(event, id_)
        return replace(result, problem=result.problem or refused) if refused else result

    def _make_partner_message(self, event: MailEvent, id_: str) -> IncomingPartnerMessage:
        partner = self.profile.partner
        return IncomingPartnerMessage(
            id=id_,
            kind=event.kind,
            role=event.role,
            sender=partner.symbol if partner is not None and partner.symbol else self.profile.name,
            receiver=self.context.symbol,
            transaction=event.transaction,
            details=event.details,
            request=event.request,
            guard=event.guard,
        )

    def _receive_event(self, event: MailEvent, id_: str) -> ApplicationResult:
        message = self._make_partner_message(event, id_)
        result = LibraryInbox(self.context).receive_in(self.connection, message, self.profile)
        what = event.kind.value
        if result.refused is None:
            return ApplicationResult(
                request_id=result.request_id, notes=(f"{what}: " + ("repeated" if result.repeated else "taken"),)
            )
        if event.named and result.request is not None and not result.repeated:
            outbox.add_outbox_row(self.connection, new_refusal_row(self.context, message, event.named, result))
        refused = f"{what}: {result.refused.reason.value}"
        # What doesn't fit is in the request's history; what belongs to no request is seen by nobody else.
        problem = "" if result.request_id else write_about(EVENT_CATALOGUE[event.kind].words, result.refused.detail)
        return ApplicationResult(request_id=result.request_id, problem=problem, notes=(refused,))

    # --- files -------------------------------------------------------------------------------------------

    def _attach_event_files(self, event: MailEvent, request_id: str) -> tuple[MailEvent, str]:
        """The files of the event on the request; a copy that is theirs with a link for the patron. A file that comes
        for a loan delivers nothing: then it is a message with a file. Second: why staff must look, where a copy isn't
        of a kind that is taken."""
        attachments = [self.files[i] for i in event.files if 0 <= i < len(self.files)]
        request = requests.lock_request(self.connection, self.context.symbol, request_id)
        if request is None:
            return event, ""
        uploads = [attachment.upload for attachment in attachments if attachment.upload is not None]
        refused = _describe_refused_files(attachments)
        delivers = event.kind is EventKind.COPY_DELIVERED
        copy = event.role is Role.BORROWING and request.service.type is not ServiceType.LOAN
        if delivers and (not copy or (refused and not uploads)):
            note = shorten_text(remove_quoted_text(self.mail.text), MAX_NOTE_CHARS) or _FILE_CAME
            event = replace(
                event, kind=EventKind.MESSAGE, details=replace(event.details, note=event.details.note or note)
            )
        if refused:
            event = replace(event, details=replace(event.details, note=_join_note(event.details.note, refused)))
        first = self.attach_files(request, uploads) if uploads else ""
        if first and event.kind is EventKind.COPY_DELIVERED:
            details = replace(event.details, attachment=first, link=self._make_copy_link(request, first))
            event = replace(event, details=details)
        return event, refused if delivers else ""

    def attach_files(self, request: Request, uploads: Sequence[FileUpload], actor: str = "") -> str:
        """Returns the id of the first."""
        now = self.context.now()
        made = [(_make_attachment(upload, now), upload.content) for upload in uploads]
        for attachment, content in made:
            history.put_file(self.connection, self.context.symbol, attachment.id, content)
        new = tuple(attachment for attachment, _ in made)
        event = Event(
            local_signal(EventKind.NOTE),
            now,
            actor or f"partner:{self.profile.name}",
            EventDetails(attachment=new[0].id),
        )
        event_request = EventRequest(
            request_id=request.id,
            event=event,
            prepare=lambda request: replace(request, attachments=(*request.attachments, *new)),
        )
        apply_event_in(self.connection, self.context, event_request)
        return new[0].id

    def _make_copy_link(self, request: Request, attachment_id: str) -> str:
        """Empty where nobody can reach us from outside: then staff hand the copy out."""
        context = self.context
        if not context.public_url:
            return ""
        rules, now = context.policy().copies, context.now()
        expires = (now + timedelta(days=rules.link_days)).replace(microsecond=0)
        token = make_copy_token(
            self.connection, context.symbol, request.id, attachment_id, expires, rules.downloads, now
        )
        return f"{context.public_url.rstrip('/')}/d/{token}"

    # --- what changes nothing ----------------------------------------------------------------------------

    def note_automatic_answer(self) -> ApplicationResult:
        """A note on the request, where it can be found."""
        event = MailEvent(kind=EventKind.MESSAGE, role=Role.BORROWING)
        match = self._find_request(event)
        if match.named is None:
            return ApplicationResult(notes=("automatic answer: kept in the journal",))
        note = write_sentence("automatic reply by email: %(words)s", words=self.mail.subject)
        self.add_note(match.named.request_id, note, f"partner:{self.profile.name}")
        return ApplicationResult(request_id=match.named.request_id, notes=("automatic answer: noted",))

    def keep_as_note(self, request: Request, actor: str, *, is_stranger: bool) -> None:
        """The whole mail, by hand: what it says as a note, its files on the request. `is_stranger`: who wrote it has
        nothing to do with the request."""
        mail = self.mail
        note = write_sentence(
            "Email from %(sender)s: %(subject)s\n%(words)s",
            sender=mail.sender[:MAX_SENDER_CHARS] or write_sentence("nobody"),
            subject=mail.subject[:MAX_SUBJECT_CHARS],
            words=_join_note(shorten_text(mail.text, MAX_NOTE_CHARS), _describe_refused_files(self.files)),
        )
        details = EventDetails(reason=STRANGER_MAIL if is_stranger else "", note=note)
        event = Event(local_signal(EventKind.NOTE), self.context.now(), actor, details)
        apply_event_in(self.connection, self.context, EventRequest(request_id=request.id, event=event))
        if uploads := [file.upload for file in self.files if file.upload is not None]:
            self.attach_files(request, uploads, actor)

    def add_note(self, request_id: str, text: str, actor: str) -> None:
        add_note(self.connection, self.context, request_id, text, actor)


def add_note(connection: Transaction, context: LibraryContext, request_id: str, text: str, actor: str) -> None:
    event = Event(
        local_signal(EventKind.NOTE), context.now(), actor, EventDetails(note=shorten_text(text, MAX_NOTE_CHARS))
    )
    apply_event_in(connection, context, EventRequest(request_id=request_id, event=event))


def _make_attachment(upload: FileUpload, now: datetime) -> Attachment:
    return Attachment(
        id=make_exchange_id(now),
        name=upload.name,
        media_type=upload.media_type,
        size=len(upload.content),
        pages=upload.pages,
        sha256=hashlib.sha256(upload.content).hexdigest(),
        at=now,
    )


def _join_note(text: str, refused: str) -> str:
    """A note, with the files that were not kept: they are in the mail still."""
    return join_sentences("\n", (text, write_sentence("not kept: %(report)s", report=refused) if refused else ""))


def _describe_refused_files(files: Sequence[InspectedAttachment]) -> str:
    return join_sentences("; ", (write_about(file.name, file.why) for file in files if file.upload is None))


def mail_identity(parsed: ParsedMail) -> str:
    """Make the identity of a mail: its Message-ID together with what it says, since some programs give the same id to
    every mail."""
    return hashlib.sha256(f"{parsed.mail.id}\x00{parsed.digest}".encode("utf-8", "replace")).hexdigest()[:40]


# --- mails of ours that came back ------------------------------------------------------------------------


def apply_bounce(connection: Transaction, context: LibraryContext, bounce: BounceReport) -> ApplicationResult | None:
    """None: the mail isn't known (any more). What is only late, or was delivered, changes nothing."""
    for id_ in bounce.message_ids:
        message = find_sent_message(connection, context.symbol, id_)
        if message is not None:
            return _apply_partner_bounce(connection, context, bounce, message)
        if together := find_sent_batch(connection, context.symbol, id_):
            each = [_apply_partner_bounce(connection, context, bounce, partner_message) for partner_message in together]
            return replace(
                each[0],
                notes=tuple(note for result in each for note in result.notes),
                request_ids=tuple(result.request_id for result in each),
            )
        row = outbox_queries.get_outbox_row(connection, context.symbol, row_id(id_))
        if row is not None and row.kind == LETTER and row.request_id:
            if bounce.is_permanent:
                text = write_sentence(
                    "A letter to the patron could not be delivered (%(status)s): %(letter)s",
                    status=bounce.status or bounce.action.value,
                    letter=name_patron_letter(row.target),
                )
                add_note(connection, context, row.request_id, text, "mail")
            return ApplicationResult(request_id=row.request_id, notes=(f"letter to the patron: {bounce.action.value}",))
    return None


def _apply_partner_bounce(
    connection: Transaction, context: LibraryContext, bounce: BounceReport, message: PartnerMessage
) -> ApplicationResult:
    profile = message.receiver.profile
    request_id = message.request.id
    note = f"{message.kind.value} to {profile}: {bounce.action.value} {bounce.status}".rstrip()
    if not bounce.is_permanent:
        return ApplicationResult(request_id=request_id, notes=(note,))
    partner = context.partner(profile)
    moves = partner is None or partner.mail.bounce == "next"
    is_asked = message.kind is EventKind.REQUEST and message.role is Role.BORROWING
    signal = partner_signal(EventKind.REJECTED) if is_asked and moves else local_signal(EventKind.TROUBLE)
    request = requests.find_by_transaction(connection, context.symbol, message.role, profile, message.transaction)
    attempt = request.attempt if request is not None and message.role is Role.BORROWING else 0
    status = bounce.status or bounce.action.value
    why = (
        write_sentence("email could not be delivered (%(status)s): %(words)s", status=status, words=bounce.why)
        if bounce.why
        else write_sentence("email could not be delivered (%(status)s)", status=status)
    )
    event = Event(signal, context.now(), "mail", EventDetails(reason=UNDELIVERABLE, note=why), attempt)
    apply_event_in(connection, context, EventRequest(request_id=request_id, event=event))
    return ApplicationResult(request_id=request_id, notes=(note,))


def force_request(named: RequestReference) -> Seek:
    """Match the request that staff say is meant: whatever the mail itself says."""
    return lambda event: RequestMatch(named, explained=(write_sentence("request: chosen manually"),))
