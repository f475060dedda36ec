"""RequestService and PatronRequestService: requests as API, pages and commands ask for them.

What is shown is made here; what is done goes through `intake`, `partner_inbox` and `actions`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.action_fields import BY_RULE
from gateway.domain.requests.attachments import describe_page_mismatch
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.patron_status import PatronStatus, status_of_request
from gateway.domain.requests.patron_views import PatronAction, PatronReference, PatronView
from gateway.domain.requests.request import (
    Attachment,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    RotaLine,
    RotaLineStatus,
    ServiceType,
    State,
)
from gateway.domain.requests.search_terms import NUMBER_KINDS, parse_search
from gateway.domain.requests.state_machine import list_allowed_events
from gateway.domain.requests.task_lists import BY_NAME, TO_PULL
from gateway.domain.requests.views import (
    ActionRequest,
    ActToUndo,
    BorrowingDraft,
    FileUpload,
    HistoryLine,
    InvalidCursorError,
    LendingDraft,
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
from gateway.domain.value import value_object
from gateway.ports.library_system import PatronKey
from gateway.ports.shared_store import Transaction
from gateway.services.attachments import check_upload
from gateway.services.letters import LetterRenderer
from gateway.services.requests.actions import ActionService, find_action_hints, patron_actions
from gateway.services.requests.brokered_requests import can_pass_on
from gateway.services.requests.effects import LIBRARY
from gateway.services.requests.intake import create_borrowing_request
from gateway.services.requests.lending import find_located_copy
from gateway.services.requests.library_context import (
    PATRON,
    LibraryContext,
    find_library_context,
    require_request,
    require_role,
)
from gateway.services.requests.partner_inbox import create_lending_request
from gateway.services.requests.request_messages import build_message_views
from gateway.services.requests.request_search import list_number_matches, require_meant_request
from gateway.services.requests.transitions import (
    EventRequest,
    apply_event,
    apply_event_in,
    history_line,
    raise_if_denied,
)
from gateway.store.requests import history, list_paths, outbox_queries, request_facets, request_lists, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.schema import make_exchange_id

KINDS: Mapping[PatronAction, EventKind] = {
    PatronAction.CANCEL: EventKind.CANCEL,
    PatronAction.RENEW: EventKind.RENEW,
    PatronAction.ANSWER: EventKind.PATRON_ANSWERED,
}

MAX_NAMED = 20

MAX_STEPS = 200
"""Of a request's rows in the outbox so many of the newest are looked at."""
"""Requests that are named where several fit."""

_OVER = frozenset({PatronStatus.DONE, PatronStatus.ENDED})


@value_object
class RequestService:
    """`acts` by symbol of the library."""

    contexts: Mapping[str, LibraryContext]
    action_services: Mapping[str, ActionService]

    def library_context(self, library: str) -> LibraryContext:
        return find_library_context(self.contexts, library)

    # --- making ------------------------------------------------------------------------------------------

    async def create_borrowing(self, library: str, draft: BorrowingDraft) -> Request:
        """Checked and submitted. Raises Refused (unknown or blocked patron, limit, duplicate, locally owned …)."""
        return await create_borrowing_request(self.library_context(library), draft)

    async def create_lending(self, library: str, draft: LendingDraft) -> Request:
        """Raises Refused (the requester's number is taken, closed, over the threshold …)."""
        return await create_lending_request(self.library_context(library), draft)

    async def act(self, library: str, request_id: str, action: ActionRequest) -> Request:
        """The request after the event. Where the library's system must say yes first, its answer is awaited.

        Raises NotFound, VersionConflict, EventDenied, Refused, OutcomeUnknown.
        """
        context = self.library_context(library)
        return await self.action_services[context.symbol].perform(request_id, action)

    async def undo(self, library: str, act: ActToUndo, actor: str) -> Request:
        """The request as it was before an act of staff. Raises NotFound, VersionConflict, EventDenied, Refused,
        Unavailable."""
        context = self.library_context(library)
        return await self.action_services[context.symbol].undo(act, actor)

    # --- looking -----------------------------------------------------------------------------------------

    async def listing(self, library: str, wanted: RequestFilter, limit: int, cursor: str) -> ResultPage[Request]:
        """In the order of the filter. Raises InvalidCursorError; Refused (INVALID_VALUE) for a task or state that
        doesn't exist."""
        context = self.library_context(library)
        filtered = _build_list_filter(wanted)
        try:
            found, stuck = await context.store.read(lambda c: _load_list(c, context.symbol, filtered, limit, cursor))
        except list_paths.BadCursor as bad:
            raise InvalidCursorError(str(bad)) from bad
        return ResultPage(tuple(_flag_dead_letter(one, one.id in stuck) for one in found.requests), found.cursor)

    async def find_waiting_since(self, library: str, task: str, page: ResultPage[Request]) -> Mapping[str, datetime]:
        """By id of the request: since when it stands on this task list; without a list, when it changed last."""
        if not task:
            return {request.id: request.changed for request in page}
        context = self.library_context(library)
        return await context.store.read(lambda c: request_lists.read_waiting_since(c, context.symbol, task, page.items))

    async def count_list(self, library: str, wanted: RequestFilter) -> ListCounts:
        """How many the list has, and of which kinds. Raises Refused (INVALID_VALUE) for a task or state that doesn't
        exist."""
        context = self.library_context(library)
        filtered = _build_list_filter(wanted)
        return await context.store.read(lambda c: request_facets.count_list(c, context.symbol, filtered))

    async def show(self, library: str, request_id: str) -> RequestView:
        """Raises NotFound."""
        context = self.library_context(library)

        def load_with_history(
            connection: Transaction,
        ) -> tuple[
            Request,
            Sequence[EventRow],
            Sequence[MessageView],
            Sequence[timers.TimerRow],
            Sequence[OutboxRow],
            Sequence[LibraryStep],
        ]:
            request = requests.load_request(connection, context.symbol, request_id)
            if request is None:
                raise NotFound("request")
            rows = history.list_events_of_request(connection, context.symbol, request_id)
            return (
                request,
                rows,
                build_message_views(connection, context, request, rows),
                timers.list_timers_of_request(connection, context.symbol, request_id),
                outbox_queries.unfinished_of_request(connection, context.symbol, request_id),
                _load_library_steps(connection, context.symbol, request_id),
            )

        request, rows, messages, running, unfinished, library_steps = await context.store.read(load_with_history)
        probe = Event(local_signal(EventKind.NOTE), context.now())
        kinds = tuple(
            kind
            for kind in list_allowed_events(request, context.workflow(request), probe)
            if kind not in BY_RULE and (kind is not EventKind.BROKERED or can_pass_on(context, request))
        )
        is_stuck = any(row.status is OutboxStatus.DEAD for row in unfinished)
        return RequestView(
            request=_flag_dead_letter(request, is_stuck),
            history=tuple(history_line(row) for row in rows),
            timers=tuple(TimerLine(row.timer.value, row.at) for row in running),
            allowed=kinds,
            hints=find_action_hints(context, request, kinds, probe),
            unfinished=tuple(_unfinished_step(row) for row in unfinished),
            located_copy=await find_located_copy(context, request),
            messages=tuple(messages),
            library_steps=tuple(library_steps),
        )

    async def find_copies_to_pull(
        self, library: str, wanted: RequestFilter, page: ResultPage[Request]
    ) -> Mapping[str, LocatedCopy]:
        """By id of the request, for the page of a list; empty for lists of other things than what is to be fetched."""
        if wanted.task != TO_PULL:
            return {}
        context = self.library_context(library)
        found = [(request.id, await find_located_copy(context, request)) for request in page]
        return {id_: copy for id_, copy in found if copy is not None}

    async def find_request(self, library: str, reference: str) -> Request:
        """By id, number (ours, a partner's, another system's) or barcode; of several with it, the one that is open.
        Raises NotFound, SeveralRequests."""
        context = self.library_context(library)
        return await context.store.read(lambda c: require_meant_request(c, context.symbol, reference))

    async def find_only_match(self, library: str, text: str) -> Request:
        """The one that any number of a person's, a work's or its own leads to, or else the words of its title. Raises
        NotFound, SeveralRequests."""
        context = self.library_context(library)
        try:
            return await context.store.read(lambda c: require_meant_request(c, context.symbol, text, NUMBER_KINDS))
        except NotFound:
            page = await self.listing(library, RequestFilter(search=text), MAX_NAMED, "")
        if not page.items:
            raise NotFound("request")
        if len(page.items) > 1:
            raise SeveralRequests(tuple(request.number for request in page))
        return page.items[0]

    async def find_by_number(self, library: str, text: str) -> tuple[NumberMatch, ...]:
        """All requests that have this number, whatever it is to them: ours first, then newest first, MAX_MATCHES."""
        context = self.library_context(library)
        return await context.store.read(lambda c: list_number_matches(c, context.symbol, text))

    # --- files -------------------------------------------------------------------------------------------

    async def attach(
        self, library: str, request_id: str, upload: FileUpload, actor: str, version: int | None
    ) -> tuple[Request, Attachment]:
        """Raises NotFound, VersionConflict, Refused."""
        context = self.library_context(library)
        await require_request(context, request_id)  # before a scanner is bothered
        upload = await check_upload(upload, context.policy().copies)
        now = context.now()
        attachment = Attachment(
            id=make_exchange_id(now),
            name=upload.name,
            media_type=upload.media_type,
            size=len(upload.content),
            pages=upload.pages,
            sha256=hashlib.sha256(upload.content).hexdigest(),
            at=now,
        )
        event = Event(local_signal(EventKind.NOTE), now, actor, EventDetails(attachment=attachment.id))
        event_request = EventRequest(
            request_id=request_id,
            event=event,
            expected=version,
            prepare=lambda request: _add_attachment(request, attachment),
        )

        def insert_attachment(connection: Transaction) -> Request:
            history.put_file(connection, context.symbol, attachment.id, upload.content)
            return raise_if_denied(apply_event_in(connection, context, event_request)).request

        return await context.store.write(insert_attachment), attachment

    async def attachment(self, library: str, request_id: str, attachment_id: str) -> StoredFile:
        """Raises NotFound."""
        context = self.library_context(library)
        request = await require_request(context, request_id)
        kept = next((one for one in request.attachments if one.id == attachment_id), None)
        content = (
            await context.store.read(lambda c: history.get_file(c, context.symbol, attachment_id)) if kept else None
        )
        if kept is None or content is None:
            raise NotFound("attachment")
        return StoredFile(kept, content)

    # --- the rota of one request -------------------------------------------------------------------------

    async def reorder(
        self, library: str, request_id: str, partners: Sequence[str], actor: str, version: int | None
    ) -> Request:
        """Waiting lines of the rota in this order; partners that are new are added, those left out stay behind.

        Raises NotFound, VersionConflict, Refused (a partner that doesn't exist).
        """
        context = self.library_context(library)
        partners = tuple(dict.fromkeys(partners))
        for partner in partners:
            context.require_partner(partner)

        def reorder_rota(request: Request) -> Request:
            done = tuple(line for line in request.rota if line.standing is not RotaLineStatus.WAITING)
            waiting = {line.partner: line for line in request.rota if line.standing is RotaLineStatus.WAITING}
            first = [waiting.pop(name, RotaLine(name)) for name in partners]
            chosen = [replace(line, why="by hand", by_hand=True) for line in first]
            return replace(request, rota=(*done, *chosen, *waiting.values()))

        note = f"rota: {', '.join(partners)}"
        return await self._change_rota(context, request_id, reorder_rota, actor, version, note)

    async def skip(
        self, library: str, request_id: str, partner: str, why: str, actor: str, version: int | None
    ) -> Request:
        """A waiting line of the rota is not asked. Raises NotFound (request or line), VersionConflict."""
        context = self.library_context(library)

        def skip_line(request: Request) -> Request:
            waits = any(line.partner == partner and line.standing is RotaLineStatus.WAITING for line in request.rota)
            if not waits:
                raise NotFound("rota line")
            rota = tuple(
                replace(line, standing=RotaLineStatus.SKIPPED, why=why)
                if line.partner == partner and line.standing is RotaLineStatus.WAITING
                else line
                for line in request.rota
            )
            return replace(request, rota=rota)

        return await self._change_rota(
            context, request_id, skip_line, actor, version, f"rota: {partner} skipped{f', {why}' if why else ''}"
        )

    async def _change_rota(
        self,
        context: LibraryContext,
        request_id: str,
        change: Callable[[Request], Request],
        actor: str,
        version: int | None,
        note: str,
    ) -> Request:
        event = Event(local_signal(EventKind.NOTE), context.now(), actor, EventDetails(note=note))

        def change_borrowing_rota(request: Request) -> Request:
            require_role(request, Role.BORROWING)
            return change(request)

        event_request = EventRequest(
            request_id=request_id, event=event, expected=version, prepare=change_borrowing_rota
        )
        return (await apply_event(context, event_request)).request


def _add_attachment(request: Request, attachment: Attachment) -> Request:
    """A copy of another length than cited gets a warning for staff."""
    found = describe_page_mismatch(request.citation, attachment.name, attachment.pages)
    warnings = (
        (*request.warnings, found) if found and request.service.type is not ServiceType.LOAN else request.warnings
    )
    return replace(request, attachments=(*request.attachments, attachment), warnings=warnings)


def _build_list_filter(wanted: RequestFilter) -> list_paths.RequestListFilter:
    """Raises Refused(INVALID_VALUE) for a task or state that doesn't exist."""
    if wanted.task and wanted.task not in BY_NAME:
        raise Refused(RefusalReason.INVALID_VALUE, "There is no such task list.", value=wanted.task)
    sides: dict[Role, tuple[State, ...]] = {Role.BORROWING: tuple(BorrowingState), Role.LENDING: tuple(LendingState)}
    possible: list[State] = [one for role, states in sides.items() if wanted.role in (None, role) for one in states]
    unknown = [word for word in wanted.states if word not in {state.value for state in possible}]
    if unknown:
        raise Refused(RefusalReason.INVALID_VALUE, "There is no such state.", value=unknown[0])
    return list_paths.RequestListFilter(
        role=wanted.role,
        states=tuple(state for state in possible if state.value in wanted.states),
        task=wanted.task,
        partners=wanted.partners,
        patron_id=wanted.patron_id,
        text=wanted.text,
        search=parse_search(wanted.search),
        open=wanted.open,
        branches=wanted.branches,
        services=wanted.services,
        assignee=wanted.assignee,
        unassigned=wanted.unassigned,
        label=wanted.label,
        need_by_before=wanted.need_by_before,
        order=wanted.order,
    )


def _load_list(
    connection: Transaction, library: str, wanted: list_paths.RequestListFilter, limit: int, cursor: str
) -> tuple[request_lists.RequestListPage, frozenset[str]]:
    """And which of its requests have a dead letter."""
    page = request_lists.list_requests(connection, library, wanted, limit, cursor)
    ids = [request.id for request in page.requests]
    return page, outbox_queries.requests_with_dead_letters(connection, library, ids)


def _flag_dead_letter(request: Request, is_stuck: bool) -> Request:
    return replace(request, flags=request.flags | {RequestFlag.DEAD_LETTER}) if is_stuck else request


def _load_library_steps(connection: Transaction, library: str, request_id: str) -> Sequence[LibraryStep]:
    rows = outbox_queries.list_rows_of_request(connection, library, request_id, MAX_STEPS).rows
    done = [row for row in rows if row.kind == LIBRARY and row.status is OutboxStatus.DONE and row.ended is not None]
    return [LibraryStep(row.id, row.target, row.ended) for row in reversed(done) if row.ended is not None]


def _unfinished_step(row: OutboxRow) -> UnfinishedStep:
    return UnfinishedStep(row.id, row.kind, row.target, row.status.value, row.created, row.tries, row.error)


@value_object
class EventFeed:
    contexts: Mapping[str, LibraryContext]

    async def after(self, library: str, cursor: str, limit: int) -> Sequence[HistoryLine]:
        """Events whose id sorts behind the cursor, oldest first; an empty cursor: from the first that is kept."""
        context = find_library_context(self.contexts, library)
        rows = await context.store.read(lambda c: history.list_events_after(c, context.symbol, cursor, limit))
        return tuple(history_line(row) for row in rows)


@value_object
class PatronRequestService:
    """`language` empty: the one of the request's patron."""

    requests: RequestService
    letters: LetterRenderer

    async def find_patron_id(self, library: str, value: str, kind: PatronReference) -> str:
        """Of a patron whom the library's system finds by this identifier, or of whom there are requests under this id.

        Raises NotFound; Refused (AMBIGUOUS_PATRON) where it is one patron's id and another's identifier; Unavailable.
        """
        context = self.requests.library_context(library)
        found: set[str] = set()
        if kind is not PatronReference.IDENTIFIER:
            wanted = RequestFilter(role=Role.BORROWING, patron_id=value)
            found.update(request.patron.id for request in await self.requests.listing(library, wanted, 1, ""))
        if kind is not PatronReference.ID:
            try:
                found.add((await context.system.find_patron(PatronKey(value))).id)
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_PATRON:
                    raise
        if not found:
            raise NotFound("patron")
        if len(found) > 1:
            raise Refused(
                RefusalReason.AMBIGUOUS_PATRON,
                "This is the id of one patron and an identifier of another: say by which of them it is meant.",
                about=MessagePart.PATRON,
            )
        return found.pop()

    async def listing(
        self, library: str, patron_id: str, open_: bool | None, language: str, limit: int, cursor: str
    ) -> ResultPage[PatronView]:
        """Newest change first. Raises InvalidCursorError."""
        wanted = RequestFilter(role=Role.BORROWING, patron_id=patron_id, open=open_)
        page = await self.requests.listing(library, wanted, limit, cursor)
        context = self.requests.library_context(library)
        return ResultPage(tuple(self._build_patron_view(context, request, language) for request in page), page.cursor)

    async def show(self, library: str, request_id: str, patron_id: str, language: str) -> PatronView:
        """Raises NotFound, for the requests of others too."""
        context = self.requests.library_context(library)
        return self._build_patron_view(context, await _require_own_request(context, request_id, patron_id), language)

    async def act(
        self,
        library: str,
        request_id: str,
        patron_id: str,
        act: PatronAction,
        details: EventDetails,
        version: int | None,
        language: str,
    ) -> PatronView:
        """Raises NotFound, VersionConflict, EventDenied, Refused (the partner's workflow keeps it for staff)."""
        context = self.requests.library_context(library)
        await _require_own_request(context, request_id, patron_id)
        done = ActionRequest(kind=KINDS[act], details=details, actor=PATRON, version=version)
        return self._build_patron_view(context, await self.requests.act(library, request_id, done), language)

    def _build_patron_view(self, context: LibraryContext, request: Request, language: str) -> PatronView:
        said = status_of_request(request)
        spoken = self.letters.resolve_language(language or request.patron.language)
        return PatronView(
            request=request,
            status=said.status,
            text=spoken.words.patron.get(said.word, said.word),
            language=spoken.language,
            actions=_list_patron_actions(context, request, said.status),
        )


async def _require_own_request(context: LibraryContext, request_id: str, patron_id: str) -> Request:
    """Somebody else's is not there. Raises NotFound."""
    request = await require_request(context, request_id)
    if request.role is not Role.BORROWING or not patron_id or request.patron.id != patron_id:
        raise NotFound("request")
    return request


def _list_patron_actions(context: LibraryContext, request: Request, status: PatronStatus) -> tuple[PatronAction, ...]:
    if status in _OVER:
        return ()
    fit = list_allowed_events(request, context.workflow(request), Event(local_signal(EventKind.NOTE), context.now()))
    possible = patron_actions(context, request).intersection(fit)
    return tuple(act for act, kind in KINDS.items() if kind in possible)
