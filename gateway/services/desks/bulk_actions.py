"""BulkActionService: the same act with many requests, one after the other; what fails fails alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.requests.event_catalogue import BULK_KINDS
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.request import Request
from gateway.domain.requests.staff_views import BulkFailure, BulkResult
from gateway.domain.requests.state_machine import list_allowed_events
from gateway.domain.requests.take_back import MarkChange
from gateway.domain.requests.views import ActionRequest, EventDenied, NotFound, RequestFilter, VersionConflict
from gateway.domain.value import value_object
from gateway.services.desks.request_marks import RequestMarkService
from gateway.services.outbox.keyed_work import KeyTaken, use_part_of_key
from gateway.services.request_work.request_service import RequestService

MAX_BULK = 500
"""Requests that one bulk act is done with."""

_PAGE = 100


@value_object
class BulkActionService:
    requests: RequestService
    marks: RequestMarkService

    async def collect(self, wanted: RequestFilter) -> Sequence[Request]:
        """Collect those that fit, the first MAX_BULK in the order of the filter. Raises what `RequestService.listing`
        raises."""
        requests: dict[str, Request] = {}
        cursor = ""
        while True:
            page = await self.requests.list_requests(wanted, _PAGE, cursor)
            requests |= {request.id: request for request in page}
            if not page.cursor or len(requests) >= MAX_BULK:
                return tuple(requests.values())[:MAX_BULK]
            cursor = page.cursor

    async def list_possible(self, request: Request) -> frozenset[EventKind]:
        """List what could be done with the request in bulk, as it is now."""
        probe = Event(local_signal(EventKind.NOTE), self.requests.context.now())
        return frozenset(list_allowed_events(request, self.requests.context.workflow(request), probe)).intersection(
            BULK_KINDS
        )

    async def apply_action(
        self,
        ids: Sequence[str],
        kind: EventKind,
        details: EventDetails,
        actor: str,
        hold: timedelta = timedelta(0),
        lists_untold: bool = False,
    ) -> BulkResult:
        """`hold`, `lists_untold`: as of `ActionRequest`."""
        action = ActionRequest(
            kind=kind, details=details, actor=actor, version=None, hold=hold, lists_untold=lists_untold
        )

        async def apply_once(id_: str) -> Request:
            try:
                with use_part_of_key(id_):
                    return await self.requests.apply_action(id_, action)
            except KeyTaken as taken:  # when it was asked for first
                return await self.requests.recall_action(id_, taken.reference)

        return await self._do_each(ids, apply_once)

    async def assign(self, ids: Sequence[str], assignee: str) -> BulkResult:
        return await self._do_each(ids, lambda id_: self.marks.assign(id_, assignee))

    async def label(self, ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> BulkResult:
        return await self._do_each(ids, lambda id_: self.marks.change_labels(id_, add, remove))

    async def take_back_marks(self, changes: Sequence[MarkChange]) -> int:
        return await self.marks.take_back_changes(changes)

    async def _do_each(self, ids: Sequence[str], do: Callable[[str], Awaitable[Request]]) -> BulkResult:
        done: list[Request] = []
        failed: list[BulkFailure] = []
        for id_ in dict.fromkeys(ids):
            try:
                done.append(await do(id_))
            except (NotFound, EventDenied, Refused, Unavailable, OutcomeUnknown, VersionConflict) as error:
                denied = error.denied if isinstance(error, EventDenied) else None
                failed.append(BulkFailure(id_, await self._find_number(id_), _reason_of(error), denied))
        return BulkResult(tuple(done), tuple(failed))

    async def _find_number(self, id_: str) -> str:
        """Find the number that people know; the id of a request that isn't there."""
        try:
            return (await self.requests.find_request(id_)).number
        except NotFound:
            return id_


def _reason_of(error: Exception) -> str:
    """Return the reason in a sentence."""
    match error:
        case EventDenied():
            return error.denied.detail
        case Refused() | Unavailable() | OutcomeUnknown():
            return error.detail
    return str(error)
