"""PatronRequestService: a patron's own requests, as their pages and the API show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gateway.domain.library import Hold
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.patron_settings import PatronSettings
from gateway.domain.requests.patron_status import (
    COMPLETED,
    COPY_READY,
    PatronStatus,
    is_cancellation_refused,
    is_coming_unwanted,
    status_of_request,
)
from gateway.domain.requests.patron_views import PatronAction, PatronReference, PatronRefusal, PatronView
from gateway.domain.requests.request import BorrowingState, Request, Role
from gateway.domain.requests.state_machine import list_allowed_events
from gateway.domain.requests.views import ActionRequest, NotFound, RequestFilter, ResultPage
from gateway.domain.value import value_object
from gateway.ports.library_system import Capability, PatronKey
from gateway.services.letters.renderer import LetterRenderer
from gateway.services.request_work.actions import patron_actions
from gateway.services.request_work.request_service import RequestService
from gateway.services.requests.library_context import PATRON, LibraryContext, require_request
from gateway.store.patron_settings import load_patron_settings, save_patron_settings
from gateway.store.requests.history import EventRow, list_events_of_request

KINDS: Mapping[PatronAction, EventKind] = {
    PatronAction.CANCEL: EventKind.CANCEL,
    PatronAction.RENEW: EventKind.RENEW,
    PatronAction.ANSWER: EventKind.PATRON_ANSWERED,
}

MAX_OPEN_REQUESTS = 500
"""Of one patron, as many as are looked at for holds of theirs."""

_OVER = frozenset({PatronStatus.DONE, PatronStatus.ENDED})


@value_object
class PatronRequestService:
    """`language` empty: the one of the request's patron."""

    requests: RequestService
    letters: LetterRenderer

    async def find_patron_id(self, value: str, kind: PatronReference) -> str:
        """Find the id of a patron whom the library's system finds by this identifier, or of whom there are requests
        under this id.

        Raises NotFound; Refused (AMBIGUOUS_PATRON) where it is one patron's id and another's identifier; Unavailable.
        """
        ids: set[str] = set()
        if kind is not PatronReference.IDENTIFIER:
            request_filter = RequestFilter(role=Role.BORROWING, patron_id=value)
            ids.update(request.patron.id for request in await self.requests.list_requests(request_filter, 1, ""))
        if kind is not PatronReference.ID:
            try:
                ids.add((await self.requests.context.system.find_patron(PatronKey(value))).id)
            except Refused as refused:
                if refused.reason is not RefusalReason.UNKNOWN_PATRON:
                    raise
        if not ids:
            raise NotFound("patron")
        if len(ids) > 1:
            raise Refused(
                RefusalReason.AMBIGUOUS_PATRON,
                "This is the ID of one patron and an identifier of another. State which type of number it is.",
                about=MessagePart.PATRON,
            )
        return ids.pop()

    async def list_requests(
        self, patron_id: str, open_: bool | None, language: str, limit: int, cursor: str
    ) -> ResultPage[PatronView]:
        """Newest change first. Raises InvalidCursorError."""
        request_filter = RequestFilter(role=Role.BORROWING, patron_id=patron_id, open=open_)
        page = await self.requests.list_requests(request_filter, limit, cursor)
        return ResultPage(
            tuple(self._build_patron_view(self.requests.context, request, language) for request in page), page.cursor
        )

    async def load_settings(self, patron_id: str) -> PatronSettings:
        context = self.requests.context
        return await context.store.read(lambda c: load_patron_settings(c, context.symbol, patron_id))

    async def save_settings(self, patron_id: str, settings: PatronSettings) -> None:
        context = self.requests.context
        await context.store.write(lambda c: save_patron_settings(c, context.symbol, patron_id, settings))

    async def load_view(self, request_id: str, patron_id: str, language: str) -> PatronView:
        """Load a view; raises NotFound, for the requests of others too."""
        return self._build_patron_view(
            self.requests.context, await require_own_request(self.requests.context, request_id, patron_id), language
        )

    async def find_refusal(self, request: Request) -> PatronRefusal | None:
        """Find the refusal of a renewal or of a cancellation that still counts."""
        is_lent, context = request.state is BorrowingState.LENT, self.requests.context
        if not (is_lent or is_coming_unwanted(request)):
            return None
        rows = await context.store.read(lambda c: list_events_of_request(c, context.symbol, request.id))
        fitting = [row for row in rows if not row.denied]
        row = _find_refused_renewal(fitting) if is_lent else _find_refused_cancellation(fitting)
        if row is None:
            return None
        return PatronRefusal(
            action=PatronAction.RENEW if is_lent else PatronAction.CANCEL,
            at=row.at,
            reason=row.event.details.reason,
            note=row.event.details.note,
            is_sent=row.event.kind is EventKind.SHIPPED,
        )

    async def apply_action(
        self,
        request_id: str,
        patron_id: str,
        act: PatronAction,
        details: EventDetails,
        version: int | None,
        language: str,
    ) -> PatronView:
        """Apply an action; raises NotFound, VersionConflict, EventDenied, Refused (the partner's workflow keeps it for
        staff)."""
        await require_own_request(self.requests.context, request_id, patron_id)
        done = ActionRequest(kind=KINDS[act], details=details, actor=PATRON, version=version)
        return self._build_patron_view(
            self.requests.context, await self.requests.apply_action(request_id, done), language
        )

    async def recall_action(self, request_id: str, patron_id: str, reference: str, language: str) -> PatronView:
        """Recall an action as `RequestService.recall_action` does."""
        await require_own_request(self.requests.context, request_id, patron_id)
        return self._build_patron_view(
            self.requests.context, await self.requests.recall_action(request_id, reference), language
        )

    # --- holds in the library's own system -----------------------------------------------------------------

    async def list_holds(self, patron_id: str) -> tuple[Hold, ...]:
        """Open ones, oldest first; not those on which an item for a request of ours waits, which says so itself.
        Raises Refused, Unavailable."""
        holds = await self.requests.context.system.patron_holds(patron_id)
        if not holds:
            return ()
        request_filter = RequestFilter(role=Role.BORROWING, patron_id=patron_id, open=True)
        ours = tuple(await self.requests.list_requests(request_filter, MAX_OPEN_REQUESTS, ""))
        return tuple(hold for hold in holds if not any(_is_hold_of_request(hold, request) for request in ours))

    async def find_hold(self, patron_id: str, hold_id: str) -> Hold:
        """Find a hold; raises NotFound for those of others too, and as `list_holds`."""
        holds = await self.list_holds(patron_id)
        hold = next((hold for hold in holds if hold.id == hold_id), None)
        if hold is None:
            raise NotFound("hold")
        return hold

    def can_cancel_hold(self, hold: Hold) -> bool:
        """Return whether the library's system can cancel it, and no partner's request hangs on it. What has no key
        wasn't placed through the gateway: then its number is one of the system's own."""
        capabilities = self.requests.context.system.capabilities
        is_patrons_own = not hold.request_id or not hold.key
        return Capability.HOLD_CANCEL in capabilities and bool(hold.id) and is_patrons_own

    async def cancel_hold(self, patron_id: str, hold_id: str, key: str) -> None:
        """Cancel a hold, under the same key once. Raises NotFound: it isn't there any more; Refused, Unavailable,
        OutcomeUnknown."""
        hold = await self.find_hold(patron_id, hold_id)
        if not self.can_cancel_hold(hold):
            raise Refused(RefusalReason.NOT_ALLOWED, "Please ask library staff to do this.", about=MessagePart.REQUEST)
        try:
            await self.requests.context.system.cancel_hold(hold.id, key)
        except Refused as refused:
            if refused.reason not in _ENDED_HOLD:
                raise
            raise NotFound("hold") from refused

    def _build_patron_view(self, context: LibraryContext, request: Request, language: str) -> PatronView:
        status = status_of_request(request)
        spoken = self.letters.resolve_language(language or request.patron.language, context.symbol)
        is_old_copy = status.word == COPY_READY and is_long_ago(context, request)
        word = COMPLETED if is_old_copy else status.word
        return PatronView(
            request=request,
            status=status.status,
            text=spoken.words.patron.get(word, word),
            language=spoken.language,
            actions=_list_patron_actions(context, request, status.status),
        )


def is_long_ago(context: LibraryContext, request: Request) -> bool:
    """Return whether its last change is so long ago that a copy that came with it is not given out any more."""
    return request.changed + timedelta(days=context.policy().copies.link_days) <= context.now()


_ENDED_HOLD = (RefusalReason.UNKNOWN_REQUEST, RefusalReason.REQUEST_CLOSED)


_RENEWAL_NEWS = (
    EventKind.RENEW,
    EventKind.RENEW_ACCEPTED,
    EventKind.RENEW_REFUSED,
    EventKind.DUE_DATE_CHANGED,
    EventKind.RECALL,
)
_CANCEL_REFUSALS = (EventKind.CANCEL_REFUSED, EventKind.SHIPPED)


def _find_refused_renewal(rows: Sequence[EventRow]) -> EventRow | None:
    """Find the answer to the last renewal, oldest rows first; other news of the loan's end is newer than a refusal."""
    news = [row for row in rows if row.event.kind in _RENEWAL_NEWS]
    kinds = [row.event.kind for row in news]
    if EventKind.RENEW not in kinds:
        return None
    answers = news[len(kinds) - kinds[::-1].index(EventKind.RENEW) :]
    return answers[0] if {row.event.kind for row in answers} == {EventKind.RENEW_REFUSED} else None


def _find_refused_cancellation(rows: Sequence[EventRow]) -> EventRow | None:
    answers = [row for row in rows if row.before == BorrowingState.CANCEL_PENDING]
    return next((row for row in reversed(answers) if row.event.kind in _CANCEL_REFUSALS), None)


def _is_hold_of_request(hold: Hold, request: Request) -> bool:
    barcodes = [volume.barcode for volume in request.volumes if volume.barcode]
    return hold.id == request.hold_id or hold.request_id == request.number or hold.item_barcode in barcodes


async def require_own_request(context: LibraryContext, request_id: str, patron_id: str) -> Request:
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
    if is_cancellation_refused(request):
        possible -= {EventKind.CANCEL}
    return tuple(act for act, kind in KINDS.items() if kind in possible)
