"""Closures of partners: what their profiles say, and what staff have written at the page or by the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests import rota
from gateway.domain.requests.partner_policy import Closure, PartnerPolicy
from gateway.domain.requests.request import BorrowingState, Role
from gateway.domain.requests.staff_views import PartnerClosureView
from gateway.domain.requests.state_table import TimerKind
from gateway.domain.requests.views import NotFound, RequestFilter
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.shared_store import Transaction
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.deadlines import timer_due
from gateway.services.requests.library_context import LibraryContext
from gateway.store import partner_closures
from gateway.store.partner_closures import PartnerClosureRow
from gateway.store.requests import request_lists, requests, timers
from gateway.store.schema import make_exchange_id

MAX_NOTE_CHARS = 200
MAX_DAYS_AHEAD = 1_100
"""So far in advance nobody knows."""

REOPENING_GRACE = timedelta(minutes=15)
"""Who changes the days of a closure takes it back, and writes it anew."""

REQUESTS_AT_ONCE = 200


@value_object
class PartnerClosureService:
    context: LibraryContext

    async def list_closures(self, partner: str) -> Sequence[PartnerClosureView]:
        """List the closures from today on, by their first day. Raises NotFound."""
        policy, today = _require_policy(self.context, partner), self.context.today()
        rows = await self.context.store.read(
            lambda c: partner_closures.list_partner_closures(c, self.context.symbol, today)
        )
        of_profile = [PartnerClosureView("", days.first, days.last, days.note, "") for days in policy.closures]
        written = [_build_view(row) for row in rows if row.partner == partner]
        return sorted(
            (view for view in (*of_profile, *written) if view.last >= today), key=lambda view: (view.first, view.last)
        )

    async def add_closure(self, partner: str, first: date, last: date, note: str, actor: str) -> PartnerClosureView:
        """Add a closure; raises NotFound, Refused (INVALID_VALUE): days that make no sense."""
        _require_policy(self.context, partner)
        text, today = " ".join(note.split()), self.context.today()
        if last < first:
            raise _invalid("The last day is before the first.", last.isoformat())
        if last < today:
            raise _invalid("These days are over.", last.isoformat())
        if last > today + timedelta(days=MAX_DAYS_AHEAD):
            raise _invalid("This is too far ahead.", last.isoformat())
        if len(text) > MAX_NOTE_CHARS or not text.isprintable():
            raise _invalid(
                write_sentence("The note can have up to %(most)s printable characters.", most=MAX_NOTE_CHARS),
                text[:40],
            )
        now = self.context.now()
        new = PartnerClosureRow(
            library=self.context.symbol,
            id=make_exchange_id(now),
            partner=partner,
            first=first,
            last=last,
            note=text,
            made_at=now,
            made_by=actor,
        )

        def insert_closure(c: Transaction) -> None:
            partner_closures.insert_partner_closure(c, new)
            _move_retry_timers(c, self.context, partner)

        await write_once(self.context.store, insert_closure, lambda _: new.id)
        return _build_view(new)

    async def remove_closure(self, partner: str, closure_id: str) -> None:
        """Remove a closure; raises NotFound, for those of the profile too."""

        def delete_closure(c: Transaction) -> bool:
            gone = partner_closures.delete_partner_closure(c, self.context.symbol, partner, closure_id)
            if gone:
                _move_retry_timers(c, self.context, partner)
            return gone

        if not await self.context.store.write(delete_closure):
            raise NotFound("closure")


def _move_retry_timers(connection: Transaction, context: LibraryContext, partner: str) -> None:
    """Requests that wait for a day on which this partner opens wait for the right one now."""
    partners = load_partners(connection, context)
    request_filter = RequestFilter(role=Role.BORROWING, states=(BorrowingState.NO_SUPPLIER,))
    cursor = ""
    while True:
        page = request_lists.list_requests(connection, context.symbol, request_filter, REQUESTS_AT_ONCE, cursor)
        for request in page.requests:
            if any(line.partner == partner for line in request.rota):
                _move_retry_timer(connection, context, request.id, partner, partners)
        cursor = page.cursor
        if not cursor:
            return


def _move_retry_timer(
    connection: Transaction,
    context: LibraryContext,
    request_id: str,
    partner: str,
    partners: Mapping[str, PartnerPolicy],
) -> None:
    request, now = requests.lock_request(connection, context.symbol, request_id), context.now()
    running = timers.list_timers_of_request(connection, context.symbol, request_id)
    if request is None or all(row.timer is not TimerKind.RETRY for row in running):
        return
    today = context.calendar.day_of_moment(now)
    at = timer_due(context, TimerKind.RETRY, request, now, partners)
    if rota.can_ask_partner(request, context.policy(), partners, partner, today, context.zone):
        at = now + REOPENING_GRACE
    if at is not None:
        timers.start_timer(connection, context.symbol, request_id, TimerKind.RETRY, at)


def load_partners(connection: Transaction, context: LibraryContext) -> Mapping[str, PartnerPolicy]:
    """All partners, by profile, with their closing days from today on: those of the profile and those that staff have
    written."""
    rows = partner_closures.list_partner_closures(connection, context.symbol, context.today())
    return extend_closures(context.partner_policies(), rows)


def load_closures(connection: Transaction, context: LibraryContext, partner: str) -> tuple[Closure, ...]:
    """Load the closures of one partner, as `load_partners` does."""
    policy = load_partners(connection, context).get(partner)
    return policy.closures if policy is not None else ()


def extend_closures(
    partners: Mapping[str, PartnerPolicy], rows: Iterable[PartnerClosureRow]
) -> Mapping[str, PartnerPolicy]:
    """The partners, by profile, with what staff have written of their closing days."""
    written: dict[str, list[Closure]] = {}
    for row in rows:
        written.setdefault(row.partner, []).append(Closure(first=row.first, last=row.last, note=row.note))
    return {
        name: partner.model_copy(update={"closures": (*partner.closures, *written[name])})
        if name in written
        else partner
        for name, partner in partners.items()
    }


def _require_policy(context: LibraryContext, partner: str) -> PartnerPolicy:
    """Return a partner's policy; raises NotFound."""
    policy = context.partner_policies().get(partner)
    if policy is None:
        raise NotFound("partner")
    return policy


def _build_view(row: PartnerClosureRow) -> PartnerClosureView:
    return PartnerClosureView(row.id, row.first, row.last, row.note, row.made_by)


def _invalid(detail: str, value: str) -> Refused:
    return Refused(RefusalReason.INVALID_VALUE, detail, about=MessagePart.REQUEST, value=value)
