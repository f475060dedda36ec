"""Messages that came by mail before the request that they are about: applied once it is there.

They are kept only for formats that say when each was sent (`MailEvent.at`): of a letter nobody knows what came first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import MailEvent, MailFormat, ParseMail
from gateway.ports.shared_store import Transaction
from gateway.services.mailbox.mail_application import MailApplication
from gateway.services.mailbox.mail_reader import read_as_partner, resolve_recipient
from gateway.services.requests.library_context import LibraryContext
from gateway.store import mailbox
from gateway.store.journal_records import BodyCipher, BodyUnreadable
from gateway.store.mailbox import MailRow

MAX_EARLY_MESSAGES = 200
RULE = "rule:overtaken"


def begun_transactions(events: Sequence[MailEvent]) -> frozenset[str]:
    """Numbers of the requests that these events begin."""
    return frozenset(event.transaction for event in events if event.kind is EventKind.REQUEST and event.at is not None)


@value_object
class EarlyMessages:
    """`library`: whose mailbox; `context`: whose requests."""

    connection: Transaction
    library: str
    context: LibraryContext
    profile: Profile
    parse: ParseMail
    formats: Mapping[str, MailFormat]
    cipher: BodyCipher | None

    def apply_waiting_mails(self, transactions: frozenset[str]) -> None:
        """Apply what waits of this partner about these requests, in the order in which it was sent."""
        rows = mailbox.list_unmatched(self.connection, self.library, MAX_EARLY_MESSAGES).rows
        waiting = [
            (row, application, events)
            for row in rows
            if (row.profile == self.profile.name)
            for application, events in self._read_waiting_mail(row, transactions)
        ]
        for row, application, events in sorted(waiting, key=lambda m: min(event.at for event in m[2] if event.at)):
            applied = application.apply_events(events)
            if not applied.problem:  # or else it stays with staff
                mailbox.close_mail(self.connection, self.library, row.id, RULE, applied.request_id)

    def _read_waiting_mail(
        self, row: MailRow, transactions: frozenset[str]
    ) -> Sequence[tuple[MailApplication, tuple[MailEvent, ...]]]:
        """Read a mail; nothing where it can't be read any more, says something else as well, or is about other
        requests."""
        try:
            whole = mailbox.get_mail(self.connection, self.library, row.id, self.cipher)
            if whole is None or whole.content is None:
                return ()
            parsed = resolve_recipient(self.parse(whole.content, whole.at), self.context)
        except (MalformedMessage, BodyUnreadable):
            return ()
        understood = read_as_partner(parsed, self.profile, self.formats).understood
        ours = all(event.transaction in transactions and event.at is not None for event in understood.events)
        if understood.unknown or not understood.events or not ours:
            return ()
        return ((MailApplication(self.connection, self.context, self.profile, parsed), understood.events),)
