"""Records that are kept of a mail: its row, as much as staff need of it, and its entry of the journal."""

from __future__ import annotations

import hashlib
from datetime import datetime

import structlog

from gateway.domain.problems import MalformedMessage
from gateway.domain.sentences import Sentence, join_sentences, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.incoming_mail import IncomingMail, ParsedMail
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.mailbox.mail_application import ApplicationResult
from gateway.services.mailbox.mail_reader import MailDestination
from gateway.sql.column_types import MAX_NOTE_CHARS, clean_text
from gateway.store import mailbox
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.schema import make_exchange_id

log = structlog.get_logger(component="mailbox")

MAX_HEADER_CHARS = 300
"""Characters of sender, subject and Message-ID that are kept beside a mail."""

MAX_WAITING_MAILS = 200
"""While so many mails are on the list of staff, a stranger's does not join them: it lies in its folder alone."""

WHOLE_MAILS = 5
"""While fewer are on the list, a stranger's is kept whole, however large it is."""

MAX_WAITING_BYTES = 1_000_000
"""Of contents on the list; from then on a stranger's mail stands there without its content."""

NOT_KEPT = write_sentence("not stored because the list has reached its limit; read it in the mailbox folder")

PROTOCOL = "mail"
TRANSPORT = "imap"


@value_object(kw_only=True)
class MailboxInfo:
    """A mailbox as the services see it. `library`: symbol of the one whose mails these are, where the partner's
    profile doesn't say another."""

    name: str
    library: str
    authserv_id: str = ""

    @property
    def destination(self) -> MailDestination:
        return MailDestination(self.library, self.authserv_id)


@value_object(kw_only=True)
class MailVerdict:
    """The outcome of a mail. `problem` is staff's reason to look, `open` whether they must."""

    outcome: MailOutcome = MailOutcome.DONE
    kind: OutcomeClass = OutcomeClass.OK
    problem: str = ""
    open: bool = False
    service: str = ""
    profile: str = ""
    applied: ApplicationResult = ApplicationResult()

    @property
    def is_of_stranger(self) -> bool:
        """True if nobody knows who wrote it, or that it was who it says; and it is about no request."""
        return self.kind is OutcomeClass.REJECTED or not (self.profile or self.applied.request_id)


def make_mail_row(
    spot: MailPosition,
    content: bytes,
    parsed: ParsedMail | None,
    mail: IncomingMail | None,
    verdict: MailVerdict,
    now: datetime,
) -> MailRow:
    return MailRow(
        id=make_exchange_id(now),
        spot=spot,
        message_id=clean_mail_header(parsed.mail.id) if parsed is not None else "",
        digest=digest_mail(content, parsed),
        at=now,
        outcome=verdict.outcome,
        profile=verdict.profile,
        request_id=verdict.applied.request_id,
        reason=verdict.problem or join_sentences("; ", verdict.applied.notes),
        open=verdict.open,
        sender=clean_mail_header(mail.sender) if mail is not None and verdict.open else "",
        subject=clean_mail_header(mail.subject) if mail is not None and verdict.open else "",
        possible=verdict.applied.possible,
        content=content if verdict.open else None,
    )


def limit_stranger_row(connection: Transaction, row: MailRow) -> MailRow | None:
    """Limit what is kept of a stranger's mail: who floods the mailbox must not fill the disk too. None: nothing, since
    staff need not look or have enough to look at; read once more, it would be judged the same."""
    if not row.open:
        return None
    waiting = mailbox.measure_waiting(connection, row.spot.library)
    if waiting.count >= MAX_WAITING_MAILS:
        log.warning("mail.list_full", mailbox=row.spot.mailbox, waiting=waiting.count)
        return None
    size = len(row.content or b"")
    if waiting.count < WHOLE_MAILS or waiting.content_bytes + size <= MAX_WAITING_BYTES:
        return row
    return replace(row, content=None, reason=join_sentences("; ", (row.reason, NOT_KEPT)))


def describe_unreadable_mail(error: MalformedMessage) -> Sentence:
    return write_sentence("cannot be read: %(words)s", words=str(error))


def digest_mail(content: bytes, parsed: ParsedMail | None) -> str:
    return parsed.digest if parsed is not None else hashlib.sha256(content).hexdigest()


def clean_mail_header(text: str) -> str:
    return clean_text(text, MAX_HEADER_CHARS)


def make_journal_opening(
    box: MailboxInfo, content: bytes, verdict: MailVerdict, number: str, now: datetime
) -> JournalOpening:
    """`number`: of the request that it is about; empty: of none."""
    return JournalOpening(
        library=box.library,
        at=now,
        body=content,
        protocol=PROTOCOL,
        transport=TRANSPORT,
        profile=verdict.profile,
        service=verdict.service or "mail",
        from_agency=verdict.profile,
        to_agency=box.library,
        request_id=number,
        content_type="message/rfc822",
        note=clean_text("; ".join(verdict.applied.notes), MAX_NOTE_CHARS),
    )


def make_journal_ending(verdict: MailVerdict, at: datetime) -> JournalEnding:
    applied = verdict.applied
    return JournalEnding(
        at=at,
        outcome=verdict.kind,
        reason=clean_text(verdict.problem, MAX_NOTE_CHARS),
        managed_requests=applied.request_ids or (applied.request_id,),
    )
