"""RequestLists: requests as lists, and one by its number. Commands that list load no more of the services than this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.request import BorrowingState, LendingState, Request, RequestFlag, Role, State
from gateway.domain.requests.search_terms import searched_numbers
from gateway.domain.requests.task_lists import BY_NAME, TO_PULL
from gateway.domain.requests.views import (
    InvalidCursorError,
    ListCounts,
    LocatedCopy,
    NotFound,
    NumberMatch,
    RequestFilter,
    ResultPage,
    SeveralRequests,
)
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.located_copies import find_located_copies
from gateway.services.requests.request_search import list_number_matches, require_meant_request
from gateway.store.requests import list_paths, outbox_queries, request_facets, request_lists, requests

MAX_NAMED = 20
"""Requests that are named where several fit."""


@value_object
class RequestLists:
    context: LibraryContext

    async def list_requests(self, wanted: RequestFilter, limit: int, cursor: str) -> ResultPage[Request]:
        """List requests in the order of the filter. Raises InvalidCursorError; Refused (INVALID_VALUE) for a task or
        state that doesn't exist."""
        filtered = _check_filter(wanted)
        try:
            page, stuck = await self.context.store.read(
                lambda c: _load_list(c, self.context.symbol, filtered, limit, cursor)
            )
        except list_paths.BadCursor as bad:
            raise InvalidCursorError(str(bad)) from bad
        return ResultPage(tuple(flag_dead_letter(match, match.id in stuck) for match in page.requests), page.cursor)

    async def find_waiting_since(self, task: str, page: ResultPage[Request]) -> Mapping[str, datetime]:
        """Find by id of the request since when it stands on this task list; without a list, when it changed last."""
        if not task:
            return {request.id: request.changed for request in page}
        return await self.context.store.read(
            lambda c: request_lists.read_waiting_since(c, self.context.symbol, task, page.items)
        )

    async def count_list(self, wanted: RequestFilter) -> ListCounts:
        """Count how many the list has, and of which kinds. Raises Refused (INVALID_VALUE) for a task or state that
        doesn't exist."""
        filtered = _check_filter(wanted)
        return await self.context.store.read(lambda c: request_facets.count_list(c, self.context.symbol, filtered))

    async def find_copies_to_pull(self, wanted: RequestFilter, page: ResultPage[Request]) -> Mapping[str, LocatedCopy]:
        """Find copies by id of the request, for the page of a list; empty for lists of other things than what is to be
        fetched."""
        if wanted.task != TO_PULL:
            return {}
        return await find_located_copies(self.context, page)

    async def find_request(self, reference: str) -> Request:
        """Find a request by id, number (ours, a partner's, another system's) or barcode; of several with it, the one
        that is open. Raises NotFound, SeveralRequests."""
        return await self.context.store.read(lambda c: require_meant_request(c, self.context.symbol, reference))

    async def find_only_match(self, text: str, *, hides_patrons: bool = False) -> Request:
        """The one that any number of a person's, a work's or its own leads to, or else the words of its title.
        `hides_patrons` as in `RequestFilter`. Raises NotFound, SeveralRequests."""
        kinds = searched_numbers(hides_patrons=hides_patrons)
        try:
            return await self.context.store.read(lambda c: require_meant_request(c, self.context.symbol, text, kinds))
        except NotFound:
            request_filter = RequestFilter(search=text, hides_patrons=hides_patrons)
            page = await self.list_requests(request_filter, MAX_NAMED, "")
        if not page.items:
            raise NotFound("request")
        if len(page.items) > 1:
            raise SeveralRequests(tuple(request.number for request in page))
        return page.items[0]

    async def list_similar(self, request: Request) -> tuple[Request, ...]:
        """List the patron's other open requests for the same item, newest first, of the days in which such a request
        counts as a duplicate."""
        since = request.created - timedelta(days=self.context.policy().intake.duplicates.days)
        fingerprint = citation_fingerprint(request.citation)

        def load_similar(connection: Transaction) -> tuple[Request, ...]:
            symbol = self.context.symbol
            ids = requests.find_similar(connection, symbol, request.patron.id, fingerprint, since)
            loaded = [requests.load_request(connection, symbol, id_) for id_ in ids if id_ != request.id]
            return tuple(similar for similar in loaded if similar is not None and similar.open)

        return await self.context.store.read(load_similar)

    async def find_by_number(self, text: str) -> tuple[NumberMatch, ...]:
        """All requests that have this number, whatever it is to them: ours first, then newest first, MAX_MATCHES."""
        return await self.context.store.read(lambda c: list_number_matches(c, self.context.symbol, text))


def _check_filter(wanted: RequestFilter) -> RequestFilter:
    """Take the states of the side that is meant; raises Refused(INVALID_VALUE) for a task or state that there isn't."""
    if wanted.task and wanted.task not in BY_NAME:
        raise Refused(RefusalReason.INVALID_VALUE, "Task list not found.", value=wanted.task)
    sides: dict[Role, tuple[State, ...]] = {Role.BORROWING: tuple(BorrowingState), Role.LENDING: tuple(LendingState)}
    possible: list[State] = [state for role, states in sides.items() if wanted.role in (None, role) for state in states]
    unknown = [word for word in wanted.states if word not in {state.value for state in possible}]
    if unknown:
        raise Refused(RefusalReason.INVALID_VALUE, "State not found.", value=unknown[0])
    return replace(
        wanted,
        states=tuple(state for state in possible if state.value in wanted.states),
        search=wanted.search if wanted.question else "",
    )


def _load_list(
    connection: Transaction, library: str, request_filter: RequestFilter, limit: int, cursor: str
) -> tuple[request_lists.RequestListPage, frozenset[str]]:
    """Load a list, and which of its requests have a dead letter."""
    page = request_lists.list_requests(connection, library, request_filter, limit, cursor)
    ids = [request.id for request in page.requests]
    return page, outbox_queries.requests_with_dead_letters(connection, library, ids)


def flag_dead_letter(request: Request, is_stuck: bool) -> Request:
    """Flag a request of which a message or a step has failed."""
    return replace(request, flags=request.flags | {RequestFlag.DEAD_LETTER}) if is_stuck else request
