"""RequestReader: a request with all that belongs to it, and lists of them; what changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.domain.problems import Refused, Unavailable
from gateway.domain.requests.event_catalogue import BY_HAND
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.request import (
    Request,
)
from gateway.domain.requests.state_machine import list_allowed_events
from gateway.domain.requests.views import (
    HistoryLine,
    LibraryStep,
    MessageView,
    NotFound,
    RequestView,
    StoredFile,
    TimerLine,
    UnfinishedStep,
)
from gateway.domain.sentences import mark_template, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.letters.renderer import mail_address
from gateway.services.request_work.actions import find_action_hints
from gateway.services.request_work.library_calls import NOTHING_DONE
from gateway.services.request_work.patron_notices import find_reader, load_reader_settings
from gateway.services.request_work.request_lists import RequestLists, flag_dead_letter
from gateway.services.requests.brokered_requests import can_pass_on
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER
from gateway.services.requests.library_context import DESK, LibraryContext, require_request
from gateway.services.requests.located_copies import find_located_copy
from gateway.services.requests.request_messages import build_message_views
from gateway.services.requests.transitions import history_line
from gateway.services.requests.undone_acts import list_effect_rows
from gateway.store.requests import history, outbox_queries, requests, timers
from gateway.store.requests.history import EventRow
from gateway.store.requests.order_batches import ORDER
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.request_rows import parse_message

MAX_STEPS = 200
"""Of a request's rows in the outbox so many of the newest are looked at."""


@value_object
class RequestReader(RequestLists):
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
            request=flag_dead_letter(request, is_stuck),
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
    """`messages`: kinds of those to partners; `letters`: to the patron who wants them, by template; `steps`: of the
    library's system. `has_mail_address`: of the patron who gets the letters; None: there are none, or it isn't
    known."""

    messages: tuple[EventKind, ...] = ()
    letters: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    has_mail_address: bool | None = None


async def find_act_effects(context: LibraryContext, request_id: str, kind: EventKind) -> ActEffects:
    """Find the effects; raises NotFound."""
    rows = await context.store.read(lambda c: list_effect_rows(c, context, request_id, kind))
    settings = await load_reader_settings(context, await require_request(context, request_id))
    letters = tuple(row.target for row in rows if row.kind == LETTER and settings.wants_letter(row.target))
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
