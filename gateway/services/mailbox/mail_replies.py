"""Answers of staff to mails that fit no request: written to the outbox, sent from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from gateway.domain.clock import Clock
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import IncomingMail
from gateway.ports.outgoing_mail import LetterSender, Mailer, RenderedLetter, build_mail
from gateway.ports.responder import OutcomeClass
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.queue import HandlerResult
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.sent_messages import MAIL
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalEnding, JournalOpening, MessageDirection
from gateway.store.mailbox import MailRow
from gateway.store.requests.outbox import OutboxRow
from gateway.store.schema import make_exchange_id

REPLY = "reply"
"""Kind of these rows in the outbox. The target is the mailbox, since a row's target is shown and logged, and addresses
are personal."""

MAX_QUOTED_CHARS = 4_000
"""Of the mail that is answered."""

SMTP = "smtp"


def new_reply_row(row: MailRow, mail: IncomingMail, text: str, actor: str, at: datetime) -> OutboxRow:
    """`mail`: the one in `row`, taken apart."""
    id_ = make_exchange_id(at)
    payload = {
        "to": mail.sender,
        "subject": _reply_subject(mail.subject),
        "text": f"{text}\n\n{_quote_text(mail.text)}".rstrip() + "\n",
        "in_reply_to": row.message_id,
        "partner": row.profile,
        "by": actor,
    }
    return OutboxRow(
        library=row.spot.library,
        id=id_,
        lane=f"{REPLY}/{row.id}",
        kind=REPLY,
        target=row.spot.mailbox,
        payload=json.dumps(payload, ensure_ascii=False),
        created=at,
        next_at=at,
    )


def _reply_subject(subject: str) -> str:
    return subject if subject.casefold().startswith(("re:", "aw:")) else f"Re: {subject}".rstrip()


def _quote_text(text: str) -> str:
    quote = text.strip()
    kept = quote if len(quote) <= MAX_QUOTED_CHARS else f"{quote[:MAX_QUOTED_CHARS]} …"
    return "\n".join(f"> {line}".rstrip() for line in kept.splitlines())


@value_object
class MailReplyHandler:
    """`conceal_mail` takes passwords and tokens of links out of what the journal keeps."""

    contexts: Mapping[str, LibraryContext]
    mailer: Mailer
    sender: LetterSender
    journal: Journal
    clock: Clock
    conceal_mail: Callable[[bytes], bytes]

    async def handle_reply(self, row: OutboxRow) -> HandlerResult:
        """Send a reply; raises Refused for an address that is none; else as `Mailer.send`."""
        context, reply = self.contexts[row.library], json.loads(row.payload)
        letter = RenderedLetter(
            to=reply["to"],
            subject=reply["subject"],
            text=reply["text"],
            message_id=row.id,
            in_reply_to=reply["in_reply_to"],
            language="",
            at=row.created,
        )
        mail = build_mail(letter, self.sender.fill_from_library(context.info))
        at = self.clock.now()
        note = await self.mailer.send(mail)
        opening = JournalOpening(
            library=row.library,
            at=at,
            body=self.conceal_mail(mail.as_bytes()),
            protocol=MAIL,
            transport=SMTP,
            direction=MessageDirection.OUT,
            profile=reply["partner"],
            service=REPLY,
            from_agency=context.symbol,
            to_agency=reply["partner"],
            content_type="message/rfc822",
        )

        def record_reply(connection: Transaction) -> None:
            ending = JournalEnding(at=self.clock.now(), outcome=OutcomeClass.OK, note=note)
            self.journal.add_exchange(connection, opening, ending)

        return HandlerResult(note, record_reply)
