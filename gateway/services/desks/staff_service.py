"""StaffService and PartnerDirectory: tasks, dead letters, partners, rotas, loads."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from gateway.domain.problems import RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.network_load import MemberContact
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.policy import LineOrder, RotaTemplate
from gateway.domain.requests.request import (
    MESSAGE_TROUBLES,
    BorrowingState,
    Request,
    RequestedService,
    RequestFlag,
    Role,
    ServiceType,
)
from gateway.domain.requests.rota import RotaExplanation, build_rota_lines
from gateway.domain.requests.staff_views import (
    BatchedOrder,
    DeadLetter,
    DeadLetterCause,
    MailboxFailure,
    PartnerLoad,
    PartnerView,
    RotaView,
    RotaViewLine,
    SilentPartner,
    TaskView,
)
from gateway.domain.requests.task_lists import (
    BY_NAME,
    DEAD_LETTERS,
    MAILBOXES_AWAY,
    TASKS,
    UNMATCHED_MAILS,
    TaskListRule,
)
from gateway.domain.requests.views import NotFound, ResultPage
from gateway.domain.sentences import write_sentence
from gateway.domain.value import copy_fields, replace, value_object
from gateway.ports.shared_store import Transaction
from gateway.services.desks.request_statistics import MIN_CASES
from gateway.services.outbox.attempts import find_unknown_try, says_refused
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.effects import PARTNER, readdress_message
from gateway.services.requests.library_context import LibraryContext, require_request
from gateway.services.requests.order_batches import list_waiting_orders, skip_batch_orders
from gateway.services.requests.outbox_row_names import CHANGED, LEFT_OUT, RELEASED, name_outbox_row
from gateway.services.requests.partner_closures import load_partners
from gateway.services.requests.suppliers import SUPPLY_TIME_DAYS, explain_rota, look_up_listed
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store import mailbox
from gateway.store.requests import order_batches, outbox_decisions, outbox_queries, request_counts, requests
from gateway.store.requests.order_batches import FILE, GATHER, ORDER
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.outbox_lanes import read_message_kind
from gateway.store.requests.request_counts import TaskFigure
from gateway.store.requests.request_rows import UnreadableDocumentError, dump_message, parse_message

MAX_RELEASED = 500
"""Dead letters of one cause that are released at once."""


SETTLED = write_sentence("Settled another way")

SILENT_TRIES = 3
"""A partner that misses a message or two may be busy; after so many tries in vain staff are told."""


@value_object
class StaffService:
    """Staff's lists besides the requests themselves."""

    context: LibraryContext

    async def tasks(self) -> Sequence[TaskView]:
        counts, oldest = await self.context.store.read(
            lambda c: (
                request_counts.read_task_counts(c, self.context.symbol),
                request_counts.read_oldest_of_tasks(c, self.context.symbol),
            )
        )
        lists = tuple(
            TaskView(
                task.name,
                task.role.value if task.role is not None else "",
                task.description,
                counts.get(task.name, 0),
                oldest.get(task.name),
            )
            for task in TASKS
        )
        dead = TaskView(
            DEAD_LETTERS,
            "",
            "could not be done: release, edit or skip",
            counts.get(DEAD_LETTERS, 0),
            oldest.get(DEAD_LETTERS),
        )
        waiting = await self.context.store.read(lambda c: mailbox.measure_waiting(c, self.context.symbol))
        mails = TaskView(
            UNMATCHED_MAILS, "", "fit no request: say which is meant, or dismiss them", waiting.count, waiting.oldest
        )
        away = await self.list_mailbox_failures()
        boxes = TaskView(
            MAILBOXES_AWAY,
            "",
            "can't be read: partners' answers stay there",
            len(away),
            min((box.since for box in away), default=None),
        )
        return (*lists, mails, dead, boxes)

    async def list_work(self, branches: Collection[str] = ()) -> Sequence[TaskView]:
        """The same as `tasks`, and each list of both sides once more for either side (`role`). `branches`: requests of
        these branches alone count; empty: all."""
        names = [task.name for task in TASKS if branches or task.role is None]
        totals = await self.context.store.read(
            lambda c: request_counts.read_task_figures(c, self.context.symbol, names, branches)
        )
        sides = [
            _build_side_view(task, role, totals.get((task.name, role)))
            for task in TASKS
            if task.role is None
            for role in Role
        ]
        whole = await self.tasks()
        return (*(whole if not branches else (_narrow_view(view, totals) for view in whole)), *sides)

    async def list_silent_partners(self, least_tries: int = SILENT_TRIES) -> Sequence[SilentPartner]:
        """Partners to whom messages were tried so often or more in vain, and still are; the one that has been silent
        longest first."""
        targets = await self.context.store.read(
            lambda c: outbox_queries.list_retried_targets(c, self.context.symbol, PARTNER, least_tries)
        )
        partners = self.context.partner_policies()
        return tuple(
            SilentPartner(target, partners[target].name if target in partners else target, count, since, error)
            for target, count, since, error in targets
        )

    async def list_mailbox_failures(self) -> Sequence[MailboxFailure]:
        """Mailboxes of the library that can't be read now, by name."""
        return await self.context.store.read(lambda c: mailbox.list_mailbox_failures(c, self.context.symbol))

    # --- dead letters ------------------------------------------------------------------------------------

    async def dead_letters(self, limit: int, cursor: str) -> ResultPage[DeadLetter]:
        """Oldest first."""
        page = await self.context.store.read(
            lambda c: outbox_queries.list_oldest_by_status(c, self.context.symbol, OutboxStatus.DEAD, limit, cursor)
        )
        return ResultPage(tuple(_build_dead_letter(row) for row in page.rows), page.cursor)

    async def dead_letter(self, letter_id: str) -> DeadLetter:
        """Find a dead letter; raises NotFound, also when it isn't dead any more."""
        return _build_dead_letter(await self.context.store.read(lambda c: _find_dead_row(c, self.context, letter_id)))

    async def dead_letter_causes(self) -> Sequence[DeadLetterCause]:
        """Dead letters by kind, target and error, the group with the oldest first."""
        return await self.context.store.read(lambda c: outbox_queries.group_dead_rows(c, self.context.symbol))

    async def dead_letters_of_cause(
        self, kind: str, target: str, error: str, limit: int = MAX_RELEASED
    ) -> Sequence[DeadLetter]:
        """Those of one group, oldest first."""
        rows = await self.context.store.read(
            lambda c: outbox_queries.list_dead_of_cause(c, self.context.symbol, kind, target, error, limit)
        )
        return tuple(map(_build_dead_letter, rows))

    async def release_all(self, letter_ids: Iterable[str], actor: str) -> int:
        """Release letters, and return how many went; one that isn't dead any more is passed over, since somebody else
        has decided about it."""
        released = 0
        for letter_id in letter_ids:
            with suppress(NotFound):
                await self.release(letter_id, actor)
                released += 1
        return released

    async def release(self, letter_id: str, actor: str) -> None:
        """Release a letter, also an order that waits for others, which goes alone, and a message that the partner
        refused. What could not be sent to its partner goes to where the profile says today."""

        def release_letter(connection: Transaction) -> None:
            row = _record_decision(connection, self.context, letter_id, RELEASED, actor, look=_find_held_row)
            if row.status is OutboxStatus.REFUSED:
                outbox_decisions.resend_row(connection, self.context.symbol, letter_id, self.context.now())
                _keep_refusal(connection, row, self.context.now())
                _end_trouble(connection, self.context, row.request_id)
                return
            if row.status is OutboxStatus.DEAD and row.kind in (PARTNER, ORDER):
                payload = _readdress_letter(self.context, row)
                outbox_decisions.edit_row(connection, self.context.symbol, letter_id, payload, self.context.now())
            else:
                outbox_decisions.release_row(connection, self.context.symbol, letter_id, self.context.now())
            _keep_unknown_try(connection, row)

        await self._write_change(release_letter)

    async def edit(self, letter_id: str, payload: str, actor: str) -> None:
        """Edit a letter; raises NotFound; Refused (INVALID_VALUE) when the payload can't be what its kind needs."""

        def edit_letter(connection: Transaction) -> None:
            row = _record_decision(connection, self.context, letter_id, CHANGED, actor)
            _check_payload(row, payload)
            outbox_decisions.edit_row(connection, self.context.symbol, letter_id, payload, self.context.now())
            _keep_unknown_try(connection, row)

        await self._write_change(edit_letter)

    async def skip(self, letter_id: str, reason: str, actor: str) -> None:
        """It is never sent; what comes after it in its lane goes on. Raises NotFound."""

        def skip_letter(connection: Transaction) -> None:
            row = _record_decision(connection, self.context, letter_id, LEFT_OUT, actor, reason)
            if row.kind == FILE:
                skip_batch_orders(connection, self.context, row, reason, actor)
            outbox_decisions.skip_row(connection, self.context.symbol, letter_id, reason, actor, self.context.now())

        await self._write_change(skip_letter)

    async def settle_rejection(self, request_id: str, note: str, actor: str) -> bool:
        """Take a request off these lists: what a partner rejected, or can't be told by a message, was settled in
        another way, or what a stranger wrote was looked at: nothing goes out. False: it was on none of them. Raises
        NotFound."""

        def settle(connection: Transaction) -> bool:
            request = requests.lock_request(connection, self.context.symbol, request_id)
            if request is None:
                raise NotFound("request")
            if request.flags.isdisjoint(MESSAGE_TROUBLES):
                return False
            words = write_sentence("Settled another way: %(words)s", words=note) if note else SETTLED
            event = Event(local_signal(EventKind.NOTE), self.context.now(), actor, EventDetails(note=words))
            apply_event_in(connection, self.context, EventRequest(request_id=request_id, event=event))
            for row in outbox_queries.list_refused_of_request(connection, self.context.symbol, PARTNER, request_id):
                outbox_decisions.skip_refused_row(connection, self.context.symbol, row.id, str(words), actor)
            noted = requests.lock_request(connection, self.context.symbol, request_id)
            assert noted is not None, "it was there a moment ago"
            requests.amend_request(connection, replace(noted, flags=noted.flags - MESSAGE_TROUBLES))
            return True

        return await write_once(self.context.store, settle)

    async def _write_change(self, change: Callable[[Transaction], None]) -> None:
        await write_once(self.context.store, change)
        self.context.wake_outbox()

    # --- orders that wait for others ---------------------------------------------------------------------

    async def list_batched_orders(self, limit: int, cursor: str) -> ResultPage[BatchedOrder]:
        """Oldest first."""
        return await self.context.store.read(lambda c: list_waiting_orders(c, self.context, limit, cursor))

    async def send_orders_now(self, partner: str) -> int:
        """Send now what waits for others to go to this partner, and return how many orders that are. Raises Refused:
        there is no such partner."""
        profile, _ = self.context.require_partner(partner)
        sent = await self.context.store.write(
            lambda c: order_batches.send_batch_now(c, self.context.symbol, profile.name, self.context.now())
        )
        self.context.wake_outbox()
        return sent


def _readdress_letter(context: LibraryContext, row: OutboxRow) -> str:
    """Readdress a letter; it stays as it is where a newer release has written it: a node that can read it will send
    it."""
    try:
        return readdress_message(context, row)
    except UnreadableDocumentError:
        return row.payload


def _keep_unknown_try(connection: Transaction, released: OutboxRow) -> None:
    """Mark what may have arrived as a repeat, also when the first try after its release finds nobody."""
    error = find_unknown_try(released)
    if error is not None:
        outbox_decisions.mark_as_tried(connection, released.library, released.id, error)


def _build_side_view(task: TaskListRule, role: Role, figure: TaskFigure | None) -> TaskView:
    count, oldest = (figure.count, figure.oldest) if figure is not None else (0, None)
    return TaskView(task.name, role.value, task.description, count, oldest)


def _narrow_view(view: TaskView, totals: Mapping[tuple[str, Role], TaskFigure]) -> TaskView:
    """A list of requests with those alone that were found; what isn't one stays."""
    if view.name not in BY_NAME:
        return view
    figures = [figure for role in Role if (figure := totals.get((view.name, role))) is not None]
    count, oldest = sum(figure.count for figure in figures), min((figure.oldest for figure in figures), default=None)
    return TaskView(view.name, view.role, view.description, count, oldest)


def _find_dead_row(connection: Transaction, context: LibraryContext, letter_id: str) -> OutboxRow:
    """Find a dead row; raises NotFound, also when it isn't dead (any more)."""
    row = outbox_queries.get_outbox_row(connection, context.symbol, letter_id)
    if row is None or row.status is not OutboxStatus.DEAD:
        raise NotFound("dead letter")
    return row


def _find_held_row(connection: Transaction, context: LibraryContext, letter_id: str) -> OutboxRow:
    """The same, or an order that waits for others, or a message that the partner refused. Raises NotFound."""
    row = outbox_queries.get_outbox_row(connection, context.symbol, letter_id)
    if row is not None and (row.kind, row.status) in _HELD:
        return row
    return _find_dead_row(connection, context, letter_id)


_HELD = frozenset({(ORDER, OutboxStatus.WAITING), (PARTNER, OutboxStatus.REFUSED)})
"""Kind and status of what can be sent now besides dead letters."""


def _keep_refusal(connection: Transaction, row: OutboxRow, now: datetime) -> None:
    """Keep the refusal for the next try of a message whose kind the partner has refused."""
    if says_refused(row.error, RefusalReason.UNSUPPORTED_SERVICE):
        message = replace(parse_message(row.payload), refused_before=True)
        outbox_decisions.edit_row(connection, row.library, row.id, dump_message(message), now)


def _end_trouble(connection: Transaction, context: LibraryContext, request_id: str) -> None:
    """End the trouble of a refused message that goes again, unless there are others."""
    request = requests.lock_request(connection, context.symbol, request_id)
    if request is None or RequestFlag.TROUBLE not in request.flags:
        return
    if not outbox_queries.list_refused_of_request(connection, context.symbol, PARTNER, request_id):
        requests.amend_request(connection, replace(request, flags=request.flags - {RequestFlag.TROUBLE}))


FindRow = Callable[[Transaction, LibraryContext, str], OutboxRow]


def _record_decision(
    connection: Transaction,
    context: LibraryContext,
    letter_id: str,
    template: str,
    actor: str,
    words: str = "",
    look: FindRow = _find_dead_row,
) -> OutboxRow:
    """The row; who decided what about it stands in the history of its request, if that is still there. `template`: of
    the note, `words`: of the one who decided. That locks the request, or where there is none the row, and only then is
    the row looked at for good: two of the staff at once decide one after the other.

    Raises NotFound.
    """
    row = look(connection, context, letter_id)
    if row.request_id:
        what = name_outbox_row(row.kind, row.target, context)
        details = EventDetails(note=write_sentence(template, what=what, words=words))
        event = Event(local_signal(EventKind.NOTE), context.now(), actor, details)
        with suppress(NotFound):
            apply_event_in(connection, context, EventRequest(request_id=row.request_id, event=event))
    else:
        outbox_decisions.lock_row(connection, context.symbol, letter_id)
    return look(connection, context, letter_id)


def _build_dead_letter(row: OutboxRow) -> DeadLetter:
    word = read_message_kind(row.payload) if row.kind in (PARTNER, ORDER) else ""
    return copy_fields(DeadLetter, row, event=EventKind(word) if word in set(EventKind) else None)


def _check_payload(row: OutboxRow, payload: str) -> None:
    """Check a payload; raises Refused(INVALID_VALUE) when the row's handler could not read it."""
    try:
        if row.kind in (FILE, GATHER):
            raise ValueError("it is made from its orders; release it or skip it")
        if row.kind in (PARTNER, ORDER):
            parse_message(payload)
        elif not isinstance(json.loads(payload), dict):
            raise ValueError("an object is expected")
    except (ValueError, UnreadableDocumentError) as error:
        raise Refused(
            RefusalReason.INVALID_VALUE,
            write_sentence("This is not valid data for '%(kind)s': %(error)s", kind=row.kind, error=str(error)),
        ) from error


@value_object
class _PartnerCounts:
    borrowing: Mapping[str, int]
    lending: Mapping[str, int]
    times: Mapping[str, request_counts.SupplyTime]
    partners: Mapping[str, PartnerPolicy]


TRIAL = "trial"
"""Of a request that is never made."""


@value_object(kw_only=True)
class RotaTrial:
    """A wish, to see whom it would go to. `rota` empty: the one that the rules give it."""

    citation: Citation = Citation()
    service: ServiceType = ServiceType.LOAN
    branch: str = ""
    rota: str = ""


HeardFrom = Callable[[str], MemberContact]
"""Finds the contact by the profile of the member."""


def report_no_contact(_member: str) -> MemberContact:
    """There is no network."""
    return MemberContact()


@value_object
class PartnerDirectory:
    context: LibraryContext
    heard_from: HeardFrom = report_no_contact

    async def partners(self) -> Sequence[PartnerView]:
        counted = await _count_by_partner(self.context)
        return tuple(
            _build_partner_view(self.context, profile, partner, counted, self.heard_from)
            for profile, partner in self.context.partners()
        )

    async def partner(self, profile: str) -> PartnerView:
        """Describe a partner; raises NotFound."""
        entry = self.context.profile(profile)
        if entry is None or entry.partner is None or entry.abstract:
            raise NotFound("partner")
        return _build_partner_view(
            self.context, entry, entry.partner, await _count_by_partner(self.context), self.heard_from
        )

    async def rotas(self) -> Sequence[RotaView]:
        policy = self.context.policy()
        return tuple(_build_rota_view(name, template) for name, template in policy.rotas.items())

    async def rota(self, name: str) -> RotaView:
        """Describe a rota; raises NotFound."""
        template = self.context.policy().rotas.get(name)
        if template is None:
            raise NotFound("rota")
        return _build_rota_view(name, template)

    async def explain(self, request_id: str) -> RotaExplanation:
        """Explain whom a borrowing request would ask next, and why; nothing is changed. Raises NotFound, Refused."""
        return await explain_rota(self.context, await require_request(self.context, request_id))

    async def explain_at_once(self, request_id: str) -> RotaExplanation:
        """Explain the same by what profiles list, without waiting for a catalogue. Raises NotFound, Refused."""
        return await explain_rota(self.context, await require_request(self.context, request_id), look_up_listed)

    async def explain_trial(self, wish: RotaTrial) -> RotaExplanation:
        """Explain whom a request for this would ask, and why; no request is made. Raises NotFound: no rota has this
        name."""
        now = self.context.now()
        trial = Request(
            library=self.context.symbol,
            id=TRIAL,
            role=Role.BORROWING,
            state=BorrowingState.NEW,
            number=TRIAL,
            created=now,
            changed=now,
            citation=wish.citation,
            service=RequestedService(wish.service),
            branch=wish.branch,
        )
        if wish.rota:
            template = self.context.policy().rotas.get(wish.rota)
            if template is None:
                raise NotFound("rota")
            lines = build_rota_lines(template, trial, self.context.partner_policies())
            trial = replace(trial, rota_name=wish.rota, rota=lines)
        return await explain_rota(self.context, trial)

    async def loads(self) -> Sequence[PartnerLoad]:
        loads = await self.context.store.read(
            lambda c: request_counts.read_partner_loads(c, self.context.symbol, Role.BORROWING)
        )
        symbols = {profile.name: partner.symbol for profile, partner in self.context.partners()}
        return tuple(PartnerLoad(symbols[name], count) for name, count in loads.items() if symbols.get(name))


async def _count_by_partner(context: LibraryContext) -> _PartnerCounts:
    since = context.now() - timedelta(days=SUPPLY_TIME_DAYS)

    def load_partner_counts(connection: Transaction) -> _PartnerCounts:
        return _PartnerCounts(
            request_counts.read_partner_loads(connection, context.symbol, Role.BORROWING),
            request_counts.read_partner_loads(connection, context.symbol, Role.LENDING),
            request_counts.read_supply_times(connection, context.symbol, since),
            load_partners(connection, context),
        )

    return await context.store.read(load_partner_counts)


def _build_partner_view(
    context: LibraryContext, profile: Profile, partner: PartnerPolicy, counted: _PartnerCounts, heard_from: HeardFrom
) -> PartnerView:
    time, elsewhere = counted.times.get(profile.name), context.reported_load(partner)
    heard = heard_from(profile.name)
    return PartnerView(
        profile=profile.name,
        name=partner.name,
        symbols=partner.symbols,
        roles=tuple(role.value for role in partner.roles),
        channel=partner.channel,
        email=partner.email,
        phone=partner.phone,
        closed_now=counted.partners.get(profile.name, partner).is_closed(context.today()),
        open_borrowing=counted.borrowing.get(profile.name, 0),
        open_lending=counted.lending.get(profile.name, 0),
        reported=elsewhere.open,
        reported_by=elsewhere.members,
        member=partner.network is not None,
        heard=heard.at,
        silent=heard.silent,
        mean_days=time.mean_days if time is not None and time.count >= MIN_CASES else None,
        cost=partner.usual_price(RequestedService()),
    )


def _build_rota_view(name: str, template: RotaTemplate) -> RotaView:
    lines = tuple(RotaViewLine(line.partner, line.last_resort) for line in template.lines)
    return RotaView(
        name=name, description=template.description, ordered=template.order is LineOrder.ORDERED, lines=lines
    )
