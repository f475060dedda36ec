"""Data that the gateway holds about one patron: counted, given out whole, and forgotten before its time.

A patron is meant by card number or by the library's own id, as requests have them, so that it works for patrons whom
the library's system no longer knows. Patrons themselves are meant by their id alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.domain.requests.events import Event, EventKind, timer_signal
from gateway.domain.requests.patron_settings import PatronSettings
from gateway.domain.requests.request import PatronLink, Request, Role
from gateway.domain.requests.search_terms import SearchTermKind
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.requests.conversations import names_of_request
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store import journal_queries, patron_sessions
from gateway.store.journal_records import mark_patron
from gateway.store.patron_settings import forget_patron_settings, load_patron_settings
from gateway.store.requests import history, request_search, requests, timers
from gateway.store.requests.request_rows import dump_event, dump_request

MAX_REQUESTS = 2_000
"""Of one patron; more are never given out or forgotten in part: it is said."""


PATRON_FILE = "reader.json"
"""Name of the file that is given out."""


class TooManyRequestsError(Exception):
    """The number is in more than MAX_REQUESTS requests, so it is hardly one patron's."""


@value_object
class RetentionDays:
    """The retention days in gateway.yml; the library's own days are in its rules."""

    message_contents: int
    messages: int
    audit: int


@value_object
class PatronNumber:
    """The number by which requests name a patron: a card, or the library's id. `is_id`: the id and nothing else, since
    a card of somebody else may be written in the same way."""

    text: str
    is_id: bool = False

    def is_in(self, link: PatronLink) -> bool:
        return self.text == link.id or (not self.is_id and self.text == link.identifier)


@value_object
class HeldPatronData:
    """Requests that name the patron, newest first. `open_requests`: they need the name still."""

    requests: tuple[Request, ...]

    @property
    def open_requests(self) -> tuple[Request, ...]:
        return tuple(request for request in self.requests if request.open)

    @property
    def closed_requests(self) -> tuple[Request, ...]:
        return tuple(request for request in self.requests if not request.open)


@value_object
class ForgottenPatronData:
    """`requests`: numbers of those that name the patron no more; `kept`: of those that are open."""

    requests: tuple[str, ...]
    kept: tuple[str, ...]


@value_object
class PatronDataService:
    context: LibraryContext

    async def find_data(self, number: PatronNumber) -> HeldPatronData:
        """Numbers are compared exactly. Raises TooManyRequestsError."""
        return HeldPatronData(await self.context.store.read(lambda c: _find_requests(c, self.context.symbol, number)))

    async def export_data(self, number: PatronNumber) -> Mapping[str, object]:
        """All of it, ready for JSON: what the patron has set, and each request as it is stored, with its history, and
        which messages about it the journal has. Raises TooManyRequestsError."""

        def read_all(connection: Transaction) -> Mapping[str, object]:
            own = _find_requests(connection, self.context.symbol, number)
            ids = sorted({link.id for request in own for link in _links_of(request, number)} | {number.text})
            settings = [load_patron_settings(connection, self.context.symbol, identifier) for identifier in ids]
            changed = [one for one in settings if one != PatronSettings()]
            return {
                "settings": [{"notices": one.notices.value, "language": one.language} for one in changed],
                "requests": [_export_request(connection, self.context, request) for request in own],
            }

        made = self.context.now().isoformat(timespec="seconds")
        return {
            "library": self.context.symbol,
            "made": made,
            "number": number.text,
            **await self.context.store.read(read_all),
        }

    async def forget_patron(self, number: PatronNumber, actor: str) -> ForgottenPatronData:
        """Closed requests forget the patron now, with what people wrote in them, the contents of messages and mails
        about them, and what was sent; the journal the contents of look-ups of this number. The patron is signed out.
        Open ones forget in their time. Raises TooManyRequestsError."""
        data = await self.find_data(number)
        forgotten: list[str] = []
        for request in data.closed_requests:
            if await self.context.store.write(lambda c, id_=request.id: _forget_in(c, self.context, id_, actor)):  # type: ignore[misc]
                forgotten.append(request.number)
        ids = {link.id for request in data.requests for link in _links_of(request, number)}

        def forget_the_rest(connection: Transaction) -> None:
            for identifier in sorted({number.text, *ids} - {""}):
                mark = mark_patron(self.context.symbol, identifier)
                journal_queries.forget_bodies_about_patron(connection, self.context.symbol, mark)
            patron_sessions.end_patron_sessions(connection, self.context.symbol, ids)
            for identifier in sorted(ids | {number.text}):
                forget_patron_settings(connection, self.context.symbol, identifier)

        await self.context.store.write(forget_the_rest)
        self.context.wake_outbox()
        return ForgottenPatronData(tuple(forgotten), tuple(open_request.number for open_request in data.open_requests))


def _find_requests(connection: Transaction, library: str, number: PatronNumber) -> tuple[Request, ...]:
    if not number.text:
        return ()
    ids = request_search.find_ids_by_term(connection, library, SearchTermKind.PATRON, number.text, MAX_REQUESTS + 1)
    if len(ids) > MAX_REQUESTS:
        raise TooManyRequestsError(number.text)
    loaded = (requests.load_request(connection, library, id_) for id_ in sorted(ids, reverse=True))
    return tuple(request for request in loaded if request is not None and _links_of(request, number))


def _links_of(request: Request, number: PatronNumber) -> tuple[PatronLink, ...]:
    """Return the links to the patron that this number means. The id of a patron of ours is no number of another
    library's patron."""
    if number.is_id and request.role is not Role.BORROWING:
        return ()
    links = (request.patron,) if number.is_id else (request.patron, request.direct_patron)
    return tuple(link for link in links if number.is_in(link))


def _export_request(connection: Transaction, context: LibraryContext, request: Request) -> Mapping[str, object]:
    names = names_of_request(request)
    return {
        "number": request.number,
        "stored": json.loads(dump_request(request)),
        "history": [
            {
                "at": row.at.isoformat(),
                "before": row.before,
                "after": row.after,
                "event": json.loads(dump_event(row.event)),
            }
            for row in history.list_events_of_request(connection, context.symbol, request.id)
        ],
        "messages": [
            {
                "id": row["id"],
                "at": row["at"].isoformat(),
                "direction": row["direction"],
                "protocol": row["protocol"],
                "service": row["service"],
                "partner": row["profile"],
            }
            for row in journal_queries.list_about_request(connection, context.symbol, names)
        ],
    }


def _forget_in(connection: Transaction, context: LibraryContext, request_id: str, actor: str) -> bool:
    """False: the request isn't closed any more."""
    request = requests.lock_request(connection, context.symbol, request_id)
    if request is None or request.open:
        return False
    event = Event(timer_signal(EventKind.ANONYMISED), context.now(), actor)
    if isinstance(apply_event_in(connection, context, EventRequest(request_id=request_id, event=event)), Denied):
        return False
    timers.stop_timer(connection, context.symbol, request_id, TimerKind.ANONYMISE)
    return True
