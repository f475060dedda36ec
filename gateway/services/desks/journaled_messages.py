"""The messages of a request themselves, as they went over the wire: from the journal, for staff to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.requests.request import Request
from gateway.domain.requests.views import NotFound, RequestView
from gateway.domain.value import value_object
from gateway.ports.responder import OutcomeClass
from gateway.services.requests.conversations import find_request_names, names_of_request
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.sent_messages import MAIL
from gateway.store.journal import MAX_SEARCHED, Journal
from gateway.store.journal_records import (
    OFFICE,
    BodyUnreadable,
    FullMessage,
    JournalFilter,
    JournalMessage,
    JournalPage,
    MessageDirection,
    TroubleCount,
)
from gateway.store.schema import ANSWER

__all__ = [
    "MAX_SEARCHED",
    "JournalHits",
    "JournalMessage",
    "JournalSearch",
    "JournaledMessageService",
    "ReadableMessage",
    "TroubleCount",
    "format_hex_lines",
]

MAX_MESSAGES = 200
"""Newest of one request."""

MAX_REPLAYS = 20
"""Newest of one message."""

HEX_LINE_BYTES = 16


@value_object
class ReadableMessage:
    """`text`: the body as people read it, secrets masked as the journal keeps it; binary ones in hexadecimal. `kept`:
    whether the journal still has it; `whole`: to its end; `problem`: why it can't be read, empty: it can."""

    message: JournalMessage
    text: str
    kept: bool
    whole: bool
    problem: str = ""


@value_object(kw_only=True)
class JournalSearch:
    """The messages to search for; all that are set must fit. `request`: a number of a request, ours or
    another's; `item`: a barcode; `since` and `until`: aware; `outcome`: a word of `OutcomeClass`."""

    profile: str = ""
    protocol: str = ""
    service: str = ""
    direction: str = ""
    outcome: str = ""
    reason: str = ""
    request: str = ""
    item: str = ""
    since: datetime | None = None
    until: datetime | None = None


@value_object
class JournalHits:
    """`cursor`: where the next page begins; empty: nothing follows. `problem`: why the content of a message that had to
    be looked at can't be read; empty: it can."""

    messages: tuple[JournalMessage, ...]
    cursor: str
    problem: str = ""


@value_object
class JournaledMessageService:
    """`is_of_office`: it reads what names no library by its address, and belongs to the installation's owner."""

    context: LibraryContext
    journal: Journal
    is_of_office: bool = False

    @property
    def owner(self) -> str:
        """The `library` of the messages."""
        return OFFICE if self.is_of_office else self.context.symbol

    async def list_messages(self, request: Request) -> Sequence[JournalMessage]:
        """All about the request, by whatever number, newest first."""
        journal_filter = JournalFilter(library=self.context.symbol, managed_request=names_of_request(request))
        return (await self.journal.list_messages(journal_filter, MAX_MESSAGES)).messages

    async def list_events_by_mail(self, view: RequestView) -> frozenset[str]:
        """Ids of those of its history that came by email, as far as the journal knows still."""
        exchanges = {line.id: line.exchange for line in view.history if line.exchange}
        asked = tuple(dict.fromkeys(exchanges.values()))
        by_mail = await self.journal.list_exchanges_by(view.request.library, MAIL, asked)
        return frozenset(id_ for id_, exchange in exchanges.items() if exchange in by_mail)

    async def find_message(self, request: Request, message_id: str) -> ReadableMessage:
        """Find a message; raises NotFound, for a message about something else too."""
        for message in await self.list_messages(request):
            if message.id == message_id:
                return await self._read_message(message)
        raise NotFound("message")

    async def search_messages(self, search: JournalSearch, limit: int, cursor: str) -> JournalHits:
        """Newest first, without their content. An answer whose question is on the next page comes there."""
        return _keep_exchanges_whole(await self.journal.list_messages(await self.make_filter(search), limit, cursor))

    async def count_exchanges(self, search: JournalSearch) -> tuple[int, bool]:
        """Count those of which a message fits; False: there may be more."""
        return await self.journal.count_exchanges(await self.make_filter(search))

    async def search_contents(self, search: JournalSearch, words: str, limit: int, cursor: str) -> JournalHits:
        """The same, of those whose content has these words, among the newest MAX_SEARCHED that fit."""
        journal_filter = await self.make_filter(search)
        try:
            return _keep_exchanges_whole(await self.journal.search_contents(journal_filter, words, limit, cursor))
        except BodyUnreadable as error:
            return JournalHits((), "", error.detail)

    async def make_filter(self, search: JournalSearch) -> JournalFilter:
        """Make a filter with all names that a request has, where one is looked for."""
        names = None
        if search.request:
            names = await self.context.store.read(lambda c: find_request_names(c, self.context.symbol, search.request))
        return JournalFilter(
            library=self.owner,
            profile=search.profile,
            protocol=search.protocol,
            service=search.service,
            direction=MessageDirection(search.direction) if search.direction else None,
            outcome=OutcomeClass(search.outcome) if search.outcome else None,
            reason=search.reason,
            request_id=search.request,
            item_id=search.item,
            managed_request=names,
            since=search.since,
            until=search.until,
        )

    async def count_troubles(self, since: datetime) -> Sequence[TroubleCount]:
        """Count what came in since then, was not done and has no good replay, most frequent first."""
        return await self.journal.count_troubles(self.context.symbol, since)

    async def read_exchange(self, message_id: str) -> tuple[ReadableMessage, ...]:
        """The message and its answer, or what it answers, in this order. Raises NotFound."""
        exchange = await self.journal.list_exchange(self.owner, message_id)
        if not exchange:
            raise NotFound("message")
        return tuple([await self._read_message(message) for message in exchange])

    async def load_exchange(self, message_id: str) -> tuple[FullMessage, ...]:
        """The same, as bytes. Raises NotFound, BodyUnreadable."""
        exchange = await self.journal.get_exchange(self.owner, message_id)
        if not exchange:
            raise NotFound("message")
        return exchange

    async def list_replays(self, message_id: str) -> Sequence[JournalMessage]:
        """List the replays of the message, newest first."""
        journal_filter = JournalFilter(self.owner, direction=MessageDirection.IN, replay_of=message_id)
        return (await self.journal.list_messages(journal_filter, MAX_REPLAYS)).messages

    async def _read_message(self, message: JournalMessage) -> ReadableMessage:
        try:
            full_message = await self.journal.get_message(message.library, message.id)
        except BodyUnreadable as error:
            return ReadableMessage(message, "", kept=True, whole=not message.truncated, problem=error.detail)
        return _make_readable(full_message or FullMessage(message, None))


def _keep_exchanges_whole(page: JournalPage) -> JournalHits:
    messages, last = page.messages, page.messages[-1] if page.messages else None
    if last is None or not page.cursor or len(messages) < 2 or not last.id.endswith(ANSWER):
        return JournalHits(messages, page.cursor)
    return JournalHits(messages[:-1], messages[-2].id)


def _make_readable(stored: FullMessage) -> ReadableMessage:
    body = stored.body or b""
    try:
        text = body.decode("utf-8")
        is_text = "\x00" not in text
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        text = format_hex_lines(body)
    return ReadableMessage(stored.message, text, kept=stored.body is not None, whole=not stored.message.truncated)


def format_hex_lines(body: bytes) -> str:
    """Hexadecimal digits, `HEX_LINE_BYTES` octets a line."""
    lines = (body[at : at + HEX_LINE_BYTES] for at in range(0, len(body), HEX_LINE_BYTES))
    return "\n".join(line.hex(" ") for line in lines)
