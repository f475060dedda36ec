"""Messages that overtook the request that they are about: they wait on the list of staff, and are taken when it comes.

Only for formats that say when each message was sent (`MailEvent.at`): of a letter nobody knows what came first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Kind
from gateway.ports.mail_format import MailEvent, MailFormat
from gateway.ports.mail_reading import ParseMail
from gateway.services.mailbox.addressing import addressed
from gateway.services.mailbox.applying import Hand
from gateway.services.mailbox.reading import read_as
from gateway.services.requests.house import House
from gateway.store.cipher import BodyCipher, BodyUnreadable
from gateway.store.mailbox import mails
from gateway.store.mailbox.mails import MailRow

MOST_LOOKED_AT = 200
RULE = "rule:overtaken"


def begun_by(events: Sequence[MailEvent]) -> frozenset[str]:
    """Numbers of the requests that these events begin."""
    return frozenset(one.transaction for one in events if one.kind is Kind.REQUEST and one.at is not None)


@frozen
class Overtaken:
    """`library`: whose mailbox; `house`: whose requests."""

    connection: Connection
    library: str
    house: House
    profile: Profile
    parse: ParseMail
    formats: Mapping[str, MailFormat]
    cipher: BodyCipher | None

    def take(self, transactions: frozenset[str]) -> None:
        """What waits of this partner about these requests, in the order in which it was sent."""
        rows = mails.waiting(self.connection, self.library, MOST_LOOKED_AT).rows
        waiting = [
            (row, hand, events)
            for row in rows
            if (row.profile == self.profile.name)
            for hand, events in self._about(row, transactions)
        ]
        for row, hand, events in sorted(waiting, key=lambda one: min(event.at for event in one[2] if event.at)):
            applied = hand.events(events)
            if not applied.problem:  # or else it stays with staff
                mails.close(self.connection, self.library, row.id, RULE, applied.request_id)

    def _about(self, row: MailRow, transactions: frozenset[str]) -> Sequence[tuple[Hand, tuple[MailEvent, ...]]]:
        """Nothing where the mail can't be read any more, says something else as well, or is about other requests."""
        try:
            whole = mails.get(self.connection, self.library, row.id, self.cipher)
            if whole is None or whole.content is None:
                return ()
            parsed = addressed(self.parse(whole.content, whole.at), self.house)
        except (MalformedMessage, BodyUnreadable):
            return ()
        understood = read_as(parsed, self.profile, self.formats).understood
        ours = all(one.transaction in transactions and one.at is not None for one in understood.events)
        if understood.unknown or not understood.events or not ours:
            return ()
        return ((Hand(self.connection, self.house, self.profile, parsed), understood.events),)
