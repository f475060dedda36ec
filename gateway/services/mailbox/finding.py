"""Which request an event of a mail belongs to. The rules are tried in order; each that is tried leaves a line.

1. the number that the mail's format has read
2. our reference, in the subject, then in the text
3. a number of one of our messages: `FILEREFNO`
4. In-Reply-To and References: Message-IDs of mails that our outbox sent
5. the request's own number, in the subject, then in the text
6. nothing: staff get a list of requests that it may be about

Only requests with the partner that the mail comes from are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Kind
from gateway.domain.requests.request import Request, Role
from gateway.ports.channel import PartnerMessage
from gateway.ports.mail_format import IncomingMail, MailEvent
from gateway.ports.mail_text import own_text
from gateway.services.requests.effects import PARTNER
from gateway.services.requests.house import House
from gateway.store.mailbox import references
from gateway.store.mailbox.references import Named
from gateway.store.requests import listing, outbox
from gateway.store.requests.documents import Unreadable, parse_message

MOST_WORDS = 400
MOST_POSSIBLE = 10

_WORD = re.compile(r"[^\W_][\w./:+-]{2,48}")
_FILE_REFERENCE = re.compile(r"\bFILEREFNO\W{0,3}([A-Za-z0-9][\w.-]{2,40})", re.IGNORECASE)
_TALK = frozenset({Kind.MESSAGE, Kind.STATUS_QUERY, Kind.STATUS_REPORT, Kind.LOST, Kind.DAMAGED})
"""Both sides say these, so a format can't always tell which of them the partner is."""


@frozen
class Found:
    """`named`: the request, as the partner knows it; None: it wasn't found, or more than one was (`possible`)."""

    named: Named | None = None
    possible: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()


def find(connection: Connection, house: House, profile: Profile, event: MailEvent, mail: IncomingMail) -> Found:
    seeker = _Seeker(connection, house, profile, event)
    lines: list[str] = []
    possible: list[str] = []
    for rule, found in seeker.rules(mail):
        ids = tuple(dict.fromkeys(one.request_id for one in found))
        if len(ids) == 1:
            named = found[0]
            return Found(named, explained=(*lines, f"request: {rule}: {named.reference}"))
        lines.append(f"request: {rule}: " + ("nothing" if not ids else f"{len(ids)} requests, so none is taken"))
        possible += ids
    if not possible:
        possible = list(_open_with(connection, house, profile, event.role, mail))
    return Found(None, tuple(dict.fromkeys(possible))[:MOST_POSSIBLE], tuple(lines))


class _Seeker:
    def __init__(self, connection: Connection, house: House, profile: Profile, event: MailEvent) -> None:
        self._connection = connection
        self._house = house
        self._profile = profile
        self._event = event

    def rules(self, mail: IncomingMail) -> Iterator[tuple[str, Sequence[Named]]]:
        """One after the other: the next is only asked when this one found nothing."""
        stated = self._event.transaction
        if stated:
            yield "the number in the message", self._by_words(variants(stated)) or self._by_number(variants(stated))
            return  # a number that is said and isn't ours is not made good by another that stands around
        text = own_text(mail.text)
        yield "our reference in the subject", self._by_words(words(mail.subject))
        yield "our reference in the text", self._by_words(words(text))
        yield "FILEREFNO", self._by_file(f"{mail.subject}\n{mail.text}")
        yield "In-Reply-To and References", self._by_mails(mail.references)
        yield "the request's number in the subject", self._by_number(words(mail.subject))
        yield "the request's number in the text", self._by_number(words(text))
        yield "our reference in what is quoted", self._by_words(words(mail.text))

    def _by_words(self, found: Sequence[str]) -> Sequence[Named]:
        return self._fit(references.by_references(self._connection, self._house.symbol, self._profile.name, found))

    def _by_number(self, found: Sequence[str]) -> Sequence[Named]:
        ids = references.ids_by_number(self._connection, self._house.symbol, found)
        return self._fit(references.of_requests(self._connection, self._house.symbol, self._profile.name, ids))

    def _by_file(self, text: str) -> Sequence[Named]:
        return self._by_mails(_FILE_REFERENCE.findall(text))

    def _by_mails(self, ids: Iterable[str]) -> Sequence[Named]:
        """The newest of our messages that is answered."""
        for id_ in ids:
            message = sent(self._connection, self._house.symbol, id_, self._profile.name)
            if message is not None:
                return self._fit((Named(message.role, message.transaction, message.request.id),))
        return ()

    def _fit(self, found: Sequence[Named]) -> Sequence[Named]:
        """What both sides may say belongs to either side's request."""
        own = tuple(one for one in found if one.role is self._event.role)
        return own or (found if self._event.kind in _TALK else ())


def sent(connection: Connection, library: str, message_id: str, partner: str = "") -> PartnerMessage | None:
    """The message to a partner that our outbox sent under this Message-ID (its local part is the row's id), until
    the row is pruned. `partner`: only to this one."""
    row = outbox.get(connection, library, message_id.partition("@")[0].strip("<> "))
    if row is None or row.kind != PARTNER or (partner and row.target != partner):
        return None
    try:
        return parse_message(row.payload)
    except Unreadable:  # of a newer release: found by other rules, or by staff
        return None


def words(text: str) -> tuple[str, ...]:
    """Words that may be numbers of requests: each has a digit."""
    found = dict.fromkeys(
        variant
        for word in _WORD.findall(text)
        if any(letter.isdigit() for letter in word)
        for variant in variants(word)
    )
    return tuple(found)[:MOST_WORDS]


def variants(word: str) -> tuple[str, ...]:
    """As written, without what ends a sentence, and in capitals."""
    bare = word.strip().strip("[](){}<>\"'#").rstrip(".:;,/-+")
    return tuple(dict.fromkeys(one for one in (word.strip(), bare, bare.upper()) if one))


def _open_with(connection: Connection, house: House, profile: Profile, role: Role, mail: IncomingMail) -> Iterator[str]:
    """Open requests with the partner, those first whose title or author is named in the mail."""
    text = f"{mail.subject}\n{mail.text}".casefold()
    wanted = listing.Filter(role=role, partner=profile.name, open=True)
    found = listing.listing(connection, house.symbol, wanted, 50).requests
    yield from (one.id for one in sorted(found, key=lambda one: -_named_in(one, text))[:MOST_POSSIBLE])


def _named_in(request: Request, text: str) -> int:
    citation = request.citation
    names = (citation.title, citation.component_title, citation.author, citation.component_author)
    numbers = tuple(one.value for one in citation.identifiers)
    return sum(1 for name in (*names, *numbers) if len(name) > 3 and name.casefold() in text)


def as_of(event: MailEvent, named: Named) -> MailEvent:
    return replace(event, role=named.role, transaction=named.reference)
