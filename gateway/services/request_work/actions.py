"""Actions of staff, patrons and programs.

What needs the library's yes first goes through it (`desk_actions`); the rest is an event at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from gateway.domain import due_dates
from gateway.domain.problems import MessagePart, RefusalReason, Refused, Unavailable, UnfinishedWork
from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import Request, RequestFlag, Role, ServiceType
from gateway.domain.requests.request_updates import keep_request
from gateway.domain.requests.scan_rules import ScanReason, find_question
from gateway.domain.requests.state_machine import PartnerNotification, compute_transition, list_notifications
from gateway.domain.requests.take_back import is_undoable, make_undo_event
from gateway.domain.requests.views import ActionRequest, NotFound, UndoableAct, VersionConflict
from gateway.domain.sentences import join_sentences, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import CarryWay
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import note_undone, write_once
from gateway.services.outbox.queue import DESK_GRACE, Handler
from gateway.services.request_work.desk_actions import describe_work_elsewhere, is_desk_action
from gateway.services.request_work.desk_reversals import must_be_reversed
from gateway.services.request_work.desk_rows import DeskStep
from gateway.services.request_work.library_calls import NOTHING_DONE
from gateway.services.request_work.scanned_volumes import name_scanned_volume
from gateway.services.requests.deadlines import compute_renewed_due
from gateway.services.requests.effects import (
    LIBRARY,
    choose_way_to_tell,
    find_receiver,
    is_partner_notified,
    new_outbox_row,
)
from gateway.services.requests.intake import choose_suppliers, require_coming_day, require_pickup
from gateway.services.requests.library_context import DESK, PATRON, LibraryContext, require_request
from gateway.services.requests.transitions import ComputedEvent, EventRequest, apply_event, raise_if_denied
from gateway.services.requests.undone_acts import undo_act_in
from gateway.store.api_access import make_copy_token
from gateway.store.requests import outbox, outbox_queries, requests
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.outbox_payloads import DeskPayload, parse_desk_payload
from gateway.store.schema import make_exchange_id

MAX_ROWS = 100
"""Of a request's rows in the outbox so many of the newest are looked at."""

ROW = "row "
"""Begins the reference to a row of the outbox, by which the library's system is asked."""


@value_object
class ActionService:
    """`run_now` does an outbox row at once, by the handler that it is given, and raises what the library refuses."""

    context: LibraryContext
    run_now: Callable[[OutboxRow, Handler], Awaitable[OutboxRow]]

    async def perform(self, request_id: str, action: ActionRequest) -> Request:
        """Perform an action; raises NotFound, EventDenied, VersionConflict, Refused (the library's no, or data that is
        missing), Unavailable (the library is away; the action is kept and done when it is back), UnfinishedWork
        (another request is in the way, and the action is kept as well)."""
        request = await require_request(self.context, request_id)
        if action.version is not None and action.version != request.version:
            raise VersionConflict(request.version)
        self._check_patron_right(request, action)
        if find_question(action.kind, request) is ScanReason.RECALLED and not action.confirmed:
            raise Refused(
                RefusalReason.NOT_ALLOWED,
                "The lender has recalled this item. Confirm that it is to be checked out anyway.",
                about=MessagePart.ITEM,
            )
        _check_named_parts(request, action.details)
        details = await self._add_copy_link(
            request, action.kind, await _complete_details(self.context, request, action)
        )
        event = Event(local_signal(action.kind), self.context.now(), action.actor, details, action.attempt)
        if is_desk_action(request, action.kind, action.attempt):
            payload = DeskPayload(event=event, hold=action.hold, lists_untold=action.lists_untold)
            return await self._run_desk_action(request, payload, action.version)
        await _check_changes(self.context, request, details)
        event_request = EventRequest(
            request_id=request_id,
            event=event,
            expected=action.version,
            prepare=_choose_preparation(self.context, event),
            hold=action.hold,
            lists_untold=action.lists_untold,
        )
        return (await apply_event(self.context, event_request)).request

    async def undo_act(self, act: UndoableAct, actor: str) -> Request:
        """The request is what it was before the act, if nothing of it has gone out and nobody has gone on with the
        request since. Raises NotFound, VersionConflict, EventDenied, Refused (something has gone out, or the library's
        no), Unavailable (the library is away)."""
        request = await require_request(self.context, act.before.id)
        if request.version != act.version:
            raise VersionConflict(request.version)
        if not is_undoable(act.before, request, act.kind):
            raise Refused(RefusalReason.NOT_ALLOWED, "This cannot be undone.", about=MessagePart.REQUEST)
        event = make_undo_event(act.before, act.kind, self.context.now(), actor)
        if must_be_reversed(act.before, act.kind):
            return await self._run_desk_action(request, DeskPayload(event=event, undo=act), act.version)
        undone = raise_if_denied(await self.context.store.write(lambda c: undo_act_in(c, self.context, act, event)))
        self.context.wake_outbox()
        return undone.request

    async def _add_copy_link(self, request: Request, kind: EventKind, details: EventDetails) -> EventDetails:
        """A copy that is a file of ours goes out as a link to it."""
        if kind is not EventKind.COPY_DELIVERED or details.link or not details.attachment:
            return details
        return replace(details, link=await make_copy_link(self.context, request, details.attachment))

    def _check_patron_right(self, request: Request, action: ActionRequest) -> None:
        """Check that the partner's workflow lets patrons do it."""
        if action.actor == PATRON and action.kind not in patron_actions(self.context, request):
            raise Refused(RefusalReason.NOT_ALLOWED, "Please ask library staff to do this.", about=MessagePart.REQUEST)

    async def _run_desk_action(self, request: Request, payload: DeskPayload, version: int | None) -> Request:
        """The row is there before the library is asked, so that a crash between the two is repaired. From there on
        it counts that the event still fits; `version`, what the caller has seen, is compared as the row is written.

        Raises NotFound, VersionConflict, and as `perform`.
        """
        event = payload.event
        outcome = raise_if_denied(compute_transition(request, event, self.context.workflow(request)))
        row = new_outbox_row(request, LIBRARY, f"{DESK}:{event.kind.value}", payload.to_json(), event.at)
        row = replace(row, next_at=event.at + DESK_GRACE, lane=f"{request.id}/{DESK}/{row.id}")
        step = DeskStep(self.context)

        def insert_desk_row(connection: Transaction) -> OutboxRow:
            current = requests.lock_version(connection, row.library, request.id)
            if current is None:
                raise NotFound("request")
            if version is not None and version != current:
                raise VersionConflict(current)
            before = _find_unfinished_row(connection, row)
            if before is None:
                outbox.add_outbox_row(connection, row)
                step.computed = ComputedEvent(request, outcome) if current == request.version else None
                return row
            step.computed = None
            if before.target != row.target or parse_desk_payload(before.payload).event.details != event.details:
                raise Refused(
                    RefusalReason.NOT_ALLOWED,
                    "An earlier step of this request is still waiting for the library system.",
                    about=MessagePart.REQUEST,
                )
            return before

        inserted = await write_once(self.context.store, insert_desk_row, lambda inserted: f"{ROW}{inserted.id}")
        await self._run_row(inserted, step)
        return step.after or await require_request(self.context, request.id)

    async def recall(self, request_id: str, reference: str) -> Request:
        """Return the request as it is now, after what was done under a key; what the library hasn't said yes to is
        asked again. Raises as `perform`."""
        if reference.startswith(ROW):
            symbol, row_id = self.context.symbol, reference.removeprefix(ROW)
            row = await self.context.store.read(lambda c: outbox_queries.get_outbox_row(c, symbol, row_id))
            if row is not None:  # else it ended so long ago that it was forgotten
                await self._run_row(row, DeskStep(self.context))
        return await require_request(self.context, request_id)

    async def _run_row(self, row: OutboxRow, step: DeskStep) -> None:
        try:
            done = await self.run_now(row, step.handle_row)
        except Refused:
            note_undone()
            raise
        if done.status is OutboxStatus.IN_HAND:
            raise UnfinishedWork(write_sentence("this step is already being carried out"))
        if done.status is OutboxStatus.REFUSED:
            note_undone()
        if done.status in (OutboxStatus.DEAD, OutboxStatus.REFUSED):  # a dead one may yet be done, when staff say so
            raise Refused(RefusalReason.OTHER, "The library system refused this step; see the list of failed steps.")
        if done.status is not OutboxStatus.DONE:
            raise Unavailable(
                write_sentence(
                    "the library system cannot do this now; it will be retried (%(report)s)", report=done.error
                )
                if done.error
                else write_sentence("the library system cannot do this now; it will be retried")
            )
        if done.note.startswith(NOTHING_DONE):
            raise Refused(RefusalReason.NOT_ALLOWED, "This no longer applies: the request has changed since.")
        self.context.wake_outbox()


def patron_actions(context: LibraryContext, request: Request) -> frozenset[EventKind]:
    """List what the partner's workflow lets patrons do, whether or not it fits the present state. More time isn't asked
    for what has not yet come to where it is fetched."""
    rules = context.workflow(request).borrowing
    allowed = {
        EventKind.CANCEL: rules.patron_may_cancel,
        EventKind.RENEW: rules.patron_may_renew and RequestFlag.IN_TRANSIT not in request.flags,
        EventKind.PATRON_ANSWERED: True,
        EventKind.NOTE: True,
    }
    return frozenset(kind for kind, may in allowed.items() if may)


def _find_unfinished_row(connection: Transaction, row: OutboxRow) -> OutboxRow | None:
    """Find what is still to be done at the desk for the same request. Its outcome may be unknown, and what comes after
    it depends on it: so one step waits for the other, and the same step again is the same."""
    rows = outbox_queries.list_rows_of_request(connection, row.library, row.request_id, MAX_ROWS).rows
    waiting = (outbox_row for outbox_row in rows if outbox_row.status in (OutboxStatus.WAITING, OutboxStatus.IN_HAND))
    return next((outbox_row for outbox_row in waiting if outbox_row.target.startswith(f"{DESK}:")), None)


def _check_named_parts(request: Request, details: EventDetails) -> None:
    """Volumes and files that are named must be the request's. Raises Refused(INVALID_VALUE)."""
    volumes = {volume.id for volume in request.volumes}
    for volume in (*details.volumes, *details.missing):
        if volume not in volumes:
            raise Refused(
                RefusalReason.INVALID_VALUE,
                "The request does not have this volume.",
                about=MessagePart.ITEM,
                value=volume,
            )
    if details.missing and not (set(details.volumes) or volumes).difference(details.missing):
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "At least one volume has to have arrived.",
            about=MessagePart.ITEM,
        )
    if details.attachment and all(attachment.id != details.attachment for attachment in request.attachments):
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "The request does not have this file.",
            about=MessagePart.REQUEST,
            value=details.attachment,
        )


async def _check_changes(context: LibraryContext, request: Request, details: EventDetails) -> None:
    """Check that a day or a place that is new is one that a new request could have; what stands there already may stay.
    Of an item that has come the library's system checks the place. Raises Refused(INVALID_DATE | BAD_PICKUP_LOCATION),
    Unavailable."""
    if details.need_by != request.dates.need_by:
        require_coming_day(details.need_by, context.today())
    if details.pickup and details.pickup != request.patron.pickup:
        require_pickup(details.pickup, await context.system.pickup_locations())


# --- what the caller left out ----------------------------------------------------------------------------


async def _complete_details(context: LibraryContext, request: Request, action: ActionRequest) -> EventDetails:
    """Details with what rules give where nobody said it: due dates, ids. Raises Refused, Unavailable."""
    details = await name_scanned_volume(context, request, action)
    if action.kind is EventKind.PATRON_ASKED and not details.query:
        return replace(details, query=make_exchange_id(context.now()))
    if action.kind is EventKind.PATRON_ANSWERED and not details.query and request.query is not None:
        return replace(details, query=request.query.id)
    if request.role is Role.LENDING and details.due is None:
        return await _add_due_date(context, request, action.kind, details)
    return details


async def _add_due_date(
    context: LibraryContext, request: Request, kind: EventKind, details: EventDetails
) -> EventDetails:
    lending = context.workflow(request).lending
    if kind is EventKind.SHIPPED and request.service.type is not ServiceType.COPY:
        partner = context.partner(request.partner.profile)
        days = due_dates.count_loan_days(
            context.policy().lending,
            lending.loan_days,
            item_policy=await _find_item_policy(context, details.barcode or request.item_barcode),
            category=partner.category if partner is not None else "",
        )
        return replace(details, due=due_dates.compute_lender_due(context.now(), days, context.calendar))
    if kind is EventKind.RENEW_ACCEPTED:
        return replace(details, due=compute_renewed_due(context, request, lending.renewal_days))
    if kind is EventKind.DUE_DATE_CHANGED:
        raise Refused(RefusalReason.DATA_MISSING, "The new due date is missing.", about=MessagePart.DUE_DATE)
    return details


async def _find_item_policy(context: LibraryContext, barcode: str) -> str:
    """Empty for an item that isn't known here: whether it can be lent at all is found out with the action itself."""
    item = await context.find_item(barcode) if barcode else None
    return item.policy if item is not None else ""


# --- what goes along with an event -----------------------------------------------------------------------


def _choose_preparation(context: LibraryContext, event: Event) -> Callable[[Request], Request]:
    if event.kind is EventKind.ASSIGN:
        return lambda request: choose_suppliers(context, request, event.details.rota, event.details.partner)
    return keep_request


async def make_copy_link(context: LibraryContext, request: Request, attachment_id: str) -> str:
    """A signed address of one of the request's files. Raises Refused(INVALID_VALUE | NOT_ALLOWED)."""
    if all(attachment.id != attachment_id for attachment in request.attachments):
        raise Refused(
            RefusalReason.INVALID_VALUE,
            "The request does not have this file.",
            about=MessagePart.REQUEST,
            value=attachment_id,
        )
    if not context.public_url:
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "Links cannot be created because http.public_url in gateway.yml is empty.",
            about=MessagePart.SERVICE,
        )
    rules = context.policy().copies
    now = context.now()
    expires = (now + timedelta(days=rules.link_days)).replace(microsecond=0)
    token = await context.store.write(
        lambda c: make_copy_token(c, context.symbol, request.id, attachment_id, expires, rules.downloads, now)
    )
    return f"{context.public_url.rstrip('/')}/d/{token}"


# --- what staff have to do besides an act --------------------------------------------------------------------

# A channel that has no message for an event, and a library's system that can't be told of it, refuse it only when the
# act is done. Here it is said beforehand.


def find_action_hints(
    context: LibraryContext, request: Request, kinds: tuple[EventKind, ...], at: Event
) -> Mapping[EventKind, str]:
    """Find by kind of the act what staff have to do besides: in the library's own system, or because the partner
    doesn't hear of it. `at`: an event whose time counts."""
    hints = {}
    for kind in kinds:
        notifications = list_notifications(request, kind, context.workflow(request), at)
        silence = [hint for notice in notifications if (hint := _describe_silence(context, request, notice))]
        sentences = [*filter(None, (describe_work_elsewhere(context, request, kind),)), *silence[-1:]]
        if sentences:
            hints[kind] = join_sentences(" ", sentences)
    return hints


def _describe_silence(context: LibraryContext, request: Request, notification: PartnerNotification) -> str:
    party, _ = find_receiver(context, notification, request)
    profile, partner = context.profile(party.profile), context.partner(party.profile)
    if profile is None or partner is None:
        return ""
    name = party.name or partner.name or party.symbol or profile.name
    if not partner.channel:
        return write_sentence(
            "%(target)s was not told because its profile has no channel. Please write or phone.", target=name
        )
    if not is_partner_notified(context, notification, request):
        return ""  # as the workflow says
    values = {"target": name, "kind": EVENT_CATALOGUE[notification.kind].words, "words": partner.channel}
    match choose_way_to_tell(context, notification, request):
        case CarryWay.LOST:
            return write_sentence(
                "%(target)s was not told because '%(kind)s' cannot be sent by %(words)s. Please write or phone.",
                **values,
            )
        case CarryWay.NOTE:
            return write_sentence(
                "%(target)s is told in a message because '%(kind)s' cannot be sent by %(words)s.", **values
            )
    return ""
