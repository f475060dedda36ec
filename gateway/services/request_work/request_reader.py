"""RequestReader: requests as lists, one with all that belongs to it, by number; what changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.domain.requests.event_catalogue import BY_HAND
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    State,
)
from gateway.domain.requests.search_terms import searched_numbers
from gateway.domain.requests.state_machine import list_allowed_events
from gateway.domain.requests.task_lists import BY_NAME, TO_PULL
from gateway.domain.requests.views import (
    HistoryLine,
    InvalidCursorError,
    LibraryStep,
    ListCounts,
    LocatedCopy,
    MessageView,
    NotFound,
    NumberMatch,
    RequestFilter,
    RequestView,
    ResultPage,
    SeveralRequests,
    StoredFile,
    TimerLine,
    UnfinishedStep,
)
from gateway.domain.sentences import mark_template, write_sentence
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.letters.renderer import mail_address
from gateway.services.request_work.actions import find_action_hints
from gateway.services.request_work.library_calls import NOTHING_DONE
from gateway.services.request_work.patron_notices import find_reader
from gateway.services.requests.brokered_requests import can_pass_on
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER
from gateway.services.requests.lending import find_located_copy
from gateway.services.requests.library_context import DESK, LibraryContext, require_request
from gateway.services.requests.request_messages import build_message_views
from gateway.services.requests.request_search import list_number_matches, require_meant_request
from gateway.services.requests.transitions import history_line
from gateway.services.requests.undone_acts import list_effect_rows
from gateway.store.requests import history, list_paths, outbox_queries, request_facets, request_lists, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message

MAX_NAMED = 20
"""Requests that are named where several fit."""

MAX_STEPS = 200
"""Of a request's rows in the outbox so many of the newest are looked at."""


@value_object
class RequestReader:
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
        return ResultPage(tuple(_flag_dead_letter(match, match.id in stuck) for match in page.requests), page.cursor)

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

    async def load_view(self, request_id: str) -> RequestView:
        """Load a view; raises NotFound."""

        def load_with_history(
            connection: Transaction,
        ) -> tuple[
            Request,
            Sequence[EventRow],
            Sequence[MessageView],
            Sequence[timers.TimerRow],
            Sequence[UnfinishedStep],
            Sequence[LibraryStep],
            Sequence[UnfinishedStep],
        ]:
            request = requests.load_request(connection, self.context.symbol, request_id)
            if request is None:
                raise NotFound("request")
            rows = history.list_events_of_request(connection, self.context.symbol, request_id)
            return (
                request,
                rows,
                build_message_views(connection, self.context, request, rows),
                timers.list_timers_of_request(connection, self.context.symbol, request_id),
                _load_unfinished_steps(connection, self.context, request_id),
                _load_library_steps(connection, self.context.symbol, request_id),
                _load_refused_messages(connection, self.context.symbol, request_id),
            )

        request, rows, messages, running, unfinished, library_steps, refused = await self.context.store.read(
            load_with_history
        )
        probe = Event(local_signal(EventKind.NOTE), self.context.now())
        kinds = tuple(
            kind
            for kind in list_allowed_events(request, self.context.workflow(request), probe)
            if kind in BY_HAND and (kind is not EventKind.BROKERED or can_pass_on(self.context, request))
        )
        is_stuck = any(step.status == OutboxStatus.DEAD.value for step in unfinished)
        return RequestView(
            request=_flag_dead_letter(request, is_stuck),
            history=tuple(history_line(row) for row in rows),
            timers=tuple(TimerLine(row.timer.value, row.at) for row in running),
            allowed=kinds,
            hints=find_action_hints(self.context, request, kinds, probe),
            unfinished=tuple(unfinished),
            located_copy=await find_located_copy(self.context, request),
            messages=tuple(messages),
            library_steps=tuple(library_steps),
            refused=tuple(refused),
        )

    async def find_copies_to_pull(self, wanted: RequestFilter, page: ResultPage[Request]) -> Mapping[str, LocatedCopy]:
        """Find copies by id of the request, for the page of a list; empty for lists of other things than what is to be
        fetched."""
        if wanted.task != TO_PULL:
            return {}
        copies = [(request.id, await find_located_copy(self.context, request)) for request in page]
        return {id_: copy for id_, copy in copies if copy is not None}

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

    async def find_by_number(self, text: str) -> tuple[NumberMatch, ...]:
        """All requests that have this number, whatever it is to them: ours first, then newest first, MAX_MATCHES."""
        return await self.context.store.read(lambda c: list_number_matches(c, self.context.symbol, text))

    async def load_attachment(self, request_id: str, attachment_id: str) -> StoredFile:
        """Load a file; raises NotFound."""
        request = await require_request(self.context, request_id)
        attachment = next((attachment for attachment in request.attachments if attachment.id == attachment_id), None)
        content = (
            await self.context.store.read(lambda c: history.get_file(c, self.context.symbol, attachment_id))
            if attachment
            else None
        )
        if attachment is None or content is None:
            raise NotFound("attachment")
        return StoredFile(attachment, content)


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


def _flag_dead_letter(request: Request, is_stuck: bool) -> Request:
    return replace(request, flags=request.flags | {RequestFlag.DEAD_LETTER}) if is_stuck else request


def _load_library_steps(connection: Transaction, library: str, request_id: str) -> Sequence[LibraryStep]:
    rows = outbox_queries.list_rows_of_request(connection, library, request_id, MAX_STEPS).rows
    done = [row for row in rows if row.kind == LIBRARY and row.status is OutboxStatus.DONE and _has_done_something(row)]
    return [LibraryStep(row.id, row.target, row.ended) for row in reversed(done) if row.ended is not None]


def _has_done_something(row: OutboxRow) -> bool:
    """An item that goes back is told by the step that deletes its record, where there is one."""
    return not row.note.startswith(NOTHING_DONE) and row.target != f"{DESK}:{EventKind.RETURNED.value}"


QUIET_TIME = timedelta(seconds=5)
"""A step that is due for so long waits for something."""


def _load_unfinished_steps(
    connection: Transaction, context: LibraryContext, request_id: str
) -> Sequence[UnfinishedStep]:
    """Oldest first; of those that wait without having been tried, why."""
    steps, first_of_lane = [], dict[str, OutboxRow]()
    for row in outbox_queries.unfinished_of_request(connection, context.symbol, request_id):
        step = _unfinished_step(row)
        before = first_of_lane.setdefault(row.lane, row) if row.lane else row
        is_due = row.status is OutboxStatus.WAITING and row.next_at + QUIET_TIME <= context.now()
        if is_due and not row.error:
            reason = _describe_wait(before.error) if before is not row else _explain_pause(connection, context, row)
            step = replace(step, error=reason)
        steps.append(step)
    return steps


def _describe_wait(report: str) -> str:
    return write_sentence("waits for an earlier message (%(report)s)", report=report) if report else EARLIER_MESSAGE


def _explain_pause(connection: Transaction, context: LibraryContext, row: OutboxRow) -> str:
    """Explain why the partner's turn hasn't come: other messages to it have no answer. Empty: nothing is known."""
    retried = outbox_queries.list_retried_targets(connection, context.symbol, row.kind, 1)
    report = next((error for target, _, _, error in retried if target == row.target), "")
    template = mark_template("waits, because other messages to the partner could not be delivered (%(report)s)")
    return write_sentence(template, report=report) if report else ""


EARLIER_MESSAGE = write_sentence("waits for an earlier message")


def _load_refused_messages(connection: Transaction, library: str, request_id: str) -> Sequence[UnfinishedStep]:
    rows = outbox_queries.list_refused_of_request(connection, library, PARTNER, request_id)
    return [replace(_unfinished_step(row), event=parse_message(row.payload).kind) for row in rows]


def _unfinished_step(row: OutboxRow) -> UnfinishedStep:
    return UnfinishedStep(row.id, row.kind, row.target, row.status.value, row.created, row.tries, row.error)


@value_object
class EventFeed:
    context: LibraryContext

    async def list_events_after(self, cursor: str, limit: int) -> Sequence[HistoryLine]:
        """Events whose id sorts behind the cursor, oldest first; an empty cursor: from the first that is kept."""
        rows = await self.context.store.read(lambda c: history.list_events_after(c, self.context.symbol, cursor, limit))
        return tuple(history_line(row) for row in rows)


# --- what an act has left outside ----------------------------------------------------------------------------

# Rows of the outbox are made with the event, so that what a page says of an act can be read from them.


@value_object(kw_only=True)
class ActEffects:
    """`messages`: kinds of those to partners; `letters`: to the patron, by
    template; `steps`: of the library's system. `has_mail_address`: of the patron who gets the letters; None: there are
    none, or it isn't known."""

    messages: tuple[EventKind, ...] = ()
    letters: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    has_mail_address: bool | None = None


async def find_act_effects(context: LibraryContext, request_id: str, kind: EventKind) -> ActEffects:
    """Find the effects; raises NotFound."""
    rows = await context.store.read(lambda c: list_effect_rows(c, context, request_id, kind))
    letters = tuple(row.target for row in rows if row.kind == LETTER)
    return ActEffects(
        messages=tuple(parse_message(row.payload).kind for row in rows if row.kind in (PARTNER, ORDER)),
        letters=letters,
        steps=tuple(row.target for row in rows if row.kind == LIBRARY),
        has_mail_address=await _has_mail_address(context, request_id) if letters else None,
    )


async def _has_mail_address(context: LibraryContext, request_id: str) -> bool | None:
    try:
        patron = await find_reader(context, await require_request(context, request_id))
    except (Refused, Unavailable):
        return None
    return bool(mail_address(patron, context.today()))
